/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/vouched.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define NOW INT64_C(1000000)

static const unsigned char one[SHA256_SIZE] = { 1, 2 }, other[SHA256_SIZE] = { 2, 2 };
static const unsigned char same_place[SHA256_SIZE] = { 1, 3 };

static const struct {
	const char *name;
	int64_t until, asked;
	bool known;
} cases[] = {
	{ "at once", NOW + 1000, NOW, true },
	{ "until the end of its time", NOW + 10, NOW + 9, true },
	{ "not when it is over", NOW + 10, NOW + 10, false },
	{ "for some minutes", NOW + 1000, NOW + VOUCHED_SECONDS - 1, true },
	{ "not for longer", NOW + 1000, NOW + VOUCHED_SECONDS, false },
	{ "for some minutes, too, where there is no end", INT64_MAX, NOW + VOUCHED_SECONDS, false },
	{ "not before it was found", NOW + 1000, NOW - 1, false },
	{ "not where the end is unknown", -1, NOW, false },
};

static void it_is_known_for_its_time(void **state)
{
	struct vouched *vouched;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("  %s\n", cases[i].name);
		assert_int_equal(vouched_new(&vouched), 0);
		vouched_keep(vouched, one, NOW, cases[i].until);
		assert_int_equal(vouched_knows(vouched, one, cases[i].asked), cases[i].known);
		vouched_free(vouched);
	}
}

static void nothing_else_is_known(void **state)
{
	static const unsigned char nothing[SHA256_SIZE];
	struct vouched *vouched;

	(void)state;
	assert_int_equal(vouched_new(&vouched), 0);
	assert_false(vouched_knows(vouched, nothing, 0));
	vouched_keep(vouched, one, NOW, INT64_MAX);
	assert_false(vouched_knows(vouched, other, NOW));
	assert_false(vouched_knows(vouched, same_place, NOW));
	vouched_keep(vouched, same_place, NOW, INT64_MAX);
	assert_true(vouched_knows(vouched, same_place, NOW));
	assert_false(vouched_knows(vouched, one, NOW));
	vouched_free(vouched);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_known_for_its_time),
		cmocka_unit_test(nothing_else_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
