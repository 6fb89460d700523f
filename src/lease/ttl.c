/* SPDX-License-Identifier: Apache-2.0 */
#include "lease/ttl.h"

#include <stdio.h>

#include "util/clock.h"
#include "util/duration.h"
#include "util/err.h"

/* Times are kept in nanoseconds since 1970, which end in the year 2262: no lease lasts longer, however
 * far a mount was tuned. */
#define LAST_SECOND (INT64_MAX / NS_PER_SECOND - 1)

static int64_t smaller(int64_t max, int64_t limit)
{
	return limit > 0 && limit < max ? limit : max;
}

static void warn(char *warning, size_t size, const char *what, int64_t wanted, int64_t granted)
{
	char asked[32], given[32];

	duration_format(wanted, asked);
	duration_format(granted, given);
	if (size)
		snprintf(
			warning, size,
			"%s of \"%s\" exceeded the effective max_ttl of \"%s\"; %s value is capped "
			"accordingly",
			what, asked, given, what);
}

int64_t ttl_most(const struct ttl_terms *terms)
{
	int64_t max = smaller(terms->mount_max, LAST_SECOND - terms->start);

	return smaller(smaller(max, terms->role_max), terms->explicit_max);
}

int ttl_grant(const struct ttl_terms *terms, int64_t *ttl_out, char *warning, size_t size,
	      struct err *err)
{
	int64_t max = ttl_most(terms);
	int64_t ttl, left = terms->start + max - terms->now;

	*ttl_out = 0;
	if (size)
		warning[0] = '\0';
	ttl = terms->increment > 0  ? terms->increment
	      : terms->role_ttl > 0 ? terms->role_ttl
				    : terms->mount_default;
	if (terms->period > 0) {
		ttl = smaller(max, terms->period);
		if (ttl < terms->period)
			warn(warning, size, "period", terms->period, ttl);
		left = terms->explicit_max > 0 ? terms->start + terms->explicit_max - terms->now
					       : ttl;
	}
	left = smaller(left, LAST_SECOND - terms->now);
	if (left <= 0)
		return err_set(err, LH_ERANGE, "past the max TTL, cannot renew");
	if (ttl > left) {
		warn(warning, size, "TTL", ttl, left);
		ttl = left;
	}
	*ttl_out = ttl;
	return 0;
}
