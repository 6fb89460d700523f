/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nginx/parse.h"
#include "util/err.h"

/* What is read, as JSON with ' for ". */
static const struct {
	const char *name, *text, *files;
} accepted[] = {
	{ "nothing", "# a { b;\n", "{'x':[]}" },
	{ "words and lines", "\na  b\n c;", "{'x':[{'file':'x','line':2,'words':['a','b','c']}]}" },
	{ "quotes keep what would end a word", "a \"b;{ #\" '}';",
	  "{'x':[{'file':'x','line':1,'words':['a','b;{ #','}']}]}" },
	{ "escapes are undone, others stay", "a \\; \"\\\\\\.\";",
	  "{'x':[{'file':'x','line':1,'words':['a','\\\\;','\\\\\\\\.']}]}" },
	{ "a variable in braces is no block", "a ${b}c;",
	  "{'x':[{'file':'x','line':1,'words':['a','${b}c']}]}" },
	{ "variables have small letters, the rest keeps its own", "A $B_c \"D ${Ef1}G$ H\";",
	  "{'x':[{'file':'x','line':1,'words':['A','$b_c','D ${ef1}G$ H']}]}" },
	{ "a block in a block", "a { b c { d; } }",
	  "{'x':[{'file':'x','line':1,'words':['a'],'body':[{'file':'x','line':1,'words':['b','c'],"
	  "'body':[{'file':'x','line':1,'words':['d']}]}]}]}" },
	{ "each file counts its own lines",
	  "# configuration file /m:\na;\n\n# configuration file /n:\n\nb;",
	  "{'x':[],'/m':[{'file':'/m','line':1,'words':['a']}],"
	  "'/n':[{'file':'/n','line':2,'words':['b']}]}" },
	{ "messages of nginx's come first",
	  "nginx: [warn] a { b\nnginx: it is successful\n# configuration file /m:\na;",
	  "{'x':[],'/m':[{'file':'/m','line':1,'words':['a']}]}" },
	{ "a message is counted, and has no other place", "nginx: a\nb;\nnginx: c;",
	  "{'x':[{'file':'x','line':2,'words':['b']},{'file':'x','line':3,'words':['nginx:','c']}]"
	  "}" },
	{ "a mark within a block is a comment", "a {\n# configuration file /n:\n}",
	  "{'x':[{'file':'x','line':1,'words':['a'],'body':[]}]}" },
};

static const struct {
	const char *name, *text, *error;
} refused[] = {
	{ "a word without an end", "a", "x:1: the file ends within a word or quotation" },
	{ "a directive without an end", "a ", "x:1: a directive does not end in \";\" or a block" },
	{ "a block without an end", "a {\n", "x:2: the file ends within a block" },
	{ "an end without a block", "\n}", "x:2: \"}\" without a block" },
	{ "no directive", ";", "x:1: \";\" or \"{\" without a directive" },
	{ "a directive cut by its block's end", "a { b }",
	  "x:1: a directive does not end in \";\" or a block" },
};

static json_t *expected(const char *text)
{
	char copy[1024];
	size_t size = strlen(text);

	assert_true(size < sizeof(copy));
	for (size_t i = 0; i <= size; i++)
		copy[i] = text[i] == '\'' ? '"' : text[i];
	return json_loads(copy, 0, NULL);
}

static void what_nginx_accepts_is_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(accepted) / sizeof(*accepted); i++) {
		json_t *files, *wanted = expected(accepted[i].files);
		struct err err = { 0 };

		assert_non_null(wanted);
		if (nginx_parse("x", accepted[i].text, &files, &err) != 0 ||
		    !json_equal(files, wanted)) {
			char *found = files ? json_dumps(files, 0) : NULL;

			fail_msg("%s: %s%s", accepted[i].name, err.text, found ? found : "");
		}
		json_decref(files);
		json_decref(wanted);
	}
}

static void what_nginx_refuses_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		struct err err = { 0 };
		json_t *files;

		if (nginx_parse("x", refused[i].text, &files, &err) != LH_EINVAL)
			fail_msg("%s: was accepted", refused[i].name);
		assert_null(files);
		assert_string_equal(err.text, refused[i].error);
	}
}

static void depth_has_an_end(void **state)
{
	char text[4 * NGINX_DEPTH_MAX] = "";
	struct err err = { 0 };
	json_t *files;

	(void)state;
	for (int i = 0; i <= NGINX_DEPTH_MAX; i++)
		strcat(text, "a{ ");
	assert_int_equal(nginx_parse("x", text, &files, &err), LH_EINVAL);
	assert_string_equal(err.text, "x:1: blocks are too deep");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_nginx_accepts_is_read),
		cmocka_unit_test(what_nginx_refuses_is_refused),
		cmocka_unit_test(depth_has_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
