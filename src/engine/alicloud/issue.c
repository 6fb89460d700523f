/* SPDX-License-Identifier: Apache-2.0 */
/* RAM users and role sessions: CreateUser and CreatePolicy, then AttachPolicyToUser and
 * CreateAccessKey; AssumeRole. */
#include "engine/issue.h"

#include "engine/alicloud/alicloud_priv.h"
#include "engine/plan.h"
#include "engine/session.h"
#include "util/json.h"

const struct service alicloud_ram = { "ram", "2015-05-01", ENDPOINT_USER };
const struct service alicloud_sts = { "sts", "2015-04-01", ENDPOINT_STS };

/* ---- Calls ---- */

struct call *alicloud_user_call(struct step *step, const char *action, enum call_effect effect,
				int tag)
{
	struct call *call = round_add(&step->next, &alicloud_ram, action, effect, tag);

	call_param(call, "UserName", json_get_text(step->plan, "user"));
	return call;
}

void alicloud_attachment_call(struct step *step, const char *action, int tag, const char *type,
			      const char *name)
{
	struct call *call = alicloud_user_call(step, action, CALL_REMOVES, tag);

	call_param(call, "PolicyType", type);
	call_param(call, "PolicyName", name);
}

static void create_user(struct step *step)
{
	struct call *call = alicloud_user_call(step, "CreateUser", CALL_CREATES,
					       tag_of(KIND_CREATE_USER, 0));

	call_param(call, "DisplayName", json_get_text(step->plan, "user"));
}

static void create_policy(struct step *step, size_t index, const char *name, const char *document)
{
	issue_create_policy(step, &alicloud_ram, index, name, document);
}

static void attach(struct step *step, enum call_kind kind, size_t index)
{
	bool ours = kind == KIND_ATTACH_INLINE;
	const json_t *list = json_object_get(step->plan, ours ? "inline" : "remote");
	const json_t *policy = json_array_get(list, index);

	alicloud_attachment_call(step, "AttachPolicyToUser", tag_of(kind, index),
				 ours ? "Custom" : json_get_text(policy, "type"),
				 json_get_text(policy, "name"));
}

static void create_key(struct step *step)
{
	alicloud_user_call(step, "CreateAccessKey", CALL_ONCE, tag_of(KIND_CREATE_KEY, 0));
}

/* ---- Answers ---- */

/* A name that is in use is ours if an earlier attempt may have been executed. */
static bool is_taken(const struct answer *answer)
{
	return answer_refused_as(answer, "EntityAlreadyExists") && !answer->repeated;
}

static bool is_so(const struct answer *answer)
{
	return answer_refused_as(answer, "EntityAlreadyExists.User.Policy") ||
	       (answer_refused_as(answer, "EntityAlreadyExists") && answer->repeated);
}

/* A remote policy is not ours: it should have been there all the time. */
static bool is_early(const struct answer *answer)
{
	if (answer_refused_as(answer, "EntityNotExist.User"))
		return true;
	return tag_kind(answer->tag) == KIND_ATTACH_INLINE &&
	       answer_refused_as(answer, "EntityNotExist");
}

/* The key waits in the notes while attachments are repeated; the notes live as long as the
 * conversation, in memory that is wiped. */
static bool learn(struct step *step, const struct answer *answer)
{
	json_t *key = json_object_get(answer->body, "AccessKey");

	if (tag_kind(answer->tag) != KIND_CREATE_KEY)
		return true;
	if (!json_get_text(key, "AccessKeyId")[0] || !json_get_text(key, "AccessKeySecret")[0])
		return false;
	step_note(step, "key", json_incref(key));
	return true;
}

static bool deliver(struct step *step)
{
	const json_t *key = json_object_get(step->notes, "key");
	const char *id = json_get_text(key, "AccessKeyId");

	step->data = json_pack("{s:s, s:s}", "access_key", id, "secret_key",
			       json_get_text(key, "AccessKeySecret"));
	step->facts_out = json_pack("{s:s}", "access_key_id", id);
	return step->data && step->facts_out;
}

static const struct maker maker = {
	.is_sound = alicloud_plan_is_sound,
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

static const struct session_rules session_rules = {
	.service = &alicloud_sts,
	.names = &alicloud_session_names,
	.id = "access_key",
	.secret = "secret_key",
	.token = "security_token",
	.fact = "access_key_id",
};

enum verdict alicloud_issue(struct step *step)
{
	if (plan_is_session(step->plan))
		return session_assume(&session_rules, step);
	return issue_user(&maker, step);
}
