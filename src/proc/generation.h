/* SPDX-License-Identifier: Apache-2.0 */
/* The workers that live under one reading of the configuration file, and their listeners. A reload
 * makes the next generation; the older one ends when the newer one is ready. */
#ifndef PROC_GENERATION_H
#define PROC_GENERATION_H

#include <jansson.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "proc/peer.h"
#include "proc/post.h"

struct err;
struct listener;

/* A listener as one generation uses it. */
struct gate {
	const struct conf_listener *conf;
	struct listener *listener; /* held */
	struct peers peers;
	_Atomic uint32_t *held; /* shared memory: connections of each of its workers */
	bool goes_on;           /* after this generation: somebody else serves the listener */
	bool told;              /* its workers know that they shall end */
};

struct generation {
	struct conf *conf; /* owned */
	struct gate gates[CONF_LISTENERS_MAX];
	size_t gate_count;
	struct post *posts;
	size_t post_count;
	bool announced; /* was ready once */
	bool leaving;   /* told to end */
	int64_t last;   /* boot ms when those may end that requests are handed on to */
	struct generation *older;
};

/* Prepares a generation: its listeners (those that an older one has are taken over, passed ones are
 * found in the environment), its peers, and vacant posts. Nothing is started.
 * *generation_out is new; it owns conf then, and does not if this fails, with a sentence in err. */
int generation_new(struct conf *conf, const json_t *environment, struct generation *older,
		   struct generation **generation_out, struct err *err);

/* What a child at this post is told; the caller adds what all children share. */
void generation_orders(const struct generation *generation, const struct post *post,
		       struct orders *orders);

/* Whether all its posts are filled by children that have come to their loops. */
bool generation_ready(const struct generation *generation);

/* Whether no child is left. */
bool generation_empty(const struct generation *generation);

/* Tells its children to end, at the latest at `until` (boot ms). Where a newer generation (NULL if
 * there is none) or a later server goes on with a listener, what waits there is left to it; else
 * the listener takes no more, and what waits is served first. */
void generation_leave(struct generation *generation, const struct generation *newer, int64_t until);

/* To be called again and again while it leaves. What the read pool has accepted may still be handed on
 * to the work pool, so where nobody else goes on with the work pool's listener, its workers are told
 * only when the last reader has gone and the web server has had time to follow. */
void generation_leave_on(struct generation *generation);

/* Lets go of its listeners and frees it; `older` is left alone. NULL is allowed. */
void generation_free(struct generation *generation);

#endif
