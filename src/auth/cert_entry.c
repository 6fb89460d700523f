/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/cert_entry.h"

#include <string.h>

#include "auth/identity_priv.h"
#include "auth/named.h"
#include "auth/token.h"
#include "crypto/certificate.h"
#include "store/key.h"
#include "store/store.h"
#include "util/err.h"
#include "util/json.h"
#include "util/text.h"
#include "util/wipe.h"

static void key_entry(struct key *key, const char *name)
{
	key_start(key, 'N');
	key_add_text(key, name);
}

static void key_mark(struct key *key, const struct certificate_mark *mark, const char *name)
{
	key_start(key, 'n');
	key_add(key, mark->bytes, sizeof(mark->bytes));
	key_add_text(key, name);
}

json_t *cert_entry_new(void)
{
	return json_pack("{s:s, s:s, s:[], s:[], s:[], s:[], s:[], s:[], s:i, s:i, s:i, s:i, s:[], "
			 "s:[], s:i, s:b, s:s, s:i, s:i, s:i, s:[], s:[]}",
			 "certificate", "", "display_name", "", "allowed_names",
			 "allowed_common_names", "allowed_dns_sans", "allowed_email_sans",
			 "allowed_uri_sans", "allowed_organizational_units", "token_ttl", 0,
			 "token_max_ttl", 0, "token_explicit_max_ttl", 0, "token_period", 0,
			 "token_policies", "token_bound_cidrs", "token_num_uses", 0,
			 "token_no_default_policy", 0, "token_type", "default", "ttl", 0, "max_ttl",
			 0, "period", 0, "policies", "bound_cidrs");
}

/* ---- Reading ---- */

int cert_entry_get(struct store *store, const char *name, json_t **entry_out,
		   uint64_t *revision_out)
{
	struct key key;

	key_entry(&key, name);
	return named_get(store, &key, entry_out, revision_out);
}

int cert_entry_list(struct store *store, const char *after, size_t max, cert_entry_visit add,
		    void *context)
{
	struct key from, behind;

	key_entry(&from, "");
	key_entry(&behind, after);
	return named_list(store, &from, after[0] ? &behind : NULL, max, add, context);
}

int cert_entry_candidates(struct store *store, const struct certificate_mark *mark, size_t max,
			  cert_entry_visit add, void *context)
{
	struct key from;

	key_mark(&from, mark, "");
	return named_list(store, &from, NULL, max, add, context);
}

/* ---- Changing ---- */

static void remove_marks(struct store_batch *batch, const char *name, const json_t *entry)
{
	struct certificate_mark mark;
	const json_t *hex;
	struct key key;
	size_t i;

	json_array_foreach(json_object_get(entry, "marks"), i, hex)
	{
		if (text_unhex(json_string_value(hex), mark.bytes, sizeof(mark.bytes)))
			continue;
		key_mark(&key, &mark, name);
		store_batch_delete(batch, STORE_ANY, 0, key_bytes(&key));
	}
}

/* Those that stay are deleted and put again in one batch, whose last word counts. */
static int add_marks(struct store_batch *batch, const char *name, json_t *entry,
		     const struct anchors *anchors)
{
	struct certificate_mark marks[ANCHORS_MARKS_MAX];
	char hex[2 * CERTIFICATE_MARK_SIZE + 1];
	json_t *texts = json_array();
	struct key key;
	size_t count;
	int lost = 0;
	int ret = anchors_marks(anchors, marks, &count);

	for (size_t i = 0; !ret && i < count; i++) {
		key_mark(&key, &marks[i], name);
		store_batch_put(batch, STORE_ANY, 0, key_bytes(&key), NO_BYTES);
		text_hex(marks[i].bytes, sizeof(marks[i].bytes), hex);
		lost |= json_array_append_new(texts, json_string(hex));
	}
	lost |= json_object_set_new(entry, "marks", texts);
	return ret || !lost ? ret : LH_ENOMEM;
}

static int put_record(struct store_batch *batch, const char *name, const json_t *entry,
		      uint64_t revision)
{
	char *text = json_text(entry);
	size_t size = text ? strlen(text) : 0;
	struct key key;

	if (!text)
		return LH_ENOMEM;
	key_entry(&key, name);
	if (size <= CERT_ENTRY_MAX)
		store_batch_put(batch, revision ? STORE_REVISION : STORE_ABSENT, revision,
				key_bytes(&key), (struct bytes){ text, size });
	wipe_free(text);
	return size <= CERT_ENTRY_MAX ? 0 : LH_ERANGE;
}

int cert_entry_put(struct store *store, const char *name, json_t *entry, uint64_t revision,
		   const struct anchors *anchors)
{
	struct store_batch batch = { 0 };
	int ret = 0;

	remove_marks(&batch, name, entry);
	if (!revision)
		ret = identity_root_add(store, &batch, entry);
	if (!ret)
		ret = add_marks(&batch, name, entry, anchors);
	if (!ret)
		ret = put_record(&batch, name, entry, revision);
	if (!ret)
		ret = store_apply(store, STORE_NORMAL, &batch, NULL);
	store_batch_free(&batch);
	return ret;
}

int cert_entry_delete(struct store *store, const char *name)
{
	struct store_batch batch = { 0 };
	unsigned char root[KEYRING_NAME_SIZE];
	uint64_t revision = 0;
	json_t *entry;
	struct key key;
	int ret = cert_entry_get(store, name, &entry, &revision);

	if (ret)
		return ret == LH_ENOENT ? 0 : ret;
	ret = identity_root(store, json_get_text(entry, "id"), root);
	if (!ret) {
		key_entry(&key, name);
		store_batch_delete(&batch, STORE_REVISION, revision, key_bytes(&key));
		remove_marks(&batch, name, entry);
		token_revoke_add(&batch, root, TOKEN_REVOKE_TREE);
		ret = store_apply(store, STORE_REVOKE, &batch, NULL);
	}
	store_batch_free(&batch);
	json_decref(entry);
	return ret;
}
