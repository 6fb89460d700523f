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

/* Makes key, store and opens it; fails the test otherwise. */
void temp_store_open(struct temp_store *temp);

/* Closes and removes everything. */
void temp_store_close(struct temp_store *temp);

#endif
