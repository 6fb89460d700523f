/* SPDX-License-Identifier: Apache-2.0 */
/* The memory that all processes of one server share: a slot for each child, and the quota buckets.
 *
 * It is mapped by the master before it forks and handed down as a pointer. Only its owner writes a
 * slot; the master reads heartbeats and deadlines, the revoker reads what a dead child had in hand.
 * There are no locks: every word is atomic, and a lease is named before its phase is set. */
#ifndef UTIL_SHARED_H
#define UTIL_SHARED_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "util/bucket.h"

#define SHARED_SLOTS 320
#define SHARED_TOLD  1024

/* What a child has in hand, so that its death leaves no credential behind. */
enum slot_phase {
	SLOT_FREE,      /* nothing */
	SLOT_PENDING,   /* the lease is recorded, calls may be under way: revoke it */
	SLOT_ISSUED,    /* the credential exists, its reply is not flushed: revoke it */
	SLOT_DELIVERED, /* the reply was flushed: the lease is good, only to be confirmed */
	SLOT_OPENING,   /* a wrapper with it is being opened: revoke it if that was committed */
	SLOT_TOKEN, /* not a lease but an unwrapped token, its reply is not flushed: revoke it */
	SLOT_TOKEN_DELIVERED, /* the reply was flushed: the token is only to be released */
};

enum slot_counter {
	COUNT_REQUESTS,
	COUNT_ISSUED,
	COUNT_REVOKED,
	COUNT_RENEWED,
	COUNT_CLOUD_CALLS,
	COUNT_CLOUD_ERRORS,
	COUNT_DATES_OFF,  /* answers whose Date was more than five minutes off */
	COUNT_IDENTITIES, /* requests served as an identity; one counter for each of its methods: */
	COUNT_IDENTITIES_LAST = COUNT_IDENTITIES + 4, /* cert, basic, request, address, map */
	SLOT_COUNTERS,
};

struct slot {
	_Atomic int32_t pid;       /* 0: unused; negative: that child is dead, to be cleaned up */
	_Atomic int64_t heartbeat; /* boot-time ms of the last sign of life */
	_Atomic int64_t deadline;  /* boot-time ms by which the request in hand ends; 0: idle */
	_Atomic int64_t writing;   /* boot-time ms since which it has the store to itself; 0: no */
	_Atomic uint32_t phase;    /* enum slot_phase */
	unsigned char lease[16];   /* keyed name of the lease, or token, in hand */
	_Atomic uint64_t counters[SLOT_COUNTERS];
};

struct shared {
	int revoker_wake; /* an eventfd: write 1 to wake the revoker */
	int64_t started;  /* seconds since 1970 */
	struct slot slots[SHARED_SLOTS];
	_Atomic uint32_t dates_off;      /* the last so many answers of clouds were that far off */
	struct bucket_table buckets;     /* of all clouds, accounts and actions */
	struct bucket_owners identities; /* of requests that need no token */
	_Atomic uint64_t told[SHARED_TOLD]; /* what was logged of late; see shared_tell */
};

/* Maps and zeroes it, opens revoker_wake, draws nothing: the caller fills started.
 * NULL if memory or descriptors are out. */
struct shared *shared_new(void);

/* Unmaps and closes it for this process. NULL is allowed. */
void shared_free(struct shared *shared);

/* Wakes the revoker; never blocks. */
void shared_wake_revoker(struct shared *shared);

/* Whether the log is to tell once more of what strangers can make happen as often as they like: once
 * in each minute (of boot time, ms) for each name, in all processes together. Names that fall on the
 * same word let each other be told more often, never less. */
bool shared_tell(struct shared *shared, const unsigned char name[16], int64_t now_ms);

/* Shows that its owner is alive. */
void slot_beat(struct slot *slot);

/* Whether a living child has the lease, or token, in hand, in that phase. */
bool slots_hold(const struct shared *shared, const unsigned char lease[16], enum slot_phase phase);

/* Whether a living child has it in hand in any phase, and the time (boot ms) of its request is not
 * over. */
bool slots_work_on(const struct shared *shared, const unsigned char lease[16], int64_t now_ms);

/* Adds one. Counters go on when a slot gets a new owner: sums over all slots never fall. */
void slot_count(struct slot *slot, enum slot_counter counter);

/* The sum of a counter over all slots. */
uint64_t shared_sum(const struct shared *shared, enum slot_counter counter);

/* Names the lease, or token, in hand, then sets the phase. */
void slot_hold(struct slot *slot, const unsigned char lease[16], enum slot_phase phase);
void slot_phase_set(struct slot *slot, enum slot_phase phase);

#endif
