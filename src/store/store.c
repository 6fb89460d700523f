/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store.h"

#include <string.h>

#include "crypto/keyring.h"
#include "store/store_priv.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/err.h"

#define CHECK_INTERVAL_MS 1000
#define DISK_PLENTY       (1024ULL * 1024 * 1024)

const char *store_id(const struct store *store)
{
	return store->id;
}

const struct keyring *store_keyring(const struct store *store)
{
	return store->keyring;
}

/* Takes the newest keys, after another process rotated. */
static int reload_keyring(struct store *store)
{
	struct meta meta = { 0 };
	int ret;

	ret = meta_read(store->driver, store->handle, &meta);
	if (!ret)
		ret = keyring_reload(store->keyring, meta.keyring.data, meta.keyring.size,
				     store->id);
	meta_free(&meta);
	return ret;
}

/* LH_ENOENT: sealed under a key that this process has not read yet. */
static int open_value(const struct store *store, struct bytes key, uint64_t revision,
		      struct bytes sealed, struct buf *out)
{
	struct binding binding;

	binding_make(store->id, key, revision, &binding);
	return keyring_open(store->keyring, binding.data, binding.size, sealed.data, sealed.size,
			    out);
}

int store_get(struct store *store, struct bytes key, struct buf *out, uint64_t *revision_out)
{
	struct bytes sealed;
	uint64_t revision;
	int ret;

	if (revision_out)
		*revision_out = 0;
	if (meta_is_key(key))
		return LH_EINVAL;
	store->sealed.size = 0;
	store->sealed.failed = false;
	ret = store->driver->get(store->handle, key, &store->sealed, &revision);
	if (ret)
		return ret;
	sealed = (struct bytes){ store->sealed.data, store->sealed.size };
	ret = open_value(store, key, revision, sealed, out);
	if (ret == LH_ENOENT) {
		ret = reload_keyring(store);
		if (!ret)
			ret = open_value(store, key, revision, sealed, out);
		if (ret == LH_ENOENT)
			ret = LH_ECORRUPT;
	}
	if (!ret && revision_out)
		*revision_out = revision;
	return ret;
}

int store_seal_token(struct store *store, const void *plain, size_t size, struct buf *out)
{
	return keyring_seal_token(store->keyring, store->id, strlen(store->id), plain, size, out);
}

int store_open_token(struct store *store, const void *sealed, size_t size, struct buf *out)
{
	int ret = keyring_open_token(store->keyring, store->id, strlen(store->id), sealed, size,
				     out);

	if (ret != LH_ENOENT)
		return ret;
	ret = reload_keyring(store); /* another process may have rotated */
	if (!ret)
		ret = keyring_open_token(store->keyring, store->id, strlen(store->id), sealed, size,
					 out);
	return ret == LH_ENOENT ? LH_ECORRUPT : ret;
}

int store_revision(struct store *store, struct bytes key, uint64_t *revision_out)
{
	int ret = store->driver->get(store->handle, key, NULL, revision_out);

	return ret == LH_ENOENT ? 0 : ret;
}

/* Why the driver's scan came back before its end. */
enum scan_end { SCAN_WENT_ON, SCAN_PAGE_FULL, SCAN_UNKNOWN_KEY };

struct scan {
	struct store *store;
	enum store_scan_what what;
	size_t left; /* records that may still be visited */
	store_visit visit;
	void *context;
	struct buf value;
	enum scan_end end;
	unsigned char stopped_key[STORE_KEY_MAX]; /* for SCAN_UNKNOWN_KEY: still to be visited */
	size_t stopped_size;
};

static int stop(struct scan *scan, enum scan_end end, struct bytes key)
{
	scan->end = end;
	memcpy(scan->stopped_key, key.data, key.size);
	scan->stopped_size = key.size;
	return 1;
}

static int visit_one(void *context, struct bytes key, struct bytes sealed, uint64_t revision)
{
	struct scan *scan = context;
	struct store_record record = { key, { NULL, 0 }, revision };
	int ret;

	if (meta_is_key(key))
		return 0;
	if (!scan->left)
		return stop(scan, SCAN_PAGE_FULL, key);
	if (scan->what == STORE_SCAN_VALUES) {
		buf_clear(&scan->value);
		ret = open_value(scan->store, key, revision, sealed, &scan->value);
		if (ret == LH_ENOENT)
			return stop(scan, SCAN_UNKNOWN_KEY, key);
		if (ret)
			return ret;
		record.value = (struct bytes){ scan->value.data, scan->value.size };
	}
	scan->left--;
	return scan->visit(scan->context, &record);
}

/* One scan of the driver. It may see one record more than are left: the meta record. */
static int scan_once(struct scan *scan, struct bytes from, struct bytes end, struct bytes after)
{
	const struct store *store = scan->store;
	size_t max = scan->left < SIZE_MAX ? scan->left + 1 : SIZE_MAX;
	int ret;

	scan->end = SCAN_WENT_ON;
	ret = store->driver->scan(store->handle, from, end, after, max, visit_one, scan);
	return scan->end == SCAN_WENT_ON ? ret : 0;
}

int store_scan(struct store *store, enum store_scan_what what, struct bytes from, struct bytes end,
	       struct bytes after, size_t max, store_visit visit, void *context)
{
	struct scan scan = { .store = store, .what = what, .left = max, .visit = visit };
	unsigned char stopped_key[STORE_KEY_MAX];
	struct bytes stopped;
	int ret;

	scan.context = context;
	ret = scan_once(&scan, from, end, after);
	if (!ret && scan.end == SCAN_UNKNOWN_KEY) {
		/* The driver cannot be asked for the keyring inside its own scan. */
		stopped = (struct bytes){ stopped_key, scan.stopped_size };
		memcpy(stopped_key, scan.stopped_key, scan.stopped_size);
		ret = reload_keyring(store);
		if (!ret)
			ret = scan_once(&scan, stopped, end, NO_BYTES);
		if (!ret && scan.end == SCAN_UNKNOWN_KEY)
			ret = LH_ECORRUPT;
	}
	buf_free(&scan.value);
	return ret;
}

/* Nine tenths of the map, or nine tenths of the disk and no gigabyte left on it. */
static bool is_full(const struct driver_usage *usage)
{
	if (usage->used_bytes > usage->limit_bytes / 10 * 9)
		return true;
	return usage->disk_size && usage->disk_free < usage->disk_size / 10 &&
	       usage->disk_free < DISK_PLENTY;
}

static void keep_fill(struct store *store, const struct driver_usage *usage)
{
	store->full = is_full(usage);
	store->checked_ms = clock_boot_ms();
}

int store_maintain(struct store *store, struct driver_usage *usage_out)
{
	struct driver_usage usage = { 0 };
	int ret;

	ret = store->driver->maintain(store->handle, &usage);
	if (!ret)
		keep_fill(store, &usage);
	if (usage_out)
		*usage_out = usage;
	return ret;
}

int store_withdraw(struct store *store, unsigned place)
{
	return store->driver->withdraw ? store->driver->withdraw(store->handle, place) : 0;
}

int store_look(struct store *store)
{
	struct driver_usage usage;
	int ret = store->driver->usage(store->handle, &usage);

	if (!ret)
		keep_fill(store, &usage);
	return ret;
}

/* Whether ordinary writes have to wait; looks again when the last look is a second old. */
static int check_fill(struct store *store)
{
	int ret = 0;

	if (clock_boot_ms() - store->checked_ms >= CHECK_INTERVAL_MS)
		ret = store_look(store);
	if (ret)
		return ret;
	return store->full ? LH_EFULL : 0;
}

static bool has_put(const struct store_batch *batch)
{
	size_t i;

	for (i = 0; i < batch->count; i++) {
		if (batch->ops[i].kind == STORE_PUT)
			return true;
	}
	return false;
}

int store_apply(struct store *store, enum store_urgency urgency, const struct store_batch *batch,
		size_t *failed_out)
{
	struct driver_op ops[STORE_BATCH_MAX];
	struct buf sealed = BUF_INIT;
	size_t failed = 0;
	int ret = 0;

	if (failed_out)
		*failed_out = 0;
	if (!batch->failed && urgency == STORE_NORMAL && has_put(batch))
		ret = check_fill(store);
	if (!ret)
		ret = batch_seal(batch, store->keyring, store->id, ops, &sealed);
	if (!ret)
		ret = store->driver->apply(store->handle, ops, batch->count, &failed);
	if (ret == LH_ECONFLICT && failed_out)
		*failed_out = failed;
	buf_free(&sealed);
	return ret;
}

/* The new key is used only after the record that holds it is on the disk. */
int store_rotate(struct store *store)
{
	struct meta meta = { 0 };
	int ret;

	ret = meta_read(store->driver, store->handle, &meta);
	if (!ret)
		ret = keyring_reload(store->keyring, meta.keyring.data, meta.keyring.size,
				     store->id);
	if (!ret)
		ret = keyring_rotate(store->keyring);
	if (ret)
		goto cleanup;
	buf_clear(&meta.keyring);
	ret = keyring_wrap(store->keyring, store->id, &meta.keyring);
	if (!ret)
		ret = meta_write(store->driver, store->handle, &meta);
	if (ret)
		(void)reload_keyring(store);
cleanup:
	meta_free(&meta);
	return ret;
}
