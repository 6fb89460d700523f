/* SPDX-License-Identifier: Apache-2.0 */
/* Batches that wait for a commit, in memory that all processes of a server share.
 *
 * A synced commit costs two flushes of the disk and a copy of every page on the way, however much it
 * holds, and writers take turns. So whoever has the driver's write lock, the leader, commits what
 * others have ready together with its own. Each process that may write has a place, and a word in
 * it says how its batch fares:
 *
 *   empty ─ owner ─▶ waiting ─ leader ─▶ taken into transaction N ─▶ committed ─ owner ─▶ empty
 *                       │                       │
 *                       └───────────────────────┴──────────────────▶ alone ───── owner ─▶ empty
 *
 * Alone: it was not committed, for whatever reason; its owner commits it by itself, and so learns
 * the reason. Nobody but the owner is ever told of more than success.
 *
 * Any process may die anywhere. Only the holder of the write lock takes a batch, and it says so before
 * the commit. Transactions that are committed are numbered without a gap, and one that was not leaves
 * its number to the next. So whoever gets the lock next can tell what became of a batch that is still
 * called taken, and settles that before all else: every writer of the store must. Who waits is woken,
 * but relies on it for no longer than a moment, and then goes for the lock itself. */
#ifndef STORE_QUEUE_H
#define STORE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/driver.h"
#include "util/shared.h"

#define QUEUE_PLACES   SHARED_SLOTS /* that of a process has the number of its slot */
#define QUEUE_NO_PLACE QUEUE_PLACES
#define QUEUE_OPS_MAX  64          /* a larger batch does not wait here, */
#define QUEUE_SIZE_MAX (12 * 1024) /* nor one with more bytes of keys and values */

struct queue;

/* Maps it, all places empty. NULL if memory is out. */
struct queue *queue_new(void);

/* Unmaps it for this process. NULL is allowed. */
void queue_free(struct queue *queue);

/* ---- For the owner of a place ---- */

/* Copies a batch into the empty place: from now on it may be committed at any time.
 * false: it is too large, or the place is not empty. */
bool queue_put(struct queue *queue, unsigned place, const struct driver_op *ops, size_t count);

/* Whether it still waits, or is taken. */
bool queue_is_pending(const struct queue *queue, unsigned place);

/* Waits until something has become of it, or nobody seems to lead. true: the caller should get the
 * write lock and lead, and then call queue_lead_end. */
bool queue_may_lead(struct queue *queue, unsigned place);

/* Calls for a leader if somebody waits. */
void queue_lead_end(struct queue *queue);

/* The lock cannot be had: a batch that still waits will not be committed. false: it was taken. */
bool queue_give_up(struct queue *queue, unsigned place);

/* Empties the place of a batch that is not pending. true: it was committed. */
bool queue_claim(struct queue *queue, unsigned place);

/* ---- For the holder of the write lock ---- */

/* Its transaction has this number: what was taken into an earlier one was committed; what was taken
 * into this one was not, because its leader has failed or died. */
void queue_settle(struct queue *queue, uint64_t number);

/* Takes the batch that waits in the place into the transaction. ops, with room for QUEUE_OPS_MAX, are
 * borrowed from the place. Returns their count; 0: nothing waits. */
size_t queue_take(struct queue *queue, unsigned place, uint64_t number, struct driver_op *ops);

/* What was taken from the place is left out of the transaction. */
void queue_refuse(struct queue *queue, unsigned place, uint64_t number);

/* Empties the place of a process that has died: nothing in it is committed from now on. */
void queue_withdraw(struct queue *queue, unsigned place);

/* ---- For whoever has held it ---- */

/* The transaction was committed. */
void queue_commit(struct queue *queue, uint64_t number);

#endif
