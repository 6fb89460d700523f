/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a caller may do something. */
#ifndef AUTH_ACCESS_H
#define AUTH_ACCESS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "auth/auth.h"

struct policies;

/* What is asked for; everything is borrowed. */
struct access {
	const char *path; /* relative to /v1/; of a list it ends in a slash */
	enum capability capability;
	bool sudo;           /* and sudo as well */
	const json_t *input; /* the fields that were sent; NULL: none */
	int64_t wrap_ttl;    /* seconds for which the reply is to be wrapped; 0: not at all */
};

/* Whether the caller's policies allow it. Root may do everything. 0, LH_EIO, LH_ENOMEM. */
int auth_allows(struct policies *policies, const struct caller *caller, const struct access *access,
		bool *allowed_out);

/* Whether the caller may do anything at all at the path or beneath it, which may be a mount or not.
 * Root may. 0, LH_EIO, LH_ENOMEM. */
int auth_reaches(struct policies *policies, const struct caller *caller, const char *path,
		 bool *reaches_out);

#endif
