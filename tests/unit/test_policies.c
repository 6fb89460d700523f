/* SPDX-License-Identifier: Apache-2.0 */
/* Stored policies and what a process keeps of them. Two homes over one store are two processes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "auth/access.h"
#include "auth/acl.h"
#include "auth/built.h"
#include "auth/builtin.h"
#include "auth/policies.h"
#include "auth/policy.h"
#include "fail_alloc.h"
#include "store/key.h"
#include "temp_store.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/err.h"

#define READ_A  "path \"a\" { capabilities = [\"read\"] }"
#define LISTS_A "path \"a\" { capabilities = [\"list\"] }"

static struct policies *here, *there;

static int set_up(void **state)
{
	(void)state;
	temp_store_open(&temp);
	assert_int_equal(policies_new(temp.store, &here), 0);
	assert_int_equal(policies_new(temp.store, &there), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	policies_free(here);
	policies_free(there);
	temp_store_close(&temp);
	return 0;
}

static struct bytes as_bytes(const char *text)
{
	return (struct bytes){ text, strlen(text) };
}

static void put(struct policies *policies, const char *name, const char *text)
{
	struct err err = { "" };
	const char *unkept;

	if (policies_put(policies, name, as_bytes(text), &unkept, &err))
		fail_msg("%s: %s", name, err.text);
}

/* The policies are named by a list in JSON. */
static bool may(struct policies *policies, const char *names, enum capability capability,
		const char *path)
{
	struct caller caller = { .policies = json_loads(names, 0, NULL) };
	struct access access = { .path = path, .capability = capability };
	bool allowed = false;

	assert_non_null(caller.policies);
	assert_int_equal(auth_allows(policies, &caller, &access, &allowed), 0);
	json_decref(caller.policies);
	return allowed;
}

/* ---- Who may what ---- */

static void root_may_everything(void **state)
{
	const struct caller caller = { .root = true };
	struct access access = { "sys/mounts/a", CAPABILITY_DELETE, true, NULL, 0 };
	bool allowed;

	(void)state;
	assert_int_equal(auth_allows(here, &caller, &access, &allowed), 0);
	assert_true(allowed);
}

static void a_token_without_policies_may_nothing(void **state)
{
	char names[1000];

	(void)state;
	assert_false(may(here, "[]", CAPABILITY_READ, "sys/mounts"));
	assert_false(may(here, "[\"none\"]", CAPABILITY_READ, "sys/mounts"));
	memset(names, 'n', sizeof(names) - 1);
	memcpy(names, "[\"", 2);
	memcpy(names + sizeof(names) - 3, "\"]", 3);
	assert_false(may(here, names, CAPABILITY_READ, "sys/mounts"));
	assert_true(may(here, "[]", CAPABILITY_SELF, "auth/token/lookup-self"));
	assert_true(may(here, "[]", CAPABILITY_NONE, "sys/health"));
}

static void a_change_is_seen_by_the_next_request_of_every_process(void **state)
{
	struct err err = { "" };

	(void)state;
	assert_false(may(there, "[\"p\"]", CAPABILITY_READ, "a"));
	put(here, "p", READ_A);
	assert_true(may(here, "[\"p\"]", CAPABILITY_READ, "a"));
	assert_true(may(there, "[\"p\"]", CAPABILITY_READ, "a"));
	put(there, "p", LISTS_A);
	assert_false(may(here, "[\"p\"]", CAPABILITY_READ, "a"));
	assert_false(may(there, "[\"p\"]", CAPABILITY_READ, "a"));
	assert_true(may(here, "[\"p\"]", CAPABILITY_LIST, "a"));
	assert_int_equal(policies_delete(here, "p", &err), 0);
	assert_false(may(there, "[\"p\"]", CAPABILITY_LIST, "a"));
	assert_false(may(here, "[\"p\"]", CAPABILITY_LIST, "a"));
}

static void nothing_is_built_twice_without_need(void **state)
{
	json_t *names = json_pack("[ss]", "p", "q"), *same = json_pack("[ss]", "p", "q");
	const struct acl *first, *again;

	(void)state;
	put(here, "p", READ_A);
	assert_int_equal(policies_acl(here, names, &first), 0);
	assert_int_equal(policies_acl(here, same, &again), 0);
	assert_ptr_equal(first, again);
	assert_int_equal(acl_count(first), 1);
	put(here, "q", "path \"b\" {}");
	assert_int_equal(policies_acl(here, names, &again), 0);
	assert_int_equal(acl_count(again), 2);
	json_decref(names);
	json_decref(same);
}

static void what_others_change_builds_nothing_anew(void **state)
{
	json_t *names = json_pack("[ss]", "default", "p");
	const struct acl *first, *again;
	struct err err = { "" };

	(void)state;
	put(here, "p", READ_A);
	assert_int_equal(policies_acl(here, names, &first), 0);
	put(there, "q", READ_A);
	assert_int_equal(policies_acl(here, names, &again), 0);
	assert_ptr_equal(first, again);
	put(there, "default", LISTS_A);
	assert_true(may(here, "[\"default\", \"p\"]", CAPABILITY_LIST, "a"));
	assert_int_equal(policies_delete(there, "p", &err), 0);
	assert_false(may(here, "[\"default\", \"p\"]", CAPABILITY_READ, "a"));
	put(there, "p", READ_A);
	assert_true(may(here, "[\"default\", \"p\"]", CAPABILITY_READ, "a"));
	json_decref(names);
}

static void policies_of_one_token_are_merged(void **state)
{
	(void)state;
	put(here, "p", READ_A);
	put(here, "q", LISTS_A);
	put(here, "d", "path \"a\" { policy = \"deny\" }");
	assert_true(may(here, "[\"p\", \"q\"]", CAPABILITY_READ, "a"));
	assert_true(may(here, "[\"p\", \"q\"]", CAPABILITY_LIST, "a"));
	assert_false(may(here, "[\"p\", \"q\", \"d\"]", CAPABILITY_LIST, "a"));
}

static void many_sets_of_names_are_kept_within_bounds(void **state)
{
	char names[64];

	(void)state;
	put(here, "p", READ_A);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < BUILT_MAX + 100; i++) {
			snprintf(names, sizeof(names), "[\"p\", \"no-%d\"]", i);
			assert_true(may(here, names, CAPABILITY_READ, "a"));
		}
	}
}

static struct acl *large_acl(void)
{
	struct policy *policy;
	struct buf text = BUF_INIT;
	struct acl *acl;

	for (int i = 0; i < BUILT_RULES_MAX / 4; i++)
		buf_printf(&text, "path \"%d\" {}\n", i);
	assert_int_equal(acl_new(&acl), 0);
	assert_int_equal(policy_parse("p", text.data, text.size, &policy, NULL), 0);
	assert_int_equal(acl_add(acl, policy), 0);
	assert_int_equal(acl_build(acl, 1), 0);
	buf_free(&text);
	return acl;
}

static void large_sets_are_kept_within_bounds(void **state)
{
	struct built_cache cache = { .count = 0 };
	json_t *names[6];

	(void)state;
	for (int i = 0; i < 6; i++) {
		names[i] = json_pack("[i]", i);
		if (i == 5)
			assert_non_null(built_find(&cache, names[1]));
		assert_int_equal(built_keep(&cache, names[i], large_acl(), NULL, 1), 0);
		assert_true(cache.rules <= BUILT_RULES_MAX);
	}
	assert_int_equal(cache.count, 4);
	assert_null(built_find(&cache, names[0]));
	assert_non_null(built_find(&cache, names[1]));
	assert_null(built_find(&cache, names[2]));
	built_free_all(&cache);
	assert_int_equal(cache.count, 0);
	assert_int_equal(cache.rules, 0);
	for (int i = 0; i < 6; i++)
		json_decref(names[i]);
}

static void a_rule_ends_while_it_is_kept(void **state)
{
	char text[128], time[40];
	int64_t end = clock_now() + 1, before;
	bool allowed;

	(void)state;
	clock_format(end, time);
	snprintf(text, sizeof(text), "path \"a\" { policy = \"read\" expiration = \"%s\" }", time);
	put(here, "p", text);
	do {
		before = clock_now();
		allowed = may(here, "[\"p\"]", CAPABILITY_READ, "a");
	} while (allowed && before < end);
	assert_false(allowed);
}

/* ---- The records ---- */

static void expect_text(const char *name, const char *expected)
{
	struct buf text = BUF_INIT;

	assert_int_equal(policies_get(here, name, &text), 0);
	assert_string_equal(buf_text(&text), expected);
	buf_free(&text);
}

static void a_text_is_kept_as_it_was_sent(void **state)
{
	struct buf text = BUF_INIT;

	(void)state;
	put(here, "team/app", "# mine\r\n" READ_A);
	expect_text("team/app", "# mine\r\n" READ_A);
	assert_int_equal(policies_get(here, "team/ap", &text), LH_ENOENT);
	expect_text("root", "");
}

static void default_can_be_overwritten_and_not_deleted(void **state)
{
	struct err err = { "" };

	(void)state;
	assert_true(may(here, "[\"default\"]", CAPABILITY_READ, "auth/token/lookup-self"));
	put(here, "default", READ_A);
	expect_text("default", READ_A);
	assert_false(may(here, "[\"default\"]", CAPABILITY_READ, "auth/token/lookup-self"));
	assert_true(may(here, "[\"default\"]", CAPABILITY_READ, "a"));
	assert_int_equal(policies_delete(here, "default", &err), LH_EINVAL);
	assert_string_equal(err.text, "cannot delete default policy");
}

static const struct {
	const char *name, *policy, *text, *error; /* text NULL: deletes */
} refused[] = {
	{ "root is no text", "root", READ_A, "cannot update \"root\" policy" },
	{ "wrapping is fixed", "response-wrapping", READ_A,
	  "cannot update \"response-wrapping\" policy" },
	{ "root stays", "root", NULL, "cannot delete \"root\" policy" },
	{ "wrapping stays", "response-wrapping", NULL,
	  "cannot delete \"response-wrapping\" policy" },
	{ "broken", "p", "path \"x\" {",
	  "failed to parse policy: line 1: found the end of the text, expected a key or \"}\"" },
};

static void what_may_not_change_does_not(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct err err = { "" };
		const char *unkept;
		int ret = refused[i].text ? policies_put(here, refused[i].policy,
							 as_bytes(refused[i].text), &unkept, &err)
					  : policies_delete(here, refused[i].policy, &err);

		if (ret != LH_EINVAL || strcmp(err.text, refused[i].error) != 0)
			fail_msg("%s: %d, \"%s\"", refused[i].name, ret, err.text);
	}
}

static void a_text_over_the_limit_is_refused(void **state)
{
	char *text = malloc(POLICY_SIZE_MAX + 1);
	struct err err = { "" };
	const char *unkept;

	(void)state;
	assert_non_null(text);
	memset(text, '\n', POLICY_SIZE_MAX + 1);
	assert_int_equal(
		policies_put(here, "p", (struct bytes){ text, POLICY_SIZE_MAX }, &unkept, &err), 0);
	assert_int_equal(
		policies_put(here, "p", (struct bytes){ text, POLICY_SIZE_MAX + 1 }, &unkept, &err),
		LH_EINVAL);
	assert_string_equal(err.text, "a policy has at most 1048576 bytes, this one has 1048577");
	free(text);
}

static void a_broken_record_grants_nothing(void **state)
{
	struct store_batch batch = { 0 };
	json_t *names = json_pack("[s]", "p");
	const struct acl *acl;
	struct key key;

	(void)state;
	key_start(&key, 'P');
	key_add_text(&key, "p");
	store_batch_put(&batch, STORE_ANY, 0, key_bytes(&key), as_bytes("path {"));
	assert_int_equal(store_apply(temp.store, STORE_NORMAL, &batch, NULL), 0);
	store_batch_free(&batch);
	assert_int_equal(policies_acl(here, names, &acl), LH_ECORRUPT);
	assert_null(acl);
	json_decref(names);
}

/* ---- What is built in ---- */

/* Section 7.6 of the conventions: all that a token may do on its own. */
static const struct {
	const char *policy, *path;
	enum capability capability;
	bool allowed;
} rights[] = {
	{ "default", "auth/token/lookup-self", CAPABILITY_READ, true },
	{ "default", "auth/token/renew-self", CAPABILITY_UPDATE, true },
	{ "default", "auth/token/revoke-self", CAPABILITY_UPDATE, true },
	{ "default", "sys/capabilities-self", CAPABILITY_UPDATE, true },
	{ "default", "sys/internal/ui/resultant-acl", CAPABILITY_READ, true },
	{ "default", "sys/renew", CAPABILITY_UPDATE, true },
	{ "default", "sys/leases/renew", CAPABILITY_UPDATE, true },
	{ "default", "sys/leases/lookup", CAPABILITY_UPDATE, true },
	{ "default", "cubbyhole/a/b", CAPABILITY_CREATE, true },
	{ "default", "cubbyhole/a", CAPABILITY_READ, true },
	{ "default", "cubbyhole/a", CAPABILITY_UPDATE, true },
	{ "default", "cubbyhole/a", CAPABILITY_DELETE, true },
	{ "default", "cubbyhole/", CAPABILITY_LIST, true },
	{ "default", "sys/wrapping/wrap", CAPABILITY_UPDATE, true },
	{ "default", "sys/wrapping/lookup", CAPABILITY_UPDATE, true },
	{ "default", "sys/wrapping/unwrap", CAPABILITY_UPDATE, true },
	{ "default", "sys/tools/hash", CAPABILITY_UPDATE, true },
	{ "default", "sys/tools/hash/sha2-256", CAPABILITY_UPDATE, true },
	{ "default", "sys/control-group/request", CAPABILITY_UPDATE, true },
	{ "default", "identity/oidc/provider/x/authorize", CAPABILITY_UPDATE, true },
	{ "default", "identity/entity/id/x", CAPABILITY_READ, false },
	{ "default", "sys/leases/revoke", CAPABILITY_UPDATE, false },
	{ "default", "sys/leases/renew/a/b", CAPABILITY_UPDATE, false },
	{ "default", "auth/token/create", CAPABILITY_UPDATE, false },
	{ "default", "sys/mounts", CAPABILITY_READ, false },
	{ "response-wrapping", "cubbyhole/response", CAPABILITY_CREATE, true },
	{ "response-wrapping", "cubbyhole/response", CAPABILITY_READ, true },
	{ "response-wrapping", "cubbyhole/response", CAPABILITY_DELETE, false },
	{ "response-wrapping", "sys/wrapping/unwrap", CAPABILITY_UPDATE, true },
	{ "response-wrapping", "sys/wrapping/lookup", CAPABILITY_UPDATE, false },
	{ "response-wrapping", "auth/token/lookup-self", CAPABILITY_READ, false },
};

static void the_policies_that_are_built_in_grant_what_they_should(void **state)
{
	char names[64];

	(void)state;
	for (size_t i = 0; i < sizeof(rights) / sizeof(rights[0]); i++) {
		snprintf(names, sizeof(names), "[\"%s\"]", rights[i].policy);
		if (may(here, names, rights[i].capability, rights[i].path) != rights[i].allowed)
			fail_msg("%s: %s %s: was judged the other way", rights[i].policy,
				 capability_name(rights[i].capability), rights[i].path);
	}
}

/* ---- Listing ---- */

static int collect(void *context, const char *name)
{
	struct buf *names = context;

	buf_printf(names, "%s ", name);
	return 0;
}

static void expect_names(const char *after, size_t max, const char *expected)
{
	struct buf names = BUF_INIT;

	assert_int_equal(policies_list(here, after, max, collect, &names), 0);
	assert_string_equal(buf_text(&names), expected);
	buf_free(&names);
}

static void names_are_listed_in_order_and_by_pages(void **state)
{
	(void)state;
	expect_names("", 100, "default root ");
	put(here, "b", READ_A);
	put(here, "x", READ_A);
	put(here, "zz", READ_A);
	expect_names("", 100, "b default x zz root ");
	expect_names("", 2, "b default ");
	expect_names("default", 1, "x ");
	expect_names("b", 100, "default x zz root ");
	expect_names("c", 1, "default ");
	expect_names("x", 1, "zz ");
	expect_names("x", 2, "zz root ");
	expect_names("zz", 100, "root ");
	expect_names("root", 100, "");
	put(here, "default", READ_A);
	expect_names("", 100, "b default x zz root ");
	expect_names("", 2, "b default ");
	expect_names("default", 1, "x ");
	expect_names("b", 1, "default ");
}

static void lost_memory_is_told(void **state)
{
	json_t *names = json_pack("[s]", "p");
	int ret = LH_ENOMEM;

	(void)state;
	for (unsigned n = 1; ret; n++) {
		struct policies *fresh = NULL;
		const struct acl *acl = NULL;
		struct err err = { "" };
		const char *unkept;

		fail_alloc_at(n);
		ret = policies_new(temp.store, &fresh);
		if (!ret)
			ret = policies_put(fresh, "p", as_bytes(READ_A), &unkept, &err);
		if (!ret)
			ret = policies_acl(fresh, names, &acl);
		if (fail_alloc_stop())
			assert_int_not_equal(ret, 0);
		else
			assert_int_equal(ret, 0);
		policies_free(fresh);
		assert_true(n < 1000);
	}
	json_decref(names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(root_may_everything),
		TEST(a_token_without_policies_may_nothing),
		TEST(a_change_is_seen_by_the_next_request_of_every_process),
		TEST(nothing_is_built_twice_without_need),
		TEST(what_others_change_builds_nothing_anew),
		TEST(policies_of_one_token_are_merged),
		TEST(large_sets_are_kept_within_bounds),
		TEST(many_sets_of_names_are_kept_within_bounds),
		TEST(a_rule_ends_while_it_is_kept),
		TEST(a_text_is_kept_as_it_was_sent),
		TEST(default_can_be_overwritten_and_not_deleted),
		TEST(what_may_not_change_does_not),
		TEST(a_text_over_the_limit_is_refused),
		TEST(a_broken_record_grants_nothing),
		TEST(the_policies_that_are_built_in_grant_what_they_should),
		TEST(names_are_listed_in_order_and_by_pages),
		TEST(lost_memory_is_told),
	};

	fail_alloc_jansson();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
