/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials of the instance's own role, from the metadata service.
 *
 * Only the hardened way is used: a token is fetched by PUT and shown with each GET, so that a
 * forged request that makes some service on the instance read a URL gets nothing.
 * ALIBABA_CLOUD_IMDSV1_DISABLED, which forbids the other way, has nothing to forbid here. */
#include "engine/alicloud/alicloud_priv.h"

#include <string.h>
#include <strings.h>

#include "util/buf.h"
#include "util/err.h"
#include "util/json.h"
#include "util/wipe.h"

#define ROLES "/latest/meta-data/ram/security-credentials/"

/* The token is needed for the two calls that follow. */
#define TOKEN_REQUEST "X-aliyun-ecs-metadata-token-ttl-seconds: 300"
#define TOKEN_MAX     1024

#define ROLE_NAME_MAX 64

enum metadata_tag { TAG_TOKEN, TAG_ROLE, TAG_KEY };

static const char *variable(const struct surroundings *around, const char *name)
{
	return json_get_text(around->environment, name);
}

static bool is_true(const char *text)
{
	return strcasecmp(text, "true") == 0 || strcmp(text, "1") == 0;
}

/* An answer as one word without the white space around it; "" if it is anything else. It goes into
 * a header or a path. */
static const char *word_of(const struct answer *answer, const char *more, size_t max,
			   char out[TOKEN_MAX + 1])
{
	static const char space[] = " \t\r\n";
	const char *text = json_string_value(answer->body);
	size_t size;

	out[0] = '\0';
	if (answer->kind != ANSWER_OK || !text)
		return out;
	text += strspn(text, space);
	size = strcspn(text, space);
	if (size > max || text[size + strspn(text + size, space)])
		return out;
	memcpy(out, text, size);
	out[size] = '\0';
	if (!alicloud_is_word(out, more, max))
		out[0] = '\0';
	return out;
}

static enum verdict get(struct step *step, const char *action, enum metadata_tag tag,
			const char *role)
{
	struct call *call = round_add(&step->next, NULL, action, CALL_READS, tag);
	struct buf path = BUF_INIT, header = BUF_INIT;
	bool whole = false;

	buf_printf(&path, ROLES "%s", role);
	buf_printf(&header, "X-aliyun-ecs-metadata-token: %s", json_get_text(step->notes, "token"));
	if (call) {
		call->endpoint = ENDPOINT_METADATA;
		call->method = "GET";
		call->path = buf_take(&path);
		call->header = buf_take(&header);
		call->body_is_text = tag == TAG_ROLE;
		whole = call->path && call->header;
	}
	buf_free(&path);
	buf_free(&header);
	return whole ? STEP_MORE : alicloud_fail(step, "memory is out");
}

static enum verdict ask_token(struct step *step, const struct surroundings *around)
{
	struct call *call;

	if (is_true(variable(around, "ALIBABA_CLOUD_ECS_METADATA_DISABLED")))
		return alicloud_fail(step, "there are none in the mount's configuration and in the "
					   "environment, and instance metadata is switched off");
	call = round_add(&step->next, NULL, "metadata token", CALL_READS, TAG_TOKEN);
	if (call) {
		call->endpoint = ENDPOINT_METADATA;
		call->method = "PUT";
		call->path = wipe_copy("/latest/api/token", strlen("/latest/api/token"));
		call->header = wipe_copy(TOKEN_REQUEST, strlen(TOKEN_REQUEST));
		call->body_is_text = true;
	}
	if (!call || !call->path || !call->header)
		return alicloud_fail(step, "memory is out");
	return STEP_MORE;
}

/* Nobody answers, or somebody who knows no tokens: this is no instance of the cloud. */
static bool is_elsewhere(const struct answer *answer)
{
	return answer->kind == ANSWER_UNSENT || answer->kind == ANSWER_REFUSED;
}

static enum verdict take_token(struct step *step, const struct surroundings *around,
			       const struct answer *answer)
{
	const char *role = variable(around, "ALIBABA_CLOUD_ECS_METADATA");
	char token[TOKEN_MAX + 1];
	int ret;

	if (is_elsewhere(answer))
		return alicloud_fail(step, "there are none in the mount's configuration and in the "
					   "environment, and no instance metadata service");
	if (!word_of(answer, "!#$%&'()*+,-./:;<=>?@[]^_`{|}~", TOKEN_MAX, token)[0])
		return alicloud_blame(step, answer);
	ret = json_object_set_new(step->notes, "token", json_string(token));
	wipe(token, sizeof(token));
	if (ret)
		return alicloud_fail(step, "memory is out");
	if (!role[0])
		return get(step, "metadata role name", TAG_ROLE, "");
	if (!alicloud_is_word(role, ".-_", ROLE_NAME_MAX))
		return alicloud_fail(step, "ALIBABA_CLOUD_ECS_METADATA is no role name");
	return get(step, "metadata credentials", TAG_KEY, role);
}

static enum verdict take_role(struct step *step, const struct answer *answer)
{
	char role[TOKEN_MAX + 1];

	if (answer->kind == ANSWER_REFUSED)
		return alicloud_fail(step, "there are none in the mount's configuration and in the "
					   "environment, and the instance has no RAM role");
	if (!word_of(answer, ".-_", ROLE_NAME_MAX, role)[0])
		return alicloud_blame(step, answer);
	return get(step, "metadata credentials", TAG_KEY, role);
}

static enum verdict take_key(struct step *step, const struct answer *answer, struct root_key *key)
{
	struct session session;

	if (answer->kind != ANSWER_OK ||
	    strcmp(json_get_text(answer->body, "Code"), "Success") != 0 ||
	    alicloud_read_session(answer->body, &session))
		return alicloud_blame(step, answer);
	if (alicloud_fill_key(&session, key))
		return alicloud_fail(step, "memory is out");
	return STEP_DONE;
}

enum verdict alicloud_metadata_key(struct step *step, const struct surroundings *around,
				   struct root_key *key)
{
	const struct answer *answer = step->answers;

	if (!step->answer_count)
		return ask_token(step, around);
	if (answer->tag == TAG_TOKEN)
		return take_token(step, around, answer);
	if (answer->tag == TAG_ROLE)
		return take_role(step, answer);
	return take_key(step, answer, key);
}
