/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_engine.h"

#include <string.h>

#include "sign/sign.h"

struct fake fake;

static const struct field no_fields[] = { { .name = NULL } };
static const struct service service = { "fake", "1", ENDPOINT_USER };

static const struct quota quotas[] = { { "*", 1000 }, { 0 } };

static int check_config(const json_t *stored, const json_t *input, json_t **config_out,
			struct err *err)
{
	(void)stored;
	(void)err;
	*config_out = json_deep_copy(input);
	return 0;
}

static json_t *show(const json_t *value)
{
	return json_deep_copy(value);
}

static int check_role(const json_t *stored, const json_t *input, const struct role_limits *limits,
		      const char *random, json_t **role_out, struct warnings *warnings,
		      struct err *err)
{
	(void)limits;
	(void)random;
	(void)warnings;
	return check_config(stored, input, role_out, err);
}

static void role_ttl(const json_t *role, int64_t *ttl_out, int64_t *max_ttl_out)
{
	(void)role;
	*ttl_out = fake.ttl;
	*max_ttl_out = fake.max_ttl;
}

static int plan(const struct plan_request *request, json_t **plan_out, bool *lasting_out,
		struct err *err)
{
	(void)err;
	fake.plans++;
	*lasting_out = fake.lasting;
	*plan_out = json_pack("{s:s}", "user", request->random);
	return 0;
}

static enum verdict end(struct step *step, enum verdict verdict)
{
	step->mistake = fake.mistake;
	if (verdict == STEP_MORE)
		round_add(&step->next, &service, "Create", CALL_CREATES, 0);
	if (verdict == STEP_FAILED && fake.culprit.action)
		step->culprit = &fake.culprit;
	if (verdict == STEP_FAILED)
		strcpy(step->reason, "the fake cloud said no");
	return verdict;
}

static json_t *answered(const json_t *role)
{
	json_t *copy = fake.answer ? json_deep_copy(role) : NULL;

	json_object_set_new(copy, "answer", json_string(fake.answer));
	return copy;
}

/* The first time it is only asked whether it has a question. */
static enum verdict resolve_role(struct step *step)
{
	if (!fake.asks)
		return STEP_DONE;
	if (!fake.resolves++)
		return STEP_MORE;
	if (fake.resolve == STEP_DONE)
		step->role_out = answered(step->role);
	return end(step, fake.resolve);
}

static enum verdict issue(struct step *step)
{
	fake.issues++;
	if (fake.during_issue)
		fake.during_issue();
	if (fake.issue == STEP_DONE) {
		step->data = json_pack("{s:s}", "secret", "only for the caller");
		step->facts_out = json_pack("{s:s}", "id", "of the key");
		step->expires_at = fake.expires_at;
		step->role_out = answered(step->role);
	}
	return end(step, fake.issue);
}

static enum verdict revoke(struct step *step)
{
	fake.revokes++;
	fake.parts[step->part]++;
	fake.keys_after_rest |= step->part == REVOKE_KEYS && fake.parts[REVOKE_REST];
	return end(step, fake.revoke);
}

static bool renewable(const json_t *of)
{
	(void)of;
	return fake.lasting;
}

static void read_answer(int status, const json_t *json, struct answer *answer)
{
	(void)status;
	(void)json;
	answer->kind = ANSWER_SICK;
}

static const char *advice(const char *code)
{
	return strcmp(code, "NoPermission") == 0 ? "ask an operator" : "";
}

static bool needs_operator(const char *code)
{
	return strcmp(code, "NoPermission") == 0;
}

static const char *const environment[] = { NULL };

static bool environment_key(const struct surroundings *around, struct root_key *key)
{
	(void)around;
	(void)key;
	return false;
}

static enum verdict fetch_key(struct step *step, const struct surroundings *around,
			      struct root_key *key)
{
	(void)around;
	(void)key;
	strcpy(step->reason, "nowhere");
	return STEP_FAILED;
}

const struct engine engine_fake = {
	.type = "fake",
	.help = "",
	.scheme = &sign_acs3,
	.quotas = quotas,
	.config_fields = no_fields,
	.role_fields = no_fields,
	.creds_fields = no_fields,
	.check_config = check_config,
	.show_config = show,
	.check_role = check_role,
	.show_role = show,
	.role_ttl = role_ttl,
	.resolve_role = resolve_role,
	.plan = plan,
	.issue = issue,
	.revoke = revoke,
	.renewable = renewable,
	.read_answer = read_answer,
	.advice = advice,
	.needs_operator = needs_operator,
	.identity_service = &service,
	.identity_action = "GetCallerIdentity",
	.identity_field = "AccountId",
	.config_id_field = "id",
	.config_secret_field = "secret",
	.environment = environment,
	.token_file_variable = "TOKEN_FILE",
	.environment_key = environment_key,
	.fetch_key = fetch_key,
};

const struct engine *const engine_all[] = { &engine_fake, NULL };

void fake_reset(void)
{
	memset(&fake, 0, sizeof(fake));
	fake.issue = fake.revoke = STEP_DONE;
	fake.lasting = true;
}
