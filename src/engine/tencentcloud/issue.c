/* SPDX-License-Identifier: Apache-2.0 */
/* CAM users and role sessions: AddUser, which brings a key along, and CreatePolicy, then
 * AttachUserPolicy; AssumeRole. */
#include "engine/issue.h"

#include <string.h>

#include "engine/plan.h"
#include "engine/session.h"
#include "engine/tencentcloud/tencentcloud_priv.h"
#include "util/json.h"

/* Notes: "uin", "key", "inline" and "remote", numbers of policies; "repeated", whether a call may have
 * been executed twice; "again", indexes of remote policies whose number was looked up anew. */

static const json_t *remote_policies(const struct step *step)
{
	return json_object_get(step->plan, "remote");
}

static void prepare(struct step *step)
{
	tencentcloud_numbers_new(step, "inline",
				 json_array_size(json_object_get(step->plan, "inline")));
	tencentcloud_resolve(step, remote_policies(step));
}

/* ---- Calls ---- */

static void create_user(struct step *step)
{
	struct call *call = tencentcloud_user_call(step, "AddUser", CALL_CREATES,
						   tag_of(KIND_CREATE_USER, 0));

	call_value(call, "ConsoleLogin", json_integer(0));
	call_value(call, "UseApi", json_integer(1));
}

static void create_policy(struct step *step, size_t index, const char *name, const char *document)
{
	issue_create_policy(step, &tencentcloud_cam, index, name, document);
}

static json_int_t policy_number(const struct step *step, enum call_kind kind, size_t index)
{
	return tencentcloud_numbers_get(step, kind == KIND_ATTACH_INLINE ? "inline" : "remote",
					index);
}

static void attach(struct step *step, enum call_kind kind, size_t index)
{
	struct call *call = tencentcloud_uin_call(step, "AttachUserPolicy", CALL_REMOVES,
						  tag_of(kind, index), "AttachUin");

	call_value(call, "PolicyId", json_integer(policy_number(step, kind, index)));
}

/* ---- Answers ---- */

/* With exactly this code: the general one of its family. */
static bool is_refusal(const struct answer *answer, const char *code)
{
	return answer->kind == ANSWER_REFUSED && strcmp(answer->code, code) == 0;
}

/* Also if it may have been our own call whose answer was lost: the key came with that answer. */
static bool is_taken(const struct answer *answer)
{
	return answer_refused_as(answer, "InvalidParameter.SubUserNameInUse") ||
	       answer_refused_as(answer, "FailedOperation.PolicyNameInUse");
}

/* A remote policy is not ours: it should have been there all the time. A code that came without its
 * detail may be about the user. */
static bool is_early(const struct answer *answer)
{
	return tencentcloud_user_missing(answer) || is_refusal(answer, "ResourceNotFound") ||
	       (tag_kind(answer->tag) == KIND_ATTACH_INLINE && tencentcloud_policy_missing(answer));
}

static bool learn_user(struct step *step, const json_t *body)
{
	const char *id = json_get_text(body, "SecretId");
	const char *secret = json_get_text(body, "SecretKey");
	json_int_t uin = tencentcloud_number(body, "Uin");

	if (!uin || !id[0] || !secret[0])
		return false;
	step_note(step, "uin", json_integer(uin));
	step_note(step, "key", json_pack("{s:s, s:s}", "id", id, "secret", secret));
	return true;
}

static bool learn_policy(struct step *step, size_t index, const json_t *body)
{
	json_int_t id = tencentcloud_number(body, "PolicyId");

	tencentcloud_numbers_set(step, "inline", index, id);
	return id > 0;
}

static bool learn(struct step *step, const struct answer *answer)
{
	enum call_kind kind = tag_kind(answer->tag);

	if (kind != KIND_CREATE_USER && kind != KIND_CREATE_POLICY)
		return true;
	if (answer->repeated)
		step_note(step, "repeated", json_true());
	if (kind == KIND_CREATE_USER)
		return learn_user(step, answer->body);
	return learn_policy(step, tag_index(answer->tag), answer->body);
}

/* The number in the role may be of a policy that was deleted and made again: asked once more. */
static bool look_up_again(struct step *step, size_t index)
{
	struct wanted wanted = tencentcloud_wanted(remote_policies(step), index);

	if (!json_object_get(step->notes, "again"))
		tencentcloud_numbers_new(step, "again", json_array_size(remote_policies(step)));
	if (tencentcloud_numbers_get(step, "again", index))
		return false;
	tencentcloud_numbers_set(step, "again", index, 1);
	tencentcloud_find(step, index, &wanted);
	return true;
}

/* No code is declared for "attached already", which an earlier attempt may have brought about, or the
 * same policy twice in the role; the most general one may mean it. The mark of the list says which
 * policy must be on it. */
static void look_whether_attached(struct step *step, enum call_kind kind, size_t index)
{
	size_t mark = index + (kind == KIND_ATTACH_INLINE ? 0 : POLICIES_MAX);
	struct call *call = tencentcloud_uin_call(step, "ListAttachedUserPolicies", CALL_READS,
						  tag_of(KIND_LIST_POLICIES, mark), "TargetUin");

	call_value(call, "Page", json_integer(1));
	call_value(call, "Rp", json_integer(2 * POLICIES_MAX));
}

static bool mend(struct step *step, const struct answer *answer)
{
	enum call_kind kind = tag_kind(answer->tag);
	size_t index = tag_index(answer->tag);

	if (kind == KIND_ATTACH_REMOTE && tencentcloud_policy_missing(answer))
		return look_up_again(step, index);
	if (!is_refusal(answer, "FailedOperation"))
		return false;
	step_keep(step, answer);
	look_whether_attached(step, kind, index);
	return true;
}

static bool hear_attachments(struct step *step, const struct answer *answer)
{
	size_t mark = tag_index(answer->tag), i;
	bool ours = mark < POLICIES_MAX;
	json_int_t wanted = policy_number(step, ours ? KIND_ATTACH_INLINE : KIND_ATTACH_REMOTE,
					  ours ? mark : mark - POLICIES_MAX);
	const json_t *policy;

	if (answer->kind != ANSWER_OK) {
		step_blame(step, answer);
		return false;
	}
	json_array_foreach(json_object_get(answer->body, "List"), i, policy)
	{
		if (tencentcloud_number(policy, "PolicyId") == wanted)
			return true;
	}
	step_blame(step, &step->kept); /* by mend */
	return false;
}

static bool hear(struct step *step, const struct answer *answer)
{
	json_int_t id;

	if (tag_kind(answer->tag) == KIND_LIST_POLICIES)
		return hear_attachments(step, answer);
	if (!tencentcloud_resolved(step, answer, remote_policies(step), &id))
		return false;
	if (id && json_get_true(step->notes, "created"))
		attach(step, KIND_ATTACH_REMOTE, tag_index(answer->tag));
	return true;
}

static bool deliver(struct step *step)
{
	const json_t *key = json_object_get(step->notes, "key");
	const char *id = json_get_text(key, "id");

	step->data = json_pack("{s:s, s:s}", "secret_id", id, "secret_key",
			       json_get_text(key, "secret"));
	step->facts_out = json_pack("{s:I, s:s, s:O, s:O, s:b}", "uin",
				    json_get_int(step->notes, "uin", 0), "secret_id", id, "inline",
				    json_object_get(step->notes, "inline"), "remote",
				    json_object_get(step->notes, "remote"), "repeated",
				    json_get_true(step->notes, "repeated"));
	step->role_out = tencentcloud_role_with_numbers(step);
	return step->data && step->facts_out;
}

static const struct maker maker = {
	.is_sound = tencentcloud_plan_is_sound,
	.prepare = prepare,
	.hear = hear,
	.create_user = create_user,
	.create_policy = create_policy,
	.is_taken = is_taken,
	.learn = learn,
	.attach = attach,
	.is_early = is_early,
	.mend = mend,
	.deliver = deliver,
};

/* ---- Sessions ---- */

static void add_external_id(const struct step *step, struct call *call)
{
	const char *id = json_get_text(step->plan, "external_id");

	if (id[0])
		call_param(call, "ExternalId", id);
}

static const struct session_rules session_rules = {
	.service = &tencentcloud_sts,
	.names = &tencentcloud_session_names,
	.id = "secret_id",
	.secret = "secret_key",
	.token = "token",
	.fact = "secret_id",
	.more = add_external_id,
};

enum verdict tencentcloud_issue(struct step *step)
{
	if (plan_is_session(step->plan))
		return session_assume(&session_rules, step);
	return issue_user(&maker, step);
}
