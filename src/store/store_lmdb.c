/* SPDX-License-Identifier: Apache-2.0 */
/* The LMDB driver: one environment in the store's folder, one unnamed database.
 *
 *   key   →   revision (8 bytes, this machine's order) | value
 *
 * Each process has its own environment, opened after the fork, and in it one read transaction that
 * is reset between calls: renewing it costs nothing, and while it is reset it pins no page. Writers
 * of all processes take turns under LMDB's lock, which survives a killed holder. Commits are
 * synchronous: two flushes, and what was answered is on the disk.
 *
 * LMDB copies every page that it changes, so even a deletion needs free pages. Therefore a batch
 * that makes the store grow must leave a reserve of the map (room.h), and is refused when the
 * disk has less than DISK_LEAST left; a batch that shrinks it may use the reserve, and what
 * disk.h keeps allocated ahead of the file's end. The pages that it frees serve the second
 * commit after it.
 *
 * A commit that outgrows what another process had mapped shows there as MDB_MAP_RESIZED, at the
 * begin of a transaction, and is cured by mapping anew. */
#include <errno.h>
#include <lmdb.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/disk.h"
#include "store/driver.h"
#include "store/room.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/wipe.h"

#define READERS       4096
#define LOCK_SIZE     ((size_t)(READERS + 1) * 64) /* LMDB's header and one cache line each */
#define DISK_LEAST    (256 * 1024)
#define REVISION_SIZE sizeof(uint64_t)
#define FREE_PAGES    0 /* LMDB's own database: transaction id → count, page numbers */

struct lmdb {
	MDB_env *env;
	MDB_txn *reader; /* reset, except during a call */
	MDB_dbi records;
	size_t page_size;
	int fd;                   /* borrowed from env */
	_Atomic int64_t *writing; /* borrowed; NULL: nobody looks */
};

/* LMDB's codes and errno's become ours here and nowhere else. */
static int map_code(int code)
{
	switch (code) {
	case MDB_SUCCESS: return 0;
	case MDB_NOTFOUND: return LH_ENOENT;
	case MDB_MAP_FULL:
	case ENOSPC:
	case EDQUOT:
	case EFBIG: return LH_EFULL;
	case MDB_BAD_VALSIZE: return LH_ERANGE;
	case MDB_READERS_FULL: return LH_EBUSY;
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
	case MDB_INVALID: return LH_ECORRUPT;
	case MDB_VERSION_MISMATCH: return LH_EVERSION;
	case ENOMEM: return LH_ENOMEM;
	case EACCES:
	case EPERM: return LH_EPERM;
	default: return LH_EIO;
	}
}

/* LMDB takes what it only reads through pointers without const. */
static MDB_val val(struct bytes bytes)
{
	union {
		const void *borrowed;
		void *data;
	} pointer = { .borrowed = bytes.data };

	return (MDB_val){ bytes.size, pointer.data };
}

static struct bytes bytes_of(const MDB_val *value)
{
	return (struct bytes){ value->mv_data, value->mv_size };
}

/* Reading */

static int begin_read(struct lmdb *lmdb)
{
	int code = mdb_txn_renew(lmdb->reader);

	if (code == MDB_MAP_RESIZED) {
		code = mdb_env_set_mapsize(lmdb->env, 0);
		if (!code)
			code = mdb_txn_renew(lmdb->reader);
	}
	return map_code(code);
}

/* Takes a stored record apart. */
static int split(const MDB_val *stored, uint64_t *revision_out, struct bytes *value_out)
{
	const unsigned char *data = stored->mv_data;

	if (stored->mv_size < REVISION_SIZE)
		return LH_ECORRUPT;
	memcpy(revision_out, data, REVISION_SIZE);
	*value_out = (struct bytes){ data + REVISION_SIZE, stored->mv_size - REVISION_SIZE };
	return 0;
}

static int lookup(const struct lmdb *lmdb, MDB_txn *txn, struct bytes key, uint64_t *revision_out,
		  struct bytes *value_out)
{
	MDB_val key_val = val(key), stored;
	int ret;

	*revision_out = 0;
	*value_out = (struct bytes){ NULL, 0 };
	ret = map_code(mdb_get(txn, lmdb->records, &key_val, &stored));
	return ret ? ret : split(&stored, revision_out, value_out);
}

static int lmdb_get(void *handle, struct bytes key, struct buf *out, uint64_t *revision_out)
{
	struct lmdb *lmdb = handle;
	struct bytes value;
	int ret;

	*revision_out = 0;
	if (!driver_key_is_valid(key))
		return LH_ERANGE;
	ret = begin_read(lmdb);
	if (ret)
		return ret;
	ret = lookup(lmdb, lmdb->reader, key, revision_out, &value);
	if (!ret && out) {
		buf_add(out, value.data, value.size);
		ret = buf_error(out);
	}
	mdb_txn_reset(lmdb->reader);
	return ret;
}

/* Moves to the first record at or behind from, and behind after. */
static int seek(MDB_cursor *cursor, struct bytes from, struct bytes after, MDB_val *key,
		MDB_val *stored)
{
	struct bytes start = driver_compare(after, from) > 0 ? after : from;
	int code;

	if (!start.size)
		return mdb_cursor_get(cursor, key, stored, MDB_FIRST);
	*key = val(start);
	code = mdb_cursor_get(cursor, key, stored, MDB_SET_RANGE);
	if (!code && after.size && driver_compare(bytes_of(key), after) == 0)
		code = mdb_cursor_get(cursor, key, stored, MDB_NEXT);
	return code;
}

static int walk(MDB_cursor *cursor, struct bytes from, struct bytes end, struct bytes after,
		size_t max, driver_visit visit, void *context)
{
	struct bytes value;
	uint64_t revision;
	MDB_val key, stored;
	int code, ret = 0;

	code = seek(cursor, from, after, &key, &stored);
	for (; !code && !ret && max > 0; max--) {
		if (end.size && driver_compare(bytes_of(&key), end) >= 0)
			return 0;
		ret = split(&stored, &revision, &value);
		if (!ret)
			ret = visit(context, bytes_of(&key), value, revision);
		if (!ret && max > 1)
			code = mdb_cursor_get(cursor, &key, &stored, MDB_NEXT);
	}
	return ret || code == MDB_NOTFOUND ? ret : map_code(code);
}

static int lmdb_scan(void *handle, struct bytes from, struct bytes end, struct bytes after,
		     size_t max, driver_visit visit, void *context)
{
	struct lmdb *lmdb = handle;
	MDB_cursor *cursor;
	int ret;

	if (!driver_range_is_valid(from, end, after))
		return LH_ERANGE;
	ret = begin_read(lmdb);
	if (ret)
		return ret;
	ret = map_code(mdb_cursor_open(lmdb->reader, lmdb->records, &cursor));
	if (!ret) {
		ret = walk(cursor, from, end, after, max, visit, context);
		mdb_cursor_close(cursor);
	}
	mdb_txn_reset(lmdb->reader);
	return ret;
}

/* Room */

static struct room measure(const struct lmdb *lmdb)
{
	MDB_envinfo info;

	mdb_env_info(lmdb->env, &info);
	return (struct room){
		.limit = info.me_mapsize / lmdb->page_size,
		.used = info.me_last_pgno + 1,
		.page_size = lmdb->page_size,
	};
}

/* Adds up the free pages inside the file until there are enough. LMDB shows them to read
 * transactions only. */
static int count_free(MDB_txn *reader, size_t enough, size_t *free_out)
{
	MDB_cursor *cursor;
	MDB_val key, pages;
	size_t count;
	int code;

	*free_out = 0;
	code = mdb_cursor_open(reader, FREE_PAGES, &cursor);
	if (code)
		return map_code(code);
	while (*free_out < enough && !(code = mdb_cursor_get(cursor, &key, &pages, MDB_NEXT))) {
		memcpy(&count, pages.mv_data, sizeof(count));
		*free_out += count;
	}
	mdb_cursor_close(cursor);
	return code == MDB_NOTFOUND ? 0 : map_code(code);
}

/* Whether a batch that grows the store leaves the reserve. The caller holds the write lock, so
 * what a read transaction sees is still true when the batch is written. */
static int check_room(struct lmdb *lmdb, const struct driver_op *ops, size_t count)
{
	struct room room = measure(lmdb);
	size_t missing, free_pages = 0;
	uint64_t disk_free, disk_size;
	MDB_stat stat = { 0 };
	int ret;

	disk_usage(lmdb->fd, &disk_free, &disk_size);
	if (disk_free < DISK_LEAST)
		return LH_EFULL;
	ret = begin_read(lmdb);
	if (ret)
		return ret;
	ret = map_code(mdb_stat(lmdb->reader, lmdb->records, &stat));
	room.depth = stat.ms_depth;
	missing = room_missing(&room, ops, count);
	if (!ret && missing)
		ret = count_free(lmdb->reader, missing, &free_pages);
	mdb_txn_reset(lmdb->reader);
	if (ret)
		return ret;
	return free_pages >= missing ? 0 : LH_EFULL;
}

/* Writing */

/* Whoever stops in the middle of a write stops all other writers: the time is for somebody who can
 * end that. */
static void show_writing(const struct lmdb *lmdb, int64_t since)
{
	if (lmdb->writing)
		atomic_store(lmdb->writing, since);
}

static int begin_write(struct lmdb *lmdb, MDB_txn **txn_out)
{
	int code = mdb_txn_begin(lmdb->env, NULL, 0, txn_out);

	if (code == MDB_MAP_RESIZED) {
		code = mdb_env_set_mapsize(lmdb->env, 0);
		if (!code)
			code = mdb_txn_begin(lmdb->env, NULL, 0, txn_out);
	}
	if (code)
		*txn_out = NULL;
	else
		show_writing(lmdb, clock_boot_ms());
	return map_code(code);
}

static void abort_write(const struct lmdb *lmdb, MDB_txn *txn)
{
	mdb_txn_abort(txn);
	show_writing(lmdb, 0);
}

/* Judges all conditions, and by how many bytes the batch makes the store grow. */
static int judge(const struct lmdb *lmdb, MDB_txn *txn, const struct driver_op *ops, size_t count,
		 size_t *failed_out, int64_t *growth_out)
{
	struct bytes value;
	uint64_t revision;
	size_t i;
	int ret;

	*growth_out = 0;
	for (i = 0; i < count; i++) {
		ret = lookup(lmdb, txn, ops[i].key, &revision, &value);
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

static int change(const struct lmdb *lmdb, MDB_txn *txn, const struct driver_op *op)
{
	MDB_val key = val(op->key), stored = { REVISION_SIZE + op->value.size, NULL };
	unsigned char *data;
	int code;

	if (op->kind == STORE_EXPECT)
		return 0;
	if (op->kind == STORE_DELETE) {
		code = mdb_del(txn, lmdb->records, &key, NULL);
		return code == MDB_NOTFOUND ? 0 : map_code(code);
	}
	code = mdb_put(txn, lmdb->records, &key, &stored, MDB_RESERVE);
	if (code)
		return map_code(code);
	data = stored.mv_data;
	memcpy(data, &op->revision, REVISION_SIZE);
	if (op->value.size)
		memcpy(data + REVISION_SIZE, op->value.data, op->value.size);
	return 0;
}

/* LMDB reports a write that the disk took only in part as EIO. */
static int commit(const struct lmdb *lmdb, MDB_txn *txn)
{
	uint64_t disk_free, disk_size;
	int code = mdb_txn_commit(txn);

	show_writing(lmdb, 0);
	if (code == EIO) {
		disk_usage(lmdb->fd, &disk_free, &disk_size);
		code = disk_free < DISK_LEAST ? ENOSPC : EIO;
	}
	return map_code(code);
}

static int apply_once(struct lmdb *lmdb, const struct driver_op *ops, size_t count,
		      size_t *failed_out)
{
	int64_t growth;
	MDB_txn *txn;
	size_t i;
	int ret;

	ret = begin_write(lmdb, &txn);
	if (ret)
		return ret;
	ret = judge(lmdb, txn, ops, count, failed_out, &growth);
	if (!ret && growth > 0)
		ret = check_room(lmdb, ops, count);
	for (i = 0; !ret && i < count; i++)
		ret = change(lmdb, txn, &ops[i]);
	if (!ret)
		return commit(lmdb, txn);
	abort_write(lmdb, txn);
	return ret;
}

/* A full map may be one whose free pages are pinned by a reader that died: looked at once. */
static int lmdb_apply(void *handle, const struct driver_op *ops, size_t count, size_t *failed_out)
{
	struct lmdb *lmdb = handle;
	int ret, dead = 0;

	*failed_out = 0;
	ret = driver_check_batch(ops, count);
	if (ret)
		return ret;
	ret = apply_once(lmdb, ops, count, failed_out);
	if (ret == LH_EFULL && !mdb_reader_check(lmdb->env, &dead) && dead > 0)
		ret = apply_once(lmdb, ops, count, failed_out);
	if (!ret)
		disk_keep_ahead(lmdb->fd);
	return ret;
}

/* Upkeep */

/* Free pages count as used while the file has at most `exact_above` pages. */
static int fill_usage(struct lmdb *lmdb, size_t exact_above, struct driver_usage *usage_out)
{
	struct room room;
	size_t free_pages = 0;
	MDB_stat stat;
	int ret;

	*usage_out = (struct driver_usage){ .disk_free = UINT64_MAX };
	ret = begin_read(lmdb);
	if (ret)
		return ret;
	room = measure(lmdb);
	ret = map_code(mdb_stat(lmdb->reader, lmdb->records, &stat));
	if (!ret && room.used > exact_above)
		ret = count_free(lmdb->reader, SIZE_MAX, &free_pages);
	mdb_txn_reset(lmdb->reader);
	if (ret)
		return ret;
	if (free_pages > room.used)
		free_pages = room.used;
	usage_out->used_bytes = (uint64_t)(room.used - free_pages) * lmdb->page_size;
	usage_out->limit_bytes = (uint64_t)room.limit * lmdb->page_size;
	usage_out->records = stat.ms_entries;
	disk_usage(lmdb->fd, &usage_out->disk_free, &usage_out->disk_size);
	return 0;
}

static int lmdb_usage(void *handle, struct driver_usage *usage_out)
{
	struct lmdb *lmdb = handle;

	return fill_usage(lmdb, measure(lmdb).limit / 2, usage_out);
}

/* The last step of a commit shows it to the readers of all processes. Where a writer was killed
 * before it, the commit is on the disk, and is shown when the lock is taken next. */
static int show_last_commit(struct lmdb *lmdb)
{
	MDB_txn *txn;
	int ret = begin_write(lmdb, &txn);

	if (!ret)
		abort_write(lmdb, txn);
	return ret;
}

static int lmdb_maintain(void *handle, struct driver_usage *usage_out)
{
	struct lmdb *lmdb = handle;
	int ret, dead;

	ret = show_last_commit(lmdb);
	if (!ret)
		ret = map_code(mdb_reader_check(lmdb->env, &dead));
	if (ret)
		return ret;
	disk_keep_ahead(lmdb->fd);
	return fill_usage(lmdb, 0, usage_out);
}

static void lmdb_watch(void *handle, _Atomic int64_t *since)
{
	struct lmdb *lmdb = handle;

	lmdb->writing = since;
}

static void lmdb_identify(void *handle, struct driver_identity *identity_out)
{
	const struct lmdb *lmdb = handle;

	disk_identify(lmdb->fd, identity_out);
}

/* Opening */

static void lmdb_close(void *handle)
{
	struct lmdb *lmdb = handle;

	if (!lmdb)
		return;
	if (lmdb->reader)
		mdb_txn_abort(lmdb->reader);
	if (lmdb->env)
		mdb_env_close(lmdb->env);
	free(lmdb);
}

static int open_env(struct lmdb *lmdb, const char *path, uint64_t limit)
{
	long page_size = sysconf(_SC_PAGESIZE);
	int code;

	lmdb->page_size = (size_t)page_size;
	code = mdb_env_create(&lmdb->env);
	if (!code)
		code = mdb_env_set_maxreaders(lmdb->env, READERS);
	if (!code)
		code = mdb_env_set_mapsize(lmdb->env, limit / lmdb->page_size * lmdb->page_size);
	if (!code)
		code = mdb_env_open(lmdb->env, path, MDB_NOTLS | MDB_NORDAHEAD, 0600);
	if (!code)
		code = mdb_env_get_fd(lmdb->env, &lmdb->fd);
	return code;
}

/* Makes the read transaction that is kept, and looks whether there is any record. */
static int open_reader(struct lmdb *lmdb, size_t *records_out)
{
	MDB_stat stat;
	int code;

	code = mdb_txn_begin(lmdb->env, NULL, MDB_RDONLY, &lmdb->reader);
	if (code)
		return code;
	code = mdb_dbi_open(lmdb->reader, NULL, 0, &lmdb->records);
	if (!code)
		code = mdb_stat(lmdb->reader, lmdb->records, &stat);
	if (!code)
		*records_out = stat.ms_entries;
	mdb_txn_reset(lmdb->reader);
	return code;
}

static int lmdb_open(const char *path, uint64_t limit, int create, void **handle_out,
		     struct err *err)
{
	struct lmdb *lmdb;
	size_t records = 0;
	int ret, code;

	*handle_out = NULL;
	ret = disk_prepare(path, create, LOCK_SIZE, err);
	if (ret)
		return ret;
	lmdb = calloc(1, sizeof(*lmdb));
	if (!lmdb)
		return err_set(err, LH_ENOMEM, "%s: memory is out", path);
	/* LMDB allocates 3 MB for the pages of a transaction and uses some KB: in every process. */
	wipe_pause();
	code = open_env(lmdb, path, limit);
	wipe_resume();
	if (!code)
		code = open_reader(lmdb, &records);
	if (code)
		ret = err_set(err, map_code(code), "%s: %s", path, mdb_strerror(code));
	else if (create && records)
		ret = err_set(err, LH_EEXIST, "%s: there already is a store", path);
	else if (!create && !records)
		ret = err_set(err, LH_ENOENT, "%s: there is no store", path);
	if (ret) {
		lmdb_close(lmdb);
		return ret;
	}
	disk_keep_ahead(lmdb->fd);
	*handle_out = lmdb;
	return 0;
}

const struct store_driver store_lmdb = {
	.name = "lmdb",
	.open = lmdb_open,
	.close = lmdb_close,
	.get = lmdb_get,
	.scan = lmdb_scan,
	.apply = lmdb_apply,
	.usage = lmdb_usage,
	.maintain = lmdb_maintain,
	.watch = lmdb_watch,
	.identify = lmdb_identify,
};
