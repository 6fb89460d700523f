/* SPDX-License-Identifier: Apache-2.0 */
/* The entries as one process has read them, and who is served by which. */
#include <stdlib.h>
#include <string.h>

#include "auth/identity_priv.h"
#include "auth/token_priv.h"
#include "util/buf.h"
#include "util/err.h"
#include "util/json.h"
#include "util/shared.h"
#include "util/text.h"
#include "util/wipe.h"

/* Whoever makes an entry looks for room first, and each process may have found the last one. */
#define ENTRIES_READ_MAX (IDENTITY_ENTRIES_MAX + SHARED_SLOTS)

struct entry {
	enum identity_method method;
	char *name;     /* or glob */
	size_t literal; /* bytes before its first `*` */
	bool glob;
	json_t *record;
	unsigned char root[KEYRING_NAME_SIZE];
};

struct identities {
	struct store *store;
	bool read;
	uint64_t generation; /* under which they were read */
	struct entry *entries;
	size_t count, room;
};

static void forget_all(struct identities *identities)
{
	for (size_t i = 0; i < identities->count; i++) {
		wipe_free(identities->entries[i].name);
		json_decref(identities->entries[i].record);
	}
	free(identities->entries);
	identities->entries = NULL;
	identities->count = identities->room = 0;
	identities->read = false;
}

int identities_new(struct store *store, struct identities **identities_out)
{
	*identities_out = calloc(1, sizeof(**identities_out));
	if (!*identities_out)
		return LH_ENOMEM;
	(*identities_out)->store = store;
	return 0;
}

void identities_free(struct identities *identities)
{
	if (identities)
		forget_all(identities);
	free(identities);
}

/* ---- Reading all of them ---- */

static int make_room(struct identities *identities)
{
	size_t room = identities->room ? 2 * identities->room : 16;
	struct entry *entries;

	if (identities->count < identities->room)
		return 0;
	if (identities->count == ENTRIES_READ_MAX)
		return LH_ERANGE;
	entries = realloc(identities->entries, room * sizeof(*entries));
	if (!entries)
		return LH_ENOMEM;
	identities->entries = entries;
	identities->room = room;
	return 0;
}

/* key: METHOD/NAME. */
static int fill_entry(struct entry *entry, const struct store_record *record)
{
	const char *key = (const char *)record->key.data + 1;
	size_t size = record->key.size - 1;
	const char *slash = memchr(key, '/', size);
	char method[16] = "";

	if (!slash || (size_t)(slash - key) >= sizeof(method))
		return LH_ECORRUPT;
	memcpy(method, key, (size_t)(slash - key));
	entry->method = identity_method_find(method);
	if (entry->method == IDENTITY_METHODS)
		return LH_ECORRUPT;
	entry->name = wipe_copy(slash + 1, size - (size_t)(slash + 1 - key));
	if (!entry->name)
		return LH_ENOMEM;
	entry->literal = strcspn(entry->name, "*");
	entry->glob = entry->name[entry->literal] != '\0';
	return json_read(record->value.data, record->value.size, &entry->record, NULL);
}

static int take_entry(void *context, const struct store_record *record)
{
	struct identities *identities = context;
	struct entry *entry;
	int ret = make_room(identities);

	if (ret)
		return ret;
	entry = &identities->entries[identities->count++];
	memset(entry, 0, sizeof(*entry));
	ret = fill_entry(entry, record);
	if (!ret)
		ret = identity_root(identities->store, json_get_text(entry->record, "id"),
				    entry->root);
	return ret == LH_EINVAL ? LH_ECORRUPT : ret;
}

/* Generation before entries: what changes in between is seen next time. */
static int refresh(struct identities *identities)
{
	struct key key, from, end;
	uint64_t generation = 0;
	int ret;

	key_identities(&key);
	ret = store_revision(identities->store, key_bytes(&key), &generation);
	if (ret || (identities->read && identities->generation == generation))
		return ret;
	forget_all(identities);
	key_start(&from, 'I');
	end = from;
	key_after_prefix(&end);
	ret = store_scan(identities->store, STORE_SCAN_VALUES, key_bytes(&from), key_bytes(&end),
			 NO_BYTES, SIZE_MAX, take_entry, identities);
	if (ret) {
		forget_all(identities);
		return ret;
	}
	identities->generation = generation;
	identities->read = true;
	return 0;
}

/* ---- Choosing ---- */

struct wanted {
	enum identity_method method;
	const char *name;
};

/* The order of their keys, in which entries were read. */
static int compare(const void *key, const void *member)
{
	const struct wanted *wanted = key;
	const struct entry *entry = member;
	int order = strcmp(identity_method_name(wanted->method),
			   identity_method_name(entry->method));

	return order ? order : strcmp(wanted->name, entry->name);
}

/* Whether one glob counts before the other; of equals the first one stays. */
static bool is_closer(const struct entry *glob, const struct entry *best)
{
	if (glob->literal != best->literal)
		return glob->literal > best->literal;
	return strlen(glob->name) > strlen(best->name);
}

static const struct entry *choose(const struct identities *identities, enum identity_method method,
				  const char *name)
{
	const struct wanted wanted = { method, name };
	const struct entry *best;

	if (!identities->count)
		return NULL;
	best = bsearch(&wanted, identities->entries, identities->count, sizeof(*best), compare);
	if (best && !best->glob)
		return best;
	best = NULL;
	for (size_t i = 0; i < identities->count; i++) {
		const struct entry *entry = &identities->entries[i];

		if (entry->glob && entry->method == method && text_matches(entry->name, name) &&
		    (!best || is_closer(entry, best)))
			best = entry;
	}
	return best;
}

/* ---- The caller ---- */

/* A method has no slash in it and an id neither: no two identities have the same text. */
static int name_identity(struct store *store, const struct entry *entry, const char *name,
			 struct caller *caller)
{
	const char *method = identity_method_name(entry->method);
	const char *id = json_get_text(entry->record, "id");
	struct buf text = BUF_INIT;
	int ret;

	buf_printf(&text, "name/%s/%s", method, name);
	ret = buf_error(&text);
	if (!ret)
		ret = keyring_name(store_keyring(store), KEYRING_IDENTITY, buf_text(&text),
				   caller->identity);
	buf_free(&text);
	buf_printf(&text, "owner/%s/%s/%s", id, method, name);
	if (!ret)
		ret = buf_error(&text);
	if (!ret)
		ret = keyring_name(store_keyring(store), KEYRING_IDENTITY, buf_text(&text),
				   caller->token);
	buf_free(&text);
	caller->identified = true;
	memcpy(caller->ancestors[0], entry->root, sizeof(entry->root));
	caller->ancestor_count = 1;
	return ret;
}

/* "cert-svc-one": goes into the names of users in the cloud, where few characters may stand. */
static char *display_name(const struct entry *entry, const char *name)
{
	struct buf text = BUF_INIT;
	char *taken;

	buf_printf(&text, "%s-", identity_method_name(entry->method));
	token_add_display_name(&text, name);
	taken = buf_take(&text);
	buf_free(&text);
	return taken;
}

/* What the entry says of its own, and who it is: these two names are not the entry's to choose. */
static json_t *metadata_of(const struct entry *entry, const char *name)
{
	json_t *own = json_object_get(entry->record, "metadata"), *metadata = json_object();
	int lost = own ? json_object_update(metadata, own) : 0; /* json_copy hides a failure */

	lost |= json_object_set_new(metadata, "method",
				    json_string(identity_method_name(entry->method)));
	lost |= json_object_set_new(metadata, "name", json_string(name));
	if (!lost)
		return metadata;
	json_decref(metadata);
	return NULL;
}

static int fill_caller(const struct entry *entry, const char *name, struct caller *caller)
{
	json_t *policies = json_object_get(entry->record, "policies");

	caller->type = TOKEN_IDENTITY;
	caller->accessor = wipe_copy("", 0);
	caller->display_name = display_name(entry, name);
	caller->path = wipe_copy(IDENTITY_PATH, strlen(IDENTITY_PATH));
	caller->role = wipe_copy("", 0);
	caller->policies = json_incref(policies);
	caller->metadata = metadata_of(entry, name);
	caller->bound_cidrs = json_incref(json_object_get(entry->record, "bound_cidrs"));
	caller->ttl = json_get_int(entry->record, "ttl", 0);
	caller->rate = (unsigned)json_get_int(entry->record, "rate", 0);
	caller->explicit_max = json_get_int(entry->record, "max_ttl", 0);
	if (!json_is_array(policies))
		return LH_ECORRUPT;
	return caller->accessor && caller->display_name && caller->path && caller->role &&
			       caller->metadata
		       ? 0
		       : LH_ENOMEM;
}

/* The entry was there under the generation that was read; only the owner may be dying. */
static int check_alive(struct store *store, const struct caller *caller)
{
	enum tombstone tombstone;
	int ret = tombstone_read(store, caller->token, &tombstone);

	return ret || tombstone == TOMBSTONE_NONE ? ret : LH_EPERM;
}

int identities_find(struct identities *identities, enum identity_method method, const char *name,
		    struct caller *caller_out)
{
	struct caller caller = { .accessor = NULL };
	const struct entry *entry;
	int ret = refresh(identities);

	memset(caller_out, 0, sizeof(*caller_out));
	if (ret)
		return ret;
	entry = choose(identities, method, name);
	if (!entry)
		return LH_ENOENT;
	ret = name_identity(identities->store, entry, name, &caller);
	if (!ret)
		ret = check_alive(identities->store, &caller);
	if (!ret)
		ret = fill_caller(entry, name, &caller);
	if (ret)
		caller_clear(&caller);
	else
		*caller_out = caller;
	return ret;
}

int identities_rate(struct identities *identities, enum identity_method method, const char *name,
		    unsigned *rate_out)
{
	const struct entry *entry;
	int ret = refresh(identities);

	*rate_out = 0;
	if (ret)
		return ret;
	entry = choose(identities, method, name);
	if (entry)
		*rate_out = (unsigned)json_get_int(entry->record, "rate", 0);
	return 0;
}

int identities_have_room(struct identities *identities, bool *room_out)
{
	int ret = refresh(identities);

	*room_out = !ret && identities->count < IDENTITY_ENTRIES_MAX;
	return ret;
}
