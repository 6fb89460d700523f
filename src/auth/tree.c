/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/tree.h"

#include <string.h>

#include "auth/token_priv.h"
#include "util/err.h"
#include "util/json.h"

/* ---- Due ---- */

#define DUE_KEY_SIZE (1 + 8 + KEYRING_NAME_SIZE)

struct due_page {
	struct token_due *out;
	size_t count;
};

static int take_due(void *context, const struct store_record *record)
{
	struct due_page *page = context;
	struct token_due *due = &page->out[page->count];
	const unsigned char *data = record->key.data;
	uint64_t time = 0;

	if (record->key.size != DUE_KEY_SIZE)
		return LH_ECORRUPT;
	for (int i = 1; i <= 8; i++)
		time = time << 8 | data[i];
	due->time = (int64_t)time;
	memcpy(due->token.name, data + 9, KEYRING_NAME_SIZE);
	page->count++;
	return 0;
}

int token_due_scan(struct store *store, int64_t now, struct token_due *out, size_t max,
		   size_t *count_out)
{
	struct due_page page = { out, 0 };
	struct key from, end;
	int ret;

	*count_out = 0;
	key_start(&from, 'e');
	end = from;
	key_add_u64(&end, (uint64_t)now + 1);
	ret = store_scan(store, STORE_SCAN_KEYS, key_bytes(&from), key_bytes(&end), NO_BYTES, max,
			 take_due, &page);
	if (!ret)
		*count_out = page.count;
	return ret;
}

static void delete_due(struct store_batch *batch, const struct token_due *due)
{
	struct key key;

	key_token_due(&key, due->time, due->token.name);
	store_batch_delete(batch, STORE_ANY, 0, key_bytes(&key));
}

/* A tombstone, under the condition that nobody renewed the token meanwhile. */
static void add_tombstone(struct store_batch *batch, const struct token_due *due, uint64_t revision)
{
	struct key key;

	key_token(&key, due->token.name);
	store_batch_expect(batch, STORE_REVISION, revision, key_bytes(&key));
	key_token_tombstone(&key, due->token.name);
	store_batch_put(batch, STORE_ABSENT, 0, key_bytes(&key), (struct bytes){ "tree", 4 });
}

/* The entry of a revoked token comes and goes with its tombstone or means nothing, even if its id was
 * given again, to a token that is never due. An unreadable record ends as well: it lets nobody in, and
 * what it owned is found without it. */
static int add_burial(struct store *store, struct store_batch *batch, const struct token_due *due)
{
	enum tombstone tombstone;
	json_t *record = NULL;
	uint64_t revision = 0;
	struct key key;
	int ret;

	ret = tombstone_read(store, due->token.name, &tombstone);
	if (ret || tombstone != TOMBSTONE_NONE)
		return ret;
	ret = record_get(store, due->token.name, &record, &revision, NULL);
	if (ret == LH_ECORRUPT) {
		key_token(&key, due->token.name);
		ret = store_revision(store, key_bytes(&key), &revision);
	}
	if (ret == LH_ENOENT ||
	    (!ret && record && (!due->time || record_due(record) != due->time))) {
		delete_due(batch, due);
		ret = 0;
	} else if (!ret) {
		add_tombstone(batch, due, revision);
	}
	json_decref(record);
	return ret;
}

static int bury(struct store *store, const struct token_due *dues, size_t count)
{
	struct store_batch batch = { 0 };
	int ret = 0;

	for (size_t i = 0; !ret && i < count; i++)
		ret = add_burial(store, &batch, &dues[i]);
	if (!ret && (batch.count || batch.failed))
		ret = store_apply(store, STORE_REVOKE, &batch, NULL);
	store_batch_free(&batch);
	return ret;
}

int token_bury_due(struct store *store, const struct token_due *dues, size_t count)
{
	int ret = bury(store, dues, count), each;

	if (ret != LH_ECONFLICT)
		return ret;
	ret = 0;
	for (size_t i = 0; i < count; i++) {
		each = bury(store, &dues[i], 1);
		if (each && each != LH_ECONFLICT)
			ret = each;
	}
	return ret;
}

/* ---- Trees ---- */

int token_death(struct store *store, const struct token_name *token, enum token_death *death_out)
{
	enum tombstone tombstone;
	int ret = tombstone_read(store, token->name, &tombstone);

	*death_out = tombstone == TOMBSTONE_NONE   ? TOKEN_ALIVE
		     : tombstone == TOMBSTONE_TREE ? TOKEN_DEAD_TREE
						   : TOKEN_DEAD_ALONE;
	return ret;
}

struct child_page {
	struct token_name *out;
	size_t count;
};

static int take_child(void *context, const struct store_record *record)
{
	struct child_page *page = context;

	if (record->key.size != 1 + 2 * KEYRING_NAME_SIZE)
		return LH_ECORRUPT;
	memcpy(page->out[page->count++].name,
	       (const unsigned char *)record->key.data + 1 + KEYRING_NAME_SIZE, KEYRING_NAME_SIZE);
	return 0;
}

int token_children(struct store *store, const struct token_name *token, struct token_name *out,
		   size_t max, size_t *count_out)
{
	struct child_page page = { out, 0 };
	struct key from, end;
	int ret;

	*count_out = 0;
	key_token_child(&from, token->name, NULL);
	end = from;
	key_after_prefix(&end);
	ret = store_scan(store, STORE_SCAN_KEYS, key_bytes(&from), key_bytes(&end), NO_BYTES, max,
			 take_child, &page);
	if (!ret)
		*count_out = page.count;
	return ret;
}

static void delete_child(struct store_batch *batch, const unsigned char *parent,
			 const struct token_name *child)
{
	struct key key;

	key_token_child(&key, parent, child->name);
	store_batch_delete(batch, STORE_ANY, 0, key_bytes(&key));
}

/* Cuts one child off, unless it is a batch token. */
static int add_cut(struct store *store, struct store_batch *batch, const struct token_name *parent,
		   const struct token_name *child, bool *is_batch_out)
{
	json_t *record;
	uint64_t revision;
	int ret = record_get(store, child->name, &record, &revision, NULL);

	*is_batch_out = false;
	if (ret == LH_ENOENT) {
		delete_child(batch, parent->name, child);
		return 0;
	}
	if (ret)
		return ret;
	*is_batch_out = json_get_text(record, "type")[0] != '\0';
	if (!*is_batch_out) {
		json_object_del(record, "parent");
		ret = record_put(batch, child->name, record, revision);
		delete_child(batch, parent->name, child);
	}
	json_decref(record);
	return ret;
}

int token_cut(struct store *store, const struct token_name *parent,
	      const struct token_name *children, size_t count, struct token_name *left,
	      size_t *left_out)
{
	struct store_batch batch = { 0 };
	bool is_batch;
	int ret = 0;

	*left_out = 0;
	for (size_t i = 0; !ret && i < count; i++) {
		ret = add_cut(store, &batch, parent, &children[i], &is_batch);
		if (!ret && is_batch)
			left[(*left_out)++] = children[i];
	}
	if (!ret && (batch.count || batch.failed))
		ret = store_apply(store, STORE_REVOKE, &batch, NULL);
	store_batch_free(&batch);
	return ret;
}

/* ---- The end ---- */

/* What only the record names. */
static int forget_named(struct store *store, struct store_batch *batch,
			const struct token_name *token, const json_t *record)
{
	const char *accessor = json_get_text(record, "accessor");
	struct token_due due = { record_due(record), *token };
	unsigned char parent[KEYRING_NAME_SIZE];
	struct key key;
	int ret = 0;

	if (due.time)
		delete_due(batch, &due);
	if (record_parent(record, parent))
		delete_child(batch, parent, token);
	if (accessor[0]) {
		ret = key_token_accessor(store_keyring(store), &key, accessor);
		store_batch_delete(batch, STORE_ANY, 0, key_bytes(&key));
	}
	return ret;
}

int token_forget(struct store *store, struct store_batch *batch, const struct token_name *token,
		 const struct token_name *parent, const struct token_due *due)
{
	json_t *record = NULL;
	struct key key;
	int ret;

	ret = record_get(store, token->name, &record, NULL, NULL);
	if (!ret)
		ret = forget_named(store, batch, token, record);
	json_decref(record);
	if (ret && ret != LH_ENOENT && ret != LH_ECORRUPT)
		return ret;
	if (parent)
		delete_child(batch, parent->name, token);
	if (due)
		delete_due(batch, due);
	key_token_tombstone(&key, token->name);
	store_batch_delete(batch, STORE_ANY, 0, key_bytes(&key));
	key_token(&key, token->name);
	store_batch_delete(batch, STORE_ANY, 0, key_bytes(&key));
	return 0;
}
