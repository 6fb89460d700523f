/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/session.h"

#include <string.h>

#include "engine/step.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/json.h"
#include "util/wipe.h"

static int read_end(const json_t *value, int64_t *end_out)
{
	*end_out = json_integer_value(value);
	if (json_is_integer(value))
		return *end_out > 0 ? 0 : LH_EINVAL;
	return clock_parse(json_is_string(value) ? json_string_value(value) : "", end_out);
}

int session_read(const struct session_names *names, const json_t *credentials, const json_t *around,
		 struct session *session_out)
{
	struct session session = {
		.id = json_get_text(credentials, names->id),
		.secret = json_get_text(credentials, names->secret),
		.token = json_get_text(credentials, names->token),
	};
	const json_t *end = json_object_get(credentials, names->end);
	int ret;

	*session_out = (struct session){ 0 };
	ret = read_end(end ? end : json_object_get(around, names->end), &session.expires_at);
	if (ret || !session.id[0] || !session.secret[0] || !session.token[0])
		return LH_EINVAL;
	*session_out = session;
	return 0;
}

/* From the answer of a call that assumes a role: {"Credentials", …}. */
static int session_of(const struct session_names *names, const struct answer *answer,
		      struct session *session_out)
{
	*session_out = (struct session){ 0 };
	if (answer->kind != ANSWER_OK)
		return LH_EINVAL;
	return session_read(names, json_object_get(answer->body, "Credentials"), answer->body,
			    session_out);
}

/* ---- A session to be lent ---- */

static enum verdict ask(const struct session_rules *rules, struct step *step)
{
	const char *arn = json_get_text(step->plan, "role_arn");
	const char *name = json_get_text(step->plan, "session");
	struct call *call;

	if (!arn[0] || !name[0])
		return step_fail(step, "the plan names no role or no session");
	/* Repeating it is harmless: a session that nobody was given ends by itself. */
	call = round_add(&step->next, rules->service, "AssumeRole", CALL_READS, 0);
	call_param(call, "RoleArn", arn);
	call_param(call, "RoleSessionName", name);
	if (rules->more)
		rules->more(step, call);
	return STEP_MORE;
}

static enum verdict take(const struct session_rules *rules, struct step *step,
			 const struct answer *answer)
{
	struct session session;
	char expiration[40];

	if (session_of(rules->names, answer, &session))
		return step_blame(step, answer);
	clock_format(session.expires_at, expiration);
	step->data = json_pack("{s:s, s:s, s:s, s:s}", rules->id, session.id, rules->secret,
			       session.secret, rules->token, session.token, "expiration",
			       expiration);
	step->facts_out = json_pack("{s:s}", rules->fact, session.id);
	step->expires_at = session.expires_at;
	if (!step->data || !step->facts_out)
		return step_fail(step, "memory is out");
	return STEP_DONE;
}

enum verdict session_assume(const struct session_rules *rules, struct step *step)
{
	if (step->answer_count)
		return take(rules, step, &step->answers[0]);
	return step_end(step, ask(rules, step));
}

/* ---- A session for the server itself ---- */

int session_fill_key(const struct session *session, struct root_key *key)
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

enum verdict session_take_key(const struct session_names *names, struct step *step,
			      struct root_key *key)
{
	const struct answer *answer = &step->answers[0];
	struct session session;

	if (session_of(names, answer, &session))
		return step_blame(step, answer);
	if (session_fill_key(&session, key))
		return step_fail(step, "memory is out");
	return STEP_DONE;
}
