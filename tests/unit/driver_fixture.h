/* SPDX-License-Identifier: Apache-2.0 */
/* One suite for all storage drivers: each case gets an open, empty store of each driver in turn. */
#ifndef TESTS_DRIVER_FIXTURE_H
#define TESTS_DRIVER_FIXTURE_H

#include "store/driver.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define NOTHING       ((struct bytes){ NULL, 0 })
#define LIMIT         (64 * 1024 * 1024)

struct CMUnitTest;

struct fixture {
	const struct store_driver *driver;
	char path[64];
	void *handle;
};

/* Runs the cases over every driver; *state is a struct fixture. Returns how many failed. */
int run_over_drivers(const struct CMUnitTest *cases, size_t count, uint64_t limit);

void open_fixture(struct fixture *fixture, uint64_t limit);
void close_fixture(struct fixture *fixture);

/* Removes what a closed store has kept. */
void forget(struct fixture *fixture);

struct bytes text(const char *data);
struct driver_op put(struct bytes key, struct bytes value, uint64_t revision);
struct driver_op delete (struct bytes key);
int apply(struct fixture *fixture, const struct driver_op *ops, size_t count);
int put_one(struct fixture *fixture, const char *key, const char *value, uint64_t revision);

/* The record must be this, in words: "value@revision", or "-" when there is none. */
void check_record(struct fixture *fixture, const char *key, const char *expected);

/* A visitor: appends the record to a struct buf, "key=value@revision ". */
int collect(void *context, struct bytes key, struct bytes value, uint64_t revision);

#endif
