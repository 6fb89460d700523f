/* SPDX-License-Identifier: Apache-2.0 */
/* Plays conversations of an engine without a network: rounds go to a function that stands for the
 * cloud, its answers go back, and all that was called is written down. */
#ifndef TESTS_PLAY_H
#define TESTS_PLAY_H

#include "engine/engine.h"

/* Fills kind, code, body and repeated of an answer that was zeroed. */
typedef void (*play_cloud)(void *cloud, const struct call *call, struct answer *answer);

struct play;

/* One conversation. The caller sets the inputs of step; play_free ends it. */
struct play {
	struct step step;
	play_cloud answer;
	void *cloud;
	void (*check)(const struct play *play, const struct call *call); /* of each; or NULL */
	enum verdict verdict;
	size_t rounds, calls;
	/* What was called: calls as `Action value value`, joined by ", ", rounds by " | ", a delay
	 * as "+200 " in front of its round. The user and what never matters are left out. */
	char log[4096];

	struct answer *answers;
	size_t answer_count;
};

/* Performs rounds until the step function has had its say. Fails the test when a round is empty. */
void play(struct play *play, enum verdict (*advance)(struct step *step));

/* One step more, with the answers of the round before; STEP_MORE performs the next round. */
void play_step(struct play *play, enum verdict verdict);

void play_free(struct play *play);

/* Code of the culprit; its action; "" if there is none. */
const char *play_culprit_code(const struct play *play);
const char *play_culprit_action(const struct play *play);

/* A JSON value from a text that is one. New. */
json_t *play_json(const char *text);

#endif
