/* SPDX-License-Identifier: Apache-2.0 */
/* Wrapped answers that were opened, but reached nobody. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "auth/token.h"
#include "auth/tree.h"
#include "fake_engine.h"
#include "util/clock.h"
#include "util/shared.h"
#include "wrapping_fixture.h"

/* ---- Replies that nobody received, workers that died ---- */

/* Serves, and says how the reply fares. */
static void serve_lost(const char *token, const char *method, const char *path,
		       const char *wrap_ttl)
{
	char full[100];
	const struct api_request raw = {
		.method = method,
		.path = full,
		.remote_address = ADDRESS,
		.token = token,
		.wrap_ttl = wrap_ttl,
		.deadline = clock_boot_ms() + DEADLINE,
	};

	snprintf(full, sizeof(full), "/v1/%s", path);
	assert_int_equal(serve(&f, &raw), 200);
}

static void an_unwrapped_credential_that_nobody_received_is_revoked(void **state)
{
	(void)state;
	wrap("GET", CREDS, NULL, "60");
	serve_lost(wrapping, "PUT", "sys/wrapping/unwrap", "");
	assert_int_equal(lease_state(), LEASE_ISSUED);
	assert_int_equal(f.shared->slots[0].phase, SLOT_ISSUED);
	settle(&f, false);
	turn(2);
	assert_int_equal(fake.revokes, 1);
	assert_int_equal(f.shared->slots[0].phase, SLOT_FREE);
}

static void a_wrapping_token_that_nobody_received_takes_its_credential_along(void **state)
{
	(void)state;
	serve_lost(f.token, "GET", CREDS, "60");
	assert_int_equal(lease_state(), LEASE_WRAPPED);
	settle(&f, false);
	turn(2);
	assert_int_equal(fake.revokes, 1);
}

/* The worker is dead; what it had in hand is settled. */
static void die(void)
{
	f.shared->slots[0].pid = -7;
	turn(3);
	assert_int_equal(f.shared->slots[0].pid, 0);
	assert_int_equal(f.shared->slots[0].phase, SLOT_FREE);
}

static void killed_after_the_opening_the_credential_is_revoked(void **state)
{
	(void)state;
	wrap("GET", CREDS, NULL, "60");
	memset(f.shared->slots[0].lease, 0, sizeof(f.shared->slots[0].lease)); /* another worker */
	serve_lost(wrapping, "PUT", "sys/wrapping/unwrap", "");
	die();
	assert_int_equal(fake.revokes, 1);
	assert_int_equal(lease_state(), 0);
}

/* As it is between commit and the next word to the slot. */
static void killed_right_at_the_opening_too(void **state)
{
	(void)state;
	wrap("GET", CREDS, NULL, "60");
	serve_lost(wrapping, "PUT", "sys/wrapping/unwrap", "");
	f.shared->slots[0].phase = SLOT_OPENING;
	die();
	assert_int_equal(fake.revokes, 1);
}

static void killed_before_the_opening_the_credential_waits_on(void **state)
{
	struct lease *lease;
	struct lease_key key;

	(void)state;
	wrap("GET", CREDS, NULL, "60");
	lease = only_lease();
	assert_int_equal(lease_key(f.temp.store, lease->id, &key), 0);
	lease_free(lease);
	slot_hold(&f.shared->slots[0], key.name, SLOT_OPENING);
	die();
	assert_int_equal(fake.revokes, 0);
	assert_int_equal(unwrap(wrapping), 200);
	assert_string_equal(data_text(&f, "secret"), SECRET);
}

static void killed_before_the_wrapping_token_was_sent_the_credential_is_revoked(void **state)
{
	(void)state;
	serve_lost(f.token, "GET", CREDS, "60");
	assert_int_equal(f.shared->slots[0].phase, SLOT_ISSUED);
	die();
	assert_int_equal(fake.revokes, 1);
}

/* ---- The same of tokens ---- */

#define TOKEN_TTL 3600 /* of wrap_token */

/* When the only token that is due within its life is; the wrapping token's entry has gone. */
static struct token_due token_due(void)
{
	struct token_due dues[4];
	size_t count;

	assert_int_equal(
		token_due_scan(f.temp.store, clock_now() + TOKEN_TTL + 60, dues, 4, &count), 0);
	assert_in_range(count, 1, 2); /* a revoked one twice */
	assert_memory_equal(dues[0].token.name, dues[count - 1].token.name, KEYRING_NAME_SIZE);
	return dues[0];
}

/* Opens a wrapped token; its reply is on its way. */
static void open_lost_token(void)
{
	wrap_token();
	serve_lost(wrapping, "PUT", "sys/wrapping/unwrap", "");
	assert_int_equal(f.shared->slots[0].phase, SLOT_TOKEN);
	turn(2); /* the wrapping token goes */
}

/* Tokens that are due some time, alive or not: without root. */
static size_t find_tokens(void)
{
	struct token_due dues[4];
	size_t count;

	assert_int_equal(token_due_scan(f.temp.store, INT64_MAX - 1, dues, 4, &count), 0);
	return count;
}

static bool token_lives(void)
{
	struct token_due due = token_due();
	struct caller caller;
	int ret = token_find_name(f.temp.store, due.token.name, &caller);

	caller_clear(&caller);
	return !ret;
}

static void an_unwrapped_token_that_nobody_received_is_revoked(void **state)
{
	(void)state;
	open_lost_token();
	assert_true(token_lives());
	settle(&f, false);
	assert_false(token_lives());
	assert_int_equal(f.shared->slots[0].phase, SLOT_FREE);
}

static void an_unwrapped_token_that_arrived_lives_as_long_as_it_should(void **state)
{
	int64_t end;

	(void)state;
	open_lost_token();
	assert_in_range(token_due().time, clock_now(), clock_now() + 60);
	api_sent(f.api, true);
	assert_int_equal(f.shared->slots[0].phase, SLOT_TOKEN_DELIVERED);
	api_settle(f.api);
	assert_int_equal(f.shared->slots[0].phase, SLOT_FREE);
	end = clock_now() + TOKEN_TTL;
	assert_in_range(token_due().time, end - 5, end + 1);
	assert_true(token_lives());
}

static void killed_after_the_opening_the_token_is_revoked(void **state)
{
	(void)state;
	open_lost_token();
	f.shared->slots[0].pid = -7;
	turn(1);
	assert_int_equal(f.shared->slots[0].phase, SLOT_FREE);
	turn(2);
	assert_int_equal(find_tokens(), 0);
}

/* Between commit and the word to the slot, or with the whole server: the due time is left. */
static void killed_with_its_slot_the_token_is_due_soon(void **state)
{
	struct token_due due;

	(void)state;
	open_lost_token();
	slot_phase_set(&f.shared->slots[0], SLOT_FREE);
	due = token_due();
	assert_in_range(due.time, clock_now(), clock_now() + 60);
	assert_int_equal(token_bury_due(f.temp.store, &due, 1), 0);
	assert_false(token_lives());
}

static void killed_after_the_reply_the_token_lives(void **state)
{
	int64_t end = clock_now() + TOKEN_TTL;

	(void)state;
	open_lost_token();
	api_sent(f.api, true);
	f.shared->slots[0].pid = -7;
	turn(2);
	assert_in_range(token_due().time, end - 5, end + 5);
	assert_true(token_lives());
}

/* The worker lives, but sleeps. */
static void a_delivered_token_outlives_its_workers_sleep(void **state)
{
	struct token_due due;
	struct store_batch batch = { 0 };
	struct caller caller;
	bool held;

	(void)state;
	open_lost_token();
	api_sent(f.api, true);
	due = token_due();
	assert_int_equal(token_find_name(f.temp.store, due.token.name, &caller), 0);
	assert_int_equal(token_hold(f.temp.store, &batch, due.token.name, caller.accessor,
				    clock_now() - 1, &held),
			 0);
	caller_clear(&caller);
	assert_true(held);
	assert_int_equal(store_apply(f.temp.store, STORE_NORMAL, &batch, NULL), 0);
	store_batch_free(&batch);
	turn(2);
	assert_true(token_lives());
	assert_true(token_due().time > clock_now() + TOKEN_TTL - 60);
}

/* Who uses it before that is written down is not in the way, nor is the way in theirs. */
static void a_token_may_be_renewed_before_it_is_confirmed(void **state)
{
	struct caller caller;
	int64_t end;

	(void)state;
	open_lost_token();
	assert_int_equal(token_find_name(f.temp.store, token_due().token.name, &caller), 0);
	assert_int_equal(token_renew(f.temp.store, &caller, TOKEN_TTL - 600), 0);
	caller_clear(&caller);
	settle(&f, true);
	end = clock_now() + TOKEN_TTL - 600;
	assert_in_range(token_due().time, end - 5, end + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WRAPPING_TEST(an_unwrapped_credential_that_nobody_received_is_revoked),
		WRAPPING_TEST(a_wrapping_token_that_nobody_received_takes_its_credential_along),
		WRAPPING_TEST(killed_after_the_opening_the_credential_is_revoked),
		WRAPPING_TEST(killed_right_at_the_opening_too),
		WRAPPING_TEST(killed_before_the_opening_the_credential_waits_on),
		WRAPPING_TEST(killed_before_the_wrapping_token_was_sent_the_credential_is_revoked),
		WRAPPING_TEST(an_unwrapped_token_that_nobody_received_is_revoked),
		WRAPPING_TEST(an_unwrapped_token_that_arrived_lives_as_long_as_it_should),
		WRAPPING_TEST(killed_after_the_opening_the_token_is_revoked),
		WRAPPING_TEST(killed_with_its_slot_the_token_is_due_soon),
		WRAPPING_TEST(killed_after_the_reply_the_token_lives),
		WRAPPING_TEST(a_delivered_token_outlives_its_workers_sleep),
		WRAPPING_TEST(a_token_may_be_renewed_before_it_is_confirmed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
