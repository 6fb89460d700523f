/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/step.h"

#include <string.h>

#include "util/err.h"
#include "util/json.h"
#include "util/text.h"

#define FIRST_DELAY_MS 200

int tag_of(enum call_kind kind, size_t index)
{
	return (int)kind * TAG_INDEXES + (int)index;
}

enum call_kind tag_kind(int tag)
{
	return (enum call_kind)(tag / TAG_INDEXES);
}

size_t tag_index(int tag)
{
	return (size_t)(tag % TAG_INDEXES);
}

bool tag_is_look(int tag)
{
	return tag_kind(tag) >= KIND_FIND_USER && tag_kind(tag) < KIND_DELETE_KEY;
}

void step_note(struct step *step, const char *name, json_t *value)
{
	if (json_object_set_new(step->notes, name, value))
		step->next.failed = true;
}

enum verdict step_fail(struct step *step, const char *reason)
{
	step->culprit = NULL;
	err_text(step->reason, sizeof(step->reason), "%s", reason);
	return STEP_FAILED;
}

enum verdict step_blame(struct step *step, const struct answer *answer)
{
	step->culprit = answer;
	return STEP_FAILED;
}

void step_keep(struct step *step, const struct answer *answer)
{
	if (step->kept.action)
		return;
	step->kept = *answer;
	step->kept.body = NULL;
}

enum verdict step_end(struct step *step, enum verdict verdict)
{
	return step->next.failed ? step_fail(step, "memory is out") : verdict;
}

bool step_wait(struct step *step)
{
	json_int_t tries = json_get_int(step->notes, "tries", 0);

	if (tries == STEP_TRIES_MAX)
		return false;
	step->next.delay_ms = (int64_t)FIRST_DELAY_MS << tries;
	step_note(step, "tries", json_integer(tries + 1));
	return true;
}

/* ---- Codes ---- */

bool code_is_of(const char *code, const char *family)
{
	size_t size = strlen(family);

	return strncmp(code, family, size) == 0 && (!code[size] || code[size] == '.');
}

bool answer_refused_as(const struct answer *answer, const char *family)
{
	return answer->kind == ANSWER_REFUSED && code_is_of(answer->code, family);
}

static const struct code_advice *find(const struct code_advice *table, const char *code)
{
	while (table->family && !code_is_of(code, table->family))
		table++;
	return table;
}

const char *code_advice(const struct code_advice *table, const char *code)
{
	const struct code_advice *row = find(table, code);

	return row->family ? row->advice : "";
}

bool code_needs_operator(const struct code_advice *table, const char *code)
{
	return find(table, code)->needs_operator;
}

void answer_name(struct answer *answer, const char *code, const char *request_id)
{
	text_filter(answer->code, sizeof(answer->code), code, "._-");
	text_filter(answer->request_id, sizeof(answer->request_id), request_id, "._-");
}

void answer_fill(struct answer *answer, int status, const json_t *body)
{
	if (answer->kind == ANSWER_OK)
		answer->body = json_incref((json_t *)(uintptr_t)body);
	else if (!answer->code[0] && status >= 300)
		err_text(answer->code, sizeof(answer->code), "HTTP%d", status);
	else if (!answer->code[0])
		err_text(answer->reason, sizeof(answer->reason), "%s",
			 body ? "an error without a code" : "an answer that is no JSON object");
}
