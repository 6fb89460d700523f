/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/talk.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "broker/exchange.h"
#include "conf/conf.h"
#include "http/http.h"
#include "util/clock.h"
#include "util/shared.h"

struct talk {
	struct talk *next;
	struct talker *talker;
	struct talk_terms terms;
	struct root_key key;
	struct step step;
	struct round round;          /* being performed */
	struct exchange **exchanges; /* one for each of its calls */
	struct answer *answers;      /* of the round before; what step.answers points at */
	size_t answer_count;
	size_t open;       /* exchanges without an answer */
	int64_t begins_at; /* boot ms: when the round may begin; 0: it has begun */
	uint64_t turn;     /* its place in the line */
	bool unsure;
	bool ended;
};

struct talker {
	struct http_client *client;
	struct shared *shared;
	struct slot *slot;
	struct talk *talks; /* the line: first those whose turn comes first */
	uint64_t turn;      /* the latest of those that have ended */
};

int talker_new(size_t connections, struct shared *shared, struct slot *slot,
	       struct talker **talker_out, struct err *err)
{
	struct talker *talker = calloc(1, sizeof(*talker));
	int ret;

	*talker_out = NULL;
	if (!talker)
		return err_set(err, LH_ENOMEM, "memory is out");
	ret = http_client_new(connections, &talker->client, err);
	if (ret) {
		free(talker);
		return ret;
	}
	talker->shared = shared;
	talker->slot = slot;
	*talker_out = talker;
	return 0;
}

static void free_answers(struct talk *talk)
{
	for (size_t i = 0; i < talk->answer_count; i++)
		answer_clear(&talk->answers[i]);
	free(talk->answers);
	talk->answers = NULL;
	talk->answer_count = 0;
}

static void free_exchanges(struct talk *talk)
{
	for (size_t i = 0; talk->exchanges && i < talk->round.count; i++)
		exchange_free(talk->exchanges[i]);
	free(talk->exchanges);
	talk->exchanges = NULL;
	round_clear(&talk->round);
}

static void talk_free(struct talk *talk)
{
	free_exchanges(talk);
	free_answers(talk);
	round_clear(&talk->step.next);
	json_decref(talk->step.notes);
	json_decref(talk->step.data);
	json_decref(talk->step.facts_out);
	json_decref(talk->step.role_out);
	json_decref((json_t *)(uintptr_t)talk->step.role);
	json_decref((json_t *)(uintptr_t)talk->step.plan);
	json_decref((json_t *)(uintptr_t)talk->step.facts);
	root_key_clear(&talk->key);
	free(talk);
}

void talker_free(struct talker *talker)
{
	struct talk *talk;

	if (!talker)
		return;
	while ((talk = talker->talks)) {
		talker->talks = talk->next;
		talk_free(talk);
	}
	http_client_free(talker->client);
	free(talker);
}

static const json_t *reference(const json_t *value)
{
	return json_incref((json_t *)(uintptr_t)value);
}

/* Start-time fair queueing (Goyal, Vin, Cheng, 1996), each conversation being of length one: in a
 * share, one turn after another; so those of two shares alternate however many one of them has. The
 * one that comes to a line in motion begins where that is by now. */
static void line_up(struct talker *talker, struct talk *talk)
{
	struct share *share = talk->terms.share;
	struct talk **link = &talker->talks;

	talk->turn = talker->turn;
	if (share && share->turn > talk->turn)
		talk->turn = share->turn;
	talk->turn++;
	if (share)
		share->turn = talk->turn;
	while (*link && (*link)->turn <= talk->turn)
		link = &(*link)->next;
	talk->next = *link;
	*link = talk;
}

int talk_start(struct talker *talker, const struct talk_terms *terms)
{
	struct talk *talk = calloc(1, sizeof(*talk));

	if (!talk)
		return LH_ENOMEM;
	talk->talker = talker;
	talk->terms = *terms;
	talk->terms.key = NULL;
	talk->step.role = reference(terms->role);
	talk->step.plan = reference(terms->plan);
	talk->step.facts = reference(terms->facts);
	talk->step.part = terms->part;
	talk->step.notes = json_object();
	if (!talk->step.notes || (terms->key && root_key_copy(&talk->key, terms->key))) {
		talk_free(talk);
		return LH_ENOMEM;
	}
	line_up(talker, talk);
	return 0;
}

void talk_drop(struct talker *talker, const void *context)
{
	struct talk **link = &talker->talks, *talk;

	while ((talk = *link)) {
		if (talk->terms.context != context) {
			link = &talk->next;
			continue;
		}
		*link = talk->next;
		talk_free(talk);
	}
}

static void end(struct talk *talk, enum verdict verdict)
{
	struct talk_end end = { .verdict = verdict, .step = &talk->step, .unsure = talk->unsure };

	end.slow = verdict == STEP_FAILED && clock_boot_ms() >= talk->terms.deadline;
	talk->ended = true;
	if (talk->talker->turn < talk->turn)
		talk->talker->turn = talk->turn;
	talk->terms.done(talk->terms.context, &end);
}

/* ---- One round ---- */

static int make_exchanges(struct talk *talk)
{
	struct exchange_terms terms = {
		.client = talk->talker->client,
		.shared = talk->talker->shared,
		.slot = talk->talker->slot,
		.engine = talk->terms.engine,
		.conf = talk->terms.conf,
		.key = talk->key.id ? &talk->key : NULL,
		.deadline = talk->terms.deadline,
		.attempts = talk->terms.attempts,
		.pace = { .buckets = &talk->talker->shared->buckets,
			  .engine = talk->terms.engine,
			  .conf = talk->terms.conf,
			  .account = talk->terms.account,
			  .use = talk->terms.use,
			  .share = talk->terms.share },
	};

	talk->exchanges = calloc(talk->round.count, sizeof(*talk->exchanges));
	if (!talk->exchanges)
		return LH_ENOMEM;
	for (size_t i = 0; i < talk->round.count; i++) {
		terms.call = &talk->round.calls[i];
		talk->exchanges[i] = exchange_new(&terms);
		if (!talk->exchanges[i])
			return LH_ENOMEM;
	}
	return 0;
}

/* Takes the round that the engine has asked for. A round that cannot be made fails the talk. */
static void take_round(struct talk *talk)
{
	int64_t delay = talk->step.next.delay_ms;

	free_exchanges(talk);
	talk->round = talk->step.next;
	memset(&talk->step.next, 0, sizeof(talk->step.next));
	if (talk->round.failed || !talk->round.count || make_exchanges(talk)) {
		err_text(talk->step.reason, sizeof(talk->step.reason), "memory is out");
		talk->step.culprit = NULL;
		end(talk, STEP_FAILED);
		return;
	}
	talk->begins_at = clock_boot_ms() + (delay > 0 ? delay : 0);
	/* Its calls end unsent then: nobody waits for a round that cannot begin in time. */
	if (talk->begins_at > talk->terms.deadline)
		talk->begins_at = talk->terms.deadline;
}

/* Hands the answers of the finished round to the engine. */
static void collect_answers(struct talk *talk)
{
	free_answers(talk);
	if (!talk->exchanges)
		return;
	for (size_t i = 0; i < talk->round.count; i++)
		talk->unsure |= exchange_unsure(talk->exchanges[i]);
	talk->answers = calloc(talk->round.count, sizeof(*talk->answers));
	if (!talk->answers)
		return;
	talk->answer_count = talk->round.count;
	for (size_t i = 0; i < talk->round.count; i++)
		exchange_take_answer(talk->exchanges[i], &talk->answers[i]);
}

static void advance(struct talk *talk)
{
	size_t expected = talk->exchanges ? talk->round.count : 0;
	enum verdict verdict;

	collect_answers(talk);
	if (talk->answer_count != expected) {
		err_text(talk->step.reason, sizeof(talk->step.reason), "memory is out");
		end(talk, STEP_FAILED);
		return;
	}
	talk->step.answers = talk->answers;
	talk->step.answer_count = talk->answer_count;
	talk->step.culprit = NULL;
	verdict = talk->terms.advance(talk->terms.context, &talk->step);
	if (verdict == STEP_MORE)
		take_round(talk);
	else
		end(talk, verdict);
}

/* Moves one conversation on as far as it goes without waiting. The earliest time (boot ms) at which
 * it wants to be asked again goes to *next. */
static void turn(struct talk *talk, int64_t now, int64_t *next)
{
	bool open = false;

	if (!talk->exchanges) {
		advance(talk);
		if (talk->ended)
			return;
	}
	if (now < talk->begins_at) {
		*next = talk->begins_at < *next ? talk->begins_at : *next;
		return;
	}
	for (size_t i = 0; i < talk->round.count; i++)
		open |= exchange_turn(talk->exchanges[i], now, next);
	if (!open) {
		advance(talk);
		*next = now;
	}
}

/* Returns whether there was anything to reap. */
static bool reap(struct talker *talker)
{
	struct talk **link = &talker->talks, *talk;
	bool reaped = false;

	while ((talk = *link)) {
		if (!talk->ended) {
			link = &talk->next;
			continue;
		}
		*link = talk->next;
		talk_free(talk);
		reaped = true;
	}
	return reaped;
}

int talker_run(struct talker *talker, int64_t timeout_ms, struct pollfd *extra, size_t count)
{
	int64_t now = clock_boot_ms(), next = now + (timeout_ms > 0 ? timeout_ms : 0);
	int ret;

	for (struct talk *talk = talker->talks; talk; talk = talk->next)
		if (!talk->ended)
			turn(talk, now, &next);
	if (reap(talker))
		next = now; /* `done` may have made work for the caller: do not sleep on it */
	ret = http_run(talker->client, next > now ? next - now : 0, extra, count);
	return ret < 0 ? ret : 0;
}
