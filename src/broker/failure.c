/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/failure.h"

#include <stdio.h>
#include <string.h>

#include "util/err.h"

enum broker_failure failure_of(const struct answer *answer)
{
	switch (answer->kind) {
	case ANSWER_OK: return FAILURE_UNREACHABLE; /* a 200 that lacks what it must hold */
	case ANSWER_REFUSED: return FAILURE_INPUT;
	case ANSWER_THROTTLED: return FAILURE_THROTTLED;
	case ANSWER_UNSENT: return FAILURE_UNREACHABLE;
	case ANSWER_SICK: return FAILURE_UNREACHABLE;
	case ANSWER_UNSURE: return answer->slow ? FAILURE_SLOW : FAILURE_UNREACHABLE;
	}
	return FAILURE_INTERNAL;
}

/* Enough of a key id to recognise it. */
static void shorten(char *out, size_t size, const char *id)
{
	size_t length = id ? strlen(id) : 0;

	if (!length)
		err_text(out, size, "%s", "");
	else if (length <= 8)
		err_text(out, size, " as %s", id);
	else
		err_text(out, size, " as %.4s…%s", id, id + length - 4);
}

static const char *what_happened(const struct answer *answer)
{
	switch (answer->kind) {
	case ANSWER_OK: return "an answer that lacks what it must hold";
	case ANSWER_REFUSED: return "refused";
	case ANSWER_THROTTLED: return "throttled until the deadline";
	case ANSWER_SICK: return "the cloud is unwell";
	case ANSWER_UNSURE: return "no usable answer";
	case ANSWER_UNSENT: return "cannot be reached";
	}
	return "failed";
}

void failure_text(char *out, size_t size, const struct engine *engine, const struct answer *answer,
		  const char *key_id)
{
	const char *advice = answer->code[0] ? engine->advice(answer->code) : "";
	const char *what = answer->code[0] ? answer->code : what_happened(answer);
	char key[40], request[96] = "";

	shorten(key, sizeof(key), key_id);
	if (answer->request_id[0])
		err_text(request, sizeof(request), " (request %s)", answer->request_id);
	err_text(out, size, "%s: %s%s: %s%s%s%s%s%s", engine->type,
		 answer->action ? answer->action : "fetching credentials", key, what, request,
		 answer->reason[0] ? ": " : "", answer->reason, advice[0] ? ": " : "", advice);
}
