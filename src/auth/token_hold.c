/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens on their way to whoever unwrapped them. A token in the mail is due soon, whatever its own
 * end is, so that it dies with the worker that should have said that it arrived. */
#include "auth/token.h"

#include <string.h>

#include "auth/token_priv.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/json.h"

#define CONFLICTS_MAX 16

/* When it is due by its own end; 0: never. */
static int64_t own_due(const json_t *record)
{
	return clock_seconds_up(record_expires_ns(record));
}

static void move_due(struct store_batch *batch, const unsigned char name[KEYRING_NAME_SIZE],
		     int64_t from, int64_t to)
{
	struct key key;

	if (from) {
		key_token_due(&key, from, name);
		store_batch_delete(batch, STORE_ANY, 0, key_bytes(&key));
	}
	if (to) {
		key_token_due(&key, to, name);
		store_batch_put(batch, STORE_ANY, 0, key_bytes(&key), NO_BYTES);
	}
}

/* Under the condition that nobody has changed or revoked it: a dead one is found by its due time. */
static int add_due(struct store_batch *batch, const unsigned char name[KEYRING_NAME_SIZE],
		   json_t *record, uint64_t revision, int64_t due)
{
	int64_t before = record_due(record);
	struct key key;
	int ret;

	if (json_object_set_new(record, "due", json_integer(due)))
		return LH_ENOMEM;
	ret = record_put(batch, name, record, revision);
	if (ret)
		return ret;
	move_due(batch, name, before, due);
	key_token_tombstone(&key, name);
	store_batch_expect(batch, STORE_ABSENT, 0, key_bytes(&key));
	return 0;
}

/* *record_out NULL: there is none, or it is dead. */
static int read_living(struct store *store, const unsigned char name[KEYRING_NAME_SIZE],
		       json_t **record_out, uint64_t *revision_out)
{
	enum tombstone tombstone = TOMBSTONE_NONE;
	int ret = record_get(store, name, record_out, revision_out, NULL);

	if (ret)
		return ret == LH_ENOENT ? 0 : ret;
	ret = tombstone_read(store, name, &tombstone);
	if (!ret && tombstone == TOMBSTONE_NONE)
		return 0;
	json_decref(*record_out);
	*record_out = NULL;
	return ret == LH_ECONFLICT ? 0 : ret;
}

int token_hold(struct store *store, struct store_batch *batch,
	       const unsigned char name[KEYRING_NAME_SIZE], const char *accessor, int64_t until,
	       bool *held_out)
{
	uint64_t revision = 0;
	json_t *record;
	int64_t due;
	int ret;

	*held_out = false;
	ret = read_living(store, name, &record, &revision);
	if (ret || !record)
		return ret;
	due = record_due(record);
	if (!strcmp(json_get_text(record, "accessor"), accessor) && (!due || due > until)) {
		ret = add_due(batch, name, record, revision, until);
		*held_out = !ret;
	}
	json_decref(record);
	return ret;
}

/* One that is used up is due for another reason. */
static bool is_held(const json_t *record)
{
	return record_due(record) != own_due(record) &&
	       json_get_int(record, "num_uses", 0) != TOKEN_USED_UP;
}

static int release_once(struct store *store, const unsigned char name[KEYRING_NAME_SIZE])
{
	struct store_batch batch = { 0 };
	uint64_t revision = 0;
	json_t *record;
	int ret;

	ret = read_living(store, name, &record, &revision);
	if (ret || !record)
		return ret;
	if (is_held(record)) {
		ret = add_due(&batch, name, record, revision, own_due(record));
		if (!ret)
			ret = store_apply(store, STORE_REVOKE, &batch, NULL);
	}
	store_batch_free(&batch);
	json_decref(record);
	return ret;
}

int token_release(struct store *store, const unsigned char name[KEYRING_NAME_SIZE])
{
	int ret = LH_ECONFLICT;

	for (int tries = 0; ret == LH_ECONFLICT && tries < CONFLICTS_MAX; tries++)
		ret = release_once(store, name);
	return ret;
}
