/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/alicloud/alicloud_priv.h"

#include "util/err.h"
#include "util/json.h"

#define TAG_INDEXES 1024

const struct service alicloud_ram = { "ram", "2015-05-01", ENDPOINT_USER };
const struct service alicloud_sts = { "sts", "2015-04-01", ENDPOINT_STS };

int alicloud_tag(enum call_kind kind, size_t index)
{
	return (int)kind * TAG_INDEXES + (int)index;
}

enum call_kind alicloud_tag_kind(int tag)
{
	return (enum call_kind)(tag / TAG_INDEXES);
}

size_t alicloud_tag_index(int tag)
{
	return (size_t)(tag % TAG_INDEXES);
}

bool alicloud_plan_is_sound(const json_t *plan)
{
	const json_t *policy;
	size_t i;

	if (!json_get_text(plan, "user")[0])
		return false;
	json_array_foreach(json_object_get(plan, "inline"), i, policy)
	{
		if (!json_get_text(policy, "name")[0])
			return false;
	}
	json_array_foreach(json_object_get(plan, "remote"), i, policy)
	{
		if (!json_get_text(policy, "name")[0] || !json_get_text(policy, "type")[0])
			return false;
	}
	return true;
}

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

enum verdict alicloud_fail(struct step *step, const char *reason)
{
	step->culprit = NULL;
	err_text(step->reason, sizeof(step->reason), "%s", reason);
	return STEP_FAILED;
}

enum verdict alicloud_blame(struct step *step, const struct answer *answer)
{
	step->culprit = answer;
	return STEP_FAILED;
}
