/* SPDX-License-Identifier: Apache-2.0 */
/* A token's record is a small JSON object under its keyed name:
 *   {"accessor": …, "display_name": …, "policies": […], "created": seconds} */
#include "auth/auth.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"
#include "store/key.h"
#include "store/store.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/json.h"
#include "util/wipe.h"

#define TOKEN_PREFIX  "hvs."
#define TOKEN_RANDOM  24
#define ACCESSOR_SIZE 24

void caller_clear(struct caller *caller)
{
	wipe_free(caller->accessor);
	wipe_free(caller->display_name);
	json_decref(caller->policies);
	wipe(caller, sizeof(*caller));
}

static void key_token(struct key *key, const unsigned char name[KEYRING_NAME_SIZE])
{
	key_start(key, 't');
	key_add(key, name, KEYRING_NAME_SIZE);
}

static bool has_policy(const json_t *policies, const char *name)
{
	size_t i;
	json_t *policy;

	json_array_foreach(policies, i,
			   policy) if (json_is_string(policy) &&
				       !strcmp(json_string_value(policy), name)) return true;
	return false;
}

static char *copy_member(const json_t *record, const char *name)
{
	const char *text = json_get_text(record, name);

	return wipe_copy(text, strlen(text));
}

static int read_record(const json_t *record, struct caller *caller)
{
	json_t *policies = json_object_get(record, "policies");

	if (!json_is_array(policies))
		return LH_ECORRUPT;
	caller->accessor = copy_member(record, "accessor");
	caller->display_name = copy_member(record, "display_name");
	caller->policies = json_incref(policies);
	caller->root = has_policy(policies, "root");
	caller->created = json_get_int(record, "created", 0);
	return caller->accessor && caller->display_name ? 0 : LH_ENOMEM;
}

static int get_record(struct store *store, const unsigned char name[KEYRING_NAME_SIZE],
		      json_t **record_out)
{
	struct buf text = BUF_INIT;
	struct key key;
	int ret;

	*record_out = NULL;
	key_token(&key, name);
	ret = store_get(store, key_bytes(&key), &text, NULL);
	if (!ret) {
		ret = json_read(buf_text(&text), text.size, record_out, NULL);
		if (ret == LH_EINVAL)
			ret = LH_ECORRUPT;
	}
	buf_free(&text);
	return ret == LH_ENOENT ? LH_EPERM : ret;
}

int auth_lookup(struct store *store, const char *token, struct caller *caller_out)
{
	struct caller caller = { .accessor = NULL };
	json_t *record = NULL;
	int ret;

	memset(caller_out, 0, sizeof(*caller_out));
	ret = keyring_name(store_keyring(store), KEYRING_TOKEN, token, caller.token);
	if (!ret)
		ret = get_record(store, caller.token, &record);
	if (!ret)
		ret = read_record(record, &caller);
	json_decref(record);
	if (ret) {
		caller_clear(&caller);
		return ret;
	}
	*caller_out = caller;
	return 0;
}

static char *new_record(void)
{
	char accessor[ACCESSOR_SIZE + 1];
	json_t *record;
	char *text;

	random_base62(accessor, ACCESSOR_SIZE);
	record = json_pack("{s:s, s:s, s:[s], s:I}", "accessor", accessor, "display_name", "root",
			   "policies", "root", "created", (json_int_t)clock_now());
	text = record ? json_text(record) : NULL;
	json_decref(record);
	return text;
}

int auth_new_root(const struct keyring *keyring, struct store_batch *batch, char *token_out)
{
	unsigned char name[KEYRING_NAME_SIZE];
	struct key key;
	char *record;
	int ret;

	memcpy(token_out, TOKEN_PREFIX, sizeof(TOKEN_PREFIX));
	random_base62(token_out + strlen(TOKEN_PREFIX), TOKEN_RANDOM);
	ret = keyring_name(keyring, KEYRING_TOKEN, token_out, name);
	if (ret)
		return ret;
	record = new_record();
	if (!record)
		return LH_ENOMEM;
	key_token(&key, name);
	store_batch_put(batch, STORE_ABSENT, 0, key_bytes(&key),
			(struct bytes){ record, strlen(record) });
	wipe_free(record);
	return 0;
}
