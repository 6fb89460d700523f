/* SPDX-License-Identifier: Apache-2.0 */
/* The plan: every cloud-side name of a lease, chosen before the first call. As it is stored:
 *   {"kind", "user", "inline": [{"name"}], "remote": [as in the role]}
 *   {"kind": "sts", "session", "role_arn"} */
#ifndef ENGINE_PLAN_H
#define ENGINE_PLAN_H

#include "engine/engine.h"
#include "engine/policies.h"

/* The shape of a name: its limit (at most 64), the least room that a long role gets, its random
 * digits, and whether it keeps to lower case and begins with a letter. */
struct name_shape {
	size_t limit;
	size_t role_room;
	size_t digits;
	bool strict;
};

struct plan_shape {
	const char *user_kind; /* "kind" of a user's plan */
	struct name_shape user, session;
};

/* What struct engine says about plan and renewable. A plan of a user is lasting. */
int plan_make(const struct plan_shape *shape, const struct plan_request *request, json_t **plan_out,
	      bool *lasting_out, struct err *err);
bool plan_renewable(const json_t *plan);

/* Whether the plan is that of a session; else it is a user's. */
bool plan_is_session(const json_t *plan);

/* Whether the plan of a user names everything it must. Without a name some calls act on the caller
 * itself: nothing is called for a plan that fails this. */
bool plan_is_sound(const json_t *plan, const struct remote_rules *rules);

#endif
