/* SPDX-License-Identifier: Apache-2.0 */
#include "lease/ttl.h"

#include <stdio.h>

#include "util/duration.h"
#include "util/err.h"

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

int ttl_grant(const struct ttl_terms *terms, int64_t *ttl_out, char *warning, size_t size,
	      struct err *err)
{
	int64_t max = smaller(smaller(terms->mount_max, terms->role_max), terms->explicit_max);
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
	if (left <= 0)
		return err_set(err, LH_ERANGE, "past the max TTL, cannot renew");
	if (ttl > left) {
		warn(warning, size, "TTL", ttl, left);
		ttl = left;
	}
	*ttl_out = ttl;
	return 0;
}
