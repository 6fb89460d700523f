/* SPDX-License-Identifier: Apache-2.0 */
/* The store: sealed records under ordered keys, changed in atomic conditional batches.
 *
 * Every value is sealed (crypto/keyring.h) with the store's id, its key and its revision as
 * associated data: a record cannot be moved, swapped with an older one, or read without the key. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/driver.h"
#include "store/machine.h"

struct buf;
struct err;
struct keyring;
struct queue;
struct store;

/* What a batch may write when the store is almost full. */
enum store_urgency {
	STORE_NORMAL, /* puts are refused with LH_EFULL above 90 % of map or disk */
	STORE_REVOKE, /* revocations, deletions: written as long as there is any room */
};

/* Where the store lives and how it is sealed; all borrowed. The key file is read while the store is
 * created, opened or adopted, and never after. */
struct store_options {
	const struct store_driver *driver;
	const char *path;
	uint64_t map_size;
	const char *key_file;
	struct board board;       /* of the machine, as board_read says */
	_Atomic int64_t *writing; /* shows since when an open store is written to, as the driver's
				   * watch says; NULL: nobody looks */
	struct queue *queue;      /* of all processes that write to it (store/queue.h); NULL: this
				   * is the only one */
	unsigned place;           /* in the queue; QUEUE_NO_PLACE: it waits for nobody */
};

struct store_batch;

/* Adds the first records of a new store, with names made by its keyring. What fails is returned. */
typedef int (*store_fill)(void *context, const struct keyring *keyring, struct store_batch *batch);

/* Creates folder content, keyring and meta record; the records that fill (may be NULL) adds are
 * written in the same batch, right after it returned. LH_EEXIST if there is a store. */
int store_create(const struct store_options *options, store_fill fill, void *context,
		 struct err *err);

/* Opens for this process. Refuses with a sentence that names the command to run:
 * LH_ENOENT no store yet (init), LH_EVERSION another format, LH_ECORRUPT another master key,
 * LH_EPERM it was copied from another machine (adopt), LH_EIO. */
int store_open(const struct store_options *options, struct store **store_out, struct err *err);

/* Makes the store belong to this machine: after a restored backup. Any driver error. */
int store_adopt(const struct store_options *options, struct err *err);

void store_close(struct store *store);

/* Takes the exclusive lock of a server on the folder of a store, held until the process ends.
 * LH_EBUSY with the holder's pid in err; LH_ENOENT where there is no store, and the folder stays as
 * it is, for init to use. *fd_out stays open (close-on-exec). */
int store_lock(const char *path, int *fd_out, struct err *err);

/* Whether something stands at the path that a server would try to open; how sound it is does not
 * matter. */
bool store_exists(const char *path);

/* The store's random id, a UUID. Borrowed. */
const char *store_id(const struct store *store);
const struct keyring *store_keyring(const struct store *store);

/* Appends the opened value to out. 0, LH_ENOENT, LH_ERANGE (key too long or empty), LH_EINVAL (the
 * meta record, which is the store's own), LH_ECORRUPT, LH_EIO, LH_ENOMEM.
 * revision_out may be NULL. */
int store_get(struct store *store, struct bytes key, struct buf *out, uint64_t *revision_out);

/* Seals what is given away instead of stored, and opens what comes back (crypto/keyring.h, batch
 * tokens), bound to this store. Both append to out. 0, LH_ENOMEM, LH_EIO; LH_ECORRUPT: not sealed
 * by this store for this purpose. */
int store_seal_token(struct store *store, const void *plain, size_t size, struct buf *out);
int store_open_token(struct store *store, const void *sealed, size_t size, struct buf *out);

/* The revision alone, 0 when absent: the cheap test whether something cached is still right. */
int store_revision(struct store *store, struct bytes key, uint64_t *revision_out);

/* One record of a scan. */
struct store_record {
	struct bytes key;   /* borrowed */
	struct bytes value; /* opened, borrowed; empty with STORE_SCAN_KEYS */
	uint64_t revision;
};

/* 0 to go on; anything else ends the scan and is returned. Must not call the store. */
typedef int (*store_visit)(void *context, const struct store_record *record);

enum store_scan_what { STORE_SCAN_KEYS, STORE_SCAN_VALUES };

/* As the driver's scan, without the meta record. With STORE_SCAN_KEYS nothing is opened. */
int store_scan(struct store *store, enum store_scan_what what, struct bytes from, struct bytes end,
	       struct bytes after, size_t max, store_visit visit, void *context);

/* A batch under construction. It copies keys and values (and wipes them); errors stick until
 * store_apply. Zero-initialise, free with store_batch_free. */
struct store_batch {
	struct batch_op *ops;
	size_t count, capacity;
	int failed; /* the first error, 0 if none */
};

void store_batch_put(struct store_batch *batch, enum store_condition condition, uint64_t expected,
		     struct bytes key, struct bytes value);
void store_batch_delete(struct store_batch *batch, enum store_condition condition,
			uint64_t expected, struct bytes key);
void store_batch_expect(struct store_batch *batch, enum store_condition condition,
			uint64_t expected, struct bytes key);
void store_batch_free(struct store_batch *batch);

/* Adds a key to the keyring: what is written from now on is sealed under it; other processes learn
 * of it when they meet such a value. 0, LH_ERANGE (too many), LH_ECONFLICT (somebody else rotates),
 * or an error of the driver. */
int store_rotate(struct store *store);

/* Draws a new revision for each put, seals, and commits durably. 0; LH_ECONFLICT with *failed_out
 * (may be NULL) the index of the operation whose condition did not hold; LH_EFULL; LH_EIO;
 * LH_ENOMEM; LH_ERANGE over STORE_BATCH_MAX operations. */
int store_apply(struct store *store, enum store_urgency urgency, const struct store_batch *batch,
		size_t *failed_out);

/* Sees to it that nothing which a dead process has left in its place of the queue is committed from
 * now on, and that what it had committed can be read: before anybody judges what it did. Any driver
 * error. */
int store_withdraw(struct store *store, unsigned place);

/* The driver's maintain; also reads the fill for store_apply's limit, as store_open does and
 * store_apply itself at most once a second. The revoker calls it each minute and after the death of
 * a process. usage_out may be NULL; it is zeroed when the driver fails. */
int store_maintain(struct store *store, struct driver_usage *usage_out);

#endif
