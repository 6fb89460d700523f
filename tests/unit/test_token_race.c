/* SPDX-License-Identifier: Apache-2.0 */
/* A revoked token is never let in, whenever the revoker takes the last of it away: its record and its
 * tombstone go in one commit, which is made here before each single read of a look-up in turn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "auth/token.h"
#include "auth/token_cache.h"
#include "auth/tree.h"
#include "store/key.h"
#include "temp_store.h"
#include "util/buf.h"
#include "util/err.h"
#include "util/json.h"
#include "util/wipe.h"

static struct token_cache *cache;
static struct token_made made;
static json_t *policies;

/* ---- A driver that is overtaken before its nth read ---- */

static struct store_driver slow;
static int countdown; /* 0: by nobody */
static void (*overtake)(void);

static void take_away(void)
{
	struct store_batch batch = { 0 };
	struct key record, tombstone;

	key_token(&record, made.name);
	key_token_tombstone(&tombstone, made.name);
	store_batch_delete(&batch, STORE_ANY, 0, key_bytes(&record));
	store_batch_delete(&batch, STORE_ANY, 0, key_bytes(&tombstone));
	assert_int_equal(store_apply(temp.store, STORE_REVOKE, &batch, NULL), 0);
	store_batch_free(&batch);
}

static int get(void *handle, struct bytes key, struct buf *out, uint64_t *revision_out)
{
	if (countdown && --countdown == 0)
		overtake();
	return store_lmdb.get(handle, key, out, revision_out);
}

static int countdown_to_apply;

static int apply(void *handle, const struct driver_op *ops, size_t count, size_t *failed_out)
{
	if (countdown_to_apply && --countdown_to_apply == 0)
		overtake();
	return store_lmdb.apply(handle, ops, count, failed_out);
}

static int set_up(void **state)
{
	struct err err = { "" };

	(void)state;
	temp_store_open(&temp);
	store_close(temp.store);
	slow = store_lmdb;
	slow.get = get;
	slow.apply = apply;
	temp.options.driver = &slow;
	if (store_open(&temp.options, &temp.store, &err))
		fail_msg("%s", err.text);
	assert_int_equal(token_cache_new(temp.store, &cache), 0);
	policies = json_pack("[s]", "default");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	countdown = 0;
	json_decref(policies);
	token_cache_free(cache);
	temp_store_close(&temp);
	return 0;
}

static void make_revoked(void)
{
	struct token_terms terms = {
		.display_name = "token",
		.path = "auth/token/create",
		.policies = policies,
		.ttl = 600,
	};
	struct caller caller;

	assert_int_equal(token_create(temp.store, &terms, &made), 0);
	assert_int_equal(token_cache_lookup(cache, made.token, &caller), 0);
	caller_clear(&caller);
	assert_int_equal(token_revoke(temp.store, made.name, TOKEN_REVOKE_TREE), 0);
}

typedef int (*finder)(struct caller *caller_out);

static int by_token(struct caller *caller_out)
{
	return auth_lookup(temp.store, made.token, caller_out);
}

static int by_cache(struct caller *caller_out)
{
	return token_cache_lookup(cache, made.token, caller_out);
}

static int by_name(struct caller *caller_out)
{
	int ret = token_find_name(temp.store, made.name, caller_out);

	return ret == LH_ENOENT ? LH_EPERM : ret;
}

/* Before the first read, before the second, … until there are no more. */
static void check(finder find)
{
	bool overtaken = true;

	for (int n = 1; overtaken; n++) {
		struct caller caller;
		int ret;

		make_revoked();
		overtake = take_away;
		countdown = n;
		ret = find(&caller);
		overtaken = countdown == 0;
		countdown = 0;
		if (ret != LH_EPERM)
			fail_msg("let in when overtaken before read %d", n);
		token_made_clear(&made);
		assert_true(n < 20);
		assert_true(n > 1 || overtaken);
	}
}

static void a_revoked_token_is_not_let_in(void **state)
{
	(void)state;
	check(by_token);
}

static void a_revoked_token_that_is_kept_is_not_let_in(void **state)
{
	(void)state;
	check(by_cache);
}

static void a_revoked_token_is_not_found(void **state)
{
	(void)state;
	check(by_name);
}

/* ---- Orphans ---- */

/* What the revoker writes at the end of a token that died alone. Prepared, for nothing may be read in
 * the middle of a read. */
static struct store_batch orphaning;

static void cut_off(void)
{
	assert_int_equal(store_apply(temp.store, STORE_REVOKE, &orphaning, NULL), 0);
}

static void prepare(const struct token_made *child)
{
	struct buf text = BUF_INIT;
	struct key key;
	json_t *record;
	char *cut;

	key_token(&key, child->name);
	assert_int_equal(store_get(temp.store, key_bytes(&key), &text, NULL), 0);
	assert_int_equal(json_read(text.data, text.size, &record, NULL), 0);
	assert_int_equal(json_object_del(record, "parent"), 0);
	cut = json_text(record);
	store_batch_put(&orphaning, STORE_ANY, 0, key_bytes(&key),
			(struct bytes){ cut, strlen(cut) });
	key_token(&key, made.name);
	store_batch_delete(&orphaning, STORE_ANY, 0, key_bytes(&key));
	key_token_tombstone(&key, made.name);
	store_batch_delete(&orphaning, STORE_ANY, 0, key_bytes(&key));
	wipe_free(cut);
	json_decref(record);
	buf_free(&text);
}

static void make_orphan(struct token_made *child)
{
	struct token_terms terms = {
		.display_name = "token",
		.path = "auth/token/create",
		.policies = policies,
		.ttl = 600,
	};
	struct caller parent;

	assert_int_equal(token_create(temp.store, &terms, &made), 0);
	assert_int_equal(auth_lookup(temp.store, made.token, &parent), 0);
	terms.parent = &parent;
	assert_int_equal(token_create(temp.store, &terms, child), 0);
	assert_int_equal(token_revoke(temp.store, made.name, TOKEN_REVOKE_ORPHAN), 0);
	caller_clear(&parent);
}

static void an_orphan_is_let_in_while_its_parent_goes(void **state)
{
	bool overtaken = true;

	(void)state;
	for (int n = 1; overtaken; n++) {
		struct token_made child;
		struct caller caller;
		int ret;

		make_orphan(&child);
		prepare(&child);
		overtake = cut_off;
		countdown = n;
		ret = n % 2 ? auth_lookup(temp.store, child.token, &caller)
			    : token_find_name(temp.store, child.name, &caller);
		overtaken = countdown == 0;
		countdown = 0;
		if (ret || caller.ancestor_count)
			fail_msg("refused when overtaken before read %d", n);
		caller_clear(&caller);
		token_made_clear(&child);
		token_made_clear(&made);
		store_batch_free(&orphaning);
		memset(&orphaning, 0, sizeof(orphaning));
		assert_true(n < 20);
	}
}

/* ---- Revoked alone ---- */

static struct token_made above;
static enum token_revocation how;

static void revoke_above(void)
{
	assert_int_equal(token_revoke(temp.store, above.name, how), 0);
}

/* A child of `above` is about to be revoked alone when that one is revoked. */
static int revoke_middle(struct token_made *child)
{
	struct token_terms terms = {
		.display_name = "token",
		.path = "auth/token/create",
		.policies = policies,
		.ttl = 600,
	};
	struct caller parent, middle;
	int ret;

	assert_int_equal(token_create(temp.store, &terms, &above), 0);
	assert_int_equal(auth_lookup(temp.store, above.token, &parent), 0);
	terms.parent = &parent;
	assert_int_equal(token_create(temp.store, &terms, &made), 0);
	assert_int_equal(auth_lookup(temp.store, made.token, &middle), 0);
	terms.parent = &middle;
	assert_int_equal(token_create(temp.store, &terms, child), 0);
	overtake = revoke_above;
	countdown_to_apply = 1;
	ret = token_revoke(temp.store, middle.token, TOKEN_REVOKE_ORPHAN);
	caller_clear(&parent);
	caller_clear(&middle);
	token_made_clear(&above);
	token_made_clear(&made);
	return ret;
}

/* Its children are dead by then, and stay so. */
static void nobody_is_spared_once_the_whole_tree_was_revoked(void **state)
{
	struct token_made child;
	struct caller caller;

	(void)state;
	how = TOKEN_REVOKE_TREE;
	assert_int_equal(revoke_middle(&child), LH_EPERM);
	assert_int_equal(auth_lookup(temp.store, child.token, &caller), LH_EPERM);
	token_made_clear(&child);
}

static void who_has_become_an_orphan_meanwhile_spares_its_children(void **state)
{
	struct token_made child;
	struct caller caller;

	(void)state;
	how = TOKEN_REVOKE_ORPHAN;
	assert_int_equal(revoke_middle(&child), 0);
	assert_int_equal(auth_lookup(temp.store, child.token, &caller), 0);
	assert_int_equal(caller.ancestor_count, 0);
	caller_clear(&caller);
	token_made_clear(&child);
}

/* ---- Renewals ---- */

static struct caller renewed;

static void renew(void)
{
	assert_int_equal(token_renew(temp.store, &renewed, 1200), 0);
}

/* The revoker has read that a token has ended and is about to write it down. */
static void a_token_that_is_renewed_at_its_last_moment_lives(void **state)
{
	struct token_terms terms = {
		.display_name = "token",
		.path = "auth/token/create",
		.policies = policies,
		.ttl = 600,
	};
	struct token_due due;
	struct caller caller;
	size_t count;

	(void)state;
	assert_int_equal(token_create(temp.store, &terms, &made), 0);
	assert_int_equal(auth_lookup(temp.store, made.token, &renewed), 0);
	assert_int_equal(token_due_scan(temp.store, INT64_MAX - 1, &due, 1, &count), 0);
	assert_int_equal(count, 1);
	overtake = renew;
	countdown_to_apply = 1;
	assert_int_equal(token_bury_due(temp.store, &due, 1), 0);
	assert_int_equal(auth_lookup(temp.store, made.token, &caller), 0);
	assert_int_equal(caller.ttl, 1200);
	caller_clear(&caller);
	caller_clear(&renewed);
	token_made_clear(&made);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(a_revoked_token_is_not_let_in),
		TEST(a_revoked_token_that_is_kept_is_not_let_in),
		TEST(a_revoked_token_is_not_found),
		TEST(an_orphan_is_let_in_while_its_parent_goes),
		TEST(nobody_is_spared_once_the_whole_tree_was_revoked),
		TEST(who_has_become_an_orphan_meanwhile_spares_its_children),
		TEST(a_token_that_is_renewed_at_its_last_moment_lives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
