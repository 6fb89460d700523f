/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/alicloud/alicloud.h"
#include "fail_alloc.h"
#include "util/err.h"
#include "util/json.h"

static const struct {
	const char *name, *input, *error;
} cases[] = {
	{ "a pair is taken", "{\"access_key\":\"LTAIroot\",\"secret_key\":\"s\"}", "" },
	{ "nothing lacks the id first", "{}", "access_key is required" },
	{ "an id alone lacks the secret", "{\"access_key\":\"x\"}", "secret_key is required" },
	{ "a secret alone lacks the id", "{\"secret_key\":\"x\"}", "access_key is required" },
	{ "an empty id is none", "{\"access_key\":\"\",\"secret_key\":\"x\"}",
	  "access_key is required" },
	{ "an empty secret is none", "{\"access_key\":\"x\",\"secret_key\":\"\"}",
	  "secret_key is required" },
	{ "a line break from a file is found", "{\"access_key\":\"x\",\"secret_key\":\"hush\\n\"}",
	  "secret_key: holds a space, a line break or another character that no key has" },
};

static json_t *read(const char *text)
{
	json_t *value = NULL;

	assert_int_equal(json_read(text, strlen(text), &value, NULL), 0);
	return value;
}

static void pairs_are_checked(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *input = read(cases[i].input), *config = NULL;
		struct err err = { 0 };
		int ret = engine_alicloud.check_config(NULL, input, &config, &err);

		if (ret != (cases[i].error[0] ? LH_EINVAL : 0) || (config != NULL) != (ret == 0) ||
		    strcmp(err.text, cases[i].error) != 0)
			fail_msg("%s: %d, \"%s\"", cases[i].name, ret, err.text);
		json_decref(config);
		json_decref(input);
	}
}

static void half_a_pair_is_not_mended_from_the_stored_one(void **state)
{
	json_t *stored = read("{\"access_key\":\"a\",\"secret_key\":\"b\"}");
	json_t *input = read("{\"access_key\":\"c\"}"), *config;

	(void)state;
	assert_int_equal(engine_alicloud.check_config(stored, input, &config, NULL), LH_EINVAL);
	assert_null(config);
	json_decref(input);
	json_decref(stored);
}

static void the_secret_is_stored_but_never_shown(void **state)
{
	json_t *input = read("{\"access_key\":\"LTAIroot\",\"secret_key\":\"hush\"}");
	json_t *config, *shown, *expected = read("{\"access_key\":\"LTAIroot\"}");

	(void)state;
	assert_int_equal(engine_alicloud.check_config(NULL, input, &config, NULL), 0);
	assert_string_equal(json_get_text(config, engine_alicloud.config_id_field), "LTAIroot");
	assert_string_equal(json_get_text(config, engine_alicloud.config_secret_field), "hush");
	shown = engine_alicloud.show_config(config);
	assert_true(json_equal(shown, expected));
	json_decref(shown);
	json_decref(expected);
	json_decref(config);
	json_decref(input);
}

static void each_failing_allocation_is_an_error(void **state)
{
	json_t *input = read("{\"access_key\":\"LTAIroot\",\"secret_key\":\"hush\"}");
	unsigned n = 1;
	bool failed;

	(void)state;
	do {
		json_t *config;
		int ret;

		fail_alloc_at(n++);
		ret = engine_alicloud.check_config(NULL, input, &config, NULL);
		failed = fail_alloc_stop();
		assert_int_equal(ret, failed ? LH_ENOMEM : 0);
		assert_true((config != NULL) == (ret == 0));
		json_decref(config);
	} while (failed);
	assert_true(n > 3);
	json_decref(input);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pairs_are_checked),
		cmocka_unit_test(half_a_pair_is_not_mended_from_the_stored_one),
		cmocka_unit_test(the_secret_is_stored_but_never_shown),
		cmocka_unit_test(each_failing_allocation_is_an_error),
	};

	fail_alloc_jansson();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
