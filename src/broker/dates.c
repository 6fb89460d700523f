/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/dates.h"

#include <stdlib.h>
#include <string.h>

#include "broker/broker_priv.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"
#include "util/shared.h"

#define OFF_MAX   300   /* seconds */
#define OFF_TWICE 2     /* one may be a mistake of theirs */
#define ASK_TIME  10000 /* ms */

bool dates_disagree(const struct shared *shared)
{
	return atomic_load(&shared->dates_off) >= OFF_TWICE;
}

static void disagree(struct shared *shared, struct slot *slot, int64_t ahead)
{
	slot_count(slot, COUNT_DATES_OFF);
	if (atomic_fetch_add(&shared->dates_off, 1) + 1 == OFF_TWICE)
		log_error("clock: this machine's is %lld s %s that of the clouds; no lease expires "
			  "until they agree: set the clock",
			  llabs((long long)ahead), ahead > 0 ? "ahead of" : "behind");
}

void dates_hear(struct shared *shared, struct slot *slot, int64_t date)
{
	int64_t ahead = clock_now() - date;

	if (!date)
		return;
	if (ahead > OFF_MAX || ahead < -OFF_MAX)
		disagree(shared, slot, ahead);
	else if (atomic_load(&shared->dates_off) &&
		 atomic_exchange(&shared->dates_off, 0) >= OFF_TWICE)
		log_warn("clock: agrees with the clouds' again; leases expire as they should");
}

/* ---- Asking ---- */

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

	(void)end;
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
