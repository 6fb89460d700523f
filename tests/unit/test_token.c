/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens: made, found, and at their end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "store/key.h"
#include "token_fixture.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/text.h"

/* ---- Making and finding ---- */

static void a_token_is_found_with_all_it_was_given(void **state)
{
	struct token_terms terms = ordinary(NULL);
	struct token_made made;
	struct caller caller;

	(void)state;
	terms.metadata = metadata;
	terms.role = "deploy";
	terms.explicit_max = 3600;
	terms.period = 60;
	terms.num_uses = 3;
	make(&terms, &made);
	assert_true(text_starts_with(made.token, "hvs."));
	assert_int_equal(strlen(made.token), 28);
	assert_int_equal(auth_lookup(temp.store, made.token, &caller), 0);
	assert_int_equal(caller.type, TOKEN_SERVICE);
	assert_memory_equal(caller.token, made.name, sizeof(made.name));
	assert_string_equal(caller.accessor, made.accessor);
	assert_string_equal(caller.display_name, "token-ci");
	assert_string_equal(caller.path, "auth/token/create");
	assert_string_equal(caller.role, "deploy");
	assert_true(json_equal(caller.policies, policies));
	assert_true(json_equal(caller.metadata, metadata));
	assert_null(caller.bound_cidrs);
	assert_false(caller.root);
	assert_false(caller.wrapping);
	assert_true(caller.renewable);
	assert_int_equal(caller.ancestor_count, 0);
	assert_int_equal(caller.num_uses, 3);
	assert_int_equal(caller.explicit_max, 3600);
	assert_int_equal(caller.period, 60);
	assert_int_equal(caller.ttl, 600);
	assert_int_equal(caller.creation_ttl, 600);
	assert_int_equal(caller.renewed_ns, 0);
	assert_true(caller.expires_ns == caller.issued_ns + INT64_C(600000000000));
	assert_true(caller.expires_ns == made.expires_ns);
	assert_in_range(caller.created, clock_now() - 60, clock_now());
	caller_clear(&caller);
	token_made_clear(&made);
}

static void a_token_is_found_by_its_accessor_too(void **state)
{
	struct token_terms terms = ordinary(NULL);
	struct token_made made;
	struct caller caller;

	(void)state;
	make(&terms, &made);
	assert_int_equal(token_find_accessor(temp.store, made.accessor, &caller), 0);
	assert_memory_equal(caller.token, made.name, sizeof(made.name));
	caller_clear(&caller);
	assert_int_equal(token_find_accessor(temp.store, made.token, &caller), LH_ENOENT);
	assert_int_equal(look_up(made.accessor), LH_EPERM);
	token_made_clear(&made);
}

static void an_id_of_ones_own_is_kept_and_taken_once(void **state)
{
	struct token_terms terms = ordinary(NULL);
	struct token_made made;

	(void)state;
	terms.id = "my-own-id";
	make(&terms, &made);
	assert_string_equal(made.token, "my-own-id");
	token_made_clear(&made);
	assert_int_equal(token_create(temp.store, &terms, &made), LH_EEXIST);
	assert_null(made.token);
	assert_int_equal(look_up("my-own-id"), 0);
}

static void a_record_has_a_limit(void **state)
{
	static char huge[TOKEN_RECORD_MAX + 1];
	struct token_terms terms = ordinary(NULL);
	struct token_made made;

	(void)state;
	memset(huge, 'x', sizeof(huge) - 1);
	terms.display_name = huge;
	assert_int_equal(token_create(temp.store, &terms, &made), LH_ERANGE);
	terms.type = TOKEN_BATCH;
	assert_int_equal(token_create(temp.store, &terms, &made), LH_ERANGE);
	assert_null(made.token);
}

static void a_wrapping_token_is_known_by_its_policy(void **state)
{
	json_t *wrapping = json_pack("[s]", TOKEN_WRAPPING_POLICY);
	struct token_terms terms = ordinary(NULL);
	struct caller caller;

	(void)state;
	terms.policies = wrapping;
	caller = born(&terms, NULL);
	assert_true(caller.wrapping);
	caller_clear(&caller);
	json_decref(wrapping);
}

/* As `init` made it before there were any others. */
static void the_root_token_of_an_older_store_still_opens_it(void **state)
{
	static const char old[] = "{\"accessor\":\"abcdefghijklmnopqrstuvwx\","
				  "\"display_name\":\"root\",\"policies\":[\"root\"],"
				  "\"created\":1795415274}";
	unsigned char name[KEYRING_NAME_SIZE];
	struct store_batch batch = { 0 };
	struct token_terms terms;
	struct caller caller, child;
	struct key key;

	(void)state;
	assert_int_equal(keyring_name(store_keyring(temp.store), KEYRING_TOKEN, "hvs.old", name),
			 0);
	key_token(&key, name);
	store_batch_put(&batch, STORE_ABSENT, 0, key_bytes(&key),
			(struct bytes){ old, strlen(old) });
	assert_int_equal(store_apply(temp.store, STORE_NORMAL, &batch, NULL), 0);
	store_batch_free(&batch);
	assert_int_equal(auth_lookup(temp.store, "hvs.old", &caller), 0);
	assert_true(caller.root);
	assert_string_equal(caller.path, "auth/token/root");
	assert_int_equal(caller.expires_ns, 0);
	assert_int_equal(caller.created, 1795415274);
	terms = ordinary(&caller);
	child = born(&terms, NULL);
	assert_int_equal(child.ancestor_count, 1);
	caller_clear(&child);
	caller_clear(&caller);
}

/* ---- Trees ---- */

static void ancestors_are_named_nearest_first(void **state)
{
	struct caller parent, child, grandchild;

	(void)state;
	parent = child_of(NULL);
	child = child_of(&parent);
	grandchild = child_of(&child);
	assert_int_equal(grandchild.ancestor_count, 2);
	assert_memory_equal(grandchild.ancestors[0], child.token, sizeof(child.token));
	assert_memory_equal(grandchild.ancestors[1], parent.token, sizeof(parent.token));
	assert_true(token_is_within(&grandchild, &parent));
	assert_true(token_is_within(&parent, &parent));
	assert_false(token_is_within(&parent, &grandchild));
	caller_clear(&parent);
	caller_clear(&child);
	caller_clear(&grandchild);
}

static void a_tree_has_a_greatest_depth(void **state)
{
	struct caller line[TOKEN_ANCESTORS_MAX + 1];
	struct token_terms terms;
	struct token_made made;

	(void)state;
	line[0] = child_of(NULL);
	for (size_t i = 1; i <= TOKEN_ANCESTORS_MAX; i++)
		line[i] = child_of(&line[i - 1]);
	terms = ordinary(&line[TOKEN_ANCESTORS_MAX]);
	assert_int_equal(token_create(temp.store, &terms, &made), LH_ERANGE);
	assert_int_equal(token_revoke(temp.store, line[0].token, TOKEN_REVOKE_TREE), 0);
	for (size_t i = 0; i <= TOKEN_ANCESTORS_MAX; i++) {
		assert_int_equal(look_up_name(&line[i]), LH_ENOENT);
		caller_clear(&line[i]);
	}
}

static void a_dead_parent_has_no_more_children(void **state)
{
	struct caller parent, child;
	struct token_terms terms;
	struct token_made made;

	(void)state;
	parent = child_of(NULL);
	child = child_of(&parent);
	assert_int_equal(token_revoke(temp.store, parent.token, TOKEN_REVOKE_TREE), 0);
	terms = ordinary(&parent);
	assert_int_equal(token_create(temp.store, &terms, &made), LH_ECONFLICT);
	terms = ordinary(&child);
	assert_int_equal(token_create(temp.store, &terms, &made), LH_ECONFLICT);
	assert_int_equal(token_revoke(temp.store, parent.token, TOKEN_REVOKE_TREE), 0);
	caller_clear(&parent);
	caller_clear(&child);
}

static void no_orphan_is_born_for_the_dead(void **state)
{
	enum token_type types[] = { TOKEN_SERVICE, TOKEN_BATCH };
	struct caller parent = child_of(NULL), asker = child_of(&parent);

	(void)state;
	for (int dead = 0; dead <= 1; dead++) {
		for (int i = 0; i < 2; i++) {
			struct token_terms terms = ordinary(NULL);
			struct token_made made;

			terms.type = types[i];
			terms.asker = &asker;
			assert_int_equal(token_create(temp.store, &terms, &made),
					 dead ? LH_ECONFLICT : 0);
			token_made_clear(&made);
		}
		assert_int_equal(token_revoke(temp.store, parent.token, TOKEN_REVOKE_TREE), 0);
	}
	caller_clear(&parent);
	caller_clear(&asker);
}

static void children_of_a_token_revoked_alone_are_orphans(void **state)
{
	struct caller parent, child, grandchild, again;

	(void)state;
	parent = child_of(NULL);
	child = child_of(&parent);
	grandchild = child_of(&child);
	assert_int_equal(token_revoke(temp.store, parent.token, TOKEN_REVOKE_ORPHAN), 0);
	assert_int_equal(look_up_name(&parent), LH_ENOENT);
	assert_int_equal(token_find_name(temp.store, child.token, &again), 0);
	assert_int_equal(again.ancestor_count, 0);
	caller_clear(&again);
	assert_int_equal(token_find_name(temp.store, grandchild.token, &again), 0);
	assert_int_equal(again.ancestor_count, 1);
	caller_clear(&again);
	caller_clear(&parent);
	caller_clear(&child);
	caller_clear(&grandchild);
}

/* ---- Time ---- */

static void a_token_ends_in_time_and_what_is_below_it_too(void **state)
{
	struct caller parent, child;

	(void)state;
	parent = child_of(NULL);
	child = child_of(&parent);
	let_end(&parent);
	assert_int_equal(look_up_name(&parent), LH_ENOENT);
	assert_int_equal(look_up_name(&child), LH_ENOENT);
	caller_clear(&parent);
	caller_clear(&child);
}

static void a_renewal_counts_from_now(void **state)
{
	struct caller caller = child_of(NULL), again;
	int64_t before = clock_now_ns();

	(void)state;
	assert_int_equal(token_renew(temp.store, &caller, 1200), 0);
	assert_int_equal(token_find_name(temp.store, caller.token, &again), 0);
	assert_int_equal(again.ttl, 1200);
	assert_int_equal(again.creation_ttl, 600);
	assert_true(again.renewed_ns >= before);
	assert_true(again.expires_ns == again.renewed_ns + INT64_C(1200000000000));
	assert_true(again.expires_ns == caller.expires_ns);
	caller_clear(&again);
	assert_int_equal(token_renew(temp.store, &caller, 60), LH_ECONFLICT);
	caller_clear(&caller);
}

static void a_dead_token_is_not_renewed(void **state)
{
	struct caller parent, child;

	(void)state;
	parent = child_of(NULL);
	child = child_of(&parent);
	assert_int_equal(token_revoke(temp.store, parent.token, TOKEN_REVOKE_TREE), 0);
	assert_int_equal(token_renew(temp.store, &parent, 60), LH_ECONFLICT);
	assert_int_equal(token_renew(temp.store, &child, 60), LH_ECONFLICT);
	caller_clear(&parent);
	caller_clear(&child);
}

/* ---- Uses ---- */

static void every_use_is_taken_once(void **state)
{
	struct token_terms terms = ordinary(NULL);
	struct caller first, second;
	char token[TOKEN_TEXT_MAX];

	(void)state;
	terms.num_uses = 2;
	first = born(&terms, token);
	assert_int_equal(auth_lookup(temp.store, token, &second), 0);
	assert_int_equal(token_use(temp.store, &first, 0), 0);
	assert_int_equal(first.num_uses, 1);
	assert_int_equal(token_use(temp.store, &second, 0), LH_ECONFLICT);
	caller_clear(&second);
	assert_int_equal(auth_lookup(temp.store, token, &second), 0);
	assert_int_equal(token_use(temp.store, &second, clock_now() + 60), 0);
	assert_int_equal(second.num_uses, TOKEN_USED_UP);
	assert_int_equal(look_up(token), LH_EPERM);
	caller_clear(&first);
	caller_clear(&second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_token_is_found_with_all_it_was_given),
		cmocka_unit_test(a_token_is_found_by_its_accessor_too),
		cmocka_unit_test(an_id_of_ones_own_is_kept_and_taken_once),
		cmocka_unit_test(a_record_has_a_limit),
		cmocka_unit_test(a_wrapping_token_is_known_by_its_policy),
		cmocka_unit_test(the_root_token_of_an_older_store_still_opens_it),
		cmocka_unit_test(ancestors_are_named_nearest_first),
		cmocka_unit_test(a_tree_has_a_greatest_depth),
		cmocka_unit_test(a_dead_parent_has_no_more_children),
		cmocka_unit_test(no_orphan_is_born_for_the_dead),
		cmocka_unit_test(children_of_a_token_revoked_alone_are_orphans),
		cmocka_unit_test(a_token_ends_in_time_and_what_is_below_it_too),
		cmocka_unit_test(a_renewal_counts_from_now),
		cmocka_unit_test(a_dead_token_is_not_renewed),
		cmocka_unit_test(every_use_is_taken_once),
	};

	return cmocka_run_group_tests(tests, token_set_up, token_tear_down);
}
