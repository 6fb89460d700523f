/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/tencentcloud/tencentcloud.h"

#include "conf/engine_keys.h"
#include "engine/pair.h"
#include "engine/plan.h"
#include "engine/role.h"
#include "engine/tencentcloud/tencentcloud_priv.h"
#include "sign/sign.h"

/* The escaped slashes of the metadata endpoint mean nothing to JSON. They keep this text from having
 * exactly 32 bytes with its quotes: when memory is out at the closing quote of such a text, Jansson
 * reads beyond it. */
static const struct conf_key conf_keys[] = {
	CONF_ENDPOINT("cam_endpoint", user_endpoint, "https://cam.tencentcloudapi.com"),
	CONF_ENDPOINT("sts_endpoint", sts_endpoint, "https://sts.tencentcloudapi.com"),
	CONF_METADATA_ENDPOINT("http:\\/\\/metadata.tencentyun.com", "metadata.tencentyun.com"),
	CONF_REGION("ap-guangzhou"),
	CONF_ENGINE_KEYS,
	{ 0 },
};

static const struct field config_fields[] = {
	{ "secret_id", FIELD_STRING,
	  "Id of the key with which the server makes and removes users, or assumes roles.", false,
	  false },
	{ "secret_key", FIELD_STRING, "Secret of that key. It is never shown again.", false, true },
	{ 0 },
};

static const struct field role_fields[] = {
	{ "role_arn", FIELD_STRING,
	  "ARN of a CAM role to assume, qcs::cam::uin/<account id>:roleName/<name>. The role must "
	  "trust the owner of the configured key. Excludes inline_policies and remote_policies.",
	  false, false },
	ROLE_FIELD_INLINE,
	{ "remote_policies", FIELD_STRINGS,
	  "Policies that exist already and are attached to every user that is made, for example "
	  "\"policy_name:QcloudCOSReadOnlyAccess,scope:QCS\"; the name is exact, scope is All, QCS "
	  "(the cloud's own) or Local (the account's).",
	  false, false },
	ROLE_FIELD_TTL,
	ROLE_FIELD_MAX_TTL,
	{ 0 },
};

static const struct field creds_fields[] = {
	{ "external_id", FIELD_STRING,
	  "The external id that the trust policy of the assumed role asks for.", false, false },
	{ 0 },
};

/* Per account, all its users together. */
static const struct quota quotas[] = {
	{ "DeleteAccessKey", 5 },
	{ "UpdateAccessKey", 5 },
	{ "CreatePolicy", 10 },
	{ "DeletePolicy", 10 },
	{ "AttachUserPolicy", 10 },
	{ "DetachUserPolicy", 10 },
	{ "AssumeRole", 600 },
	{ "*", 20 },
	{ 0 },
};

static const char *const environment[] = {
	"TENCENTCLOUD_SECRET_ID",
	"TENCENTCLOUD_SECRET_KEY",
	"TENCENTCLOUD_SESSION_TOKEN",
	"TENCENTCLOUD_TOKEN",
	"TENCENTCLOUD_SECURITY_TOKEN",
	"TENCENTCLOUD_CREDENTIALS_FILE",
	"HOME",
	"TKE_PROVIDER_ID",
	"TKE_ROLE_ARN",
	"TKE_WEB_IDENTITY_TOKEN_FILE",
	NULL,
};

static const struct pair pair = { "secret_id", "secret_key", PAIR_MERGED };

static int check_config(const json_t *stored, const json_t *input, json_t **config_out,
			struct err *err)
{
	return pair_check(&pair, stored, input, config_out, err);
}

static json_t *show_config(const json_t *config)
{
	return pair_show(&pair, config);
}

const struct engine engine_tencentcloud = {
	.type = "tencentcloud",
	.help = "Lends credentials of Tencent Cloud. A role with policies makes a CAM user with "
		"these policies and an access key for each credential, and removes all of it when "
		"the lease ends. A role with an ARN assumes that CAM role; such a credential "
		"cannot be renewed or revoked, it ends by itself. Write the server's own key to "
		"config, a role to role/<name>, and read creds/<name>.",
	.conf_keys = conf_keys,
	.signature_validity = 10 * 60, /* 5 minutes off, to either side */
	.scheme = &sign_tc3,
	.quotas = quotas,
	.config_fields = config_fields,
	.role_fields = role_fields,
	.creds_fields = creds_fields,
	.check_config = check_config,
	.config_is_merged = true,
	.show_config = show_config,
	.check_role = tencentcloud_check_role,
	.show_role = role_show,
	.role_ttl = role_ttl,
	.resolve_role = tencentcloud_resolve_role,
	.plan = tencentcloud_plan,
	.issue = tencentcloud_issue,
	.revoke = tencentcloud_revoke,
	.renewable = plan_renewable,
	.read_answer = tencentcloud_read_answer,
	.advice = tencentcloud_advice,
	.needs_operator = tencentcloud_needs_operator,
	.identity_service = &tencentcloud_sts,
	.identity_action = "GetCallerIdentity",
	.identity_field = "AccountId",
	.config_id_field = "secret_id",
	.config_secret_field = "secret_key",
	.environment = environment,
	.token_file_variable = "TKE_WEB_IDENTITY_TOKEN_FILE",
	.environment_key = tencentcloud_environment_key,
	.profile_variable = "TENCENTCLOUD_CREDENTIALS_FILE",
	.profile_file = ".tencentcloud/credentials",
	.profile_of_machine = "/etc/tencentcloud/credentials",
	.profile_key = tencentcloud_profile_key,
	.fetch_key = tencentcloud_fetch_key,
};
