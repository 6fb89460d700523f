/* SPDX-License-Identifier: Apache-2.0 */
#include "thirdcloud.h"

#include <string.h>

#include "conf/engine_keys.h"
#include "engine/pair.h"
#include "engine/plan.h"
#include "engine/session.h"
#include "engine/step.h"
#include "engine/surroundings.h"
#include "sign/sign.h"
#include "util/err.h"
#include "util/json.h"

static const struct conf_key conf_keys[] = {
	CONF_ENDPOINT("api_endpoint", user_endpoint, "https://api.third.invalid"),
	CONF_ENGINE_KEYS,
	{ 0 },
};

static const struct field config_fields[] = {
	{ "id", FIELD_STRING, "Id of the server's key.", true, false },
	{ "secret", FIELD_STRING, "Its secret.", true, true },
	{ 0 },
};

static const struct field role_fields[] = {
	{ "rights", FIELD_STRINGS, "What users may do: read, write, admin.", false, false },
	{ "role", FIELD_STRING, "A role to borrow. Excludes rights.", false, false },
	{ "ttl", FIELD_DURATION, "How long a credential lives unless renewed.", false, false },
	{ "max_ttl", FIELD_DURATION, "How long it lives at most.", false, false },
	{ 0 },
};

static const struct field creds_fields[] = { { 0 } };

static const struct quota quotas[] = { { "MakeKey", 5 }, { "*", 100 }, { 0 } };

static const struct pair pair = { "id", "secret", PAIR_WHOLE };

static int check_config(const json_t *stored, const json_t *input, json_t **config_out,
			struct err *err)
{
	return pair_check(&pair, stored, input, config_out, err);
}

static json_t *show_config(const json_t *config)
{
	return pair_show(&pair, config);
}

/* ---- Roles ---- */

static int check_role(const json_t *stored, const json_t *input, const struct role_limits *limits,
		      const char *random, json_t **role_out, struct warnings *warnings,
		      struct err *err)
{
	json_t *role = json_pack("{s:[], s:s, s:i, s:i}", "rights", "role", "", "ttl", 0, "max_ttl",
				 0);
	bool borrowed, granted;

	(void)limits;
	(void)random;
	(void)warnings;
	*role_out = NULL;
	if (!role || (stored && json_object_update_existing(role, (json_t *)(uintptr_t)stored)) ||
	    json_object_update_existing(role, (json_t *)(uintptr_t)input)) {
		json_decref(role);
		return err_set(err, LH_ENOMEM, "memory is out");
	}
	borrowed = json_get_text(role, "role")[0];
	granted = json_array_size(json_object_get(role, "rights")) > 0;
	if (borrowed == granted) {
		json_decref(role);
		return err_set(err, LH_EINVAL, "either rights or role must be set");
	}
	*role_out = role;
	return 0;
}

static json_t *show_role(const json_t *role)
{
	return json_deep_copy(role);
}

static void role_ttl(const json_t *role, int64_t *ttl_out, int64_t *max_ttl_out)
{
	*ttl_out = json_get_int(role, "ttl", 0);
	*max_ttl_out = json_get_int(role, "max_ttl", 0);
}

/* ---- Plans ---- */

static const struct plan_shape shape = {
	.user_kind = "user",
	.user = { 40, 12, 20, true },
	.session = { 40, 12, 16, true },
};

/* The common planner knows rights as remote policies and a role as its ARN. */
static int plan(const struct plan_request *request, json_t **plan_out, bool *lasting_out,
		struct err *err)
{
	struct plan_request ours = *request;
	json_t *role = json_pack("{s:O, s:O}", "role_arn", json_object_get(request->role, "role"),
				 "remote_policies", json_object_get(request->role, "rights"));
	int ret;

	*plan_out = NULL;
	*lasting_out = false;
	if (!role)
		return err_set(err, LH_ENOMEM, "memory is out");
	ours.role = role;
	ret = plan_make(&shape, &ours, plan_out, lasting_out, err);
	json_decref(role);
	return ret;
}

/* ---- The server's own key ---- */

static const char *const environment[] = { "THIRD_ID", "THIRD_SECRET", "THIRD_TOKEN", NULL };

static const struct key_variables variables[] = {
	{ "THIRD_ID", "THIRD_SECRET", { "THIRD_TOKEN" } },
	{ NULL, NULL, { NULL } },
};

static bool environment_key(const struct surroundings *around, struct root_key *key)
{
	return surroundings_key(around, variables, key);
}

static enum verdict fetch_key(struct step *step, const struct surroundings *around,
			      struct root_key *key)
{
	(void)around;
	(void)key;
	return step_fail(step, "this cloud has no metadata service");
}

const struct engine engine_thirdcloud = {
	.type = "thirdcloud",
	.help = "Lends credentials of a cloud that the tests play.",
	.conf_keys = conf_keys,
	.signature_validity = 15 * 60,
	.scheme = &sign_acs3,
	.quotas = quotas,
	.config_fields = config_fields,
	.role_fields = role_fields,
	.creds_fields = creds_fields,
	.check_config = check_config,
	.show_config = show_config,
	.check_role = check_role,
	.show_role = show_role,
	.role_ttl = role_ttl,
	.plan = plan,
	.issue = thirdcloud_issue,
	.revoke = thirdcloud_revoke,
	.renewable = plan_renewable,
	.read_answer = thirdcloud_read_answer,
	.advice = thirdcloud_advice,
	.needs_operator = thirdcloud_needs_operator,
	.identity_service = &thirdcloud_api,
	.identity_action = "WhoAmI",
	.identity_field = "Account",
	.config_id_field = "id",
	.config_secret_field = "secret",
	.environment = environment,
	.token_file_variable = "THIRD_TOKEN_FILE",
	.environment_key = environment_key,
	.fetch_key = fetch_key,
};
