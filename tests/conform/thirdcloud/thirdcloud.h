/* SPDX-License-Identifier: Apache-2.0 */
/* The engine for the third cloud, see README. As it is stored:
 *   role   {"rights": [text], "role", "ttl", "max_ttl"}, either rights or a role to borrow
 *   plan   as in plan.h; "remote" are the rights, "role_arn" is the role
 *   facts  {"id"} */
#ifndef CONFORM_THIRDCLOUD_H
#define CONFORM_THIRDCLOUD_H

#include "engine/engine.h"

extern const struct engine engine_thirdcloud;

extern const struct service thirdcloud_api;

/* ---- calls.c ---- */

enum verdict thirdcloud_issue(struct step *step);
enum verdict thirdcloud_revoke(struct step *step);
void thirdcloud_read_answer(int status, const json_t *json, struct answer *answer);
const char *thirdcloud_advice(const char *code);
bool thirdcloud_needs_operator(const char *code);

#endif
