/* SPDX-License-Identifier: Apache-2.0 */
/* RAM users: everything is addressed by the planned names, but for the key. Without its recorded id
 * the issue did not end: there may be a key whose id nobody was told. */
#include "engine/revoke.h"

#include "engine/alicloud/alicloud_priv.h"
#include "util/json.h"

/* ---- Calls ---- */

static void delete_key(struct step *step, const char *id, size_t index)
{
	struct call *call = alicloud_user_call(step, "DeleteAccessKey", CALL_REMOVES,
					       tag_of(KIND_DELETE_KEY, index));

	call_param(call, "UserAccessKeyId", id);
}

static void detach(struct step *step, const char *type, const char *name, size_t index)
{
	alicloud_attachment_call(step, "DetachPolicyFromUser", tag_of(KIND_DETACH, index), type,
				 name);
}

static void list_keys(struct step *step)
{
	alicloud_user_call(step, "ListAccessKeys", CALL_READS, tag_of(KIND_LIST_KEYS, 0));
}

static void look(struct step *step)
{
	list_keys(step);
	alicloud_user_call(step, "ListPoliciesForUser", CALL_READS, tag_of(KIND_LIST_POLICIES, 0));
}

static void clear_keys(struct step *step)
{
	const char *id = json_get_text(step->facts, "access_key_id");

	if (id[0])
		delete_key(step, id, 0);
	else
		list_keys(step);
}

static void clear_rest(struct step *step)
{
	const json_t *policy;
	size_t i, count = 0;

	json_array_foreach(json_object_get(step->plan, "inline"), i, policy)
		detach(step, "Custom", json_get_text(policy, "name"), count++);
	json_array_foreach(json_object_get(step->plan, "remote"), i, policy)
		detach(step, json_get_text(policy, "type"), json_get_text(policy, "name"), count++);
}

static int left(const struct step *step, json_t *left)
{
	size_t count = json_array_size(json_object_get(step->plan, "inline"));
	int lost = 0;

	for (size_t i = 0; i < count; i++)
		lost |= json_array_append_new(left, json_integer(tag_of(KIND_DELETE_POLICY, i)));
	return lost;
}

static void close_one(struct step *step, int tag)
{
	const json_t *list = json_object_get(step->plan, "inline");
	const json_t *policy = json_array_get(list, tag_index(tag));
	struct call *call;

	if (tag_kind(tag) == KIND_DELETE_USER) {
		alicloud_user_call(step, "DeleteUser", CALL_REMOVES, tag);
		return;
	}
	call = round_add(&step->next, &alicloud_ram, "DeletePolicy", CALL_REMOVES, tag);
	call_param(call, "PolicyName", json_get_text(policy, "name"));
	call_param(call, "CascadingDelete", "true");
}

/* ---- Answers ---- */

static void hear_policies(struct step *step, const json_t *policies)
{
	const json_t *policy;
	size_t i;

	json_array_foreach(json_object_get(policies, "Policy"), i, policy)
	{
		const char *name = json_get_text(policy, "PolicyName");
		const char *type = json_get_text(policy, "PolicyType");

		if (name[0] && type[0] && i < REVOKE_FOUND_MAX)
			detach(step, type, name, i);
	}
}

static void hear(struct step *step, const struct answer *answer)
{
	if (tag_kind(answer->tag) == KIND_LIST_KEYS)
		revoke_keys(
			step,
			json_object_get(json_object_get(answer->body, "AccessKeys"), "AccessKey"),
			delete_key);
	else
		hear_policies(step, json_object_get(answer->body, "Policies"));
}

static bool is_gone(const struct answer *answer)
{
	return answer_refused_as(answer, "EntityNotExist");
}

/* Groups, console logins and MFA devices are nothing that we know how to take away. */
static bool is_conflict(const struct answer *answer)
{
	return answer_refused_as(answer, "DeleteConflict") &&
	       !answer_refused_as(answer, "DeleteConflict.User.Group") &&
	       !answer_refused_as(answer, "DeleteConflict.User.LoginProfile") &&
	       !answer_refused_as(answer, "DeleteConflict.User.MFADevice");
}

static const struct remover remover = {
	.is_sound = alicloud_plan_is_sound,
	.clear_keys = clear_keys,
	.clear_rest = clear_rest,
	.look = look,
	.hear = hear,
	.left = left,
	.close = close_one,
	.is_gone = is_gone,
	.is_conflict = is_conflict,
};

enum verdict alicloud_revoke(struct step *step)
{
	return revoke_user(&remover, step);
}
