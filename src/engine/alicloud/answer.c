/* SPDX-License-Identifier: Apache-2.0 */
/* What the cloud's answers mean. Decided on status and Code, never on Message: its words differ
 * between documents and service, and may repeat what was sent, a session token included. */
#include "engine/alicloud/alicloud_priv.h"

#include <string.h>

#include "engine/step.h"
#include "util/json.h"
#include "util/text.h"

#define STATUS_REQUEST_TIMEOUT   408
#define STATUS_TOO_MANY_REQUESTS 429

/* ---- Reading ---- */

/* Gateways in front of the services write some members in lower case. */
static const char *member(const json_t *json, const char *name, const char *other)
{
	const char *text = json_get_text(json, name);

	return text[0] ? text : json_get_text(json, other);
}

static bool is_throttled(int status, const char *code)
{
	return status == STATUS_TOO_MANY_REQUESTS || text_starts_with(code, "Throttling") ||
	       text_ends_with(code, ".Throttling");
}

static enum answer_kind kind_of(int status, const json_t *json, const char *code)
{
	if (is_throttled(status, code))
		return ANSWER_THROTTLED;
	if (status >= 200 && status < 300)
		return json ? ANSWER_OK : ANSWER_UNSURE;
	if (status >= 500)
		return ANSWER_SICK;
	/* Cut short, or not of the cloud: it does not say what was done. */
	if (status >= 400 && !json)
		return ANSWER_UNSURE;
	/* Something between us and the cloud may have sent the call a second time, so that this is
	 * the answer to its echo. */
	if (status == STATUS_REQUEST_TIMEOUT || strcmp(code, "SignatureNonceUsed") == 0)
		return ANSWER_UNSURE;
	return ANSWER_REFUSED;
}

void alicloud_read_answer(int status, const json_t *json, struct answer *answer)
{
	answer_name(answer, member(json, "Code", "code"), member(json, "RequestId", "requestId"));
	answer->kind = kind_of(status, json, answer->code);
	answer_fill(answer, status, json);
}

/* ---- Codes ---- */

static const struct code_advice families[] = {
	{ "NoPermission", true,
	  "the configured key may not do this, or the role does not trust it; see README, \"Least "
	  "privilege\"" },
	{ "InvalidAccessKeyId.Inactive", true, "the configured key is disabled" },
	{ "InvalidAccessKeyId", true,
	  "the cloud does not know the configured key; keys of the China and the international "
	  "site are not the same" },
	{ "SignatureDoesNotMatch", true, "the secret of the configured key is wrong" },
	{ "IncompleteSignature", true, "the configured key is malformed" },
	{ "InvalidTimeStamp", true,
	  "the clocks of this machine and of the cloud are more than 15 minutes apart" },
	{ "MissingSecurityToken", true,
	  "the configured key is a temporary one, which needs its token; configure a lasting key" },
	{ "InvalidSecurityToken", false,
	  "the temporary root credentials are over or do not belong together" },
	{ "AuthenticationFail", true,
	  "the cloud does not accept the login token; check the identity provider and the role's "
	  "trust policy" },
	{ "Inactive", true, "Resource Access Management is not activated for the account" },
	{ "EntityNotExist.Role", true, "there is no such role; check role_arn" },
	{ "EntityNotExist.Policy", false, "there is no such policy; check remote_policies" },
	{ "MalformedPolicyDocument", false,
	  "the cloud does not understand a policy document; check inline_policies" },
	{ "InvalidAction", true, "check ram_endpoint and sts_endpoint" },
	{ "InvalidVersion", true, "check ram_endpoint and sts_endpoint" },
	{ "LimitExceeded", true,
	  "a quota of the account is used up; have it raised, or remove what is not needed" },
	{ "DeleteConflict.User.Group", true,
	  "somebody put the user into a group; take it out there" },
	{ "DeleteConflict.User.LoginProfile", true,
	  "somebody gave the user a console login; remove it there" },
	{ "DeleteConflict.User.MFADevice", true,
	  "somebody gave the user an MFA device; remove it there" },
	{ "DeleteConflict.User", false, "something is still attached to the user" },
	{ "DeleteConflict.Policy", false,
	  "the policy is still attached; if to something made by hand, detach it there" },
	{ NULL, false, "" },
};

const char *alicloud_advice(const char *code)
{
	return code_advice(families, code);
}

bool alicloud_needs_operator(const char *code)
{
	return code_needs_operator(families, code);
}
