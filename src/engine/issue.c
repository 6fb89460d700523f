/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/issue.h"

#include "engine/policies.h"
#include "util/json.h"
#include "util/wipe.h"

#define DESCRIPTION "Created by leasehold."

_Static_assert(POLICIES_MAX < TAG_INDEXES, "each policy needs a mark");

/* Notes: "created", whether round 1 is over; "tries", of step_wait; others are the cloud's own. */

/* ---- Round 1: things under planned names ---- */

void issue_create_policy(struct step *step, const struct service *service, size_t index,
			 const char *name, const char *document)
{
	struct call *call = round_add(&step->next, service, "CreatePolicy", CALL_CREATES,
				      tag_of(KIND_CREATE_POLICY, index));

	call_param(call, "PolicyName", name);
	call_param(call, "PolicyDocument", document);
	call_param(call, "Description", DESCRIPTION);
}

static void create_policy(const struct maker *maker, struct step *step, size_t index,
			  const json_t *policy, const json_t *document)
{
	char *text = json_text(document);

	if (text)
		maker->create_policy(step, index, json_get_text(policy, "name"), text);
	else
		step->next.failed = true;
	wipe_free(text);
}

static enum verdict create(const struct maker *maker, struct step *step)
{
	const json_t *names = json_object_get(step->plan, "inline");
	const json_t *documents = json_object_get(step->role, "inline_policies");

	maker->create_user(step);
	for (size_t i = 0; i < json_array_size(names); i++)
		create_policy(maker, step, i, json_array_get(names, i),
			      json_object_get(json_array_get(documents, i), "policy_document"));
	return STEP_MORE;
}

static enum verdict begin(const struct maker *maker, struct step *step)
{
	if (!maker->is_sound(step->plan))
		return step_fail(step, "the plan names no user or not all policies");
	if (json_array_size(json_object_get(step->plan, "inline")) !=
	    json_array_size(json_object_get(step->role, "inline_policies")))
		return step_fail(step, "the plan was made for another state of the role");
	if (maker->prepare)
		maker->prepare(step);
	return step->next.count ? STEP_MORE : create(maker, step);
}

static enum verdict prepared(const struct maker *maker, struct step *step)
{
	for (size_t i = 0; i < step->answer_count; i++) {
		if (!maker->hear(step, &step->answers[i]))
			return STEP_FAILED;
	}
	return step->next.count ? STEP_MORE : create(maker, step);
}

/* ---- Round 2: attachments and the key ---- */

static void attach_all(const struct maker *maker, struct step *step, enum call_kind kind,
		       const char *list)
{
	for (size_t i = 0; i < json_array_size(json_object_get(step->plan, list)); i++)
		maker->attach(step, kind, i);
}

static enum verdict deliver(const struct maker *maker, struct step *step)
{
	return maker->deliver(step) ? STEP_DONE : step_fail(step, "memory is out");
}

static bool is_good(const struct maker *maker, struct step *step, const struct answer *answer)
{
	if (answer->kind == ANSWER_OK)
		return maker->learn(step, answer);
	return maker->is_so && maker->is_so(answer);
}

/* A name that is in use without our having tried it before is somebody else's, whatever we drew, and
 * must not be touched. */
static enum verdict created(const struct maker *maker, struct step *step)
{
	bool taken = false;

	for (size_t i = 0; i < step->answer_count; i++) {
		const struct answer *answer = &step->answers[i];

		if (maker->is_taken(answer))
			taken = true;
		else if (!is_good(maker, step, answer))
			return step_blame(step, answer);
	}
	if (taken)
		return STEP_TAKEN;
	step_note(step, "created", json_true());
	attach_all(maker, step, KIND_ATTACH_INLINE, "inline");
	attach_all(maker, step, KIND_ATTACH_REMOTE, "remote");
	if (maker->create_key)
		maker->create_key(step);
	return step->next.count ? STEP_MORE : deliver(maker, step);
}

/* ---- The end ---- */

static void repeat(const struct maker *maker, struct step *step, const struct answer *answer)
{
	enum call_kind kind = tag_kind(answer->tag);

	if (kind == KIND_CREATE_KEY)
		maker->create_key(step);
	else
		maker->attach(step, kind, tag_index(answer->tag));
}

static enum verdict attached(const struct maker *maker, struct step *step)
{
	const struct answer *early = NULL;

	for (size_t i = 0; i < step->answer_count; i++) {
		const struct answer *answer = &step->answers[i];

		if (tag_is_look(answer->tag)) {
			if (!maker->hear(step, answer))
				return STEP_FAILED;
		} else if (maker->is_early(answer)) {
			repeat(maker, step, answer);
			early = answer;
		} else if (!is_good(maker, step, answer) &&
			   !(maker->mend && maker->mend(step, answer))) {
			return step_blame(step, answer);
		}
	}
	if (early && !step_wait(step))
		return step_blame(step, early);
	return step->next.count ? STEP_MORE : deliver(maker, step);
}

static enum verdict advance(const struct maker *maker, struct step *step)
{
	enum call_kind kind;

	if (!step->answer_count)
		return begin(maker, step);
	kind = tag_kind(step->answers[0].tag);
	if (json_get_true(step->notes, "created"))
		return attached(maker, step);
	if (kind == KIND_CREATE_USER || kind == KIND_CREATE_POLICY)
		return created(maker, step);
	return prepared(maker, step);
}

enum verdict issue_user(const struct maker *maker, struct step *step)
{
	return step_end(step, advance(maker, step));
}
