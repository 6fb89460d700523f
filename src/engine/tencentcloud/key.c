/* SPDX-License-Identifier: Apache-2.0 */
/* The server's own credentials, when a mount has none: the environment, the profile file, then
 * federated login, then the instance's role. */
#include "engine/tencentcloud/tencentcloud_priv.h"

#include "engine/metadata.h"
#include "engine/session.h"
#include "engine/surroundings.h"

#define SESSION "leasehold"

const struct session_names tencentcloud_session_names = {
	.id = "TmpSecretId",
	.secret = "TmpSecretKey",
	.token = "Token",
	.end = "ExpiredTime",
};

/* The token is called otherwise by each of the vendor's tools. */
static const struct key_variables variables[] = {
	{ "TENCENTCLOUD_SECRET_ID",
	  "TENCENTCLOUD_SECRET_KEY",
	  { "TENCENTCLOUD_SESSION_TOKEN", "TENCENTCLOUD_TOKEN", "TENCENTCLOUD_SECURITY_TOKEN" } },
	{ NULL, NULL, { NULL } },
};

bool tencentcloud_environment_key(const struct surroundings *around, struct root_key *key)
{
	return surroundings_key(around, variables, key);
}

/* ---- Federated login ---- */

static bool wants_login(const struct surroundings *around)
{
	return surroundings_variable(around, "TKE_ROLE_ARN")[0] &&
	       surroundings_variable(around, "TKE_PROVIDER_ID")[0] &&
	       surroundings_variable(around, "TKE_WEB_IDENTITY_TOKEN_FILE")[0];
}

static enum verdict ask_login(struct step *step, const struct surroundings *around)
{
	size_t size = surroundings_login_token(around);
	struct call *call;

	if (!size)
		return step_fail(step, "the file that TKE_WEB_IDENTITY_TOKEN_FILE names cannot be "
				       "read or is empty");
	call = round_add(&step->next, &tencentcloud_sts, "AssumeRoleWithWebIdentity", CALL_READS,
			 0);
	if (call)
		call->anonymous = true;
	call_param(call, "ProviderId", surroundings_variable(around, "TKE_PROVIDER_ID"));
	call_value(call, "WebIdentityToken", json_stringn(around->login_token, size));
	call_param(call, "RoleArn", surroundings_variable(around, "TKE_ROLE_ARN"));
	call_param(call, "RoleSessionName", SESSION);
	return step_end(step, STEP_MORE);
}

/* ---- The instance's role ---- */

static const struct metadata_rules metadata = {
	.roles = "/latest/meta-data/cam/security-credentials/",
	.role = "CAM role",
	.names = &tencentcloud_session_names,
};

enum verdict tencentcloud_fetch_key(struct step *step, const struct surroundings *around,
				    struct root_key *key)
{
	if (!wants_login(around))
		return metadata_key(&metadata, step, around, key);
	if (step->answer_count)
		return session_take_key(&tencentcloud_session_names, step, key);
	return ask_login(step, around);
}
