/* SPDX-License-Identifier: Apache-2.0 */
/* The records of entries. The root of an entry's tree is the record of a token that nobody has: its
 * keyed name is made of the entry's id, under the purpose of identities. */
#include "auth/identity.h"

#include <string.h>

#include "auth/identity_priv.h"
#include "auth/named.h"
#include "auth/token_priv.h"
#include "crypto/crypto.h"
#include "util/buf.h"
#include "util/err.h"
#include "util/json.h"
#include "util/text.h"
#include "util/wipe.h"

static const char *const method_names[] = {
	[IDENTITY_CERT] = "cert",       [IDENTITY_BASIC] = "basic", [IDENTITY_REQUEST] = "request",
	[IDENTITY_ADDRESS] = "address", [IDENTITY_MAP] = "map",
};

const char *identity_method_name(enum identity_method method)
{
	return method_names[method];
}

enum identity_method identity_method_find(const char *name)
{
	for (int method = 0; method < IDENTITY_METHODS; method++)
		if (!strcmp(name, method_names[method]))
			return (enum identity_method)method;
	return IDENTITY_METHODS;
}

bool identity_name_is_valid(const char *name)
{
	size_t size = strnlen(name, IDENTITY_NAME_MAX + 1);

	return size > 0 && size <= IDENTITY_NAME_MAX && text_is_printable(name, size);
}

/* ---- Keys ---- */

void key_identities(struct key *key)
{
	key_start(key, 'g');
	key_add_text(key, "identities");
}

/* "" as name: where those of the method begin. */
static void key_identity(struct key *key, enum identity_method method, const char *name)
{
	key_start(key, 'I');
	key_add_text(key, method_names[method]);
	key_add_text(key, "/");
	key_add_text(key, name);
}

int identity_root(struct store *store, const char *id, unsigned char name_out[KEYRING_NAME_SIZE])
{
	struct buf text = BUF_INIT;
	int ret;

	buf_printf(&text, "entry/%s", id);
	ret = buf_error(&text);
	if (!ret)
		ret = keyring_name(store_keyring(store), KEYRING_IDENTITY, buf_text(&text),
				   name_out);
	buf_free(&text);
	return ret;
}

/* ---- Reading ---- */

int identity_get(struct store *store, enum identity_method method, const char *name,
		 json_t **entry_out, uint64_t *revision_out)
{
	struct key key;

	key_identity(&key, method, name);
	return named_get(store, &key, entry_out, revision_out);
}

int identity_list(struct store *store, enum identity_method method, const char *after, size_t max,
		  identity_visit add, void *context)
{
	struct key from, behind;

	key_identity(&from, method, "");
	key_identity(&behind, method, after);
	return named_list(store, &from, after[0] ? &behind : NULL, max, add, context);
}

/* ---- Changing ---- */

/* Two changes at once are no conflict: the generation only has to become another one. */
static int apply(struct store *store, enum store_urgency urgency, struct store_batch *batch)
{
	struct key key;

	key_identities(&key);
	store_batch_put(batch, STORE_ANY, 0, key_bytes(&key), NO_BYTES);
	return store_apply(store, urgency, batch, NULL);
}

int identity_root_add(struct store *store, struct store_batch *batch, json_t *entry)
{
	const struct token_made made = { .token = NULL };
	const struct token_terms terms = { .display_name = "" };
	unsigned char name[KEYRING_NAME_SIZE];
	char id[33];
	json_t *record;
	int ret;

	random_hex(id, 16);
	if (json_object_set_new(entry, "id", json_string(id)))
		return LH_ENOMEM;
	ret = identity_root(store, id, name);
	if (ret)
		return ret;
	record = record_new(&terms, &made);
	if (!record || json_object_set_new(record, "policies", json_array()))
		ret = LH_ENOMEM;
	if (!ret)
		ret = record_put(batch, name, record, 0);
	json_decref(record);
	return ret;
}

int identity_put(struct store *store, enum identity_method method, const char *name, json_t *entry,
		 uint64_t revision)
{
	struct store_batch batch = { 0 };
	char *text = NULL;
	struct key key;
	int ret = revision ? 0 : identity_root_add(store, &batch, entry);

	if (!ret && !(text = json_text(entry)))
		ret = LH_ENOMEM;
	/* Each process keeps all of them. */
	if (!ret && strlen(text) > IDENTITY_ENTRY_MAX)
		ret = LH_ERANGE;
	if (!ret) {
		key_identity(&key, method, name);
		store_batch_put(&batch, revision ? STORE_REVISION : STORE_ABSENT, revision,
				key_bytes(&key), (struct bytes){ text, strlen(text) });
		ret = apply(store, STORE_NORMAL, &batch);
	}
	store_batch_free(&batch);
	wipe_free(text);
	return ret;
}

int identity_delete(struct store *store, enum identity_method method, const char *name)
{
	struct store_batch batch = { 0 };
	unsigned char root[KEYRING_NAME_SIZE];
	uint64_t revision = 0;
	json_t *entry;
	struct key key;
	int ret = identity_get(store, method, name, &entry, &revision);

	if (ret)
		return ret == LH_ENOENT ? 0 : ret;
	ret = identity_root(store, json_get_text(entry, "id"), root);
	if (!ret) {
		key_identity(&key, method, name);
		store_batch_delete(&batch, STORE_REVISION, revision, key_bytes(&key));
		token_revoke_add(&batch, root, TOKEN_REVOKE_TREE);
		ret = apply(store, STORE_REVOKE, &batch);
	}
	store_batch_free(&batch);
	json_decref(entry);
	return ret;
}

/* ---- Tokens ---- */

int identity_log_in(struct store *store, const struct caller *identity, struct token_terms *terms,
		    struct token_made *made_out)
{
	struct caller root = { .type = TOKEN_SERVICE };

	memcpy(root.token, identity->ancestors[0], sizeof(root.token));
	terms->type = TOKEN_SERVICE;
	terms->parent = &root;
	terms->display_name = identity->display_name;
	terms->policies = identity->policies;
	terms->metadata = identity->metadata;
	terms->bound_cidrs = identity->bound_cidrs;
	terms->identity = identity->identity;
	return token_create(store, terms, made_out);
}
