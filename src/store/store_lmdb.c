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
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/disk.h"
#include "store/driver.h"
#include "store/lmdb_priv.h"
#include "store/queue.h"
#include "store/room.h"
#include "util/buf.h"
#include "util/err.h"
#include "util/wipe.h"

#define READERS   4096
#define LOCK_SIZE ((size_t)(READERS + 1) * 64) /* LMDB's header and one cache line each */

/* LMDB's codes and errno's become ours here and nowhere else. */
int lmdb_error(int code)
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

MDB_val lmdb_val(struct bytes bytes)
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

/* ---- Reading ---- */

int lmdb_begin_read(struct lmdb *lmdb)
{
	int code = lmdb->reader ? mdb_txn_renew(lmdb->reader) : MDB_PANIC;

	if (code == MDB_PANIC) {
		code = lmdb_open_again(lmdb);
		if (!code)
			code = mdb_txn_renew(lmdb->reader);
	}
	if (code == MDB_MAP_RESIZED) {
		code = mdb_env_set_mapsize(lmdb->env, 0);
		if (!code)
			code = mdb_txn_renew(lmdb->reader);
	}
	return lmdb_error(code);
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

int lmdb_lookup(const struct lmdb *lmdb, MDB_txn *txn, struct bytes key, uint64_t *revision_out,
		struct bytes *value_out)
{
	MDB_val key_val = lmdb_val(key), stored;
	int ret;

	*revision_out = 0;
	*value_out = NO_BYTES;
	ret = lmdb_error(mdb_get(txn, lmdb->records, &key_val, &stored));
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
	ret = lmdb_begin_read(lmdb);
	if (ret)
		return ret;
	ret = lmdb_lookup(lmdb, lmdb->reader, key, revision_out, &value);
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
	*key = lmdb_val(start);
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
	return ret || code == MDB_NOTFOUND ? ret : lmdb_error(code);
}

static int lmdb_scan(void *handle, struct bytes from, struct bytes end, struct bytes after,
		     size_t max, driver_visit visit, void *context)
{
	struct lmdb *lmdb = handle;
	MDB_cursor *cursor;
	int ret;

	if (!driver_range_is_valid(from, end, after))
		return LH_ERANGE;
	ret = lmdb_begin_read(lmdb);
	if (ret)
		return ret;
	ret = lmdb_error(mdb_cursor_open(lmdb->reader, lmdb->records, &cursor));
	if (!ret) {
		ret = walk(cursor, from, end, after, max, visit, context);
		mdb_cursor_close(cursor);
	}
	mdb_txn_reset(lmdb->reader);
	return ret;
}

/* ---- Upkeep ---- */

/* Free pages count as used while the file has at most `exact_above` pages. */
static int fill_usage(struct lmdb *lmdb, size_t exact_above, struct driver_usage *usage_out)
{
	struct room room;
	size_t free_pages = 0;
	MDB_stat stat;
	int ret;

	*usage_out = (struct driver_usage){ .disk_free = UINT64_MAX };
	ret = lmdb_begin_read(lmdb);
	if (ret)
		return ret;
	room = lmdb_measure(lmdb);
	ret = lmdb_error(mdb_stat(lmdb->reader, lmdb->records, &stat));
	if (!ret && room.used > exact_above)
		ret = lmdb_count_free(lmdb->reader, SIZE_MAX, &free_pages);
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

	return fill_usage(lmdb, lmdb_measure(lmdb).limit / 2, usage_out);
}

static int lmdb_maintain(void *handle, struct driver_usage *usage_out)
{
	struct lmdb *lmdb = handle;
	int ret, dead;

	ret = lmdb_withdraw(lmdb, QUEUE_NO_PLACE);
	if (!ret)
		ret = lmdb_error(mdb_reader_check(lmdb->env, &dead));
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

static void lmdb_share(void *handle, struct queue *queue, unsigned place)
{
	struct lmdb *lmdb = handle;

	lmdb->queue = queue;
	lmdb->place = place;
}

static void lmdb_identify(void *handle, struct driver_identity *identity_out)
{
	const struct lmdb *lmdb = handle;

	disk_identify(lmdb->fd, identity_out);
}

/* ---- Opening ---- */

static void close_env(struct lmdb *lmdb)
{
	if (lmdb->reader)
		mdb_txn_abort(lmdb->reader);
	if (lmdb->env)
		mdb_env_close(lmdb->env);
	lmdb->reader = NULL;
	lmdb->env = NULL;
	lmdb->fd = -1;
}

static void lmdb_close(void *handle)
{
	struct lmdb *lmdb = handle;

	if (!lmdb)
		return;
	close_env(lmdb);
	free(lmdb->path);
	free(lmdb);
}

static int open_env(struct lmdb *lmdb)
{
	long page_size = sysconf(_SC_PAGESIZE);
	int code;

	lmdb->page_size = (size_t)page_size;
	code = mdb_env_create(&lmdb->env);
	if (!code)
		code = mdb_env_set_maxreaders(lmdb->env, READERS);
	if (!code)
		code = mdb_env_set_mapsize(lmdb->env,
					   lmdb->limit / lmdb->page_size * lmdb->page_size);
	if (!code)
		code = mdb_env_open(lmdb->env, lmdb->path, MDB_NOTLS | MDB_NORDAHEAD, 0600);
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

static int open_both(struct lmdb *lmdb, size_t *records_out)
{
	int code;

	/* LMDB allocates 3 MB for the pages of a transaction and uses some KB: in every process. */
	wipe_pause();
	code = open_env(lmdb);
	wipe_resume();
	return code ? code : open_reader(lmdb, records_out);
}

int lmdb_open_again(struct lmdb *lmdb)
{
	size_t records;
	int code;

	close_env(lmdb);
	code = open_both(lmdb, &records);
	if (code)
		close_env(lmdb);
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
	if (lmdb)
		lmdb->path = strdup(path);
	if (!lmdb || !lmdb->path) {
		lmdb_close(lmdb);
		return err_set(err, LH_ENOMEM, "%s: memory is out", path);
	}
	lmdb->limit = limit;
	code = open_both(lmdb, &records);
	if (code)
		ret = err_set(err, lmdb_error(code), "%s: %s", path, mdb_strerror(code));
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
	.share = lmdb_share,
	.withdraw = lmdb_withdraw,
	.identify = lmdb_identify,
};
