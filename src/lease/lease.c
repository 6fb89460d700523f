/* SPDX-License-Identifier: Apache-2.0 */
#include "lease/lease.h"

#include <stdlib.h>
#include <string.h>

#include "lease/index.h"
#include "lease/lease_priv.h"
#include "store/key.h"
#include "store/store.h"
#include "util/buf.h"
#include "util/err.h"
#include "util/wipe.h"

/* The record. */
static void key_lease(struct key *key, const struct lease_key *lease)
{
	key_start(key, 'l');
	key_add(key, lease->name, sizeof(lease->name));
}

int lease_key(const struct store *store, const char *id, struct lease_key *key_out)
{
	return keyring_name(store_keyring(store), KEYRING_LEASE, id, key_out->name);
}

int lease_get_key(struct store *store, const struct lease_key *key, struct lease **lease_out)
{
	struct buf value = BUF_INIT;
	uint64_t revision = 0;
	struct key record;
	int ret;

	*lease_out = NULL;
	key_lease(&record, key);
	ret = store_get(store, key_bytes(&record), &value, &revision);
	if (!ret)
		ret = lease_decode(value.data, value.size, lease_out);
	if (!ret)
		(*lease_out)->revision = revision;
	buf_free(&value);
	return ret;
}

int lease_get(struct store *store, const char *id, struct lease **lease_out)
{
	struct lease_key key;
	int ret;

	*lease_out = NULL;
	ret = lease_key(store, id, &key);
	return ret ? ret : lease_get_key(store, &key, lease_out);
}

struct lease *lease_copy(const struct lease *lease)
{
	struct buf bytes = BUF_INIT;
	struct lease *copy = NULL;

	lease_encode(lease, &bytes);
	if (!buf_error(&bytes) && !lease_decode(bytes.data, bytes.size, &copy))
		copy->revision = lease->revision;
	buf_free(&bytes);
	return copy;
}

void lease_free(struct lease *lease)
{
	if (!lease)
		return;
	wipe_free(lease->id);
	wipe_free(lease->engine);
	wipe_free(lease->role);
	wipe_free(lease->account);
	wipe_free(lease->plan);
	wipe_free(lease->facts);
	wipe_free(lease->error);
	free(lease);
}

bool lease_visible(const struct lease *lease)
{
	return lease->state != LEASE_PENDING && lease->state != LEASE_SWEEPING;
}

const char *lease_path(const struct lease *lease, size_t *size_out)
{
	const char *slash = strrchr(lease->id, '/');

	*size_out = slash ? (size_t)(slash - lease->id) : 0;
	return lease->id;
}

/* ---- Keys ---- */

static void key_due(struct key *key, const struct lease *lease, const struct lease_key *name)
{
	struct due due = { .time = lease->due, .keyless = lease->keyless, .lease = *name };

	memcpy(due.mount, lease->mount, sizeof(due.mount));
	key_due_entry(key, &due);
}

static void key_path(struct key *key, const struct lease *lease, const struct lease_key *name)
{
	size_t size;
	const char *path = lease_path(lease, &size);

	key_start(key, 'p');
	key_add(key, path, size);
	key_add(key, "/\0", 2);
	key_add(key, name->name, sizeof(name->name));
}

static void key_owner(struct key *key, const struct lease *lease, const struct lease_key *name)
{
	key_start(key, 'o');
	key_add(key, lease->owner.name, sizeof(lease->owner.name));
	key_add(key, name->name, sizeof(name->name));
}

static void key_of_mount(struct key *key, char family, const struct lease *lease,
			 const struct lease_key *name)
{
	key_start(key, family);
	key_add(key, lease->mount, sizeof(lease->mount));
	key_add(key, name->name, sizeof(name->name));
}

static void key_irrevocable(struct key *key, const struct lease *lease,
			    const struct lease_key *name)
{
	key_of_mount(key, 'i', lease, name);
}

static void key_sweeping(struct key *key, const struct lease *lease, const struct lease_key *name)
{
	key_of_mount(key, 's', lease, name);
}

/* ---- Which index a lease is in ---- */

static bool in_due(const struct lease *lease)
{
	(void)lease;
	return true;
}

/* What is swept is hidden: whoever revokes a prefix or an owner has seen it go already. */
static bool in_listing(const struct lease *lease)
{
	return lease->state != LEASE_SWEEPING;
}

static bool in_irrevocable(const struct lease *lease)
{
	return lease->state == LEASE_REVOKING && lease->tries >= LEASE_TRIES_LISTED;
}

static bool in_sweeping(const struct lease *lease)
{
	return lease->state == LEASE_SWEEPING;
}

static const struct index {
	bool (*holds)(const struct lease *lease);
	void (*key)(struct key *key, const struct lease *lease, const struct lease_key *name);
} indexes[] = {
	{ in_due, key_due },           { in_listing, key_path },
	{ in_listing, key_owner },     { in_irrevocable, key_irrevocable },
	{ in_sweeping, key_sweeping },
};

static void change_index(struct store_batch *batch, const struct index *index,
			 const struct lease *old, const struct lease *new,
			 const struct lease_key *name)
{
	bool had = old && index->holds(old), has = new && index->holds(new);
	struct key before, after;

	if (had)
		index->key(&before, old, name);
	if (has)
		index->key(&after, new, name);
	if (had && has && before.size == after.size && !memcmp(before.data, after.data, after.size))
		return;
	if (had)
		store_batch_delete(batch, STORE_ANY, 0, key_bytes(&before));
	if (has)
		store_batch_put(batch, STORE_ANY, 0, key_bytes(&after), NO_BYTES);
}

static int change_record(struct store_batch *batch, const struct lease *old,
			 const struct lease *new, const struct lease_key *name)
{
	enum store_condition condition = old ? STORE_REVISION : STORE_ABSENT;
	uint64_t revision = old ? old->revision : 0;
	struct buf value = BUF_INIT;
	struct key key;
	int ret = 0;

	key_lease(&key, name);
	if (!new) {
		store_batch_delete(batch, condition, revision, key_bytes(&key));
		return 0;
	}
	lease_encode(new, &value);
	ret = buf_error(&value);
	if (!ret)
		store_batch_put(batch, condition, revision, key_bytes(&key),
				(struct bytes){ value.data, value.size });
	buf_free(&value);
	return ret;
}

int lease_change(struct store *store, struct store_batch *batch, const struct lease *old,
		 const struct lease *new)
{
	const struct lease *either = new ? new : old;
	struct lease_key name;
	int ret;

	ret = lease_key(store, either->id, &name);
	if (!ret)
		ret = change_record(batch, old, new, &name);
	if (ret)
		return ret;
	for (size_t i = 0; i < sizeof(indexes) / sizeof(indexes[0]); i++)
		change_index(batch, &indexes[i], old, new, &name);
	return 0;
}

void key_tombstone_mount(struct key *key, const unsigned char mount[LEASE_UUID_SIZE])
{
	key_start(key, 'x');
	key_add(key, "m", 1);
	key_add(key, mount, LEASE_UUID_SIZE);
}

void lease_expect_alive(struct store_batch *batch, const struct lease *lease)
{
	struct key key;

	key_tombstone_mount(&key, lease->mount);
	store_batch_expect(batch, STORE_ABSENT, 0, key_bytes(&key));
}
