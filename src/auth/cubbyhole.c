/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/cubbyhole.h"

#include <stdlib.h>
#include <string.h>

#include "auth/token.h"
#include "crypto/bearer.h"
#include "store/key.h"
#include "store/store.h"
#include "util/buf.h"
#include "util/err.h"
#include "util/json.h"
#include "util/text.h"
#include "util/wipe.h"

/* One cubbyhole while it is looked at or changed. */
struct cubbyhole {
	struct store *store;
	const struct cubbyhole_owner *owner; /* borrowed */
	const char *bearer;                  /* whose text it is sealed for; borrowed */
	json_t *entries;                     /* path → data */
	uint64_t revision;                   /* 0: there is no record */
};

static void key_cubbyhole(struct key *key, const unsigned char name[KEYRING_NAME_SIZE])
{
	key_start(key, 'C');
	key_add(key, name, KEYRING_NAME_SIZE);
}

/* ---- The record ---- */

static int open_record(struct cubbyhole *hole, const struct buf *sealed)
{
	struct buf text = BUF_INIT;
	int ret;

	ret = bearer_open(BEARER_CUBBYHOLE, store_id(hole->store), hole->bearer, sealed->data,
			  sealed->size, &text);
	if (!ret)
		ret = json_read_kept(text.data, text.size, &hole->entries);
	buf_free(&text);
	return ret == LH_EINVAL ? LH_ECORRUPT : ret;
}

/* A cubbyhole that was never written to is empty. Release with close_hole in any case. */
static int open_hole(struct store *store, const struct cubbyhole_owner *owner,
		     struct cubbyhole *hole)
{
	struct buf sealed = BUF_INIT;
	struct key key;
	int ret;

	memset(hole, 0, sizeof(*hole));
	hole->store = store;
	hole->owner = owner;
	hole->bearer = owner->caller->type == TOKEN_IDENTITY ? "identity" : owner->token;
	key_cubbyhole(&key, owner->caller->token);
	ret = store_get(store, key_bytes(&key), &sealed, &hole->revision);
	if (!ret)
		ret = open_record(hole, &sealed);
	buf_free(&sealed);
	if (ret == LH_ENOENT) {
		hole->entries = json_object();
		ret = hole->entries ? 0 : LH_ENOMEM;
	}
	return ret;
}

static void close_hole(struct cubbyhole *hole)
{
	json_decref(hole->entries);
}

static int seal_record(const struct cubbyhole *hole, struct buf *sealed, struct err *err)
{
	char *text = json_text(hole->entries);
	int ret;

	if (!text)
		return LH_ENOMEM;
	if (strlen(text) > CUBBYHOLE_SIZE_MAX)
		ret = err_set(err, LH_EINVAL, "the cubbyhole of a token holds %d bytes in all",
			      CUBBYHOLE_SIZE_MAX);
	else
		ret = bearer_seal(BEARER_CUBBYHOLE, store_id(hole->store), hole->bearer, text,
				  strlen(text), sealed);
	wipe_free(text);
	return ret;
}

/* An owner that is revoked meanwhile takes its cubbyhole with it: nothing is written behind it. That
 * of an identity is written down, so that it can. */
static int put_record(const struct cubbyhole *hole, enum store_urgency urgency, struct err *err)
{
	enum store_condition condition = hole->revision ? STORE_REVISION : STORE_ABSENT;
	struct store_batch batch = { 0 };
	struct buf sealed = BUF_INIT;
	size_t failed = 0, conditions;
	struct key key;
	int ret;

	ret = seal_record(hole, &sealed, err);
	token_expect_alive(&batch, hole->owner->caller);
	conditions = batch.count;
	if (!ret)
		ret = token_trace(&batch, hole->owner->caller);
	key_cubbyhole(&key, hole->owner->caller->token);
	store_batch_put(&batch, condition, hole->revision, key_bytes(&key),
			(struct bytes){ sealed.data, sealed.size });
	if (!ret)
		ret = store_apply(hole->store, urgency, &batch, &failed);
	store_batch_free(&batch);
	buf_free(&sealed);
	return ret == LH_ECONFLICT && failed < conditions ? LH_EPERM : ret;
}

void cubbyhole_forget(struct store_batch *batch, const unsigned char token[KEYRING_NAME_SIZE])
{
	struct key key;

	key_cubbyhole(&key, token);
	store_batch_delete(batch, STORE_ANY, 0, key_bytes(&key));
}

static int delete_record(const struct cubbyhole *hole)
{
	struct store_batch batch = { 0 };
	struct key key;
	int ret;

	key_cubbyhole(&key, hole->owner->caller->token);
	store_batch_delete(&batch, STORE_REVISION, hole->revision, key_bytes(&key));
	ret = store_apply(hole->store, STORE_REVOKE, &batch, NULL);
	store_batch_free(&batch);
	return ret;
}

/* ---- What is asked for ---- */

int cubbyhole_get(struct store *store, const struct cubbyhole_owner *owner, const char *path,
		  json_t **data_out)
{
	struct cubbyhole hole;
	json_t *data = NULL;
	int ret;

	*data_out = NULL;
	ret = open_hole(store, owner, &hole);
	if (!ret && !(data = json_object_get(hole.entries, path)))
		ret = LH_ENOENT;
	if (!ret)
		*data_out = json_incref(data);
	close_hole(&hole);
	return ret;
}

int cubbyhole_put(struct store *store, const struct cubbyhole_owner *owner, const char *path,
		  const json_t *data, struct err *err)
{
	struct cubbyhole hole;
	int ret;

	ret = open_hole(store, owner, &hole);
	if (!ret && json_object_set_new(hole.entries, path, json_deep_copy(data)))
		ret = LH_ENOMEM;
	if (!ret && json_object_size(hole.entries) > CUBBYHOLE_ENTRIES_MAX)
		ret = err_set(err, LH_EINVAL, "the cubbyhole of a token holds %d entries",
			      CUBBYHOLE_ENTRIES_MAX);
	if (!ret)
		ret = put_record(&hole, STORE_NORMAL, err);
	close_hole(&hole);
	return ret;
}

int cubbyhole_delete(struct store *store, const struct cubbyhole_owner *owner, const char *path)
{
	struct cubbyhole hole;
	int ret;

	ret = open_hole(store, owner, &hole);
	if (!ret && !json_object_del(hole.entries, path))
		ret = json_object_size(hole.entries) ? put_record(&hole, STORE_REVOKE, NULL)
						     : delete_record(&hole);
	close_hole(&hole);
	return ret;
}

/* The part of a path that a list of prefix shows. */
static json_t *child_name(const char *path, const char *prefix)
{
	const char *rest = path + strlen(prefix);
	size_t size = strcspn(rest, "/");

	return json_stringn(rest, rest[size] ? size + 1 : size);
}

/* Names of one folder stand together in the order of the paths, so one look back finds repetitions
 * of folders; of a file there is only one. */
static int add_name(json_t *names, json_t *name)
{
	size_t count = json_array_size(names);

	if (name && count && json_equal(json_array_get(names, count - 1), name)) {
		json_decref(name);
		return 0;
	}
	return json_array_append_new(names, name) ? LH_ENOMEM : 0;
}

static int compare_paths(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int list_names(json_t *entries, const char *prefix, json_t *names)
{
	const char *paths[CUBBYHOLE_ENTRIES_MAX], *path;
	size_t count = 0;
	json_t *data;
	int ret = 0;

	json_object_foreach(entries, path, data)
	{
		if (text_starts_with(path, prefix) && count < CUBBYHOLE_ENTRIES_MAX)
			paths[count++] = path;
	}
	qsort(paths, count, sizeof(paths[0]), compare_paths);
	for (size_t i = 0; !ret && i < count; i++)
		ret = add_name(names, child_name(paths[i], prefix));
	return ret;
}

int cubbyhole_list(struct store *store, const struct cubbyhole_owner *owner, const char *prefix,
		   json_t **names_out)
{
	json_t *names = json_array();
	struct cubbyhole hole;
	int ret;

	*names_out = NULL;
	ret = open_hole(store, owner, &hole);
	if (!ret)
		ret = names ? list_names(hole.entries, prefix, names) : LH_ENOMEM;
	close_hole(&hole);
	if (ret) {
		json_decref(names);
		return ret;
	}
	*names_out = names;
	return 0;
}
