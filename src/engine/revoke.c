/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/revoke.h"

#include "engine/plan.h"
#include "util/json.h"

#define ROUNDS_MAX 16

/* Notes: "left", tags of what `close` must still delete, the user last; "tries" of step_wait and
 * "rounds", counts; "lost", see revoke_lost; others are the cloud's own. */

void revoke_lost(struct step *step)
{
	step_note(step, "lost", json_true());
}

void revoke_keys(struct step *step, const json_t *keys,
		 void (*delete_key)(struct step *step, const char *id, size_t index))
{
	const json_t *key;
	size_t i;

	json_array_foreach(keys, i, key)
	{
		const char *id = json_get_text(key, "AccessKeyId");

		if (id[0] && i < REVOKE_FOUND_MAX)
			delete_key(step, id, i);
	}
}

static enum verdict give_up(struct step *step)
{
	if (step->kept.action)
		return step_blame(step, &step->kept);
	if (step->reason[0]) { /* of a look */
		step->culprit = NULL;
		return STEP_FAILED;
	}
	return step_fail(step, "the user was not gone after many rounds of calls");
}

static enum verdict more(struct step *step)
{
	json_int_t rounds = json_get_int(step->notes, "rounds", 0);

	if (rounds == ROUNDS_MAX)
		return give_up(step);
	step_note(step, "rounds", json_integer(rounds + 1));
	return STEP_MORE;
}

/* ---- Close ---- */

/* Tags of what must be deleted at last, the user in the end; new. NULL if memory is out. */
static json_t *left_of(const struct remover *remover, const struct step *step)
{
	json_t *left = json_array();
	int lost = left && remover->left ? remover->left(step, left) : 0;

	lost |= json_array_append_new(left, json_integer(tag_of(KIND_DELETE_USER, 0)));
	if (!lost)
		return left;
	json_decref(left);
	return NULL;
}

static enum verdict close_all(const struct remover *remover, struct step *step)
{
	const json_t *tag;
	size_t i;

	if (!json_object_get(step->notes, "left"))
		step_note(step, "left", left_of(remover, step));
	json_array_foreach(json_object_get(step->notes, "left"), i, tag)
		remover->close(step, (int)json_integer_value(tag));
	if (step->next.count)
		return more(step);
	return json_get_true(step->notes, "lost") ? give_up(step) : STEP_DONE;
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

static bool is_gone(const struct remover *remover, const struct answer *answer)
{
	return answer->kind == ANSWER_OK || remover->is_gone(answer);
}

static void hear_closing(const struct remover *remover, struct step *step,
			 const struct answer *answer, struct told *told)
{
	told->closing = true;
	if (remover->divide && remover->divide(step, answer, told->left))
		return;
	if (is_gone(remover, answer))
		return;
	if (!remover->is_conflict(answer)) {
		step_keep(step, answer);
		revoke_lost(step);
		return;
	}
	told->conflict = answer;
	if (tag_kind(answer->tag) == KIND_DELETE_USER)
		told->user_conflict = true;
	if (json_array_append_new(told->left, json_integer(answer->tag)))
		step->next.failed = true;
}

static void hear_removal(const struct remover *remover, struct step *step,
			 const struct answer *answer, struct told *told)
{
	if (remover->mend && remover->mend(step, answer))
		return;
	if (is_gone(remover, answer))
		return;
	step_keep(step, answer);
	told->refused |= answer->kind == ANSWER_REFUSED;
}

static void hear(const struct remover *remover, struct step *step, const struct answer *answer,
		 struct told *told)
{
	enum call_kind kind = tag_kind(answer->tag);

	if (kind == KIND_DELETE_POLICY || kind == KIND_DELETE_USER) {
		hear_closing(remover, step, answer, told);
	} else if (tag_is_look(answer->tag)) {
		if (!is_gone(remover, answer))
			step_keep(step, answer);
		remover->hear(step, answer);
	} else {
		hear_removal(remover, step, answer, told);
	}
}

/* ---- What comes next ---- */

/* A conflict may only mean that the cloud has not seen our own removals yet: hence the delays. */
static enum verdict closed(const struct remover *remover, struct step *step,
			   const struct told *told)
{
	step_note(step, "left", json_incref(told->left));
	if (!told->conflict)
		return close_all(remover, step);
	if (!step_wait(step)) {
		step_keep(step, told->conflict);
		return give_up(step);
	}
	if (!told->user_conflict)
		return close_all(remover, step);
	/* Whatever the cloud named, other things may be there as well. */
	remover->look(step);
	return more(step);
}

/* What was found on the user may not be removed: trying to delete it again would change nothing. */
static void leave_user(struct step *step)
{
	json_t *left = json_object_get(step->notes, "left");
	size_t last = json_array_size(left) - 1;
	const json_t *tag = json_array_get(left, last);

	if (tag_kind((int)json_integer_value(tag)) != KIND_DELETE_USER)
		return;
	json_array_remove(left, last);
	revoke_lost(step);
}

static enum verdict go_on(const struct remover *remover, struct step *step, struct told *told)
{
	for (size_t i = 0; i < step->answer_count; i++)
		hear(remover, step, &step->answers[i], told);
	if (told->closing)
		return closed(remover, step, told);
	if (step->next.count)
		return more(step); /* a look has found something */
	if (step->part == REVOKE_KEYS)
		return step->kept.action ? give_up(step) : STEP_DONE;
	/* Refusals of the first clearing wait for the cloud's word on the user. */
	if (told->refused && json_get_int(step->notes, "tries", 0))
		leave_user(step);
	return close_all(remover, step);
}

static enum verdict begin(const struct remover *remover, struct step *step)
{
	if (!remover->is_sound(step->plan))
		return step_fail(step, "the plan names no user or not all policies");
	if (step->part != REVOKE_REST)
		remover->clear_keys(step);
	if (step->part != REVOKE_KEYS)
		remover->clear_rest(step);
	return step->next.count ? more(step) : close_all(remover, step);
}

static enum verdict advance(const struct remover *remover, struct step *step)
{
	struct told told = { .left = json_array() };
	enum verdict verdict;

	step->next.failed = !told.left;
	if (!step->answer_count)
		verdict = begin(remover, step);
	else
		verdict = go_on(remover, step, &told);
	json_decref(told.left);
	return verdict;
}

enum verdict revoke_user(const struct remover *remover, struct step *step)
{
	if (plan_is_session(step->plan))
		return STEP_DONE; /* a session ends by itself; nothing can end it earlier */
	return step_end(step, advance(remover, step));
}
