/* SPDX-License-Identifier: Apache-2.0 */
#include "temp_store.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "crypto/keyring.h"
#include "store/key.h"
#include "util/err.h"

#define MAP_SIZE (64 * 1024 * 1024)

struct temp_store temp;
const struct store_driver *temp_driver = &store_lmdb;

void temp_store_open(struct temp_store *opened)
{
	struct err err = { "" };

	memset(opened, 0, sizeof(*opened));
	strcpy(opened->folder, "/tmp/leasehold-test.XXXXXX");
	assert_non_null(mkdtemp(opened->folder));
	snprintf(opened->path, sizeof(opened->path), "%s/store", opened->folder);
	snprintf(opened->key_file, sizeof(opened->key_file), "%s/master.key", opened->folder);
	assert_int_equal(mkdir(opened->path, 0700), 0);
	opened->options.driver = temp_driver;
	opened->options.path = opened->path;
	opened->options.map_size = MAP_SIZE;
	opened->options.key_file = opened->key_file;
	if (master_key_create(opened->key_file, &err) ||
	    store_create(&opened->options, NULL, NULL, &err) ||
	    store_open(&opened->options, &opened->store, &err))
		fail_msg("%s", err.text);
}

static void remove_files(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	char path[512];

	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (entry->d_name[0] != '.')
			unlink(path);
	}
	closedir(dir);
	rmdir(folder);
}

void temp_store_close(struct temp_store *opened)
{
	store_close(opened->store);
	remove_files(opened->path);
	remove_files(opened->folder);
}

int temp_set_up(void **state)
{
	(void)state;
	temp_store_open(&temp);
	return 0;
}

int temp_tear_down(void **state)
{
	(void)state;
	temp_store_close(&temp);
	return 0;
}

/* ---- What is in it ---- */

void temp_put(struct store *store, char family, const void *name, size_t size, const char *value)
{
	struct store_batch batch = { 0 };
	struct key key;

	key_start(&key, family);
	key_add(&key, name, size);
	store_batch_put(&batch, STORE_ANY, 0, key_bytes(&key),
			(struct bytes){ value, strlen(value) });
	assert_int_equal(store_apply(store, STORE_NORMAL, &batch, NULL), 0);
	store_batch_free(&batch);
}

void temp_fill(struct store *store)
{
	static char value[1024 * 1024];
	int ret = 0;

	for (uint64_t i = 0; !ret; i++) {
		struct store_batch batch = { 0 };
		struct key key;

		key_start(&key, 'z');
		key_add_u64(&key, i);
		store_batch_put(&batch, STORE_ANY, 0, key_bytes(&key),
				(struct bytes){ value, sizeof(value) });
		assert_int_equal(store_maintain(store, NULL), 0);
		ret = store_apply(store, STORE_NORMAL, &batch, NULL);
		store_batch_free(&batch);
	}
	assert_int_equal(ret, LH_EFULL);
}

size_t temp_records(struct store *store)
{
	struct driver_usage usage;

	assert_int_equal(store_maintain(store, &usage), 0);
	return (size_t)usage.records;
}

void temp_know_account(struct store *store, const char *key_id, const char *account)
{
	unsigned char name[KEYRING_NAME_SIZE];

	assert_int_equal(keyring_name(store_keyring(store), KEYRING_ACCOUNT, key_id, name), 0);
	temp_put(store, 'a', name, sizeof(name), account);
}
