/* SPDX-License-Identifier: Apache-2.0 */
/* Creating, opening and adopting a store. */
#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"
#include "crypto/keyring.h"
#include "store/store.h"
#include "store/store_priv.h"
#include "util/err.h"
#include "util/wipe.h"

static int this_machine(const struct store_options *options, void *handle,
			struct machine *machine_out)
{
	struct driver_identity file = { 0, 0 };

	if (options->driver->identify)
		options->driver->identify(handle, &file);
	return machine_read("", &options->board, &file, machine_out);
}

static int new_keyring(const char *key_file, struct keyring **keyring_out, struct err *err)
{
	unsigned char master[MASTER_KEY_SIZE];
	int ret;

	*keyring_out = NULL;
	ret = master_key_read(key_file, master, err);
	if (ret)
		return ret;
	ret = keyring_new(master, keyring_out);
	wipe(master, sizeof(master));
	return ret ? err_set(err, ret, "cannot make a keyring: %s", err_name(ret)) : 0;
}

/* The first batch: the meta record, which only an empty store takes, and what the caller adds. */
static int write_first(void *handle, const struct store_options *options, const struct meta *meta,
		       const struct keyring *keyring, const struct store_batch *batch)
{
	struct buf record = BUF_INIT, sealed = BUF_INIT;
	struct driver_op ops[STORE_BATCH_MAX];
	size_t failed;
	int ret;

	ret = batch->count < STORE_BATCH_MAX ? 0 : LH_ERANGE;
	if (!ret)
		ret = meta_encode(meta, &record);
	if (!ret)
		ret = batch_seal(batch, keyring, meta->id, ops + 1, &sealed);
	if (!ret) {
		ops[0] = (struct driver_op){ .kind = STORE_PUT, .condition = STORE_ABSENT };
		ops[0].key = meta_key();
		ops[0].value = (struct bytes){ record.data, record.size };
		ops[0].revision = new_revision();
		ret = options->driver->apply(handle, ops, batch->count + 1, &failed);
	}
	buf_free(&record);
	buf_free(&sealed);
	return ret;
}

static int fill_new(void *handle, const struct store_options *options, store_fill fill,
		    void *context, struct err *err)
{
	struct store_batch batch = { NULL, 0, 0, 0 };
	struct keyring *keyring = NULL;
	struct meta meta = { 0 };
	int ret;

	ret = new_keyring(options->key_file, &keyring, err);
	if (ret)
		return ret;
	random_uuid(meta.id);
	ret = this_machine(options, handle, &meta.machine);
	if (!ret)
		ret = keyring_wrap(keyring, meta.id, &meta.keyring);
	if (!ret && fill)
		ret = fill(context, keyring, &batch);
	if (!ret)
		ret = write_first(handle, options, &meta, keyring, &batch);
	if (ret)
		err_set(err, ret, "%s: the store's first records cannot be written: %s",
			options->path, err_name(ret));
	store_batch_free(&batch);
	meta_free(&meta);
	keyring_free(keyring);
	return ret;
}

int store_create(const struct store_options *options, store_fill fill, void *context,
		 struct err *err)
{
	void *handle;
	int ret;

	ret = options->driver->open(options->path, options->map_size, 1, &handle, err);
	if (ret)
		return ret;
	ret = fill_new(handle, options, fill, context, err);
	options->driver->close(handle);
	return ret;
}

static int read_meta(void *handle, const struct store_options *options, struct meta *meta,
		     struct err *err)
{
	int ret = meta_read(options->driver, handle, meta);

	if (ret == LH_EVERSION)
		return err_set(
			err, ret,
			"%s: the store has format %u, this program reads %u: run the program "
			"that made it",
			options->path, (unsigned int)meta->format, META_FORMAT);
	if (ret == LH_ENOENT || ret == LH_ECORRUPT)
		return err_set(err, LH_ECORRUPT, "%s: is not a store of this program",
			       options->path);
	return ret ? err_set(err, ret, "%s: cannot be read: %s", options->path, err_name(ret)) : 0;
}

static int open_keyring(const struct store_options *options, const struct meta *meta,
			struct keyring **keyring_out, struct err *err)
{
	unsigned char master[MASTER_KEY_SIZE];
	int ret;

	*keyring_out = NULL;
	ret = master_key_read(options->key_file, master, err);
	if (ret)
		return ret;
	ret = keyring_unwrap(meta->keyring.data, meta->keyring.size, master, meta->id, keyring_out);
	wipe(master, sizeof(master));
	if (ret == LH_ECORRUPT)
		return err_set(err, ret,
			       "%s: does not hold the master key of the store in %s; put back the "
			       "copy that was kept of that one",
			       options->key_file, options->path);
	return ret ? err_set(err, ret, "%s: %s", options->path, err_name(ret)) : 0;
}

static int check_machine(void *handle, const struct store_options *options, const struct meta *meta,
			 struct err *err)
{
	const char *difference;
	struct machine here;
	int ret;

	ret = this_machine(options, handle, &here);
	if (ret)
		return err_set(err, ret, "cannot tell which machine this is: %s", err_name(ret));
	difference = machine_difference(&meta->machine, &here);
	if (!difference)
		return 0;
	return err_set(err, LH_EPERM,
		       "%s: %s differs from what the store remembers; a copy must not take back "
		       "what the original lent: if the original is gone, run `leasehold adopt`",
		       options->path, difference);
}

static int open_driver(const struct store_options *options, void **handle_out, struct err *err)
{
	int ret = options->driver->open(options->path, options->map_size, 0, handle_out, err);

	if (ret == LH_ENOENT)
		return err_set(err, ret, "%s: there is no store yet: run `leasehold init`",
			       options->path);
	if (!ret && options->writing && options->driver->watch)
		options->driver->watch(*handle_out, options->writing);
	if (!ret && options->queue && options->driver->share)
		options->driver->share(*handle_out, options->queue, options->place);
	return ret;
}

/* Fills a store whose driver is open. */
static int unlock(struct store *store, const struct store_options *options, struct err *err)
{
	struct meta meta = { 0 };
	int ret;

	ret = read_meta(store->handle, options, &meta, err);
	if (!ret)
		ret = open_keyring(options, &meta, &store->keyring, err);
	if (!ret)
		ret = check_machine(store->handle, options, &meta, err);
	memcpy(store->id, meta.id, sizeof(store->id));
	meta_free(&meta);
	return ret;
}

int store_open(const struct store_options *options, struct store **store_out, struct err *err)
{
	struct store *store;
	int ret;

	*store_out = NULL;
	store = calloc(1, sizeof(*store));
	if (!store)
		return err_set(err, LH_ENOMEM, "memory is out");
	store->driver = options->driver;
	ret = open_driver(options, &store->handle, err);
	if (!ret)
		ret = unlock(store, options, err);
	if (!ret) {
		ret = store_look(store);
		if (ret)
			err_set(err, ret, "%s: cannot be read: %s", options->path, err_name(ret));
	}
	if (ret)
		store_close(store);
	else
		*store_out = store;
	return ret;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	store->driver->close(store->handle);
	keyring_free(store->keyring);
	buf_free(&store->sealed);
	free(store);
}

/* The master key is tried first: who adopts a store must be able to use it. */
static int adopt(void *handle, const struct store_options *options, struct err *err)
{
	struct keyring *keyring = NULL;
	struct meta meta = { 0 };
	int ret;

	ret = read_meta(handle, options, &meta, err);
	if (!ret)
		ret = open_keyring(options, &meta, &keyring, err);
	if (ret)
		goto cleanup;
	ret = this_machine(options, handle, &meta.machine);
	if (!ret)
		ret = meta_write(options->driver, handle, &meta);
	if (ret)
		err_set(err, ret, "%s: cannot be adopted: %s", options->path, err_name(ret));
cleanup:
	keyring_free(keyring);
	meta_free(&meta);
	return ret;
}

int store_adopt(const struct store_options *options, struct err *err)
{
	void *handle;
	int ret;

	ret = open_driver(options, &handle, err);
	if (ret)
		return ret;
	ret = adopt(handle, options, err);
	options->driver->close(handle);
	return ret;
}
