/* SPDX-License-Identifier: Apache-2.0 */
/* The LMDB driver: how a batch gets onto the disk, and whether there is room for it. */
#include <errno.h>
#include <string.h>

#include "store/disk.h"
#include "store/lmdb_priv.h"
#include "store/queue.h"
#include "store/room.h"
#include "util/clock.h"
#include "util/err.h"

#define DISK_LEAST (256 * 1024)
#define FREE_PAGES 0 /* LMDB's own database: transaction id → count, page numbers */

/* ---- Room ---- */

struct room lmdb_measure(const struct lmdb *lmdb)
{
	MDB_envinfo info = { 0 };

	mdb_env_info(lmdb->env, &info);
	return (struct room){
		.limit = info.me_mapsize / lmdb->page_size,
		.used = info.me_last_pgno + 1,
		.page_size = lmdb->page_size,
	};
}

/* LMDB shows them to read transactions only. */
int lmdb_count_free(MDB_txn *reader, size_t enough, size_t *free_out)
{
	MDB_cursor *cursor;
	MDB_val key, pages;
	size_t count;
	int code;

	*free_out = 0;
	code = mdb_cursor_open(reader, FREE_PAGES, &cursor);
	if (code)
		return lmdb_error(code);
	while (*free_out < enough && !(code = mdb_cursor_get(cursor, &key, &pages, MDB_NEXT))) {
		memcpy(&count, pages.mv_data, sizeof(count));
		*free_out += count;
	}
	mdb_cursor_close(cursor);
	return code == MDB_NOTFOUND ? 0 : lmdb_error(code);
}

struct room lmdb_room(const struct lmdb *lmdb, MDB_txn *txn)
{
	struct room room = lmdb_measure(lmdb);
	MDB_stat stat = { 0 };

	mdb_stat(txn, lmdb->records, &stat);
	room.depth = stat.ms_depth;
	return room;
}

/* The caller holds the write lock, so what a read transaction sees is still true when the pages are
 * written. */
int lmdb_check_room(struct lmdb *lmdb, const struct room *room, size_t pages)
{
	size_t missing = room_missing(room, pages), free_pages = 0;
	uint64_t disk_free, disk_size;
	int ret;

	disk_usage(lmdb->fd, &disk_free, &disk_size);
	if (disk_free < DISK_LEAST)
		return LH_EFULL;
	if (!missing)
		return 0;
	ret = lmdb_begin_read(lmdb);
	if (ret)
		return ret;
	ret = lmdb_count_free(lmdb->reader, missing, &free_pages);
	mdb_txn_reset(lmdb->reader);
	if (ret)
		return ret;
	return free_pages >= missing ? 0 : LH_EFULL;
}

/* ---- Writing ---- */

/* Whoever stops in the middle of a write stops all other writers: the time is for somebody who can
 * end that. */
static void show_writing(const struct lmdb *lmdb, int64_t since)
{
	if (lmdb->writing)
		atomic_store(lmdb->writing, since);
}

int lmdb_begin_write(struct lmdb *lmdb, MDB_txn **txn_out)
{
	int code = lmdb->env ? mdb_txn_begin(lmdb->env, NULL, 0, txn_out) : MDB_PANIC;

	if (code == MDB_PANIC) {
		code = lmdb_open_again(lmdb);
		if (!code)
			code = mdb_txn_begin(lmdb->env, NULL, 0, txn_out);
	}
	if (code == MDB_MAP_RESIZED) {
		code = mdb_env_set_mapsize(lmdb->env, 0);
		if (!code)
			code = mdb_txn_begin(lmdb->env, NULL, 0, txn_out);
	}
	if (code)
		*txn_out = NULL;
	else
		show_writing(lmdb, clock_boot_ms());
	if (!code && lmdb->queue)
		queue_settle(lmdb->queue, mdb_txn_id(*txn_out));
	return lmdb_error(code);
}

void lmdb_abort_write(const struct lmdb *lmdb, MDB_txn *txn)
{
	mdb_txn_abort(txn);
	show_writing(lmdb, 0);
}

int lmdb_judge(const struct lmdb *lmdb, MDB_txn *txn, const struct driver_op *ops, size_t count,
	       size_t *failed_out, int64_t *growth_out)
{
	struct bytes value;
	uint64_t revision;
	size_t i;
	int ret;

	*growth_out = 0;
	for (i = 0; i < count; i++) {
		ret = lmdb_lookup(lmdb, txn, ops[i].key, &revision, &value);
		if (ret && ret != LH_ENOENT)
			return ret;
		if (!driver_holds(&ops[i], !ret, revision)) {
			*failed_out = i;
			return LH_ECONFLICT;
		}
		if (ops[i].kind == STORE_PUT)
			*growth_out += (int64_t)(ops[i].key.size + ops[i].value.size);
		if (ops[i].kind != STORE_EXPECT && !ret)
			*growth_out -= (int64_t)(ops[i].key.size + value.size);
	}
	return 0;
}

static int change_one(const struct lmdb *lmdb, MDB_txn *txn, const struct driver_op *op)
{
	MDB_val key = lmdb_val(op->key), stored = { REVISION_SIZE + op->value.size, NULL };
	unsigned char *data;
	int code;

	if (op->kind == STORE_EXPECT)
		return 0;
	if (op->kind == STORE_DELETE) {
		code = mdb_del(txn, lmdb->records, &key, NULL);
		return code == MDB_NOTFOUND ? 0 : lmdb_error(code);
	}
	code = mdb_put(txn, lmdb->records, &key, &stored, MDB_RESERVE);
	if (code)
		return lmdb_error(code);
	data = stored.mv_data;
	memcpy(data, &op->revision, REVISION_SIZE);
	if (op->value.size)
		memcpy(data + REVISION_SIZE, op->value.data, op->value.size);
	return 0;
}

int lmdb_change(const struct lmdb *lmdb, MDB_txn *txn, const struct driver_op *ops, size_t count)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < count; i++)
		ret = change_one(lmdb, txn, &ops[i]);
	return ret;
}

/* LMDB reports a write that the disk took only in part as EIO. */
int lmdb_commit(const struct lmdb *lmdb, MDB_txn *txn)
{
	uint64_t disk_free, disk_size;
	int code = mdb_txn_commit(txn);

	show_writing(lmdb, 0);
	if (!code)
		disk_keep_ahead(lmdb->fd);
	if (code == EIO) {
		disk_usage(lmdb->fd, &disk_free, &disk_size);
		code = disk_free < DISK_LEAST ? ENOSPC : EIO;
	}
	return lmdb_error(code);
}

static int apply_alone(struct lmdb *lmdb, const struct driver_op *ops, size_t count,
		       size_t *failed_out)
{
	struct room room;
	int64_t growth;
	MDB_txn *txn;
	int ret;

	ret = lmdb_begin_write(lmdb, &txn);
	if (ret)
		return ret;
	ret = lmdb_judge(lmdb, txn, ops, count, failed_out, &growth);
	if (!ret && growth > 0) {
		room = lmdb_room(lmdb, txn);
		ret = lmdb_check_room(lmdb, &room, room_pages(&room, ops, count));
	}
	if (!ret)
		ret = lmdb_change(lmdb, txn, ops, count);
	if (!ret)
		return lmdb_commit(lmdb, txn);
	lmdb_abort_write(lmdb, txn);
	return ret;
}

/* A full map may be one whose free pages are pinned by a reader that died: looked at once. */
int lmdb_apply(void *handle, const struct driver_op *ops, size_t count, size_t *failed_out)
{
	struct lmdb *lmdb = handle;
	int ret, dead = 0;

	*failed_out = 0;
	ret = driver_check_batch(ops, count);
	if (ret)
		return ret;
	ret = LH_ECONFLICT;
	if (lmdb->queue && lmdb->place != QUEUE_NO_PLACE)
		ret = lmdb_apply_together(lmdb, ops, count);
	if (ret == LH_ECONFLICT)
		ret = apply_alone(lmdb, ops, count, failed_out);
	if (ret == LH_EFULL && !mdb_reader_check(lmdb->env, &dead) && dead > 0)
		ret = apply_alone(lmdb, ops, count, failed_out);
	return ret;
}

/* The last step of a commit shows it to the readers of all processes. Where a writer was killed
 * before it, the commit is on the disk, and is shown when the lock is taken next. */
int lmdb_withdraw(void *handle, unsigned place)
{
	struct lmdb *lmdb = handle;
	MDB_txn *txn;
	int ret = lmdb_begin_write(lmdb, &txn);

	if (ret)
		return ret;
	if (lmdb->queue && place != QUEUE_NO_PLACE)
		queue_withdraw(lmdb->queue, place);
	lmdb_abort_write(lmdb, txn);
	return 0;
}
