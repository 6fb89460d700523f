/* SPDX-License-Identifier: Apache-2.0 */
#include "play.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "util/json.h"
#include "util/wipe.h"

static void write_log(struct play *play, const char *text)
{
	size_t used = strlen(play->log);

	if (used + strlen(text) < sizeof(play->log))
		memcpy(play->log + used, text, strlen(text) + 1);
}

static bool is_boring(const char *name)
{
	static const char *const boring[] = {
		"UserName", "DisplayName", "Description",  "PolicyDocument", "CascadingDelete",
		"Name",     "AttachUin",   "DetachUin",    "TargetUin",      "Rp",
		"UseApi",   "Force",       "ConsoleLogin",
	};

	for (size_t i = 0; i < sizeof(boring) / sizeof(boring[0]); i++)
		if (strcmp(name, boring[i]) == 0)
			return true;
	return false;
}

static void log_value(struct play *play, const json_t *value)
{
	char *text = json_is_string(value) ? NULL : json_text(value);

	write_log(play, " ");
	write_log(play, text ? text : json_string_value(value));
	wipe_free(text);
}

static void log_call(struct play *play, const struct call *call, size_t index)
{
	const char *name;
	json_t *value;

	write_log(play, index ? ", " : "");
	write_log(play, call->action);
	json_object_foreach(call->params, name, value)
	{
		if (!is_boring(name))
			log_value(play, value);
	}
}

static void log_round(struct play *play, const struct round *round)
{
	char delay[32] = "";

	if (round->delay_ms)
		snprintf(delay, sizeof(delay), "+%d ", (int)round->delay_ms);
	write_log(play, play->rounds ? " | " : "");
	write_log(play, delay);
	for (size_t i = 0; i < round->count; i++)
		log_call(play, &round->calls[i], i);
}

static void drop_answers(struct play *play)
{
	for (size_t i = 0; i < play->answer_count; i++)
		answer_clear(&play->answers[i]);
	free(play->answers);
	play->answers = NULL;
	play->answer_count = 0;
}

/* The answers of the round before are gone when the engine sees the new ones, as in the broker. */
static void perform(struct play *play)
{
	struct round *round = &play->step.next;

	assert_false(round->failed);
	assert_true(round->count > 0);
	log_round(play, round);
	drop_answers(play);
	play->answers = calloc(round->count, sizeof(*play->answers));
	assert_non_null(play->answers);
	play->answer_count = round->count;
	for (size_t i = 0; i < round->count; i++) {
		struct answer *answer = &play->answers[i];

		if (play->check)
			play->check(play, &round->calls[i]);
		play->answer(play->cloud, &round->calls[i], answer);
		answer->tag = round->calls[i].tag;
		answer->action = round->calls[i].action;
	}
	play->calls += round->count;
	play->rounds++;
	round_clear(round);
	play->step.answers = play->answers;
	play->step.answer_count = play->answer_count;
}

void play_step(struct play *play, enum verdict verdict)
{
	play->verdict = verdict;
	if (verdict == STEP_MORE)
		perform(play);
}

void play(struct play *play, enum verdict (*advance)(struct step *step))
{
	play->step.notes = json_object();
	do {
		assert_true(play->rounds < 100);
		play->step.culprit = NULL;
		play_step(play, advance(&play->step));
	} while (play->verdict == STEP_MORE);
}

void play_free(struct play *play)
{
	drop_answers(play);
	round_clear(&play->step.next);
	json_decref(play->step.notes);
	json_decref(play->step.data);
	json_decref(play->step.facts_out);
	json_decref(play->step.role_out);
	memset(play, 0, sizeof(*play));
}

const char *play_culprit_code(const struct play *play)
{
	return play->step.culprit ? play->step.culprit->code : "";
}

const char *play_culprit_action(const struct play *play)
{
	return play->step.culprit ? play->step.culprit->action : "";
}

json_t *play_json(const char *text)
{
	json_t *value = NULL;

	assert_int_equal(json_read(text, strlen(text), &value, NULL), 0);
	return value;
}
