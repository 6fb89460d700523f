/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "util/clock.h"
#include "util/err.h"

static void the_clocks_agree_with_the_system(void **state)
{
	int64_t now = clock_now(), ns = clock_now_ns(), boot = clock_boot_ms();

	(void)state;
	assert_in_range(now, (uintmax_t)time(NULL) - 2, (uintmax_t)time(NULL) + 2);
	assert_in_range(ns / 1000000000, (uintmax_t)now, (uintmax_t)now + 2);
	assert_true(boot > 0);
	assert_true(clock_boot_ms() >= boot);
}

static const struct {
	int64_t ns;
	const char *text;
} format_cases[] = {
	{ 0, "1970-01-01T00:00:00Z" },
	{ INT64_C(1767323045123400000), "2026-01-02T03:04:05.1234Z" },
	{ INT64_C(1767323045000000001), "2026-01-02T03:04:05.000000001Z" },
	{ INT64_C(1767323045100000000), "2026-01-02T03:04:05.1Z" },
	{ -1, "1969-12-31T23:59:59.999999999Z" },
	{ INT64_C(951782400000000000), "2000-02-29T00:00:00Z" },
};

static void nanoseconds_drop_trailing_zeros(void **state)
{
	char text[40];

	(void)state;
	for (size_t i = 0; i < sizeof(format_cases) / sizeof(format_cases[0]); i++) {
		clock_format_ns(format_cases[i].ns, text);
		assert_string_equal(text, format_cases[i].text);
	}
}

static void seconds_outside_the_calendar_do_not_overrun(void **state)
{
	char text[40];

	(void)state;
	clock_format(INT64_C(253402300799), text);
	assert_string_equal(text, "9999-12-31T23:59:59Z");
	clock_format(INT64_MAX, text);
	assert_string_equal(text, "0001-01-01T00:00:00Z");
	clock_format(INT64_MIN, text);
	assert_string_equal(text, "0001-01-01T00:00:00Z");
}

static const struct {
	const char *text;
	int64_t seconds;
	int ret;
} parse_cases[] = {
	{ "2026-01-02T03:04:05Z", 1767323045, 0 },
	{ "2026-01-02T03:04:05.999999999Z", 1767323045, 0 },
	{ "1970-01-01T00:00:00Z", 0, 0 },
	{ "2000-02-29T23:59:59Z", 951868799, 0 },
	{ "2001-02-29T00:00:00Z", 0, LH_EINVAL },
	{ "2026-04-31T00:00:00Z", 0, LH_EINVAL },
	{ "2026-13-01T00:00:00Z", 0, LH_EINVAL },
	{ "2026-00-01T00:00:00Z", 0, LH_EINVAL },
	{ "2026-01-02T24:00:00Z", 0, LH_EINVAL },
	{ "2026-01-02T03:60:00Z", 0, LH_EINVAL },
	{ "2026-01-02T03:04:60Z", 0, LH_EINVAL },
	{ "2026-01-02T03:04:05", 0, LH_EINVAL },
	{ "2026-01-02T03:04:05.Z", 0, LH_EINVAL },
	{ "2026-01-02T03:04:05+08:00", 0, LH_EINVAL },
	{ "2026-01-02 03:04:05Z", 0, LH_EINVAL },
	{ "2026-1-2T03:04:05Z", 0, LH_EINVAL },
	{ "2026-01-02T03:04:05ZZ", 0, LH_EINVAL },
	{ " 2026-01-02T03:04:05Z", 0, LH_EINVAL },
	{ "2026", 0, LH_EINVAL },
	{ "", 0, LH_EINVAL },
};

static void times_are_read_strictly(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(parse_cases) / sizeof(parse_cases[0]); i++) {
		int64_t seconds = 99;
		int ret = clock_parse(parse_cases[i].text, &seconds);

		if (ret != parse_cases[i].ret || seconds != parse_cases[i].seconds)
			fail_msg("\"%s\": %d, %lld", parse_cases[i].text, ret, (long long)seconds);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_clocks_agree_with_the_system),
		cmocka_unit_test(nanoseconds_drop_trailing_zeros),
		cmocka_unit_test(seconds_outside_the_calendar_do_not_overrun),
		cmocka_unit_test(times_are_read_strictly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
