/* SPDX-License-Identifier: Apache-2.0 */
/* MakeUser, then MakeKey and Grant; Borrow. DropKey and Withdraw, then DropUser. */
#include "thirdcloud.h"

#include <string.h>

#include "engine/issue.h"
#include "engine/plan.h"
#include "engine/revoke.h"
#include "engine/session.h"
#include "util/clock.h"
#include "util/json.h"

const struct service thirdcloud_api = { "api", "1", ENDPOINT_USER };

static const struct session_names session_names = { "Id", "Secret", "Token", "End" };

static struct call *named_call(struct step *step, const char *action, enum call_effect effect,
			       enum call_kind kind, size_t index)
{
	struct call *call = round_add(&step->next, &thirdcloud_api, action, effect,
				      tag_of(kind, index));

	call_param(call, "Name", json_get_text(step->plan, "user"));
	return call;
}

static bool is_sound(const json_t *plan)
{
	return json_get_text(plan, "user")[0] && json_is_array(json_object_get(plan, "remote"));
}

static bool is_refused(const struct answer *answer, const char *code)
{
	return answer_refused_as(answer, code);
}

/* ---- Issue ---- */

static void create_user(struct step *step)
{
	named_call(step, "MakeUser", CALL_CREATES, KIND_CREATE_USER, 0);
}

/* No plan of this cloud holds policies. */
static void create_policy(struct step *step, size_t index, const char *name, const char *document)
{
	(void)step;
	(void)index;
	(void)name;
	(void)document;
}

static void attach(struct step *step, enum call_kind kind, size_t index)
{
	const json_t *right = json_array_get(json_object_get(step->plan, "remote"), index);
	struct call *call = named_call(step, "Grant", CALL_REMOVES, kind, index);

	call_param(call, "Right", json_string_value(right));
}

static void create_key(struct step *step)
{
	named_call(step, "MakeKey", CALL_ONCE, KIND_CREATE_KEY, 0);
}

static bool is_taken(const struct answer *answer)
{
	return is_refused(answer, "UserExists") && !answer->repeated;
}

static bool is_so(const struct answer *answer)
{
	return is_refused(answer, "UserExists") && answer->repeated;
}

static bool is_early(const struct answer *answer)
{
	return is_refused(answer, "NoUser");
}

static bool learn(struct step *step, const struct answer *answer)
{
	json_t *key = json_object_get(answer->body, "Key");

	if (tag_kind(answer->tag) != KIND_CREATE_KEY)
		return true;
	if (!json_get_text(key, "Id")[0] || !json_get_text(key, "Secret")[0])
		return false;
	step_note(step, "key", json_incref(key));
	return true;
}

static bool deliver(struct step *step)
{
	const json_t *key = json_object_get(step->notes, "key");

	step->data = json_pack("{s:s, s:s}", "id", json_get_text(key, "Id"), "secret",
			       json_get_text(key, "Secret"));
	step->facts_out = json_pack("{s:s}", "id", json_get_text(key, "Id"));
	return step->data && step->facts_out;
}

static const struct maker maker = {
	.is_sound = is_sound,
	.create_user = create_user,
	.create_policy = create_policy,
	.is_taken = is_taken,
	.is_so = is_so,
	.learn = learn,
	.attach = attach,
	.create_key = create_key,
	.is_early = is_early,
	.deliver = deliver,
};

static enum verdict borrow(struct step *step)
{
	struct call *call = round_add(&step->next, &thirdcloud_api, "Borrow", CALL_READS, 0);

	call_param(call, "Name", json_get_text(step->plan, "session"));
	call_param(call, "Role", json_get_text(step->plan, "role_arn"));
	return step_end(step, STEP_MORE);
}

static enum verdict borrowed(struct step *step, const struct answer *answer)
{
	struct session session;
	char expiration[40];

	if (answer->kind != ANSWER_OK ||
	    session_read(&session_names, json_object_get(answer->body, "Key"), NULL, &session))
		return step_blame(step, answer);
	clock_format(session.expires_at, expiration);
	step->data = json_pack("{s:s, s:s, s:s, s:s}", "id", session.id, "secret", session.secret,
			       "token", session.token, "expiration", expiration);
	step->facts_out = json_pack("{s:s}", "id", session.id);
	step->expires_at = session.expires_at;
	return step->data && step->facts_out ? STEP_DONE : step_fail(step, "memory is out");
}

enum verdict thirdcloud_issue(struct step *step)
{
	if (!plan_is_session(step->plan))
		return issue_user(&maker, step);
	return step->answer_count ? borrowed(step, step->answers) : borrow(step);
}

/* ---- Revoke ---- */

static void drop_key(struct step *step, const char *id, size_t index)
{
	call_param(named_call(step, "DropKey", CALL_REMOVES, KIND_DELETE_KEY, index), "Id", id);
}

static void withdraw(struct step *step, const char *right, size_t index)
{
	call_param(named_call(step, "Withdraw", CALL_REMOVES, KIND_DETACH, index), "Right", right);
}

static void clear_keys(struct step *step)
{
	const char *id = json_get_text(step->facts, "id");

	if (id[0])
		drop_key(step, id, 0);
	else
		named_call(step, "Keys", CALL_READS, KIND_LIST_KEYS, 0);
}

static void clear_rest(struct step *step)
{
	const json_t *right;
	size_t i;

	json_array_foreach(json_object_get(step->plan, "remote"), i, right)
		withdraw(step, json_string_value(right), i);
}

static void look(struct step *step)
{
	named_call(step, "Keys", CALL_READS, KIND_LIST_KEYS, 0);
	named_call(step, "Rights", CALL_READS, KIND_LIST_POLICIES, 0);
}

static void hear(struct step *step, const struct answer *answer)
{
	const json_t *text;
	size_t i;

	json_array_foreach(json_object_get(answer->body, "Keys"), i, text)
	{
		if (json_is_string(text) && i < REVOKE_FOUND_MAX)
			drop_key(step, json_string_value(text), i);
	}
	json_array_foreach(json_object_get(answer->body, "Rights"), i, text)
	{
		if (json_is_string(text) && i < REVOKE_FOUND_MAX)
			withdraw(step, json_string_value(text), i);
	}
}

static void close_one(struct step *step, int tag)
{
	named_call(step, "DropUser", CALL_REMOVES, tag_kind(tag), tag_index(tag));
}

static bool is_gone(const struct answer *answer)
{
	return is_refused(answer, "NoUser") || is_refused(answer, "NoKey") ||
	       is_refused(answer, "NotGranted");
}

static bool is_conflict(const struct answer *answer)
{
	return is_refused(answer, "InUse");
}

static const struct remover remover = {
	.is_sound = is_sound,
	.clear_keys = clear_keys,
	.clear_rest = clear_rest,
	.look = look,
	.hear = hear,
	.close = close_one,
	.is_gone = is_gone,
	.is_conflict = is_conflict,
};

enum verdict thirdcloud_revoke(struct step *step)
{
	return revoke_user(&remover, step);
}

/* ---- Answers ---- */

static enum answer_kind kind_of(int status, const json_t *json, const char *code)
{
	if (strcmp(code, "TooFast") == 0)
		return ANSWER_THROTTLED;
	if (status >= 500)
		return ANSWER_SICK;
	if (!json)
		return ANSWER_UNSURE;
	return status >= 200 && status < 300 ? ANSWER_OK : ANSWER_REFUSED;
}

void thirdcloud_read_answer(int status, const json_t *json, struct answer *answer)
{
	answer_name(answer, json_get_text(json, "Error"), json_get_text(json, "Request"));
	answer->kind = kind_of(status, json, answer->code);
	answer_fill(answer, status, json);
}

static const struct code_advice codes[] = {
	{ "Denied", true, "the configured key may not do this; see README, \"Least privilege\"" },
	{ "InvalidAccessKeyId.Inactive", true, "the configured key is disabled" },
	{ "InvalidAccessKeyId", true, "the cloud does not know the configured key" },
	{ "SignatureDoesNotMatch", true, "the secret of the configured key is wrong" },
	{ "InvalidTimeStamp", true, "the clocks of this machine and of the cloud are apart" },
	{ "TooMany", true, "a quota of the account is used up" },
	{ "NoRole", true, "there is no such role; check role" },
	{ "NoRight", false, "there is no such right; check rights" },
	{ NULL, false, "" },
};

const char *thirdcloud_advice(const char *code)
{
	return code_advice(codes, code);
}

bool thirdcloud_needs_operator(const char *code)
{
	return code_needs_operator(codes, code);
}
