/* SPDX-License-Identifier: Apache-2.0 */
/* Wrapped credentials and tokens, to their end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "auth/token.h"
#include "broker/dates.h"
#include "fail_alloc.h"
#include "fake_engine.h"
#include "util/clock.h"
#include "util/json.h"
#include "util/shared.h"
#include "wrapping_fixture.h"

/* ---- Wrapped credentials ---- */

static void a_credential_waits_for_its_opening(void **state)
{
	struct lease *lease;
	int64_t end;

	(void)state;
	wrap("GET", CREDS, NULL, "60");
	end = clock_now() + 60;
	lease = only_lease();
	assert_int_equal(lease->state, LEASE_WRAPPED);
	assert_in_range(lease->due, end - 2, end + 2);
	lease_free(lease);
	assert_int_equal(f.shared->slots[0].phase, SLOT_FREE);
	assert_int_equal(unwrap(wrapping), 200);
	assert_string_equal(data_text(&f, "secret"), SECRET);
	assert_int_equal(json_get_int(f.body, "lease_duration", 0), 1800);
	lease = only_lease();
	assert_int_equal(lease->state, LEASE_ACTIVE);
	assert_string_equal(lease->id, lease_id);
	assert_in_range(lease->due, clock_now() + 1790, clock_now() + 1801);
	lease_free(lease);
	age(61);
	turn(3);
	assert_int_equal(fake.revokes, 0);
	assert_int_equal(lease_state(), LEASE_ACTIVE);
}

static void an_unopened_credential_is_taken_back_at_the_end(void **state)
{
	(void)state;
	wrap("GET", CREDS, NULL, "60");
	turn(2);
	assert_int_equal(fake.revokes, 0);
	age(61);
	turn(3);
	assert_int_equal(fake.revokes, 1);
	assert_int_equal(lease_state(), 0);
}

/* Two in a row say so, and one that agrees ends it. */
static void nothing_ends_by_a_clock_that_is_wrong(void **state)
{
	struct slot *slot = &f.shared->slots[3];

	(void)state;
	wrap("GET", CREDS, NULL, "60");
	age(61);
	dates_hear(f.shared, slot, clock_now() - 1000);
	dates_hear(f.shared, slot, clock_now() - 1000);
	turn(3);
	assert_int_equal(lease_state(), LEASE_WRAPPED);
	dates_hear(f.shared, slot, clock_now());
	turn(3);
	assert_int_equal(lease_state(), 0);
}

static void a_lease_that_ends_first_does_not_wait(void **state)
{
	struct lease *lease;

	(void)state;
	fake.ttl = 20;
	wrap("GET", CREDS, NULL, "60");
	lease = only_lease();
	assert_in_range(lease->due, clock_now() + 18, clock_now() + 22);
	lease_free(lease);
}

static void a_credential_wrapped_anew_waits_longer(void **state)
{
	struct lease *lease;

	(void)state;
	wrap("GET", CREDS, NULL, "60");
	wrap("POST", "sys/wrapping/unwrap", with_token(wrapping), "600");
	lease = only_lease();
	assert_int_equal(lease->state, LEASE_WRAPPED);
	assert_in_range(lease->due, clock_now() + 590, clock_now() + 602);
	lease_free(lease);
	assert_int_equal(unwrap(wrapping), 200);
	assert_int_equal(lease_state(), LEASE_ACTIVE);
}

static void a_waiting_lease_cannot_be_renewed(void **state)
{
	struct lease *lease;
	char body[300];

	(void)state;
	wrap("GET", CREDS, NULL, "60");
	lease = only_lease();
	snprintf(body, sizeof(body), "{\"lease_id\":\"%s\"}", lease->id);
	lease_free(lease);
	ask_as(NULL, "PUT", "sys/leases/renew", body, "");
	expect_error(400, "lease is not renewable before its response was unwrapped");
	assert_int_equal(lease_state(), LEASE_WRAPPED);
}

static void a_session_is_forgotten_unless_it_was_opened(void **state)
{
	(void)state;
	fake.lasting = false;
	fake.expires_at = clock_now() + 3600;
	wrap("GET", CREDS, NULL, "60");
	age(61);
	turn(3);
	assert_int_equal(lease_state(), 0);
	wrap("GET", CREDS, NULL, "60");
	assert_int_equal(unwrap(wrapping), 200);
	age(61);
	turn(3);
	assert_int_equal(lease_state(), LEASE_ACTIVE);
}

/* ---- Wrapped tokens ---- */

static char opened[64];

static bool is_alive(const char *one)
{
	return ask_as(one, "GET", "auth/token/lookup-self", NULL, "") == 200;
}

static void open_token(void)
{
	assert_int_equal(unwrap(wrapping), 200);
	snprintf(opened, sizeof(opened), "%s",
		 json_get_text(json_object_get(f.body, "auth"), "client_token"));
}

static void a_token_that_was_opened_lives(void **state)
{
	(void)state;
	wrap_token();
	open_token();
	age(61);
	turn(3);
	assert_true(is_alive(opened));
}

static void an_unopened_token_is_revoked_at_the_end(void **state)
{
	char body[100];

	(void)state;
	wrap("POST", "auth/token/create", "{\"ttl\":\"1h\"}", "60");
	snprintf(body, sizeof(body), "{\"accessor\":\"%s\"}",
		 json_get_text(info(), "wrapped_accessor"));
	age(61);
	turn(1);
	assert_int_not_equal(ask_as(NULL, "POST", "auth/token/lookup-accessor", body, ""), 200);
}

/* The first one with the id was revoked; its answer lies in the wrapper still. */
static void make_again(void)
{
	static const char body[] = "{\"id\":\"again\",\"ttl\":\"1h\"}";

	wrap("POST", "auth/token/create", body, "60");
	assert_int_equal(ask_as("again", "POST", "auth/token/revoke-self", NULL, ""), 204);
	turn(3);
	assert_int_equal(ask_as(NULL, "POST", "auth/token/create", body, ""), 200);
}

static void who_is_given_the_id_again_outlives_the_wrapper_of_the_first(void **state)
{
	(void)state;
	make_again();
	age(61);
	turn(3);
	assert_true(is_alive("again"));
}

static void nor_does_the_opening_for_nobody_end_it(void **state)
{
	const struct api_request raw = {
		.method = "PUT",
		.path = "/v1/sys/wrapping/unwrap",
		.token = wrapping,
		.deadline = clock_boot_ms() + DEADLINE,
	};

	(void)state;
	make_again();
	assert_int_equal(serve(&f, &raw), 200);
	settle(&f, false);
	assert_true(is_alive("again"));
}

/* ---- Opened in the last moment ---- */

/* A driver that is overtaken before its next commit. */
static struct store_driver slow;
static void (*overtake)(void); /* NULL: by nobody */

static int slow_apply(void *handle, const struct driver_op *ops, size_t count, size_t *failed_out)
{
	void (*overtaker)(void) = overtake;

	overtake = NULL;
	if (overtaker)
		overtaker();
	return store_lmdb.apply(handle, ops, count, failed_out);
}

static int slow_set_up(void **state)
{
	slow = store_lmdb;
	slow.apply = slow_apply;
	temp_driver = &slow;
	return wrapping_set_up(state);
}

static int slow_tear_down(void **state)
{
	overtake = NULL;
	temp_driver = &store_lmdb;
	return lending_tear_down(state);
}

/* Who looked at the clock before the end, and commits after it. */
static void open_late(void)
{
	age(-61);
	assert_int_equal(unwrap(wrapping), 200);
	snprintf(opened, sizeof(opened), "%s",
		 json_get_text(json_object_get(f.body, "auth"), "client_token"));
	age(61);
}

static void end_overtaken(void)
{
	age(61);
	overtake = open_late;
	turn(1);
	assert_null(overtake);
	turn(3);
}

static void a_credential_opened_in_the_last_moment_lives(void **state)
{
	(void)state;
	wrap("GET", CREDS, NULL, "60");
	end_overtaken();
	assert_int_equal(fake.revokes, 0);
	assert_int_equal(lease_state(), LEASE_ACTIVE);
}

static void a_token_opened_in_the_last_moment_lives(void **state)
{
	(void)state;
	wrap_token();
	end_overtaken();
	assert_true(is_alive(opened));
}

/* The answer to a renewal holds a token too, but did not make it. */
static void a_token_that_was_renewed_does_not_wait(void **state)
{
	(void)state;
	wrap_token();
	open_token();
	assert_int_equal(ask_as(opened, "POST", "auth/token/renew-self", NULL, "60"), 200);
	snprintf(wrapping, sizeof(wrapping), "%s", json_get_text(info(), "token"));
	age(61);
	turn(3);
	assert_true(is_alive(opened));
}

/* ---- Who has the store and the master key ---- */

struct search {
	const char *needle;
	size_t records, found;
};

static int look_at(void *context, const struct store_record *record)
{
	struct search *search = context;

	search->records++;
	if (memmem(record->value.data, record->value.size, search->needle, strlen(search->needle)))
		search->found++;
	return 0;
}

static size_t find_in_store(const char *needle)
{
	struct search search = { needle, 0, 0 };

	assert_int_equal(store_scan(f.temp.store, STORE_SCAN_VALUES, (struct bytes){ "", 0 },
				    (struct bytes){ "", 0 }, (struct bytes){ "", 0 }, SIZE_MAX,
				    look_at, &search),
			 0);
	assert_true(search.records > 10);
	return search.found;
}

static void a_thief_with_the_master_key_finds_no_wrapped_value(void **state)
{
	(void)state;
	wrap("POST", "sys/wrapping/wrap", "{\"a\":\"a-very-private-text\"}", "60");
	assert_int_equal(find_in_store("a-very-private-text"), 0);
	assert_int_equal(find_in_store(wrapping), 0);
	wrap("GET", CREDS, NULL, "60");
	assert_int_equal(find_in_store(SECRET), 0);
	assert_int_equal(find_in_store(wrapping), 0);
	assert_int_equal(ask_as(NULL, "POST", "cubbyhole/x", "{\"k\":\"mine-alone\"}", ""), 204);
	assert_int_equal(find_in_store("mine-alone"), 0);
	assert_int_equal(find_in_store(f.token), 0);
	assert_true(find_in_store(CREDS) > 0); /* it does look inside */
}

/* ---- Lost memory ---- */

static void revoke_only(void)
{
	struct lease *lease = only_lease();
	char body[300];

	snprintf(body, sizeof(body), "{\"lease_id\":\"%s\",\"sync\":false}", lease->id);
	lease_free(lease);
	assert_int_equal(ask_as(NULL, "PUT", "sys/leases/revoke", body, ""), 202);
	turn(2);
	assert_int_equal(lease_state(), 0);
}

/* Whatever allocation fails: nobody has half of anything. What was opened for nobody is revoked, and
 * what was wrapped for nobody as well. */
static void lost_memory_leaves_no_credential(void **state)
{
	struct api_request raw = {
		.method = "GET",
		.path = "/v1/" CREDS,
		.remote_address = ADDRESS,
		.token = f.token,
		.wrap_ttl = "60",
	};
	int status = 0;

	(void)state;
	for (unsigned n = 1; status != 200; n++) {
		raw.deadline = clock_boot_ms() + DEADLINE;
		fail_alloc_at(n);
		status = serve(&f, &raw);
		fail_alloc_stop();
		settle(&f, true);
		turn(2);
		assert_int_equal(lease_state(), status == 200 ? LEASE_WRAPPED : 0);
		assert_true(n < 3000);
	}
}

/* Either it can still be opened, or nobody has its credential. */
static void lost_memory_opens_nothing_by_half(void **state)
{
	struct api_request raw = {
		.method = "PUT",
		.path = "/v1/sys/wrapping/unwrap",
		.remote_address = ADDRESS,
		.token = wrapping,
	};
	int status = 0;

	(void)state;
	for (unsigned n = 1; status != 200; n++) {
		wrap("GET", CREDS, NULL, "60");
		raw.deadline = clock_boot_ms() + DEADLINE;
		fail_alloc_at(n);
		status = serve(&f, &raw);
		fail_alloc_stop();
		settle(&f, true);
		turn(2);
		assert_true(n < 3000);
		if (status != 200 && lease_state()) {
			assert_int_equal(lease_state(), LEASE_WRAPPED);
			assert_int_equal(unwrap(wrapping), 200);
		}
		if (lease_state()) {
			assert_int_equal(lease_state(), LEASE_ACTIVE);
			revoke_only();
		}
	}
}

/* Either it can still be opened, or nobody has its token. */
static void lost_memory_leaves_no_unwrapped_token(void **state)
{
	struct api_request raw = {
		.method = "PUT",
		.path = "/v1/sys/wrapping/unwrap",
		.remote_address = ADDRESS,
		.token = wrapping,
	};
	char accessor[100];
	int status = 0;

	(void)state;
	for (unsigned n = 1; status != 200; n++) {
		bool alive;

		wrap("POST", "auth/token/create", "{\"ttl\":\"1h\"}", "60");
		snprintf(accessor, sizeof(accessor), "{\"accessor\":\"%s\"}",
			 json_get_text(info(), "wrapped_accessor"));
		raw.deadline = clock_boot_ms() + DEADLINE;
		fail_alloc_at(n);
		status = serve(&f, &raw);
		fail_alloc_stop();
		settle(&f, true);
		turn(2);
		alive = ask_as(NULL, "POST", "auth/token/lookup-accessor", accessor, "") == 200;
		assert_true(n < 3000);
		if (status == 200 && !alive)
			fail_msg("allocation %u: the token is dead", n);
		if (status != 200 && alive && unwrap(wrapping) != 200)
			fail_msg("allocation %u: the token lives for nobody", n);
	}
}

int main(void)
{
#define SLOW_TEST(name) cmocka_unit_test_setup_teardown(name, slow_set_up, slow_tear_down)
	const struct CMUnitTest tests[] = {
		WRAPPING_TEST(a_credential_waits_for_its_opening),
		WRAPPING_TEST(an_unopened_credential_is_taken_back_at_the_end),
		WRAPPING_TEST(nothing_ends_by_a_clock_that_is_wrong),
		WRAPPING_TEST(a_lease_that_ends_first_does_not_wait),
		WRAPPING_TEST(a_credential_wrapped_anew_waits_longer),
		WRAPPING_TEST(a_waiting_lease_cannot_be_renewed),
		WRAPPING_TEST(a_session_is_forgotten_unless_it_was_opened),
		WRAPPING_TEST(a_token_that_was_opened_lives),
		WRAPPING_TEST(an_unopened_token_is_revoked_at_the_end),
		SLOW_TEST(a_credential_opened_in_the_last_moment_lives),
		SLOW_TEST(a_token_opened_in_the_last_moment_lives),
		WRAPPING_TEST(who_is_given_the_id_again_outlives_the_wrapper_of_the_first),
		WRAPPING_TEST(nor_does_the_opening_for_nobody_end_it),
		WRAPPING_TEST(a_token_that_was_renewed_does_not_wait),
		WRAPPING_TEST(a_thief_with_the_master_key_finds_no_wrapped_value),
		WRAPPING_TEST(lost_memory_leaves_no_credential),
		WRAPPING_TEST(lost_memory_opens_nothing_by_half),
		WRAPPING_TEST(lost_memory_leaves_no_unwrapped_token),
	};

	fail_alloc_jansson();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
