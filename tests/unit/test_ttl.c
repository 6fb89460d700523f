/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <string.h>

#include <cmocka.h>

#include "lease/ttl.h"
#include "util/err.h"

#define DAY 86400

/* Of this century, and the last second that nanoseconds since 1970 can say, but one. */
#define NS_PER_SECOND INT64_C(1000000000)
#define NOW           1778000000
#define LAST          (INT64_MAX / NS_PER_SECOND - 1)

static const struct {
	const char *name;
	struct ttl_terms terms;
	int64_t ttl;
	int ret;
	const char *warning;
} cases[] = {
	{ "nothing set gives the mount's default",
	  { .mount_default = 3600, .mount_max = DAY, .start = 100, .now = 100 },
	  3600,
	  0,
	  "" },
	{ "the role's ttl wins over the mount's",
	  { .role_ttl = 600, .mount_default = 3600, .mount_max = DAY, .start = 100, .now = 100 },
	  600,
	  0,
	  "" },
	{ "the increment wins over the role's ttl, also when it is smaller",
	  { .increment = 5,
	    .role_ttl = 600,
	    .mount_default = 3600,
	    .mount_max = DAY,
	    .start = 100,
	    .now = 200 },
	  5,
	  0,
	  "" },
	{ "the role's max caps",
	  { .increment = 99999,
	    .role_max = 7200,
	    .mount_default = 3600,
	    .mount_max = DAY,
	    .start = 100,
	    .now = 100 },
	  7200,
	  0,
	  "TTL of \"27h46m39s\" exceeded the effective max_ttl of \"2h\"; TTL value is capped "
	  "accordingly" },
	{ "no lease outlives the nanoseconds that 64 bits can count",
	  { .role_ttl = INT64_MAX / NS_PER_SECOND,
	    .mount_default = 3600,
	    .mount_max = INT64_MAX / NS_PER_SECOND,
	    .start = NOW,
	    .now = NOW + 100 },
	  LAST - NOW - 100,
	  0,
	  "TTL of \"2562047h47m16s\" exceeded the effective max_ttl of \"2068158h52m15s\"; TTL "
	  "value "
	  "is capped accordingly" },
	{ "nor does one with a period",
	  { .mount_default = 3600,
	    .mount_max = INT64_MAX / NS_PER_SECOND,
	    .start = NOW,
	    .now = NOW + 100,
	    .period = INT64_MAX / NS_PER_SECOND },
	  LAST - NOW - 100,
	  0,
	  "TTL of \"2068158h53m55s\" exceeded the effective max_ttl of \"2068158h52m15s\"; TTL "
	  "value "
	  "is capped accordingly" },
	{ "an explicit max counts from the beginning",
	  { .increment = 3600,
	    .mount_default = 3600,
	    .mount_max = DAY,
	    .start = 100,
	    .now = 400,
	    .explicit_max = 600 },
	  300,
	  0,
	  "TTL of \"1h\" exceeded the effective max_ttl of \"5m\"; TTL value is capped "
	  "accordingly" },
	{ "a period is granted whatever was asked for, and past the max",
	  { .increment = 9999,
	    .mount_default = 3600,
	    .mount_max = DAY,
	    .start = 100,
	    .now = 100 + 9 * DAY,
	    .period = 300 },
	  300,
	  0,
	  "" },
	{ "a period is no longer than the max",
	  { .mount_default = 3600,
	    .mount_max = DAY,
	    .start = 100,
	    .now = 100 + 9 * DAY,
	    .period = 2 * DAY },
	  DAY,
	  0,
	  "period of \"48h\" exceeded the effective max_ttl of \"24h\"; period value is capped "
	  "accordingly" },
	{ "an explicit max ends a period",
	  { .mount_default = 3600,
	    .mount_max = DAY,
	    .start = 100,
	    .now = 900,
	    .period = 300,
	    .explicit_max = 1000 },
	  200,
	  0,
	  "TTL of \"5m\" exceeded the effective max_ttl of \"3m20s\"; TTL value is capped "
	  "accordingly" },
	{ "past the explicit max there is nothing to grant",
	  { .mount_default = 3600,
	    .mount_max = DAY,
	    .start = 100,
	    .now = 1100,
	    .period = 300,
	    .explicit_max = 1000 },
	  0,
	  LH_ERANGE,
	  "" },
	{ "a role's max above the mount's is the mount's",
	  { .increment = 4 * DAY,
	    .role_max = 3 * DAY,
	    .mount_default = 3600,
	    .mount_max = DAY,
	    .start = 100,
	    .now = 100 },
	  DAY,
	  0,
	  "TTL of \"96h\" exceeded the effective max_ttl of \"24h\"; TTL value is capped "
	  "accordingly" },
	{ "renewal never extends past issue time plus max",
	  { .increment = 3600,
	    .role_max = 7200,
	    .mount_default = 60,
	    .mount_max = DAY,
	    .start = 1000,
	    .now = 1000 + 7200 - 90 },
	  90,
	  0,
	  "TTL of \"1h\" exceeded the effective max_ttl of \"1m30s\"; TTL value is capped "
	  "accordingly" },
	{ "the last second is granted",
	  { .increment = 2, .mount_default = 60, .mount_max = 60, .start = 1000, .now = 1059 },
	  1,
	  0,
	  "TTL of \"2s\" exceeded the effective max_ttl of \"1s\"; TTL value is capped "
	  "accordingly" },
	{ "past the max there is nothing to grant",
	  { .mount_default = 60, .mount_max = 60, .start = 1000, .now = 1060 },
	  0,
	  LH_ERANGE,
	  "" },
};

static void grants(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char warning[256];
		struct err err = { "" };
		int64_t ttl;

		print_message("%s\n", cases[i].name);
		assert_int_equal(ttl_grant(&cases[i].terms, &ttl, warning, sizeof(warning), &err),
				 cases[i].ret);
		assert_int_equal(ttl, cases[i].ttl);
		assert_string_equal(warning, cases[i].warning);
		assert_string_equal(err.text, cases[i].ret ? "past the max TTL, cannot renew" : "");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(grants) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
