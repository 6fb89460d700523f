/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/token_cache.h"

#include <stdlib.h>
#include <string.h>

#include "auth/token_priv.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/text.h"
#include "util/wipe.h"

#define SLOTS    64   /* each token has one place; whoever comes later takes it */
#define KEPT_MAX 4096 /* bytes of a record that is kept */

struct token_cache {
	struct store *store;
	struct caller slots[SLOTS]; /* revision 0: empty */
};

int token_cache_new(struct store *store, struct token_cache **cache_out)
{
	*cache_out = calloc(1, sizeof(**cache_out));
	if (!*cache_out)
		return LH_ENOMEM;
	(*cache_out)->store = store;
	return 0;
}

void token_cache_free(struct token_cache *cache)
{
	if (!cache)
		return;
	for (size_t i = 0; i < SLOTS; i++)
		caller_clear(&cache->slots[i]);
	free(cache);
}

/* ---- Whether what is kept is still true ---- */

/* The record is the one that was read, and nothing has killed it: in the order of auth_lookup, as
 * record and tombstone go together. */
static int check_one(struct store *store, const unsigned char name[KEYRING_NAME_SIZE],
		     uint64_t revision, bool *same_out)
{
	uint64_t now = 0, dead = 0;
	struct key key;
	int ret;

	key_token_tombstone(&key, name);
	ret = store_revision(store, key_bytes(&key), &dead);
	key_token(&key, name);
	if (!ret)
		ret = store_revision(store, key_bytes(&key), &now);
	*same_out = now == revision && !dead;
	return ret;
}

static int check_kept(struct store *store, const struct caller *kept, bool *valid_out)
{
	int ret = check_one(store, kept->token, kept->revision, valid_out);

	for (size_t i = 0; !ret && *valid_out && i < kept->ancestor_count; i++)
		ret = check_one(store, kept->ancestors[i], kept->ancestor_revisions[i], valid_out);
	*valid_out &= !kept->ends_ns || clock_now_ns() < kept->ends_ns;
	return ret;
}

/* ---- Giving and keeping ---- */

static char *copy_text(const char *text)
{
	return wipe_copy(text, strlen(text));
}

static int copy(const struct caller *from, struct caller *to)
{
	*to = *from;
	to->accessor = copy_text(from->accessor);
	to->display_name = copy_text(from->display_name);
	to->path = copy_text(from->path);
	to->role = copy_text(from->role);
	json_incref(to->policies);
	json_incref(to->metadata);
	json_incref(to->bound_cidrs);
	if (to->accessor && to->display_name && to->path && to->role)
		return 0;
	caller_clear(to);
	return LH_ENOMEM;
}

/* Memory that is out only costs the next look-up. */
static void keep(struct caller *slot, const struct caller *caller)
{
	if (caller->num_uses || !caller->revision || caller->record_size > KEPT_MAX)
		return;
	caller_clear(slot);
	(void)copy(caller, slot);
}

int token_cache_lookup(struct token_cache *cache, const char *token, struct caller *caller_out)
{
	unsigned char name[KEYRING_NAME_SIZE];
	struct caller *slot;
	bool valid = false;
	int ret;

	memset(caller_out, 0, sizeof(*caller_out));
	if (text_starts_with(token, TOKEN_BATCH_PREFIX))
		return auth_lookup(cache->store, token, caller_out);
	ret = keyring_name(store_keyring(cache->store), KEYRING_TOKEN, token, name);
	slot = &cache->slots[name[0] % SLOTS];
	if (!ret && slot->revision && wipe_equal(slot->token, name, sizeof(name)))
		ret = check_kept(cache->store, slot, &valid);
	if (ret)
		return ret;
	if (valid)
		return copy(slot, caller_out);
	ret = auth_lookup(cache->store, token, caller_out);
	if (!ret)
		keep(slot, caller_out);
	return ret;
}
