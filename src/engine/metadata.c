/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/metadata.h"

#include <string.h>
#include <strings.h>

#include "engine/step.h"
#include "engine/surroundings.h"
#include "util/buf.h"
#include "util/err.h"
#include "util/json.h"
#include "util/text.h"
#include "util/wipe.h"

#define WORD_MAX      1024
#define ROLE_NAME_MAX 128
#define NOTHING_ELSE  "there are none in the mount's configuration and in the environment, and "

enum metadata_tag { TAG_TOKEN, TAG_ROLE, TAG_KEY };

static bool is_true(const char *text)
{
	return strcasecmp(text, "true") == 0 || strcmp(text, "1") == 0;
}

/* An answer as one word without the white space around it; "" if it is anything else. It goes into
 * a header or a path. */
static const char *word_of(const struct answer *answer, const char *more, size_t max,
			   char out[WORD_MAX + 1])
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
	if (!text_is_word(out, more, max))
		out[0] = '\0';
	return out;
}

static enum verdict get(const struct metadata_rules *rules, struct step *step, const char *action,
			enum metadata_tag tag, const char *role)
{
	struct call *call = round_add(&step->next, NULL, action, CALL_READS, tag);
	struct buf path = BUF_INIT, header = BUF_INIT;
	bool whole = false;

	buf_printf(&path, "%s%s", rules->roles, role);
	if (rules->token_header)
		buf_printf(&header, "%s: %s", rules->token_header,
			   json_get_text(step->notes, "token"));
	if (call) {
		call->endpoint = ENDPOINT_METADATA;
		call->method = "GET";
		call->path = buf_take(&path);
		call->header = rules->token_header ? buf_take(&header) : NULL;
		call->body_is_text = tag == TAG_ROLE;
		whole = call->path && (call->header || !rules->token_header);
	}
	buf_free(&path);
	buf_free(&header);
	return whole ? STEP_MORE : step_fail(step, "memory is out");
}

static enum verdict ask_token(const struct metadata_rules *rules, struct step *step)
{
	struct call *call = round_add(&step->next, NULL, "metadata token", CALL_READS, TAG_TOKEN);

	if (call) {
		call->endpoint = ENDPOINT_METADATA;
		call->method = "PUT";
		call->path = wipe_copy(rules->token_path, strlen(rules->token_path));
		call->header = wipe_copy(rules->token_request, strlen(rules->token_request));
		call->body_is_text = true;
	}
	if (!call || !call->path || !call->header)
		return step_fail(step, "memory is out");
	return STEP_MORE;
}

static const char *optional(const struct surroundings *around, const char *name)
{
	return name ? surroundings_variable(around, name) : "";
}

static enum verdict ask_role(const struct metadata_rules *rules, struct step *step,
			     const struct surroundings *around)
{
	const char *role = optional(around, rules->role_variable);
	char reason[128];

	if (!role[0])
		return get(rules, step, "metadata role name", TAG_ROLE, "");
	if (text_is_word(role, ".-_", ROLE_NAME_MAX))
		return get(rules, step, "metadata credentials", TAG_KEY, role);
	err_text(reason, sizeof(reason), "%s is no role name", rules->role_variable);
	return step_fail(step, reason);
}

static enum verdict begin(const struct metadata_rules *rules, struct step *step,
			  const struct surroundings *around)
{
	if (is_true(optional(around, rules->disabled_variable)))
		return step_fail(step, NOTHING_ELSE "instance metadata is switched off");
	return rules->token_path ? ask_token(rules, step) : ask_role(rules, step, around);
}

/* Nobody answers the first question: this is no instance of the cloud. */
static enum verdict none(struct step *step)
{
	return step_fail(step, NOTHING_ELSE "no instance metadata service");
}

/* Somebody who knows no tokens is no metadata service either. */
static enum verdict take_token(const struct metadata_rules *rules, struct step *step,
			       const struct surroundings *around, const struct answer *answer)
{
	char token[WORD_MAX + 1];

	if (answer->kind == ANSWER_UNSENT || answer->kind == ANSWER_REFUSED)
		return none(step);
	if (!word_of(answer, "!#$%&'()*+,-./:;<=>?@[]^_`{|}~", WORD_MAX, token)[0])
		return step_blame(step, answer);
	step_note(step, "token", json_string(token));
	wipe(token, sizeof(token));
	return ask_role(rules, step, around);
}

static enum verdict take_role(const struct metadata_rules *rules, struct step *step,
			      const struct answer *answer)
{
	char role[WORD_MAX + 1], reason[256];

	if (answer->kind == ANSWER_UNSENT && !rules->token_path)
		return none(step);
	if (answer->kind == ANSWER_REFUSED) {
		err_text(reason, sizeof(reason), NOTHING_ELSE "the instance has no %s",
			 rules->role);
		return step_fail(step, reason);
	}
	if (!word_of(answer, ".-_", ROLE_NAME_MAX, role)[0])
		return step_blame(step, answer);
	return get(rules, step, "metadata credentials", TAG_KEY, role);
}

static enum verdict take_key(const struct metadata_rules *rules, struct step *step,
			     const struct answer *answer, struct root_key *key)
{
	struct session session;

	if (answer->kind != ANSWER_OK ||
	    strcmp(json_get_text(answer->body, "Code"), "Success") != 0 ||
	    session_read(rules->names, answer->body, NULL, &session))
		return step_blame(step, answer);
	if (session_fill_key(&session, key))
		return step_fail(step, "memory is out");
	return STEP_DONE;
}

static enum verdict advance(const struct metadata_rules *rules, struct step *step,
			    const struct surroundings *around, struct root_key *key)
{
	const struct answer *answer = step->answers;

	if (!step->answer_count)
		return begin(rules, step, around);
	if (answer->tag == TAG_TOKEN)
		return take_token(rules, step, around, answer);
	if (answer->tag == TAG_ROLE)
		return take_role(rules, step, answer);
	return take_key(rules, step, answer, key);
}

enum verdict metadata_key(const struct metadata_rules *rules, struct step *step,
			  const struct surroundings *around, struct root_key *key)
{
	return step_end(step, advance(rules, step, around, key));
}
