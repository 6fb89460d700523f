/* SPDX-License-Identifier: Apache-2.0 */
#include "driver_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "util/buf.h"
#include "util/err.h"

#define CASES_MAX 32

void open_fixture(struct fixture *fixture, uint64_t limit)
{
	struct err err = { "" };

	snprintf(fixture->path, sizeof(fixture->path), "/tmp/leasehold-test-XXXXXX");
	assert_non_null(mkdtemp(fixture->path));
	assert_int_equal(fixture->driver->open(fixture->path, limit, 1, &fixture->handle, &err), 0);
}

void forget(struct fixture *fixture)
{
	static const char *const files[] = { "data.mdb", "lock.mdb" };
	char file[128];
	size_t i;

	store_mem_forget(fixture->path);
	for (i = 0; i < LENGTH(files); i++) {
		snprintf(file, sizeof(file), "%s/%s", fixture->path, files[i]);
		unlink(file);
	}
}

void close_fixture(struct fixture *fixture)
{
	fixture->driver->close(fixture->handle);
	forget(fixture);
	assert_int_equal(rmdir(fixture->path), 0);
}

struct bytes text(const char *data)
{
	return (struct bytes){ data, strlen(data) };
}

struct driver_op put(struct bytes key, struct bytes value, uint64_t revision)
{
	return (struct driver_op){
		.kind = STORE_PUT, .key = key, .value = value, .revision = revision
	};
}

struct driver_op delete (struct bytes key)
{
	return (struct driver_op){ .kind = STORE_DELETE, .key = key };
}

int apply(struct fixture *fixture, const struct driver_op *ops, size_t count)
{
	size_t failed;

	return fixture->driver->apply(fixture->handle, ops, count, &failed);
}

int put_one(struct fixture *fixture, const char *key, const char *value, uint64_t revision)
{
	struct driver_op op = put(text(key), text(value), revision);

	return apply(fixture, &op, 1);
}

void check_record(struct fixture *fixture, const char *key, const char *expected)
{
	struct buf value = BUF_INIT, words = BUF_INIT;
	uint64_t revision = 99, alone = 99;
	int ret;

	ret = fixture->driver->get(fixture->handle, text(key), &value, &revision);
	assert_int_equal(fixture->driver->get(fixture->handle, text(key), NULL, &alone), ret);
	assert_int_equal(revision, alone);
	if (ret == LH_ENOENT)
		buf_add_text(&words, revision ? "revision without record" : "-");
	else
		buf_printf(&words, "%s@%u", buf_text(&value), (unsigned int)revision);
	assert_string_equal(buf_text(&words), expected);
	buf_free(&value);
	buf_free(&words);
}

int collect(void *context, struct bytes key, struct bytes value, uint64_t revision)
{
	struct buf *out = context;

	buf_add(out, key.data, key.size);
	buf_add_char(out, '=');
	buf_add(out, value.data, value.size);
	buf_printf(out, "@%u ", (unsigned int)revision);
	return 0;
}

/* The initial state of a case, which set_up replaces by its fixture. */
struct place {
	const struct store_driver *driver;
	uint64_t limit;
};

static int set_up(void **state)
{
	const struct place *place = *state;
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	if (!fixture)
		return -1;
	fixture->driver = place->driver;
	open_fixture(fixture, place->limit);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	close_fixture(*state);
	free(*state);
	return 0;
}

int run_over_drivers(const struct CMUnitTest *cases, size_t count, uint64_t limit)
{
	static const struct store_driver *const drivers[] = { &store_mem, &store_lmdb };
	struct CMUnitTest tests[CASES_MAX];
	struct place place;
	int failed = 0;
	size_t i, k;

	assert_true(count <= CASES_MAX);
	for (i = 0; i < LENGTH(drivers); i++) {
		place = (struct place){ drivers[i], limit };
		for (k = 0; k < count; k++) {
			tests[k] = cases[k];
			tests[k].setup_func = set_up;
			tests[k].teardown_func = tear_down;
			tests[k].initial_state = &place;
		}
		print_message("over the driver %s:\n", drivers[i]->name);
		failed += _cmocka_run_group_tests(drivers[i]->name, tests, count, NULL, NULL);
	}
	return failed;
}
