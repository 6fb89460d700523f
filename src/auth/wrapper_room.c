/* SPDX-License-Identifier: Apache-2.0 */
/* The share of one token among wrapped responses.
 *
 * What it has is counted by a scan of its part of family W. That would let several processes that
 * count at the same time pass the limit together, so each writes the gate of the share,
 *
 *   W/MAKER   empty
 *
 * under the condition that nobody has written it since before the count. */
#include "auth/wrapper.h"

#include "store/key.h"
#include "store/store.h"
#include "util/err.h"
#include "util/reader.h"

#define SIZE_BYTES 8

static void key_gate(struct key *key, const unsigned char maker[KEYRING_NAME_SIZE])
{
	key_start(key, 'W');
	key_add(key, maker, KEYRING_NAME_SIZE);
}

struct share {
	size_t count;
	uint64_t size;
};

static int add_to_share(void *context, const struct store_record *record)
{
	const unsigned char *size = (const unsigned char *)record->key.data + 1 + KEYRING_NAME_SIZE;
	struct share *share = context;
	struct reader reader;

	reader_init(&reader, size, SIZE_BYTES);
	share->size += reader_u64(&reader);
	share->count++;
	return 0;
}

/* At most max entries are counted. */
static int count_share(struct store *store, const unsigned char maker[KEYRING_NAME_SIZE],
		       size_t max, struct share *share_out)
{
	struct key from, end;

	*share_out = (struct share){ 0, 0 };
	key_gate(&from, maker);
	end = from;
	key_after_prefix(&end);
	key_add_u64(&from, 0); /* behind the gate */
	return store_scan(store, STORE_SCAN_KEYS, key_bytes(&from), key_bytes(&end),
			  (struct bytes){ "", 0 }, max, add_to_share, share_out);
}

int wrapper_has_room(struct store *store, const unsigned char maker[KEYRING_NAME_SIZE],
		     bool *room_out)
{
	struct share share;
	int ret = count_share(store, maker, WRAPPERS_MAX, &share);

	*room_out = !ret && share.count < WRAPPERS_MAX && share.size < WRAPPERS_SIZE_MAX;
	return ret;
}

int wrapper_take_room(struct store *store, struct store_batch *batch,
		      const unsigned char maker[KEYRING_NAME_SIZE], bool *room_out)
{
	uint64_t revision;
	struct key gate;
	int ret;

	*room_out = false;
	key_gate(&gate, maker);
	ret = store_revision(store, key_bytes(&gate), &revision);
	if (!ret)
		ret = wrapper_has_room(store, maker, room_out);
	if (!ret && *room_out)
		store_batch_put(batch, revision ? STORE_REVISION : STORE_ABSENT, revision,
				key_bytes(&gate), (struct bytes){ "", 0 });
	return ret;
}

int wrapper_close_gate(struct store *store, struct store_batch *batch,
		       const unsigned char maker[KEYRING_NAME_SIZE])
{
	struct share share;
	uint64_t revision;
	struct key gate;
	int ret;

	key_gate(&gate, maker);
	ret = store_revision(store, key_bytes(&gate), &revision);
	if (!ret)
		ret = count_share(store, maker, 2, &share);
	if (!ret && revision && share.count <= 1)
		store_batch_delete(batch, STORE_REVISION, revision, key_bytes(&gate));
	return ret;
}
