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

/* ---- State ---- */

static char (*find(char (*table)[160], const char *text))[160]
{
	for (size_t i = 0; i < MODEL_MAX; i++)
		if (strcmp(table[i], text) == 0)
			return &table[i];
	return NULL;
}

static void add(char (*table)[160], const char *text)
{
	char(*place)[160] = find(table, "");

	assert_non_null(place);
	snprintf(*place, sizeof(*place), "%s", text);
}

static struct model_pair *find_pair(struct model_pair *table, const char *of, const char *name)
{
	for (size_t i = 0; i < MODEL_MAX; i++)
		if (strcmp(table[i].of, of) == 0 && strcmp(table[i].name, name) == 0)
			return &table[i];
	return NULL;
}

static void add_pair(struct model_pair *table, const char *of, const char *name)
{
	struct model_pair *place = find_pair(table, "", "");

	assert_non_null(place);
	snprintf(place->of, sizeof(place->of), "%s", of);
	snprintf(place->name, sizeof(place->name), "%s", name);
}

static size_t count_pairs(const struct model_pair *table, const char *of, const char *name)
{
	size_t count = 0;

	for (size_t i = 0; i < MODEL_MAX; i++)
		count += table[i].name[0] && (!of || strcmp(table[i].of, of) == 0) &&
			 (!name || strcmp(table[i].name, name) == 0);
	return count;
}

struct policy_name {
	char text[160];
};

static struct policy_name policy_name(const char *type, const char *name)
{
	struct policy_name policy;

	snprintf(policy.text, sizeof(policy.text), "%s %s", type, name);
	return policy;
}

void model_add_user(struct model *model, const char *user)
{
	add(model->users, user);
}

void model_add_policy(struct model *model, const char *type, const char *name)
{
	add(model->policies, policy_name(type, name).text);
}

void model_add_key(struct model *model, const char *user, const char *id)
{
	add_pair(model->keys, user, id);
}

void model_attach(struct model *model, const char *user, const char *type, const char *name)
{
	add_pair(model->attached, user, policy_name(type, name).text);
}

bool model_has_user(const struct model *model, const char *user)
{
	return find((char(*)[160])(uintptr_t)model->users, user) != NULL;
}

bool model_has_policy(const struct model *model, const char *type, const char *name)
{
	return find((char(*)[160])(uintptr_t)model->policies, policy_name(type, name).text) != NULL;
}

bool model_is_attached(const struct model *model, const char *user, const char *type,
		       const char *name)
{
	return count_pairs(model->attached, user, policy_name(type, name).text) > 0;
}

size_t model_keys_of(const struct model *model, const char *user)
{
	return count_pairs(model->keys, user, NULL);
}

size_t model_attachments_of(const struct model *model, const char *user)
{
	return count_pairs(model->attached, user, NULL);
}

bool model_holds(const struct model *model, const json_t *plan)
{
	const char *user = json_get_text(plan, "user");
	const json_t *policy;
	size_t i;

	if (model_has_user(model, user) || model_keys_of(model, user) ||
	    model_attachments_of(model, user))
		return true;
	json_array_foreach(json_object_get(plan, "inline"), i, policy)
	{
		if (model_has_policy(model, "Custom", json_get_text(policy, "name")))
			return true;
	}
	return false;
}

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

static const char *create_user(struct question *q)
{
	if (find(q->model->users, q->user))
		return "EntityAlreadyExists.User";
	add(q->model->users, q->user);
	return NULL;
}

static const char *create_policy(struct question *q)
{
	if (find(q->model->policies, q->policy.text))
		return "EntityAlreadyExists.Policy";
	add(q->model->policies, q->policy.text);
	return NULL;
}

static const char *attach(struct question *q)
{
	if (q->late || !find(q->model->users, q->user))
		return "EntityNotExist.User";
	if (!find(q->model->policies, q->policy.text))
		return "EntityNotExist.Policy";
	if (find_pair(q->model->attached, q->user, q->policy.text))
		return "EntityAlreadyExists.User.Policy";
	add_pair(q->model->attached, q->user, q->policy.text);
	return NULL;
}

static const char *detach(struct question *q)
{
	struct model_pair *pair = find_pair(q->model->attached, q->user, q->policy.text);

	if (!find(q->model->users, q->user))
		return "EntityNotExist.User";
	if (!pair)
		return "EntityNotExist.User.Policy";
	memset(pair, 0, sizeof(*pair));
	return NULL;
}

static const char *delete_key(struct question *q)
{
	struct model_pair *pair = find_pair(q->model->keys, q->user, q->key);

	if (!find(q->model->users, q->user))
		return "EntityNotExist.User";
	if (!pair)
		return "EntityNotExist.User.AccessKey";
	memset(pair, 0, sizeof(*pair));
	return NULL;
}

static const char *delete_policy(struct question *q)
{
	char(*policy)[160] = find(q->model->policies, q->policy.text);

	if (!policy)
		return "EntityNotExist.Policy";
	if (q->late || count_pairs(q->model->attached, NULL, q->policy.text))
		return "DeleteConflict.Policy.User";
	memset(*policy, 0, sizeof(*policy));
	return NULL;
}

static const char *delete_user(struct question *q)
{
	char(*user)[160] = find(q->model->users, q->user);

	if (!user)
		return "EntityNotExist.User";
	if (strcmp(q->model->grouped, q->user) == 0)
		return "DeleteConflict.User.Group";
	if (q->late || model_attachments_of(q->model, q->user))
		return "DeleteConflict.User.Policy";
	if (model_keys_of(q->model, q->user))
		return "DeleteConflict.User.AccessKey";
	memset(*user, 0, sizeof(*user));
	return NULL;
}

static const char *create_key(struct question *q, json_t **body)
{
	char id[32];

	if (q->late || !find(q->model->users, q->user))
		return "EntityNotExist.User";
	if (model_keys_of(q->model, q->user) >= 2)
		return "LimitExceeded.User.AccessKey";
	snprintf(id, sizeof(id), "LTAI%u", ++q->model->next_key);
	add_pair(q->model->keys, q->user, id);
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
	return find(q->model->users, q->user) ? NULL : "EntityNotExist.User";
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
	return find(q->model->users, q->user) ? NULL : "EntityNotExist.User";
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

static bool is_denied(const struct question *q, const char *action)
{
	char text[256];

	snprintf(text, sizeof(text), "%s %s", action, q->policy.text);
	for (size_t i = 0; i < 4 && q->model->denied[i]; i++)
		if (strncmp(text, q->model->denied[i], strlen(q->model->denied[i])) == 0)
			return true;
	return false;
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
	bool faulty = ++model->calls == model->fault_at;
	json_t *body = NULL;

	if (faulty && !model->fault_has_effect && model->fault != ANSWER_REFUSED) {
		answer->kind = model->fault;
		return;
	}
	if (faulty && model->fault == ANSWER_REFUSED) {
		give(answer, model->fault_code, NULL);
		return;
	}
	if (model->late && needs_what_was_made(call->action)) {
		model->late--;
		q.late = true;
	}
	code = is_denied(&q, call->action) ? "NoPermission" : perform(&q, call->action, &body);
	if (!faulty) {
		give(answer, code, body);
		return;
	}
	json_decref(body);
	answer->kind = model->fault;
}
