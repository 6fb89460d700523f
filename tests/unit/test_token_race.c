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
#include "store/key.h"
#include "temp_store.h"
#include "util/err.h"

static struct temp_store temp;
static struct token_cache *cache;
static struct token_made made;
static json_t *policies;

/* ---- A driver that is overtaken before its nth read ---- */

static struct store_driver slow;
static int countdown; /* 0: by nobody */

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
		take_away();
	return store_lmdb.get(handle, key, out, revision_out);
}

static int set_up(void **state)
{
	struct err err = { "" };

	(void)state;
	temp_store_open(&temp);
	store_close(temp.store);
	slow = store_lmdb;
	slow.get = get;
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

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(a_revoked_token_is_not_let_in),
		TEST(a_revoked_token_that_is_kept_is_not_let_in),
		TEST(a_revoked_token_is_not_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
