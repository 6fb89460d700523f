/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "auth/policy.h"
#include "fail_alloc.h"
#include "util/buf.h"
#include "util/err.h"
#include "util/file.h"
#include "util/json.h"

/* A policy as text: each rule "KIND path CAPABILITIES {allowed} {denied} {required} min max expires",
 * what is not there left out. */
static void show_json(struct buf *out, const char *name, const json_t *value)
{
	char *text;

	if (!value)
		return;
	text = json_text_sorted(value);
	assert_non_null(text);
	buf_printf(out, " %s%s", name, text);
	free(text);
}

static void show_rule(struct buf *out, const struct rule *rule)
{
	static const char *const kinds[] = { "exact", "prefix", "parts" };

	buf_printf(out, "%s%s%s %s", out->size ? "; " : "", kinds[rule->kind],
		   rule->open && rule->kind == RULE_PARTS ? "*" : "", rule->path);
	for (int c = CAPABILITY_CREATE; c <= CAPABILITY_DENY; c++)
		if (rule->capabilities & CAPABILITY_BIT(c))
			buf_printf(out, " %s", capability_name((enum capability)c));
	show_json(out, "allowed=", rule->allowed);
	show_json(out, "denied=", rule->denied);
	show_json(out, "required=", rule->required);
	if (rule->min_wrap)
		buf_printf(out, " min=%lld", (long long)rule->min_wrap);
	if (rule->max_wrap)
		buf_printf(out, " max=%lld", (long long)rule->max_wrap);
	if (rule->expires)
		buf_printf(out, " expires=%lld", (long long)rule->expires);
	if (rule->templated)
		buf_printf(out, " templated");
}

static const struct {
	const char *name, *text, *rules;
} sound[] = {
	{ "one rule", "path \"a/b\" { capabilities = [\"read\", \"list\"] }",
	  "exact a/b read list" },
	{ "a prefix", "path \"a/*\" { capabilities = [\"delete\"] }", "prefix a/ delete" },
	{ "everything", "path \"*\" { capabilities = [\"sudo\"] }", "prefix  sudo" },
	{ "a star inside is no wildcard", "path \"a/*/b\" { capabilities = [\"read\"] }",
	  "exact a/*/b read" },
	{ "one part", "path \"a/+/b\" { capabilities = [\"patch\"] }", "parts a/+/b patch" },
	{ "one part in front", "path \"+/b\" { capabilities = [\"read\"] }", "parts +/b read" },
	{ "one part at the end", "path \"a/+\" { capabilities = [\"read\"] }", "parts a/+ read" },
	{ "one part alone", "path \"+\" { capabilities = [\"read\"] }", "parts + read" },
	{ "one part and a prefix", "path \"a/+/b*\" { capabilities = [\"read\"] }",
	  "parts* a/+/b read" },
	{ "a plus inside a part is no wildcard", "path \"a+b/+c\" { capabilities = [\"read\"] }",
	  "exact a+b/+c read" },
	{ "a plus at the end of a part is none either",
	  "path \"a+/b+\" { capabilities = [\"read\"] }", "exact a+/b+ read" },
	{ "one leading slash goes", "path \"//a\" { capabilities = [\"read\"] }", "exact /a read" },
	{ "an empty path", "path \"\" { capabilities = [\"read\"] }", "exact  read" },
	{ "no capabilities", "path \"a\" {}", "exact a" },
	{ "an empty list", "path \"a\" { capabilities = [] }", "exact a" },
	{ "capabilities twice add up",
	  "path \"a\" { capabilities = [\"read\"]\ncapabilities = [\"list\"] }",
	  "exact a read list" },
	{ "deny stands alone",
	  "path \"a\" { capabilities = [\"read\", \"deny\"] required_parameters = [\"x\"]\n"
	  "allowed_parameters = { a = [] } max_wrapping_ttl = 5 }",
	  "exact a deny" },
	{ "the old word read", "path \"a\" { policy = \"read\" }", "exact a read list" },
	{ "the old word write", "path \"a\" { policy = \"write\" }",
	  "exact a create read update delete list" },
	{ "the old word sudo", "path \"a\" { policy = \"sudo\" }",
	  "exact a create read update delete list sudo" },
	{ "the old word deny", "path \"a\" { policy = \"deny\" capabilities = [\"read\"] }",
	  "exact a deny" },
	{ "old and new words add up", "path \"a\" { policy = \"read\" capabilities = [\"patch\"] }",
	  "exact a read list patch" },
	{ "parameters in lower case, of any type",
	  "path \"a\" { allowed_parameters = { \"K\" = [\"V\", 1, true, 2.5] \"*\" = [] }\n"
	  "denied_parameters = { \"q\" = [[\"x\"]] } required_parameters = [\"One\", \"two\"] }",
	  "exact a allowed={\"*\":[],\"k\":[\"V\",1,true,2.5]} denied={\"q\":[[\"x\"]]} "
	  "required={\"one\":true,\"two\":true}" },
	{ "names that are one in lower case are one",
	  "path \"a\" { allowed_parameters = { K = [1] k = [2] } }",
	  "exact a allowed={\"k\":[1,2]}" },
	{ "any value stays any value",
	  "path \"a\" { allowed_parameters = { K = [] k = [2] } "
	  "denied_parameters = { K = [1] k = [] } }",
	  "exact a allowed={\"k\":[]} denied={\"k\":[]}" },
	{ "parameters as a block", "path \"a\" { allowed_parameters { \"k\" = [1] } }",
	  "exact a allowed={\"k\":[1]}" },
	{ "wrapping in seconds and words",
	  "path \"a\" { min_wrapping_ttl = \"1m\" max_wrapping_ttl = 90 }",
	  "exact a min=60 max=90" },
	{ "no limits", "path \"a\" { min_wrapping_ttl = \"0s\" max_wrapping_ttl = 0 }", "exact a" },
	{ "a rule that ends", "path \"a\" { expiration = \"1970-01-01T00:01:00Z\" }",
	  "exact a expires=60" },
	{ "a control group as an object",
	  "path \"a\" { control_group = { ttl = \"1h\" factor \"f\" { identity { approvals = 2 } "
	  "}\n"
	  "factor \"g\" { identity { group_names = [\"g\"] } } } capabilities = [\"read\"] }",
	  "exact a read" },
	{ "a control group with its factors",
	  "path \"a\" { control_group { factor \"f\" { identity { group_names = [\"g\"] } } }\n"
	  "comment = \"c\" mfa_methods = [\"m\"] capabilities = [\"read\"] }\nname = \"n\"",
	  "exact a read" },
	{ "a template names nobody",
	  "path \"a/{{identity.entity.id}}/*\" { capabilities = [\"read\"] }",
	  "prefix a/{{identity.entity.id}}/ read templated" },
	{ "several templates",
	  "path \"{{identity.entity.id}}/{{identity.entity.name}}\" { capabilities = [\"read\"] }",
	  "exact {{identity.entity.id}}/{{identity.entity.name}} read templated" },
	{ "rules in their order", "path \"b\" {}\npath \"a\" {}\npath \"b\" {}",
	  "exact b; exact a; exact b" },
	{ "CRLF and a byte order mark", "\xef\xbb\xbfpath \"a\" {}\r\n# x\r\n", "exact a" },
	{ "comments alone", "# nothing\n// here\n/* at all */", "" },
	{ "space alone", "  \n", "" },
	{ "a path that is not ASCII", "path \"\xc3\xa9/\\u00e9\" {}", "exact \xc3\xa9/\xc3\xa9" },
	{ "an object of paths", "path = { \"a\" = { capabilities = [\"read\"] } }",
	  "exact a read" },
	{ "JSON", "{\"path\":{\"a\":{\"capabilities\":[\"read\"]},\"b/*\":{\"policy\":\"read\"}}}",
	  "exact a read; prefix b/ read list" },
	{ "JSON with lists of paths", " {\"path\":[{\"a\":{}},{\"b\":{},\"c\":{}}]}",
	  "exact a; exact b; exact c" },
	{ "JSON with a list for one path",
	  "{\"path\":{\"a\":[{\"policy\":\"read\"},{\"policy\":\"deny\"}]}}",
	  "exact a read list; exact a deny" },
	{ "JSON with listed parameters",
	  "{\"path\":{\"a\":{\"allowed_parameters\":[{\"k\":[1]},{\"l\":[]}]}}}",
	  "exact a allowed={\"k\":[1],\"l\":[]}" },
	{ "JSON without rules", "{}", "" },
};

static int parse(const char *text, struct policy **policy_out, struct err *err)
{
	return policy_parse("p", text, strlen(text), policy_out, err);
}

static void sound_policies_become_rules(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(sound) / sizeof(sound[0]); i++) {
		struct buf shown = BUF_INIT;
		struct policy *policy = NULL;
		struct err err = { "" };

		if (parse(sound[i].text, &policy, &err))
			fail_msg("%s: %s", sound[i].name, err.text);
		for (size_t k = 0; k < policy->count; k++)
			show_rule(&shown, &policy->rules[k]);
		if (strcmp(buf_text(&shown), sound[i].rules) != 0)
			fail_msg("%s: got \"%s\", expected \"%s\"", sound[i].name, buf_text(&shown),
				 sound[i].rules);
		buf_free(&shown);
		policy_free(policy);
	}
}

#define CAPABILITIES "create, read, update, delete, list, patch, sudo or deny"

static const struct {
	const char *name, *text, *error; /* what the sentence must hold */
} broken[] = {
	{ "no policy", "nonsense", "line 1: " },
	{ "an unknown block", "# c\nnonsense {}",
	  "invalid key \"nonsense\" on line 2, expected path" },
	{ "an unknown assignment", "{\"other\":1}",
	  "invalid key \"other\" on line 1, expected path" },
	{ "an unknown key of a path", "path \"x\" {\n colour = 1 }",
	  "path \"x\": invalid key \"colour\" on line 2, expected capabilities, " },
	{ "an unknown block of a path", "path \"x*\" { colour { } }",
	  "path \"x*\": invalid key \"colour\" on line 1" },
	{ "an unknown capability", "path \"x\" { capabilities = [\"fly\"] }",
	  "path \"x\": invalid capability \"fly\" on line 1, expected " CAPABILITIES },
	{ "a capability in upper case", "path \"x\" { capabilities = [\"READ\"] }",
	  "invalid capability \"READ\"" },
	{ "a capability of a heredoc", "path \"x\" { capabilities = [<<E\nread\nE\n] }",
	  "invalid capability \"read\\x0a\"" },
	{ "a capability that is a number", "path \"x\" { capabilities = [1] }",
	  "invalid value of \"capabilities\" on line 1, expected a list of texts" },
	{ "capabilities that are a text", "path \"x\" { capabilities = \"read\" }",
	  "invalid value of \"capabilities\" on line 1, expected a list of texts" },
	{ "capabilities that are an object", "path \"x\" { capabilities = {} }",
	  "expected a list of texts" },
	{ "an unknown old word", "path \"x\" { policy = \"odd\" }",
	  "path \"x\": invalid policy \"odd\" on line 1, expected deny, read, write or sudo" },
	{ "an old word that is none", "path \"x\" { policy = [\"read\"] }", "expected a text" },
	{ "two old words, of which elsewhere the last one counts",
	  "path \"x\" { policy = \"sudo\"\npolicy = \"read\" }",
	  "path \"x\": second value of \"policy\" on line 2, expected one" },
	{ "a plus in front of the star", "path \"+*\" { capabilities = [\"read\"] }",
	  "path \"+*\": invalid use of wildcards ('+*' is forbidden) on line 1" },
	{ "a plus in front of the star, deeper", "path \"a/b+*\" {}", "'+*' is forbidden" },
	{ "wrapping limits that cross",
	  "\npath \"x*\" { min_wrapping_ttl = \"1h\" max_wrapping_ttl = \"1m\" }",
	  "max_wrapping_ttl cannot be less than min_wrapping_ttl in path \"x*\" on line 2, "
	  "expected "
	  "at least 3600 s" },
	{ "a wrapping limit that is no duration", "path \"x*\" {\nmin_wrapping_ttl = \"abc\" }",
	  "error parsing min_wrapping_ttl: time: invalid duration \"abc\" in path \"x*\" on line "
	  "2, "
	  "expected a duration such as 90s or 5m" },
	{ "a wrapping limit below zero", "path \"x\" { max_wrapping_ttl = \"-1s\" }",
	  "error parsing max_wrapping_ttl: on line 1, expected whole seconds, 0 or more" },
	{ "a part of a second, which would be no limit",
	  "path \"x\" { max_wrapping_ttl = \"500ms\" }", "expected whole seconds" },
	{ "a wrapping limit of another type", "path \"x\" { max_wrapping_ttl = [1] }",
	  "expected a duration" },
	{ "required that is a text", "path \"x\" { required_parameters = \"a\" }",
	  "invalid value of \"required_parameters\" on line 1, expected a list of texts" },
	{ "required that holds a number", "path \"x\" { required_parameters = [1] }",
	  "expected a list of texts" },
	{ "allowed that is a list", "path \"x\" { allowed_parameters = [] }",
	  "expected an object of parameters" },
	{ "allowed that holds a text", "path \"x\" { allowed_parameters = [{}, \"a\"] }",
	  "expected an object of parameters" },
	{ "allowed that is a text", "path \"x\" { denied_parameters = \"a\" }",
	  "path \"x\": invalid value of \"denied_parameters\" on line 1, expected an object" },
	{ "a parameter without list", "path \"x\" { allowed_parameters = { k = \"v\" } }",
	  "expected a list of values for each parameter" },
	{ "parameters twice",
	  "path \"x\" { denied_parameters = { k = [] } denied_parameters = { l = [] } }",
	  "second value of \"denied_parameters\" on line 1, expected one" },
	{ "a parameter twice in a block", "path \"x\" { denied_parameters { k = []\n k = [] } }",
	  "line 2: found a parameter" },
	{ "a block in a block", "path \"x\" { denied_parameters { k { } } }",
	  "line 1: found a block, expected" },
	{ "a label behind a key", "path \"x\" { denied_parameters \"k\" { } }",
	  "line 1: found a label" },
	{ "a time that is none", "path \"x\" { expiration = \"tomorrow\" }",
	  "expected a time such as" },
	{ "what this server cannot keep", "path \"x\" { pagination_limit = 5 }",
	  "invalid key \"pagination_limit\" on line 1" },
	{ "no path behind path", "path { \"x\" {} }", "line 1: found no path, or several" },
	{ "two paths behind path", "path \"x\" \"y\" {}", "line 1: found no path, or several" },
	{ "a path that is a text", "\n\npath = \"x\"", "line 3: found no object behind \"path\"" },
	{ "paths that are an empty list", "{\"path\":[]}", "found no object behind \"path\"" },
	{ "paths that are texts", "{\"path\":[\"x\"]}", "found no object behind \"path\"" },
	{ "a path with an empty list", "{\"path\":{\"x\":[]}}", "found no object" },
	{ "a path with a number", "{\"path\":{\"x\":1}}", "found no object" },
	{ "an unknown key in JSON",
	  "{\n\"path\": {\n\"w\": {\"capabilities\": [\"read\"]},\n\"x\": {\"colour\": 1}}}",
	  "path \"x\": invalid key \"colour\" on line 4" },
	{ "an unknown key in JSON with lists",
	  "{\"path\": [\n{\"v\": {\"allowed_parameters\": {\"x\": []}}},\n{\"w\": [{}, {}],\n"
	  "\"x\": [{},\n{\"colour\": 1}]}]}",
	  "path \"x\": invalid key \"colour\" on line 4" },
	{ "the same key twice in JSON", "{\"path\":{\"x\":{}, \"x\":{}}}", "duplicate" },
	{ "a name that is no text", "name = 1", "line 1: found no text behind \"name\"" },
	{ "a name that is a block", "name \"n\" {}", "line 1: found no text behind \"name\"" },
	{ "a template without end", "path \"a/{{identity\" {}", "unbalanced templating" },
	{ "a template without beginning", "path \"a/}}\" {}", "unbalanced templating" },
	{ "a template in a template", "path \"{{a{{b}}\" {}", "unbalanced templating" },
	{ "no end of a comment", "path \"x\" {} /* open", "line 1: " },
	{ "no end of a string", "\n\"open", "line 2: " },
	{ "no end of a block", "path \"x\" {", "line 1: " },
	{ "no end of a heredoc", "path \"x\" { comment = <<E\n", "line " },
	{ "nested too deep", "path \"x\" { allowed_parameters = { k = [[[[[[[[[[1]]]]]]]]]] } }",
	  "levels of braces" },
	{ "bytes that are no text", "path \"\xff\" {}", "found byte 0xff, expected UTF-8" },
};

static void broken_policies_are_refused_in_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		struct policy *policy = NULL;
		struct err err = { "" };

		if (parse(broken[i].text, &policy, &err) != LH_EINVAL || policy)
			fail_msg("%s: was taken", broken[i].name);
		if (!strstr(err.text, broken[i].error))
			fail_msg("%s: said \"%s\", expected \"%s\"", broken[i].name, err.text,
				 broken[i].error);
	}
}

/* ---- Size ---- */

static void ten_thousand_rules_are_read(void **state)
{
	struct buf text = BUF_INIT;
	struct policy *policy;
	struct err err = { "" };

	(void)state;
	for (int i = 0; i < 10000; i++)
		buf_printf(&text, "path \"kv/%d/*\" { capabilities = [\"read\", \"list\"] }\n", i);
	assert_int_equal(policy_parse("p", text.data, text.size, &policy, &err), 0);
	assert_int_equal(policy->count, 10000);
	assert_int_equal(policy->rules[9999].line, 10000);
	policy_free(policy);
	buf_free(&text);
}

static void a_policy_may_be_a_mebibyte(void **state)
{
	struct buf text = BUF_INIT;
	struct policy *policy;
	struct err err = { "" };

	(void)state;
	while (text.size < POLICY_SIZE_MAX - 64)
		buf_printf(&text, "path \"a/%zu\" { policy = \"read\" }\n", text.size);
	while (text.size < POLICY_SIZE_MAX)
		buf_add_char(&text, '\n');
	assert_int_equal(policy_parse("p", text.data, text.size, &policy, &err), 0);
	policy_free(policy);
	buf_add_char(&text, '\n');
	assert_int_equal(policy_parse("p", text.data, text.size, &policy, &err), LH_EINVAL);
	assert_non_null(strstr(err.text, "expected at most 1048576"));
	buf_free(&text);
}

static void a_long_path_is_cut_in_errors_only(void **state)
{
	struct buf text = BUF_INIT;
	struct policy *policy;
	struct err err = { "" };

	(void)state;
	buf_add_text(&text, "path \"");
	for (int i = 0; i < 100000; i++)
		buf_add_text(&text, "\xc3\xa9");
	buf_add_text(&text, "\" { ");
	buf_add_text(&text, "}");
	assert_int_equal(policy_parse("p", text.data, text.size, &policy, &err), 0);
	assert_int_equal(strlen(policy->rules[0].path), 200000);
	policy_free(policy);
	text.data[text.size - 1] = 'x';
	buf_add_text(&text, " = 1 }");
	assert_int_equal(policy_parse("p", text.data, text.size, &policy, &err), LH_EINVAL);
	assert_non_null(strstr(err.text, "\": invalid key \"x\" on line 1, expected capabilities"));
	buf_free(&text);
}

/* ---- Memory ---- */

static void lost_memory_is_told(void **state)
{
	static const char text[] =
		"name = \"n\"\npath \"a/*\" { capabilities = [\"read\"]\n"
		"allowed_parameters { K = [1] k = [2] } denied_parameters = { x = [] }\n"
		"required_parameters = [\"Q\"] min_wrapping_ttl = \"1s\" }\n"
		"path = { b = { policy = \"deny\" } }\n";
	int ret = LH_ENOMEM;

	(void)state;
	for (unsigned n = 1; ret; n++) {
		struct policy *policy = NULL;
		struct err err = { "" };

		fail_alloc_at(n);
		ret = parse(text, &policy, &err);
		if (fail_alloc_stop()) {
			if (ret != LH_ENOMEM || policy || !err.text[0])
				fail_msg("allocation %u: %d, \"%s\"", n, ret, err.text);
		} else {
			assert_int_equal(ret, 0);
			assert_true(n > 20);
		}
		policy_free(policy);
	}
}

/* ---- tests/vectors/hcl-cases.jsonl: texts that a Vault-compatible server took or refused ---- */

static const struct {
	int line;
	const char *reason;
} differences[] = {
	{ 11, "two paths behind path: the second is ignored there, refused here" },
	{ 22, "capabilities = {}, taken by accident there" },
	{ 27, "accepted here: editors on Windows write a byte order mark" },
	{ 42, "a wrapping limit below zero, which is no limit there" },
	{ 45, "pagination_limit: this server cannot keep it, so it does not say that it does" },
	{ 46, "accepted here: control groups are ignored, as Vault ignores them" },
	{ 147, "broken JSON, taken by accident there" },
	{ 336, "a NUL between two JSON tokens, taken by accident there" },
	{ 568, "two paths behind path" },
	{ 741, "broken JSON, taken by accident there" },
};

static bool is_difference(int line)
{
	for (size_t i = 0; i < sizeof(differences) / sizeof(differences[0]); i++)
		if (differences[i].line == line)
			return true;
	return false;
}

/* An empty text is refused one level above. */
static bool check_case(const json_t *object, struct err *err)
{
	const json_t *text = json_object_get(object, "policy");
	bool taken = json_get_int(object, "status", 0) == 204;
	struct policy *policy;
	int ret;

	if (!json_string_length(text))
		return true;
	ret = policy_parse("p", json_string_value(text), json_string_length(text), &policy, err);
	assert_true(ret == 0 || ret == LH_EINVAL);
	policy_free(policy);
	return (ret == 0) == taken;
}

static void recorded_policies_are_taken_or_refused_alike(void **state)
{
	const char *srcdir = getenv("srcdir");
	struct buf path = BUF_INIT, text = BUF_INIT;
	int line = 0, wrong = 0;
	char *save = NULL;

	(void)state;
	buf_printf(&path, "%s/tests/vectors/hcl-cases.jsonl", srcdir ? srcdir : ".");
	assert_int_equal(file_read(path.data, 1 << 20, &text, NULL), 0);
	for (char *at = strtok_r(text.data, "\n", &save); at; at = strtok_r(NULL, "\n", &save)) {
		json_t *object = json_loads(at, JSON_ALLOW_NUL, NULL);
		struct err err = { "" };

		line++;
		assert_non_null(object);
		if (check_case(object, &err) == is_difference(line)) {
			print_error("line %d: \"%s\": %s\n", line, err.text, at);
			wrong++;
		}
		json_decref(object);
	}
	assert_int_equal(wrong, 0);
	assert_int_equal(line, 834);
	buf_free(&text);
	buf_free(&path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sound_policies_become_rules),
		cmocka_unit_test(broken_policies_are_refused_in_words),
		cmocka_unit_test(ten_thousand_rules_are_read),
		cmocka_unit_test(a_policy_may_be_a_mebibyte),
		cmocka_unit_test(a_long_path_is_cut_in_errors_only),
		cmocka_unit_test(lost_memory_is_told),
		cmocka_unit_test(recorded_policies_are_taken_or_refused_alike),
	};

	fail_alloc_jansson();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
