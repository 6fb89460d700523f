/* SPDX-License-Identifier: Apache-2.0 */
/* Making a planned user: its name and its policies in one round, what ties them together and the
 * key in a second one. Whatever fails is taken back by `revoke`; nothing is undone here. */
#include "engine/alicloud/alicloud_priv.h"

#include <string.h>

#include "util/json.h"
#include "util/wipe.h"

/* How long we wait for what we have just made to be seen by all of the cloud. */
#define TRIES_MAX      5
#define FIRST_DELAY_MS 200

#define DESCRIPTION "Created by leasehold."

/* ---- Round 1: things under planned names ---- */

static void create_user(struct step *step)
{
	struct call *call = alicloud_user_call(step, "CreateUser", CALL_CREATES,
					       alicloud_tag(KIND_CREATE_USER, 0));

	call_param(call, "DisplayName", json_get_text(step->plan, "user"));
}

static void create_policy(struct step *step, size_t index, const json_t *policy,
			  const json_t *document)
{
	struct call *call = round_add(&step->next, &alicloud_ram, "CreatePolicy", CALL_CREATES,
				      alicloud_tag(KIND_CREATE_POLICY, index));
	char *text = json_text(document);

	if (text) {
		call_param(call, "PolicyName", json_get_text(policy, "name"));
		call_param(call, "PolicyDocument", text);
		call_param(call, "Description", DESCRIPTION);
	} else {
		step->next.failed = true;
	}
	wipe_free(text);
}

static enum verdict create(struct step *step)
{
	const json_t *names = json_object_get(step->plan, "inline");
	const json_t *documents = json_object_get(step->role, "inline_policies");

	if (!alicloud_plan_is_sound(step->plan))
		return alicloud_fail(step, "the plan names no user or not all policies");
	if (json_array_size(names) != json_array_size(documents))
		return alicloud_fail(step, "the plan was made for another state of the role");
	create_user(step);
	for (size_t i = 0; i < json_array_size(names); i++)
		create_policy(step, i, json_array_get(names, i),
			      json_object_get(json_array_get(documents, i), "policy_document"));
	return STEP_MORE;
}

/* ---- Round 2: attachments and the key ---- */

static void attach(struct step *step, enum call_kind kind, size_t index)
{
	bool ours = kind == KIND_ATTACH_INLINE;
	const json_t *list = json_object_get(step->plan, ours ? "inline" : "remote");
	const json_t *policy = json_array_get(list, index);

	alicloud_attachment_call(step, "AttachPolicyToUser", alicloud_tag(kind, index),
				 ours ? "Custom" : json_get_text(policy, "type"),
				 json_get_text(policy, "name"));
}

static void attach_all(struct step *step, enum call_kind kind, const char *list)
{
	for (size_t i = 0; i < json_array_size(json_object_get(step->plan, list)); i++)
		attach(step, kind, i);
}

static void create_key(struct step *step)
{
	alicloud_user_call(step, "CreateAccessKey", CALL_ONCE, alicloud_tag(KIND_CREATE_KEY, 0));
}

/* A name that is in use is ours if an earlier attempt may have been executed; else it is somebody
 * else's, whatever we drew, and must not be touched. */
static enum verdict created(struct step *step)
{
	bool taken = false;

	for (size_t i = 0; i < step->answer_count; i++) {
		const struct answer *answer = &step->answers[i];

		if (alicloud_refused_as(answer, "EntityAlreadyExists"))
			taken |= !answer->repeated;
		else if (answer->kind != ANSWER_OK)
			return alicloud_blame(step, answer);
	}
	if (taken)
		return STEP_TAKEN;
	attach_all(step, KIND_ATTACH_INLINE, "inline");
	attach_all(step, KIND_ATTACH_REMOTE, "remote");
	create_key(step);
	return STEP_MORE;
}

/* ---- The end ---- */

/* What we have just made, not yet seen everywhere. A remote policy is not ours: it should have been
 * there all the time. */
static bool is_early(const struct answer *answer)
{
	if (alicloud_refused_as(answer, "EntityNotExist.User"))
		return true;
	return alicloud_tag_kind(answer->tag) == KIND_ATTACH_INLINE &&
	       alicloud_refused_as(answer, "EntityNotExist");
}

static const json_t *key_of(const struct answer *answer)
{
	const json_t *key = json_object_get(answer->body, "AccessKey");
	bool whole = json_get_text(key, "AccessKeyId")[0] &&
		     json_get_text(key, "AccessKeySecret")[0];

	return whole ? key : NULL;
}

static bool is_good(const struct answer *answer)
{
	if (alicloud_tag_kind(answer->tag) == KIND_CREATE_KEY)
		return answer->kind == ANSWER_OK && key_of(answer);
	return answer->kind == ANSWER_OK ||
	       alicloud_refused_as(answer, "EntityAlreadyExists.User.Policy");
}

static void repeat(struct step *step, const struct answer *answer)
{
	enum call_kind kind = alicloud_tag_kind(answer->tag);

	if (kind == KIND_CREATE_KEY)
		create_key(step);
	else
		attach(step, kind, alicloud_tag_index(answer->tag));
}

/* The key waits in the notes while attachments are repeated; the notes live as long as the
 * conversation, in memory that is wiped. */
static void keep_key(struct step *step, const struct answer *answer)
{
	if (alicloud_tag_kind(answer->tag) == KIND_CREATE_KEY &&
	    json_object_set(step->notes, "key", (json_t *)(uintptr_t)key_of(answer)))
		step->next.failed = true;
}

static enum verdict deliver(struct step *step)
{
	const json_t *key = json_object_get(step->notes, "key");
	const char *id = json_get_text(key, "AccessKeyId");

	step->data = json_pack("{s:s, s:s}", "access_key", id, "secret_key",
			       json_get_text(key, "AccessKeySecret"));
	step->facts_out = json_pack("{s:s}", "access_key_id", id);
	if (!step->data || !step->facts_out)
		return alicloud_fail(step, "memory is out");
	return STEP_DONE;
}

static enum verdict wait_for_cloud(struct step *step, const struct answer *early)
{
	json_int_t tries = json_get_int(step->notes, "tries", 0);

	if (tries == TRIES_MAX)
		return alicloud_blame(step, early);
	step->next.delay_ms = (int64_t)FIRST_DELAY_MS << tries;
	if (json_object_set_new(step->notes, "tries", json_integer(tries + 1)))
		step->next.failed = true;
	return STEP_MORE;
}

static enum verdict attached(struct step *step)
{
	const struct answer *early = NULL;

	for (size_t i = 0; i < step->answer_count; i++) {
		const struct answer *answer = &step->answers[i];

		if (!is_good(answer) && !is_early(answer))
			return alicloud_blame(step, answer);
	}
	for (size_t i = 0; i < step->answer_count; i++) {
		const struct answer *answer = &step->answers[i];

		if (is_good(answer)) {
			keep_key(step, answer);
		} else {
			repeat(step, answer);
			early = answer;
		}
	}
	return early ? wait_for_cloud(step, early) : deliver(step);
}

static enum verdict advance(struct step *step)
{
	enum call_kind kind;

	if (!step->answer_count)
		return create(step);
	kind = alicloud_tag_kind(step->answers[0].tag);
	if (kind == KIND_CREATE_USER || kind == KIND_CREATE_POLICY)
		return created(step);
	return attached(step);
}

enum verdict alicloud_issue(struct step *step)
{
	enum verdict verdict;

	if (alicloud_is_session(step->plan))
		return alicloud_assume(step);
	verdict = advance(step);
	return step->next.failed ? alicloud_fail(step, "memory is out") : verdict;
}
