/* SPDX-License-Identifier: Apache-2.0 */
/* A real store in a temporary folder, for tests of what lies above it. */
#ifndef TESTS_TEMP_STORE_H
#define TESTS_TEMP_STORE_H

#include "store/store.h"

struct temp_store {
	char folder[64];
	char path[96];
	char key_file[96];
	struct store_options options;
	struct store *store;
};

/* Of the running test. */
extern struct temp_store temp;

/* Of the stores that are made from now on; store_lmdb, unless a test puts its own one here. */
extern const struct store_driver *temp_driver;

/* Makes key, store and opens it; fails the test otherwise. */
void temp_store_open(struct temp_store *opened);

/* Closes and removes everything. */
void temp_store_close(struct temp_store *opened);

/* The same of `temp`, as cmocka wants it. */
int temp_set_up(void **state);
int temp_tear_down(void **state);

/* Stores a record under a key of the family and these bytes. */
void temp_put(struct store *store, char family, const void *name, size_t size, const char *value);

/* Ordinary writes until they are refused. */
void temp_fill(struct store *store);

/* How many records there are in all. */
size_t temp_records(struct store *store);

/* Records whose a root key is: the broker need not ask its cloud. */
void temp_know_account(struct store *store, const char *key_id, const char *account);

#endif
