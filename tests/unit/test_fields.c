/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/fields.h"
#include "api/reply.h"
#include "fail_alloc.h"
#include "util/err.h"
#include "util/json.h"
#include "util/wipe.h"

static const struct field fields[] = {
	{ "text", FIELD_STRING, "", false, false },
	{ "ttl", FIELD_DURATION, "", false, false },
	{ "list", FIELD_COMMA_STRINGS, "", false, false },
	{ "sync", FIELD_BOOL, "", false, false },
	{ "secret_key", FIELD_STRING, "", false, true },
	{ .name = NULL },
};

static const struct {
	const char *name, *input, *read, *error;
} cases[] = {
	{ "what is not sent is absent", "{}", "{}", "" },
	{ "what is unknown is left out", "{\"other\":1}", "{}", "" },
	{ "values are coerced", "{\"text\":5,\"ttl\":\"1h\",\"list\":\"a,b\",\"sync\":\"true\"}",
	  "{\"list\":[\"a\",\"b\"],\"sync\":true,\"text\":\"5\",\"ttl\":3600}", "" },
	{ "a null duration is absent", "{\"ttl\":null}", "{}", "" },
	{ "a null text is empty", "{\"text\":null}", "{\"text\":\"\"}", "" },
	{ "a bad value is told with its field", "{\"ttl\":\"abc\"}", NULL,
	  "error converting input for field \"ttl\": time: invalid duration \"abc\"" },
	{ "a negative duration", "{\"ttl\":-5}", NULL,
	  "error converting input for field \"ttl\": cannot provide negative value '-5'" },
};

static json_t *parse(const char *text)
{
	json_t *value = json_loads(text, 0, NULL);

	assert_non_null(value);
	return value;
}

static void fields_are_coerced(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *input = parse(cases[i].input), *read;
		struct err err = { "" };
		int ret = fields_read(fields, input, &read, &err);
		char *text = ret ? NULL : json_text_sorted(read);

		if (!text != !cases[i].read || (text && strcmp(text, cases[i].read) != 0) ||
		    strcmp(err.text, cases[i].error) != 0)
			fail_msg("%s: %s, %s", cases[i].name, text ? text : "refused", err.text);
		wipe_free(text);
		json_decref(read);
		json_decref(input);
	}
}

static void a_route_without_fields_reads_nothing(void **state)
{
	json_t *input = parse("{\"a\":1}"), *read;

	(void)state;
	assert_int_equal(fields_read(NULL, input, &read, NULL), 0);
	assert_int_equal(json_object_size(read), 0);
	json_decref(read);
	json_decref(input);
}

static const struct {
	const char *name, *input, *capture, *warnings;
} warned[] = {
	{ "known fields are no matter", "{\"ttl\":1,\"text\":2}", "", "" },
	{ "unknown ones are told, sorted", "{\"zzz\":1,\"ttl\":1,\"aaa\":2}", "",
	  "[\"Endpoint ignored these unrecognized parameters: [aaa zzz]\"]" },
	{ "the captured name was replaced", "{\"name\":\"x\"}", "name",
	  "[\"Endpoint replaced the value of these parameters with the values captured from the "
	  "endpoint's path: [name]\"]" },
	{ "both", "{\"name\":\"x\",\"b\":1}", "name",
	  "[\"Endpoint ignored these unrecognized parameters: [b]\",\"Endpoint replaced the value "
	  "of these parameters with the values captured from the endpoint's path: [name]\"]" },
};

static void what_nobody_reads_is_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(warned) / sizeof(warned[0]); i++) {
		struct outcome outcome = { 0 };
		json_t *input = parse(warned[i].input);
		char *text;

		fields_warn(fields, input, warned[i].capture, strlen(warned[i].capture), &outcome);
		text = outcome.warnings ? json_text(outcome.warnings) : strdup("");
		if (strcmp(text, warned[i].warnings) != 0)
			fail_msg("%s: %s", warned[i].name, text);
		wipe_free(text);
		outcome_clear(&outcome);
		json_decref(input);
	}
}

static void secrets_in_a_query_are_found(void **state)
{
	json_t *query = parse("{\"text\":\"x\",\"secret_key\":\"y\"}");

	(void)state;
	assert_string_equal(fields_secret_in(fields, query), "secret_key");
	json_object_del(query, "secret_key");
	assert_null(fields_secret_in(fields, query));
	assert_null(fields_secret_in(NULL, query));
	json_decref(query);
}

static void lost_memory_is_told(void **state)
{
	json_t *input = parse("{\"text\":\"x\",\"list\":\"a,b\",\"other\":1}"), *read;
	bool failed = true;

	(void)state;
	for (unsigned n = 1; failed; n++) {
		struct outcome outcome = { 0 };
		int ret;

		fail_alloc_at(n);
		ret = fields_read(fields, input, &read, NULL);
		fields_warn(fields, input, "", 0, &outcome);
		failed = fail_alloc_stop();
		assert_int_equal(ret == LH_ENOMEM || outcome.failed, failed);
		json_decref(read);
		outcome_clear(&outcome);
		assert_true(n < 1000);
	}
	json_decref(input);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_coerced),
		cmocka_unit_test(a_route_without_fields_reads_nothing),
		cmocka_unit_test(what_nobody_reads_is_told),
		cmocka_unit_test(secrets_in_a_query_are_found),
		cmocka_unit_test(lost_memory_is_told),
	};

	fail_alloc_jansson();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
