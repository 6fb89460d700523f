/* SPDX-License-Identifier: Apache-2.0 */
/* Remote policies are configured by name and used by number. The numbers are looked up once and kept
 * with the role. */
#include "engine/plan.h"
#include "engine/tencentcloud/tencentcloud_priv.h"
#include "util/json.h"

void tencentcloud_resolve(struct step *step, const json_t *policies)
{
	size_t count = json_array_size(policies);

	tencentcloud_numbers_new(step, "remote", count);
	for (size_t i = 0; i < count; i++) {
		json_int_t id = tencentcloud_number(json_array_get(policies, i), "policy_id");
		struct wanted wanted = tencentcloud_wanted(policies, i);

		tencentcloud_numbers_set(step, "remote", i, id);
		if (!id)
			tencentcloud_find(step, i, &wanted);
	}
}

bool tencentcloud_resolved(struct step *step, const struct answer *answer, const json_t *policies,
			   json_int_t *id_out)
{
	size_t index = tag_index(answer->tag);
	struct wanted wanted = tencentcloud_wanted(policies, index);

	switch (tencentcloud_found(step, answer, &wanted, id_out)) {
	case FIND_MORE: return true;
	case FIND_ONE: tencentcloud_numbers_set(step, "remote", index, *id_out); return true;
	case FIND_NONE: tencentcloud_find_fail(step, index, &wanted, FIND_NONE); return false;
	case FIND_SEVERAL: tencentcloud_find_fail(step, index, &wanted, FIND_SEVERAL); return false;
	case FIND_FAILED: break;
	}
	return false;
}

json_t *tencentcloud_role_with_numbers(struct step *step)
{
	json_t *role = json_deep_copy(step->role), *policy;
	bool changed = false;
	size_t i;

	if (!role)
		step->next.failed = true;
	json_array_foreach(json_object_get(role, "remote_policies"), i, policy)
	{
		json_int_t id = tencentcloud_numbers_get(step, "remote", i);

		changed |= id != tencentcloud_number(policy, "policy_id");
		if (json_object_set_new(policy, "policy_id", json_integer(id)))
			step->next.failed = true;
	}
	if (changed && !step->next.failed)
		return role;
	json_decref(role);
	return NULL;
}

static enum verdict advance(struct step *step)
{
	const json_t *policies = json_object_get(step->role, "remote_policies");
	json_int_t id;

	if (!step->answer_count)
		tencentcloud_resolve(step, policies);
	for (size_t i = 0; i < step->answer_count; i++) {
		if (!tencentcloud_resolved(step, &step->answers[i], policies, &id))
			return STEP_FAILED;
	}
	if (step->next.count)
		return STEP_MORE;
	step->role_out = tencentcloud_role_with_numbers(step);
	return STEP_DONE;
}

enum verdict tencentcloud_resolve_role(struct step *step)
{
	return step_end(step, advance(step));
}
