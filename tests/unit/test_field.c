/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fail_alloc.h"
#include "util/buf.h"
#include "util/duration.h"
#include "util/err.h"
#include "util/field.h"
#include "util/file.h"
#include "util/json.h"
#include "util/wipe.h"

/* ---- Cases of our own ---- */

#define LIST "decoding failed due to the following error(s):\n\n"

/* Expected is JSON text; "absent"; or, behind an exclamation mark, the error. */
static const struct {
	const char *name;
	enum field_type type;
	const char *sent, *expected;
} cases[] = {
	{ "a text stays", FIELD_STRING, "\" a \\u00e9\"", "\" a \xc3\xa9\"" },
	{ "an integer becomes a text", FIELD_STRING, "-12", "\"-12\"" },
	{ "a real keeps its point", FIELD_STRING, "90.0", "\"90.0\"" },
	{ "a real has its shortest digits", FIELD_STRING, "0.1", "\"0.1\"" },
	{ "a real needs all its digits", FIELD_STRING, "0.30000000000000004",
	  "\"0.30000000000000004\"" },
	{ "true becomes 1", FIELD_STRING, "true", "\"1\"" },
	{ "null becomes an empty text", FIELD_STRING, "null", "\"\"" },
	{ "ASCII is lowered", FIELD_LOWER_STRING, "\"AbC\\u00c9\"", "\"abc\xc3\x89\"" },
	{ "a list is not lowered", FIELD_LOWER_STRING, "[]",
	  "!'' expected type 'string', got unconvertible type '[]interface {}'" },
	{ "a name", FIELD_NAME, "\"a.b\"", "\"a.b\"" },
	{ "no name", FIELD_NAME, "\"\"", "!field does not match the formatting rules" },
	{ "a number can be a name", FIELD_NAME, "7", "\"7\"" },
	{ "a negative duration", FIELD_SIGNED_DURATION, "\"-1h\"", "-3600" },
	{ "a negative number of seconds", FIELD_SIGNED_DURATION, "-1", "-1" },
	{ "less than a second below zero", FIELD_DURATION, "\"-10ms\"", "0" },
	{ "a real below all durations", FIELD_SIGNED_DURATION, "-1e300",
	  "!multiplication of durations resulted in overflow, one operand may be too large" },
	{ "no duration sent", FIELD_SIGNED_DURATION, "null", "absent" },
	{ "octal", FIELD_INT, "\"010\"", "8" },
	{ "octal in the new way", FIELD_INT, "\"0o17\"", "15" },
	{ "binary", FIELD_INT, "\"0b101\"", "5" },
	{ "hexadecimal of both cases", FIELD_INT, "\"-0XaF\"", "-175" },
	{ "a plus sign", FIELD_INT, "\"+5\"", "5" },
	{ "zero alone", FIELD_INT, "\"-0\"", "0" },
	{ "largest", FIELD_INT, "\"9223372036854775807\"", "9223372036854775807" },
	{ "smallest", FIELD_INT, "\"-9223372036854775808\"", "-9223372036854775808" },
	{ "one too large", FIELD_INT, "\"9223372036854775808\"",
	  "!'' cannot parse value as 'int': strconv.ParseInt: value out of range" },
	{ "overflow with a letter behind", FIELD_INT, "\"99999999999999999999z\"",
	  "!'' cannot parse value as 'int': strconv.ParseInt: invalid syntax" },
	{ "prefix alone", FIELD_INT, "\"0x\"",
	  "!'' cannot parse value as 'int': strconv.ParseInt: invalid syntax" },
	{ "no octal digit", FIELD_INT, "\"08\"",
	  "!'' cannot parse value as 'int': strconv.ParseInt: invalid syntax" },
	{ "sign alone", FIELD_INT, "\"-\"",
	  "!'' cannot parse value as 'int': strconv.ParseInt: invalid syntax" },
	{ "T is true", FIELD_BOOL, "\"T\"", "true" },
	{ "False is false", FIELD_BOOL, "\"False\"", "false" },
	{ "an empty object is an empty list", FIELD_STRINGS, "{}", "[]" },
	{ "the second element is wrong", FIELD_STRINGS, "[1,{}]",
	  "!" LIST "'[1]' expected type 'string', got unconvertible type "
	  "'map[string]interface {}'" },
	{ "commas split", FIELD_COMMA_STRINGS, "\" a, b ,c\"", "[\"a\",\"b\",\"c\"]" },
	{ "commas with nothing between", FIELD_COMMA_STRINGS, "\"a,,b,\"",
	  "[\"a\",\"\",\"b\",\"\"]" },
	{ "commas in elements stay", FIELD_COMMA_STRINGS, "[\"a,b\",\" c\"]", "[\"a,b\",\"c\"]" },
	{ "nothing to split", FIELD_COMMA_STRINGS, "\"\"", "[]" },
	{ "null list", FIELD_COMMA_STRINGS, "null", "[]" },
	{ "a number is one element", FIELD_COMMA_STRINGS, "5", "[\"5\"]" },
	{ "a map", FIELD_MAP, "{\"a\":{\"b\":[1]}}", "{\"a\":{\"b\":[1]}}" },
	{ "a null map", FIELD_MAP, "null", "{}" },
	{ "a text is no map", FIELD_MAP, "\"a\"", "!'' expected a map, got 'string'" },
	{ "a list is no map", FIELD_MAP, "[]", "!'' expected a map, got 'slice'" },
	{ "a value with an equals sign", FIELD_PAIRS, "\"k=a=b\"", "{\"k\":\"a=b\"}" },
	{ "an empty value", FIELD_PAIRS, "[\"k=\"]", "{\"k\":\"\"}" },
	{ "the last pair wins", FIELD_PAIRS, "[\"k=1\",\"k=2\"]", "{\"k\":\"2\"}" },
	{ "no pairs", FIELD_PAIRS, "[]", "{}" },
	{ "no key", FIELD_PAIRS, "\"=v\"", "!invalid key pair \"=v\"" },
	{ "a pair is quoted", FIELD_PAIRS, "[\"a\\n\\\"\\\\\\u00e9\"]",
	  "!invalid key pair \"a\\x0a\\\"\\\\\xc3\xa9\"" },
	{ "a list in a list is no pair", FIELD_PAIRS, "[[1]]",
	  "!" LIST "'[0]' expected type 'string', got unconvertible type '[]interface {}'" },
};

static void odd_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err = { 0 };
		json_t *sent, *value = NULL;
		char *text = NULL;
		const char *seen = "absent";
		bool wrong = cases[i].expected[0] == '!';
		int ret;

		assert_int_equal(json_read(cases[i].sent, strlen(cases[i].sent), &sent, NULL), 0);
		ret = field_coerce(cases[i].type, sent, &value, &err);
		if (value)
			seen = text = json_text(value);
		else if (ret)
			seen = err.text;
		if (ret != (wrong ? LH_EINVAL : 0) || strcmp(seen, cases[i].expected + wrong) != 0)
			fail_msg("%s: %d, %s", cases[i].name, ret, seen);
		wipe_free(text);
		json_decref(value);
		json_decref(sent);
	}
}

static void a_long_pair_is_cut_in_the_error(void **state)
{
	char pair[1001];
	struct err err = { 0 };
	json_t *sent, *value;

	(void)state;
	memset(pair, 'a', sizeof(pair));
	pair[1000] = '\0';
	sent = json_string(pair);
	assert_int_equal(field_coerce(FIELD_PAIRS, sent, &value, &err), LH_EINVAL);
	assert_null(value);
	assert_true(strlen(err.text) < 300);
	json_decref(sent);
}

/* ---- Recorded answers of a Vault-compatible server, tests/vectors/coercion.jsonl ----
 * They show what its handlers made of the coerced values, so each check below repeats the handler's
 * part: defaults, sorting, folding. */

static bool seen_seconds(const json_t *value, const json_t *seen)
{
	return json_integer_value(value) == json_integer_value(seen);
}

/* A duration that the handler reads out of a text; 0 and what is no duration mean the default. */
static bool seen_text_ttl(const json_t *value, const json_t *seen)
{
	const json_t *first = json_is_array(seen) ? json_array_get(seen, 0) : seen;
	const char *text = json_string_value(value);
	struct err err = { 0 };
	int64_t seconds;
	int ret = duration_parse(text, &seconds, &err);

	if (json_is_integer(first))
		return (ret == 0 && seconds == json_integer_value(first)) ||
		       (json_integer_value(first) == 2764800 && seconds == 0);
	if (strcmp(json_string_value(first), "ttl must be positive") == 0)
		return ret == 0 && seconds < 0;
	return ret && strcmp(json_string_value(first), err.text) == 0;
}

static bool seen_number(const json_t *value, const json_t *seen)
{
	if (json_is_array(seen))
		return json_integer_value(value) < 0;
	return json_is_integer(value) && json_equal(value, seen);
}

static bool seen_truth(const json_t *value, const json_t *seen)
{
	return json_is_boolean(value) && json_equal(value, seen);
}

static bool holds(const json_t *list, const char *text)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		if (strcmp(json_string_value(json_array_get(list, i)), text) == 0)
			return true;
	}
	return false;
}

/* The handler folds, leaves out what is empty or double, and adds "default", or "root" if there is
 * nothing. */
static bool seen_policies(const json_t *value, const json_t *seen)
{
	json_t *list = json_array();
	bool agree;

	if (json_array_size(value) == 0)
		json_array_append_new(list, json_string("root"));
	else
		json_array_append_new(list, json_string("default"));
	for (size_t i = 0; i < json_array_size(value); i++) {
		json_t *folded = NULL;

		field_coerce(FIELD_LOWER_STRING, json_array_get(value, i), &folded, NULL);
		if (*json_string_value(folded) && !holds(list, json_string_value(folded)))
			json_array_append(list, folded);
		json_decref(folded);
	}
	agree = json_array_size(list) == json_array_size(seen);
	for (size_t i = 0; i < json_array_size(seen); i++)
		agree = agree && holds(list, json_string_value(json_array_get(seen, i)));
	json_decref(list);
	return agree;
}

static bool seen_pairs(const json_t *value, const json_t *seen)
{
	return json_is_null(seen) ? json_object_size(value) == 0 : json_equal(value, seen);
}

/* "token-" in front, a hyphen for each odd character, none at the end. */
static bool seen_display_name(const json_t *value, const json_t *seen)
{
	static const char good[] = "0123456789-abcdefghijklmnopqrstuvwxyz";
	char name[64] = "token";
	size_t size;

	if (json_string_length(value) > 0)
		snprintf(name, sizeof(name), "token-%s", json_string_value(value));
	for (size = 0; name[size]; size++) {
		if (!strchr(good, name[size]))
			name[size] = '-';
	}
	size = strlen(json_string_value(seen));
	return strncmp(name, json_string_value(seen), size) == 0 &&
	       name[size + strspn(name + size, "-")] == '\0';
}

static bool seen_nothing(const json_t *value, const json_t *seen)
{
	(void)seen;
	return json_is_string(value);
}

static const struct {
	const char *field;
	enum field_type type;
	bool (*agrees)(const json_t *value, const json_t *seen);
} kinds[] = {
	{ "role ttl (duration)", FIELD_DURATION, seen_seconds },
	{ "token ttl (duration in text)", FIELD_STRING, seen_text_ttl },
	{ "mount default_lease_ttl", FIELD_STRING, seen_text_ttl },
	{ "num_uses (int)", FIELD_INT, seen_number },
	{ "renewable (bool)", FIELD_BOOL, seen_truth },
	{ "policies (list of text)", FIELD_STRINGS, seen_policies },
	{ "meta (key-value pairs)", FIELD_PAIRS, seen_pairs },
	{ "display_name (text)", FIELD_STRING, seen_display_name },
	{ "role name (path)", FIELD_NAME, seen_nothing },
	{ "policy (text)", FIELD_STRING, seen_nothing },
};

/* What the server said of the coercion itself; NULL if it took the value. */
static const char *recorded_error(const json_t *row)
{
	const json_t *first = json_array_get(json_object_get(row, "seen"), 0);
	const char *text = json_string_value(first), *detail;

	if (json_get_int(row, "status", 0) == 404)
		return "field does not match the formatting rules";
	if (json_get_int(row, "status", 0) != 400 || !text)
		return NULL;
	detail = strstr(text, "error converting input for field \"");
	return detail ? strstr(detail, "\": ") + 3 : NULL;
}

static bool row_agrees(const json_t *row, size_t kind, struct err *err)
{
	const char *error = recorded_error(row);
	json_t *value = NULL;
	int ret = field_coerce(kinds[kind].type, json_object_get(row, "sent"), &value, err);
	bool agrees;

	if (error)
		return ret == LH_EINVAL && !value && strcmp(err->text, error) == 0;
	agrees = ret == 0 && kinds[kind].agrees(value, json_object_get(row, "seen"));
	json_decref(value);
	return agrees;
}

static size_t kind_of(const json_t *row)
{
	size_t kind = 0;

	while (kind < sizeof(kinds) / sizeof(kinds[0]) &&
	       strcmp(kinds[kind].field, json_get_text(row, "field")) != 0)
		kind++;
	assert_true(kind < sizeof(kinds) / sizeof(kinds[0]));
	return kind;
}

static void recorded_answers(void **state)
{
	const char *srcdir = getenv("srcdir");
	struct buf path = BUF_INIT, text = BUF_INIT;
	unsigned rows = 0;

	(void)state;
	buf_printf(&path, "%s/tests/vectors/coercion.jsonl", srcdir ? srcdir : ".");
	assert_int_equal(file_read(buf_text(&path), 1 << 20, &text, NULL), 0);
	for (const char *line = text.data, *end; (end = strchr(line, '\n')); line = end + 1) {
		struct err err = { 0 };
		json_t *row;

		assert_int_equal(json_read(line, (size_t)(end - line), &row, NULL), 0);
		if (!row_agrees(row, kind_of(row), &err))
			fail_msg("%.*s\n\"%s\"", (int)(end - line), line, err.text);
		json_decref(row);
		rows++;
	}
	assert_int_equal(rows, 226);
	buf_free(&text);
	buf_free(&path);
}

/* ---- Tables and memory ---- */

static void fields_are_found_by_name(void **state)
{
	static const struct field fields[] = {
		{ .name = "ttl", .type = FIELD_DURATION },
		{ .name = "name", .type = FIELD_STRING },
		{ .name = NULL },
	};

	(void)state;
	assert_ptr_equal(field_find(fields, "name"), &fields[1]);
	assert_null(field_find(fields, "nam"));
	assert_string_equal(field_type_name(FIELD_DURATION), "duration (sec)");
	assert_string_equal(field_type_name(FIELD_COMMA_STRINGS), "slice");
	assert_string_equal(field_type_name(FIELD_PAIRS), "keypair");
}

static void each_failing_allocation_is_an_error(void **state)
{
	static const struct {
		enum field_type type;
		const char *sent;
	} paths[] = {
		{ FIELD_STRING, "1.5" },
		{ FIELD_LOWER_STRING, "\"ABC\"" },
		{ FIELD_NAME, "\"abc\"" },
		{ FIELD_DURATION, "\"1h\"" },
		{ FIELD_INT, "\"12\"" },
		{ FIELD_BOOL, "\"t\"" },
		{ FIELD_STRINGS, "[\"a\",1,\"b\"]" },
		{ FIELD_COMMA_STRINGS, "\"a,b,c,d,e,f,g,h,i,j\"" },
		{ FIELD_MAP, "{\"a\":[1,{\"b\":2}]}" },
		{ FIELD_PAIRS, "[\"a=b\",\"c=d\"]" },
		{ FIELD_PAIRS, "{\"a\":1,\"b\":\"c\"}" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		bool more = true;
		json_t *sent;

		assert_int_equal(json_read(paths[i].sent, strlen(paths[i].sent), &sent, NULL), 0);
		for (unsigned n = 1; more; n++) {
			json_t *value = NULL;
			int ret;

			fail_alloc_at(n);
			ret = field_coerce(paths[i].type, sent, &value, NULL);
			more = fail_alloc_stop();
			if (ret != (more ? LH_ENOMEM : 0) || (value != NULL) == more)
				fail_msg("%s, allocation %u: %d", paths[i].sent, n, ret);
			json_decref(value);
		}
		json_decref(sent);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(odd_values),
		cmocka_unit_test(a_long_pair_is_cut_in_the_error),
		cmocka_unit_test(recorded_answers),
		cmocka_unit_test(fields_are_found_by_name),
		cmocka_unit_test(each_failing_allocation_is_an_error),
	};

	fail_alloc_jansson();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
