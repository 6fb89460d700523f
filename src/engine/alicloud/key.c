/* SPDX-License-Identifier: Apache-2.0 */
/* The server's own credentials, when a mount has none: the environment, then federated login, then
 * the instance's role. */
#include "engine/alicloud/alicloud_priv.h"

#include <string.h>

#include "engine/metadata.h"
#include "engine/surroundings.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/json.h"
#include "util/text.h"

#define DEFAULT_SESSION "leasehold"

const struct session_names alicloud_session_names = {
	.id = "AccessKeyId",
	.secret = "AccessKeySecret",
	.token = "SecurityToken",
	.end = "Expiration",
};

/* The names of the cloud's older and newer tools; the older are those that the plugin reads. */
static const struct key_variables variables[] = {
	{ "ALICLOUD_ACCESS_KEY", "ALICLOUD_SECRET_KEY", { "ALICLOUD_ACCESS_KEY_STS_TOKEN" } },
	{ "ALIBABA_CLOUD_ACCESS_KEY_ID",
	  "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
	  { "ALIBABA_CLOUD_SECURITY_TOKEN" } },
	{ NULL, NULL, { NULL } },
};

bool alicloud_environment_key(const struct surroundings *around, struct root_key *key)
{
	return surroundings_key(around, variables, key);
}

/* ---- Federated login ---- */

static bool wants_login(const struct surroundings *around)
{
	return surroundings_variable(around, "ALIBABA_CLOUD_ROLE_ARN")[0] &&
	       surroundings_variable(around, "ALIBABA_CLOUD_OIDC_PROVIDER_ARN")[0] &&
	       surroundings_variable(around, "ALIBABA_CLOUD_OIDC_TOKEN_FILE")[0];
}

static void add_pair(struct buf *out, const char *name, const char *value, size_t size)
{
	if (out->size && out->data[out->size - 1] != '?')
		buf_add_char(out, '&');
	buf_add_text(out, name);
	buf_add_char(out, '=');
	text_percent_encode(out, value, size);
}

static void add_text(struct buf *out, const char *name, const char *value)
{
	add_pair(out, name, value, strlen(value));
}

/* An unsigned call, so it carries in its query what a signature would. */
static char *login_path(const struct surroundings *around)
{
	struct buf path = BUF_INIT;
	char timestamp[40], *text;

	clock_format(around->now, timestamp);
	buf_add_text(&path, "/?");
	add_text(&path, "Action", "AssumeRoleWithOIDC");
	add_text(&path, "Format", "JSON");
	add_text(&path, "SignatureNonce", around->random);
	add_text(&path, "Timestamp", timestamp);
	add_text(&path, "Version", alicloud_sts.version);
	text = buf_take(&path);
	buf_free(&path);
	return text;
}

/* The login token stays out of the URL, which proxies and logs may see. */
static char *login_body(const struct surroundings *around)
{
	const char *name = surroundings_variable(around, "ALIBABA_CLOUD_ROLE_SESSION_NAME");
	struct buf body = BUF_INIT;
	char *text;

	add_text(&body, "OIDCProviderArn",
		 surroundings_variable(around, "ALIBABA_CLOUD_OIDC_PROVIDER_ARN"));
	add_pair(&body, "OIDCToken", around->login_token, surroundings_login_token(around));
	add_text(&body, "RoleArn", surroundings_variable(around, "ALIBABA_CLOUD_ROLE_ARN"));
	add_text(&body, "RoleSessionName", name[0] ? name : DEFAULT_SESSION);
	text = buf_take(&body);
	buf_free(&body);
	return text;
}

static enum verdict ask_login(struct step *step, const struct surroundings *around)
{
	struct call *call;

	if (!surroundings_login_token(around))
		return step_fail(step, "the file that ALIBABA_CLOUD_OIDC_TOKEN_FILE names "
				       "cannot be read or is empty");
	call = round_add(&step->next, NULL, "AssumeRoleWithOIDC", CALL_READS, 0);
	if (call) {
		call->endpoint = ENDPOINT_STS;
		call->method = "POST";
		call->path = login_path(around);
		call->body = login_body(around);
	}
	if (!call || !call->path || !call->body)
		return step_fail(step, "memory is out");
	return STEP_MORE;
}

/* ---- The instance's role ---- */

/* Only the hardened way is used: a token is fetched by PUT and shown with each GET, so that a
 * forged request that makes some service on the instance read a URL gets nothing.
 * ALIBABA_CLOUD_IMDSV1_DISABLED, which forbids the other way, has nothing to forbid here. */
static const struct metadata_rules metadata = {
	.roles = "/latest/meta-data/ram/security-credentials/",
	.role = "RAM role",
	.names = &alicloud_session_names,
	.token_path = "/latest/api/token",
	/* It is needed for the two calls that follow. */
	.token_request = "X-aliyun-ecs-metadata-token-ttl-seconds: 300",
	.token_header = "X-aliyun-ecs-metadata-token",
	.role_variable = "ALIBABA_CLOUD_ECS_METADATA",
	.disabled_variable = "ALIBABA_CLOUD_ECS_METADATA_DISABLED",
};

enum verdict alicloud_fetch_key(struct step *step, const struct surroundings *around,
				struct root_key *key)
{
	if (!wants_login(around))
		return metadata_key(&metadata, step, around, key);
	if (step->answer_count)
		return session_take_key(&alicloud_session_names, step, key);
	return ask_login(step, around);
}
