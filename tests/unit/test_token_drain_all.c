/* SPDX-License-Identifier: Apache-2.0 */
/* What dead tokens leave: batch tokens, all that is theirs, and many of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "auth/cubbyhole.h"
#include "broker/broker_priv.h"
#include "broker/wrapping.h"
#include "drain_fixture.h"
#include "fail_alloc.h"
#include "fake_engine.h"
#include "lease/index.h"
#include "store/key.h"
#include "util/buf.h"
#include "util/clock.h"

/* ---- Batch tokens ---- */

static void a_lease_of_a_batch_token_ends_with_it(void **state)
{
	struct caller root = child_of(NULL), batch;
	struct token_terms terms = terms_of(&root, 120);
	struct renew_reply renewed;
	char *id;

	(void)state;
	terms.type = TOKEN_BATCH;
	batch = born(&terms, NULL);
	assert_int_equal(issue_to(&batch, 5000), 0);
	assert_in_range(reply.ttl, 118, 120);
	broker_delivered(broker, true);
	id = strdup(reply.lease_id);
	issue_reply_clear(&reply);
	assert_int_equal(broker_renew(broker, id, 3600, &renewed, &err), 0);
	assert_in_range(renewed.ttl, 118, 120);
	revoke(&root);
	settle();
	assert_int_equal(fake.revokes, 1);
	free(id);
	caller_clear(&root);
	caller_clear(&batch);
}

static void the_leases_of_a_batch_token_go_at_its_end(void **state)
{
	struct token_terms terms = terms_of(NULL, 600);
	struct caller batch;
	struct store_batch trace = { 0 };

	(void)state;
	terms.type = TOKEN_BATCH;
	batch = born(&terms, NULL);
	lend(&batch);
	batch.expires_ns = clock_now_ns() - 2000000000; /* as time does */
	batch.revision = 0;
	assert_int_equal(token_trace(&trace, &batch), 0);
	assert_int_equal(store_apply(temp.store, STORE_NORMAL, &trace, NULL), 0);
	store_batch_free(&trace);
	turn_slowly(10);
	assert_int_equal(fake.revokes, 1);
	/* The entry of the end that the test has moved means nothing, and goes when it is due. */
	assert_int_equal(temp_records(temp.store), records + 1);
	caller_clear(&batch);
}

/* ---- What else goes ---- */

static void nothing_is_kept_or_wrapped_below_a_dead_root(void **state)
{
	struct caller root = child_of(NULL), child;
	struct token_terms terms = terms_of(&root, 600);
	json_t *data = json_pack("{s:s}", "k", "v");
	char text[TOKEN_TEXT_MAX];
	struct cubbyhole_owner owner = { &child, text };
	struct wrap_request request = {
		.caller = &child,
		.path = "sys/wrapping/wrap",
		.ttl = 60,
		.response = "{}",
		.size = 2,
		.accessor = "",
		.deadline = clock_boot_ms() + 5000,
	};
	struct opening opening = { .address = "", .deadline = request.deadline, .caller = &child };
	struct buf response = BUF_INIT;
	struct wrap_reply wrapped, again;
	bool issued;

	(void)state;
	child = born(&terms, text);
	assert_int_equal(broker_wrap(broker, &request, &again, &err), 0);
	opening.token = again.made.token;
	assert_int_equal(broker_rewrap(broker, &opening, 0, &wrapped, &issued, &err), 0);
	wrap_reply_clear(&again);
	opening.token = wrapped.made.token;
	revoke(&root);
	assert_int_equal(broker_rewrap(broker, &opening, 0, &again, &issued, &err), LH_EPERM);
	assert_int_equal(broker_unwrap(broker, &opening, &response, &issued), LH_EPERM);
	assert_int_equal(response.size, 0);
	wrap_reply_clear(&wrapped);
	assert_int_equal(cubbyhole_put(temp.store, &owner, "x", data, &err), LH_EPERM);
	assert_int_equal(broker_wrap(broker, &request, &wrapped, &err), LH_ECONFLICT);
	assert_string_equal(err.text, "the response cannot be wrapped: the token that asks was "
				      "revoked meanwhile");
	json_decref(data);
	caller_clear(&child);
	caller_clear(&root);
}

static void the_cubbyhole_goes_with_its_token(void **state)
{
	struct token_terms terms = terms_of(NULL, 600);
	json_t *data = json_pack("{s:s}", "k", "v");
	char text[TOKEN_TEXT_MAX];
	struct caller caller = born(&terms, text);
	const struct cubbyhole_owner owner = { &caller, text };

	(void)state;
	assert_int_equal(cubbyhole_put(temp.store, &owner, "x", data, &err), 0);
	revoke(&caller);
	assert_int_equal(cubbyhole_put(temp.store, &owner, "y", data, &err), LH_EPERM);
	settle();
	json_decref(data);
	caller_clear(&caller);
}

/* An unreadable record blocks nobody, and what it owned is taken back. */
static void a_broken_record_goes_as_well(void **state)
{
	struct caller root = child_of(NULL), child = child_of(&root);
	struct store_batch batch = { 0 };
	struct key key;

	(void)state;
	lend(&child);
	key_token(&key, child.token);
	store_batch_put(&batch, STORE_ANY, 0, key_bytes(&key), (struct bytes){ "{", 1 });
	assert_int_equal(store_apply(temp.store, STORE_NORMAL, &batch, NULL), 0);
	store_batch_free(&batch);
	revoke(&root);
	turn_slowly(20);
	assert_int_equal(fake.revokes, 1);
	assert_int_equal(look_up_name(&root), LH_ENOENT);
	assert_int_equal(look_up_name(&child), LH_ENOENT);
	/* Only what nothing but the record named is left: its accessor, and its entry until then. */
	assert_int_equal(temp_records(temp.store), records + 2);
	caller_clear(&root);
	caller_clear(&child);
}

/* At least so many of the two leases are gone or being revoked. */
static void check_leases(int least)
{
	struct due due[2];
	struct lease *lease;
	size_t count;

	assert_int_equal(due_scan(temp.store, INT64_MAX - 1, NULL, due, 2, &count), 0);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(lease_get_key(temp.store, &due[i].lease, &lease), 0);
		least -= lease->state >= LEASE_REVOKING;
		lease_free(lease);
	}
	assert_true(least <= 2 - (int)count);
}

static bool is_stored(const struct caller *caller)
{
	uint64_t revision = 0;
	struct key key;

	key_token(&key, caller->token);
	assert_int_equal(store_revision(temp.store, key_bytes(&key), &revision), 0);
	return revision != 0;
}

/* Whatever fails, a token does not go before all of its leases are given to the revoker. */
static void lost_memory_only_delays_it(void **state)
{
	struct caller root = child_of(NULL), child = child_of(&root);
	bool lost = true;

	(void)state;
	lend(&root);
	lend(&child);
	revoke(&root);
	for (unsigned n = 1; lost; n++) {
		fail_alloc_at(n);
		revoker_turn(revoker, 0, &err);
		lost = fail_alloc_stop();
		assert_true(n < 5000);
		check_leases(!is_stored(&root) + !is_stored(&child));
	}
	turn_slowly(5);
	assert_false(is_stored(&root) || is_stored(&child));
	caller_clear(&root);
	caller_clear(&child);
}

/* ---- Many ---- */

/* In as few commits as batches have room for. */
static void make_children(const struct caller *parent, size_t count)
{
	struct token_terms terms = terms_of(parent, 600);
	struct token_made made;

	while (count) {
		struct store_batch batch = { 0 };

		for (; count && batch.count + TOKEN_ADD_OPS <= STORE_BATCH_MAX; count--) {
			assert_int_equal(token_add(temp.store, &batch, &terms, &made), 0);
			token_made_clear(&made);
		}
		assert_int_equal(store_apply(temp.store, STORE_NORMAL, &batch, NULL), 0);
		store_batch_free(&batch);
	}
}

/* To be freed. */
static struct lease *first_lease(void)
{
	struct lease *lease;
	struct due due;
	size_t found;

	assert_int_equal(due_scan(temp.store, INT64_MAX - 1, NULL, &due, 1, &found), 0);
	assert_int_equal(lease_get_key(temp.store, &due.lease, &lease), 0);
	return lease;
}

/* Copies of a lease, of which it becomes the last. */
static void make_leases(struct lease *lease, size_t count)
{
	static size_t made;

	while (count) {
		struct store_batch batch = { 0 };

		for (; count && batch.count + LEASE_BATCH_OPS <= STORE_BATCH_MAX; count--) {
			char id[64];

			snprintf(id, sizeof(id), "cloud/creds/app/%zu", ++made);
			free(lease->id);
			lease->id = strdup(id);
			assert_int_equal(lease_change(temp.store, &batch, NULL, lease), 0);
		}
		assert_int_equal(store_apply(temp.store, STORE_NORMAL, &batch, NULL), 0);
		store_batch_free(&batch);
	}
}

static void check_all_revoking(void)
{
	struct due page[64], last;
	size_t count = 64;
	bool first = true;

	while (count == 64) {
		assert_int_equal(
			due_scan(temp.store, INT64_MAX - 1, first ? NULL : &last, page, 64, &count),
			0);
		for (size_t i = 0; i < count; i++) {
			struct lease *lease;

			assert_int_equal(lease_get_key(temp.store, &page[i].lease, &lease), 0);
			assert_int_equal(lease->state, LEASE_REVOKING);
			lease_free(lease);
		}
		first = false;
		last = page[count ? count - 1 : 0];
	}
}

static void ten_thousand_children_and_leases_go_after_one_commit(void **state)
{
	size_t many = getenv("LEASEHOLD_VALGRIND") ? 200 : 10000;
	struct caller root = child_of(NULL), child = child_of(&root);
	struct lease *lease;
	size_t before;

	(void)state;
	make_children(&root, many);
	lend(&root);
	lease = first_lease();
	make_leases(lease, many);
	lease_free(lease);
	before = temp_records(temp.store);
	revoke(&root);
	assert_int_equal(look_up_name(&child), LH_ENOENT);
	assert_int_equal(temp_records(temp.store), before + 2); /* nothing else was touched */
	for (int i = 0; is_stored(&root); i++) {
		assert_true(i < 20000);
		turn_slowly(1);
	}
	assert_false(is_stored(&child));
	assert_true(fake.revokes > 0); /* the rest as fast as the cloud's quota allows */
	check_all_revoking();
	caller_clear(&root);
	caller_clear(&child);
}

/* None of the leases goes, so what one turn has marked does not help the next one on. */
static void many_tokens_give_up_all_their_leases_to_a_sick_cloud(void **state)
{
	struct caller tokens[20];
	struct lease *lease;

	(void)state;
	fake.revoke = STEP_FAILED;
	tokens[0] = child_of(NULL);
	lend(&tokens[0]);
	lease = first_lease();
	for (size_t i = 0; i < 20; i++) {
		if (i)
			tokens[i] = child_of(NULL);
		memcpy(lease->owner.name, tokens[i].token, sizeof(lease->owner.name));
		make_leases(lease, 2 * LEASES_MARKED);
	}
	lease_free(lease);
	for (size_t i = 0; i < 20; i++)
		revoke(&tokens[i]);
	for (size_t i = 0, turns = 0; i < 20; turns++) {
		assert_true(turns < 200);
		turn_slowly(1);
		while (i < 20 && !is_stored(&tokens[i]))
			i++;
	}
	check_all_revoking();
	for (size_t i = 0; i < 20; i++)
		caller_clear(&tokens[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DRAIN_TEST(a_lease_of_a_batch_token_ends_with_it),
		DRAIN_TEST(the_leases_of_a_batch_token_go_at_its_end),
		DRAIN_TEST(the_cubbyhole_goes_with_its_token),
		DRAIN_TEST(nothing_is_kept_or_wrapped_below_a_dead_root),
		DRAIN_TEST(a_broken_record_goes_as_well),
		DRAIN_TEST(lost_memory_only_delays_it),
		DRAIN_TEST(ten_thousand_children_and_leases_go_after_one_commit),
		DRAIN_TEST(many_tokens_give_up_all_their_leases_to_a_sick_cloud),
	};

	fail_alloc_jansson();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
