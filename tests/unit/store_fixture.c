/* SPDX-License-Identifier: Apache-2.0 */
#include "store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "crypto/keyring.h"
#include "store/store_priv.h"
#include "util/buf.h"
#include "util/err.h"

#define MAP_SIZE (64 * 1024 * 1024)

void fixture_open(struct fixture *fixture)
{
	struct err err = { "" };

	if (store_open(&fixture->options, &fixture->store, &err))
		fail_msg("%s", err.text);
}

void fixture_open_raw(struct fixture *fixture)
{
	struct err err = { "" };

	assert_int_equal(store_lmdb.open(fixture->folder, MAP_SIZE, 0, &fixture->raw, &err), 0);
}

void fixture_close(struct fixture *fixture)
{
	store_close(fixture->store);
	fixture->store = NULL;
	store_lmdb.close(fixture->raw);
	fixture->raw = NULL;
}

void fixture_file(const struct fixture *fixture, const char *name, char path[FILE_SIZE])
{
	snprintf(path, FILE_SIZE, "%s/%s", fixture->folder, name);
}

void *raw(struct fixture *fixture)
{
	return fixture->store ? fixture->store->handle : fixture->raw;
}

struct fixture *fixture_new_in(const char *parent, uint64_t map_size)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct err err = { "" };

	assert_non_null(fixture);
	snprintf(fixture->base, sizeof(fixture->base), "/tmp/leasehold-test-XXXXXX");
	assert_non_null(mkdtemp(fixture->base));
	snprintf(fixture->folder, sizeof(fixture->folder), "%s/store",
		 parent ? parent : fixture->base);
	snprintf(fixture->key_file, sizeof(fixture->key_file), "%s/master.key", fixture->base);
	assert_int_equal(mkdir(fixture->folder, 0700), 0);
	assert_int_equal(master_key_create(fixture->key_file, &err), 0);
	fixture->options = (struct store_options){
		.driver = &store_lmdb,
		.path = fixture->folder,
		.map_size = map_size,
		.key_file = fixture->key_file,
	};
	if (store_create(&fixture->options, NULL, NULL, &err))
		fail_msg("%s", err.text);
	fixture_open(fixture);
	return fixture;
}

struct fixture *fixture_new(void)
{
	return fixture_new_in(NULL, MAP_SIZE);
}

void fixture_remove_files(struct fixture *fixture)
{
	static const char *const files[] = { "data.mdb", "lock.mdb", "lock" };
	char file[FILE_SIZE];
	size_t i;

	for (i = 0; i < LENGTH(files); i++) {
		fixture_file(fixture, files[i], file);
		unlink(file);
	}
}

void fixture_free(struct fixture *fixture)
{
	fixture_close(fixture);
	fixture_remove_files(fixture);
	unlink(fixture->key_file);
	assert_int_equal(rmdir(fixture->folder), 0);
	assert_int_equal(rmdir(fixture->base), 0);
	free(fixture);
}

int fixture_set_up(void **state)
{
	*state = fixture_new();
	return 0;
}

int fixture_tear_down(void **state)
{
	fixture_free(*state);
	return 0;
}

struct bytes text(const char *data)
{
	return (struct bytes){ data, strlen(data) };
}

int try_put(struct fixture *fixture, enum store_urgency urgency, const char *key, const void *value,
	    size_t size)
{
	struct store_batch batch = { NULL, 0, 0, 0 };
	int ret;

	store_batch_put(&batch, STORE_ANY, 0, text(key), (struct bytes){ value, size });
	ret = store_apply(fixture->store, urgency, &batch, NULL);
	store_batch_free(&batch);
	return ret;
}

int try_delete(struct fixture *fixture, enum store_urgency urgency, const char *key)
{
	struct store_batch batch = { NULL, 0, 0, 0 };
	int ret;

	store_batch_delete(&batch, STORE_ANY, 0, text(key));
	ret = store_apply(fixture->store, urgency, &batch, NULL);
	store_batch_free(&batch);
	return ret;
}

void put(struct fixture *fixture, const char *key, const char *value)
{
	assert_int_equal(try_put(fixture, STORE_NORMAL, key, value, strlen(value)), 0);
}

void check_value(struct fixture *fixture, const char *key, const char *expected)
{
	struct buf value = BUF_INIT;

	assert_int_equal(store_get(fixture->store, text(key), &value, NULL), 0);
	assert_string_equal(buf_text(&value), expected);
	buf_free(&value);
}

void plant(struct fixture *fixture, const char *key, const struct buf *sealed, uint64_t revision)
{
	struct driver_op op = { .kind = STORE_PUT, .revision = revision };
	size_t failed;

	op.key = text(key);
	op.value = (struct bytes){ sealed->data, sealed->size };
	assert_int_equal(store_lmdb.apply(raw(fixture), &op, 1, &failed), 0);
}

void take(struct fixture *fixture, const char *key, struct buf *sealed, uint64_t *revision_out)
{
	assert_int_equal(store_lmdb.get(raw(fixture), text(key), sealed, revision_out), 0);
}

const char block[16000] = "value";

size_t fill_up(struct fixture *fixture, enum store_urgency urgency, size_t count)
{
	char key[32];
	int ret = 0;

	while (!ret) {
		assert_true(count < 10000);
		snprintf(key, sizeof(key), "x%08zu", count);
		ret = try_put(fixture, urgency, key, block, sizeof(block));
		count += !ret;
		assert_int_equal(store_maintain(fixture->store, NULL), 0);
	}
	assert_int_equal(ret, LH_EFULL);
	return count;
}

void delete_all(struct fixture *fixture, size_t count)
{
	char key[32];

	while (count-- > 0) {
		snprintf(key, sizeof(key), "x%08zu", count);
		assert_int_equal(try_delete(fixture, STORE_REVOKE, key), 0);
	}
}
