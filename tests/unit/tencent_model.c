/* SPDX-License-Identifier: Apache-2.0 */
#include "tencent_model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/tencentcloud/tencentcloud.h"
#include "util/json.h"

#define TYPE_SIZE 7 /* "System ", "Custom " */

#define NO_USER   "ResourceNotFound.UserNotExist"
#define NO_POLICY "ResourceNotFound.PolicyIdNotFound"

#define FAMILY_GONE "ResourceNotFound"

struct question {
	struct tencent_model *world;
	struct model *model;
	const json_t *params;
	const char *user;   /* "" if there is none of this name or number */
	const char *policy; /* "Type name", "" likewise */
	bool late;
};

unsigned tencent_policy(const struct tencent_model *world, const char *type, const char *name)
{
	int place = model_find((char(*)[160])(uintptr_t)world->model.policies,
			       policy_name(type, name).text);

	return place < 0 ? 0 : world->model.policy_numbers[place];
}

static const char *by_number(const char (*table)[160], const unsigned *numbers, json_int_t number)
{
	for (size_t i = 0; i < MODEL_MAX; i++)
		if (number > 0 && table[i][0] && numbers[i] == number)
			return table[i];
	return "";
}

static const char *policy_of(const struct model *model, json_int_t number)
{
	return by_number(model->policies, model->policy_numbers, number);
}

static const char *user_of(const struct model *model, const json_t *params)
{
	static const char *const members[] = { "AttachUin", "DetachUin", "TargetUin" };
	const char *name = json_get_text(params, "Name");

	for (size_t i = 0; i < 3; i++)
		if (json_object_get(params, members[i]))
			return by_number(model->users, model->user_numbers,
					 json_get_int(params, members[i], 0));
	return model_has_user(model, name) ? name : "";
}

/* ---- Actions ---- */

static const char *add_user(struct question *q, json_t **body)
{
	const char *name = json_get_text(q->params, "Name");
	int place;

	if (q->user[0])
		return "InvalidParameter.SubUserNameInUse";
	model_add_user(q->model, name);
	place = model_find(q->model->users, name);
	*body = json_pack("{s:i, s:s, s:s, s:s}", "Uin", (int)q->model->user_numbers[place], "Name",
			  name, "SecretId", model_new_key(q->model, name), "SecretKey", "secret");
	return NULL;
}

static const char *create_policy(struct question *q, json_t **body)
{
	const char *name = json_get_text(q->params, "PolicyName");

	if (model_has_policy(q->model, "Custom", name))
		return "FailedOperation.PolicyNameInUse";
	model_add_policy(q->model, "Custom", name);
	*body = json_pack("{s:i}", "PolicyId", (int)tencent_policy(q->world, "Custom", name));
	return NULL;
}

static const char *attach(struct question *q, json_t **body)
{
	(void)body;
	if (q->late || !q->user[0])
		return NO_USER;
	if (!q->policy[0])
		return NO_POLICY;
	if (model_find_pair(q->model->attached, q->user, q->policy))
		return q->world->attaches_once ? "FailedOperation" : NULL;
	model_add_pair(q->model->attached, q->user, q->policy);
	return NULL;
}

static const char *detach(struct question *q, json_t **body)
{
	struct model_pair *pair = model_find_pair(q->model->attached, q->user, q->policy);

	(void)body;
	if (!q->user[0])
		return NO_USER;
	if (!pair)
		return NO_POLICY;
	memset(pair, 0, sizeof(*pair));
	return NULL;
}

static const char *delete_key(struct question *q, json_t **body)
{
	const char *id = json_get_text(q->params, "AccessKeyId");
	struct model_pair *pair = model_find_pair(q->model->keys, q->user, id);

	(void)body;
	if (!q->user[0])
		return "InvalidParameter.UserNotExist";
	if (!pair)
		return "ResourceNotFound.SecretNotExist";
	if (q->world->disables_first && !model_find_pair(q->world->disabled, q->user, id))
		return "FailedOperation.Accesskey";
	memset(pair, 0, sizeof(*pair));
	return NULL;
}

static const char *disable_key(struct question *q, json_t **body)
{
	const char *id = json_get_text(q->params, "AccessKeyId");

	(void)body;
	assert_string_equal(json_get_text(q->params, "Status"), "Inactive");
	if (!q->user[0])
		return "InvalidParameter.UserNotExist";
	if (!model_find_pair(q->model->keys, q->user, id))
		return "ResourceNotFound.SecretNotExist";
	model_add_pair(q->world->disabled, q->user, id);
	return NULL;
}

static void drop_pairs(struct model_pair *table, const char *of, const char *name)
{
	for (size_t i = 0; i < MODEL_MAX; i++)
		if ((!of || strcmp(table[i].of, of) == 0) &&
		    (!name || strcmp(table[i].name, name) == 0))
			memset(&table[i], 0, sizeof(table[i]));
}

static const char *conflict_code(const struct question *q)
{
	return q->world->conflict ? q->world->conflict : "FailedOperation";
}

/* All or nothing: one that is gone or held stops the others. */
static const char *delete_policy(struct question *q, json_t **body)
{
	const json_t *list = json_object_get(q->params, "PolicyId"), *number;
	size_t i;

	(void)body;
	json_array_foreach(list, i, number)
	{
		const char *policy = policy_of(q->model, json_integer_value(number));

		if (!policy[0])
			return NO_POLICY;
		assert_memory_equal(policy, "Custom ", TYPE_SIZE);
		if (q->late ||
		    (!q->world->detaches && model_count_pairs(q->model->attached, NULL, policy)))
			return conflict_code(q);
	}
	json_array_foreach(list, i, number)
	{
		char *policy = (char *)(uintptr_t)policy_of(q->model, json_integer_value(number));

		drop_pairs(q->model->attached, NULL, policy);
		policy[0] = '\0';
	}
	return NULL;
}

static const char *delete_user(struct question *q, json_t **body)
{
	int user = model_find(q->model->users, q->user);

	(void)body;
	if (!q->user[0])
		return NO_USER;
	if (strcmp(q->model->grouped, q->user) == 0)
		return "FailedOperation.Unmodifiable";
	if (!json_get_int(q->params, "Force", 0) && model_keys_of(q->model, q->user))
		return "OperationDenied.HaveKeys";
	if (q->late || (!q->world->detaches && model_attachments_of(q->model, q->user)))
		return conflict_code(q);
	drop_pairs(q->model->attached, q->user, NULL);
	drop_pairs(q->model->keys, q->user, NULL);
	q->model->users[user][0] = '\0';
	return NULL;
}

static const char *get_user(struct question *q, json_t **body)
{
	int place = model_find(q->model->users, q->user);

	if (!q->user[0])
		return NO_USER;
	*body = json_pack("{s:i}", "Uin", (int)q->model->user_numbers[place]);
	return NULL;
}

static const char *list_keys(struct question *q, json_t **body)
{
	json_t *list = json_array();

	for (size_t i = 0; i < MODEL_MAX; i++)
		if (q->model->keys[i].name[0] && strcmp(q->model->keys[i].of, q->user) == 0)
			json_array_append_new(
				list, json_pack("{s:s}", "AccessKeyId", q->model->keys[i].name));
	*body = json_pack("{s:o}", "AccessKeys", list);
	return q->user[0] ? NULL : "InvalidParameter.UserNotExist";
}

static const char *list_attachments(struct question *q, json_t **body)
{
	json_t *list = json_array();

	for (size_t i = 0; i < MODEL_MAX; i++) {
		const struct model_pair *pair = &q->model->attached[i];
		int place = model_find(q->model->policies, pair->name);

		if (pair->name[0] && strcmp(pair->of, q->user) == 0)
			json_array_append_new(list,
					      json_pack("{s:i}", "PolicyId",
							(int)q->model->policy_numbers[place]));
	}
	*body = json_pack("{s:o}", "List", list);
	return q->user[0] ? NULL : NO_USER;
}

static bool is_listed(const struct question *q, const char *policy)
{
	const char *scope = json_get_text(q->params, "Scope");
	bool preset = strncmp(policy, "System ", TYPE_SIZE) == 0;

	return policy[0] && (preset ? strcmp(scope, "Local") : strcmp(scope, "QCS")) &&
	       strcasestr(policy + TYPE_SIZE, json_get_text(q->params, "Keyword"));
}

static const char *list_policies(struct question *q, json_t **body)
{
	json_t *list = json_array();

	for (size_t i = 0; i < MODEL_MAX; i++) {
		const char *policy = q->model->policies[i];

		if (is_listed(q, policy))
			json_array_append_new(list, json_pack("{s:i, s:s, s:i}", "PolicyId",
							      (int)q->model->policy_numbers[i],
							      "PolicyName", policy + TYPE_SIZE,
							      "Type", policy[0] == 'S' ? 2 : 1));
	}
	*body = json_pack("{s:i, s:o}", "TotalNum", (int)json_array_size(list), "List", list);
	return q->world->keywords_refused && json_object_get(q->params, "Keyword")
		       ? "InvalidParameter.KeywordError"
		       : NULL;
}

static const char *perform(struct question *q, const char *action, json_t **body)
{
	static const struct {
		const char *action;
		const char *(*perform)(struct question *q, json_t **body);
	} actions[] = {
		{ "AddUser", add_user },           { "CreatePolicy", create_policy },
		{ "AttachUserPolicy", attach },    { "DetachUserPolicy", detach },
		{ "DeleteAccessKey", delete_key }, { "DeletePolicy", delete_policy },
		{ "DeleteUser", delete_user },     { "GetUser", get_user },
		{ "ListAccessKeys", list_keys },   { "ListAttachedUserPolicies", list_attachments },
		{ "ListPolicies", list_policies }, { "UpdateAccessKey", disable_key },
	};

	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (strcmp(actions[i].action, action) == 0)
			return actions[i].perform(q, body);
	fail_msg("unknown action %s", action);
	return NULL;
}

static bool needs_what_was_made(const char *action)
{
	return strcmp(action, "AttachUserPolicy") == 0 || strcmp(action, "DeletePolicy") == 0 ||
	       strcmp(action, "DeleteUser") == 0;
}

/* ---- Answers ---- */

static void give(struct answer *answer, const char *code, json_t *body)
{
	json_t *whole;

	if (code) {
		json_decref(body);
		body = json_pack("{s:{s:s, s:s}}", "Error", "Code", code, "Message", "m");
	}
	whole = json_pack("{s:o}", "Response", body ? body : json_object());
	json_object_set_new(json_object_get(whole, "Response"), "RequestId", json_string("id"));
	answer->status = 200;
	engine_tencentcloud.read_answer(200, whole, answer);
	json_decref(whole);
}

void tencent_answer(void *context, const struct call *call, struct answer *answer)
{
	struct tencent_model *world = context;
	struct model *model = &world->model;
	const json_t *number = json_object_get(call->params, "PolicyId");
	struct question q = {
		.world = world,
		.model = model,
		.params = call->params,
		.user = user_of(model, call->params),
		.policy = policy_of(model, json_integer_value(number)),
	};
	const char *code;
	json_t *body = NULL;
	bool faulty;

	if (model_fails(model, answer, give, &faulty))
		return;
	q.late = needs_what_was_made(call->action) && model_is_late(model);
	code = model_denies(model, call->action, q.policy) ? "AuthFailure.UnauthorizedOperation"
							   : perform(&q, call->action, &body);
	if (code && world->bare_codes && strncmp(code, FAMILY_GONE, strlen(FAMILY_GONE)) == 0)
		code = FAMILY_GONE;
	if (faulty)
		model_lose(model, answer, body);
	else
		give(answer, code, body);
}

void tencent_check(const struct play *play, const struct call *call)
{
	const char *name = json_get_text(call->params, "Name");
	static const char *const numbers[] = { "AttachUin", "DetachUin", "TargetUin" };

	assert_string_equal(call->service->name, "cam");
	assert_string_equal(call->service->version, "2019-01-16");
	assert_int_equal(call->service->endpoint, ENDPOINT_USER);
	if (name[0])
		assert_string_equal(name, json_get_text(play->step.plan, "user"));
	for (size_t i = 0; i < 3; i++)
		if (json_object_get(call->params, numbers[i]))
			assert_true(json_get_int(call->params, numbers[i], 0) > 0);
	if (strstr(call->action, "AccessKey"))
		assert_non_null(json_object_get(call->params, "TargetUin"));
}
