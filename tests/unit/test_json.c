/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fail_alloc.h"
#include "util/err.h"
#include "util/json.h"
#include "util/wipe.h"

static const struct {
	const char *name, *text;
	int ret;
	const char *error;
} cases[] = {
	{ "an object", "{\"b\":1,\"a\":[true,null,\"x\"]}", 0, "" },
	{ "a number alone", "12", 0, "" },
	{ "brackets in a string are no nesting", "\"[[[{{{\\\"[[[\"", 0, "" },
	{ "nothing", "", LH_EINVAL, "line 1, column 0: unexpected token near end of file" },
	{ "a key twice", "{\"a\":1,\"a\":2}", LH_EINVAL,
	  "line 1, column 10: duplicate object key" },
	{ "text behind", "{} x", LH_EINVAL, "line 1, column 4: end of file expected" },
	{ "an escaped NUL", "[\"a\\u0000b\"]", LH_EINVAL,
	  "line 1, column 11: \\u0000 is not allowed" },
	{ "broken UTF-8", "[\"\xff\"]", LH_EINVAL, "line 1, column 2: unable to decode byte 0xff" },
	{ "a secret is not repeated", "{\"k\": hunter2", LH_EINVAL,
	  "line 1, column 12: invalid token" },
};

static void texts_are_read_strictly(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err = { 0 };
		json_t *value = NULL;
		int ret = json_read(cases[i].text, strlen(cases[i].text), &value, &err);

		if (ret != cases[i].ret || (value != NULL) != (ret == 0) ||
		    strcmp(err.text, cases[i].error) != 0)
			fail_msg("%s: %d, \"%s\"", cases[i].name, ret, err.text);
		json_decref(value);
	}
}

static void a_raw_nul_is_refused(void **state)
{
	struct err err = { 0 };
	json_t *value;

	(void)state;
	assert_int_equal(json_read("[\"a\0b\"]", 7, &value, &err), LH_EINVAL);
	assert_int_equal(json_read("[]\0", 3, &value, &err), LH_EINVAL);
}

typedef int (*reader)(const char *text, size_t size, json_t **value_out);

static int read_outside(const char *text, size_t size, json_t **value_out)
{
	return json_read(text, size, value_out, NULL);
}

static int read_nested_by(reader read, size_t depth, const char *open, const char *middle,
			  char close)
{
	char text[1024] = "";
	size_t size;
	json_t *value;
	int ret;

	for (size_t i = 0; i < depth; i++)
		strcat(text, open);
	strcat(text, middle);
	size = strlen(text);
	memset(text + size, close, depth);
	ret = read(text, size + depth, &value);
	assert_true((value != NULL) == (ret == 0));
	json_decref(value);
	return ret;
}

static int read_nested(size_t depth, const char *open, const char *middle, char close)
{
	return read_nested_by(read_outside, depth, open, middle, close);
}

static void nesting_stops_at_the_limit(void **state)
{
	(void)state;
	assert_int_equal(read_nested(JSON_DEPTH_MAX, "[", "", ']'), 0);
	assert_int_equal(read_nested(JSON_DEPTH_MAX + 1, "[", "", ']'), LH_EINVAL);
	assert_int_equal(read_nested(JSON_DEPTH_MAX, "{\"k\":", "1", '}'), 0);
	assert_int_equal(read_nested(JSON_DEPTH_MAX + 1, "{\"k\":", "1", '}'), LH_EINVAL);
	assert_int_equal(read_nested(JSON_DEPTH_MAX, "{\"\\\"[\":", "1", '}'), 0);
	assert_int_equal(read_nested_by(json_read_kept, JSON_DEPTH_KEPT, "[", "", ']'), 0);
	assert_int_equal(read_nested_by(json_read_kept, JSON_DEPTH_KEPT + 1, "[", "", ']'),
			 LH_EINVAL);
}

static void siblings_do_not_add_up(void **state)
{
	char text[2 + 3 * 200];
	json_t *value;

	(void)state;
	text[0] = '[';
	for (size_t i = 0; i < 200; i++)
		memcpy(text + 1 + 3 * i, "[],", 3);
	text[3 * 200] = ']';
	assert_int_equal(json_read(text, 3 * 200 + 1, &value, NULL), 0);
	json_decref(value);
}

static void texts_keep_or_sort_the_keys(void **state)
{
	json_t *value;
	char *text;

	(void)state;
	assert_int_equal(json_read("{ \"b\": 1, \"a\": \"\\u00e9/\" }", 26, &value, NULL), 0);
	text = json_text(value);
	assert_string_equal(text, "{\"b\":1,\"a\":\"\xc3\xa9/\"}");
	wipe_free(text);
	text = json_text_sorted(value);
	assert_string_equal(text, "{\"a\":\"\xc3\xa9/\",\"b\":1}");
	wipe_free(text);
	json_decref(value);
	assert_null(json_text(NULL));
}

static void getters_fall_back(void **state)
{
	json_t *value;

	(void)state;
	assert_int_equal(
		json_read("{\"t\":\"x\",\"i\":-7,\"b\":true,\"n\":null}", 34, &value, NULL), 0);
	assert_string_equal(json_get_text(value, "t"), "x");
	assert_string_equal(json_get_text(value, "i"), "");
	assert_string_equal(json_get_text(value, "absent"), "");
	assert_string_equal(json_get_text(NULL, "t"), "");
	assert_int_equal(json_get_int(value, "i", 3), -7);
	assert_int_equal(json_get_int(value, "t", 3), 3);
	assert_int_equal(json_get_int(value, "absent", 3), 3);
	assert_true(json_get_true(value, "b"));
	assert_false(json_get_true(value, "i"));
	assert_false(json_get_true(value, "absent"));
	json_decref(value);
}

/* Jansson's lexer passes over an allocation that failed and drops a character instead. */
static void each_failing_allocation_of_reading_is_an_error(void **state)
{
	static const char text[] = "{\"k\":[\"a long enough text\",1,2.5,{\"x\":null}]}";

	(void)state;
	for (unsigned n = 1;; n++) {
		struct err err = { 0 };
		json_t *value = NULL;
		int ret;

		fail_alloc_at(n);
		ret = json_read(text, strlen(text), &value, &err);
		if (!fail_alloc_stop()) {
			assert_int_equal(ret, 0);
			assert_true(n > 5);
			json_decref(value);
			break;
		}
		if (ret != LH_ENOMEM || value || !err.text[0])
			fail_msg("allocation %u: %d", n, ret);
	}
}

static void each_failing_allocation_of_writing_gives_null(void **state)
{
	json_t *value = json_pack("{s:[s,i], s:{s:b}}", "k",
				  "a long enough text, a long enough text", 7, "a", "b", 1);
	char *text;

	(void)state;
	assert_non_null(value);
	for (unsigned n = 1;; n++) {
		fail_alloc_at(n);
		text = json_text_sorted(value);
		if (!fail_alloc_stop())
			break;
		assert_null(text);
	}
	assert_non_null(text);
	wipe_free(text);
	json_decref(value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_read_strictly),
		cmocka_unit_test(a_raw_nul_is_refused),
		cmocka_unit_test(nesting_stops_at_the_limit),
		cmocka_unit_test(siblings_do_not_add_up),
		cmocka_unit_test(texts_keep_or_sort_the_keys),
		cmocka_unit_test(getters_fall_back),
		cmocka_unit_test(each_failing_allocation_of_reading_is_an_error),
		cmocka_unit_test(each_failing_allocation_of_writing_gives_null),
	};

	fail_alloc_jansson();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
