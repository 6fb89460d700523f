/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/alicloud/alicloud.h"

#include "conf/engine_keys.h"
#include "engine/alicloud/alicloud_priv.h"
#include "engine/pair.h"
#include "engine/plan.h"
#include "engine/role.h"
#include "sign/sign.h"

static const struct conf_key conf_keys[] = {
	CONF_ENDPOINT("ram_endpoint", user_endpoint, "https://ram.aliyuncs.com"),
	CONF_ENDPOINT("sts_endpoint", sts_endpoint, "https://sts.aliyuncs.com"),
	CONF_METADATA_ENDPOINT("http://100.100.100.200", "100.100.100.200"),
	CONF_ENGINE_KEYS,
	{ 0 },
};

static const struct field config_fields[] = {
	{ "access_key", FIELD_STRING,
	  "Id of the access key with which the server makes and removes users, or assumes roles.",
	  true, false },
	{ "secret_key", FIELD_STRING, "Secret of that access key. It is never shown again.", true,
	  true },
	{ 0 },
};

static const struct field role_fields[] = {
	{ "role_arn", FIELD_STRING,
	  "ARN of a RAM role to assume, acs:ram::<account id>:role/<name>. The role must trust the "
	  "owner of the configured key. Excludes inline_policies and remote_policies.",
	  false, false },
	ROLE_FIELD_INLINE,
	{ "remote_policies", FIELD_STRINGS,
	  "Policies that exist already and are attached to every user that is made, for example "
	  "\"name:AliyunOSSReadOnlyAccess,type:System\"; type is System or Custom.",
	  false, false },
	ROLE_FIELD_TTL,
	ROLE_FIELD_MAX_TTL,
	{ 0 },
};

static const struct field creds_fields[] = { { 0 } };

/* Per account, all its users together. What CreateUser, DeleteAccessKey and DetachPolicyFromUser may
 * do is nowhere written; these are the figures of their siblings. */
static const struct quota quotas[] = {
	{ "AttachPolicyToUser", 10 },
	{ "DetachPolicyFromUser", 10 },
	{ "CreateUser", 20 },
	{ "DeleteUser", 20 },
	{ "CreateAccessKey", 20 },
	{ "DeleteAccessKey", 20 },
	{ "CreatePolicy", 20 },
	{ "DeletePolicy", 20 },
	{ "*", 100 },
	{ 0 },
};

static const char *const environment[] = {
	"ALICLOUD_ACCESS_KEY",
	"ALICLOUD_SECRET_KEY",
	"ALICLOUD_ACCESS_KEY_STS_TOKEN",
	"ALIBABA_CLOUD_ACCESS_KEY_ID",
	"ALIBABA_CLOUD_ACCESS_KEY_SECRET",
	"ALIBABA_CLOUD_SECURITY_TOKEN",
	"ALIBABA_CLOUD_ROLE_ARN",
	"ALIBABA_CLOUD_OIDC_PROVIDER_ARN",
	"ALIBABA_CLOUD_OIDC_TOKEN_FILE",
	"ALIBABA_CLOUD_ROLE_SESSION_NAME",
	"ALIBABA_CLOUD_ECS_METADATA",
	"ALIBABA_CLOUD_ECS_METADATA_DISABLED",
	"ALIBABA_CLOUD_IMDSV1_DISABLED",
	NULL,
};

static const struct pair pair = { "access_key", "secret_key", PAIR_WHOLE };

static int check_config(const json_t *stored, const json_t *input, json_t **config_out,
			struct err *err)
{
	return pair_check(&pair, stored, input, config_out, err);
}

static json_t *show_config(const json_t *config)
{
	return pair_show(&pair, config);
}

const struct engine engine_alicloud = {
	.type = "alicloud",
	.help = "Lends credentials of Alibaba Cloud. A role with policies makes a RAM user with "
		"these policies and an access key for each credential, and removes all of it when "
		"the lease ends. A role with an ARN assumes that RAM role; such a credential "
		"cannot be renewed or revoked, it ends by itself. Write the server's own key to "
		"config, a role to role/<name>, and read creds/<name>.",
	.conf_keys = conf_keys,
	.signature_validity = 15 * 60,
	.scheme = &sign_acs3,
	.quotas = quotas,
	.config_fields = config_fields,
	.role_fields = role_fields,
	.creds_fields = creds_fields,
	.check_config = check_config,
	.show_config = show_config,
	.check_role = alicloud_check_role,
	.show_role = role_show,
	.role_ttl = role_ttl,
	.plan = alicloud_plan,
	.issue = alicloud_issue,
	.revoke = alicloud_revoke,
	.renewable = plan_renewable,
	.read_answer = alicloud_read_answer,
	.advice = alicloud_advice,
	.needs_operator = alicloud_needs_operator,
	.identity_service = &alicloud_sts,
	.identity_action = "GetCallerIdentity",
	.identity_field = "AccountId",
	.config_id_field = "access_key",
	.config_secret_field = "secret_key",
	.environment = environment,
	.token_file_variable = "ALIBABA_CLOUD_OIDC_TOKEN_FILE",
	.environment_key = alicloud_environment_key,
	.fetch_key = alicloud_fetch_key,
};
