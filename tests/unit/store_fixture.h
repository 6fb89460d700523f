/* SPDX-License-Identifier: Apache-2.0 */
/* A new store with its master key in a temporary folder, for the tests of the store. */
#ifndef TESTS_STORE_FIXTURE_H
#define TESTS_STORE_FIXTURE_H

#include "store/key.h"
#include "store/store.h"

struct buf;

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define NOTHING       ((struct bytes){ NULL, 0 })

struct fixture {
	char base[64];    /* holds the two others */
	char folder[128]; /* the store's */
	char key_file[128];
	struct store_options options;
	struct store *store; /* NULL while closed */
	void *raw;           /* the driver's handle when it alone is open */
};

/* Open and empty. */
struct fixture *fixture_new(void);
void fixture_free(struct fixture *fixture);

/* The same as cmocka wants it. */
int fixture_set_up(void **state);
int fixture_tear_down(void **state);

/* With another map size, or below another folder than /tmp (NULL). */
struct fixture *fixture_new_in(const char *parent, uint64_t map_size);

void fixture_open(struct fixture *fixture);
void fixture_open_raw(struct fixture *fixture);
void fixture_close(struct fixture *fixture);
void fixture_remove_files(struct fixture *fixture);

/* The path of a file in the store's folder. */
#define FILE_SIZE 160
void fixture_file(const struct fixture *fixture, const char *name, char path[FILE_SIZE]);

/* The driver's handle below the store. */
void *raw(struct fixture *fixture);

/* Writes below the store what somebody with the file could write there; reads the same way. */
void plant(struct fixture *fixture, const char *key, const struct buf *sealed, uint64_t revision);
void take(struct fixture *fixture, const char *key, struct buf *sealed, uint64_t *revision_out);

struct bytes text(const char *data);
int try_put(struct fixture *fixture, enum store_urgency urgency, const char *key, const void *value,
	    size_t size);
int try_delete(struct fixture *fixture, enum store_urgency urgency, const char *key);
void put(struct fixture *fixture, const char *key, const char *value);
void check_value(struct fixture *fixture, const char *key, const char *expected);

/* A large value. */
extern const char block[16000];

/* Puts it until the store refuses, with the number `count` and on; returns how many there are then. */
size_t fill_up(struct fixture *fixture, enum store_urgency urgency, size_t count);
void delete_all(struct fixture *fixture, size_t count);

#endif
