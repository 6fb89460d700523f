/* SPDX-License-Identifier: Apache-2.0 */
/* The small things that all engines share: rounds, answers, warnings, keys. */
#include "engine/engine.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/text.h"
#include "util/wipe.h"

#define CAPACITY_MIN 4

static bool grow(struct round *round)
{
	size_t capacity = round->capacity ? 2 * round->capacity : CAPACITY_MIN;
	struct call *calls;

	if (round->count < round->capacity)
		return true;
	calls = realloc(round->calls, capacity * sizeof(*calls));
	if (!calls)
		return false;
	round->calls = calls;
	round->capacity = capacity;
	return true;
}

struct call *round_add(struct round *round, const struct service *service, const char *action,
		       enum call_effect effect, int tag)
{
	json_t *params = json_object();
	struct call *call;

	if (!params || !grow(round)) {
		json_decref(params);
		round->failed = true;
		return NULL;
	}
	call = &round->calls[round->count++];
	*call = (struct call){
		.round = round,
		.service = service,
		.action = action,
		.params = params,
		.effect = effect,
		.tag = tag,
	};
	return call;
}

void call_value(struct call *call, const char *name, json_t *value)
{
	if (!call)
		json_decref(value);
	else if (json_object_set_new(call->params, name, value))
		call->round->failed = true;
}

void call_param(struct call *call, const char *name, const char *value)
{
	call_value(call, name, json_string(value));
}

/* A plain request may carry a login token in any of its texts. */
void round_clear(struct round *round)
{
	for (size_t i = 0; i < round->count; i++) {
		json_decref(round->calls[i].params);
		wipe_free(round->calls[i].path);
		wipe_free(round->calls[i].header);
		wipe_free(round->calls[i].body);
	}
	free(round->calls);
	*round = (struct round){ 0 };
}

void answer_clear(struct answer *answer)
{
	json_decref(answer->body);
	*answer = (struct answer){ 0 };
}

const struct answer *answer_find(const struct answer *answers, size_t count, int tag)
{
	for (size_t i = 0; i < count; i++) {
		if (answers[i].tag == tag)
			return &answers[i];
	}
	return NULL;
}

/* Takes half a character off the end of a text that was cut: it could not be put into JSON. */
static void trim(char *text)
{
	size_t size = strlen(text), whole = 0, step;

	while ((step = text_utf8(text + whole, size - whole)) > 0)
		whole += step;
	text[whole] = '\0';
}

void warnings_add(struct warnings *warnings, const char *format, ...)
{
	char *text;
	va_list args;

	if (warnings->count == ENGINE_WARNINGS_MAX)
		return;
	text = warnings->text[warnings->count++];
	va_start(args, format);
	vsnprintf(text, sizeof(warnings->text[0]), format, args);
	va_end(args);
	trim(text);
}

void root_key_clear(struct root_key *key)
{
	wipe_free(key->id);
	wipe_free(key->secret);
	wipe_free(key->token);
	*key = (struct root_key){ 0 };
}
