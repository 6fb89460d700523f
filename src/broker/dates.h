/* SPDX-License-Identifier: Apache-2.0 */
/* Whether this machine's clock can be trusted. The clouds say the time with each answer; while two in
 * a row were more than five minutes off, nothing expires: a wrong clock would end every lease. */
#ifndef BROKER_DATES_H
#define BROKER_DATES_H

#include <stdbool.h>
#include <stdint.h>

#include "lease/lease.h"

struct broker;
struct engine;
struct shared;
struct slot;

/* Takes the Date of an answer to a signed call, seconds since 1970; 0: it had none. */
void dates_hear(struct shared *shared, struct slot *slot, int64_t date);

/* Whether the clouds disagree with this machine's clock. */
bool dates_disagree(const struct shared *shared);

/* A question under way; zeroed at first. */
struct dates_question {
	const struct engine *engine;
	bool busy;
	uint64_t answers; /* so far */
};

/* Asks a mount's cloud for something that changes nothing, only to hear its Date: while nothing
 * expires there may be no other call. No-op while the question is busy, and when there are no root
 * credentials. The question is borrowed until its end. */
void dates_ask(struct broker *broker, const unsigned char mount[LEASE_UUID_SIZE],
	       const struct engine *engine, struct dates_question *question);

#endif
