/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens that die: what goes with them, and when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "auth/tree.h"
#include "drain_fixture.h"
#include "fake_engine.h"
#include "lease/index.h"
#include "util/clock.h"

/* ---- Revocation ---- */

static void a_revoked_token_takes_its_leases_along(void **state)
{
	struct caller caller = child_of(NULL);

	(void)state;
	for (int i = 0; i < 20; i++) /* more than one page */
		lend(&caller);
	revoke(&caller);
	settle();
	assert_true(fake.revokes >= 20); /* where many wait, keys go before the rest */
	caller_clear(&caller);
}

static void others_keep_what_they_have(void **state)
{
	struct caller caller = child_of(NULL), other = child_of(NULL);
	size_t before;

	(void)state;
	lend(&other);
	before = temp_records(temp.store);
	lend(&caller);
	revoke(&caller);
	turn_slowly(10);
	assert_true(temp_records(temp.store) < before);
	assert_int_equal(fake.revokes, 1);
	assert_int_equal(look_up_name(&other), 0);
	revoke(&other);
	settle();
	caller_clear(&caller);
	caller_clear(&other);
}

static void a_tree_goes_whatever_its_shape(void **state)
{
	struct caller root = child_of(NULL), child, grandchild;

	(void)state;
	for (int i = 0; i < 25; i++) {
		child = child_of(&root);
		lend(&child);
		for (int j = 0; j < (i % 5 == 0 ? 12 : 0); j++) {
			grandchild = child_of(&child);
			if (j % 4 == 0)
				lend(&grandchild);
			caller_clear(&grandchild);
		}
		caller_clear(&child);
	}
	revoke(&root);
	settle();
	assert_true(fake.revokes >= 25 + 5 * 3);
	caller_clear(&root);
}

static void a_line_as_long_as_can_be_goes(void **state)
{
	struct caller line[TOKEN_ANCESTORS_MAX + 1];

	(void)state;
	line[0] = child_of(NULL);
	for (size_t i = 1; i <= TOKEN_ANCESTORS_MAX; i++)
		line[i] = child_of(&line[i - 1]);
	lend(&line[TOKEN_ANCESTORS_MAX]);
	revoke(&line[0]);
	settle();
	assert_int_equal(fake.revokes, 1);
	for (size_t i = 0; i <= TOKEN_ANCESTORS_MAX; i++)
		caller_clear(&line[i]);
}

/* All memory of the revoker is a convenience: each turn is done by one that knows nothing. */
static void a_revoker_that_starts_over_ends_it_all_the_same(void **state)
{
	struct caller root = child_of(NULL), child = child_of(&root);

	(void)state;
	for (int i = 0; i < 40; i++)
		lend(i % 2 ? &root : &child);
	revoke(&root);
	for (int i = 0; temp_records(temp.store) != records; i++) {
		assert_true(i < 200);
		turn_slowly(1);
		revoker_free(revoker);
		assert_int_equal(revoker_new(taker, &revoker, &err), 0);
	}
	assert_true(fake.revokes >= 40);
	caller_clear(&root);
	caller_clear(&child);
}

static void parent_and_child_may_be_revoked_one_by_one(void **state)
{
	struct caller root = child_of(NULL), child = child_of(&root);

	(void)state;
	lend(&child);
	revoke(&child);
	revoke(&root);
	settle();
	caller_clear(&root);
	caller_clear(&child);
	root = child_of(NULL);
	child = child_of(&root);
	revoke(&root);
	revoke(&child);
	settle();
	caller_clear(&root);
	caller_clear(&child);
}

/* ---- Orphans ---- */

static void orphans_live_on_and_the_rest_goes(void **state)
{
	struct caller root = child_of(NULL), child, again, children[15];
	struct token_terms terms = terms_of(&root, 600);
	char text[TOKEN_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < 15; i++)
		children[i] = child_of(&root);
	child = child_of(&children[0]);
	terms.type = TOKEN_BATCH;
	again = born(&terms, text);
	lend(&root);
	lend(&again); /* of a batch token, which dies all the same */
	lend(&child);
	caller_clear(&again);
	assert_int_equal(token_revoke(temp.store, root.token, TOKEN_REVOKE_ORPHAN), 0);
	turn_slowly(20);
	assert_int_equal(fake.revokes, 2);
	assert_int_equal(look_up_name(&root), LH_ENOENT);
	for (size_t i = 0; i < 15; i++) {
		assert_int_equal(token_find_name(temp.store, children[i].token, &again), 0);
		assert_int_equal(again.ancestor_count, 0);
		caller_clear(&again);
	}
	assert_int_equal(token_find_name(temp.store, child.token, &again), 0);
	assert_int_equal(again.ancestor_count, 1);
	caller_clear(&again);
	for (size_t i = 0; i < 15; i++) {
		revoke(&children[i]);
		caller_clear(&children[i]);
	}
	settle();
	caller_clear(&root);
	caller_clear(&child);
}

/* Its children are nobody's heirs: they must not go with what was above it. */
static void orphans_are_spared_when_their_grandparent_dies(void **state)
{
	struct caller root = child_of(NULL), middle = child_of(&root), child = child_of(&middle);

	(void)state;
	assert_int_equal(token_revoke(temp.store, middle.token, TOKEN_REVOKE_ORPHAN), 0);
	revoke(&root);
	turn_slowly(20);
	assert_int_equal(look_up_name(&child), 0);
	revoke(&child);
	settle();
	caller_clear(&root);
	caller_clear(&middle);
	caller_clear(&child);
}

/* ---- Time ---- */

static void what_has_ended_goes_with_all_that_it_owned(void **state)
{
	struct caller root = child_of(NULL);
	struct token_terms terms = terms_of(&root, -1);
	struct token_made made;

	(void)state;
	for (int i = 0; i < 75; i++) { /* more than one look finds */
		make(&terms, &made);
		token_made_clear(&made);
	}
	turn_slowly(5);
	assert_int_equal(temp_records(temp.store), records + 3); /* record, accessor, due entry */
	revoke(&root);
	settle();
	caller_clear(&root);
}

static void a_token_without_end_is_never_due(void **state)
{
	struct token_terms terms = terms_of(NULL, 0);
	struct caller caller = born(&terms, NULL);
	struct token_due due;
	size_t count;

	(void)state;
	assert_int_equal(token_due_scan(temp.store, INT64_MAX - 1, &due, 1, &count), 0);
	assert_int_equal(count, 0);
	revoke(&caller);
	settle();
	caller_clear(&caller);
}

/* It was found below its parent and went with its tombstone; then its id was given again. */
static void what_is_left_of_a_revocation_kills_no_later_token(void **state)
{
	struct token_terms terms = terms_of(NULL, 0);
	struct caller caller = born(&terms, NULL);
	struct token_due due = { .time = 0 };

	(void)state;
	memcpy(due.token.name, caller.token, sizeof(due.token.name));
	assert_int_equal(token_bury_due(temp.store, &due, 1), 0);
	assert_int_equal(look_up_name(&caller), 0);
	revoke(&caller);
	settle();
	caller_clear(&caller);
}

static void a_renewed_token_is_due_at_its_new_end(void **state)
{
	struct caller caller = child_of(NULL);
	struct token_due due[2];
	size_t count;

	(void)state;
	assert_int_equal(token_renew(temp.store, &caller, 1200), 0);
	assert_int_equal(token_due_scan(temp.store, INT64_MAX - 1, due, 2, &count), 0);
	assert_int_equal(count, 1);
	assert_in_range(due[0].time - clock_now(), 1198, 1201);
	turn_slowly(3);
	assert_int_equal(look_up_name(&caller), 0);
	revoke(&caller);
	settle();
	caller_clear(&caller);
}

/* The revoker has read the entry, then somebody renews: the token lives. */
static void a_renewal_wins_over_its_end(void **state)
{
	struct token_terms terms = terms_of(NULL, 600);
	struct caller caller = born(&terms, NULL);
	struct token_due due;
	size_t count;

	(void)state;
	assert_int_equal(token_due_scan(temp.store, INT64_MAX - 1, &due, 1, &count), 0);
	assert_int_equal(token_renew(temp.store, &caller, 1200), 0);
	assert_int_equal(token_bury_due(temp.store, &due, 1), 0);
	assert_int_equal(look_up_name(&caller), 0);
	revoke(&caller);
	settle();
	caller_clear(&caller);
}

static void the_last_use_leaves_it_to_the_revoker(void **state)
{
	struct token_terms terms = terms_of(NULL, 600);
	struct caller caller;

	(void)state;
	terms.num_uses = 1;
	caller = born(&terms, NULL);
	assert_int_equal(broker_use_token(broker, &caller, clock_boot_ms() - 10000), 0);
	assert_int_equal(caller.num_uses, TOKEN_USED_UP);
	turn_slowly(1); /* the worker may still be alive: 10 s after the deadline it is not */
	assert_int_not_equal(temp_records(temp.store), records);
	revoke(&caller);
	settle();
	caller_clear(&caller);
}

static void a_used_token_is_found_by_its_end(void **state)
{
	struct token_terms terms = terms_of(NULL, 600);
	struct caller caller;

	(void)state;
	terms.num_uses = 1;
	caller = born(&terms, NULL);
	assert_int_equal(token_use(temp.store, &caller, clock_now() - 1), 0);
	settle();
	caller_clear(&caller);
}

/* ---- Births after death ---- */

static struct caller victim;

static void kill_victim(void)
{
	assert_int_equal(token_revoke(temp.store, victim.token, TOKEN_REVOKE_TREE), 0);
}

static void nothing_is_issued_to_a_dead_token(void **state)
{
	struct caller child;

	(void)state;
	victim = child_of(NULL);
	child = child_of(&victim);
	revoke(&victim);
	assert_int_equal(issue_to(&child, 5000), LH_ECONFLICT);
	assert_int_equal(reply.failure, FAILURE_INPUT);
	assert_int_equal(fake.issues, 0);
	settle();
	assert_int_equal(issue_to(&child, 5000),
			 LH_ECONFLICT); /* also when its tombstone has gone */
	assert_int_equal(temp_records(temp.store), records);
	caller_clear(&child);
	caller_clear(&victim);
}

/* While a cloud is asked about it. */
static void no_role_is_written_for_a_dead_token(void **state)
{
	json_t *role = json_pack("{s:s}", "k", "v"), *kept;
	struct caller child;
	uint64_t revision;

	(void)state;
	victim = child_of(NULL);
	child = child_of(&victim);
	assert_int_equal(mount_role_put(broker, mount(), "new", role, 0, &child), 0);
	assert_int_equal(mount_role_get(broker, mount(), "new", &kept, &revision), 0);
	json_decref(kept);
	assert_int_equal(mount_role_put(broker, mount(), "new", role, 0, &child), LH_ECONFLICT);
	revoke(&victim);
	assert_int_equal(mount_role_put(broker, mount(), "new", role, revision, &child), LH_EPERM);
	assert_int_equal(mount_role_put(broker, mount(), "app2", role, 0, &child), LH_EPERM);
	assert_int_equal(mount_role_delete(broker, mount(), "new"), 0);
	json_decref(role);
	caller_clear(&child);
	caller_clear(&victim);
}

static void a_credential_whose_owner_dies_meanwhile_is_revoked(void **state)
{
	struct caller child;

	(void)state;
	victim = child_of(NULL);
	child = child_of(&victim);
	fake.during_issue = kill_victim;
	assert_int_equal(issue_to(&child, 5000), LH_ECONFLICT);
	fake.during_issue = NULL;
	assert_true(fake.issues > 0);
	settle();
	assert_int_equal(fake.revokes, 1);
	caller_clear(&child);
	caller_clear(&victim);
}

static void spare_children_of_victim(void)
{
	assert_int_equal(token_revoke(temp.store, victim.token, TOKEN_REVOKE_ORPHAN), 0);
}

static void a_credential_whose_owner_becomes_an_orphan_meanwhile_is_given(void **state)
{
	struct caller child, grandchild;

	(void)state;
	victim = child_of(NULL);
	child = child_of(&victim);
	grandchild = child_of(&child);
	fake.during_issue = spare_children_of_victim;
	assert_int_equal(issue_to(&grandchild, 5000), 0);
	fake.during_issue = NULL;
	broker_delivered(broker, true);
	issue_reply_clear(&reply);
	lend(&grandchild); /* who was looked up before all that */
	turn_slowly(10);
	assert_int_equal(fake.revokes, 0);
	revoke(&child);
	settle();
	caller_clear(&grandchild);
	caller_clear(&child);
	caller_clear(&victim);
}

static void a_lease_of_a_dead_token_is_not_renewed(void **state)
{
	struct caller root = child_of(NULL), child = child_of(&root);
	struct renew_reply renewed;
	char *id;

	(void)state;
	assert_int_equal(issue_to(&child, 5000), 0);
	broker_delivered(broker, true);
	id = strdup(reply.lease_id);
	issue_reply_clear(&reply);
	assert_int_equal(broker_renew(broker, id, 60, &renewed, &err), 0);
	revoke(&root);
	assert_int_equal(broker_renew(broker, id, 60, &renewed, &err), LH_EINVAL);
	assert_string_equal(err.text, "lease expired");
	settle();
	free(id);
	caller_clear(&root);
	caller_clear(&child);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DRAIN_TEST(a_revoked_token_takes_its_leases_along),
		DRAIN_TEST(others_keep_what_they_have),
		DRAIN_TEST(a_tree_goes_whatever_its_shape),
		DRAIN_TEST(a_line_as_long_as_can_be_goes),
		DRAIN_TEST(a_revoker_that_starts_over_ends_it_all_the_same),
		DRAIN_TEST(parent_and_child_may_be_revoked_one_by_one),
		DRAIN_TEST(orphans_live_on_and_the_rest_goes),
		DRAIN_TEST(orphans_are_spared_when_their_grandparent_dies),
		DRAIN_TEST(what_has_ended_goes_with_all_that_it_owned),
		DRAIN_TEST(a_token_without_end_is_never_due),
		DRAIN_TEST(what_is_left_of_a_revocation_kills_no_later_token),
		DRAIN_TEST(a_renewed_token_is_due_at_its_new_end),
		DRAIN_TEST(a_renewal_wins_over_its_end),
		DRAIN_TEST(the_last_use_leaves_it_to_the_revoker),
		DRAIN_TEST(a_used_token_is_found_by_its_end),
		DRAIN_TEST(nothing_is_issued_to_a_dead_token),
		DRAIN_TEST(no_role_is_written_for_a_dead_token),
		DRAIN_TEST(a_credential_whose_owner_dies_meanwhile_is_revoked),
		DRAIN_TEST(a_credential_whose_owner_becomes_an_orphan_meanwhile_is_given),
		DRAIN_TEST(a_lease_of_a_dead_token_is_not_renewed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
