/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/named.h"

#include <string.h>

#include "store/key.h"
#include "store/store.h"
#include "util/buf.h"
#include "util/err.h"
#include "util/json.h"

int named_get(struct store *store, const struct key *key, json_t **json_out, uint64_t *revision_out)
{
	struct buf text = BUF_INIT;
	int ret;

	*json_out = NULL;
	ret = store_get(store, key_bytes(key), &text, revision_out);
	if (!ret) {
		ret = json_read(buf_text(&text), text.size, json_out, NULL);
		if (ret == LH_EINVAL)
			ret = LH_ECORRUPT;
	}
	buf_free(&text);
	return ret;
}

struct listing {
	size_t prefix; /* bytes before the name in a key */
	named_visit add;
	void *context;
};

static int take_name(void *context, const struct store_record *record)
{
	struct listing *listing = context;
	size_t size = record->key.size - listing->prefix;
	char name[STORE_KEY_MAX + 1];

	memcpy(name, (const char *)record->key.data + listing->prefix, size);
	name[size] = '\0';
	return listing->add(listing->context, name);
}

int named_list(struct store *store, const struct key *prefix, const struct key *after, size_t max,
	       named_visit add, void *context)
{
	struct listing listing = { prefix->size, add, context };
	struct key end = *prefix;

	key_after_prefix(&end);
	return store_scan(store, STORE_SCAN_KEYS, key_bytes(prefix), key_bytes(&end),
			  after ? key_bytes(after) : NO_BYTES, max, take_name, &listing);
}
