/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept of a token is never older than the store: another process changes it, and the next
 * look-up knows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "auth/token.h"
#include "auth/token_cache.h"
#include "auth/tree.h"
#include "fail_alloc.h"
#include "temp_store.h"
#include "util/clock.h"
#include "util/err.h"

static struct token_cache *cache;
static json_t *policies;

static int set_up(void **state)
{
	(void)state;
	temp_store_open(&temp);
	assert_int_equal(token_cache_new(temp.store, &cache), 0);
	policies = json_pack("[s]", "default");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	json_decref(policies);
	token_cache_free(cache);
	temp_store_close(&temp);
	return 0;
}

struct known {
	struct token_made made;
	struct caller caller;
};

static void make(const struct caller *parent, int64_t num_uses, struct known *known)
{
	struct token_terms terms = {
		.parent = parent,
		.display_name = "token",
		.path = "auth/token/create",
		.policies = policies,
		.ttl = 600,
		.renewable = true,
		.num_uses = num_uses,
	};

	assert_int_equal(token_create(temp.store, &terms, &known->made), 0);
	assert_int_equal(auth_lookup(temp.store, known->made.token, &known->caller), 0);
}

static void forget(struct known *known)
{
	token_made_clear(&known->made);
	caller_clear(&known->caller);
}

/* The look-up that is tested, twice: the second finds what the first has kept. */
static int look_up(const struct known *known, struct caller *caller_out)
{
	struct caller first;
	int ret = token_cache_lookup(cache, known->made.token, &first), again;

	again = token_cache_lookup(cache, known->made.token, caller_out);
	assert_int_equal(ret, again);
	caller_clear(&first);
	return ret;
}

static int status_of(const struct known *known)
{
	struct caller caller;
	int ret = look_up(known, &caller);

	caller_clear(&caller);
	return ret;
}

static void what_is_kept_is_what_is_stored(void **state)
{
	struct known parent, child;
	struct caller caller;

	(void)state;
	make(NULL, 0, &parent);
	make(&parent.caller, 0, &child);
	assert_int_equal(look_up(&child, &caller), 0);
	assert_memory_equal(caller.token, child.caller.token, sizeof(caller.token));
	assert_string_equal(caller.accessor, child.made.accessor);
	assert_string_equal(caller.path, "auth/token/create");
	assert_true(json_equal(caller.policies, policies));
	assert_int_equal(caller.ancestor_count, 1);
	assert_true(caller.revision == child.caller.revision);
	caller_clear(&caller);
	forget(&parent);
	forget(&child);
}

static void the_dead_are_dead_at_once(void **state)
{
	static const enum token_revocation kinds[] = { TOKEN_REVOKE_TREE, TOKEN_REVOKE_ORPHAN };
	struct known parent, child;
	struct caller caller;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		make(NULL, 0, &parent);
		make(&parent.caller, 0, &child);
		assert_int_equal(status_of(&child), 0);
		assert_int_equal(status_of(&parent), 0);
		assert_int_equal(token_revoke(temp.store, parent.caller.token, kinds[i]), 0);
		assert_int_equal(status_of(&parent), LH_EPERM);
		assert_int_equal(look_up(&child, &caller), i ? 0 : LH_EPERM);
		assert_int_equal(caller.ancestor_count, 0);
		caller_clear(&caller);
		forget(&parent);
		forget(&child);
	}
}

/* Also where record and tombstone have gone together. */
static void who_is_forgotten_is_unknown(void **state)
{
	struct store_batch batch = { 0 };
	struct token_name name;
	struct known known;

	(void)state;
	make(NULL, 0, &known);
	assert_int_equal(status_of(&known), 0);
	memcpy(name.name, known.caller.token, sizeof(name.name));
	assert_int_equal(token_forget(temp.store, &batch, &name, NULL, NULL), 0);
	assert_int_equal(store_apply(temp.store, STORE_NORMAL, &batch, NULL), 0);
	store_batch_free(&batch);
	assert_int_equal(status_of(&known), LH_EPERM);
	forget(&known);
}

static void a_renewal_is_seen(void **state)
{
	struct known parent, child;
	struct caller caller;

	(void)state;
	make(NULL, 0, &parent);
	make(&parent.caller, 0, &child);
	assert_int_equal(status_of(&child), 0);
	assert_int_equal(token_renew(temp.store, &child.caller, 1200), 0);
	assert_int_equal(look_up(&child, &caller), 0);
	assert_int_equal(caller.ttl, 1200);
	caller_clear(&caller);
	assert_int_equal(token_renew(temp.store, &parent.caller, 60), 0);
	assert_int_equal(look_up(&child, &caller), 0);
	assert_true(caller.ends_ns == parent.caller.expires_ns);
	caller_clear(&caller);
	forget(&parent);
	forget(&child);
}

static void an_end_is_an_end_for_all_below(void **state)
{
	struct known parent, child;

	(void)state;
	make(NULL, 0, &parent);
	make(&parent.caller, 0, &child);
	assert_int_equal(status_of(&child), 0);
	assert_int_equal(token_renew(temp.store, &parent.caller, -1), 0); /* as time does */
	assert_int_equal(status_of(&parent), LH_EPERM);
	assert_int_equal(status_of(&child), LH_EPERM);
	forget(&parent);
	forget(&child);
}

static void the_end_of_what_is_kept_comes_by_the_clock(void **state)
{
	struct known parent, child;
	struct caller caller;

	(void)state;
	make(NULL, 0, &parent);
	assert_int_equal(token_renew(temp.store, &parent.caller, 1), 0);
	make(&parent.caller, 0, &child);
	assert_int_equal(token_cache_lookup(cache, child.made.token, &caller), 0);
	caller_clear(&caller);
	while (clock_now_ns() < parent.caller.expires_ns)
		; /* a second at most; nothing in the store tells of it */
	assert_int_equal(status_of(&child), LH_EPERM);
	forget(&parent);
	forget(&child);
}

static void counted_tokens_are_not_kept(void **state)
{
	struct known known;
	struct caller caller;

	(void)state;
	make(NULL, 2, &known);
	assert_int_equal(look_up(&known, &caller), 0);
	assert_int_equal(token_use(temp.store, &caller, clock_now() + 60), 0);
	caller_clear(&caller);
	assert_int_equal(look_up(&known, &caller), 0);
	assert_int_equal(caller.num_uses, 1);
	assert_int_equal(token_use(temp.store, &caller, clock_now() + 60), 0);
	caller_clear(&caller);
	assert_int_equal(status_of(&known), LH_EPERM);
	forget(&known);
}

/* More of them than there are places. */
static void many_tokens_are_told_apart(void **state)
{
	static struct known many[200];

	(void)state;
	for (size_t i = 0; i < 200; i++)
		make(NULL, 0, &many[i]);
	for (int round = 0; round < 2; round++)
		for (size_t i = 0; i < 200; i++) {
			struct caller caller;

			assert_int_equal(token_cache_lookup(cache, many[i].made.token, &caller), 0);
			assert_string_equal(caller.accessor, many[i].made.accessor);
			caller_clear(&caller);
		}
	for (size_t i = 0; i < 200; i++)
		forget(&many[i]);
}

static void lost_memory_is_told_or_costs_a_look(void **state)
{
	struct known known;
	bool lost = true;

	(void)state;
	make(NULL, 0, &known);
	for (unsigned n = 1; lost; n++) {
		struct caller caller, again;
		int ret, then = 0;

		token_cache_free(cache);
		assert_int_equal(token_cache_new(temp.store, &cache), 0);
		fail_alloc_at(n);
		ret = token_cache_lookup(cache, known.made.token, &caller);
		if (!ret)
			then = token_cache_lookup(cache, known.made.token, &again);
		lost = fail_alloc_stop();
		assert_true(ret == 0 || (lost && ret == LH_ENOMEM));
		assert_true(then == 0 || (lost && then == LH_ENOMEM));
		if (!ret)
			caller_clear(&again);
		caller_clear(&caller);
		assert_int_equal(status_of(&known), 0);
		assert_true(n < 1000);
	}
	forget(&known);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_kept_is_what_is_stored),
		cmocka_unit_test(the_dead_are_dead_at_once),
		cmocka_unit_test(who_is_forgotten_is_unknown),
		cmocka_unit_test(a_renewal_is_seen),
		cmocka_unit_test(an_end_is_an_end_for_all_below),
		cmocka_unit_test(the_end_of_what_is_kept_comes_by_the_clock),
		cmocka_unit_test(counted_tokens_are_not_kept),
		cmocka_unit_test(many_tokens_are_told_apart),
		cmocka_unit_test(lost_memory_is_told_or_costs_a_look),
	};

	fail_alloc_jansson();
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
