/* SPDX-License-Identifier: Apache-2.0 */
/* The share of one token among wrapped responses.
 *
 * What it has is counted by a scan of its part of family W. That would let processes that count at the
 * same time pass the limit together, so there is the gate of the share,
 *
 *   W/MAKER   empty
 *
 * which must be as it was before the count. Whoever adds a large response, or one beyond half of the
 * share, writes it: of these one comes after the other. The others only look at it, so that small
 * ones are not in each other's way, and all processes together add too few of them at a time to reach
 * the limit from below its half. */
#include "auth/wrapper.h"

#include <string.h>

#include "store/key.h"
#include "store/store.h"
#include "util/err.h"
#include "util/reader.h"
#include "util/shared.h"

#define SIZE_BYTES 8
#define SMALL      4096 /* bytes of a response and its path */

_Static_assert(SHARED_SLOTS < WRAPPERS_MAX / 2 && SHARED_SLOTS * SMALL < WRAPPERS_SIZE_MAX / 2,
	       "small responses do not reach the limit from below its half");

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
	return store_scan(store, STORE_SCAN_KEYS, key_bytes(&from), key_bytes(&end), NO_BYTES, max,
			  add_to_share, share_out);
}

static bool is_below(const struct share *share, unsigned part)
{
	return share->count < WRAPPERS_MAX / part && share->size < WRAPPERS_SIZE_MAX / part;
}

int wrapper_has_room(struct store *store, const unsigned char maker[KEYRING_NAME_SIZE],
		     bool *room_out)
{
	struct share share;
	int ret = count_share(store, maker, WRAPPERS_MAX, &share);

	*room_out = !ret && is_below(&share, 1);
	return ret;
}

static void pass_gate(struct store_batch *batch, const struct key *gate, uint64_t revision,
		      bool is_free)
{
	enum store_condition condition = revision ? STORE_REVISION : STORE_ABSENT;

	if (is_free)
		store_batch_expect(batch, condition, revision, key_bytes(gate));
	else
		store_batch_put(batch, condition, revision, key_bytes(gate), NO_BYTES);
}

int wrapper_take_room(struct store *store, struct store_batch *batch, const struct wrapper *wrapper,
		      bool *room_out)
{
	bool is_small = wrapper->sealed_size + strlen(wrapper->path) <= SMALL;
	struct share share;
	uint64_t revision;
	struct key gate;
	int ret;

	*room_out = false;
	key_gate(&gate, wrapper->maker);
	ret = store_revision(store, key_bytes(&gate), &revision);
	if (!ret)
		ret = count_share(store, wrapper->maker, WRAPPERS_MAX, &share);
	if (ret || !is_below(&share, 1))
		return ret;
	pass_gate(batch, &gate, revision, is_small && is_below(&share, 2));
	*room_out = true;
	return 0;
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
