/* SPDX-License-Identifier: Apache-2.0 */
/* CAM users: everything but the user itself is addressed by numbers, which are in the lease if the
 * issue ended. Else they are found by the exact planned names first.
 *
 * A call that was repeated may be executed late, when what it made the second time is gone already:
 * then there is something under a planned name whose number no lease knows. So such leases look by
 * name as well. */
#include "engine/revoke.h"

#include "engine/tencentcloud/tencentcloud_priv.h"
#include "util/json.h"

#define ALL_POLICIES (TAG_INDEXES - 1) /* index of the call that deletes them all */

/* Notes: "uin"; "inline", the numbers of the plan's own policies, 0 where there is none; "keys", ids,
 * at the index of the calls about them. */

static size_t inline_count(const struct step *step)
{
	return json_array_size(json_object_get(step->plan, "inline"));
}

/* ---- Calls ---- */

static struct call *key_call(struct step *step, const char *action, enum call_kind kind,
			     size_t index)
{
	struct call *call = tencentcloud_uin_call(step, action, CALL_REMOVES, tag_of(kind, index),
						  "TargetUin");

	call_param(call, "AccessKeyId",
		   json_string_value(json_array_get(json_object_get(step->notes, "keys"), index)));
	return call;
}

/* The index in the user's list does not do: the key that the lease knows may be on it as well. */
static void delete_key(struct step *step, const char *id, size_t in_list)
{
	json_t *keys = json_object_get(step->notes, "keys");
	size_t index = json_array_size(keys);

	(void)in_list;
	if (!keys) {
		step_note(step, "keys", json_array());
		keys = json_object_get(step->notes, "keys");
	}
	if (json_array_append_new(keys, json_string(id)))
		step->next.failed = true;
	key_call(step, "DeleteAccessKey", KIND_DELETE_KEY, index);
}

static void detach(struct step *step, json_int_t policy, size_t index)
{
	struct call *call = tencentcloud_uin_call(step, "DetachUserPolicy", CALL_REMOVES,
						  tag_of(KIND_DETACH, index), "DetachUin");

	call_value(call, "PolicyId", json_integer(policy));
}

static void list(struct step *step)
{
	struct call *call;

	if (step->part != REVOKE_REST)
		tencentcloud_uin_call(step, "ListAccessKeys", CALL_READS, tag_of(KIND_LIST_KEYS, 0),
				      "TargetUin");
	if (step->part == REVOKE_KEYS)
		return;
	call = tencentcloud_uin_call(step, "ListAttachedUserPolicies", CALL_READS,
				     tag_of(KIND_LIST_POLICIES, 0), "TargetUin");
	call_value(call, "Page", json_integer(1));
	call_value(call, "Rp", json_integer(REVOKE_FOUND_MAX));
}

/* Once in a round: both parts of a revocation may want it. */
static void find_user(struct step *step)
{
	for (size_t i = 0; i < step->next.count; i++) {
		if (tag_kind(step->next.calls[i].tag) == KIND_FIND_USER)
			return;
	}
	tencentcloud_user_call(step, "GetUser", CALL_READS, tag_of(KIND_FIND_USER, 0));
}

static void look(struct step *step)
{
	if (json_get_int(step->notes, "uin", 0) > 0)
		list(step);
	else
		find_user(step);
}

static struct wanted own_policy(const struct step *step, size_t index)
{
	const json_t *policy = json_array_get(json_object_get(step->plan, "inline"), index);

	return (struct wanted){ json_get_text(policy, "name"), "Local" };
}

static void find_policies(struct step *step)
{
	for (size_t i = 0; i < inline_count(step); i++) {
		struct wanted wanted = own_policy(step, i);

		tencentcloud_find(step, i, &wanted);
	}
}

static size_t detach_all(struct step *step, const char *name, size_t count)
{
	const json_t *number;
	size_t i;

	json_array_foreach(json_object_get(step->facts, name), i, number)
	{
		if (json_integer_value(number) > 0)
			detach(step, json_integer_value(number), count++);
	}
	return count;
}

/* Whether the lease knows the numbers; they are taken into the notes. */
static bool know_user(struct step *step)
{
	json_int_t uin = json_get_int(step->facts, "uin", 0);

	if (uin <= 0 || !json_get_text(step->facts, "secret_id")[0])
		return false;
	step_note(step, "uin", json_integer(uin));
	return true;
}

static bool may_come_late(const struct step *step)
{
	return json_get_true(step->facts, "repeated");
}

static void clear_keys(struct step *step)
{
	bool known = know_user(step);

	if (known)
		delete_key(step, json_get_text(step->facts, "secret_id"), 0);
	if (!known || may_come_late(step))
		find_user(step);
}

static void clear_rest(struct step *step)
{
	bool known = know_user(step);
	const json_t *number;
	size_t i;

	tencentcloud_numbers_new(step, "inline", inline_count(step));
	json_array_foreach(json_object_get(step->facts, "inline"), i, number)
		tencentcloud_numbers_set(step, "inline", i, json_integer_value(number));
	if (known)
		detach_all(step, "remote", detach_all(step, "inline", 0));
	if (known && !may_come_late(step))
		return;
	find_user(step);
	find_policies(step);
}

/* ---- What is to be deleted at last ---- */

static int left(const struct step *step, json_t *left)
{
	size_t count = 0, last = 0;

	for (size_t i = 0; i < inline_count(step); i++) {
		if (tencentcloud_numbers_get(step, "inline", i)) {
			last = i;
			count++;
		}
	}
	if (!count)
		return 0;
	return json_array_append_new(
		left, json_integer(tag_of(KIND_DELETE_POLICY, count > 1 ? ALL_POLICIES : last)));
}

/* One number, or all there are. */
static json_t *policies_of(const struct step *step, size_t index)
{
	json_t *numbers = json_array();

	for (size_t i = 0; i < inline_count(step); i++) {
		json_int_t number = tencentcloud_numbers_get(step, "inline", i);

		if (number && (index == i || index == ALL_POLICIES) &&
		    json_array_append_new(numbers, json_integer(number))) {
			json_decref(numbers);
			return NULL;
		}
	}
	return numbers;
}

/* Keys that somebody added by hand go with the user. */
static void close_one(struct step *step, int tag)
{
	struct call *call;

	if (tag_kind(tag) == KIND_DELETE_USER) {
		call = tencentcloud_user_call(step, "DeleteUser", CALL_REMOVES, tag);
		call_value(call, "Force", json_integer(1));
		return;
	}
	call = round_add(&step->next, &tencentcloud_cam, "DeletePolicy", CALL_REMOVES, tag);
	call_value(call, "PolicyId", policies_of(step, tag_index(tag)));
}

/* What is the matter with one of them, the cloud does not say of which, and leaves the others. */
static bool divide(struct step *step, const struct answer *answer, json_t *left)
{
	if (answer->tag != tag_of(KIND_DELETE_POLICY, ALL_POLICIES) ||
	    answer->kind != ANSWER_REFUSED)
		return false;
	for (size_t i = 0; i < inline_count(step); i++) {
		if (tencentcloud_numbers_get(step, "inline", i) &&
		    json_array_append_new(left, json_integer(tag_of(KIND_DELETE_POLICY, i))))
			step->next.failed = true;
	}
	return true;
}

/* ---- Answers ---- */

/* Without the number nothing is known of the user's keys: they must not count as gone. */
static void hear_user(struct step *step, const struct answer *answer)
{
	json_int_t uin = tencentcloud_number(answer->body, "Uin");

	if (!uin) {
		if (answer->kind == ANSWER_OK)
			step_keep(step, answer);
		return;
	}
	step_note(step, "uin", json_integer(uin));
	list(step);
}

/* The user is the judge of keys and attachments; of a policy that may be there nobody is. */
static void hear_policy(struct step *step, const struct answer *answer)
{
	size_t index = tag_index(answer->tag);
	struct wanted wanted = own_policy(step, index);
	json_int_t id;

	switch (tencentcloud_found(step, answer, &wanted, &id)) {
	case FIND_MORE:
	case FIND_NONE: break;
	case FIND_ONE: tencentcloud_numbers_set(step, "inline", index, id); break;
	case FIND_SEVERAL:
	case FIND_FAILED: revoke_lost(step); break;
	}
}

static void hear_attachments(struct step *step, const json_t *policies)
{
	const json_t *policy;
	size_t i;

	json_array_foreach(policies, i, policy)
	{
		json_int_t id = tencentcloud_number(policy, "PolicyId");

		if (id && i < REVOKE_FOUND_MAX)
			detach(step, id, i);
	}
}

static void hear(struct step *step, const struct answer *answer)
{
	enum call_kind kind = tag_kind(answer->tag);

	if (kind == KIND_FIND_USER)
		hear_user(step, answer);
	else if (kind == KIND_FIND_POLICY)
		hear_policy(step, answer);
	else if (kind == KIND_LIST_KEYS)
		revoke_keys(step, json_object_get(answer->body, "AccessKeys"), delete_key);
	else
		hear_attachments(step, json_object_get(answer->body, "List"));
}

/* A code may come without its detail, or with a new one. */
static bool is_gone(const struct answer *answer)
{
	return tencentcloud_user_missing(answer) || tencentcloud_policy_missing(answer) ||
	       answer_refused_as(answer, "ResourceNotFound");
}

/* Whether a key that works may be deleted is documented nowhere. One that may not is disabled first,
 * so that it is dead whatever comes of its deletion. */
static bool mend(struct step *step, const struct answer *answer)
{
	enum call_kind kind = tag_kind(answer->tag);
	size_t index = tag_index(answer->tag);

	if (kind == KIND_DISABLE_KEY && answer->kind == ANSWER_OK) {
		key_call(step, "DeleteAccessKey", KIND_DELETE_DISABLED, index);
		return true;
	}
	if (kind != KIND_DELETE_KEY || answer->kind != ANSWER_REFUSED || is_gone(answer) ||
	    tencentcloud_needs_operator(answer->code))
		return false;
	call_param(key_call(step, "UpdateAccessKey", KIND_DISABLE_KEY, index), "Status",
		   "Inactive");
	return true;
}

/* No code is declared for what still holds policies, or is held: any of these families may mean it,
 * unless it says that only a person can help. */
static bool is_conflict(const struct answer *answer)
{
	return (answer_refused_as(answer, "FailedOperation") ||
		answer_refused_as(answer, "OperationDenied")) &&
	       !tencentcloud_needs_operator(answer->code);
}

static const struct remover remover = {
	.is_sound = tencentcloud_plan_is_sound,
	.clear_keys = clear_keys,
	.clear_rest = clear_rest,
	.look = look,
	.hear = hear,
	.left = left,
	.close = close_one,
	.divide = divide,
	.mend = mend,
	.is_gone = is_gone,
	.is_conflict = is_conflict,
};

enum verdict tencentcloud_revoke(struct step *step)
{
	return revoke_user(&remover, step);
}
