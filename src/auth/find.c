/* SPDX-License-Identifier: Apache-2.0 */
/* Looking tokens up, and whether they are alive: their own record, their tombstone, and those of all
 * of their ancestors. */
#include <string.h>

#include "auth/token_priv.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/text.h"
#include "util/wipe.h"

void caller_clear(struct caller *caller)
{
	wipe_free(caller->accessor);
	wipe_free(caller->display_name);
	wipe_free(caller->path);
	wipe_free(caller->role);
	json_decref(caller->policies);
	json_decref(caller->metadata);
	json_decref(caller->bound_cidrs);
	wipe(caller, sizeof(*caller));
}

/* ---- Ancestors ---- */

int tombstone_read(struct store *store, const unsigned char name[KEYRING_NAME_SIZE],
		   enum tombstone *tombstone_out)
{
	struct buf value = BUF_INIT;
	uint64_t revision = 0;
	struct key key;
	int ret;

	*tombstone_out = TOMBSTONE_NONE;
	key_token_tombstone(&key, name);
	ret = store_revision(store, key_bytes(&key), &revision);
	if (ret || !revision)
		return ret;
	ret = store_get(store, key_bytes(&key), &value, NULL);
	*tombstone_out = !strcmp(buf_text(&value), "orphan") ? TOMBSTONE_ORPHAN : TOMBSTONE_TREE;
	buf_free(&value);
	return ret == LH_ENOENT ? LH_ECONFLICT : ret;
}

/* Whether the ancestor is alive, and its record. LH_EPERM: it is not. LH_ENOENT: the token is an
 * orphan by now, only its record does not say so yet. LH_ECONFLICT: the ancestor has gone. */
static int read_ancestor(struct store *store, const unsigned char name[KEYRING_NAME_SIZE],
			 json_t **record_out, uint64_t *revision_out)
{
	enum tombstone tombstone;
	int ret;

	*record_out = NULL;
	ret = tombstone_read(store, name, &tombstone);
	if (ret)
		return ret;
	if (tombstone != TOMBSTONE_NONE)
		return tombstone == TOMBSTONE_ORPHAN ? LH_ENOENT : LH_EPERM;
	ret = record_get(store, name, record_out, revision_out, NULL);
	if (!ret && !record_is_alive(*record_out, clock_now_ns()))
		ret = LH_EPERM;
	return ret == LH_ENOENT ? LH_ECONFLICT : ret;
}

static void add_ancestor(struct caller *caller, const unsigned char name[KEYRING_NAME_SIZE],
			 const json_t *record, uint64_t revision)
{
	int64_t ends_ns = record_expires_ns(record);

	memcpy(caller->ancestors[caller->ancestor_count], name, KEYRING_NAME_SIZE);
	caller->ancestor_revisions[caller->ancestor_count] = revision;
	caller->ancestor_count++;
	if (ends_ns && (!caller->ends_ns || ends_ns < caller->ends_ns))
		caller->ends_ns = ends_ns;
}

/* Adds what is known of the caller's ancestors, from the parent's record on up. LH_EPERM: one of them
 * is dead. */
static int read_ancestors(struct store *store, const json_t *record, struct caller *caller)
{
	json_t *ancestor = NULL, *higher = NULL;
	unsigned char name[KEYRING_NAME_SIZE];
	uint64_t revision = 0;
	int ret = 0;

	caller->ends_ns = caller->expires_ns;
	while (!ret && record_parent(ancestor ? ancestor : record, name)) {
		if (caller->ancestor_count == TOKEN_ANCESTORS_MAX) {
			ret = LH_ECORRUPT;
			break;
		}
		ret = read_ancestor(store, name, &higher, &revision);
		if (!ret && !record_is_child(ancestor ? ancestor : record, higher))
			ret = LH_EPERM;
		json_decref(ancestor);
		ancestor = higher;
		if (!ret)
			add_ancestor(caller, name, ancestor, revision);
	}
	json_decref(ancestor);
	/* A batch token dies with its parent even where stored children live on. */
	if (ret == LH_ENOENT)
		ret = caller->type == TOKEN_BATCH && !caller->ancestor_count ? LH_EPERM : 0;
	return ret;
}

/* ---- One token ---- */

/* LH_EPERM: it was. To be asked before the record is read: at the end record and tombstone go in one
 * commit, and who had read the record before it would look for the tombstone in vain after it. */
static int check_not_killed(struct store *store, const unsigned char name[KEYRING_NAME_SIZE])
{
	enum tombstone tombstone;
	int ret = tombstone_read(store, name, &tombstone);

	return !ret && tombstone != TOMBSTONE_NONE ? LH_EPERM : ret;
}

/* Fills the caller from its record; caller->token is set. LH_EPERM: it is dead. */
static int read_living(struct store *store, const json_t *record, struct caller *caller)
{
	int ret = record_read(record, caller);

	if (ret)
		return ret;
	if (!record_is_alive(record, clock_now_ns()))
		return LH_EPERM;
	return read_ancestors(store, record, caller);
}

/* The record of a token that was given as text. LH_EPERM: there is none. */
static int find_record(struct store *store, const char *token, struct caller *caller,
		       json_t **record_out)
{
	int ret;

	*record_out = NULL;
	if (strlen(token) > TOKEN_TEXT_MAX)
		return LH_EPERM;
	ret = keyring_name(store_keyring(store), KEYRING_TOKEN, token, caller->token);
	if (!ret)
		ret = check_not_killed(store, caller->token);
	if (ret)
		return ret;
	if (text_starts_with(token, TOKEN_BATCH_PREFIX))
		return batch_token_open(store, token, record_out);
	ret = record_get(store, caller->token, record_out, &caller->revision, &caller->record_size);
	return ret == LH_ENOENT ? LH_EPERM : ret;
}

/* Gives the caller away, or clears it. */
static int hand_over(struct caller *caller, int ret, struct caller *caller_out)
{
	memset(caller_out, 0, sizeof(*caller_out));
	if (ret)
		caller_clear(caller);
	else
		*caller_out = *caller;
	return ret;
}

/* An ancestor that a record names has gone: the whole tree is dead, or that ancestor died alone and
 * its children were made orphans after the record was read. The next look tells. */
#define LOOKS 3

static int look_by_text(struct store *store, const char *token, struct caller *caller)
{
	json_t *record = NULL;
	int ret = find_record(store, token, caller, &record);

	if (!ret)
		ret = read_living(store, record, caller);
	/* Each kind by its own way alone. */
	if (!ret && (caller->type == TOKEN_BATCH) != text_starts_with(token, TOKEN_BATCH_PREFIX))
		ret = LH_EPERM;
	json_decref(record);
	return ret;
}

int auth_lookup(struct store *store, const char *token, struct caller *caller_out)
{
	struct caller caller = { .accessor = NULL };
	int ret = LH_ECONFLICT;

	for (int looks = 0; ret == LH_ECONFLICT && looks < LOOKS; looks++) {
		caller_clear(&caller);
		ret = look_by_text(store, token, &caller);
	}
	return hand_over(&caller, ret == LH_ECONFLICT ? LH_EPERM : ret, caller_out);
}

static int look_by_name(struct store *store, const unsigned char name[KEYRING_NAME_SIZE],
			struct caller *caller)
{
	json_t *record = NULL;
	int ret = check_not_killed(store, name);

	memcpy(caller->token, name, sizeof(caller->token));
	if (!ret)
		ret = record_get(store, name, &record, &caller->revision, NULL);
	if (!ret)
		ret = read_living(store, record, caller);
	json_decref(record);
	return ret;
}

int token_find_name(struct store *store, const unsigned char name[KEYRING_NAME_SIZE],
		    struct caller *caller_out)
{
	struct caller caller = { .accessor = NULL };
	int ret = LH_ECONFLICT;

	for (int looks = 0; ret == LH_ECONFLICT && looks < LOOKS; looks++) {
		caller_clear(&caller);
		ret = look_by_name(store, name, &caller);
	}
	return hand_over(&caller, ret == LH_EPERM || ret == LH_ECONFLICT ? LH_ENOENT : ret,
			 caller_out);
}

int token_find_accessor(struct store *store, const char *accessor, struct caller *caller_out)
{
	struct buf value = BUF_INIT;
	struct key key;
	int ret;

	memset(caller_out, 0, sizeof(*caller_out));
	ret = key_token_accessor(store_keyring(store), &key, accessor);
	if (!ret)
		ret = store_get(store, key_bytes(&key), &value, NULL);
	if (!ret && value.size < KEYRING_NAME_SIZE)
		ret = LH_ECORRUPT;
	if (!ret)
		ret = token_find_name(store, (const unsigned char *)value.data, caller_out);
	buf_free(&value);
	return ret;
}

bool token_is_within(const struct caller *other, const struct caller *caller)
{
	bool within = wipe_equal(other->token, caller->token, sizeof(caller->token));

	for (size_t i = 0; i < other->ancestor_count; i++)
		within |= wipe_equal(other->ancestors[i], caller->token, sizeof(caller->token));
	if (other->identified && caller->identified)
		within |= wipe_equal(other->identity, caller->identity, sizeof(caller->identity));
	return within;
}

/* ---- Accessors ---- */

struct accessor_page {
	token_accessor_visit add;
	void *context;
};

static int take_accessor(void *context, const struct store_record *record)
{
	struct accessor_page *page = context;
	char accessor[TOKEN_ACCESSOR + 1];

	if (record->value.size != KEYRING_NAME_SIZE + TOKEN_ACCESSOR)
		return LH_ECORRUPT;
	memcpy(accessor, (const char *)record->value.data + KEYRING_NAME_SIZE, TOKEN_ACCESSOR);
	accessor[TOKEN_ACCESSOR] = '\0';
	return page->add(page->context, accessor);
}

int token_list_accessors(struct store *store, const char *after, size_t max,
			 token_accessor_visit add, void *context)
{
	struct accessor_page page = { add, context };
	struct key from, end, behind;
	int ret = 0;

	key_start(&from, 'A');
	end = from;
	key_after_prefix(&end);
	if (after[0])
		ret = key_token_accessor(store_keyring(store), &behind, after);
	if (ret)
		return ret;
	return store_scan(store, STORE_SCAN_VALUES, key_bytes(&from), key_bytes(&end),
			  after[0] ? key_bytes(&behind) : NO_BYTES, max, take_accessor, &page);
}
