/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/engine.h"
#include "fail_alloc.h"
#include "util/bucket.h"
#include "util/json.h"
#include "util/wipe.h"

static const struct service service = { "users", "2015-05-01", ENDPOINT_USER };

static void calls_stand_in_the_order_of_adding(void **state)
{
	struct round round = { 0 };

	(void)state;
	for (int i = 0; i < 20; i++) {
		char value[16];
		struct call *call = round_add(&round, &service, "CreatePolicy", CALL_CREATES,
					      100 + i);

		snprintf(value, sizeof(value), "p%d", i);
		call_param(call, "PolicyName", value);
		call_param(call, "PolicyDocument", "{}");
	}
	assert_false(round.failed);
	assert_int_equal(round.count, 20);
	for (int i = 0; i < 20; i++) {
		const struct call *call = &round.calls[i];
		char value[16];

		snprintf(value, sizeof(value), "p%d", i);
		assert_ptr_equal(call->service, &service);
		assert_string_equal(call->action, "CreatePolicy");
		assert_int_equal(call->effect, CALL_CREATES);
		assert_int_equal(call->tag, 100 + i);
		assert_int_equal(json_object_size(call->params), 2);
		assert_string_equal(json_get_text(call->params, "PolicyName"), value);
	}
	round_clear(&round);
	assert_null(round.calls);
	assert_int_equal(round.count, 0);
}

static void a_plain_call_owns_its_texts(void **state)
{
	struct round round = { 0 };
	struct call *call = round_add(&round, NULL, "token", CALL_READS, 1);

	(void)state;
	assert_non_null(call);
	call->path = wipe_copy("/latest", 7);
	call->header = wipe_copy("X-T: 1", 6);
	call->body = wipe_copy("a=b", 3);
	round_clear(&round);
	round_clear(&round);
}

static void a_value_that_is_no_text_fails_the_round(void **state)
{
	struct round round = { 0 };

	(void)state;
	call_param(NULL, "Name", "x");
	call_param(round_add(&round, &service, "GetUser", CALL_READS, 1), "UserName", "\xff");
	assert_true(round.failed);
	round_clear(&round);
	assert_false(round.failed);
}

static void each_failing_allocation_fails_the_round(void **state)
{
	(void)state;
	for (unsigned n = 1;; n++) {
		struct round round = { 0 };
		bool stopped;

		fail_alloc_at(n);
		for (int i = 0; i < 6; i++) {
			struct call *call = round_add(&round, &service, "CreateUser", CALL_CREATES,
						      i);

			call_param(call, "UserName", "u");
		}
		stopped = fail_alloc_stop();
		assert_int_equal(round.failed, stopped);
		round_clear(&round);
		if (!stopped) {
			assert_true(n > 6);
			break;
		}
	}
}

static void answers_are_found_by_tag(void **state)
{
	struct answer answers[] = { { .tag = 3 }, { .tag = 1 }, { .tag = 3, .status = 9 } };

	(void)state;
	assert_ptr_equal(answer_find(answers, 3, 1), &answers[1]);
	assert_ptr_equal(answer_find(answers, 3, 3), &answers[0]);
	assert_null(answer_find(answers, 3, 2));
	assert_null(answer_find(NULL, 0, 3));
}

static void a_cleared_answer_is_empty(void **state)
{
	struct answer answer = { .tag = 3, .body = json_object(), .code = "X" };

	(void)state;
	answer_clear(&answer);
	assert_null(answer.body);
	assert_int_equal(answer.tag, 0);
	assert_string_equal(answer.code, "");
	answer_clear(&answer);
}

static void warnings_are_cut_between_characters(void **state)
{
	struct warnings warnings = { 0 };
	char text[300];

	(void)state;
	warnings_add(&warnings, "ttl of %d is too long", 7);
	assert_string_equal(warnings.text[0], "ttl of 7 is too long");
	memset(text, 'a', sizeof(text));
	strcpy(text + 254, "\xc3\xa9zzz");
	warnings_add(&warnings, "%s", text);
	assert_int_equal(strlen(warnings.text[1]), 254);
	strcpy(text + 253, "\xc3\xa9zzz");
	warnings_add(&warnings, "%s", text);
	assert_int_equal(strlen(warnings.text[2]), 255);
	for (int i = 0; i < 20; i++)
		warnings_add(&warnings, "%d", i);
	assert_int_equal(warnings.count, ENGINE_WARNINGS_MAX);
	assert_string_equal(warnings.text[ENGINE_WARNINGS_MAX - 1], "4");
}

static void a_cleared_key_is_empty(void **state)
{
	struct root_key key = { wipe_copy("i", 1), wipe_copy("s", 1), NULL, 5 };

	(void)state;
	root_key_clear(&key);
	assert_null(key.id);
	assert_null(key.secret);
	assert_int_equal(key.expires_at, 0);
	root_key_clear(&key);
}

static void engines_are_found_by_type(void **state)
{
	size_t count = 0;

	(void)state;
	for (; engine_all[count]; count++)
		assert_ptr_equal(engine_find(engine_all[count]->type), engine_all[count]);
	assert_true(count > 0);
	assert_string_equal(engine_find("alicloud")->type, "alicloud");
	assert_null(engine_find("ali"));
	assert_null(engine_find(""));
}

/* The broker divides by them, and looks for "*" when it finds nothing else. */
static void every_engine_says_how_much_its_cloud_takes(void **state)
{
	(void)state;
	for (size_t i = 0; engine_all[i]; i++) {
		const struct quota *quotas = engine_all[i]->quotas;
		bool others = false;

		assert_non_null(quotas);
		for (size_t j = 0; quotas[j].action; j++) {
			assert_in_range(quotas[j].per_second, 1, BUCKET_RATE_MAX);
			others |= !strcmp(quotas[j].action, "*");
			for (size_t k = 0; k < j; k++)
				assert_string_not_equal(quotas[j].action, quotas[k].action);
		}
		assert_true(others);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_stand_in_the_order_of_adding),
		cmocka_unit_test(a_plain_call_owns_its_texts),
		cmocka_unit_test(a_value_that_is_no_text_fails_the_round),
		cmocka_unit_test(each_failing_allocation_fails_the_round),
		cmocka_unit_test(answers_are_found_by_tag),
		cmocka_unit_test(a_cleared_answer_is_empty),
		cmocka_unit_test(warnings_are_cut_between_characters),
		cmocka_unit_test(a_cleared_key_is_empty),
		cmocka_unit_test(engines_are_found_by_type),
		cmocka_unit_test(every_engine_says_how_much_its_cloud_takes),
	};

	fail_alloc_jansson();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
