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
#include "hcl/hcl.h"
#include "util/buf.h"
#include "util/err.h"
#include "util/file.h"
#include "util/json.h"
#include "util/wipe.h"

/* What is read, as JSON. */
static const struct {
	const char *name, *text, *items;
} accepted[] = {
	{ "nothing", "", "[]" },
	{ "comments alone", "# a\n// b\n/* c\n */", "[]" },
	{ "an assignment", "a = 1", "[{'line':1,'key':'a','value':1}]" },
	{ "every kind of value",
	  "a = -7 b = 1.5 c = 2e3 d = true e = false f = \"t\" g = [1, \"x\", [],] h = { i = 1 }",
	  "[{'line':1,'key':'a','value':-7},{'line':1,'key':'b','value':1.5},"
	  "{'line':1,'key':'c','value':2000.0},{'line':1,'key':'d','value':true},"
	  "{'line':1,'key':'e','value':false},{'line':1,'key':'f','value':'t'},"
	  "{'line':1,'key':'g','value':[1,'x',[]]},{'line':1,'key':'h','value':{'i':1}}]" },
	{ "a block with labels and lines", "\nb \"x\" y\n{\n  k = 1 \"l m\" = 2,\n}\nc {}",
	  "[{'line':2,'key':'b','labels':['x','y'],'body':[{'line':4,'key':'k','value':1},"
	  "{'line':4,'key':'l m','value':2}]},{'line':6,'key':'c','labels':[],'body':[]}]" },
	{ "the same key twice", "a = 1\na = 2",
	  "[{'line':1,'key':'a','value':1},{'line':2,'key':'a','value':2}]" },
	{ "line ends of Windows and a byte order mark",
	  "\xef\xbb\xbf"
	  "a = 1\r\nb = 2\r\n",
	  "[{'line':1,'key':'a','value':1},{'line':2,'key':'b','value':2}]" },
	{ "names with dashes and dots", "a-b.c_9 = 1", "[{'line':1,'key':'a-b.c_9','value':1}]" },
	{ "escapes", "a = \"\\\\ \\\" \\n\\t\\x41\\u00e9\\u20ac\\U0001F600 ${x} é\"",
	  "[{'line':1,'key':'a','value':'\\\\ \\\" \\n\\tA\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80 "
	  "${x} \xc3\xa9'}]" },
	{ "a heredoc", "a = <<E\n one\n\"two\"\nE\nb = 1",
	  "[{'line':1,'key':'a','value':' one\\n\\\"two\\\"\\n'},{'line':5,'key':'b','value':1}]" },
	{ "an empty heredoc", "a = <<E\nE", "[{'line':1,'key':'a','value':''}]" },
	{ "an indented heredoc", "a = <<-E\n    one\n      two\n    E\n",
	  "[{'line':1,'key':'a','value':'one\\n  two\\n'}]" },
	{ "a heredoc with less indentation than its end", "a = <<-E\n  one\n    E\n",
	  "[{'line':1,'key':'a','value':'  one\\n'}]" },
	{ "a heredoc in a list", "a = [<<E\nx\nE\n, \"y\"]",
	  "[{'line':1,'key':'a','value':['x\\n','y']}]" },
	{ "a word that begins like the end of a heredoc", "a = <<E\nEE\nE\n",
	  "[{'line':1,'key':'a','value':'EE\\n'}]" },
	{ "eight levels", "a { b { c { d { e { f { g = [[]] } } } } } }",
	  "[{'line':1,'key':'a','labels':[],'body':[{'line':1,'key':'b','labels':[],'body':["
	  "{'line':1,'key':'c','labels':[],'body':[{'line':1,'key':'d','labels':[],'body':["
	  "{'line':1,'key':'e','labels':[],'body':[{'line':1,'key':'f','labels':[],'body':["
	  "{'line':1,'key':'g','value':[[]]}]}]}]}]}]}]}]" },
	{ "blocks in an object",
	  "a = { b = 1 c { d = 2 }, e \"f\" {}\ng \"h\" { i k {} } e \"l\" {} }",
	  "[{'line':1,'key':'a','value':{'b':1,'c':{'d':2},'e':{'f':{},'l':{}},"
	  "'g':{'h':{'i':{'k':{}}}}}}]" },
	{ "JSON", " \n{\"a\": {\"b\": [1, null]},\n\"c\": \"d\"}",
	  "[{'line':2,'key':'a','value':{'b':[1,null]},'lines':{'b':2}},"
	  "{'line':3,'key':'c','value':'d','lines':{}}]" },
	{ "JSON with lists, and texts that look like keys",
	  "{\"a\\\"\\n{:\" :[[{\n\"b\"\n:\"}\", \"c\":{\"d\":\":\\\\\"}}],\n"
	  "{\"e\":{},\"b\":[\"f:\"]}],\n\"g\":{\"h\":0}}",
	  "[{'line':1,'key':'a\\\"\\n{:','value':[[{'b':'}','c':{'d':':\\\\'}}],"
	  "{'e':{},'b':['f:']}],'lines':{'b':2,'c':3,'e':4}},"
	  "{'line':5,'key':'g','value':{'h':0},'lines':{'h':5}}]" },
	{ "largest and smallest integer", "a = 9223372036854775807 b = -9223372036854775808",
	  "[{'line':1,'key':'a','value':9223372036854775807},"
	  "{'line':1,'key':'b','value':-9223372036854775808}]" },
};

/* The table writes ' for ". */
static char *with_double_quotes(const char *text)
{
	char *copy = wipe_copy(text, strlen(text));

	assert_non_null(copy);
	for (char *at = copy; *at; at++) {
		if (*at == '\'')
			*at = '"';
	}
	return copy;
}

static void sound_texts_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++) {
		char *wanted = with_double_quotes(accepted[i].items), *got;
		struct err err = { 0 };
		json_t *items;

		if (hcl_read(accepted[i].text, strlen(accepted[i].text), &items, &err) != 0)
			fail_msg("%s: %s", accepted[i].name, err.text);
		got = json_text(items);
		if (strcmp(got, wanted) != 0)
			fail_msg("%s: %s instead of %s", accepted[i].name, got, wanted);
		wipe_free(got);
		wipe_free(wanted);
		json_decref(items);
	}
}

static const struct {
	const char *name, *text, *error;
} refused[] = {
	{ "no value", "a =",
	  "line 1: found the end of the text, expected a value; text takes "
	  "double quotes" },
	{ "a bare word as value", "a =\nb",
	  "line 2: found \"b\", expected a value; text takes double "
	  "quotes" },
	{ "null", "a = null",
	  "line 1: found \"null\", expected a value; text takes double quotes" },
	{ "a key alone", "a",
	  "line 1: found the end of the text, expected \"=\", \"{\" or a label" },
	{ "a label before an assignment", "a \"b\" = {}",
	  "line 1: found \"=\", expected \"{\" or another label" },
	{ "a number as key", "1 = 2", "line 1: found a number, expected a key" },
	{ "true as key", "true = 2", "line 1: found true or false, expected a key" },
	{ "a brace too many", "a {}\n}", "line 2: found \"}\", expected a key" },
	{ "a brace too few", "a {\n",
	  "line 2: found the end of the text, expected a key or \"}\"" },
	{ "two commas", "a = 1,,", "line 1: found \",\", expected a key" },
	{ "a list without commas", "a = [1 2]", "line 1: found a number, expected \",\" or \"]\"" },
	{ "a list of commas", "a = [,]",
	  "line 1: found \",\", expected a value; text takes double quotes" },
	{ "a list without end", "a = [1,",
	  "line 1: found the end of the text, expected a value; text takes double quotes" },
	{ "a key alone in an object", "a = { b [] }",
	  "line 1: found \"[\", expected \"=\", \"{\" or a label" },
	{ "a label before an assignment in an object", "a = { b \"c\" = {} }",
	  "line 1: found \"=\", expected \"{\"" },
	{ "two labels in an object", "a = { b \"c\" d {} }",
	  "line 1: found \"d\", expected \"{\"" },
	{ "a block twice in an object", "a = { b {}\nb {} }",
	  "line 2: found the key \"b\" a second time" },
	{ "a label twice in an object", "a = { b c {}\nb c {} }",
	  "line 2: found the key \"c\" a second time" },
	{ "a block beside an assignment in an object", "a = { b = 1\nb c {} }",
	  "line 2: found the key \"b\" a second time" },
	{ "a key twice in an object", "a = {\nb = 1\n\"b\" = 2 }",
	  "line 3: found the key \"b\" a second time" },
	{ "nine levels", "a { b { c { d { e { f { g { h { i {} } } } } } } } }",
	  "line 1: found more than 8 levels of braces and brackets" },
	{ "nine levels of lists", "a = [[[[[[[[[]]]]]]]]]",
	  "line 1: found more than 8 levels of braces and brackets" },
	{ "nine levels of JSON", "{\"a\":[[[[[[[[]]]]]]]]}",
	  "line 1: found more than 8 levels of braces and brackets" },
	{ "a colon", "a : 1", "line 1: found \":\", which has no meaning here" },
	{ "single quotes", "a = 'b'", "line 1: found a single quote; strings take double quotes" },
	{ "a lone slash", "a = 1 / 2", "line 1: found \"/\", which has no meaning here" },
	{ "a lone less-than", "a = <E", "line 1: found \"<\", which has no meaning here" },
	{ "a comment without end", "\n/* a\n\n",
	  "line 2: the comment that begins here has no end, expected */" },
	{ "a string without end", "a = \"b\nc = \"d\"",
	  "line 1: found the end of the line inside a string, expected \"" },
	{ "a string cut in an escape", "a = \"\\",
	  "line 1: found a backslash in a string that begins no escape; write a backslash as "
	  "\\\\" },
	{ "an unknown escape", "a = \"\\q\"",
	  "line 1: found a backslash in a string that begins no escape; write a backslash as "
	  "\\\\" },
	{ "an escaped NUL", "a = \"\\u0000\"",
	  "line 1: found a bad escape \\u in a string, expected the hex digits of a character" },
	{ "an escaped byte that is no character", "a = \"\\xff\"",
	  "line 1: found a bad escape \\x in a string, expected the hex digits of a character" },
	{ "an escaped surrogate", "a = \"\\ud800\"",
	  "line 1: found a bad escape \\u in a string, expected the hex digits of a character" },
	{ "an escape past the last character", "a = \"\\U00110000\"",
	  "line 1: found a bad escape \\U in a string, expected the hex digits of a character" },
	{ "a cut escape", "a = \"\\u12\"",
	  "line 1: found a bad escape \\u in a string, expected the hex digits of a character" },
	{ "a heredoc without a word", "a = <<\n",
	  "line 1: found a bad heredoc, expected a word and the end of the line behind <<" },
	{ "text behind the word of a heredoc", "a = <<E x\nE\n",
	  "line 1: found a bad heredoc, expected a word and the end of the line behind <<" },
	{ "a heredoc without end", "\na = <<E\nx\nEE\n",
	  "line 2: the heredoc that begins here has no end, expected a line \"E\"" },
	{ "a leading zero", "a = 010",
	  "line 1: found a malformed number, expected decimal digits without leading zeros; text "
	  "and "
	  "durations take double quotes" },
	{ "a duration without quotes", "a = 10s",
	  "line 1: found a malformed number, expected decimal digits without leading zeros; text "
	  "and "
	  "durations take double quotes" },
	{ "a minus alone", "a = -",
	  "line 1: found a malformed number, expected decimal digits without leading zeros; text "
	  "and "
	  "durations take double quotes" },
	{ "a number too large", "a = 9223372036854775808",
	  "line 1: found a number that is out of range" },
	{ "a real too large", "a = 1e999", "line 1: found a number that is out of range" },
	{ "broken UTF-8", "a = 1\n# \xff", "line 2: found byte 0xff, expected UTF-8" },
	{ "a name that is not ASCII", "\xc3\xa9 = 1",
	  "line 1: found byte 0xc3 outside of a string; names are ASCII" },
	{ "broken JSON", "{\"a\": 1,\n \"b\"}", "line 2, column 5: ':' expected" },
	{ "a key twice in JSON", "{\"a\": 1, \"a\": 2}",
	  "line 1, column 12: duplicate object key" },
};

static void broken_texts_are_refused_with_line_and_reason(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct err err = { 0 };
		json_t *items = NULL;
		int ret = hcl_read(refused[i].text, strlen(refused[i].text), &items, &err);

		if (ret != LH_EINVAL || items || strcmp(err.text, refused[i].error) != 0)
			fail_msg("%s: %d, \"%s\"", refused[i].name, ret, err.text);
	}
}

static void a_nul_is_refused(void **state)
{
	struct err err = { 0 };
	json_t *items;

	(void)state;
	assert_int_equal(hcl_read("a = 1\n\0", 7, &items, &err), LH_EINVAL);
	assert_string_equal(err.text, "line 2: found a NUL byte, expected text");
}

static void a_text_over_the_limit_is_refused(void **state)
{
	char *text = malloc(HCL_SIZE_MAX + 1);
	json_t *items;

	(void)state;
	assert_non_null(text);
	memset(text, ' ', HCL_SIZE_MAX + 1);
	assert_int_equal(hcl_read(text, HCL_SIZE_MAX, &items, NULL), 0);
	json_decref(items);
	assert_int_equal(hcl_read(text, HCL_SIZE_MAX + 1, &items, NULL), LH_EINVAL);
	free(text);
}

static const char sample[] = "# c\nlistener \"fastcgi\" \"read\" {\n  address = \"/run/\\u00e9\"\n"
			     "  list = [1, 2.5, true, <<-E\n    x\n    E\n  ]\n}\n"
			     "o = { a = { \"b\" = [] } /* c */ d \"e\" { f {} } }\n";

/* Each end is in a block of its own, so that a read behind it is seen by the sanitizer. */
static void every_cut_of_a_text_is_read_or_refused(void **state)
{
	(void)state;
	for (size_t size = 0; size < sizeof(sample); size++) {
		char *cut = malloc(size ? size : 1);
		struct err err = { 0 };
		json_t *items;
		int ret;

		assert_non_null(cut);
		memcpy(cut, sample, size);
		ret = hcl_read(cut, size, &items, &err);
		assert_true(ret == 0 || (ret == LH_EINVAL && !items && err.text[0]));
		json_decref(items);
		free(cut);
	}
}

static void read_with_failing_allocations(const char *text)
{
	for (unsigned n = 1;; n++) {
		struct err err = { 0 };
		json_t *items = NULL;
		int ret;

		fail_alloc_at(n);
		ret = hcl_read(text, strlen(text), &items, &err);
		if (!fail_alloc_stop()) {
			assert_int_equal(ret, 0);
			assert_true(n > 10);
			json_decref(items);
			return;
		}
		if (ret != LH_ENOMEM || items || !err.text[0])
			fail_msg("allocation %u: %d, %s", n, ret, err.text);
	}
}

static void each_failing_allocation_is_reported(void **state)
{
	(void)state;
	read_with_failing_allocations(sample);
	read_with_failing_allocations("{\"path\": {\"x\": {\"capabilities\": [\"read\"]}}}");
}

/* tests/vectors/hcl-cases.jsonl: policies that a Vault-compatible server took or refused. What it
 * refused for its meaning only must be read here. Differences, by line of that file: */
static const struct {
	int line;
	const char *reason;
} differences[] = {
	{ 27, "accepted here: editors on Windows write a byte order mark" },
	{ 67, "a name that is not ASCII; unknown anyway" },
	{ 79, "broken JSON: a raw tab in a string" },
	{ 147, "broken JSON, taken by accident there" },
	{ 155, "broken JSON: no end" },
	{ 249, "a carriage return before the end of a heredoc" },
	{ 282, "broken JSON: no end" },
	{ 285, "broken JSON: text behind the end" },
	{ 312, "broken JSON" },
	{ 336, "a NUL between two JSON tokens, taken by accident there" },
	{ 358, "a name that is not ASCII; unknown anyway" },
	{ 446, "broken JSON: a raw carriage return in a string" },
	{ 462, "broken JSON: no end" },
	{ 523, "broken JSON" },
	{ 545, "broken JSON" },
	{ 569, "broken JSON" },
	{ 596, "broken JSON" },
	{ 618, "a name that is not ASCII; unknown anyway" },
	{ 672, "broken JSON" },
	{ 741, "broken JSON, taken by accident there" },
	{ 750, "broken JSON" },
	{ 768, "broken JSON: a raw carriage return in a string" },
	{ 789, "broken JSON" },
	{ 801, "broken JSON" },
	{ 816, "broken JSON: no end" },
};

static bool is_difference(int line)
{
	for (size_t i = 0; i < sizeof(differences) / sizeof(differences[0]); i++) {
		if (differences[i].line == line)
			return true;
	}
	return false;
}

/* Whether the server understood the text and refused what it says. */
static bool is_about_meaning(const char *error)
{
	static const char *const words[] = {
		"invalid key",           "invalid capability",         "invalid policy",
		"cannot check HCL",      "unknown slice type",         "unknown type for string",
		"not an object type",    "error parsing min_wrapping", "error parsing max_wrapping",
		"resulted in same path", "not supplied or empty",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strstr(error, words[i]))
			return true;
	}
	return false;
}

/* Returns whether we and the server agree. */
static bool check_case(const json_t *object, struct err *err)
{
	const json_t *policy = json_object_get(object, "policy");
	bool accepts = json_get_int(object, "status", 0) == 204 ||
		       is_about_meaning(json_get_text(object, "error"));
	json_t *items;
	int ret;

	assert_true(json_is_string(policy));
	ret = hcl_read(json_string_value(policy), json_string_length(policy), &items, err);
	json_decref(items);
	assert_true(ret == 0 || ret == LH_EINVAL);
	return (ret == 0) == accepts;
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
		struct err err = { 0 };

		line++;
		assert_non_null(object);
		if (check_case(object, &err) == is_difference(line)) {
			print_error("line %d: \"%s\": %s\n", line, err.text, at);
			wrong++;
		}
		json_decref(object);
	}
	assert_int_equal(wrong, 0);
	assert_true(line > 800);
	buf_free(&text);
	buf_free(&path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sound_texts_are_read),
		cmocka_unit_test(broken_texts_are_refused_with_line_and_reason),
		cmocka_unit_test(a_nul_is_refused),
		cmocka_unit_test(a_text_over_the_limit_is_refused),
		cmocka_unit_test(every_cut_of_a_text_is_read_or_refused),
		cmocka_unit_test(each_failing_allocation_is_reported),
		cmocka_unit_test(recorded_policies_are_taken_or_refused_alike),
	};

	fail_alloc_jansson();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
