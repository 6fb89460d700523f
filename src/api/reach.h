/* SPDX-License-Identifier: Apache-2.0 */
/* What a caller may reach that is named in a body, where the path says nothing of it: leases, and
 * tokens by their accessor.
 *
 * Its own and those of its descendants, always. Those of others, where it has sudo on the path of the
 * request, or a grant on that path with the name behind it. What does not exist is refused in the
 * same way as what cannot be reached: nobody learns the difference who has no right to it. */
#ifndef API_REACH_H
#define API_REACH_H

#include <stdbool.h>

struct caller;
struct context;

/* Whether the caller has sudo on the path of the request. 0, LH_EIO, LH_ENOMEM. */
int reach_sudo(struct context *context, bool *sudo_out);

/* Whether the caller reaches what `owner` owns or is; NULL: nobody does, or there is no such thing.
 * name: what it is called in the body. 0, LH_EIO, LH_ENOMEM. */
int reach_owned(struct context *context, const struct caller *owner, const char *name,
		bool *reaches_out);

#endif
