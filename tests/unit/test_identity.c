/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/identity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "auth/token.h"
#include "fail_alloc.h"
#include "store/key.h"
#include "temp_store.h"
#include "util/err.h"
#include "util/shared.h"

static struct identities *identities;

static int set_up(void **state)
{
	(void)state;
	temp_store_open(&temp);
	assert_int_equal(identities_new(temp.store, &identities), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	identities_free(identities);
	temp_store_close(&temp);
	return 0;
}

static int put(const char *name, const char *policy, uint64_t revision)
{
	json_t *entry = json_pack("{s:[s]}", "policies", policy);
	json_t *old = NULL;
	int ret;

	/* Only what exists already has its id. */
	if (revision && !identity_get(temp.store, IDENTITY_MAP, name, &old, NULL))
		json_object_set(entry, "id", json_object_get(old, "id"));
	json_decref(old);
	ret = identity_put(temp.store, IDENTITY_MAP, name, entry, revision);
	json_decref(entry);
	return ret;
}

static int find(const char *name, struct caller *caller)
{
	return identities_find(identities, IDENTITY_MAP, name, caller);
}

static void methods_have_names_and_nothing_else_has(void **state)
{
	static const char *const none[] = { "", "cer", "certs", "CERT", "token" };

	(void)state;
	for (int method = 0; method < IDENTITY_METHODS; method++)
		assert_int_equal(
			identity_method_find(identity_method_name((enum identity_method)method)),
			method);
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_int_equal(identity_method_find(none[i]), IDENTITY_METHODS);
}

static void an_entry_is_made_once_and_changed_as_it_was_read(void **state)
{
	uint64_t revision;
	json_t *entry;

	(void)state;
	assert_int_equal(put("a", "p", 0), 0);
	assert_int_equal(put("a", "q", 0), LH_ECONFLICT);
	assert_int_equal(identity_get(temp.store, IDENTITY_MAP, "a", &entry, &revision), 0);
	json_decref(entry);
	assert_int_equal(put("a", "q", revision), 0);
	assert_int_equal(put("a", "r", revision), LH_ECONFLICT);
	assert_int_equal(identity_get(temp.store, IDENTITY_CERT, "a", &entry, NULL), LH_ENOENT);
}

static void a_change_is_seen_by_who_had_read_before(void **state)
{
	struct caller caller;
	uint64_t revision;
	json_t *entry;

	(void)state;
	assert_int_equal(find("a", &caller), LH_ENOENT);
	assert_int_equal(put("a", "p", 0), 0);
	assert_int_equal(find("a", &caller), 0);
	caller_clear(&caller);
	assert_int_equal(identity_get(temp.store, IDENTITY_MAP, "a", &entry, &revision), 0);
	json_decref(entry);
	assert_int_equal(put("a", "q", revision), 0);
	assert_int_equal(find("a", &caller), 0);
	assert_string_equal(json_string_value(json_array_get(caller.policies, 0)), "q");
	caller_clear(&caller);
	assert_int_equal(identity_delete(temp.store, IDENTITY_MAP, "a"), 0);
	assert_int_equal(find("a", &caller), LH_ENOENT);
}

static void an_owner_is_of_one_name_and_one_entry(void **state)
{
	struct caller a, b, again;

	(void)state;
	assert_int_equal(put("*", "p", 0), 0);
	assert_int_equal(find("a", &a), 0);
	assert_int_equal(find("b", &b), 0);
	assert_memory_not_equal(a.token, b.token, sizeof(a.token));
	assert_memory_equal(a.ancestors[0], b.ancestors[0], sizeof(a.token));
	assert_false(token_is_within(&a, &b));
	assert_int_equal(identity_delete(temp.store, IDENTITY_MAP, "*"), 0);
	assert_int_equal(put("*", "p", 0), 0);
	assert_int_equal(find("a", &again), 0);
	assert_memory_not_equal(a.token, again.token, sizeof(a.token));
	assert_memory_equal(a.identity, again.identity, sizeof(a.identity));
	assert_true(token_is_within(&a, &again));
	caller_clear(&a);
	caller_clear(&b);
	caller_clear(&again);
}

static void nothing_is_born_to_a_deleted_entry(void **state)
{
	struct token_terms terms = { .path = "p", .ttl = 60 };
	struct store_batch batch = { 0 };
	struct token_made made;
	struct caller caller;

	(void)state;
	assert_int_equal(put("a", "p", 0), 0);
	assert_int_equal(find("a", &caller), 0);
	assert_int_equal(identity_delete(temp.store, IDENTITY_MAP, "a"), 0);
	assert_int_equal(identity_log_in(temp.store, &caller, &terms, &made), LH_ECONFLICT);
	token_expect_alive(&batch, &caller);
	assert_int_equal(token_trace(&batch, &caller), 0);
	assert_int_equal(store_apply(temp.store, STORE_NORMAL, &batch, NULL), LH_ECONFLICT);
	store_batch_free(&batch);
	caller_clear(&caller);
}

static void what_is_being_taken_away_is_nobody(void **state)
{
	struct store_batch batch = { 0 };
	struct caller caller, again;

	(void)state;
	assert_int_equal(put("a", "p", 0), 0);
	assert_int_equal(find("a", &caller), 0);
	assert_int_equal(token_trace(&batch, &caller), 0);
	assert_int_equal(store_apply(temp.store, STORE_NORMAL, &batch, NULL), 0);
	store_batch_free(&batch);
	assert_int_equal(token_revoke(temp.store, caller.token, TOKEN_REVOKE_TREE), 0);
	assert_int_equal(find("a", &again), LH_EPERM);
	caller_clear(&caller);
}

static void a_broken_entry_lets_nobody_in(void **state)
{
	struct store_batch batch = { 0 };
	struct caller caller;
	struct key key;

	(void)state;
	key_start(&key, 'I');
	key_add_text(&key, "map/a");
	store_batch_put(&batch, STORE_ANY, 0, key_bytes(&key), (struct bytes){ "{", 1 });
	assert_int_equal(store_apply(temp.store, STORE_NORMAL, &batch, NULL), 0);
	store_batch_free(&batch);
	assert_int_equal(find("a", &caller), LH_ECORRUPT);
	assert_int_equal(find("b", &caller), LH_ECORRUPT);
}

static void there_is_a_bound_to_entries(void **state)
{
	struct caller caller;
	char name[16];
	bool room = true;

	(void)state;
	for (unsigned i = 0; i < IDENTITY_ENTRIES_MAX; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		assert_int_equal(put(name, "p", 0), 0);
	}
	assert_int_equal(find("n4095", &caller), 0);
	caller_clear(&caller);
	assert_int_equal(identities_have_room(identities, &room), 0);
	assert_false(room);
	/* Others have looked for room at the same time, and found it. */
	for (unsigned i = 0; i < SHARED_SLOTS; i++) {
		snprintf(name, sizeof(name), "m%u", i);
		assert_int_equal(put(name, "p", 0), 0);
	}
	assert_int_equal(find("n4095", &caller), 0);
	caller_clear(&caller);
	assert_int_equal(identities_have_room(identities, &room), 0);
	assert_false(room);
}

static void lost_memory_is_told(void **state)
{
	struct caller caller;
	int ret = LH_ENOMEM;

	(void)state;
	assert_int_equal(put("a", "p", 0), 0);
	for (unsigned n = 1; ret; n++) {
		identities_free(identities);
		assert_int_equal(identities_new(temp.store, &identities), 0);
		fail_alloc_at(n);
		ret = find("a", &caller);
		assert_int_equal(ret, fail_alloc_stop() ? LH_ENOMEM : 0);
		caller_clear(&caller);
		assert_true(n < 500);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(methods_have_names_and_nothing_else_has),
		TEST(an_entry_is_made_once_and_changed_as_it_was_read),
		TEST(a_change_is_seen_by_who_had_read_before),
		TEST(an_owner_is_of_one_name_and_one_entry),
		TEST(nothing_is_born_to_a_deleted_entry),
		TEST(what_is_being_taken_away_is_nobody),
		TEST(a_broken_entry_lets_nobody_in),
		TEST(there_is_a_bound_to_entries),
		TEST(lost_memory_is_told),
	};

	fail_alloc_jansson();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
