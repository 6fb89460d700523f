/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/mount.h"

#include <stdlib.h>
#include <string.h>

#include "broker/broker_priv.h"
#include "broker/job.h"
#include "util/buf.h"
#include "util/err.h"
#include "util/json.h"
#include "util/text.h"
#include "util/wipe.h"

static void key_generation(struct key *key)
{
	key_start(key, 'g');
	key_add_text(key, "mounts");
}

static void key_mount(struct key *key, const char *path)
{
	key_start(key, 'M');
	key_add_text(key, path);
}

static void key_config(struct key *key, const unsigned char *uuid)
{
	key_start(key, 'c');
	key_add(key, uuid, LEASE_UUID_SIZE);
}

static void key_role(struct key *key, const unsigned char *uuid, const char *name)
{
	key_start(key, 'r');
	key_add(key, uuid, LEASE_UUID_SIZE);
	key_add_text(key, name);
}

/* ---- The table ---- */

static void table_clear(struct mount_table *table)
{
	for (size_t i = 0; i < table->count; i++)
		json_decref(table->mounts[i].entry);
	free(table->mounts);
	memset(table, 0, sizeof(*table));
}

void mount_table_free(struct broker *broker)
{
	table_clear(&broker->table);
}

static int uuid_bytes(const char *text, unsigned char out[LEASE_UUID_SIZE])
{
	char digits[2 * LEASE_UUID_SIZE + 1];
	size_t count = 0;

	for (; *text && count < sizeof(digits) - 1; text++)
		if (*text != '-')
			digits[count++] = *text;
	digits[count] = '\0';
	return *text ? LH_EINVAL : text_unhex(digits, out, LEASE_UUID_SIZE);
}

static int read_mount(const struct store_record *record, struct mount *mount)
{
	size_t path_size = record->key.size - 1;
	json_t *entry;
	int ret;

	if (path_size >= sizeof(mount->path))
		return LH_ECORRUPT;
	memcpy(mount->path, (const char *)record->key.data + 1, path_size);
	mount->path[path_size] = '\0';
	ret = json_read(record->value.data, record->value.size, &entry, NULL);
	if (ret)
		return ret == LH_ENOMEM ? ret : LH_ECORRUPT;
	mount->entry = entry;
	mount->revision = record->revision;
	mount->tainted = json_get_true(entry, "tainted");
	mount->engine = engine_find(json_get_text(entry, "type"));
	if (!mount->engine || uuid_bytes(json_get_text(entry, "uuid"), mount->uuid)) {
		json_decref(entry);
		return LH_ECORRUPT;
	}
	return 0;
}

static int take_mount(void *context, const struct store_record *record)
{
	struct mount_table *table = context;
	struct mount *grown;
	int ret;

	grown = realloc(table->mounts, (table->count + 1) * sizeof(*grown));
	if (!grown)
		return LH_ENOMEM;
	table->mounts = grown;
	memset(&grown[table->count], 0, sizeof(*grown));
	ret = read_mount(record, &grown[table->count]);
	if (!ret)
		table->count++;
	return ret;
}

/* The generation is read before the content: what changes in between is read again next time. */
static int table_refresh(struct broker *broker)
{
	struct store *store = broker->options.store;
	struct mount_table fresh = { .loaded = true };
	struct key key, from, end;
	int ret;

	key_generation(&key);
	ret = store_revision(store, key_bytes(&key), &fresh.generation);
	if (ret || (broker->table.loaded && broker->table.generation == fresh.generation))
		return ret;
	key_mount(&from, "");
	end = from;
	key_after_prefix(&end);
	ret = store_scan(store, STORE_SCAN_VALUES, key_bytes(&from), key_bytes(&end), NO_BYTES,
			 SIZE_MAX, take_mount, &fresh);
	if (ret) {
		table_clear(&fresh);
		return ret;
	}
	table_clear(&broker->table);
	broker->table = fresh;
	return 0;
}

/* Whether path lies in the mount, or is the mount itself without its final slash. */
static bool mount_holds(const struct mount *mount, const char *path)
{
	size_t size = strlen(mount->path);

	return !strncmp(path, mount->path, size) ||
	       (strlen(path) == size - 1 && !strncmp(path, mount->path, size - 1));
}

int mount_find(struct broker *broker, const char *path, const struct mount **mount_out)
{
	int ret = table_refresh(broker);

	*mount_out = NULL;
	for (size_t i = 0; !ret && i < broker->table.count; i++)
		if (mount_holds(&broker->table.mounts[i], path))
			*mount_out = &broker->table.mounts[i]; /* mounts do not nest */
	return ret;
}

int mount_each(struct broker *broker, mount_visit visit, void *context)
{
	int ret = table_refresh(broker);

	for (size_t i = 0; !ret && i < broker->table.count; i++)
		ret = visit(context, &broker->table.mounts[i]);
	return ret;
}

static int64_t ttl_or(const struct mount *mount, const char *name, int64_t fallback)
{
	int64_t own = json_get_int(json_object_get(mount->entry, "config"), name, 0);

	return own > 0 ? own : fallback;
}

int64_t mount_max_ttl(const struct broker *broker, const struct mount *mount)
{
	return ttl_or(mount, "max_lease_ttl", broker->options.conf->max_lease_ttl);
}

int64_t mount_default_ttl(const struct broker *broker, const struct mount *mount)
{
	int64_t ttl = ttl_or(mount, "default_lease_ttl", broker->options.conf->default_lease_ttl);
	int64_t max = mount_max_ttl(broker, mount);

	return ttl < max ? ttl : max;
}

/* ---- Changing the table ---- */

/* Every change of the table raises the generation that it was decided under: two processes cannot
 * both find a path free. */
static void raise_generation(struct broker *broker, struct store_batch *batch)
{
	uint64_t generation = broker->table.generation;
	struct key key;

	key_generation(&key);
	store_batch_put(batch, generation ? STORE_REVISION : STORE_ABSENT, generation,
			key_bytes(&key), NO_BYTES);
}

static int put_json(struct store_batch *batch, enum store_condition condition, uint64_t revision,
		    const struct key *key, const json_t *value)
{
	char *text = json_text(value);

	if (!text)
		return LH_ENOMEM;
	store_batch_put(batch, condition, revision, key_bytes(key),
			(struct bytes){ text, strlen(text) });
	wipe_free(text);
	return 0;
}

static const struct mount *find_conflict(struct broker *broker, const char *path)
{
	for (size_t i = 0; i < broker->table.count; i++) {
		const char *other = broker->table.mounts[i].path;

		if (text_starts_with(path, other) || text_starts_with(other, path))
			return &broker->table.mounts[i];
	}
	return NULL;
}

int mount_enable(struct broker *broker, const char *path, const json_t *entry, struct err *err)
{
	struct store_batch batch = { 0 };
	const struct mount *conflict;
	struct key key;
	int ret;

	ret = table_refresh(broker);
	if (ret)
		return err_set(err, ret, "mounts cannot be read: %s", err_name(ret));
	conflict = find_conflict(broker, path);
	if (conflict)
		return err_set(err, LH_EEXIST, "path is already in use at %s", conflict->path);
	raise_generation(broker, &batch);
	key_mount(&key, path);
	ret = put_json(&batch, STORE_ABSENT, 0, &key, entry);
	if (!ret)
		ret = store_apply(broker->options.store, STORE_NORMAL, &batch, NULL);
	store_batch_free(&batch);
	return ret ? err_set(err, ret, "mount %s cannot be recorded: %s", path, err_name(ret)) : 0;
}

/* Writes a mount's entry anew, with further operations that are in the batch already. */
static int put_entry(struct broker *broker, struct store_batch *batch, const struct mount *mount,
		     const json_t *entry, enum store_urgency urgency)
{
	struct key key;
	int ret;

	raise_generation(broker, batch);
	key_mount(&key, mount->path);
	ret = put_json(batch, STORE_REVISION, mount->revision, &key, entry);
	return ret ? ret : store_apply(broker->options.store, urgency, batch, NULL);
}

int mount_tune(struct broker *broker, const struct mount *mount, const json_t *entry,
	       struct err *err)
{
	struct store_batch batch = { 0 };
	int ret = put_entry(broker, &batch, mount, entry, STORE_NORMAL);

	store_batch_free(&batch);
	return ret ? err_set(err, ret, "mount %s cannot be recorded: %s", mount->path,
			     err_name(ret))
		   : 0;
}

int mount_taint(struct broker *broker, const struct mount *mount, struct store_batch *batch)
{
	json_t *entry = json_deep_copy(mount->entry);
	struct key tombstone;
	int ret = LH_ENOMEM;

	key_tombstone_mount(&tombstone, mount->uuid);
	store_batch_put(batch, STORE_ANY, 0, key_bytes(&tombstone), NO_BYTES);
	if (entry && !json_object_set_new(entry, "tainted", json_true()))
		ret = put_entry(broker, batch, mount, entry, STORE_REVOKE);
	json_decref(entry);
	return ret;
}

#define ROLES_PAGE 100

static int take_delete(void *context, const struct store_record *record)
{
	store_batch_delete(context, STORE_ANY, 0, record->key);
	return 0;
}

/* Deletes one page of roles; LH_EBUSY while there may be more. */
static int remove_roles(struct broker *broker, const unsigned char *uuid)
{
	struct store_batch batch = { 0 };
	struct key from, end;
	int ret;

	key_role(&from, uuid, "");
	end = from;
	key_after_prefix(&end);
	ret = store_scan(broker->options.store, STORE_SCAN_KEYS, key_bytes(&from), key_bytes(&end),
			 NO_BYTES, ROLES_PAGE, take_delete, &batch);
	if (!ret && batch.count) {
		ret = store_apply(broker->options.store, STORE_REVOKE, &batch, NULL);
		ret = ret ? ret : LH_EBUSY;
	}
	store_batch_free(&batch);
	return ret;
}

int mount_remove(struct broker *broker, const char *path, const unsigned char *uuid,
		 const struct key *job, const struct job *forget)
{
	struct store_batch batch = { 0 };
	const struct mount *mount;
	struct key key;
	int ret;

	ret = remove_roles(broker, uuid);
	if (!ret)
		ret = mount_find(broker, path, &mount);
	if (ret)
		return ret;
	if (mount && !memcmp(mount->uuid, uuid, LEASE_UUID_SIZE)) {
		raise_generation(broker, &batch);
		key_mount(&key, path);
		store_batch_delete(&batch, STORE_REVISION, mount->revision, key_bytes(&key));
	}
	store_batch_delete(&batch, STORE_ANY, 0, key_bytes(job));
	ret = job_put(&batch, forget);
	if (!ret)
		ret = store_apply(broker->options.store, STORE_REVOKE, &batch, NULL);
	store_batch_free(&batch);
	return ret == LH_ECONFLICT ? LH_EBUSY : ret;
}

int mount_forget(struct broker *broker, const unsigned char *uuid, const struct key *job)
{
	struct store_batch batch = { 0 };
	struct key config, tombstone;
	int ret;

	key_config(&config, uuid);
	key_tombstone_mount(&tombstone, uuid);
	store_batch_delete(&batch, STORE_ANY, 0, key_bytes(&config));
	store_batch_delete(&batch, STORE_ANY, 0, key_bytes(&tombstone));
	store_batch_delete(&batch, STORE_ANY, 0, key_bytes(job));
	ret = store_apply(broker->options.store, STORE_REVOKE, &batch, NULL);
	store_batch_free(&batch);
	return ret;
}

/* ---- Configuration and roles ---- */

static int get_json(struct broker *broker, const struct key *key, json_t **value_out,
		    uint64_t *revision_out)
{
	struct buf text = BUF_INIT;
	int ret;

	*value_out = NULL;
	ret = store_get(broker->options.store, key_bytes(key), &text, revision_out);
	if (!ret)
		ret = json_read_kept(buf_text(&text), text.size, value_out);
	if (ret == LH_EINVAL)
		ret = LH_ECORRUPT;
	buf_free(&text);
	return ret;
}

/* asker: who must be alive then; NULL: nobody. */
static int put_value(struct broker *broker, const struct mount *mount, const struct key *key,
		     const json_t *value, uint64_t revision, const struct caller *asker)
{
	struct store_batch batch = { 0 };
	struct key tombstone;
	size_t conditions, failed = 0;
	int ret;

	key_tombstone_mount(&tombstone, mount->uuid);
	store_batch_expect(&batch, STORE_ABSENT, 0, key_bytes(&tombstone));
	ret = put_json(&batch, revision ? STORE_REVISION : STORE_ABSENT, revision, key, value);
	conditions = batch.count;
	if (asker)
		token_expect_alive(&batch, asker);
	if (!ret)
		ret = store_apply(broker->options.store, STORE_NORMAL, &batch, &failed);
	store_batch_free(&batch);
	return ret == LH_ECONFLICT && failed >= conditions ? LH_EPERM : ret;
}

static int delete_value(struct broker *broker, const struct key *key)
{
	struct store_batch batch = { 0 };
	int ret;

	store_batch_delete(&batch, STORE_ANY, 0, key_bytes(key));
	ret = store_apply(broker->options.store, STORE_REVOKE, &batch, NULL);
	store_batch_free(&batch);
	return ret;
}

int mount_config_of(struct broker *broker, const unsigned char *uuid, json_t **config_out,
		    uint64_t *revision_out)
{
	struct key key;

	key_config(&key, uuid);
	return get_json(broker, &key, config_out, revision_out);
}

int mount_config_get(struct broker *broker, const struct mount *mount, json_t **value_out,
		     uint64_t *revision_out)
{
	return mount_config_of(broker, mount->uuid, value_out, revision_out);
}

int mount_config_put(struct broker *broker, const struct mount *mount, const json_t *value,
		     uint64_t revision)
{
	struct key key;

	key_config(&key, mount->uuid);
	return put_value(broker, mount, &key, value, revision, NULL);
}

int mount_config_delete(struct broker *broker, const struct mount *mount)
{
	struct key key;

	key_config(&key, mount->uuid);
	return delete_value(broker, &key);
}

int mount_role_get(struct broker *broker, const struct mount *mount, const char *name,
		   json_t **value_out, uint64_t *revision_out)
{
	struct key key;

	key_role(&key, mount->uuid, name);
	return get_json(broker, &key, value_out, revision_out);
}

int mount_role_put(struct broker *broker, const struct mount *mount, const char *name,
		   const json_t *value, uint64_t revision, const struct caller *asker)
{
	struct key key;

	key_role(&key, mount->uuid, name);
	return put_value(broker, mount, &key, value, revision, asker);
}

int mount_role_delete(struct broker *broker, const struct mount *mount, const char *name)
{
	struct key key;

	key_role(&key, mount->uuid, name);
	return delete_value(broker, &key);
}

struct role_names {
	lease_name_visit add;
	void *context;
};

static int take_role(void *context, const struct store_record *record)
{
	const struct role_names *names = context;
	size_t head = 1 + LEASE_UUID_SIZE, size = record->key.size - head;
	char name[STORE_KEY_MAX + 1];

	memcpy(name, (const char *)record->key.data + head, size);
	name[size] = '\0';
	return names->add(names->context, name);
}

int mount_role_list(struct broker *broker, const struct mount *mount, const char *after, size_t max,
		    lease_name_visit add, void *context)
{
	struct role_names names = { add, context };
	struct key from, end, behind;

	key_role(&from, mount->uuid, "");
	end = from;
	key_after_prefix(&end);
	key_role(&behind, mount->uuid, after ? after : "");
	return store_scan(broker->options.store, STORE_SCAN_KEYS, key_bytes(&from), key_bytes(&end),
			  after && after[0] ? key_bytes(&behind) : NO_BYTES, max, take_role,
			  &names);
}
