/* SPDX-License-Identifier: Apache-2.0 */
/* One call of a conversation, from the first attempt to the answer. */
#ifndef BROKER_EXCHANGE_H
#define BROKER_EXCHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/pace.h"
#include "engine/engine.h"

struct conf_engine;
struct exchange;
struct http_client;
struct shared;
struct slot;

/* Everything is borrowed and outlives the exchange. */
struct exchange_terms {
	struct http_client *client;
	struct shared *shared;
	struct slot *slot; /* counts the calls */
	const struct engine *engine;
	const struct conf_engine *conf;
	const struct root_key *key; /* NULL for plain calls */
	const struct call *call;
	struct pace pace;
	int64_t deadline;  /* boot ms */
	unsigned attempts; /* of a call without an answer */
};

/* NULL if memory is out. */
struct exchange *exchange_new(const struct exchange_terms *terms);

/* Drops an attempt in flight. NULL is allowed. */
void exchange_free(struct exchange *exchange);

/* Starts an attempt when it is time and neither quota nor share hold it up. Returns whether the answer
 * is still open; the time at which it wants to be asked again goes to *next, if that is earlier. */
bool exchange_turn(struct exchange *exchange, int64_t now, int64_t *next);

/* Hands the answer over; once, after exchange_turn returned false. */
void exchange_take_answer(struct exchange *exchange, struct answer *answer_out);

/* Whether an attempt to create something ended without an answer. */
bool exchange_unsure(const struct exchange *exchange);

/* Copies a key with its texts; *copy is empty after an error. 0 or LH_ENOMEM. */
int root_key_copy(struct root_key *copy, const struct root_key *key);

#endif
