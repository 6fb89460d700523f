/* SPDX-License-Identifier: Apache-2.0 */
/* A token's record is a small JSON object under its keyed name:
 *
 *   {"accessor": …, "display_name": …, "policies": […], "created": seconds, "type": "batch",
 *    "path": …, "role": …, "metadata": {…}, "bound_cidrs": […], "parent": hex, "renewable": true,
 *    "identity": hex, "num_uses": …, "issued_ns": …, "renewed_ns": …, "expires_ns": …,
 *    "creation_ttl": …, "ttl": …, "explicit_max": …, "period": …, "due": seconds}
 *
 * What is absent is "", 0, false or none. The first four stand in every record; the root token of
 * older stores has no others. A batch token is the same object, sealed, with the accessor of its
 * parent ("parent_accessor"). */
#include <stdlib.h>
#include <string.h>

#include "auth/token_priv.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/json.h"
#include "util/text.h"
#include "util/wipe.h"

static const char *const type_names[] = {
	[TOKEN_SERVICE] = "",
	[TOKEN_BATCH] = "batch",
	[TOKEN_IDENTITY] = "identity",
};

/* ---- Keys ---- */

void key_token(struct key *key, const unsigned char name[KEYRING_NAME_SIZE])
{
	key_start(key, 't');
	key_add(key, name, KEYRING_NAME_SIZE);
}

void key_token_tombstone(struct key *key, const unsigned char name[KEYRING_NAME_SIZE])
{
	key_start(key, 'x');
	key_add(key, "t", 1);
	key_add(key, name, KEYRING_NAME_SIZE);
}

int key_token_accessor(const struct keyring *keyring, struct key *key, const char *accessor)
{
	unsigned char name[KEYRING_NAME_SIZE];
	int ret = keyring_name(keyring, KEYRING_ACCESSOR, accessor, name);

	key_start(key, 'A');
	key_add(key, name, sizeof(name));
	return ret;
}

void key_token_child(struct key *key, const unsigned char parent[KEYRING_NAME_SIZE],
		     const unsigned char child[KEYRING_NAME_SIZE])
{
	key_start(key, 'k');
	key_add(key, parent, KEYRING_NAME_SIZE);
	if (child)
		key_add(key, child, KEYRING_NAME_SIZE);
}

void key_token_due(struct key *key, int64_t due, const unsigned char name[KEYRING_NAME_SIZE])
{
	key_start(key, 'e');
	key_add_u64(key, (uint64_t)due);
	key_add(key, name, KEYRING_NAME_SIZE);
}

/* ---- Reading and writing ---- */

int record_get(struct store *store, const unsigned char name[KEYRING_NAME_SIZE],
	       json_t **record_out, uint64_t *revision_out, size_t *size_out)
{
	struct buf text = BUF_INIT;
	struct key key;
	int ret;

	*record_out = NULL;
	key_token(&key, name);
	ret = store_get(store, key_bytes(&key), &text, revision_out);
	if (size_out)
		*size_out = text.size;
	if (!ret) {
		ret = json_read(buf_text(&text), text.size, record_out, NULL);
		if (ret == LH_EINVAL)
			ret = LH_ECORRUPT;
	}
	buf_free(&text);
	return ret;
}

int record_put(struct store_batch *batch, const unsigned char name[KEYRING_NAME_SIZE],
	       const json_t *record, uint64_t revision)
{
	char *text = json_text(record);
	struct key key;
	size_t size;

	if (!text)
		return LH_ENOMEM;
	size = strlen(text);
	key_token(&key, name);
	if (size <= TOKEN_RECORD_MAX)
		store_batch_put(batch, revision ? STORE_REVISION : STORE_ABSENT, revision,
				key_bytes(&key), (struct bytes){ text, size });
	wipe_free(text);
	return size <= TOKEN_RECORD_MAX ? 0 : LH_ERANGE;
}

/* ---- From terms to a record ---- */

static int set_text(json_t *record, const char *name, const char *text)
{
	return text && text[0] ? json_object_set_new(record, name, json_string(text)) : 0;
}

static int set_number(json_t *record, const char *name, int64_t number)
{
	return number ? json_object_set_new(record, name, json_integer(number)) : 0;
}

static int set_copy(json_t *record, const char *name, const json_t *value)
{
	return value ? json_object_set_new(record, name, json_deep_copy(value)) : 0;
}

static int set_name(json_t *record, const char *member, const unsigned char *name)
{
	char hex[2 * KEYRING_NAME_SIZE + 1];

	if (!name)
		return 0;
	text_hex(name, KEYRING_NAME_SIZE, hex);
	return json_object_set_new(record, member, json_string(hex));
}

/* What is stored goes with its parent; a batch token stays in its bearer's hands, and its parent's id
 * may be taken again. */
static int set_parent(json_t *record, const struct token_terms *terms)
{
	const struct caller *parent = terms->parent;
	int lost = set_name(record, "parent", parent ? parent->token : NULL);

	if (parent && terms->type == TOKEN_BATCH)
		lost |= set_text(record, "parent_accessor", parent->accessor);
	return lost;
}

static int set_times(json_t *record, const struct token_terms *terms, const struct token_made *made)
{
	int64_t due = clock_seconds_up(made->expires_ns);
	int lost = set_number(record, "issued_ns", made->issued_ns);

	lost |= set_number(record, "created", made->issued_ns / NS_PER_SECOND);
	lost |= set_number(record, "expires_ns", made->expires_ns);
	lost |= set_number(record, "due", due);
	lost |= set_number(record, "creation_ttl", terms->ttl);
	lost |= set_number(record, "ttl", terms->ttl);
	lost |= set_number(record, "explicit_max", terms->explicit_max);
	lost |= set_number(record, "period", terms->period);
	return lost;
}

json_t *record_new(const struct token_terms *terms, const struct token_made *made)
{
	json_t *record = json_object();
	int lost = json_object_set_new(record, "accessor", json_string(made->accessor));

	lost |= json_object_set_new(record, "display_name", json_string(terms->display_name));
	lost |= set_copy(record, "policies", terms->policies);
	lost |= set_text(record, "type", type_names[terms->type]);
	lost |= set_text(record, "path", terms->path);
	lost |= set_text(record, "role", terms->role);
	lost |= set_copy(record, "metadata", terms->metadata);
	lost |= set_copy(record, "bound_cidrs", terms->bound_cidrs);
	lost |= set_parent(record, terms);
	lost |= set_name(record, "identity", terms->identity);
	lost |= set_number(record, "num_uses", terms->num_uses);
	lost |= terms->renewable ? json_object_set_new(record, "renewable", json_true()) : 0;
	lost |= set_times(record, terms, made);
	if (!lost)
		return record;
	json_decref(record);
	return NULL;
}

/* ---- From a record to a caller ---- */

static char *copy_member(const json_t *record, const char *name, const char *otherwise)
{
	const char *text = json_get_text(record, name);

	if (!text[0])
		text = otherwise;
	return wipe_copy(text, strlen(text));
}

static bool has_policy(const json_t *policies, const char *name)
{
	const json_t *policy;
	size_t i;

	json_array_foreach(policies, i, policy)
	{
		if (json_is_string(policy) && !strcmp(json_string_value(policy), name))
			return true;
	}
	return false;
}

static int read_texts(const json_t *record, struct caller *caller)
{
	bool orphan = !json_object_get(record, "parent");

	caller->accessor = copy_member(record, "accessor", "");
	caller->display_name = copy_member(record, "display_name", "");
	caller->path = copy_member(record, "path", orphan ? TOKEN_ROOT_PATH : "");
	caller->role = copy_member(record, "role", "");
	return caller->accessor && caller->display_name && caller->path && caller->role ? 0
											: LH_ENOMEM;
}

static void read_numbers(const json_t *record, struct caller *caller)
{
	caller->num_uses = json_get_int(record, "num_uses", 0);
	caller->created = json_get_int(record, "created", 0);
	caller->issued_ns = json_get_int(record, "issued_ns", caller->created * NS_PER_SECOND);
	caller->renewed_ns = json_get_int(record, "renewed_ns", 0);
	caller->expires_ns = json_get_int(record, "expires_ns", 0);
	caller->creation_ttl = json_get_int(record, "creation_ttl", 0);
	caller->ttl = json_get_int(record, "ttl", 0);
	caller->explicit_max = json_get_int(record, "explicit_max", 0);
	caller->period = json_get_int(record, "period", 0);
}

static enum token_type read_type(const json_t *record)
{
	const char *name = json_get_text(record, "type");

	if (!strcmp(name, type_names[TOKEN_IDENTITY]))
		return TOKEN_IDENTITY;
	return !strcmp(name, type_names[TOKEN_BATCH]) ? TOKEN_BATCH : TOKEN_SERVICE;
}

int record_read(const json_t *record, struct caller *caller)
{
	json_t *policies = json_object_get(record, "policies");

	if (!json_is_array(policies))
		return LH_ECORRUPT;
	caller->type = read_type(record);
	caller->identified = !text_unhex(json_get_text(record, "identity"), caller->identity,
					 sizeof(caller->identity));
	caller->policies = json_incref(policies);
	caller->metadata = json_incref(json_object_get(record, "metadata"));
	caller->bound_cidrs = json_incref(json_object_get(record, "bound_cidrs"));
	caller->root = has_policy(policies, "root");
	caller->wrapping = has_policy(policies, TOKEN_WRAPPING_POLICY);
	caller->renewable = json_get_true(record, "renewable");
	read_numbers(record, caller);
	return read_texts(record, caller);
}

bool record_parent(const json_t *record, unsigned char parent_out[KEYRING_NAME_SIZE])
{
	return !text_unhex(json_get_text(record, "parent"), parent_out, KEYRING_NAME_SIZE);
}

bool record_is_child(const json_t *record, const json_t *parent)
{
	const char *accessor = json_get_text(record, "parent_accessor");

	return !accessor[0] || !strcmp(accessor, json_get_text(parent, "accessor"));
}

int64_t record_due(const json_t *record)
{
	return json_get_int(record, "due", 0);
}

int64_t record_expires_ns(const json_t *record)
{
	return json_get_int(record, "expires_ns", 0);
}

bool record_is_alive(const json_t *record, int64_t now_ns)
{
	int64_t expires_ns = record_expires_ns(record);

	return (!expires_ns || now_ns < expires_ns) &&
	       json_get_int(record, "num_uses", 0) != TOKEN_USED_UP;
}
