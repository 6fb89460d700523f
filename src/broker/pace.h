/* SPDX-License-Identifier: Apache-2.0 */
/* How fast calls go: never faster than the cloud allows their account, nor more of one mount at once
 * than its share. */
#ifndef BROKER_PACE_H
#define BROKER_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/bucket.h"

struct conf_engine;
struct engine;

/* Calls that belong together, those of one mount, in one process. */
struct share {
	size_t most;      /* in flight at once; 0: any number */
	size_t in_flight; /* calls on the wire */
	size_t waiting;   /* calls that wait for the quota or for one of the share to end */
	uint64_t turn;    /* of its newest conversation, in the talker's line */
};

/* What a conversation's calls are paced by. Everything is borrowed until its end. */
struct pace {
	struct bucket_table *buckets;
	const struct engine *engine;
	const struct conf_engine *conf;
	const char *account; /* NULL or "": not known, so only the share counts */
	enum bucket_use use;
	struct share *share; /* NULL: alone */
};

/* What the cloud allows of an action, in calls a second: what the configuration file says of it or
 * of "*", else what the engine says. */
unsigned pace_quota(const struct engine *engine, const struct conf_engine *conf,
		    const char *action);

/* Takes what one call needs from its account's bucket. 0: go. Otherwise milliseconds after which it
 * is worth asking again. */
int64_t pace_take(const struct pace *pace, const char *action);

/* The cloud has refused a call as one too many, and takes one again after so long (0: unknown). */
void pace_throttled(const struct pace *pace, const char *action, int64_t retry_ms);

#endif
