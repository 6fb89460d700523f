/* SPDX-License-Identifier: Apache-2.0 */
/* What a role only names is looked up when it is written, if that is possible: a wrong name is told to
 * whom it concerns, and the first credential is as fast as any other. */
#include <string.h>

#include "broker/broker_priv.h"
#include "broker/failure.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/shared.h"

#define RESOLVE_TIME  15000 /* ms; the role is stored all the same */
#define CALL_ATTEMPTS 3

struct resolve {
	const struct engine *engine;
	const char *key_id;
	bool ended;
	enum verdict verdict;
	bool mistake;
	json_t *role;
	struct err why;
};

/* Whether the engine has a question: its first step needs no network. */
static bool must_ask(const struct engine *engine, const json_t *role)
{
	struct step step = { .role = role, .notes = json_object() };
	bool asks = step.notes && engine->resolve_role(&step) == STEP_MORE;

	round_clear(&step.next);
	json_decref(step.notes);
	json_decref(step.role_out);
	return asks;
}

static enum verdict advance(void *context, struct step *step)
{
	const struct resolve *resolve = context;

	return resolve->engine->resolve_role(step);
}

static void done(void *context, const struct talk_end *end)
{
	struct resolve *resolve = context;
	const struct step *step = end->step;

	resolve->ended = true;
	resolve->verdict = end->verdict;
	resolve->mistake = step->mistake;
	if (end->verdict == STEP_DONE)
		resolve->role = json_incref(step->role_out);
	else if (step->culprit)
		failure_text(resolve->why.text, sizeof(resolve->why.text), resolve->engine,
			     step->culprit, resolve->key_id);
	else
		err_set(&resolve->why, 0, "%s", step->reason);
}

static int talk(struct broker *broker, const struct root *root, const json_t *role,
		int64_t deadline, struct resolve *resolve)
{
	struct talk_terms terms = {
		.engine = resolve->engine,
		.conf = conf_engine(broker->options.conf, resolve->engine->type),
		.key = &root->key,
		.role = role,
		.account = root->account,
		.use = BUCKET_ISSUE,
		.deadline = deadline,
		.attempts = CALL_ATTEMPTS,
		.advance = advance,
		.done = done,
		.context = resolve,
	};
	int ret = talk_start(broker->talker, &terms);

	while (!ret && !resolve->ended) {
		slot_beat(broker->options.slot);
		ret = talker_run(broker->talker, 1000, NULL, 0);
	}
	if (ret)
		talk_drop(broker->talker, resolve);
	return ret;
}

static int postpone(struct warnings *warnings, const struct err *why)
{
	warnings_add(warnings,
		     "the role is stored unchecked, its policies will be looked up when a "
		     "credential is issued: %s",
		     why->text);
	return 0;
}

int broker_resolve_role(struct broker *broker, const struct mount *mount, const json_t *role,
			int64_t deadline, json_t **role_out, struct warnings *warnings,
			struct err *err)
{
	struct resolve resolve = { .engine = mount->engine };
	int64_t soon = clock_boot_ms() + RESOLVE_TIME;
	struct answer answer;
	struct root root;
	int ret;

	*role_out = NULL;
	deadline = deadline < soon ? deadline : soon;
	if (!mount->engine->resolve_role || !must_ask(mount->engine, role))
		return 0;
	ret = root_wait(broker, mount->uuid, mount->engine, deadline, &root, &answer, &resolve.why);
	if (ret == LH_EINVAL)
		return 0;
	if (ret == LH_ECLOUD || ret == LH_ETIMEOUT)
		return postpone(warnings, &resolve.why);
	if (ret)
		return ret;
	resolve.key_id = root.key.id;
	ret = talk(broker, &root, role, deadline, &resolve);
	root_clear(&root);
	if (ret)
		return ret;
	if (resolve.mistake)
		return err_set(err, LH_EINVAL, "%s", resolve.why.text);
	if (resolve.verdict != STEP_DONE)
		return postpone(warnings, &resolve.why);
	*role_out = resolve.role;
	return 0;
}
