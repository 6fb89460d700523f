/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the Alibaba Cloud engine share. The members of struct engine are documented in
 * engine.h; here stands only what this engine adds.
 *
 * A role and a plan, as stored:
 *   {"role_arn", "inline_policies", "remote_policies", "ttl", "max_ttl"}, both lists null until
 *   they are supplied, then [{"hash", "policy_document"}] and [{"name", "type"}]
 *   {"kind": "ram", "user", "inline": [{"name"}], "remote": [{"name", "type"}]}
 *   {"kind": "sts", "session", "role_arn"} */
#ifndef ENGINE_ALICLOUD_ALICLOUD_PRIV_H
#define ENGINE_ALICLOUD_ALICLOUD_PRIV_H

#include "engine/alicloud/alicloud.h"

struct err;

/* Policies of one kind in a role. Far above what the cloud attaches to a user, and low enough for
 * one round of calls. */
#define ALICLOUD_POLICIES_MAX 100

/* ---- config.c, role.c, policy.c ---- */

int alicloud_check_config(const json_t *stored, const json_t *input, json_t **config_out,
			  struct err *err);
json_t *alicloud_show_config(const json_t *config);

int alicloud_check_role(const json_t *stored, const json_t *input, const struct role_limits *limits,
			const char *random, json_t **role_out, struct warnings *warnings,
			struct err *err);
json_t *alicloud_show_role(const json_t *role);
void alicloud_role_ttl(const json_t *role, int64_t *ttl_out, int64_t *max_ttl_out);

/* The two policy lists of a role, from what a request carries: a JSON text, and texts of the form
 * "name:N,type:T". *policies_out is new. 0, LH_ENOMEM, or LH_EINVAL with the field named in err. */
int alicloud_inline_policies(const char *text, const char *random, json_t **policies_out,
			     struct err *err);
int alicloud_remote_policies(const json_t *texts, json_t **policies_out, struct err *err);

/* Warns of more policies than the cloud attaches to a user by default. */
void alicloud_policy_warnings(const json_t *role, struct warnings *warnings);

/* ---- names.c ---- */

int alicloud_plan(const struct plan_request *request, json_t **plan_out, bool *lasting_out,
		  struct err *err);
bool alicloud_renewable(const json_t *plan);

/* Whether the plan is that of a session; else it is a user's. */
bool alicloud_is_session(const json_t *plan);

/* Letters, digits and what `more` holds; 1 to max characters. */
bool alicloud_is_word(const char *text, const char *more, size_t max);

/* ---- issue.c, session.c, revoke.c ---- */

enum verdict alicloud_issue(struct step *step);
enum verdict alicloud_assume(struct step *step); /* `issue` of a session */
enum verdict alicloud_revoke(struct step *step);

/* A credential as the cloud hands it out, borrowed from the answer. */
struct session {
	const char *id, *secret, *token;
	int64_t expires_at;
};

/* Reads AccessKeyId, AccessKeySecret, SecurityToken and Expiration; all must be there.
 * 0 or LH_EINVAL. */
int alicloud_read_session(const json_t *credentials, struct session *session_out);

/* ---- call.c ---- */

extern const struct service alicloud_ram;
extern const struct service alicloud_sts;

/* The mark of a call: what it is, and of which thing of a list. */
enum call_kind {
	KIND_CREATE_USER = 1,
	KIND_CREATE_POLICY,
	KIND_ATTACH_INLINE,
	KIND_ATTACH_REMOTE,
	KIND_CREATE_KEY,
	KIND_LIST_KEYS,
	KIND_LIST_POLICIES,
	KIND_DELETE_KEY,
	KIND_DETACH,
	KIND_DELETE_POLICY,
	KIND_DELETE_USER,
};

int alicloud_tag(enum call_kind kind, size_t index);
enum call_kind alicloud_tag_kind(int tag);
size_t alicloud_tag_index(int tag);

/* Whether the plan of a user names everything it must. Without UserName some calls act on the
 * caller itself: nothing is called for a plan that fails this. */
bool alicloud_plan_is_sound(const json_t *plan);

/* Adds a call about the planned user. */
struct call *alicloud_user_call(struct step *step, const char *action, enum call_effect effect,
				int tag);

/* Adds AttachPolicyToUser or DetachPolicyFromUser. */
void alicloud_attachment_call(struct step *step, const char *action, int tag, const char *type,
			      const char *name);

/* Ends a step. A copy of the reason is kept, the answer is pointed at. */
enum verdict alicloud_fail(struct step *step, const char *reason);
enum verdict alicloud_blame(struct step *step, const struct answer *answer);

/* ---- answer.c ---- */

void alicloud_read_answer(int status, const json_t *json, struct answer *answer);
const char *alicloud_advice(const char *code);
bool alicloud_needs_operator(const char *code);

/* Whether a refusal is of a family of codes: "EntityNotExist" or anything that begins with
 * "EntityNotExist.". */
bool alicloud_refused_as(const struct answer *answer, const char *family);

/* ---- key.c, metadata.c ---- */

bool alicloud_environment_key(const struct surroundings *around, struct root_key *key);
enum verdict alicloud_fetch_key(struct step *step, const struct surroundings *around,
				struct root_key *key);
enum verdict alicloud_metadata_key(struct step *step, const struct surroundings *around,
				   struct root_key *key);

/* Copies a session into an empty key. 0 or LH_ENOMEM. */
int alicloud_fill_key(const struct session *session, struct root_key *key);

#endif
