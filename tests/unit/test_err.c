/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "util/err.h"

static void every_code_has_its_own_name(void **state)
{
	(void)state;
	for (int code = LH_ECLOUD; code <= 0; code++) {
		assert_string_not_equal(err_name(code), "unknown error");
		for (int other = LH_ECLOUD; other < code; other++)
			assert_string_not_equal(err_name(code), err_name(other));
	}
	assert_string_equal(err_name(LH_ECLOUD - 1), "unknown error");
	assert_string_equal(err_name(1), "unknown error");
}

static void a_sentence_is_set_and_prefixed(void **state)
{
	struct err err = { 0 };

	(void)state;
	assert_int_equal(err_set(&err, LH_EINVAL, "must be %d", 3), LH_EINVAL);
	assert_string_equal(err.text, "must be 3");
	assert_int_equal(err_prefix(&err, LH_ERANGE, "line %d", 7), LH_ERANGE);
	assert_string_equal(err.text, "line 7: must be 3");
}

static void a_sentence_may_quote_itself(void **state)
{
	struct err err = { 0 };

	(void)state;
	err_set(&err, LH_EIO, "inner");
	err_set(&err, LH_EIO, "outer (%s)", err.text);
	assert_string_equal(err.text, "outer (inner)");
}

static void a_long_sentence_is_cut(void **state)
{
	struct err err = { 0 };
	char word[2000];

	(void)state;
	memset(word, 'a', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	err_set(&err, LH_EIO, "%s", word);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	err_prefix(&err, LH_EIO, "b");
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	assert_memory_equal(err.text, "b: a", 4);
}

static void without_a_sentence_the_code_is_returned(void **state)
{
	(void)state;
	assert_int_equal(err_set(NULL, LH_EIO, "x"), LH_EIO);
	assert_int_equal(err_prefix(NULL, LH_EPERM, "x"), LH_EPERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_code_has_its_own_name),
		cmocka_unit_test(a_sentence_is_set_and_prefixed),
		cmocka_unit_test(a_sentence_may_quote_itself),
		cmocka_unit_test(a_long_sentence_is_cut),
		cmocka_unit_test(without_a_sentence_the_code_is_returned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
