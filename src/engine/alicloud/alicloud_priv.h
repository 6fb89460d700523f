/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the Alibaba Cloud engine share. The members of struct engine are documented in
 * engine.h, stored forms in role.h and plan.h; a remote policy is {"name", "type"}, the kind of a
 * user's plan is "ram", and the facts of a lease are {"access_key_id"}. */
#ifndef ENGINE_ALICLOUD_ALICLOUD_PRIV_H
#define ENGINE_ALICLOUD_ALICLOUD_PRIV_H

#include "engine/alicloud/alicloud.h"
#include "engine/policies.h"
#include "engine/step.h"

struct err;

/* ---- role.c ---- */

int alicloud_check_role(const json_t *stored, const json_t *input, const struct role_limits *limits,
			const char *random, json_t **role_out, struct warnings *warnings,
			struct err *err);
int alicloud_plan(const struct plan_request *request, json_t **plan_out, bool *lasting_out,
		  struct err *err);
bool alicloud_plan_is_sound(const json_t *plan);

/* ---- issue.c, revoke.c ---- */

enum verdict alicloud_issue(struct step *step);
enum verdict alicloud_revoke(struct step *step);

extern const struct service alicloud_ram;
extern const struct service alicloud_sts;

/* Adds a call about the planned user. */
struct call *alicloud_user_call(struct step *step, const char *action, enum call_effect effect,
				int tag);

/* Adds AttachPolicyToUser or DetachPolicyFromUser. */
void alicloud_attachment_call(struct step *step, const char *action, int tag, const char *type,
			      const char *name);

/* ---- answer.c ---- */

void alicloud_read_answer(int status, const json_t *json, struct answer *answer);
const char *alicloud_advice(const char *code);
bool alicloud_needs_operator(const char *code);

/* ---- key.c ---- */

extern const struct session_names alicloud_session_names;

bool alicloud_environment_key(const struct surroundings *around, struct root_key *key);
enum verdict alicloud_fetch_key(struct step *step, const struct surroundings *around,
				struct root_key *key);

#endif
