/* SPDX-License-Identifier: Apache-2.0 */
/* The server's own credentials, when a mount has none: the environment, then federated login. */
#include "engine/alicloud/alicloud_priv.h"

#include <string.h>

#include "util/buf.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/json.h"
#include "util/text.h"
#include "util/wipe.h"

#define DEFAULT_SESSION "leasehold"

static const char *variable(const struct surroundings *around, const char *name)
{
	return json_get_text(around->environment, name);
}

int alicloud_fill_key(const struct session *session, struct root_key *key)
{
	const char *token = session->token ? session->token : "";

	key->id = wipe_copy(session->id, strlen(session->id));
	key->secret = wipe_copy(session->secret, strlen(session->secret));
	key->token = token[0] ? wipe_copy(token, strlen(token)) : NULL;
	key->expires_at = session->expires_at;
	if (key->id && key->secret && (key->token || !token[0]))
		return 0;
	root_key_clear(key);
	return LH_ENOMEM;
}

/* ---- Environment ---- */

/* The names of the cloud's older and newer tools; the older are those that the plugin reads. */
static const struct {
	const char *id, *secret, *token;
} names[] = {
	{ "ALICLOUD_ACCESS_KEY", "ALICLOUD_SECRET_KEY", "ALICLOUD_ACCESS_KEY_STS_TOKEN" },
	{ "ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
	  "ALIBABA_CLOUD_SECURITY_TOKEN" },
};

bool alicloud_environment_key(const struct surroundings *around, struct root_key *key)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct session found = {
			.id = variable(around, names[i].id),
			.secret = variable(around, names[i].secret),
			.token = variable(around, names[i].token),
		};

		if (found.id[0] && found.secret[0])
			return alicloud_fill_key(&found, key) == 0;
	}
	return false;
}

/* ---- Federated login ---- */

static bool wants_login(const struct surroundings *around)
{
	return variable(around, "ALIBABA_CLOUD_ROLE_ARN")[0] &&
	       variable(around, "ALIBABA_CLOUD_OIDC_PROVIDER_ARN")[0] &&
	       variable(around, "ALIBABA_CLOUD_OIDC_TOKEN_FILE")[0];
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
	const char *name = variable(around, "ALIBABA_CLOUD_ROLE_SESSION_NAME");
	struct buf body = BUF_INIT;
	char *text;

	add_text(&body, "OIDCProviderArn", variable(around, "ALIBABA_CLOUD_OIDC_PROVIDER_ARN"));
	add_pair(&body, "OIDCToken", around->login_token, strcspn(around->login_token, "\r\n"));
	add_text(&body, "RoleArn", variable(around, "ALIBABA_CLOUD_ROLE_ARN"));
	add_text(&body, "RoleSessionName", name[0] ? name : DEFAULT_SESSION);
	text = buf_take(&body);
	buf_free(&body);
	return text;
}

static enum verdict ask_login(struct step *step, const struct surroundings *around)
{
	struct call *call;

	if (!strcspn(around->login_token, "\r\n"))
		return alicloud_fail(step, "the file that ALIBABA_CLOUD_OIDC_TOKEN_FILE names "
					   "cannot be read or is empty");
	call = round_add(&step->next, NULL, "AssumeRoleWithOIDC", CALL_READS, 0);
	if (call) {
		call->endpoint = ENDPOINT_STS;
		call->method = "POST";
		call->path = login_path(around);
		call->body = login_body(around);
	}
	if (!call || !call->path || !call->body)
		return alicloud_fail(step, "memory is out");
	return STEP_MORE;
}

static enum verdict take_login(struct step *step, struct root_key *key)
{
	const struct answer *answer = &step->answers[0];
	struct session session;

	if (answer->kind != ANSWER_OK ||
	    alicloud_read_session(json_object_get(answer->body, "Credentials"), &session))
		return alicloud_blame(step, answer);
	if (alicloud_fill_key(&session, key))
		return alicloud_fail(step, "memory is out");
	return STEP_DONE;
}

enum verdict alicloud_fetch_key(struct step *step, const struct surroundings *around,
				struct root_key *key)
{
	if (!wants_login(around))
		return alicloud_metadata_key(step, around, key);
	return step->answer_count ? take_login(step, key) : ask_login(step, around);
}
