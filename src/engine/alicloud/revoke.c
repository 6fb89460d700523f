/* SPDX-License-Identifier: Apache-2.0 */
/* Taking back a planned user, whatever of it exists.
 *
 *   clear   the key and all attachments of the plan, or one of the two alone
 *   close   the plan's policies and the user; if both are gone, so is everything
 *   look    the cloud will not let go of the user: list what else is on it, clear that, close again
 *
 * Keys go first, and a call that fails keeps nothing else alive: all that can be done is done, then
 * the first failure is reported. Only policies of the plan are deleted; others are just detached.
 * The user and the policies are the judges: once they are gone, earlier failures do not matter. */
#include "engine/alicloud/alicloud_priv.h"

#include "util/err.h"
#include "util/json.h"

#define ROUNDS_MAX     16
#define TRIES_MAX      5
#define FIRST_DELAY_MS 200
#define FOUND_MAX      100 /* of one list; the rest is found by the next look */

/* Notes: "left", tags of what `close` must still delete, the user last; "tries" and "rounds",
 * counts; "lost", whether something cannot be deleted in this conversation. */

static void note(struct step *step, const char *name, json_t *value)
{
	if (json_object_set_new(step->notes, name, value))
		step->next.failed = true;
}

/* ---- Calls ---- */

static void delete_key(struct step *step, const char *id, size_t index)
{
	struct call *call = alicloud_user_call(step, "DeleteAccessKey", CALL_REMOVES,
					       alicloud_tag(KIND_DELETE_KEY, index));

	call_param(call, "UserAccessKeyId", id);
}

static void detach(struct step *step, const char *type, const char *name, size_t index)
{
	alicloud_attachment_call(step, "DetachPolicyFromUser", alicloud_tag(KIND_DETACH, index),
				 type, name);
}

static void list_keys(struct step *step)
{
	alicloud_user_call(step, "ListAccessKeys", CALL_READS, alicloud_tag(KIND_LIST_KEYS, 0));
}

static void list_policies(struct step *step)
{
	alicloud_user_call(step, "ListPoliciesForUser", CALL_READS,
			   alicloud_tag(KIND_LIST_POLICIES, 0));
}

static void delete_policy(struct step *step, int tag)
{
	const json_t *list = json_object_get(step->plan, "inline");
	const json_t *policy = json_array_get(list, alicloud_tag_index(tag));
	struct call *call = round_add(&step->next, &alicloud_ram, "DeletePolicy", CALL_REMOVES,
				      tag);

	call_param(call, "PolicyName", json_get_text(policy, "name"));
	call_param(call, "CascadingDelete", "true");
}

/* ---- Verdicts ---- */

/* The first failure is the cause; what follows from it is told less clearly. */
static void keep(struct step *step, const struct answer *answer)
{
	if (step->kept.action)
		return;
	step->kept = *answer;
	step->kept.body = NULL;
}

static enum verdict give_up(struct step *step)
{
	if (step->kept.action)
		return alicloud_blame(step, &step->kept);
	return alicloud_fail(step, "the user was not gone after many rounds of calls");
}

static enum verdict more(struct step *step)
{
	json_int_t rounds = json_get_int(step->notes, "rounds", 0);

	if (rounds == ROUNDS_MAX)
		return give_up(step);
	note(step, "rounds", json_integer(rounds + 1));
	return STEP_MORE;
}

/* ---- Clear ---- */

static void clear_attachments(struct step *step)
{
	const json_t *policy;
	size_t i, count = 0;

	json_array_foreach(json_object_get(step->plan, "inline"), i, policy)
		detach(step, "Custom", json_get_text(policy, "name"), count++);
	json_array_foreach(json_object_get(step->plan, "remote"), i, policy)
		detach(step, json_get_text(policy, "type"), json_get_text(policy, "name"), count++);
}

static json_t *all_left(const struct step *step)
{
	size_t count = json_array_size(json_object_get(step->plan, "inline"));
	json_t *left = json_array();
	int ret = 0;

	for (size_t i = 0; i < count; i++)
		ret |= json_array_append_new(left,
					     json_integer(alicloud_tag(KIND_DELETE_POLICY, i)));
	ret |= json_array_append_new(left, json_integer(alicloud_tag(KIND_DELETE_USER, 0)));
	if (!ret)
		return left;
	json_decref(left);
	return NULL;
}

/* ---- Close ---- */

static enum verdict close_all(struct step *step)
{
	const json_t *tag;
	size_t i;

	json_array_foreach(json_object_get(step->notes, "left"), i, tag)
	{
		int mark = (int)json_integer_value(tag);

		if (alicloud_tag_kind(mark) == KIND_DELETE_USER)
			alicloud_user_call(step, "DeleteUser", CALL_REMOVES, mark);
		else
			delete_policy(step, mark);
	}
	if (step->next.count)
		return more(step);
	return json_get_true(step->notes, "lost") ? give_up(step) : STEP_DONE;
}

/* ---- Begin ---- */

/* Without the recorded id the issue did not end: there may be a key whose id nobody was told. */
static void clear_keys(struct step *step)
{
	const char *id = json_get_text(step->facts, "access_key_id");

	if (id[0])
		delete_key(step, id, 0);
	else
		list_keys(step);
}

static enum verdict begin(struct step *step)
{
	if (!alicloud_plan_is_sound(step->plan))
		return alicloud_fail(step, "the plan names no user or not all policies");
	note(step, "left", all_left(step));
	if (step->part != REVOKE_REST)
		clear_keys(step);
	if (step->part != REVOKE_KEYS)
		clear_attachments(step);
	return step->next.count ? more(step) : close_all(step);
}

/* ---- Answers ---- */

/* What one round has told. */
struct told {
	bool closing;                  /* it was a round of `close` */
	const struct answer *conflict; /* something could not be deleted yet */
	bool user_conflict;            /* that was the user, */
	bool refused;                  /* we may not remove what is on the user */
	json_t *left;                  /* tags of what conflicted; new */
};

static bool is_gone(const struct answer *answer)
{
	return answer->kind == ANSWER_OK || alicloud_refused_as(answer, "EntityNotExist");
}

/* Groups, console logins and MFA devices are nothing that we know how to take away. */
static bool is_conflict(const struct answer *answer)
{
	return alicloud_refused_as(answer, "DeleteConflict") &&
	       !alicloud_refused_as(answer, "DeleteConflict.User.Group") &&
	       !alicloud_refused_as(answer, "DeleteConflict.User.LoginProfile") &&
	       !alicloud_refused_as(answer, "DeleteConflict.User.MFADevice");
}

static void hear_closing(struct step *step, const struct answer *answer, struct told *told)
{
	told->closing = true;
	if (is_gone(answer))
		return;
	if (!is_conflict(answer)) {
		keep(step, answer);
		note(step, "lost", json_true());
		return;
	}
	told->conflict = answer;
	if (alicloud_tag_kind(answer->tag) == KIND_DELETE_USER)
		told->user_conflict = true;
	if (json_array_append_new(told->left, json_integer(answer->tag)))
		step->next.failed = true;
}

static void hear_keys(struct step *step, const struct answer *answer)
{
	const json_t *keys = json_object_get(answer->body, "AccessKeys"), *key;
	size_t i;

	if (!is_gone(answer))
		keep(step, answer);
	json_array_foreach(json_object_get(keys, "AccessKey"), i, key)
	{
		const char *id = json_get_text(key, "AccessKeyId");

		if (id[0] && i < FOUND_MAX)
			delete_key(step, id, i);
	}
}

static void hear_policies(struct step *step, const struct answer *answer)
{
	const json_t *policies = json_object_get(answer->body, "Policies"), *policy;
	size_t i;

	if (!is_gone(answer))
		keep(step, answer);
	json_array_foreach(json_object_get(policies, "Policy"), i, policy)
	{
		const char *name = json_get_text(policy, "PolicyName");
		const char *type = json_get_text(policy, "PolicyType");

		if (name[0] && type[0] && i < FOUND_MAX)
			detach(step, type, name, i);
	}
}

static void hear_removal(struct step *step, const struct answer *answer, struct told *told)
{
	if (is_gone(answer))
		return;
	keep(step, answer);
	told->refused |= answer->kind == ANSWER_REFUSED;
}

static void hear(struct step *step, const struct answer *answer, struct told *told)
{
	enum call_kind kind = alicloud_tag_kind(answer->tag);

	if (kind == KIND_DELETE_POLICY || kind == KIND_DELETE_USER)
		hear_closing(step, answer, told);
	else if (kind == KIND_LIST_KEYS)
		hear_keys(step, answer);
	else if (kind == KIND_LIST_POLICIES)
		hear_policies(step, answer);
	else
		hear_removal(step, answer, told);
}

/* ---- What comes next ---- */

/* A conflict may only mean that the cloud has not seen our own removals yet: hence the delays. */
static enum verdict closed(struct step *step, const struct told *told)
{
	json_int_t tries = json_get_int(step->notes, "tries", 0);

	note(step, "left", json_incref(told->left));
	if (!told->conflict)
		return close_all(step);
	if (tries == TRIES_MAX) {
		keep(step, told->conflict);
		return give_up(step);
	}
	note(step, "tries", json_integer(tries + 1));
	step->next.delay_ms = (int64_t)FIRST_DELAY_MS << tries;
	if (!told->user_conflict)
		return close_all(step);
	/* Whichever of the two the cloud named, the other may be there as well. */
	list_keys(step);
	list_policies(step);
	return more(step);
}

/* What was found on the user may not be removed: trying to delete it again would change nothing. */
static void leave_user(struct step *step)
{
	json_t *left = json_object_get(step->notes, "left");
	size_t last = json_array_size(left) - 1;
	const json_t *tag = json_array_get(left, last);

	if (alicloud_tag_kind((int)json_integer_value(tag)) != KIND_DELETE_USER)
		return;
	json_array_remove(left, last);
	note(step, "lost", json_true());
}

static enum verdict go_on(struct step *step, struct told *told)
{
	for (size_t i = 0; i < step->answer_count; i++)
		hear(step, &step->answers[i], told);
	if (told->closing)
		return closed(step, told);
	if (step->next.count)
		return more(step); /* a list has named something */
	if (step->part == REVOKE_KEYS)
		return step->kept.action ? give_up(step) : STEP_DONE;
	/* Refusals of the first clearing wait for the cloud's word on the user. */
	if (told->refused && json_get_int(step->notes, "tries", 0))
		leave_user(step);
	return close_all(step);
}

static enum verdict advance(struct step *step)
{
	struct told told = { .left = json_array() };
	enum verdict verdict;

	step->next.failed = !told.left;
	if (!step->answer_count)
		verdict = begin(step);
	else
		verdict = go_on(step, &told);
	json_decref(told.left);
	return verdict;
}

enum verdict alicloud_revoke(struct step *step)
{
	enum verdict verdict;

	if (alicloud_is_session(step->plan))
		return STEP_DONE; /* a session ends by itself; nothing can end it earlier */
	verdict = advance(step);
	return step->next.failed ? alicloud_fail(step, "memory is out") : verdict;
}
