/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the master share: master.c is its life, master_children.c looks after processes,
 * master_generations.c after configurations. Times are boot ms. */
#ifndef PROC_MASTER_PRIV_H
#define PROC_MASTER_PRIV_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "proc/post.h"
#include "proc/privileges.h"

struct conf;
struct err;
struct generation;
struct queue;
struct shared;

/* How long the master waits for something to happen. */
#define TURN_MS 1000

struct master {
	const json_t *environment;
	const struct board *board;
	struct identity identity;
	pid_t pid;
	int lock;
	struct shared *shared;
	struct queue *queue;
	struct generation *newest;       /* the older ones hang on it; NULL when all have ended */
	struct post revoker;             /* one for all generations */
	const struct conf *revoker_conf; /* borrowed: what the revoker was last told to use */
	int64_t last_turn, trust_after;
	bool was_ready, stopping, failed;
};

/* ---- Processes ---- */

/* Starts a child for each vacant post. */
void master_fill_posts(struct master *master, int64_t now);

/* Takes note of children that have ended. */
void master_reap(struct master *master, int64_t now);

/* Kills children that do not work any more. */
void master_supervise(struct master *master, int64_t now);

/* ---- Configurations ---- */

/* Makes conf, which it then owns, the newest generation's. Nothing is started yet.
 * 0, LH_ERANGE if there is no room for its workers, or as generation_new. */
int master_add_generation(struct master *master, struct conf *conf, struct err *err);

/* Reads the configuration file again; a bad one is logged and changes nothing. */
void master_reload(struct master *master);

/* When the newest generation is ready: says so, and tells the older ones to leave. */
void master_announce(struct master *master);

/* Tells all generations to leave. */
void master_leave_all(struct master *master);

/* Sees off generations that leave, and frees those that have left. */
void master_free_ended(struct master *master);

#endif
