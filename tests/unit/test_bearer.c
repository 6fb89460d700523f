/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/bearer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/box.h"
#include "fail_alloc.h"
#include "util/buf.h"
#include "util/err.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define ID            "5f2b6d3c-0000-4000-8000-000000000001"
#define TOKEN         "hvs.3tYqv8KcW0aX9LmPzR1sBn2D"
#define VALUE         "a secret of the bearer"

static void seal(struct buf *sealed)
{
	assert_int_equal(bearer_seal(BEARER_WRAPPER, ID, TOKEN, VALUE, strlen(VALUE), sealed), 0);
}

static void test_the_bearer_opens_what_was_sealed(void **state)
{
	struct buf sealed = BUF_INIT, plain = BUF_INIT;

	(void)state;
	seal(&sealed);
	assert_int_equal(sealed.size, strlen(VALUE) + BOX_OVERHEAD);
	assert_null(memmem(sealed.data, sealed.size, "secret", 6));
	buf_add_text(&plain, "kept ");
	assert_int_equal(bearer_open(BEARER_WRAPPER, ID, TOKEN, sealed.data, sealed.size, &plain),
			 0);
	assert_string_equal(buf_text(&plain), "kept " VALUE);
	buf_free(&sealed);
	buf_free(&plain);
}

static const struct {
	const char *name;
	enum bearer_use use;
	const char *store_id, *token;
} foreign_cases[] = {
	{ "another use", BEARER_CUBBYHOLE, ID, TOKEN },
	{ "another store", BEARER_WRAPPER, "5f2b6d3c-0000-4000-8000-000000000002", TOKEN },
	{ "another token", BEARER_WRAPPER, ID, "hvs.3tYqv8KcW0aX9LmPzR1sBn2E" },
	{ "a longer token", BEARER_WRAPPER, ID, TOKEN "a" },
	{ "no token", BEARER_WRAPPER, ID, "" },
};

static void test_nobody_else_opens_it(void **state)
{
	struct buf sealed = BUF_INIT, plain = BUF_INIT;

	(void)state;
	seal(&sealed);
	for (size_t i = 0; i < LENGTH(foreign_cases); i++) {
		int ret = bearer_open(foreign_cases[i].use, foreign_cases[i].store_id,
				      foreign_cases[i].token, sealed.data, sealed.size, &plain);

		if (ret != LH_ECORRUPT || plain.size)
			fail_msg("%s: %s", foreign_cases[i].name, err_name(ret));
	}
	buf_free(&sealed);
	buf_free(&plain);
}

static void test_broken_and_short_values_are_refused(void **state)
{
	struct buf sealed = BUF_INIT, plain = BUF_INIT;

	(void)state;
	seal(&sealed);
	for (size_t i = 0; i < sealed.size; i++) {
		assert_int_equal(bearer_open(BEARER_WRAPPER, ID, TOKEN, sealed.data, i, &plain),
				 LH_ECORRUPT);
		sealed.data[i] ^= 1;
		assert_int_equal(
			bearer_open(BEARER_WRAPPER, ID, TOKEN, sealed.data, sealed.size, &plain),
			LH_ECORRUPT);
		sealed.data[i] ^= 1;
	}
	buf_free(&sealed);
	buf_free(&plain);
}

static void test_every_failing_allocation_is_reported(void **state)
{
	struct buf sealed = BUF_INIT, plain = BUF_INIT;
	bool failed = true;

	(void)state;
	for (unsigned n = 1; failed; n++) {
		int ret;

		fail_alloc_at(n);
		ret = bearer_seal(BEARER_WRAPPER, ID, TOKEN, VALUE, strlen(VALUE), &sealed);
		if (!ret)
			ret = bearer_open(BEARER_WRAPPER, ID, TOKEN, sealed.data, sealed.size,
					  &plain);
		failed = fail_alloc_stop();
		assert_int_equal(ret, failed ? LH_ENOMEM : 0);
		assert_int_equal(plain.size, failed ? 0 : strlen(VALUE));
		buf_free(&sealed);
		buf_free(&plain);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_bearer_opens_what_was_sealed),
		cmocka_unit_test(test_nobody_else_opens_it),
		cmocka_unit_test(test_broken_and_short_values_are_refused),
		cmocka_unit_test(test_every_failing_allocation_is_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
