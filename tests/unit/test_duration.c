/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "util/duration.h"
#include "util/err.h"

/* The first block is what a Vault server answered for the ttl of a role, word for word. */
static const struct {
	const char *text;
	int64_t seconds;
	int ret;
	const char *error;
} cases[] = {
	{ "90", 90, 0, "" },
	{ "90s", 90, 0, "" },
	{ "1m", 60, 0, "" },
	{ "1h30m", 5400, 0, "" },
	{ "1.5h", 5400, 0, "" },
	{ "1d", 86400, 0, "" },
	{ "1d12h", 0, LH_EINVAL, "time: unknown unit \"d\" in duration \"1d12h\"" },
	{ "1w", 0, LH_EINVAL, "time: unknown unit \"w\" in duration \"1w\"" },
	{ "1h 30m", 0, LH_EINVAL, "time: unknown unit \"h \" in duration \"1h 30m\"" },
	{ " 5m", 0, LH_EINVAL, "time: invalid duration \" 5m\"" },
	{ "5m ", 0, LH_EINVAL, "time: unknown unit \"m \" in duration \"5m \"" },
	{ "5 m", 0, LH_EINVAL, "time: unknown unit \" m\" in duration \"5 m\"" },
	{ "1H", 0, LH_EINVAL, "time: unknown unit \"H\" in duration \"1H\"" },
	{ "5M", 0, LH_EINVAL, "time: unknown unit \"M\" in duration \"5M\"" },
	{ "0", 0, 0, "" },
	{ "0s", 0, 0, "" },
	{ "-5", -5, 0, "" },
	{ "-5m", -300, 0, "" },
	{ "+5m", 300, 0, "" },
	{ "1e3", 0, LH_EINVAL, "time: unknown unit \"e\" in duration \"1e3\"" },
	{ "1_000", 0, LH_EINVAL, "time: unknown unit \"_\" in duration \"1_000\"" },
	{ "abc", 0, LH_EINVAL, "time: invalid duration \"abc\"" },
	{ "5x", 0, LH_EINVAL, "time: unknown unit \"x\" in duration \"5x\"" },
	{ "10ms", 0, 0, "" },
	{ "1500ms", 1, 0, "" },
	{ "999us", 0, 0, "" },
	{ "1h30", 0, LH_EINVAL, "time: missing unit in duration \"1h30\"" },
	{ "30m1h", 5400, 0, "" },
	{ "1m1m", 120, 0, "" },
	{ "9223372036854775807", 0, LH_ERANGE,
	  "multiplication of durations resulted in overflow, one operand may be too large" },
	{ "99999999999999999999", 0, LH_ERANGE, "time: invalid duration \"99999999999999999999\"" },
	{ "2562048h", 0, LH_ERANGE, "time: invalid duration \"2562048h\"" },
	{ "0x10", 0, LH_EINVAL, "time: unknown unit \"x\" in duration \"0x10\"" },
	{ "010", 10, 0, "" },
	{ "٣m", 0, LH_EINVAL, "time: invalid duration \"\\xd9\\xa3m\"" },
	{ "1h\n", 0, LH_EINVAL, "time: unknown unit \"h\\x0a\" in duration \"1h\\x0a\"" },
	{ "５m", 0, LH_EINVAL, "time: invalid duration \"\\xef\\xbc\\x95m\"" },

	/* The edges of Go's parser. */
	{ "", 0, LH_EINVAL, "time: invalid duration \"\"" },
	{ "+", 0, LH_EINVAL, "time: invalid duration \"+\"" },
	{ "--5s", 0, LH_EINVAL, "time: invalid duration \"--5s\"" },
	{ ".s", 0, LH_EINVAL, "time: invalid duration \".s\"" },
	{ "1.5", 0, LH_EINVAL, "time: missing unit in duration \"1.5\"" },
	{ "90.0", 0, LH_EINVAL, "time: missing unit in duration \"90.0\"" },
	{ "1e+30", 0, LH_EINVAL, "time: unknown unit \"e+\" in duration \"1e+30\"" },
	{ "1.h", 3600, 0, "" },
	{ ".5m", 30, 0, "" },
	{ "-0", 0, 0, "" },
	{ "1.99999s", 1, 0, "" },
	{ "-1.99999s", -1, 0, "" },
	{ "0.99999999999999999999999999h", 3600, 0, "" },
	{ "2000000\xc2\xb5s", 2, 0, "" },
	{ "2000000\xce\xbcs", 2, 0, "" },
	{ "5\"", 0, LH_EINVAL, "time: unknown unit \"\\\"\" in duration \"5\\\"\"" },
	{ "2562047h47m16.854775807s", 9223372036, 0, "" },
	{ "2562047h47m16.854775808s", 0, LH_ERANGE,
	  "time: invalid duration \"2562047h47m16.854775808s\"" },
	{ "-2562047h47m16.854775808s", -9223372036, 0, "" },
	{ "2562047h2562047h", 0, LH_ERANGE, "time: invalid duration \"2562047h2562047h\"" },

	/* Days stand alone. */
	{ "30d", 2592000, 0, "" },
	{ "-1d", -86400, 0, "" },
	{ "106751d", INT64_C(106751) * 86400, 0, "" },
	{ "106752d", 0, LH_ERANGE,
	  "multiplication of durations resulted in overflow, one operand may be too large" },
	{ "1.5d", 0, LH_EINVAL, "strconv.ParseInt: parsing \"1.5\": invalid syntax" },
	{ "d", 0, LH_EINVAL, "strconv.ParseInt: parsing \"\": invalid syntax" },
	{ "99999999999999999999d", 0, LH_ERANGE,
	  "strconv.ParseInt: parsing \"99999999999999999999\": value out of range" },
};

static void durations_are_read_with_the_words_of_go(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err = { 0 };
		int64_t seconds = 99;
		int ret = duration_parse(cases[i].text, &seconds, &err);

		if (ret != cases[i].ret || seconds != cases[i].seconds ||
		    strcmp(err.text, cases[i].error) != 0)
			fail_msg("\"%s\": %d, %lld, \"%s\"", cases[i].text, ret, (long long)seconds,
				 err.text);
	}
}

static void a_long_text_is_quoted_in_part(void **state)
{
	struct err err = { 0 };
	char text[4001];
	int64_t seconds;

	(void)state;
	memset(text, '\n', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(duration_parse(text, &seconds, &err), LH_EINVAL);
	assert_true(strlen(err.text) < 300);
	text[sizeof(text) - 2] = 'd';
	assert_int_equal(duration_parse(text, &seconds, &err), LH_EINVAL);
}

static const struct {
	int64_t seconds;
	const char *text;
} format_cases[] = {
	{ 0, "0s" },
	{ 1, "1s" },
	{ 60, "1m" },
	{ 90, "1m30s" },
	{ 3600, "1h" },
	{ 3601, "1h1s" },
	{ 5400, "1h30m" },
	{ 2764800, "768h" },
	{ -90, "-1m30s" },
	{ INT64_MAX, "2562047788015215h30m7s" },
	{ INT64_MIN, "-2562047788015215h30m8s" },
};

static void durations_are_written_compactly(void **state)
{
	char text[32];

	(void)state;
	for (size_t i = 0; i < sizeof(format_cases) / sizeof(format_cases[0]); i++) {
		duration_format(format_cases[i].seconds, text);
		assert_string_equal(text, format_cases[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations_are_read_with_the_words_of_go),
		cmocka_unit_test(a_long_text_is_quoted_in_part),
		cmocka_unit_test(durations_are_written_compactly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
