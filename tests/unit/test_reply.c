/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/reply.h"
#include "fail_alloc.h"
#include "util/err.h"

#define ID   "00112233445566778899aabbccddeeff"
#define UUID "00112233-4455-6677-8899-aabbccddeeff"

#define ENVELOPE(injected, lease, renewable, duration, data, warnings, type)                       \
	"{" injected "\"request_id\":\"" UUID "\",\"lease_id\":\"" lease                           \
	"\",\"renewable\":" renewable ",\"lease_duration\":" duration ",\"data\":" data            \
	",\"wrap_info\":null,\"warnings\":" warnings ",\"auth\":null,\"mount_type\":\"" type       \
	"\"}\n"

static void write_terms(const struct outcome *outcome, enum operation operation, bool inject,
			struct api_reply *reply)
{
	struct reply_terms terms = {
		.request_id = ID,
		.operation = operation,
		.mount_type = "system",
		.inject = inject,
	};

	memset(reply, 0, sizeof(*reply));
	assert_int_equal(reply_write(outcome, &terms, reply), 0);
}

/* Writes, compares, releases. body "": none. */
static void check(struct outcome *outcome, enum operation operation, int status, const char *body)
{
	struct api_reply reply;

	write_terms(outcome, operation, false, &reply);
	if (reply.status != status || strcmp(buf_text(&reply.body), body) != 0)
		fail_msg("%d, %s", reply.status, buf_text(&reply.body));
	api_reply_clear(&reply);
	outcome_clear(outcome);
}

static void nothing_to_say(void **state)
{
	struct outcome outcome = { 0 };

	(void)state;
	check(&outcome, OPERATION_WRITE, 204, "");
	check(&outcome, OPERATION_DELETE, 204, "");
	check(&outcome, OPERATION_READ, 404, "{\"errors\":[]}\n");
	check(&outcome, OPERATION_LIST, 404, "{\"errors\":[]}\n");
	check(&outcome, OPERATION_HEAD, 404, "");
	outcome_status(&outcome, 202);
	check(&outcome, OPERATION_WRITE, 202, "");
}

static void data_stands_in_the_envelope_with_sorted_members(void **state)
{
	struct outcome outcome = { 0 };

	(void)state;
	outcome_data(&outcome, json_pack("{s:i, s:{s:n, s:b}}", "b", 1, "a", "z", "y", 1));
	check(&outcome, OPERATION_READ, 200,
	      ENVELOPE("", "", "false", "0", "{\"a\":{\"y\":true,\"z\":null},\"b\":1}", "null",
		       "system"));
}

static void a_lease_is_in_the_envelope(void **state)
{
	struct outcome outcome = { 0 };

	(void)state;
	outcome.lease_id = strdup("a/creds/b/X");
	outcome.renewable = true;
	outcome.lease_duration = 3600;
	outcome_warn(&outcome, "%s", "mind \"this\"");
	outcome_no_data(&outcome, 0);
	check(&outcome, OPERATION_WRITE, 200,
	      ENVELOPE("", "a/creds/b/X", "true", "3600", "null", "[\"mind \\\"this\\\"\"]",
		       "system"));
}

static void old_clients_find_data_at_the_top(void **state)
{
	struct outcome outcome = { 0 };
	struct api_reply reply;

	(void)state;
	outcome_data(&outcome, json_pack("{s:i, s:i}", "a/", 1, "\"q\"", 2));
	write_terms(&outcome, OPERATION_READ, true, &reply);
	assert_string_equal(buf_text(&reply.body),
			    ENVELOPE("\"a/\":1,\"\\\"q\\\"\":2,", "", "false", "0",
				     "{\"\\\"q\\\"\":2,\"a/\":1}", "null", "system"));
	api_reply_clear(&reply);
	outcome_clear(&outcome);
}

static void a_text_that_was_cut_inside_a_character_is_mended(void **state)
{
	struct outcome outcome = { 0 };

	(void)state;
	outcome_error(&outcome, 400, "%.2s|%.3s|\xff", "a\xc3\xa9", "a\xc3\xa9");
	check(&outcome, OPERATION_WRITE, 400, "{\"errors\":[\"a?|a\xc3\xa9|?\"]}\n");
}

static void a_list_without_keys_is_not_found(void **state)
{
	struct outcome outcome = { 0 };

	(void)state;
	outcome_data(&outcome, json_pack("{s:[]}", "keys"));
	check(&outcome, OPERATION_LIST, 404, "{\"errors\":[]}\n");
	outcome_data(&outcome, json_object());
	check(&outcome, OPERATION_LIST, 404, "{\"errors\":[]}\n");
	outcome_data(&outcome, json_pack("{s:[]}", "keys"));
	outcome_warn(&outcome, "w");
	check(&outcome, OPERATION_LIST, 200,
	      ENVELOPE("", "", "false", "0", "{\"keys\":[]}", "[\"w\"]", "system"));
	outcome_data(&outcome, json_pack("{s:i}", "other", 1));
	check(&outcome, OPERATION_LIST, 200,
	      ENVELOPE("", "", "false", "0", "{\"other\":1}", "null", "system"));
	outcome_data(&outcome, json_pack("{s:[s]}", "keys", "a"));
	check(&outcome, OPERATION_LIST, 200,
	      ENVELOPE("", "", "false", "0", "{\"keys\":[\"a\"]}", "null", "system"));
	outcome_data(&outcome, json_pack("{s:[]}", "keys"));
	check(&outcome, OPERATION_READ, 200,
	      ENVELOPE("", "", "false", "0", "{\"keys\":[]}", "null", "system"));
}

static void a_status_of_the_handler_hides_the_mount_type(void **state)
{
	struct outcome outcome = { 0 };

	(void)state;
	outcome_no_data(&outcome, 202);
	check(&outcome, OPERATION_WRITE, 202, ENVELOPE("", "", "false", "0", "null", "null", ""));
}

static void bare_answers_have_no_envelope(void **state)
{
	struct outcome outcome = { 0 };

	(void)state;
	outcome_bare(&outcome, 299, json_pack("{s:b}", "initialized", 1));
	check(&outcome, OPERATION_READ, 299, "{\"initialized\":true}\n");
	outcome_bare(&outcome, 299, json_pack("{s:b}", "initialized", 1));
	check(&outcome, OPERATION_HEAD, 299, "");
	outcome_bare(&outcome, 204, json_pack("{s:b}", "initialized", 1));
	check(&outcome, OPERATION_READ, 204, "");
}

static void errors_replace_what_was_said(void **state)
{
	struct outcome outcome = { 0 };

	(void)state;
	outcome_data(&outcome, json_pack("{s:i}", "a", 1));
	outcome_error(&outcome, 400, "no %s: %d", "way", 7);
	check(&outcome, OPERATION_READ, 400, "{\"errors\":[\"no way: 7\"]}\n");
	outcome_error(&outcome, 405, NULL);
	check(&outcome, OPERATION_READ, 405, "{\"errors\":[]}\n");
	outcome_error(&outcome, 400, "first");
	outcome_error(&outcome, 403, "1 error occurred:\n\t* permission denied\n\n");
	check(&outcome, OPERATION_WRITE, 403,
	      "{\"errors\":[\"1 error occurred:\\n\\t* permission denied\\n\\n\"]}\n");
}

static void a_long_error_is_cut_between_characters(void **state)
{
	struct outcome outcome = { 0 };
	char text[4001];

	(void)state;
	for (size_t i = 0; i < sizeof(text) - 1; i += 2)
		memcpy(text + i, "\xc3\xa4", 2);
	text[sizeof(text) - 1] = '\0';
	outcome_error(&outcome, 400, "%s", text);
	assert_false(outcome.failed);
	assert_int_equal(json_array_size(outcome.errors), 1);
	outcome_error(&outcome, 400, "x%s", text);
	assert_false(outcome.failed);
	outcome_clear(&outcome);
}

static void a_throttled_client_is_told_when_to_come_back(void **state)
{
	struct outcome outcome = { .retry_after = 12 };
	struct api_reply reply;

	(void)state;
	outcome_error(&outcome, 429, "too much");
	write_terms(&outcome, OPERATION_READ, false, &reply);
	assert_int_equal(reply.status, 429);
	assert_string_equal(reply.headers[0].name, "Retry-After");
	assert_string_equal(reply.headers[0].value, "12");
	assert_null(reply.headers[1].name);
	api_reply_clear(&reply);
	outcome_clear(&outcome);
}

static void a_request_id_that_is_none_is_drawn(void **state)
{
	struct reply_terms terms = { .request_id = "x", .operation = OPERATION_READ };
	struct outcome outcome = { 0 };
	struct api_reply one = { 0 }, other = { 0 };

	(void)state;
	terms.mount_type = "";
	outcome_no_data(&outcome, 0);
	assert_int_equal(reply_write(&outcome, &terms, &one), 0);
	assert_int_equal(reply_write(&outcome, &terms, &other), 0);
	assert_string_not_equal(buf_text(&one.body), buf_text(&other.body));
	api_reply_clear(&one);
	api_reply_clear(&other);
	outcome_clear(&outcome);
}

static void headers_that_do_not_fit_are_left_out(void **state)
{
	struct api_reply reply = { 0 };
	char value[100];

	(void)state;
	memset(value, 'x', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	for (int i = 0; i < API_REPLY_HEADERS + 2; i++)
		reply_header(&reply, "Retry-After", value);
	assert_int_equal(strlen(reply.headers[API_REPLY_HEADERS - 1].value), 63);
	api_reply_clear(&reply);
}

static void the_web_server_s_side_can_refuse_too(void **state)
{
	struct api_reply reply = { 0 };

	(void)state;
	api_reply_error(&reply, 400, "a parameter occurs twice");
	assert_int_equal(reply.status, 400);
	assert_string_equal(buf_text(&reply.body), "{\"errors\":[\"a parameter occurs twice\"]}\n");
	api_reply_clear(&reply);
}

static void say_much(struct outcome *outcome)
{
	outcome_warn(outcome, "w");
	outcome_data(outcome, json_pack("{s:[s, s], s:s}", "keys", "a", "b", "other", "c"));
}

static void lost_memory_is_told(void **state)
{
	struct reply_terms terms = {
		.request_id = ID,
		.operation = OPERATION_READ,
		.mount_type = "system",
		.inject = true,
	};
	int ret = LH_ENOMEM;

	(void)state;
	for (unsigned n = 1; ret; n++) {
		struct outcome outcome = { 0 };
		struct api_reply reply = { 0 };

		fail_alloc_at(n);
		say_much(&outcome);
		ret = reply_write(&outcome, &terms, &reply);
		if (fail_alloc_stop())
			assert_int_equal(ret, LH_ENOMEM);
		api_reply_clear(&reply);
		outcome_clear(&outcome);
		assert_true(n < 1000);
	}
}

static void an_error_without_memory_is_a_bare_500(void **state)
{
	bool failed = true;

	(void)state;
	for (unsigned n = 1; failed; n++) {
		struct api_reply reply = { 0 };

		fail_alloc_at(n);
		api_reply_error(&reply, 400, "text");
		failed = fail_alloc_stop();
		assert_int_equal(reply.status, failed ? 500 : 400);
		assert_int_equal(reply.body.size > 0, !failed);
		api_reply_clear(&reply);
		assert_true(n < 1000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_to_say),
		cmocka_unit_test(data_stands_in_the_envelope_with_sorted_members),
		cmocka_unit_test(a_lease_is_in_the_envelope),
		cmocka_unit_test(old_clients_find_data_at_the_top),
		cmocka_unit_test(a_text_that_was_cut_inside_a_character_is_mended),
		cmocka_unit_test(a_list_without_keys_is_not_found),
		cmocka_unit_test(a_status_of_the_handler_hides_the_mount_type),
		cmocka_unit_test(bare_answers_have_no_envelope),
		cmocka_unit_test(errors_replace_what_was_said),
		cmocka_unit_test(a_long_error_is_cut_between_characters),
		cmocka_unit_test(a_throttled_client_is_told_when_to_come_back),
		cmocka_unit_test(a_request_id_that_is_none_is_drawn),
		cmocka_unit_test(headers_that_do_not_fit_are_left_out),
		cmocka_unit_test(the_web_server_s_side_can_refuse_too),
		cmocka_unit_test(lost_memory_is_told),
		cmocka_unit_test(an_error_without_memory_is_a_bare_500),
	};

	fail_alloc_jansson();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
