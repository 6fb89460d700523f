/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/token_role.h"

#include <string.h>

#include "auth/named.h"
#include "store/key.h"
#include "store/store.h"
#include "util/err.h"
#include "util/json.h"
#include "util/wipe.h"

static void key_role(struct key *key, const char *name)
{
	key_start(key, 'R');
	key_add_text(key, name);
}

json_t *token_role_new(void)
{
	return json_pack("{s:[], s:[], s:[], s:[], s:b, s:b, s:s, s:i, s:i, s:i, s:i, s:i, s:b, "
			 "s:s, s:[], s:[], s:n}",
			 "allowed_policies", "disallowed_policies", "allowed_policies_glob",
			 "disallowed_policies_glob", "orphan", 0, "renewable", 1, "path_suffix", "",
			 "period", 0, "token_period", 0, "explicit_max_ttl", 0,
			 "token_explicit_max_ttl", 0, "token_num_uses", 0,
			 "token_no_default_policy", 0, "token_type", "default-service",
			 "bound_cidrs", "token_bound_cidrs", "allowed_entity_aliases");
}

int token_role_get(struct store *store, const char *name, json_t **role_out, uint64_t *revision_out)
{
	struct key key;

	key_role(&key, name);
	return named_get(store, &key, role_out, revision_out);
}

int token_role_put(struct store *store, const char *name, const json_t *role, uint64_t revision)
{
	struct store_batch batch = { 0 };
	char *text = json_text(role);
	struct key key;
	int ret;

	if (!text)
		return LH_ENOMEM;
	key_role(&key, name);
	store_batch_put(&batch, revision ? STORE_REVISION : STORE_ABSENT, revision, key_bytes(&key),
			(struct bytes){ text, strlen(text) });
	ret = store_apply(store, STORE_NORMAL, &batch, NULL);
	store_batch_free(&batch);
	wipe_free(text);
	return ret;
}

int token_role_delete(struct store *store, const char *name)
{
	struct store_batch batch = { 0 };
	struct key key;
	int ret;

	key_role(&key, name);
	store_batch_delete(&batch, STORE_ANY, 0, key_bytes(&key));
	ret = store_apply(store, STORE_REVOKE, &batch, NULL);
	store_batch_free(&batch);
	return ret;
}

int token_role_list(struct store *store, const char *after, size_t max, token_role_visit add,
		    void *context)
{
	struct key from, behind;

	key_role(&from, "");
	key_role(&behind, after);
	return named_list(store, &from, after[0] ? &behind : NULL, max, add, context);
}
