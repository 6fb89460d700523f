/* SPDX-License-Identifier: Apache-2.0 */
/* A role session: one call, and nothing stays in the cloud that could be taken back. */
#include "engine/alicloud/alicloud_priv.h"

#include "util/clock.h"
#include "util/err.h"
#include "util/json.h"

int alicloud_read_session(const json_t *credentials, struct session *session_out)
{
	struct session session = {
		.id = json_get_text(credentials, "AccessKeyId"),
		.secret = json_get_text(credentials, "AccessKeySecret"),
		.token = json_get_text(credentials, "SecurityToken"),
	};
	int ret;

	*session_out = (struct session){ 0 };
	ret = clock_parse(json_get_text(credentials, "Expiration"), &session.expires_at);
	if (ret || !session.id[0] || !session.secret[0] || !session.token[0])
		return LH_EINVAL;
	*session_out = session;
	return 0;
}

static enum verdict ask(struct step *step)
{
	const char *arn = json_get_text(step->plan, "role_arn");
	const char *name = json_get_text(step->plan, "session");
	struct call *call;

	if (!arn[0] || !name[0])
		return alicloud_fail(step, "the plan names no role or no session");
	/* Repeating it is harmless: a session that nobody was given ends by itself. */
	call = round_add(&step->next, &alicloud_sts, "AssumeRole", CALL_READS, 0);
	call_param(call, "RoleArn", arn);
	call_param(call, "RoleSessionName", name);
	return STEP_MORE;
}

static enum verdict take(struct step *step, const struct answer *answer)
{
	struct session session;
	char expiration[40];

	if (answer->kind != ANSWER_OK ||
	    alicloud_read_session(json_object_get(answer->body, "Credentials"), &session))
		return alicloud_blame(step, answer);
	clock_format(session.expires_at, expiration);
	step->data = json_pack("{s:s, s:s, s:s, s:s}", "access_key", session.id, "secret_key",
			       session.secret, "security_token", session.token, "expiration",
			       expiration);
	step->facts_out = json_pack("{s:s}", "access_key_id", session.id);
	step->expires_at = session.expires_at;
	if (!step->data || !step->facts_out)
		return alicloud_fail(step, "memory is out");
	return STEP_DONE;
}

enum verdict alicloud_assume(struct step *step)
{
	return step->answer_count ? take(step, &step->answers[0]) : ask(step);
}
