/* SPDX-License-Identifier: Apache-2.0 */
#include "alicloud_model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/alicloud/alicloud.h"
#include "util/json.h"

/* ---- Actions ---- */

/* What a call is told: a code, or NULL and perhaps a body. */
struct reply {
	const char *code;
	json_t *body;
};

struct question {
	struct model *model;
	const char *user, *key;
	struct policy_name policy;
	bool late;
};

static bool has_policy(const struct question *q)
{
	return model_find(q->model->policies, q->policy.text) >= 0;
}

static const char *create_user(struct question *q)
{
	if (model_has_user(q->model, q->user))
		return "EntityAlreadyExists.User";
	model_add_user(q->model, q->user);
	return NULL;
}

static const char *create_policy(struct question *q)
{
	if (has_policy(q))
		return "EntityAlreadyExists.Policy";
	model_add_policy(q->model, "Custom", q->policy.text + strlen("Custom "));
	return NULL;
}

static const char *attach(struct question *q)
{
	if (q->late || !model_has_user(q->model, q->user))
		return "EntityNotExist.User";
	if (!has_policy(q))
		return "EntityNotExist.Policy";
	if (model_find_pair(q->model->attached, q->user, q->policy.text))
		return "EntityAlreadyExists.User.Policy";
	model_add_pair(q->model->attached, q->user, q->policy.text);
	return NULL;
}

static const char *detach(struct question *q)
{
	struct model_pair *pair = model_find_pair(q->model->attached, q->user, q->policy.text);

	if (!model_has_user(q->model, q->user))
		return "EntityNotExist.User";
	if (!pair)
		return "EntityNotExist.User.Policy";
	memset(pair, 0, sizeof(*pair));
	return NULL;
}

static const char *delete_key(struct question *q)
{
	struct model_pair *pair = model_find_pair(q->model->keys, q->user, q->key);

	if (!model_has_user(q->model, q->user))
		return "EntityNotExist.User";
	if (!pair)
		return "EntityNotExist.User.AccessKey";
	memset(pair, 0, sizeof(*pair));
	return NULL;
}

static const char *delete_policy(struct question *q)
{
	int policy = model_find(q->model->policies, q->policy.text);

	if (policy < 0)
		return "EntityNotExist.Policy";
	if (q->late || model_count_pairs(q->model->attached, NULL, q->policy.text))
		return "DeleteConflict.Policy.User";
	q->model->policies[policy][0] = '\0';
	return NULL;
}

static const char *delete_user(struct question *q)
{
	int user = model_find(q->model->users, q->user);

	if (user < 0)
		return "EntityNotExist.User";
	if (strcmp(q->model->grouped, q->user) == 0)
		return "DeleteConflict.User.Group";
	if (q->late || model_attachments_of(q->model, q->user))
		return "DeleteConflict.User.Policy";
	if (model_keys_of(q->model, q->user))
		return "DeleteConflict.User.AccessKey";
	q->model->users[user][0] = '\0';
	return NULL;
}

static const char *create_key(struct question *q, json_t **body)
{
	const char *id;

	if (q->late || !model_has_user(q->model, q->user))
		return "EntityNotExist.User";
	if (model_keys_of(q->model, q->user) >= 2)
		return "LimitExceeded.User.AccessKey";
	id = model_new_key(q->model, q->user);
	*body = json_pack("{s:{s:s, s:s, s:s}}", "AccessKey", "AccessKeyId", id, "AccessKeySecret",
			  "secret", "Status", "Active");
	return NULL;
}

static const char *list_keys(struct question *q, json_t **body)
{
	json_t *list = json_array();

	for (size_t i = 0; i < MODEL_MAX; i++)
		if (q->model->keys[i].name[0] && strcmp(q->model->keys[i].of, q->user) == 0)
			json_array_append_new(
				list, json_pack("{s:s}", "AccessKeyId", q->model->keys[i].name));
	*body = json_pack("{s:{s:o}}", "AccessKeys", "AccessKey", list);
	return model_has_user(q->model, q->user) ? NULL : "EntityNotExist.User";
}

static const char *list_policies(struct question *q, json_t **body)
{
	json_t *list = json_array();

	for (size_t i = 0; i < MODEL_MAX; i++) {
		const struct model_pair *pair = &q->model->attached[i];

		if (!pair->name[0] || strcmp(pair->of, q->user) != 0)
			continue;
		json_array_append_new(list, json_pack("{s:s%, s:s}", "PolicyType", pair->name,
						      (size_t)6, "PolicyName", pair->name + 7));
	}
	*body = json_pack("{s:{s:o}}", "Policies", "Policy", list);
	return model_has_user(q->model, q->user) ? NULL : "EntityNotExist.User";
}

static const char *perform(struct question *q, const char *action, json_t **body)
{
	static const struct {
		const char *action;
		const char *(*perform)(struct question *q);
	} actions[] = {
		{ "CreateUser", create_user },     { "CreatePolicy", create_policy },
		{ "AttachPolicyToUser", attach },  { "DetachPolicyFromUser", detach },
		{ "DeleteAccessKey", delete_key }, { "DeletePolicy", delete_policy },
		{ "DeleteUser", delete_user },
	};

	if (strcmp(action, "CreateAccessKey") == 0)
		return create_key(q, body);
	if (strcmp(action, "ListAccessKeys") == 0)
		return list_keys(q, body);
	if (strcmp(action, "ListPoliciesForUser") == 0)
		return list_policies(q, body);
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (strcmp(actions[i].action, action) == 0)
			return actions[i].perform(q);
	fail_msg("unknown action %s", action);
	return NULL;
}

static bool needs_what_was_made(const char *action)
{
	return strncmp(action, "Attach", 6) == 0 || strcmp(action, "CreateAccessKey") == 0 ||
	       strcmp(action, "DeletePolicy") == 0 || strcmp(action, "DeleteUser") == 0;
}

/* ---- Answers ---- */

static int status_of(const char *code)
{
	if (!code)
		return 200;
	if (strncmp(code, "EntityNotExist", 14) == 0)
		return 404;
	return strcmp(code, "NoPermission") == 0 ? 403 : 409;
}

static void give(struct answer *answer, const char *code, json_t *body)
{
	if (!body || code) {
		json_decref(body);
		body = json_object();
	}
	if (code)
		json_object_set_new(body, "Code", json_string(code));
	json_object_set_new(body, "RequestId", json_string("4B450CA1-36E8-4AA2-8461-86B42BF4CC4E"));
	answer->status = status_of(code);
	engine_alicloud.read_answer(answer->status, body, answer);
	json_decref(body);
}

void model_answer(void *context, const struct call *call, struct answer *answer)
{
	struct model *model = context;
	const char *type = json_get_text(call->params, "PolicyType"), *code;
	struct question q = {
		.model = model,
		.user = json_get_text(call->params, "UserName"),
		.key = json_get_text(call->params, "UserAccessKeyId"),
		.policy = policy_name(type[0] ? type : "Custom",
				      json_get_text(call->params, "PolicyName")),
	};
	json_t *body = NULL;
	bool faulty;

	if (model_fails(model, answer, give, &faulty))
		return;
	q.late = needs_what_was_made(call->action) && model_is_late(model);
	code = model_denies(model, call->action, q.policy.text) ? "NoPermission"
								: perform(&q, call->action, &body);
	if (faulty)
		model_lose(model, answer, body);
	else
		give(answer, code, body);
}

/* The four calls about keys act on the caller itself when UserName is missing. */
void model_check_user(const struct play *play, const struct call *call)
{
	const char *user = json_get_text(call->params, "UserName");

	if (!call->service || strcmp(call->service->name, "ram") != 0)
		return;
	if (strcmp(call->action, "CreatePolicy") == 0 || strcmp(call->action, "DeletePolicy") == 0)
		assert_string_equal(user, "");
	else
		assert_string_equal(user, json_get_text(play->step.plan, "user"));
	assert_string_not_equal(json_get_text(play->step.plan, "user"), "");
}
