/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/alicloud/alicloud.h"
#include "fail_alloc.h"
#include "util/buf.h"
#include "util/err.h"
#include "util/json.h"

#define RANDOM "0123456789abcdef0123456789abcdef"

#define ARN "acs:ram::1234567890123456:role/trusted"
#define DOCUMENT                                                                                   \
	"{\\\"Statement\\\":[{\\\"Action\\\":[\\\"rds:*\\\"],\\\"Effect\\\":\\\"Allow\\\","        \
	"\\\"Resource\\\":[\\\"*\\\"]}],\\\"Version\\\":\\\"1\\\"}"
#define INLINE "\"inline_policies\":\"[" DOCUMENT "]\""
#define REMOTE "\"remote_policies\":[\"name:AliyunOSSReadOnlyAccess,type:System\"]"

#define STORED_DOCUMENT                                                                            \
	"{\"Statement\":[{\"Action\":[\"rds:*\"],\"Effect\":\"Allow\",\"Resource\":[\"*\"]}],"     \
	"\"Version\":\"1\"}"
#define STORED_INLINE                                                                              \
	"[{\"hash\":\"0123456789abcdef0123456789abcdef\",\"policy_document\":" STORED_DOCUMENT "}" \
	"]"
#define STORED_REMOTE "[{\"name\":\"AliyunOSSReadOnlyAccess\",\"type\":\"System\"}]"

/* A role as stored, which is as it is shown. */
#define ROLE(inlines, max_ttl, remotes, arn, ttl)                                                  \
	"{\"inline_policies\":" inlines ",\"max_ttl\":" #max_ttl ",\"remote_policies\":" remotes   \
	",\"role_arn\":\"" arn "\",\"ttl\":" #ttl "}"

#define RAM_ROLE ROLE(STORED_INLINE, 7200, STORED_REMOTE, "", 3600)
#define STS_ROLE ROLE("null", 0, "null", ARN, 0)

#define NEITHER "must include an arn, or at least one of inline_policies or remote_policies"
#define IGNORED                                                                                    \
	"role_arn is set so ttl and max_ttl will be ignored because they're not editable on STS "  \
	"tokens"

static const struct {
	const char *name, *stored, *input;
	const char *role; /* NULL: refused with */
	const char *error, *warning;
} cases[] = {
	{ "nothing is no role", NULL, "{}", NULL, NEITHER, "" },
	{ "policies and times", NULL, "{" REMOTE "," INLINE ",\"ttl\":3600,\"max_ttl\":7200}",
	  RAM_ROLE, "", "" },
	{ "an arn alone", NULL, "{\"role_arn\":\"" ARN "\"}", STS_ROLE, "", "" },
	{ "only what is sent changes", RAM_ROLE, "{\"ttl\":1800}",
	  ROLE(STORED_INLINE, 7200, STORED_REMOTE, "", 1800), "", "" },
	{ "an empty write changes nothing", RAM_ROLE, "{}", RAM_ROLE, "", "" },
	{ "a list that is sent replaces the old one", RAM_ROLE,
	  "{\"remote_policies\":[\"type:Custom,name:Mine\"]}",
	  ROLE(STORED_INLINE, 7200, "[{\"name\":\"Mine\",\"type\":\"Custom\"}]", "", 3600), "",
	  "" },
	{ "an empty list is kept apart from none", RAM_ROLE, "{\"remote_policies\":[]}",
	  ROLE(STORED_INLINE, 7200, "[]", "", 3600), "", "" },
	{ "both lists emptied leave nothing", RAM_ROLE,
	  "{\"remote_policies\":[],\"inline_policies\":\"[]\"}", NULL, NEITHER, "" },
	{ "one write turns a policy role into a session role", RAM_ROLE,
	  "{\"remote_policies\":[],\"inline_policies\":\"[]\",\"role_arn\":\"" ARN
	  "\",\"ttl\":0,\"max_ttl\":0}",
	  ROLE("[]", 0, "[]", ARN, 0), "", "" },
	{ "and back", STS_ROLE, "{\"role_arn\":\"\"," REMOTE "}",
	  ROLE("null", 0, STORED_REMOTE, "", 0), "", "" },
	{ "an arn taken away leaves nothing", STS_ROLE, "{\"role_arn\":\"\"}", NULL, NEITHER, "" },
	{ "an arn with a ttl", NULL, "{\"role_arn\":\"" ARN "\",\"ttl\":60}",
	  ROLE("null", 0, "null", ARN, 60), "", IGNORED },
	{ "an arn with a max_ttl", NULL, "{\"role_arn\":\"" ARN "\",\"max_ttl\":60}",
	  ROLE("null", 60, "null", ARN, 0), "", IGNORED },
	{ "an arn with remote policies", NULL, "{\"role_arn\":\"" ARN "\"," REMOTE "}", NULL,
	  "remote_policies must be blank when an arn is present", "" },
	{ "an arn with inline policies", NULL, "{\"role_arn\":\"" ARN "\"," INLINE "}", NULL,
	  "inline_policies must be blank when an arn is present", "" },
	{ "an arn for a role with policies", RAM_ROLE, "{\"role_arn\":\"" ARN "\"}", NULL,
	  "remote_policies must be blank when an arn is present", "" },
	{ "a ttl over max_ttl", NULL, "{\"ttl\":100,\"max_ttl\":50," INLINE "}", NULL,
	  "ttl exceeds max_ttl", "" },
	{ "times are judged before policies", NULL, "{\"ttl\":100,\"max_ttl\":50}", NULL,
	  "ttl exceeds max_ttl", "" },
	{ "a ttl without a max_ttl", NULL, "{\"ttl\":100," INLINE "}",
	  ROLE(STORED_INLINE, 0, "null", "", 100), "", "" },
	{ "a ttl over the system's", NULL, "{\"ttl\":2764801," INLINE "}",
	  ROLE(STORED_INLINE, 0, "null", "", 2764801), "",
	  "ttl of 2764801 exceeds the system max ttl of 2764800, the latter will be used during "
	  "login" },
	{ "an arn that is none", NULL, "{\"role_arn\":\"nonsense\"}", NULL,
	  "role_arn: must look like acs:ram::<account id>:role/<name>", "" },
	{ "an arn without an account", NULL, "{\"role_arn\":\"acs:ram:::role/x\"}", NULL,
	  "role_arn: must look like acs:ram::<account id>:role/<name>", "" },
	{ "an arn of a user", NULL, "{\"role_arn\":\"acs:ram::1:user/x\"}", NULL,
	  "role_arn: must look like acs:ram::<account id>:role/<name>", "" },
	{ "an arn without a name", NULL, "{\"role_arn\":\"acs:ram::1:role/\"}", NULL,
	  "role_arn: must look like acs:ram::<account id>:role/<name>", "" },
	{ "an arn with something behind", NULL, "{\"role_arn\":\"acs:ram::1:role/x y\"}", NULL,
	  "role_arn: must look like acs:ram::<account id>:role/<name>", "" },

	{ "a remote policy that is no pair", NULL, "{\"remote_policies\":[\"nonsense\"]}", NULL,
	  "unable to recognize pair in nonsense", "" },
	{ "a pair with two colons", NULL, "{\"remote_policies\":[\"name:a:b,type:System\"]}", NULL,
	  "unable to recognize pair in name:a:b", "" },
	{ "an empty pair behind a comma", NULL, "{\"remote_policies\":[\"name:a,type:System,\"]}",
	  NULL, "unable to recognize pair in ", "" },
	{ "an empty element", NULL, "{\"remote_policies\":[\"\"]}", NULL,
	  "unable to recognize pair in ", "" },
	{ "another key", NULL, "{\"remote_policies\":[\"colour:red\"]}", NULL,
	  "invalid key: colour", "" },
	{ "spaces are not trimmed", NULL, "{\"remote_policies\":[\"name:a, type:System\"]}", NULL,
	  "invalid key:  type", "" },
	{ "no name", NULL, "{\"remote_policies\":[\"type:System\"]}", NULL,
	  "policy name is required in type:System", "" },
	{ "an empty name", NULL, "{\"remote_policies\":[\"name:,type:System\"]}", NULL,
	  "policy name is required in name:,type:System", "" },
	{ "no type", NULL, "{\"remote_policies\":[\"name:a\"]}", NULL,
	  "policy type is required in name:a", "" },
	{ "a type in small letters", NULL,
	  "{\"remote_policies\":[\"name:a,type:System\",\"name:b,type:system\"]}", NULL,
	  "remote_policies: element 2: type must be System or Custom", "" },
	{ "a name that the cloud has not", NULL, "{\"remote_policies\":[\"name:a_b,type:System\"]}",
	  NULL, "remote_policies: element 1: name must be 1 to 128 letters, digits and '-'", "" },

	{ "inline policies that are an object", NULL,
	  "{\"inline_policies\":\"{\\\"not\\\":\\\"list\\\"}\"}", NULL,
	  "inline_policies: must be a JSON array of policy documents", "" },
	{ "inline policies that are no JSON", NULL, "{\"inline_policies\":\"not json\"}", NULL,
	  "inline_policies: line 1, column 3: invalid token", "" },
	{ "no text is no empty list", NULL, "{\"inline_policies\":\"\"}", NULL,
	  "inline_policies: line 1, column 0: unexpected token near end of file", "" },
	{ "an empty list and nothing else", NULL, "{\"inline_policies\":\"[]\"}", NULL, NEITHER,
	  "" },
	{ "a document that is no object", NULL, "{\"inline_policies\":\"[" DOCUMENT ",7]\"}", NULL,
	  "inline_policies: document 2 must be an object", "" },
	{ "a document without a version", NULL,
	  "{\"inline_policies\":\"[{\\\"Statement\\\":[{}]}]\"}", NULL,
	  "inline_policies: document 1 must have a Version, the text \"1\"", "" },
	{ "a document with a number as version", NULL,
	  "{\"inline_policies\":\"[{\\\"Statement\\\":[{}],\\\"Version\\\":1}]\"}", NULL,
	  "inline_policies: document 1 must have a Version, the text \"1\"", "" },
	{ "a document without a statement", NULL,
	  "{\"inline_policies\":\"[{\\\"Version\\\":\\\"1\\\"}]\"}", NULL,
	  "inline_policies: document 1 must have a Statement that is not empty", "" },
	{ "a document with an empty statement", NULL,
	  "{\"inline_policies\":\"[{\\\"Statement\\\":[],\\\"Version\\\":\\\"1\\\"}]\"}", NULL,
	  "inline_policies: document 1 must have a Statement that is not empty", "" },
};

#define CASES (sizeof(cases) / sizeof(cases[0]))

static const struct role_limits limits = { 2764800 };

static json_t *read(const char *text)
{
	json_t *value = NULL;

	assert_int_equal(json_read(text, strlen(text), &value, NULL), 0);
	return value;
}

static void check_shown(const char *name, const json_t *role, const char *expected)
{
	json_t *shown = engine_alicloud.show_role(role), *wanted = read(expected);

	if (!json_equal(role, wanted) || !json_equal(shown, wanted))
		fail_msg("%s: %s", name, json_dumps(role, 0));
	json_decref(shown);
	json_decref(wanted);
}

static void roles_are_merged_and_checked(void **state)
{
	(void)state;
	for (size_t i = 0; i < CASES; i++) {
		json_t *stored = cases[i].stored ? read(cases[i].stored) : NULL;
		json_t *before = json_deep_copy(stored), *input = read(cases[i].input), *role;
		struct warnings warnings = { .count = 0 };
		struct err err = { 0 };
		int ret = engine_alicloud.check_role(stored, input, &limits, RANDOM, &role,
						     &warnings, &err);

		if (ret != (cases[i].role ? 0 : LH_EINVAL) || strcmp(err.text, cases[i].error) != 0)
			fail_msg("%s: %d, \"%s\"", cases[i].name, ret, err.text);
		if (strcmp(warnings.count ? warnings.text[0] : "", cases[i].warning) != 0 ||
		    warnings.count > 1)
			fail_msg("%s: warns \"%s\"", cases[i].name, warnings.text[0]);
		if (cases[i].role)
			check_shown(cases[i].name, role, cases[i].role);
		else
			assert_null(role);
		assert_true(!stored || json_equal(stored, before));
		json_decref(role);
		json_decref(input);
		json_decref(before);
		json_decref(stored);
	}
}

static void times_are_told_in_seconds(void **state)
{
	json_t *role = read(RAM_ROLE);
	int64_t ttl, max_ttl;

	(void)state;
	engine_alicloud.role_ttl(role, &ttl, &max_ttl);
	assert_int_equal(ttl, 3600);
	assert_int_equal(max_ttl, 7200);
	json_decref(role);
}

/* ---- Many and large policies ---- */

static int check(const char *name, const char *value, json_t **role, struct warnings *warnings,
		 struct err *err)
{
	json_t *input = json_pack("{s:s}", name, value);
	int ret = engine_alicloud.check_role(NULL, input, &limits, RANDOM, role, warnings, err);

	json_decref(input);
	return ret;
}

static int check_documents(size_t count, size_t filling, json_t **role, struct warnings *warnings,
			   struct err *err)
{
	struct buf text = BUF_INIT;
	int ret;

	buf_add_char(&text, '[');
	for (size_t i = 0; i < count; i++) {
		buf_printf(&text, "%s { \"Version\": \"1\", \"Statement\": [\"", i ? "," : "");
		for (size_t j = 0; j < filling; j++)
			buf_add_char(&text, 'x');
		buf_add_text(&text, "\"] }");
	}
	buf_add_char(&text, ']');
	ret = check("inline_policies", buf_text(&text), role, warnings, err);
	buf_free(&text);
	return ret;
}

static void each_document_has_an_id_of_its_own(void **state)
{
	struct warnings warnings = { .count = 0 };
	json_t *role, *seen = json_object();
	const json_t *policy;
	size_t i;

	(void)state;
	assert_int_equal(check_documents(100, 1, &role, &warnings, NULL), 0);
	json_array_foreach(json_object_get(role, "inline_policies"), i, policy)
	{
		const char *hash = json_get_text(policy, "hash");

		assert_int_equal(strlen(hash), 32);
		assert_int_equal(strspn(hash, "0123456789abcdef"), 32);
		assert_null(json_object_get(seen, hash));
		json_object_set_new(seen, hash, json_true());
	}
	assert_int_equal(json_object_size(seen), 100);
	json_decref(seen);
	json_decref(role);
}

static void more_than_a_hundred_documents_are_refused(void **state)
{
	struct warnings warnings = { .count = 0 };
	struct err err = { 0 };
	json_t *role;

	(void)state;
	assert_int_equal(check_documents(101, 1, &role, &warnings, &err), LH_EINVAL);
	assert_string_equal(err.text, "inline_policies: more than 100 documents");
}

/* {"Version":"1","Statement":["…"]} has 32 bytes around its filling. */
static void a_document_counts_as_it_is_sent(void **state)
{
	struct warnings warnings = { .count = 0 };
	struct err err = { 0 };
	json_t *role;

	(void)state;
	assert_int_equal(check_documents(1, 6144 - 32, &role, &warnings, &err), 0);
	json_decref(role);
	assert_int_equal(check_documents(1, 6144 - 31, &role, &warnings, &err), LH_EINVAL);
	assert_string_equal(err.text, "inline_policies: document 1 has 6145 bytes, more than 6144");
	assert_null(role);
}

static void many_policies_are_a_warning(void **state)
{
	struct warnings warnings = { .count = 0 };
	json_t *role, *list = json_array(), *input;

	(void)state;
	assert_int_equal(check_documents(10, 1, &role, &warnings, NULL), 0);
	assert_int_equal(warnings.count, 0);
	json_decref(role);
	for (int i = 0; i < 21; i++)
		json_array_append_new(list, json_string("name:a,type:System"));
	for (int i = 0; i < 11; i++)
		json_array_append_new(list, json_string("name:b,type:Custom"));
	input = json_pack("{s:o}", "remote_policies", list);
	assert_int_equal(
		engine_alicloud.check_role(NULL, input, &limits, RANDOM, &role, &warnings, NULL),
		0);
	assert_int_equal(warnings.count, 2);
	assert_non_null(strstr(warnings.text[0], "11 inline and custom policies"));
	assert_non_null(strstr(warnings.text[1], "21 system policies"));
	json_decref(role);
	json_decref(input);
}

/* An answer is JSON: half a character in an error would break it. */
static void what_an_error_quotes_is_cut_between_characters(void **state)
{
	struct warnings warnings = { .count = 0 };
	struct err err = { 0 };
	struct buf text = BUF_INIT;
	json_t *role, *input;

	(void)state;
	for (int i = 0; i < 1000; i++)
		buf_add_text(&text, "\xe2\x82\xac");
	input = json_pack("{s:[s]}", "remote_policies", buf_text(&text));
	assert_int_equal(
		engine_alicloud.check_role(NULL, input, &limits, RANDOM, &role, &warnings, &err),
		LH_EINVAL);
	assert_int_equal(strlen(err.text), strlen("unable to recognize pair in ") + 42 * 3);
	json_decref(input);
	input = json_string(err.text);
	assert_non_null(input);
	json_decref(input);
	buf_free(&text);
}

static void each_failing_allocation_is_an_error(void **state)
{
	json_t *stored = read(RAM_ROLE), *input = read("{" REMOTE "," INLINE ",\"ttl\":5}");
	unsigned n = 1;
	bool failed;

	(void)state;
	do {
		struct warnings warnings = { .count = 0 };
		struct err err = { 0 };
		json_t *role;
		int ret;

		fail_alloc_at(n++);
		ret = engine_alicloud.check_role(stored, input, &limits, RANDOM, &role, &warnings,
						 &err);
		failed = fail_alloc_stop();
		if (ret != (failed ? LH_ENOMEM : 0) || (role != NULL) != (ret == 0) ||
		    (failed && !err.text[0]))
			fail_msg("allocation %u: %d", n - 1, ret);
		json_decref(role);
	} while (failed);
	assert_true(n > 20);
	json_decref(input);
	json_decref(stored);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(roles_are_merged_and_checked),
		cmocka_unit_test(times_are_told_in_seconds),
		cmocka_unit_test(each_document_has_an_id_of_its_own),
		cmocka_unit_test(more_than_a_hundred_documents_are_refused),
		cmocka_unit_test(a_document_counts_as_it_is_sent),
		cmocka_unit_test(many_policies_are_a_warning),
		cmocka_unit_test(what_an_error_quotes_is_cut_between_characters),
		cmocka_unit_test(each_failing_allocation_is_an_error),
	};

	fail_alloc_jansson();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
