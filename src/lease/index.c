/* SPDX-License-Identifier: Apache-2.0 */
#include "lease/index.h"

#include <stdio.h>
#include <string.h>

#include "lease/lease_priv.h"
#include "store/key.h"
#include "store/store.h"
#include "util/err.h"
#include "util/text.h"

/* ---- Due ---- */

#define DUE_KEY_SIZE (1 + 8 + LEASE_UUID_SIZE + KEYRING_NAME_SIZE)

void key_due_entry(struct key *key, const struct due *due)
{
	key_start(key, due->keyless ? 'D' : 'd');
	key_add_u64(key, (uint64_t)due->time);
	key_add(key, due->mount, sizeof(due->mount));
	key_add(key, due->lease.name, sizeof(due->lease.name));
}

static void read_due(const unsigned char *data, struct due *due)
{
	uint64_t time = 0;

	for (int i = 1; i <= 8; i++)
		time = time << 8 | data[i];
	due->time = (int64_t)time;
	due->keyless = data[0] == 'D';
	memcpy(due->mount, data + 9, sizeof(due->mount));
	memcpy(due->lease.name, data + 9 + LEASE_UUID_SIZE, sizeof(due->lease.name));
}

struct due_page {
	struct due *out;
	size_t count;
};

static int take_due(void *context, const struct store_record *record)
{
	struct due_page *page = context;

	if (record->key.size != DUE_KEY_SIZE)
		return LH_ECORRUPT;
	read_due(record->key.data, &page->out[page->count++]);
	return 0;
}

static int scan(struct store *store, char family, int64_t now, const struct due *after,
		struct due *out, size_t max, size_t *count_out)
{
	struct due_page page = { out, 0 };
	struct key from, end, behind;
	int ret;

	*count_out = 0;
	key_start(&from, family);
	key_start(&end, family);
	key_add_u64(&end, (uint64_t)now + 1);
	if (after)
		key_due_entry(&behind, after);
	ret = store_scan(store, STORE_SCAN_KEYS, key_bytes(&from), key_bytes(&end),
			 after ? key_bytes(&behind) : NO_BYTES, max, take_due, &page);
	if (!ret)
		*count_out = page.count;
	return ret;
}

int due_scan(struct store *store, int64_t now, const struct due *after, struct due *out, size_t max,
	     size_t *count_out)
{
	return scan(store, 'd', now, after, out, max, count_out);
}

int due_scan_keyless(struct store *store, int64_t now, const struct due *after, struct due *out,
		     size_t max, size_t *count_out)
{
	return scan(store, 'D', now, after, out, max, count_out);
}

bool due_exists(struct store *store, const struct due *due)
{
	uint64_t revision = 0;
	struct key key;

	key_due_entry(&key, due);
	return !store_revision(store, key_bytes(&key), &revision) && revision;
}

int due_remove(struct store *store, const struct due *due)
{
	struct store_batch batch = { 0 };
	struct key key;
	int ret;

	key_due_entry(&key, due);
	store_batch_delete(&batch, STORE_ANY, 0, key_bytes(&key));
	ret = store_apply(store, STORE_REVOKE, &batch, NULL);
	store_batch_free(&batch);
	return ret;
}

/* ---- By path ---- */

/* Splits a key of family p: the path's length and the lease. LH_ECORRUPT if it is not one. */
static int read_path(struct bytes key, size_t *path_size_out, struct lease_key *lease_out)
{
	const unsigned char *data = key.data;

	if (key.size < 1 + 1 + KEYRING_NAME_SIZE)
		return LH_ECORRUPT;
	*path_size_out = key.size - 1 - 1 - KEYRING_NAME_SIZE;
	if (data[1 + *path_size_out] != '\0')
		return LH_ECORRUPT;
	memcpy(lease_out->name, data + key.size - KEYRING_NAME_SIZE, KEYRING_NAME_SIZE);
	return 0;
}

struct prefix_page {
	struct lease_key *out;
	size_t count;
	struct path_cursor *cursor;
};

static int take_path(void *context, const struct store_record *record)
{
	struct prefix_page *page = context;
	struct path_cursor *cursor = page->cursor;
	size_t size;
	int ret;

	ret = read_path(record->key, &size, &cursor->lease);
	if (ret || size >= sizeof(cursor->path))
		return LH_ECORRUPT;
	memcpy(cursor->path, (const char *)record->key.data + 1, size);
	cursor->path[size] = '\0';
	page->out[page->count++] = cursor->lease;
	return 0;
}

static void key_path_at(struct key *key, const char *path, const struct lease_key *lease)
{
	key_start(key, 'p');
	key_add_text(key, path);
	if (!lease)
		return;
	key_add(key, "", 1);
	key_add(key, lease->name, sizeof(lease->name));
}

int lease_scan_prefix(struct store *store, const char *prefix, struct path_cursor *cursor,
		      struct lease_key *out, size_t max, size_t *count_out)
{
	struct path_cursor here = { .path = "" };
	struct prefix_page page = { out, 0, cursor ? cursor : &here };
	bool resumed = cursor && cursor->path[0];
	struct key from, end, behind;
	int ret;

	*count_out = 0;
	key_path_at(&from, prefix, NULL);
	key_path_at(&end, prefix, NULL);
	key_after_prefix(&end);
	if (resumed)
		key_path_at(&behind, cursor->path, &cursor->lease);
	ret = store_scan(store, STORE_SCAN_KEYS, key_bytes(&from), key_bytes(&end),
			 resumed ? key_bytes(&behind) : NO_BYTES, max, take_path, &page);
	if (!ret)
		*count_out = page.count;
	return ret;
}

/* ---- Listing, folder by folder ---- */

/* One look into the index: the first entry at or behind `from`. */
struct peek {
	bool found;
	bool is_lease; /* directly under the prefix; else `name` is the folder's name */
	size_t prefix_size;
	struct lease_key lease;
	char name[300];
};

static int take_peek(void *context, const struct store_record *record)
{
	struct peek *peek = context;
	const char *path = (const char *)record->key.data + 1, *rest, *slash;
	size_t size, rest_size;

	if (read_path(record->key, &size, &peek->lease) || size < peek->prefix_size)
		return LH_ECORRUPT;
	peek->found = true;
	rest = path + peek->prefix_size;
	rest_size = size - peek->prefix_size;
	peek->is_lease = rest_size == 0;
	slash = memchr(rest, '/', rest_size);
	if (peek->is_lease)
		return 0;
	if (!slash || (size_t)(slash - rest) + 2 > sizeof(peek->name))
		return LH_ECORRUPT;
	memcpy(peek->name, rest, (size_t)(slash - rest) + 1);
	peek->name[slash - rest + 1] = '\0';
	return 0;
}

/* The last part of the lease's id. 0; LH_ENOENT: it went meanwhile, or nobody may see it yet. */
static int show_lease(struct store *store, const struct lease_key *key, lease_name_visit add,
		      void *context, bool *shown_out)
{
	struct lease *lease;
	size_t path_size;
	int ret;

	*shown_out = false;
	ret = lease_get_key(store, key, &lease);
	if (ret)
		return ret == LH_ENOENT ? 0 : ret;
	if (lease_visible(lease)) {
		lease_path(lease, &path_size);
		*shown_out = true;
		ret = add(context, lease->id + path_size + 1);
	}
	lease_free(lease);
	return ret;
}

/* Where a listing begins when it goes on behind the name `after`. */
static int list_start(struct store *store, const char *prefix, const char *after, struct key *from)
{
	struct lease_key lease;
	char id[600];
	int ret;

	key_path_at(from, prefix, NULL);
	if (!after || !after[0])
		return 0;
	if (text_ends_with(after, "/")) {
		key_add_text(from, after);
		key_after_prefix(from);
		return from->overflow ? LH_ERANGE : 0;
	}
	if (snprintf(id, sizeof(id), "%s%s", prefix, after) >= (int)sizeof(id))
		return LH_ERANGE;
	ret = lease_key(store, id, &lease);
	if (ret)
		return ret;
	key_path_at(from, prefix, &lease);
	key_add(from, "", 1);
	return 0;
}

/* Puts from behind what was peeked. */
static void list_skip(const char *prefix, const struct peek *peek, struct key *from)
{
	key_path_at(from, prefix, peek->is_lease ? &peek->lease : NULL);
	if (peek->is_lease) {
		key_add(from, "", 1);
		return;
	}
	key_add_text(from, peek->name);
	key_after_prefix(from);
}

int lease_list(struct store *store, const char *prefix, const char *after, size_t max,
	       lease_name_visit add, void *context)
{
	struct key from, end;
	bool shown;
	int ret;

	key_path_at(&end, prefix, NULL);
	if (end.overflow)
		return 0; /* no lease has a path that long */
	key_after_prefix(&end);
	ret = list_start(store, prefix, after, &from);
	for (size_t given = 0; !ret && given < max;) {
		struct peek peek = { .prefix_size = strlen(prefix) };

		ret = store_scan(store, STORE_SCAN_KEYS, key_bytes(&from), key_bytes(&end),
				 NO_BYTES, 1, take_peek, &peek);
		if (ret || !peek.found)
			return ret;
		if (peek.is_lease) {
			ret = show_lease(store, &peek.lease, add, context, &shown);
		} else {
			shown = true;
			ret = add(context, peek.name);
		}
		given += shown;
		list_skip(prefix, &peek, &from);
	}
	return ret;
}

/* ---- By owner ---- */

struct owner_page {
	struct lease_key *out;
	size_t count;
};

static int take_owned(void *context, const struct store_record *record)
{
	struct owner_page *page = context;
	const unsigned char *data = record->key.data;

	if (record->key.size != 1 + 2 * KEYRING_NAME_SIZE)
		return LH_ECORRUPT;
	memcpy(page->out[page->count++].name, data + 1 + KEYRING_NAME_SIZE, KEYRING_NAME_SIZE);
	return 0;
}

int lease_scan_owner(struct store *store, const struct lease_key *owner,
		     const struct lease_key *after, struct lease_key *out, size_t max,
		     size_t *count_out)
{
	struct owner_page page = { out, 0 };
	struct key from, end, behind;
	int ret;

	*count_out = 0;
	key_start(&from, 'o');
	key_add(&from, owner->name, sizeof(owner->name));
	end = behind = from;
	key_after_prefix(&end);
	if (after)
		key_add(&behind, after->name, sizeof(after->name));
	ret = store_scan(store, STORE_SCAN_KEYS, key_bytes(&from), key_bytes(&end),
			 after ? key_bytes(&behind) : NO_BYTES, max, take_owned, &page);
	if (!ret)
		*count_out = page.count;
	return ret;
}

/* ---- By mount ---- */

#define IRREVOCABLE_COUNT_MAX 10000

struct mount_page {
	struct lease_key *out;
	size_t max, count, total;
};

static int take_of_mount(void *context, const struct store_record *record)
{
	struct mount_page *page = context;
	const unsigned char *data = record->key.data;

	if (record->key.size != 1 + LEASE_UUID_SIZE + KEYRING_NAME_SIZE)
		return LH_ECORRUPT;
	if (page->count < page->max)
		memcpy(page->out[page->count++].name, data + 1 + LEASE_UUID_SIZE,
		       KEYRING_NAME_SIZE);
	page->total++;
	return 0;
}

static int scan_of_mount(struct store *store, char family, const unsigned char *mount, size_t limit,
			 struct mount_page *page)
{
	struct key from, end;

	key_start(&from, family);
	if (mount)
		key_add(&from, mount, LEASE_UUID_SIZE);
	end = from;
	key_after_prefix(&end);
	return store_scan(store, STORE_SCAN_KEYS, key_bytes(&from), key_bytes(&end), NO_BYTES,
			  limit, take_of_mount, page);
}

int lease_scan_irrevocable(struct store *store, const unsigned char *mount, struct lease_key *out,
			   size_t max, size_t *count_out, size_t *total_out)
{
	struct mount_page page = { .out = out, .max = max };
	int ret = scan_of_mount(store, 'i', mount, IRREVOCABLE_COUNT_MAX, &page);

	*count_out = page.count;
	*total_out = page.total;
	return ret;
}

int lease_sweeping(struct store *store, const unsigned char mount[LEASE_UUID_SIZE], bool *any_out)
{
	struct mount_page page = { .max = 0 };
	int ret = scan_of_mount(store, 's', mount, 1, &page);

	*any_out = page.total > 0;
	return ret;
}
