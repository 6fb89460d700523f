/* SPDX-License-Identifier: Apache-2.0 */
/* The revoker's parts: its loop (revoker.c), what to begin (choose.c), one revocation (taking.c) and
 * its end (outcome.c), jobs (drain.c), a clock that was set (clock_set.c). */
#ifndef BROKER_REVOKER_PRIV_H
#define BROKER_REVOKER_PRIV_H

#include "broker/broker_priv.h"
#include "broker/dates.h"
#include "broker/job.h"
#include "lease/index.h"

#define TAKINGS_MAX  128               /* revocations in flight */
#define MOUNT_SHARE  (TAKINGS_MAX / 4) /* of them for one mount */
#define MOUNT_CROWD  8                 /* the same while most are in flight: the last are for all */
#define CALL_SHARE   16 /* calls of one mount on the wire for keys, and for the rest */
#define WAITING_MAX  16 /* calls of each kind that wait for the quota */
#define CHOICES_MAX  64 /* revocations begun in one turn */
#define BATCH_LEASES (STORE_BATCH_MAX / LEASE_BATCH_OPS)

/* So many leases are taken back in two rounds each however many are due beside them; beyond, the keys
 * of all go first. The keys of so few are gone before the cloud would count them. */
#define FEW_DUE 4

#define FAILED_KEPT 256  /* leases of a sick mount that are retried at its recovery */
#define HELD_MAX    1024 /* backoffs that could not be written down */
#define MARKED_MAX  320  /* tokens whose leases are being marked: as many as one look comes by */

/* What the revoker knows of a mount while it has work there. */
struct mount_state {
	unsigned char uuid[LEASE_UUID_SIZE];
	size_t in_flight;
	size_t keyed;                         /* of them, those that still have keys */
	struct share keys;                    /* calls of takings that remove the keys alone */
	struct share others;                  /* of all others */
	bool sick;                            /* its cloud failed last time: one lease at a time */
	bool waiting;                         /* for root credentials */
	size_t due;                           /* leases with keys that are due, as last seen */
	size_t left;                          /* leases that have lost theirs and are due */
	size_t chosen;                        /* in this turn */
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
	enum revoke_part part;
	struct due due;      /* the entry that it was begun for */
	struct lease *lease; /* as committed, with its revision */
	char *key_id;        /* of the root key, for messages */

	/* How it ended. */
	bool gone; /* nothing of `part` is left in the cloud */
	bool sick;
	bool for_operator; /* only an operator can end what it failed for */
	char error[LEASE_ERROR_MAX + 1];
};

/* A backoff that is only remembered: the store was full. */
struct held {
	struct lease_key lease;
	int64_t until; /* boot ms */
};

/* A job being drained; its place is only remembered. Those of all jobs, in the order of their keys. */
struct drain {
	struct drain *next;
	struct key key;
	bool marked; /* every lease that it means has been marked */
	struct path_cursor cursor;
	struct path_cursor left; /* no lease before it is meant and still there */
	uint64_t removed_seen;   /* the revoker's count when it was looked at last */
	int64_t next_look;       /* boot ms */
};

/* How far the leases of a dead token have been marked; only remembered. */
struct marked {
	struct lease_key owner, after;
	uint64_t seen; /* the greater, the later; 0: of no token */
};

/* Whether the clock is right, after it was set ahead: a cloud is asked first. */
struct doubt {
	int64_t until;    /* boot ms, at the latest; 0: there is none */
	uint64_t answers; /* that there had been when it began */
};

/* By what it is told that the clock was set. */
struct clock_seen {
	bool known;
	int64_t ahead; /* of the time since the boot, at most, ms */
};

/* What is not due yet, looked through once the clock was set back. */
struct set_back {
	bool looking;
	bool keyless; /* among which of them */
	struct due after;
};

struct revoker {
	struct broker *broker;
	struct clock_seen clock_seen;
	struct doubt doubt;
	struct set_back set_back;
	struct marked marked[MARKED_MAX];
	uint64_t marked_seen; /* the greatest of them */
	int64_t warned_at;    /* of dead tokens, boot ms */
	struct taking takings[TAKINGS_MAX];
	size_t in_flight;
	struct mount_state *mounts; /* borrowed pointers into it live in takings: it never moves */
	size_t mount_count;
	struct held held[HELD_MAX];
	size_t held_next;
	struct drain *drains;
	uint64_t removed; /* leases that were taken back since the start */
	int64_t maintained_at;
	int64_t finish_at; /* boot ms: when to commit what has ended; 0: nothing has */
	int64_t look_at;   /* boot ms: when to look for what is due again */
	int64_t ask_at;    /* boot ms: when to ask for the time again, while the clouds disagree */
	struct dates_question question;
};

#define MOUNTS_MAX 256 /* with work at the same time; beyond, they wait their turn */

/* The state of a mount; NULL when there are too many at once. */
struct mount_state *mount_state(struct revoker *revoker, const unsigned char *uuid);

/* Seconds between the sweep before (or the first success) and this one, counted from 0. */
int64_t sweep_pause(const struct conf_engine *conf, uint32_t sweep);

/* Notices that the clock was set. Ahead: it is in doubt. Back: what is unfinished does not wait for
 * that; true: there is more to do at once. */
bool clock_set_turn(struct revoker *revoker);

/* Whether nothing should end by the clock alone until a cloud has said the time. */
bool clock_in_doubt(struct revoker *revoker);

/* Looks for what is due and begins as much of it as fits. true: there is more to do at once. What is
 * long is not looked through at every turn: *timeout_ms is lowered to the next look. */
bool due_begin(struct revoker *revoker, int64_t *timeout_ms);

/* A due lease to be begun, and how much of it. */
struct choice {
	struct due due;
	enum revoke_part part;
};

/* Marks the leases, together, and starts to talk about each. At most CHOICES_MAX. Returns how many of
 * them need not be tried again before something has happened: all but those whose mount's root
 * credentials are on their way. */
size_t takings_begin(struct revoker *revoker, const struct choice *choices, size_t count);

/* Commits what has ended: at once while little is in flight, else when some have come together or
 * finish_at has come. */
void takings_finish(struct revoker *revoker);

void taking_free(struct taking *taking);
void takings_free(struct revoker *revoker);

/* Whether the lease is in flight; whether it is held back in memory. */
bool taking_in_flight(const struct revoker *revoker, const struct lease_key *lease);
bool taking_held(const struct revoker *revoker, const struct lease_key *lease);

/* Holds a lease back. The oldest memory makes room. */
void taking_hold(struct revoker *revoker, const struct lease_key *lease, int64_t seconds);

/* Kills tokens at their end, and takes away what dead ones owned. true: there is more to do at once. */
bool tokens_drain(struct revoker *revoker);

/* Moves all jobs on, however many of them wait for a sick cloud. true: there is more to do at once. */
bool jobs_drain(struct revoker *revoker);

void drains_free(struct revoker *revoker);

#endif
