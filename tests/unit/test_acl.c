/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "auth/acl.h"
#include "fail_alloc.h"
#include "util/buf.h"
#include "util/err.h"
#include "util/file.h"
#include "util/json.h"

#define NOW 1000

static void add_text(struct acl *acl, const char *text)
{
	struct policy *policy;
	struct err err = { "" };

	if (policy_parse("p", text, strlen(text), &policy, &err))
		fail_msg("%s: %s", text, err.text);
	assert_int_equal(acl_add(acl, policy), 0);
}

/* Of one or two policies. */
static struct acl *make_acl(const char *first, const char *second)
{
	struct acl *acl;

	assert_int_equal(acl_new(&acl), 0);
	add_text(acl, first);
	if (second)
		add_text(acl, second);
	assert_int_equal(acl_build(acl, NOW), 0);
	return acl;
}

/* `a+b*: 1 2, c: deny`: each path with its capabilities as a policy text. */
static void add_rules(struct buf *text, const char *rules)
{
	char copy[512], *save = NULL;

	assert_true(strlen(rules) < sizeof(copy));
	strcpy(copy, rules);
	for (char *rule = strtok_r(copy, ",", &save); rule; rule = strtok_r(NULL, ",", &save)) {
		char *colon = strchr(rule, ':'), *inner = NULL;

		assert_non_null(colon);
		*colon = '\0';
		buf_printf(text, "path \"%s\" { capabilities = [", rule + strspn(rule, " "));
		for (char *word = strtok_r(colon + 1, " ", &inner); word;
		     word = strtok_r(NULL, " ", &inner))
			buf_printf(text, "\"%s\",", word);
		buf_add_text(text, "] }\n");
	}
}

static struct acl *make_rules(const char *rules)
{
	struct buf text = BUF_INIT;
	struct acl *acl;

	add_rules(&text, rules);
	acl = make_acl(buf_text(&text), NULL);
	buf_free(&text);
	return acl;
}

/* ---- Choosing ---- */

static const struct {
	const char *name, *rules, *path, *plain, *list; /* the path of the rule that decides */
} choices[] = {
	{ "no rule", "a: read", "b", NULL, NULL },
	{ "no rules at all", "", "b", NULL, NULL },
	{ "the exact one", "a/b: read, a/*: list, a/+: list, *: sudo", "a/b", "a/b", "a/b" },
	{ "leading slashes do not count", "a/b: read", "//a/b", "a/b", "a/b" },
	{ "a list falls back to the path without slash", "a/b: list, a/*: read", "a/b/", "a/",
	  "a/b" },
	{ "a list prefers the path with slash", "a/b: list, a/b/: read", "a/b/", "a/b/", "a/b/" },
	{ "the longest prefix", "*: read, a/*: read, a/b*: read, a/bcd*: read", "a/bc", "a/b",
	  "a/b" },
	{ "a prefix that is the whole path", "a/b*: read", "a/b", "a/b", "a/b" },
	{ "a prefix is not one of a sibling", "a/b*: read, a/c: read, a/bb*: read", "a/ba", "a/b",
	  "a/b" },
	{ "a chain of prefixes", "a*: read, ab*: read, abd*: read, abf*: read", "abe", "ab", "ab" },
	{ "no prefix fits", "ab*: read, abc*: read", "aa", NULL, NULL },
	{ "a later wildcard wins: plus", "a/*: read, a/b/+/d: read, a/+/c/d: read", "a/b/c/d",
	  "a/b/+/d", "a/b/+/d" },
	{ "a later wildcard wins: prefix", "a/b/*: read, a/+/c: read", "a/b/c", "a/b/", "a/b/" },
	{ "at one place the one without star", "a/*: read, a/+: read", "a/b", "a/+", "a/+" },
	{ "at one place the one without star, of two plus", "a/+/c*: read, a/+/+: read", "a/b/cd",
	  "a/+/+", "a/+/+" },
	{ "fewer plus", "a/+/+: read, a/+/c: read", "a/b/c", "a/+/c", "a/+/c" },
	{ "the longer one", "a/+/b*: read, a/+/bc*: read", "a/x/bcd", "a/+/bc", "a/+/bc" },
	{ "behind in byte order", "+/b/+/+: read, +/+/c/+: read", "a/b/c/d", "+/b/+/+", "+/b/+/+" },
	{ "plus is one part", "a/+: read", "a/b/c", NULL, NULL },
	{ "plus is a part, even an empty one", "a/+: read", "a/", "a/+", "a/+" },
	{ "plus is not no part", "a/+: read", "a", NULL, NULL },
	{ "plus alone", "+: read", "a", "+", "+" },
	{ "plus and prefix swallow the rest", "a/+/c*: read", "a/b/cd/e/f", "a/+/c", "a/+/c" },
	{ "plus and prefix need their part", "a/+/c*: read", "a/b", NULL, NULL },
	{ "plus and prefix at a slash", "a/+/*: read", "a/b/", "a/+/", "a/+/" },
	{ "plus and prefix at a slash, without it", "a/+/*: read", "a/b", NULL, NULL },
	{ "plus and prefix, another part", "a/+/c*: read", "a/b/d", NULL, NULL },
	{ "a plus in a part is itself", "a+: read, b/a+b: read", "ab", NULL, NULL },
	{ "a star in a part is itself", "a/*/b: read", "a/x/b", NULL, NULL },
	{ "a list falls back to wildcards without slash", "a/b*: read, a/+: list", "a/b/", "a/b",
	  "a/b" },
	{ "a list falls back to plus without slash", "a/+: list", "a/b/", NULL, "a/+" },
	{ "a list of everything", "*: list", "", "", "" },
	{ "deny decides as any other", "a/*: read, a/b/*: deny, a/b/c: read", "a/b/d", "a/b/",
	  "a/b/" },
	{ "an allowance below a denial", "a/*: deny, a/b: read", "a/b", "a/b", "a/b" },
	{ "letter case counts", "A: read, a/B*: read", "a", NULL, NULL },
	{ "bytes above ASCII sort as they should", "\xc3\xa9*: read, z*: read", "\xc3\xa9/x",
	  "\xc3\xa9", "\xc3\xa9" },
};

static void check_choice(size_t i, const struct acl *acl, enum acl_question question,
			 const char *expected)
{
	const struct rule *rule = acl_find(acl, choices[i].path, question);

	if (!rule && !expected)
		return;
	if (!rule || !expected || strcmp(rule->path, expected) != 0)
		fail_msg("%s (%s): chose %s, expected %s", choices[i].name,
			 question == ACL_LIST ? "list" : "plain", rule ? rule->path : "none",
			 expected ? expected : "none");
}

static void one_rule_decides(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
		struct acl *acl = make_rules(choices[i].rules);

		check_choice(i, acl, ACL_PLAIN, choices[i].plain);
		check_choice(i, acl, ACL_LIST, choices[i].list);
		acl_free(acl);
	}
}

static void what_does_not_hold_is_left_out(void **state)
{
	struct acl *acl = make_acl(
		"path \"a\" { policy = \"read\" expiration = \"1970-01-01T00:16:40Z\" }\n"
		"path \"b\" { policy = \"read\" expiration = \"1970-01-01T00:16:42Z\" }\n"
		"path \"c\" { policy = \"read\" expiration = \"1970-01-01T00:16:41Z\" }\n"
		"path \"d{{identity.entity.id}}\" { policy = \"read\" }\n"
		"path \"e\" { policy = \"read\" expiration = \"1970-01-01T00:00:00Z\" }\n",
		NULL);

	(void)state;
	assert_int_equal(acl_count(acl), 2);
	assert_null(acl_find(acl, "a", ACL_PLAIN));
	assert_non_null(acl_find(acl, "b", ACL_PLAIN));
	assert_int_equal(acl_expires(acl), 1001);
	assert_null(acl_find(acl, "d{{identity.entity.id}}", ACL_PLAIN));
	acl_free(acl);
	acl = make_rules("a: read");
	assert_true(acl_expires(acl) == INT64_MAX);
	acl_free(acl);
}

/* ---- Merging ---- */

static const struct {
	const char *name, *first, *second; /* members of path "a" */
	const char *capabilities;
	const char *allowed, *denied, *required;
	int min, max;
} merges[] = {
	{ "capabilities add up", "capabilities = [\"read\"]", "capabilities = [\"list\", \"read\"]",
	  "list read", NULL, NULL, NULL, 0, 0 },
	{ "a denial stays", "policy = \"deny\"",
	  "capabilities = [\"read\"] required_parameters = [\"a\"] max_wrapping_ttl = 3", "deny",
	  NULL, NULL, NULL, 0, 0 },
	{ "a denial comes",
	  "capabilities = [\"read\"] allowed_parameters = { a = [] } max_wrapping_ttl = 3",
	  "policy = \"deny\"", "deny", NULL, NULL, NULL, 0, 0 },
	{ "the smaller limits", "min_wrapping_ttl = 5 max_wrapping_ttl = 60",
	  "min_wrapping_ttl = 6 max_wrapping_ttl = 50", "", NULL, NULL, NULL, 5, 50 },
	{ "limits of one side", "max_wrapping_ttl = 60", "min_wrapping_ttl = 70", "", NULL, NULL,
	  NULL, 70, 60 },
	{ "parameters of one side", "policy = \"read\"",
	  "allowed_parameters = { a = [1] } denied_parameters = { b = [] }", "list read",
	  "{\"a\":[1]}", "{\"b\":[]}", NULL, 0, 0 },
	{ "no parameters are no limit", "allowed_parameters = {}",
	  "allowed_parameters = { a = [1] }", "", "{\"a\":[1]}", NULL, NULL, 0, 0 },
	{ "no parameters are no limit, behind", "allowed_parameters = { a = [1] }",
	  "allowed_parameters = {}", "", "{\"a\":[1]}", NULL, NULL, 0, 0 },
	{ "values add up", "allowed_parameters = { a = [1] b = [2] }",
	  "allowed_parameters = { a = [3] c = [4] }", "", "{\"a\":[1,3],\"b\":[2],\"c\":[4]}", NULL,
	  NULL, 0, 0 },
	{ "any value stays any", "allowed_parameters = { a = [] } denied_parameters = { b = [1] }",
	  "allowed_parameters = { a = [3] } denied_parameters = { b = [] }", "", "{\"a\":[]}",
	  "{\"b\":[]}", NULL, 0, 0 },
	{ "what is required adds up", "required_parameters = [\"a\", \"b\"]",
	  "required_parameters = [\"B\", \"c\"]", "", NULL, NULL,
	  "{\"a\":true,\"b\":true,\"c\":true}", 0, 0 },
};

static bool is_json(const json_t *value, const char *text)
{
	json_t *expected;
	int equal;

	if (!text)
		return !value || !json_object_size(value);
	expected = json_loads(text, 0, NULL);
	assert_non_null(expected);
	equal = json_equal(value, expected);
	json_decref(expected);
	return equal;
}

/* Sorted names, as clients see them. */
static const char *show_capabilities(unsigned capabilities, char *out)
{
	static const char *const sorted[] = { "create", "delete", "deny", "list",
					      "patch",  "read",   "sudo", "update" };

	out[0] = '\0';
	for (size_t i = 0; i < sizeof(sorted) / sizeof(sorted[0]); i++)
		if (capabilities & CAPABILITY_BIT(capability_find(sorted[i])))
			sprintf(out + strlen(out), "%s%s", out[0] ? " " : "", sorted[i]);
	return out;
}

static void rules_of_one_path_become_one(void **state)
{
	char first[256], second[256], shown[128];

	(void)state;
	for (size_t i = 0; i < sizeof(merges) / sizeof(merges[0]); i++) {
		struct acl *acl;
		const struct rule *rule;

		snprintf(first, sizeof(first), "path \"a\" { %s }", merges[i].first);
		snprintf(second, sizeof(second), "path \"a\" { %s }", merges[i].second);
		acl = make_acl(first, second);
		assert_int_equal(acl_count(acl), 1);
		rule = acl_find(acl, "a", ACL_PLAIN);
		assert_non_null(rule);
		if (strcmp(show_capabilities(rule->capabilities, shown), merges[i].capabilities) !=
			    0 ||
		    !is_json(rule->allowed, merges[i].allowed) ||
		    !is_json(rule->denied, merges[i].denied) ||
		    !is_json(rule->required, merges[i].required) ||
		    rule->min_wrap != merges[i].min || rule->max_wrap != merges[i].max)
			fail_msg("%s: %s, min %lld, max %lld", merges[i].name, shown,
				 (long long)rule->min_wrap, (long long)rule->max_wrap);
		assert_non_null(rule->same);
		assert_null(rule->same->same);
		acl_free(acl);
	}
}

static void only_equal_paths_are_merged(void **state)
{
	struct acl *acl = make_rules("a: read, a*: list, a/+: read, a/+/*: list, a/+/: read");

	(void)state;
	assert_int_equal(acl_count(acl), 5);
	acl_free(acl);
}

/* ---- What can be reached ---- */

static const struct {
	const char *name, *rules, *path;
	bool reached;
} reaches[] = {
	{ "nothing", "b/*: read", "a/", false },
	{ "a rule beneath", "a/x/y: read", "a/", true },
	{ "a prefix beneath", "a/x*: read", "a/", true },
	{ "a prefix above", "*: list", "a/", true },
	{ "the path without slash", "a: read", "a/", true },
	{ "a denial", "*: read, a/*: deny", "a/", false },
	{ "an allowance beneath a denial", "a/*: deny, a/b: read", "a/", true },
	{ "a rule without capabilities", "a/x:", "a/", false },
	{ "a plus", "+/role/x: read", "a/", true },
	{ "a plus elsewhere", "b/+/x: read", "a/", false },
	{ "a plus that is deeper than the path", "a/b/+/x: read", "a/b/", true },
	{ "a plus that denies", "+/role/x: deny", "a/", false },
	{ "a name that begins alike", "ab/x: read", "a/", false },
	{ "a plus and a star", "+/ro*: read", "a/", true },
};

static void what_can_be_reached_is_known(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(reaches) / sizeof(reaches[0]); i++) {
		struct acl *acl = make_rules(reaches[i].rules);

		if (acl_reaches(acl, reaches[i].path) != reaches[i].reached)
			fail_msg("%s: was judged the other way", reaches[i].name);
		acl_free(acl);
	}
}

/* ---- Memory ---- */

static int build_all(struct acl **acl_out)
{
	static const char text[] =
		"path \"a\" { allowed_parameters = { k = [1] } }\n"
		"path \"a\" { allowed_parameters = { k = [2] l = [] }\n"
		"denied_parameters = { m = [] } required_parameters = [\"n\"] }\n"
		"path \"a/*\" {} path \"a/+\" {}\n";
	struct policy *policy;
	int ret;

	ret = acl_new(acl_out);
	if (!ret)
		ret = policy_parse("p", text, strlen(text), &policy, NULL);
	if (!ret)
		ret = acl_add(*acl_out, policy);
	return ret ? ret : acl_build(*acl_out, NOW);
}

static void lost_memory_is_told(void **state)
{
	int ret = LH_ENOMEM;

	(void)state;
	for (unsigned n = 1; ret; n++) {
		struct acl *acl = NULL;

		fail_alloc_at(n);
		ret = build_all(&acl);
		if (fail_alloc_stop())
			assert_int_equal(ret, LH_ENOMEM);
		else
			assert_int_equal(ret, 0);
		if (!ret)
			assert_true(n > 20);
		acl_free(acl);
	}
}

/* ---- tests/vectors/acl-cases.jsonl: what tokens with recorded policies may do ---- */

static int check_path(const struct acl *acl, const json_t *check, int line)
{
	const char *path = json_string_value(json_array_get(check, 0));
	const json_t *expected = json_array_get(check, 1), *name;
	unsigned capabilities = acl_capabilities(acl, path), wanted = 0;
	char shown[128];
	size_t i;

	json_array_foreach(expected, i, name)
	{
		wanted |= CAPABILITY_BIT(capability_find(json_string_value(name)));
	}
	if ((capabilities ? capabilities : CAPABILITY_BIT(CAPABILITY_DENY)) == wanted)
		return 0;
	print_error("line %d: %s: %s\n", line, path, show_capabilities(capabilities, shown));
	return 1;
}

static void recorded_policies_give_the_recorded_capabilities(void **state)
{
	const char *srcdir = getenv("srcdir");
	struct buf path = BUF_INIT, text = BUF_INIT;
	int line = 0, wrong = 0, checks = 0;
	char *save = NULL;

	(void)state;
	buf_printf(&path, "%s/tests/vectors/acl-cases.jsonl", srcdir ? srcdir : ".");
	assert_int_equal(file_read(path.data, 1 << 22, &text, NULL), 0);
	for (char *at = strtok_r(text.data, "\n", &save); at; at = strtok_r(NULL, "\n", &save)) {
		json_t *object = json_loads(at, 0, NULL), *item;
		struct acl *acl;
		size_t i;

		line++;
		assert_int_equal(acl_new(&acl), 0);
		json_array_foreach(json_object_get(object, "policies"), i, item)
		{
			add_text(acl, json_string_value(item));
		}
		assert_int_equal(acl_build(acl, NOW), 0);
		json_array_foreach(json_object_get(object, "checks"), i, item)
		{
			wrong += check_path(acl, item, line);
			checks++;
		}
		acl_free(acl);
		json_decref(object);
	}
	assert_int_equal(wrong, 0);
	assert_int_equal(line, 1200);
	assert_true(checks > 20000);
	buf_free(&text);
	buf_free(&path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_rule_decides),
		cmocka_unit_test(what_does_not_hold_is_left_out),
		cmocka_unit_test(rules_of_one_path_become_one),
		cmocka_unit_test(only_equal_paths_are_merged),
		cmocka_unit_test(what_can_be_reached_is_known),
		cmocka_unit_test(lost_memory_is_told),
		cmocka_unit_test(recorded_policies_give_the_recorded_capabilities),
	};

	fail_alloc_jansson();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
