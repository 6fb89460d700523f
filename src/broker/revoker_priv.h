/* SPDX-License-Identifier: Apache-2.0 */
/* The revoker's parts: its loop (revoker.c), one revocation (taking.c), jobs (drain.c). */
#ifndef BROKER_REVOKER_PRIV_H
#define BROKER_REVOKER_PRIV_H

#include "broker/broker_priv.h"
#include "broker/job.h"
#include "lease/index.h"

#define TAKINGS_MAX 128               /* revocations in flight */
#define MOUNT_SHARE (TAKINGS_MAX / 4) /* of them for one mount */
#define FAILED_KEPT 256               /* leases of a sick mount that are retried at its recovery */
#define HELD_MAX    1024              /* backoffs that could not be written down */
#define MARKED_MAX  16                /* tokens whose leases are being marked */
#define JOBS_MAX    8                 /* jobs that are drained side by side */

/* What the revoker knows of a mount while it has work there. */
struct mount_state {
	unsigned char uuid[LEASE_UUID_SIZE];
	size_t in_flight;
	bool sick;    /* its cloud failed last time: one lease at a time */
	bool waiting; /* for root credentials, or tried already in this turn */
	struct lease_key failed[FAILED_KEPT]; /* while sick, a ring */
	size_t failed_count;
};

/* One revocation in flight. */
struct taking {
	bool used;
	bool ended;
	struct revoker *revoker;
	struct mount_state *mount;
	const struct engine *engine;
	struct due due;      /* the entry that it was begun for */
	struct lease *lease; /* as committed, with its revision */
	char *key_id;        /* of the root key, for messages */

	/* How it ended. */
	bool gone; /* nothing of it is left in the cloud */
	bool sick;
	bool operator;
	char error[LEASE_ERROR_MAX + 1];
};

/* A backoff that is only remembered: the store was full. */
struct held {
	struct lease_key lease;
	int64_t until; /* boot ms */
};

/* A job being drained; its place is only remembered. */
struct drain {
	struct key key;
	bool used;
	bool marked; /* every lease that it means has been marked */
	struct path_cursor cursor;
	uint64_t removed_seen; /* the revoker's count when it was looked at last */
	int64_t next_look;     /* boot ms */
};

/* How far the leases of a dead token have been marked; only remembered. */
struct marked {
	struct lease_key owner, after;
	bool used;
};

struct revoker {
	struct broker *broker;
	struct marked marked[MARKED_MAX];
	size_t marked_next;
	struct taking takings[TAKINGS_MAX];
	size_t in_flight;
	struct mount_state *mounts; /* borrowed pointers into it live in takings: it never moves */
	size_t mount_count;
	struct held held[HELD_MAX];
	size_t held_next;
	struct drain drains[JOBS_MAX];
	uint64_t removed; /* leases that were taken back since the start */
	int64_t maintained_at;
};

#define MOUNTS_MAX 256 /* with work at the same time; beyond, they wait their turn */

/* The state of a mount; NULL when there are too many at once. */
struct mount_state *mount_state(struct revoker *revoker, const unsigned char *uuid);

/* Begins what a due entry asks for. true: something was done or begun. */
bool taking_begin(struct revoker *revoker, const struct due *due);

/* Commits what ended since the last call. */
void takings_finish(struct revoker *revoker);

void takings_free(struct revoker *revoker);

/* Whether the lease is in flight or held back. */
bool taking_busy(const struct revoker *revoker, const struct lease_key *lease);

/* Kills tokens at their end, and takes away what dead ones owned. true: there is more to do at once. */
bool tokens_drain(struct revoker *revoker);

/* Moves all jobs on. true: there is more to do at once. */
bool jobs_drain(struct revoker *revoker);

#endif
