/* SPDX-License-Identifier: Apache-2.0 */
#include "model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "util/json.h"

int model_find(char (*table)[160], const char *text)
{
	for (int i = 0; i < MODEL_MAX; i++)
		if (strcmp(table[i], text) == 0)
			return i;
	return -1;
}

static int add(char (*table)[160], const char *text)
{
	int place = model_find(table, "");

	assert_true(place >= 0);
	snprintf(table[place], sizeof(table[place]), "%s", text);
	return place;
}

struct model_pair *model_find_pair(struct model_pair *table, const char *of, const char *name)
{
	for (size_t i = 0; i < MODEL_MAX; i++)
		if (strcmp(table[i].of, of) == 0 && strcmp(table[i].name, name) == 0)
			return &table[i];
	return NULL;
}

void model_add_pair(struct model_pair *table, const char *of, const char *name)
{
	struct model_pair *place = model_find_pair(table, "", "");

	assert_non_null(place);
	snprintf(place->of, sizeof(place->of), "%s", of);
	snprintf(place->name, sizeof(place->name), "%s", name);
}

size_t model_count_pairs(const struct model_pair *table, const char *of, const char *name)
{
	size_t count = 0;

	for (size_t i = 0; i < MODEL_MAX; i++)
		count += table[i].name[0] && (!of || strcmp(table[i].of, of) == 0) &&
			 (!name || strcmp(table[i].name, name) == 0);
	return count;
}

struct policy_name policy_name(const char *type, const char *name)
{
	struct policy_name policy;

	snprintf(policy.text, sizeof(policy.text), "%s %s", type, name);
	return policy;
}

void model_add_user(struct model *model, const char *user)
{
	model->user_numbers[add(model->users, user)] = 1000 + ++model->next_number;
}

void model_add_policy(struct model *model, const char *type, const char *name)
{
	int place = add(model->policies, policy_name(type, name).text);

	model->policy_numbers[place] = ++model->next_number;
}

void model_add_key(struct model *model, const char *user, const char *id)
{
	model_add_pair(model->keys, user, id);
}

const char *model_new_key(struct model *model, const char *user)
{
	char id[32];

	snprintf(id, sizeof(id), "LTAI%u", ++model->next_key);
	model_add_key(model, user, id);
	return model_find_pair(model->keys, user, id)->name;
}

void model_attach(struct model *model, const char *user, const char *type, const char *name)
{
	model_add_pair(model->attached, user, policy_name(type, name).text);
}

bool model_has_user(const struct model *model, const char *user)
{
	return model_find((char(*)[160])(uintptr_t)model->users, user) >= 0;
}

bool model_has_policy(const struct model *model, const char *type, const char *name)
{
	return model_find((char(*)[160])(uintptr_t)model->policies, policy_name(type, name).text) >=
	       0;
}

bool model_is_attached(const struct model *model, const char *user, const char *type,
		       const char *name)
{
	return model_count_pairs(model->attached, user, policy_name(type, name).text) > 0;
}

size_t model_keys_of(const struct model *model, const char *user)
{
	return model_count_pairs(model->keys, user, NULL);
}

size_t model_attachments_of(const struct model *model, const char *user)
{
	return model_count_pairs(model->attached, user, NULL);
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

/* ---- Faults ---- */

bool model_denies(const struct model *model, const char *action, const char *policy)
{
	char text[256];

	snprintf(text, sizeof(text), "%s %s", action, policy);
	for (size_t i = 0; i < 4 && model->denied[i]; i++)
		if (strncmp(text, model->denied[i], strlen(model->denied[i])) == 0)
			return true;
	return false;
}

void model_fail(struct model *model, size_t at, const struct model_fault *fault)
{
	model->fault_at = at;
	model->fault = fault->kind;
	model->fault_has_effect = fault->has_effect;
	model->fault_code = fault->code;
}

void model_add_others(struct model *model)
{
	model_add_policy(model, "System", "Read");
	model_add_policy(model, "Custom", "foreign");
	model_add_user(model, "other");
	model_add_key(model, "other", "LTAI9");
	model_attach(model, "other", "System", "Read");
	model_attach(model, "other", "Custom", "foreign");
}

void model_check_others(const struct model *model)
{
	assert_true(model_has_user(model, "other"));
	assert_int_equal(model_keys_of(model, "other"), 1);
	assert_int_equal(model_attachments_of(model, "other"), 2);
	assert_true(model_has_policy(model, "System", "Read"));
	assert_true(model_has_policy(model, "Custom", "foreign"));
}

unsigned model_draw(uint64_t *seed, unsigned below)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return (unsigned)((*seed >> 20) % below);
}

bool model_fails(struct model *model, struct answer *answer, model_give give, bool *faulty_out)
{
	*faulty_out = ++model->calls == model->fault_at;
	if (*faulty_out && model->fault == ANSWER_REFUSED) {
		give(answer, model->fault_code, NULL);
		return true;
	}
	if (!*faulty_out || model->fault_has_effect)
		return false;
	answer->kind = model->fault;
	return true;
}

void model_lose(const struct model *model, struct answer *answer, json_t *body)
{
	json_decref(body);
	answer->kind = model->fault;
}

bool model_is_late(struct model *model)
{
	if (!model->late)
		return false;
	model->late--;
	return true;
}
