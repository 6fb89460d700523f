/* SPDX-License-Identifier: Apache-2.0 */
/* Remote policies are configured by name and used by number. The numbers are looked up once and kept
 * with the role. */
#include "engine/plan.h"
#include "engine/tencentcloud/tencentcloud_priv.h"
#include "util/json.h"

void resolve_begin(struct step *step, const json_t *policies)
{
	size_t count = json_array_size(policies);

	numbers_new(step, "remote", count);
	for (size_t i = 0; i < count; i++) {
		json_int_t id = number_of(json_array_get(policies, i), "policy_id");
		struct wanted wanted = wanted_remote(policies, i);

		numbers_set(step, "remote", i, id);
		if (!id)
			find_policy(step, i, &wanted);
	}
}

bool resolve_hear(struct step *step, const struct answer *answer, const json_t *policies,
		  json_int_t *id_out)
{
	size_t index = tag_index(answer->tag);
	struct wanted wanted = wanted_remote(policies, index);

	switch (find_hear(step, answer, &wanted, id_out)) {
	case FIND_MORE: return true;
	case FIND_ONE: numbers_set(step, "remote", index, *id_out); return true;
	case FIND_NONE: find_fail(step, index, &wanted, FIND_NONE); return false;
	case FIND_SEVERAL: find_fail(step, index, &wanted, FIND_SEVERAL); return false;
	case FIND_FAILED: break;
	}
	return false;
}

json_t *resolve_role(struct step *step)
{
	json_t *role = json_deep_copy(step->role), *policy;
	bool changed = false;
	size_t i;

	if (!role)
		step->next.failed = true;
	json_array_foreach(json_object_get(role, "remote_policies"), i, policy)
	{
		json_int_t id = numbers_get(step, "remote", i);

		changed |= id != number_of(policy, "policy_id");
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
		resolve_begin(step, policies);
	for (size_t i = 0; i < step->answer_count; i++) {
		if (!resolve_hear(step, &step->answers[i], policies, &id))
			return STEP_FAILED;
	}
	if (step->next.count)
		return STEP_MORE;
	step->role_out = resolve_role(step);
	return STEP_DONE;
}

enum verdict tencentcloud_resolve_role(struct step *step)
{
	return step_end(step, advance(step));
}
