/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the LMDB driver share: store_lmdb.c opens, reads and keeps in order, lmdb_write.c
 * writes, lmdb_together.c writes for several processes at once. */
#ifndef STORE_LMDB_PRIV_H
#define STORE_LMDB_PRIV_H

#include <lmdb.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/driver.h"
#include "store/room.h"

struct queue;

#define REVISION_SIZE sizeof(uint64_t)

struct lmdb {
	char *path;
	uint64_t limit;
	MDB_env *env;    /* NULL: it was given up, and no other could be opened yet */
	MDB_txn *reader; /* reset, except during a call; NULL as env */
	MDB_dbi records;
	size_t page_size;
	int fd;                   /* borrowed from env */
	_Atomic int64_t *writing; /* borrowed; NULL: nobody looks */
	struct queue *queue;      /* borrowed; NULL: nobody else writes */
	unsigned place;           /* of this process in it, or QUEUE_NO_PLACE */
};

/* LMDB's codes and errno's as ours. */
int lmdb_error(int code);

/* LMDB takes what it only reads through pointers without const. */
MDB_val lmdb_val(struct bytes bytes);

/* Opens the environment anew, after MDB_PANIC: the disk did not take the last write of a commit, and
 * LMDB does nothing more with the old one. What was committed before is whole. 0 or LMDB's code. */
int lmdb_open_again(struct lmdb *lmdb);

/* ---- Reading (store_lmdb.c) ---- */

/* Renews the reader; the caller resets it. */
int lmdb_begin_read(struct lmdb *lmdb);

/* 0 with both outputs, LH_ENOENT, … The value is borrowed from the transaction. */
int lmdb_lookup(const struct lmdb *lmdb, MDB_txn *txn, struct bytes key, uint64_t *revision_out,
		struct bytes *value_out);

/* ---- Room (lmdb_write.c) ---- */

/* Of the file as it was committed last; its depth is left 0. */
struct room lmdb_measure(const struct lmdb *lmdb);

/* With the depth. */
struct room lmdb_room(const struct lmdb *lmdb, MDB_txn *txn);

/* Whether what takes so many pages leaves the reserve: LH_EFULL if not. For the holder of the write
 * lock. */
int lmdb_check_room(struct lmdb *lmdb, const struct room *room, size_t pages);

/* Adds up the free pages inside the file until there are enough. */
int lmdb_count_free(MDB_txn *reader, size_t enough, size_t *free_out);

/* ---- Writing (lmdb_write.c) ---- */

/* Gets the write lock, and settles what the last leader left in the queue. *txn_out is NULL on
 * failure. */
int lmdb_begin_write(struct lmdb *lmdb, MDB_txn **txn_out);

/* Both end the transaction in any case. */
int lmdb_commit(const struct lmdb *lmdb, MDB_txn *txn);
void lmdb_abort_write(const struct lmdb *lmdb, MDB_txn *txn);

/* Judges all conditions, and by how many bytes the batch makes the store grow. LH_ECONFLICT with the
 * index of the first operation whose condition does not hold. */
int lmdb_judge(const struct lmdb *lmdb, MDB_txn *txn, const struct driver_op *ops, size_t count,
	       size_t *failed_out, int64_t *growth_out);

/* Makes the changes of a batch. After an error the transaction must be aborted. */
int lmdb_change(const struct lmdb *lmdb, MDB_txn *txn, const struct driver_op *ops, size_t count);

/* ---- The driver's own (driver.h) ---- */

int lmdb_apply(void *handle, const struct driver_op *ops, size_t count, size_t *failed_out);
int lmdb_withdraw(void *handle, unsigned place);

/* ---- Together (lmdb_together.c) ---- */

/* Has the batch committed with those of other processes. 0: it was. LH_ECONFLICT: it was not, and the
 * caller does it alone. Else nobody can tell now. */
int lmdb_apply_together(struct lmdb *lmdb, const struct driver_op *ops, size_t count);

#endif
