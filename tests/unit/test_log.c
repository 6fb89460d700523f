/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "util/log.h"

static FILE *captured;
static int stderr_copy;

static void capture(void)
{
	captured = tmpfile();
	assert_non_null(captured);
	stderr_copy = dup(STDERR_FILENO);
	assert_true(dup2(fileno(captured), STDERR_FILENO) >= 0);
}

/* What was logged since capture. The caller frees it. */
static char *captured_text(void)
{
	char *text = calloc(1, 65536);

	dup2(stderr_copy, STDERR_FILENO);
	close(stderr_copy);
	assert_non_null(text);
	rewind(captured);
	assert_true(fread(text, 1, 65535, captured) > 0);
	fclose(captured);
	return text;
}

static void assert_matches(const char *text, const char *pattern)
{
	regex_t regex;

	assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
	if (regexec(&regex, text, 0, NULL, 0) != 0)
		fail_msg("\"%s\" does not match \"%s\"", text, pattern);
	regfree(&regex);
}

#define TIME "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z"

static void a_line_has_time_level_and_process(void **state)
{
	char *text;

	(void)state;
	log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT, "worker");
	capture();
	log_debug("hidden");
	log_info("lease: %s", "shown");
	log_set_request("r-1");
	log_error("store: full");
	log_set_request(NULL);
	text = captured_text();
	assert_matches(text, "^" TIME " info worker\\[[0-9]+\\]: lease: shown\n" TIME
			     " error worker\\[[0-9]+\\]: request r-1: store: full\n$");
	free(text);
}

static void nobody_forges_a_line(void **state)
{
	char *text;

	(void)state;
	log_setup(LOG_LEVEL_DEBUG, LOG_FORMAT_TEXT, "w");
	log_set_request("a\nb");
	capture();
	log_debug("x: %s", "\n\r\t\x1b[0m\x7f \xc2\x9b \xff \xc3\xa9 \\ \"");
	log_set_request(NULL);
	text = captured_text();
	assert_matches(text, ": request a\\\\x0ab: x: \\\\x0a\\\\x0d\\\\x09\\\\x1b\\[0m\\\\x7f "
			     "\\\\xc2\\\\x9b \\\\xff \xc3\xa9 \\\\ \"\n$");
	free(text);
}

static void json_lines_are_json(void **state)
{
	char *text;
	json_t *line;

	(void)state;
	log_setup(LOG_LEVEL_WARN, LOG_FORMAT_JSON, "master");
	log_set_request("id\"1");
	capture();
	log_info("hidden");
	log_warn("x: %s", "\n\"\\ \xff\x01 \xc3\xa9");
	log_set_request(NULL);
	text = captured_text();
	line = json_loads(text, 0, NULL);
	assert_non_null(line);
	assert_string_equal(json_string_value(json_object_get(line, "level")), "warn");
	assert_string_equal(json_string_value(json_object_get(line, "process")), "master");
	assert_int_equal(json_integer_value(json_object_get(line, "pid")), getpid());
	assert_string_equal(json_string_value(json_object_get(line, "request_id")), "id\"1");
	assert_string_equal(json_string_value(json_object_get(line, "message")),
			    "x: \\x0a\"\\ \\xff\\x01 \xc3\xa9");
	assert_matches(json_string_value(json_object_get(line, "time")), "^" TIME "$");
	json_decref(line);
	free(text);
}

static void a_long_line_is_cut_and_still_whole(void **state)
{
	char message[20001], *text;
	json_t *line;

	(void)state;
	memset(message, '\n', sizeof(message) - 1);
	message[sizeof(message) - 1] = '\0';
	log_setup(LOG_LEVEL_DEBUG, LOG_FORMAT_JSON, "w");
	capture();
	log_debug("%s", message);
	text = captured_text();
	assert_true(strlen(text) < 9000);
	line = json_loads(text, 0, NULL);
	assert_non_null(line);
	json_decref(line);
	free(text);
}

/* Wherever the room for the line ends, a backslash stands there only with what it escapes. */
static void an_escape_is_not_cut_in_two(void **state)
{
	char message[4097], *text;
	json_t *line;

	(void)state;
	memset(message, '"', sizeof(message) - 1);
	message[sizeof(message) - 1] = '\0';
	log_setup(LOG_LEVEL_DEBUG, LOG_FORMAT_JSON, "w");
	for (int odd = 0; odd < 2; odd++) {
		message[0] = odd ? 'x' : '"';
		capture();
		log_debug("%s", message);
		text = captured_text();
		line = json_loads(text, 0, NULL);
		assert_non_null(line);
		json_decref(line);
		free(text);
	}
}

static void errno_survives(void **state)
{
	(void)state;
	log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT, "w");
	capture();
	errno = EDOM;
	log_info("x");
	assert_int_equal(errno, EDOM);
	free(captured_text());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_has_time_level_and_process),
		cmocka_unit_test(nobody_forges_a_line),
		cmocka_unit_test(json_lines_are_json),
		cmocka_unit_test(a_long_line_is_cut_and_still_whole),
		cmocka_unit_test(an_escape_is_not_cut_in_two),
		cmocka_unit_test(errno_survives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
