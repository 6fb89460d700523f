/* SPDX-License-Identifier: Apache-2.0 */
/* What the cloud's answers mean. A refusal comes with status 200 and stands in Response.Error; it is
 * decided on its code, never on its message, which depends on the language and may repeat what was
 * sent. Any other status is of something between us and the cloud. */
#include "engine/tencentcloud/tencentcloud_priv.h"

#include <string.h>

#include "util/json.h"

#define STATUS_TOO_MANY_REQUESTS 429

/* ---- Reading ---- */

/* Refused before it was executed; but the daily limit of an account whose owner is not verified does
 * not end by waiting a little. */
static bool is_throttled(const char *code)
{
	if (strcmp(code, "RequestLimitExceeded.CreateUser") == 0)
		return false;
	return code_is_of(code, "RequestLimitExceeded") ||
	       strcmp(code, "InvalidParameter.OverLimit") == 0;
}

/* These two say that there is no such role. */
static bool is_sick(const char *code)
{
	if (strcmp(code, "InternalError.IllegalRole") == 0 ||
	    strcmp(code, "InternalError.GetRoleError") == 0)
		return false;
	return code_is_of(code, "InternalError") || code_is_of(code, "ServiceUnavailable");
}

static enum answer_kind kind_of(int status, const json_t *response, const char *code)
{
	if (is_throttled(code) || status == STATUS_TOO_MANY_REQUESTS)
		return ANSWER_THROTTLED;
	if (is_sick(code) || status >= 500)
		return ANSWER_SICK;
	if (status < 200 || status >= 300)
		return ANSWER_UNSURE;
	if (code[0])
		return ANSWER_REFUSED;
	/* An error without a code, or something else than an answer of the cloud. */
	if (!json_is_object(response) || json_object_get(response, "Error"))
		return ANSWER_UNSURE;
	return ANSWER_OK;
}

/* An older gateway answers {"code": 4100, "message", "codeDesc"}. */
static const char *code_of(const json_t *json, const json_t *response)
{
	if (json_is_object(response))
		return json_get_text(json_object_get(response, "Error"), "Code");
	return json_get_int(json, "code", 0) ? json_get_text(json, "codeDesc") : "";
}

void tencentcloud_read_answer(int status, const json_t *json, struct answer *answer)
{
	const json_t *response = json_object_get(json, "Response");

	answer_name(answer, code_of(json, response), json_get_text(response, "RequestId"));
	answer->kind = kind_of(status, response, answer->code);
	answer_fill(answer, status, json_is_object(response) ? response : NULL);
}

/* ---- Codes ---- */

static const struct code_advice families[] = {
	{ "AuthFailure.SecretIdNotFound", true,
	  "the cloud does not know the configured key; it may have been deleted, or be of the "
	  "other "
	  "site" },
	{ "AuthFailure.InvalidSecretId", true,
	  "the configured key is disabled or not of this kind" },
	{ "AuthFailure.SignatureFailure", true, "the secret of the configured key is wrong" },
	{ "AuthFailure.AccessKeyIllegal", true, "the configured key is malformed" },
	{ "AuthFailure.InvalidAuthorization", true, "the configured key is malformed" },
	{ "AuthFailure.SignatureExpire", true,
	  "the clocks of this machine and of the cloud are more than 5 minutes apart" },
	{ "AuthFailure.TokenFailure", false,
	  "the temporary root credentials are over or do not belong together" },
	{ "AuthFailure.MFAFailure", true,
	  "the configured key may be used with a second factor only" },
	{ "AuthFailure.UnauthorizedOperation", true,
	  "the configured key may not do this; see README, \"Least privilege\"" },
	{ "UnauthorizedOperation.DeleteApiKey", true,
	  "the configured key needs cam:DeleteApiKey to delete a user together with its keys; see "
	  "README, \"Least privilege\"" },
	{ "UnauthorizedOperation", true,
	  "the configured key may not do this, or the role does not trust it; see README, \"Least "
	  "privilege\"" },
	{ "IpInBlacklist", true, "the account does not let this machine's address in" },
	{ "IpNotInWhitelist", true, "the account does not let this machine's address in" },
	{ "ResourceNotFound.RoleNotFound", true, "there is no such role; check role_arn" },
	{ "InternalError.IllegalRole", true, "there is no such role; check role_arn" },
	{ "InternalError.GetRoleError", true, "there is no such role; check role_arn" },
	{ "InvalidParameter.WebIdentityTokenError", true,
	  "the cloud does not accept the login token; check the identity provider and the role's "
	  "trust policy" },
	{ "InvalidParameter.SubUserFull", true,
	  "the quota of users is used up: the account has as many users as it may; remove what is "
	  "not needed" },
	{ "RequestLimitExceeded.CreateUser", true,
	  "an account whose owner is not verified may make 10 users a day" },
	{ "FailedOperation.PolicyFull", true,
	  "a quota of policies is used up; remove what is not needed" },
	{ "InvalidParameter.AttachmentFull", true,
	  "more policies are attached to the user than the account may" },
	{ "FailedOperation.ForbidAdd", true, "the account may not make users" },
	{ "FailedOperation.ExistHighRiskOperations", true,
	  "the protection of the account wants a person to confirm; exempt the configured key" },
	{ "FailedOperation.OrganizationPolicyOperateError", true,
	  "the organization manages this policy" },
	{ "FailedOperation.Unmodifiable", true, "somebody has protected the user against changes" },
	{ "InvalidParameter.PolicyIdNotExist", false,
	  "there is no such policy; check remote_policies" },
	{ "ResourceNotFound.PolicyIdNotFound", false,
	  "there is no such policy; check remote_policies" },
	{ "InvalidParameter.PolicyDocumentLengthOverLimit", false,
	  "a policy document is too long; check inline_policies" },
	{ "InvalidParameter.PolicyDocumentError", false,
	  "the cloud does not understand a policy document; check inline_policies" },
	{ "InvalidAction", true, "check cam_endpoint and sts_endpoint" },
	{ "NoSuchVersion", true, "check cam_endpoint and sts_endpoint" },
	{ "NoSuchProduct", true, "check cam_endpoint and sts_endpoint" },
	{ "UnsupportedRegion", true, "check region in the engine's block of the configuration" },
	{ NULL, false, "" },
};

/* Codes about a part of a policy document: "InvalidParameter.ActionNotExist". */
static bool is_of_document(const char *code)
{
	static const char *const parts[] = { "Version",  "Statement", "Effect",   "Action",
					     "Resource", "Condition", "Principal" };
	static const char head[] = "InvalidParameter.";

	if (strncmp(code, head, strlen(head)) != 0)
		return false;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (strncmp(code + strlen(head), parts[i], strlen(parts[i])) == 0)
			return true;
	}
	return false;
}

const char *tencentcloud_advice(const char *code)
{
	return code_advice(families,
			   is_of_document(code) ? "InvalidParameter.PolicyDocumentError" : code);
}

bool tencentcloud_needs_operator(const char *code)
{
	return code_needs_operator(families, code);
}
