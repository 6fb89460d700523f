/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the Tencent Cloud engine share. The members of struct engine are documented in
 * engine.h, stored forms in role.h and plan.h; here stands only what this engine adds:
 *   remote policy   {"policy_name", "scope", "policy_id"}, the id 0 until it is looked up
 *   plan            the kind of a user's is "cam"; a session's may hold "external_id"
 *   facts           {"uin", "secret_id", "inline": [policy id], "remote": [policy id], "repeated"}
 *                   of a user, {"secret_id"} of a session
 *
 * The cloud addresses users and policies by numbers that it gives, not by the planned names. */
#ifndef ENGINE_TENCENTCLOUD_TENCENTCLOUD_PRIV_H
#define ENGINE_TENCENTCLOUD_TENCENTCLOUD_PRIV_H

#include "engine/policies.h"
#include "engine/step.h"
#include "engine/tencentcloud/tencentcloud.h"

struct err;

extern const struct service tencentcloud_cam;
extern const struct service tencentcloud_sts;

/* ---- role.c ---- */

int tencentcloud_check_role(const json_t *stored, const json_t *input,
			    const struct role_limits *limits, const char *random, json_t **role_out,
			    struct warnings *warnings, struct err *err);
int tencentcloud_plan(const struct plan_request *request, json_t **plan_out, bool *lasting_out,
		      struct err *err);
bool tencentcloud_plan_is_sound(const json_t *plan);

/* ---- find.c: policies by their exact names, over all pages ---- */

/* A policy that is looked for. Borrowed. */
struct wanted {
	const char *name, *scope;
};

/* Element `index` of a list of remote policies. */
struct wanted tencentcloud_wanted(const json_t *policies, size_t index);

/* Asks for the first page; the call is marked KIND_FIND_POLICY. */
void tencentcloud_find(struct step *step, size_t index, const struct wanted *wanted);

enum finding {
	FIND_MORE,    /* the next page has been asked for */
	FIND_ONE,     /* *id_out is its number */
	FIND_NONE,    /* no policy has exactly this name */
	FIND_SEVERAL, /* more than one has */
	FIND_FAILED,  /* culprit or reason tells why */
};

/* Takes the answer of such a call. */
enum finding tencentcloud_found(struct step *step, const struct answer *answer,
				const struct wanted *wanted, json_int_t *id_out);

/* Ends a step because of FIND_NONE or FIND_SEVERAL: the user's mistake. */
enum verdict tencentcloud_find_fail(struct step *step, size_t index, const struct wanted *wanted,
				    enum finding finding);

/* ---- resolve.c: the numbers of a role's or plan's remote policies, in the notes as "remote" ---- */

/* Takes the known ones over and looks for the others, if any. */
void tencentcloud_resolve(struct step *step, const json_t *policies);

/* Takes the answer of a look. False: it failed, as tencentcloud_found and tencentcloud_find_fail say.
 * *id_out is 0 while the answer is not complete. */
bool tencentcloud_resolved(struct step *step, const struct answer *answer, const json_t *policies,
			   json_int_t *id_out);

/* The role with the numbers that were found; NULL if it had them, or if memory is out (then the next
 * round fails). New. */
json_t *tencentcloud_role_with_numbers(struct step *step);

enum verdict tencentcloud_resolve_role(struct step *step);

/* ---- issue.c, revoke.c ---- */

enum verdict tencentcloud_issue(struct step *step);
enum verdict tencentcloud_revoke(struct step *step);

/* ---- call.c ---- */

/* A number that the cloud gave, as number or as text; 0 if there is none. */
json_int_t tencentcloud_number(const json_t *object, const char *name);

/* Adds a call with one parameter, the planned user's name. */
struct call *tencentcloud_user_call(struct step *step, const char *action, enum call_effect effect,
				    int tag);

/* Adds a call about a user's number, which must not be 0: without it some calls act on the caller
 * itself. `member` is what the number is called there. */
struct call *tencentcloud_uin_call(struct step *step, const char *action, enum call_effect effect,
				   int tag, const char *member);

/* Notes as arrays of numbers: makes one of so many zeros; reads and sets an element. */
void tencentcloud_numbers_new(struct step *step, const char *name, size_t count);
json_int_t tencentcloud_numbers_get(const struct step *step, const char *name, size_t index);
void tencentcloud_numbers_set(struct step *step, const char *name, size_t index, json_int_t number);

/* Whether a refusal says that there is no such user, or no such policy. */
bool tencentcloud_user_missing(const struct answer *answer);
bool tencentcloud_policy_missing(const struct answer *answer);

/* ---- answer.c ---- */

void tencentcloud_read_answer(int status, const json_t *json, struct answer *answer);
const char *tencentcloud_advice(const char *code);
bool tencentcloud_needs_operator(const char *code);

/* ---- key.c, profile.c ---- */

extern const struct session_names tencentcloud_session_names;

bool tencentcloud_environment_key(const struct surroundings *around, struct root_key *key);
bool tencentcloud_profile_key(const char *text, struct root_key *key);
enum verdict tencentcloud_fetch_key(struct step *step, const struct surroundings *around,
				    struct root_key *key);

#endif
