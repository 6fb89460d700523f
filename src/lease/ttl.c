/* SPDX-License-Identifier: Apache-2.0 */
#include "lease/ttl.h"

#include <stdio.h>

#include "util/duration.h"
#include "util/err.h"

int ttl_grant(const struct ttl_terms *terms, int64_t *ttl_out, char *warning, size_t size,
	      struct err *err)
{
	int64_t max = terms->mount_max, ttl, left;
	char wanted[32], granted[32];

	*ttl_out = 0;
	if (size)
		warning[0] = '\0';
	if (terms->role_max > 0 && terms->role_max < max)
		max = terms->role_max;
	ttl = terms->increment > 0  ? terms->increment
	      : terms->role_ttl > 0 ? terms->role_ttl
				    : terms->mount_default;
	left = terms->start + max - terms->now;
	if (left <= 0)
		return err_set(err, LH_ERANGE, "past the max TTL, cannot renew");
	if (ttl > left) {
		duration_format(ttl, wanted);
		duration_format(left, granted);
		if (size)
			snprintf(warning, size,
				 "TTL of \"%s\" exceeded the effective max_ttl of \"%s\"; TTL "
				 "value is capped accordingly",
				 wanted, granted);
		ttl = left;
	}
	*ttl_out = ttl;
	return 0;
}
