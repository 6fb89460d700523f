/* SPDX-License-Identifier: Apache-2.0 */
/* What the conversations of all engines are made of: marks of calls, notes, verdicts, codes. */
#ifndef ENGINE_STEP_H
#define ENGINE_STEP_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/engine.h"

/* ---- The mark of a call: what it is, and of which thing of a list ---- */

enum call_kind {
	KIND_CREATE_USER = 1,
	KIND_CREATE_POLICY,
	KIND_ATTACH_INLINE,
	KIND_ATTACH_REMOTE,
	KIND_CREATE_KEY,
	KIND_FIND_USER, /* from here on: looks at what is there */
	KIND_FIND_POLICY,
	KIND_LIST_KEYS,
	KIND_LIST_POLICIES,
	KIND_DELETE_KEY, /* from here on: removals */
	KIND_DISABLE_KEY,
	KIND_DELETE_DISABLED,
	KIND_DETACH,
	KIND_DELETE_POLICY,
	KIND_DELETE_USER,
};

/* The index is below this. */
#define TAG_INDEXES 1024

int tag_of(enum call_kind kind, size_t index);
enum call_kind tag_kind(int tag);
size_t tag_index(int tag);
bool tag_is_look(int tag);

/* ---- Notes and verdicts ---- */

/* Takes value into the notes. When it cannot, the next round fails. */
void step_note(struct step *step, const char *name, json_t *value);

/* Ends a step. A copy of the reason is kept, the answer is pointed at. */
enum verdict step_fail(struct step *step, const char *reason);
enum verdict step_blame(struct step *step, const struct answer *answer);

/* Keeps a copy of the first failure: it is the cause, what follows from it is told less clearly. */
void step_keep(struct step *step, const struct answer *answer);

/* The verdict, or a failure if memory was out while the next round was built. */
enum verdict step_end(struct step *step, enum verdict verdict);

/* How often we wait for the cloud to see what we have done a moment ago. */
#define STEP_TRIES_MAX 5

/* Delays the next round, each time twice as long, and counts it in the notes. False when it has been
 * waited often enough. */
bool step_wait(struct step *step);

/* ---- Codes of a cloud ---- */

/* A family is a code, or the begin of codes that go on with a '.'. */
bool code_is_of(const char *code, const char *family);

/* Whether a refusal is of a family. */
bool answer_refused_as(const struct answer *answer, const char *family);

/* What a person is told about a family. The first of a table that fits counts; a NULL ends it. */
struct code_advice {
	const char *family;
	bool needs_operator;
	const char *advice;
};

const char *code_advice(const struct code_advice *table, const char *code);
bool code_needs_operator(const struct code_advice *table, const char *code);

/* Sets code and request_id of an answer: only the characters that they may have. */
void answer_name(struct answer *answer, const char *code, const char *request_id);

/* Sets body (OK) or, without a code, a reason that says what the answer was instead. */
void answer_fill(struct answer *answer, int status, const json_t *body);

#endif
