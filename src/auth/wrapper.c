/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/wrapper.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/bearer.h"
#include "store/key.h"
#include "store/store.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/reader.h"
#include "util/wipe.h"

#define RECORD_VERSION 1

enum record_flag { HAS_LEASE = 1, HAS_TOKEN = 2 };

#define REWRAPS_SHIFT 4 /* the upper half of the flags */

_Static_assert(WRAPPER_REWRAPS_MAX < 1 << (8 - REWRAPS_SHIFT), "they fit there");

/* ---- The value ---- */

int wrapper_set(char **member, const char *text)
{
	char *copy = wipe_copy(text, strlen(text));

	if (!copy)
		return LH_ENOMEM;
	wipe_free(*member);
	*member = copy;
	return 0;
}

struct wrapper *wrapper_new(void)
{
	struct wrapper *wrapper = calloc(1, sizeof(*wrapper));

	if (wrapper && !wrapper_set(&wrapper->path, "") && !wrapper_set(&wrapper->accessor, "") &&
	    !wrapper_set(&wrapper->opened_by, ""))
		return wrapper;
	wrapper_free(wrapper);
	return NULL;
}

void wrapper_free(struct wrapper *wrapper)
{
	if (!wrapper)
		return;
	wipe_free(wrapper->path);
	wipe_free(wrapper->accessor);
	wipe_free(wrapper->opened_by);
	free(wrapper->sealed);
	free(wrapper);
}

static int set_sealed(struct wrapper *wrapper, const void *data, size_t size)
{
	void *copy = malloc(size ? size : 1);

	if (!copy)
		return LH_ENOMEM;
	memcpy(copy, data, size);
	free(wrapper->sealed);
	wrapper->sealed = copy;
	wrapper->sealed_size = size;
	return 0;
}

/* The end is rounded up: nothing is taken back before its time. */
int64_t wrapper_end(const struct wrapper *wrapper)
{
	return clock_seconds_up(wrapper->created_ns) + wrapper->ttl;
}

int wrapper_mark_opened(struct wrapper *wrapper, int64_t now_ns, const char *address)
{
	free(wrapper->sealed);
	wrapper->sealed = NULL;
	wrapper->sealed_size = 0;
	wrapper->opened_ns = now_ns;
	return wrapper_set(&wrapper->opened_by, address);
}

/* ---- The record ---- */

static void encode(const struct wrapper *wrapper, struct buf *out)
{
	buf_add_u8(out, RECORD_VERSION);
	buf_add_u8(out, (uint8_t)((wrapper->has_lease ? HAS_LEASE : 0) |
				  (wrapper->has_token ? HAS_TOKEN : 0) |
				  wrapper->rewraps << REWRAPS_SHIFT));
	buf_add_string(out, wrapper->maker, sizeof(wrapper->maker));
	buf_add_string(out, wrapper->lease, sizeof(wrapper->lease));
	buf_add_string(out, wrapper->token, sizeof(wrapper->token));
	buf_add_u64(out, (uint64_t)wrapper->created_ns);
	buf_add_u64(out, (uint64_t)wrapper->ttl);
	buf_add_string(out, wrapper->path, strlen(wrapper->path));
	buf_add_string(out, wrapper->accessor, strlen(wrapper->accessor));
	buf_add_u64(out, (uint64_t)wrapper->opened_ns);
	buf_add_string(out, wrapper->opened_by, strlen(wrapper->opened_by));
	buf_add_string(out, wrapper->sealed, wrapper->sealed_size);
}

static int take_text(struct reader *reader, char **out)
{
	size_t size;
	const void *text = reader_string(reader, &size);

	if (memchr(text, '\0', size))
		return LH_ECORRUPT;
	wipe_free(*out);
	*out = wipe_copy(text, size);
	return *out ? 0 : LH_ENOMEM;
}

static int take_sealed(struct reader *reader, struct wrapper *wrapper)
{
	size_t size;
	const void *sealed = reader_string(reader, &size);

	return size ? set_sealed(wrapper, sealed, size) : 0;
}

static int decode_into(struct reader *reader, struct wrapper *wrapper)
{
	uint8_t flags;
	int ret;

	if (reader_u8(reader) != RECORD_VERSION)
		return LH_EVERSION;
	flags = reader_u8(reader);
	wrapper->has_lease = flags & HAS_LEASE;
	wrapper->has_token = flags & HAS_TOKEN;
	wrapper->rewraps = flags >> REWRAPS_SHIFT;
	reader_fixed(reader, wrapper->maker, sizeof(wrapper->maker));
	reader_fixed(reader, wrapper->lease, sizeof(wrapper->lease));
	reader_fixed(reader, wrapper->token, sizeof(wrapper->token));
	wrapper->created_ns = (int64_t)reader_u64(reader);
	wrapper->ttl = (int64_t)reader_u64(reader);
	ret = take_text(reader, &wrapper->path);
	if (!ret)
		ret = take_text(reader, &wrapper->accessor);
	wrapper->opened_ns = (int64_t)reader_u64(reader);
	if (!ret)
		ret = take_text(reader, &wrapper->opened_by);
	if (!ret)
		ret = take_sealed(reader, wrapper);
	return ret ? ret : reader_end(reader);
}

static int decode(const void *data, size_t size, struct wrapper **wrapper_out)
{
	struct wrapper *wrapper = wrapper_new();
	struct reader reader;
	int ret;

	*wrapper_out = NULL;
	if (!wrapper)
		return LH_ENOMEM;
	reader_init(&reader, data, size);
	ret = decode_into(&reader, wrapper);
	if (ret) {
		wrapper_free(wrapper);
		return ret;
	}
	*wrapper_out = wrapper;
	return 0;
}

struct wrapper *wrapper_copy(const struct wrapper *wrapper)
{
	struct buf bytes = BUF_INIT;
	struct wrapper *copy = NULL;

	encode(wrapper, &bytes);
	if (!buf_error(&bytes) && !decode(bytes.data, bytes.size, &copy)) {
		memcpy(copy->name, wrapper->name, sizeof(copy->name));
		copy->revision = wrapper->revision;
	}
	buf_free(&bytes);
	return copy;
}

/* ---- Keys ---- */

static void key_record(struct key *key, const unsigned char name[KEYRING_NAME_SIZE])
{
	key_start(key, 'w');
	key_add(key, name, KEYRING_NAME_SIZE);
}

static void key_made(struct key *key, const struct wrapper *wrapper)
{
	key_start(key, 'W');
	key_add(key, wrapper->maker, sizeof(wrapper->maker));
	key_add_u64(key, wrapper->sealed_size + strlen(wrapper->path));
	key_add(key, wrapper->name, sizeof(wrapper->name));
}

static void key_end(struct key *key, const struct wrapper *wrapper)
{
	key_start(key, 'E');
	key_add_u64(key, (uint64_t)wrapper_end(wrapper));
	key_add(key, wrapper->name, sizeof(wrapper->name));
}

int wrapper_get(struct store *store, const unsigned char name[KEYRING_NAME_SIZE],
		struct wrapper **wrapper_out)
{
	struct buf value = BUF_INIT;
	uint64_t revision = 0;
	struct key key;
	int ret;

	*wrapper_out = NULL;
	key_record(&key, name);
	ret = store_get(store, key_bytes(&key), &value, &revision);
	if (!ret)
		ret = decode(value.data, value.size, wrapper_out);
	if (!ret) {
		memcpy((*wrapper_out)->name, name, KEYRING_NAME_SIZE);
		(*wrapper_out)->revision = revision;
	}
	buf_free(&value);
	return ret;
}

/* ---- Changes ---- */

static int change_record(struct store_batch *batch, const struct wrapper *old,
			 const struct wrapper *new)
{
	enum store_condition condition = old ? STORE_REVISION : STORE_ABSENT;
	uint64_t revision = old ? old->revision : 0;
	struct buf value = BUF_INIT;
	struct key key;
	int ret;

	key_record(&key, new ? new->name : old->name);
	if (!new) {
		store_batch_delete(batch, condition, revision, key_bytes(&key));
		return 0;
	}
	encode(new, &value);
	ret = buf_error(&value);
	if (!ret)
		store_batch_put(batch, condition, revision, key_bytes(&key),
				(struct bytes){ value.data, value.size });
	buf_free(&value);
	return ret;
}

/* What both have in common is deleted and put again: of two changes of one key the later stays. */
int wrapper_change(struct store_batch *batch, const struct wrapper *old, const struct wrapper *new)
{
	void (*const indexes[])(struct key *, const struct wrapper *) = { key_made, key_end };
	int ret = change_record(batch, old, new);

	for (size_t i = 0; !ret && i < sizeof(indexes) / sizeof(indexes[0]); i++) {
		struct key key;

		if (old) {
			indexes[i](&key, old);
			store_batch_delete(batch, STORE_ANY, 0, key_bytes(&key));
		}
		if (new) {
			indexes[i](&key, new);
			store_batch_put(batch, STORE_ANY, 0, key_bytes(&key), NO_BYTES);
		}
	}
	return ret;
}

/* ---- The response ---- */

int wrapper_seal(struct store *store, struct wrapper *wrapper, const char *token,
		 const void *response, size_t size)
{
	struct buf sealed = BUF_INIT;
	int ret = bearer_seal(BEARER_WRAPPER, store_id(store), token, response, size, &sealed);

	if (!ret)
		ret = set_sealed(wrapper, sealed.data, sealed.size);
	buf_free(&sealed);
	return ret;
}

int wrapper_open(struct store *store, const struct wrapper *wrapper, const char *token,
		 struct buf *out)
{
	if (wrapper->opened_ns)
		return LH_ENOENT;
	return bearer_open(BEARER_WRAPPER, store_id(store), token, wrapper->sealed,
			   wrapper->sealed_size, out);
}

/* ---- The end ---- */

struct ended {
	unsigned char (*out)[KEYRING_NAME_SIZE];
	size_t count;
};

static int take_ended(void *context, const struct store_record *record)
{
	const unsigned char *key = record->key.data;
	struct ended *ended = context;

	memcpy(ended->out[ended->count++], key + record->key.size - KEYRING_NAME_SIZE,
	       KEYRING_NAME_SIZE);
	return 0;
}

int wrapper_scan_ended(struct store *store, int64_t now, unsigned char (*out)[KEYRING_NAME_SIZE],
		       size_t max, size_t *count_out)
{
	struct ended ended = { out, 0 };
	struct key from, end;
	int ret;

	*count_out = 0;
	key_start(&from, 'E');
	end = from;
	key_add_u64(&end, (uint64_t)now + 1);
	ret = store_scan(store, STORE_SCAN_KEYS, key_bytes(&from), key_bytes(&end), NO_BYTES, max,
			 take_ended, &ended);
	if (!ret)
		*count_out = ended.count;
	return ret;
}
