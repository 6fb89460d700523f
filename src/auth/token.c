/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of tokens. Whatever of a token stands in several places changes in one batch. */
#include "auth/token.h"

#include <string.h>

#include "auth/token_priv.h"
#include "crypto/crypto.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/json.h"
#include "util/text.h"
#include "util/wipe.h"

#define TOKEN_RANDOM 24
/* ---- Making ---- */

void token_made_clear(struct token_made *made)
{
	wipe_free(made->token);
	wipe(made, sizeof(*made));
}

void token_add_display_name(struct buf *out, const char *text)
{
	for (; *text; text++) {
		char one[2] = { *text, '\0' };

		if (((unsigned char)*text & 0xc0) != 0x80) /* once for all bytes of one */
			buf_add_char(out, text_is_word(one, "", 1) ? *text : '-');
	}
}

void token_expect_alive(struct store_batch *batch, const struct caller *caller)
{
	const unsigned char *stored = caller->type == TOKEN_SERVICE ? caller->token
				      : caller->ancestor_count      ? caller->ancestors[0]
								    : NULL;
	struct key key;

	if (stored) {
		key_token(&key, stored);
		store_batch_expect(batch, STORE_PRESENT, 0, key_bytes(&key));
	}
	key_token_tombstone(&key, caller->token);
	store_batch_expect(batch, STORE_ABSENT, 0, key_bytes(&key));
	for (size_t i = 0; i < caller->ancestor_count; i++) {
		key_token_tombstone(&key, caller->ancestors[i]);
		store_batch_expect(batch, STORE_ABSENT, 0, key_bytes(&key));
	}
}

static void put_due(struct store_batch *batch, int64_t due,
		    const unsigned char name[KEYRING_NAME_SIZE])
{
	struct key key;

	if (!due)
		return;
	key_token_due(&key, due, name);
	store_batch_put(batch, STORE_ANY, 0, key_bytes(&key), NO_BYTES);
}

static void delete_due(struct store_batch *batch, int64_t due,
		       const unsigned char name[KEYRING_NAME_SIZE])
{
	struct key key;

	if (!due)
		return;
	key_token_due(&key, due, name);
	store_batch_delete(batch, STORE_ANY, 0, key_bytes(&key));
}

static int put_accessor(const struct keyring *keyring, struct store_batch *batch,
			const struct token_made *made)
{
	unsigned char value[KEYRING_NAME_SIZE + TOKEN_ACCESSOR];
	struct key key;
	int ret = key_token_accessor(keyring, &key, made->accessor);

	memcpy(value, made->name, KEYRING_NAME_SIZE);
	memcpy(value + KEYRING_NAME_SIZE, made->accessor, TOKEN_ACCESSOR);
	store_batch_put(batch, STORE_ANY, 0, key_bytes(&key),
			(struct bytes){ value, sizeof(value) });
	return ret;
}

/* The record of a stored token with everything that leads to it. */
static int add_stored(const struct keyring *keyring, struct store_batch *batch,
		      const struct token_terms *terms, const json_t *record,
		      const struct token_made *made)
{
	struct key key;
	int ret = record_put(batch, made->name, record, 0);

	if (!ret)
		ret = put_accessor(keyring, batch, made);
	if (ret)
		return ret;
	put_due(batch, record_due(record), made->name);
	if (terms->parent) {
		key_token_child(&key, terms->parent->token, made->name);
		store_batch_put(batch, STORE_ANY, 0, key_bytes(&key), NO_BYTES);
	}
	return 0;
}

static char *draw_token(const char *id)
{
	char text[sizeof(TOKEN_SERVICE_PREFIX) + TOKEN_RANDOM] = TOKEN_SERVICE_PREFIX;
	char *token;

	if (id)
		return wipe_copy(id, strlen(id));
	random_base62(text + strlen(TOKEN_SERVICE_PREFIX), TOKEN_RANDOM);
	token = wipe_copy(text, strlen(text));
	wipe(text, sizeof(text));
	return token;
}

static void set_life(const struct token_terms *terms, struct token_made *made)
{
	made->issued_ns = clock_now_ns();
	if (terms->ttl)
		made->expires_ns = made->issued_ns + terms->ttl * NS_PER_SECOND;
}

static int make_service(const struct keyring *keyring, struct store_batch *batch,
			const struct token_terms *terms, struct token_made *made)
{
	json_t *record;
	int ret;

	random_base62(made->accessor, TOKEN_ACCESSOR);
	made->token = draw_token(terms->id);
	record = made->token ? record_new(terms, made) : NULL;
	if (!record)
		return LH_ENOMEM;
	ret = keyring_name(keyring, KEYRING_TOKEN, made->token, made->name);
	if (!ret)
		ret = add_stored(keyring, batch, terms, record, made);
	json_decref(record);
	return ret;
}

static int make_batch(struct store *store, const struct token_terms *terms, struct token_made *made)
{
	json_t *record = record_new(terms, made);
	int ret;

	if (!record)
		return LH_ENOMEM;
	ret = batch_token_seal(store, record, &made->token);
	if (!ret)
		ret = keyring_name(store_keyring(store), KEYRING_TOKEN, made->token, made->name);
	json_decref(record);
	return ret;
}

int token_add(struct store *store, struct store_batch *batch, const struct token_terms *terms,
	      struct token_made *made_out)
{
	struct token_made made = { .token = NULL };
	int ret;

	memset(made_out, 0, sizeof(*made_out));
	if (terms->parent && terms->parent->ancestor_count == TOKEN_ANCESTORS_MAX)
		return LH_ERANGE;
	set_life(terms, &made);
	/* Made first: store_apply tells by its place which condition did not hold. */
	ret = terms->type == TOKEN_BATCH ? make_batch(store, terms, &made)
					 : make_service(store_keyring(store), batch, terms, &made);
	if (!ret && (terms->parent || terms->asker))
		token_expect_alive(batch, terms->parent ? terms->parent : terms->asker);
	if (ret) {
		token_made_clear(&made);
		return ret;
	}
	*made_out = made;
	return 0;
}

int token_create(struct store *store, const struct token_terms *terms, struct token_made *made_out)
{
	struct store_batch batch = { 0 };
	size_t failed = 0;
	int ret;

	ret = token_add(store, &batch, terms, made_out);
	if (!ret)
		ret = batch.failed;
	/* What is stored nowhere needs no commit but to be sure of who asks: a parent is looked for
	 * at every use. */
	if (!ret && (terms->type == TOKEN_SERVICE || !terms->parent) && batch.count)
		ret = store_apply(store, STORE_NORMAL, &batch, &failed);
	store_batch_free(&batch);
	if (ret)
		token_made_clear(made_out);
	return ret == LH_ECONFLICT && failed == 0 && terms->type == TOKEN_SERVICE ? LH_EEXIST : ret;
}

int auth_new_root(const struct keyring *keyring, struct store_batch *batch, char *token_out)
{
	json_t *policies = json_pack("[s]", "root");
	struct token_terms terms = {
		.display_name = "root",
		.path = TOKEN_ROOT_PATH,
		.policies = policies,
	};
	struct token_made made = { .token = NULL };
	int ret = LH_ENOMEM;

	set_life(&terms, &made);
	if (policies)
		ret = make_service(keyring, batch, &terms, &made);
	if (!ret)
		memcpy(token_out, made.token, strlen(made.token) + 1);
	json_decref(policies);
	token_made_clear(&made);
	return ret;
}

/* ---- Traces of what is stored nowhere else ---- */

/* The token's parent, as far as terms need it. */
static void parent_of(const struct caller *caller, struct caller *parent)
{
	memset(parent, 0, sizeof(*parent));
	memcpy(parent->token, caller->ancestors[0], sizeof(parent->token));
}

int token_trace(struct store_batch *batch, const struct caller *caller)
{
	struct token_made made = { .issued_ns = caller->issued_ns,
				   .expires_ns = caller->expires_ns };
	struct token_terms terms = { .type = caller->type,
				     .display_name = caller->display_name,
				     .policies = caller->policies,
				     .identity = caller->identified ? caller->identity : NULL,
				     .ttl = caller->ttl };
	struct caller parent;
	json_t *record;
	struct key key;
	char *text;

	if (caller->type == TOKEN_SERVICE)
		return 0;
	parent_of(caller, &parent);
	terms.parent = caller->ancestor_count ? &parent : NULL;
	record = record_new(&terms, &made);
	text = record ? json_text(record) : NULL;
	if (!text) {
		json_decref(record);
		return LH_ENOMEM;
	}
	key_token(&key, caller->token);
	store_batch_put(batch, STORE_ANY, 0, key_bytes(&key), (struct bytes){ text, strlen(text) });
	put_due(batch, record_due(record), caller->token);
	if (terms.parent) {
		key_token_child(&key, parent.token, caller->token);
		store_batch_put(batch, STORE_ANY, 0, key_bytes(&key), NO_BYTES);
	}
	wipe_free(text);
	json_decref(record);
	return 0;
}

/* ---- Changing ---- */

/* Reads the record as the caller knows it. LH_ECONFLICT: it was changed meanwhile. */
static int read_unchanged(struct store *store, const struct caller *caller, json_t **record_out)
{
	uint64_t revision = 0;
	int ret = record_get(store, caller->token, record_out, &revision, NULL);

	if (ret)
		return ret == LH_ENOENT ? LH_EPERM : ret;
	if (revision == caller->revision)
		return 0;
	json_decref(*record_out);
	*record_out = NULL;
	return LH_ECONFLICT;
}

/* Writes the changed record, due at another time, while it lives. */
static int write_changed(struct store *store, const struct caller *caller, json_t *record,
			 int64_t due)
{
	struct store_batch batch = { 0 };
	int64_t before = record_due(record);
	int ret = 0;

	if (due != before && json_object_set_new(record, "due", json_integer(due)))
		ret = LH_ENOMEM;
	if (!ret)
		ret = record_put(&batch, caller->token, record, caller->revision);
	if (!ret && due != before) {
		delete_due(&batch, before, caller->token);
		put_due(&batch, due, caller->token);
	}
	if (!ret) {
		token_expect_alive(&batch, caller);
		ret = store_apply(store, STORE_NORMAL, &batch, NULL);
	}
	store_batch_free(&batch);
	return ret;
}

int token_use(struct store *store, struct caller *caller, int64_t until)
{
	json_t *record = NULL;
	int64_t left = caller->num_uses == 1 ? TOKEN_USED_UP : caller->num_uses - 1;
	int64_t due;
	int ret;

	ret = read_unchanged(store, caller, &record);
	if (ret)
		return ret;
	due = record_due(record);
	if (left == TOKEN_USED_UP && (!due || until < due))
		due = until;
	ret = json_object_set_new(record, "num_uses", json_integer(left)) ? LH_ENOMEM : 0;
	if (!ret)
		ret = write_changed(store, caller, record, due);
	if (!ret)
		caller->num_uses = left;
	json_decref(record);
	return ret;
}

int token_renew(struct store *store, struct caller *caller, int64_t ttl)
{
	int64_t now_ns = clock_now_ns(), expires_ns = now_ns + ttl * NS_PER_SECOND;
	json_t *record = NULL;
	int lost, ret;

	ret = read_unchanged(store, caller, &record);
	if (ret)
		return ret;
	lost = json_object_set_new(record, "ttl", json_integer(ttl));
	lost |= json_object_set_new(record, "renewed_ns", json_integer(now_ns));
	lost |= json_object_set_new(record, "expires_ns", json_integer(expires_ns));
	ret = lost ? LH_ENOMEM : 0;
	if (!ret)
		ret = write_changed(store, caller, record, clock_seconds_up(expires_ns));
	if (!ret) {
		caller->ttl = ttl;
		caller->renewed_ns = now_ns;
		caller->expires_ns = expires_ns;
	}
	json_decref(record);
	return ret;
}

/* ---- Revoking ---- */

/* Due since ever: no clock that is set back delays it. */
void token_revoke_add(struct store_batch *batch, const unsigned char name[KEYRING_NAME_SIZE],
		      enum token_revocation revocation)
{
	const char *kind = revocation == TOKEN_REVOKE_ORPHAN ? "orphan" : "tree";
	struct key key;

	key_token(&key, name);
	store_batch_expect(batch, STORE_PRESENT, 0, key_bytes(&key));
	key_token_tombstone(&key, name);
	store_batch_put(batch, STORE_ABSENT, 0, key_bytes(&key),
			(struct bytes){ kind, strlen(kind) });
	key_token_due(&key, 0, name);
	store_batch_put(batch, STORE_ANY, 0, key_bytes(&key), NO_BYTES);
}

/* Under the condition that no ancestor was revoked meanwhile: its children would live again. */
static int revoke_alone(struct store *store, const unsigned char name[KEYRING_NAME_SIZE])
{
	struct store_batch batch = { 0 };
	struct caller caller;
	struct key key;
	int ret = token_find_name(store, name, &caller);

	if (ret)
		return ret == LH_ENOENT ? LH_EPERM : ret;
	token_revoke_add(&batch, name, TOKEN_REVOKE_ORPHAN);
	for (size_t i = 0; i < caller.ancestor_count; i++) {
		key_token_tombstone(&key, caller.ancestors[i]);
		store_batch_expect(&batch, STORE_ABSENT, 0, key_bytes(&key));
	}
	ret = store_apply(store, STORE_REVOKE, &batch, NULL);
	store_batch_free(&batch);
	caller_clear(&caller);
	return ret;
}

/* A conflict says that it, or one above it, died meanwhile; an ancestor that died alone is no obstacle. */
static int revoke_orphan(struct store *store, const unsigned char name[KEYRING_NAME_SIZE])
{
	int ret = LH_ECONFLICT;

	for (int looks = 0; ret == LH_ECONFLICT && looks <= TOKEN_ANCESTORS_MAX + 1; looks++)
		ret = revoke_alone(store, name);
	return ret;
}

int token_revoke(struct store *store, const unsigned char name[KEYRING_NAME_SIZE],
		 enum token_revocation revocation)
{
	struct store_batch batch = { 0 };
	int ret;

	if (revocation == TOKEN_REVOKE_ORPHAN)
		return revoke_orphan(store, name);
	token_revoke_add(&batch, name, revocation);
	ret = store_apply(store, STORE_REVOKE, &batch, NULL);
	store_batch_free(&batch);
	return ret == LH_ECONFLICT ? 0 : ret;
}
