/* SPDX-License-Identifier: Apache-2.0 */
/* Something that is fetched from a cloud: a temporary key, or the account of a key. A failure answers
 * for a few seconds, so that nobody asks again and again; not when the question is another one. */
#ifndef BROKER_FETCH_H
#define BROKER_FETCH_H

#include <stdbool.h>
#include <stdint.h>

#include "crypto/crypto.h"
#include "engine/engine.h"
#include "util/err.h"

struct talk_end;

struct fetch {
	bool busy;
	bool failed;
	bool none;         /* it failed because there is nothing to be had */
	int64_t failed_at; /* boot ms */
	struct err why;
	struct answer answer;              /* that failed; no body */
	unsigned char secret[SHA256_SIZE]; /* digest of the one that it was asked with */
};

/* It is asked with this secret now. */
void fetch_begin(struct fetch *fetch, const char *secret);

/* It ended so. key_id is for the sentence; NULL: there is none. */
void fetch_fail(struct fetch *fetch, const struct engine *engine, const char *key_id,
		const struct talk_end *end);

/* A failure with another secret than this one answers no more: somebody has mended it. */
void fetch_forgive(struct fetch *fetch, const char *secret);

/* Whether a recent failure answers the question. */
bool fetch_failed(struct fetch *fetch, struct answer *answer_out, struct err *err);

#endif
