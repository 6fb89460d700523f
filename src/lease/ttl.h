/* SPDX-License-Identifier: Apache-2.0 */
/* How long a lease or a token is granted, at issue and at each renewal: pure arithmetic. */
#ifndef LEASE_TTL_H
#define LEASE_TTL_H

#include <stddef.h>
#include <stdint.h>

struct err;

/* Seconds; 0 means "not set", except in start and now. */
struct ttl_terms {
	int64_t increment; /* what the caller asked for */
	int64_t role_ttl;  /* of the role, or the one granted before */
	int64_t role_max;
	int64_t mount_default;
	int64_t mount_max;
	int64_t start; /* when the lease was issued */
	int64_t now;
	int64_t explicit_max; /* of a token: one more limit */
	int64_t period;       /* of a token: granted each time, whatever else was asked for; only
			       * an explicit maximum ends it */
};

/* The most that may be granted in all, counted from start; not for periodic tokens. */
int64_t ttl_most(const struct ttl_terms *terms);

/* The granted ttl from now on. When it had to be capped, warning (size bytes, may be NULL) holds
 * `TTL of "X" exceeded the effective max_ttl of "Y"; TTL value is capped accordingly` (or `period of
 * …; period value …`), else "".
 * 0, or LH_ERANGE with `past the max TTL, cannot renew`. */
int ttl_grant(const struct ttl_terms *terms, int64_t *ttl_out, char *warning, size_t size,
	      struct err *err);

#endif
