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
#include "util/err.h"

#define MAP_SIZE (64 * 1024 * 1024)

void temp_store_open(struct temp_store *temp)
{
	struct err err = { "" };

	memset(temp, 0, sizeof(*temp));
	strcpy(temp->folder, "/tmp/leasehold-test.XXXXXX");
	assert_non_null(mkdtemp(temp->folder));
	snprintf(temp->path, sizeof(temp->path), "%s/store", temp->folder);
	snprintf(temp->key_file, sizeof(temp->key_file), "%s/master.key", temp->folder);
	assert_int_equal(mkdir(temp->path, 0700), 0);
	temp->options.driver = &store_lmdb;
	temp->options.path = temp->path;
	temp->options.map_size = MAP_SIZE;
	temp->options.key_file = temp->key_file;
	if (master_key_create(temp->key_file, &err) ||
	    store_create(&temp->options, NULL, NULL, &err) ||
	    store_open(&temp->options, &temp->store, &err))
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

void temp_store_close(struct temp_store *temp)
{
	store_close(temp->store);
	remove_files(temp->path);
	remove_files(temp->folder);
}
