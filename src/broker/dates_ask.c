/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/broker_priv.h"
#include "broker/dates.h"
#include "util/clock.h"
#include "util/err.h"

#define ASK_TIME 10000 /* ms */

static enum verdict advance(void *context, struct step *step)
{
	const struct dates_question *question = context;

	if (step->answer_count)
		return STEP_DONE;
	round_add(&step->next, question->engine->identity_service,
		  question->engine->identity_action, CALL_READS, 0);
	return STEP_MORE;
}

static void done(void *context, const struct talk_end *end)
{
	struct dates_question *question = context;

	question->answers += end->verdict == STEP_DONE && end->step->answers[0].status;
	question->busy = false;
}

void dates_ask(struct broker *broker, const unsigned char mount[LEASE_UUID_SIZE],
	       const struct engine *engine, struct dates_question *question)
{
	struct talk_terms terms = {
		.engine = engine,
		.conf = conf_engine(broker->options.conf, engine->type),
		.deadline = clock_boot_ms() + ASK_TIME,
		.attempts = 1,
		.advance = advance,
		.done = done,
		.context = question,
	};
	struct err ignored = { "" };
	struct answer answer;
	struct root root;

	if (question->busy || root_get(broker, mount, engine, &root, &answer, &ignored))
		return;
	question->engine = engine;
	terms.key = &root.key;
	question->busy = !talk_start(broker->talker, &terms);
	root_clear(&root);
}
