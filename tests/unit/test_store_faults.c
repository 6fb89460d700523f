/* SPDX-License-Identifier: Apache-2.0 */
/* What befalls a store: a full map, other writers, killed ones, stale readers. */
#include <config.h>

#include "store/store.h"
#include "under_valgrind.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/store_priv.h"
#include "store_fixture.h"
#include "util/buf.h"
#include "util/err.h"

#define SMALL_MAP ((uint64_t)4 * 1024 * 1024)
#define LARGE_MAP ((uint64_t)64 * 1024 * 1024)

static void test_above_nine_tenths_of_the_map_only_revocations_are_written(void **state)
{
	struct fixture *fixture = fixture_new_in(NULL, SMALL_MAP);
	struct driver_usage usage;
	size_t ordinary, all;

	(void)state;
	ordinary = fill_up(fixture, STORE_NORMAL, 0);
	assert_int_equal(store_maintain(fixture->store, &usage), 0);
	assert_in_range(usage.used_bytes, SMALL_MAP / 10 * 9, SMALL_MAP / 10 * 9 + 131072);
	assert_int_equal(try_put(fixture, STORE_NORMAL, "small", "1", 1), LH_EFULL);
	assert_int_equal(try_put(fixture, STORE_REVOKE, "small", "1", 1), 0);
	assert_int_equal(try_delete(fixture, STORE_NORMAL, "small"), 0);
	all = fill_up(fixture, STORE_REVOKE, ordinary);
	assert_true(all > ordinary);
	check_value(fixture, "x00000000", block);
	delete_all(fixture, all);
	assert_int_equal(store_maintain(fixture->store, &usage), 0);
	assert_int_equal(usage.records, 1);
	assert_int_equal(try_put(fixture, STORE_NORMAL, "small", "1", 1), 0);
	fixture_free(fixture);
}

/* Nobody calls store_maintain here: a full store looks again by itself. */
static void test_writing_goes_on_a_second_after_there_is_room(void **state)
{
	struct fixture *fixture = fixture_new_in(NULL, SMALL_MAP);
	struct timespec pause = { 0, 100 * 1000 * 1000 };
	size_t count, tries;

	(void)state;
	count = fill_up(fixture, STORE_NORMAL, 0);
	delete_all(fixture, count);
	for (tries = 0; tries < 100; tries++) {
		if (!try_put(fixture, STORE_NORMAL, "small", "1", 1))
			break;
		nanosleep(&pause, NULL);
	}
	assert_true(tries < 30);
	fixture_free(fixture);
}

/* Other writers */

#define TURNS 100

/* Reads the counter and writes the next number, if nobody else was faster. */
static int count_up(struct store *store)
{
	struct store_batch batch = { NULL, 0, 0, 0 };
	struct buf value = BUF_INIT;
	char next[16];
	uint64_t revision;
	int ret;

	ret = store_get(store, text("counter"), &value, &revision);
	if (!ret) {
		snprintf(next, sizeof(next), "%d", atoi(buf_text(&value)) + 1);
		store_batch_put(&batch, STORE_REVISION, revision, text("counter"), text(next));
		ret = store_apply(store, STORE_NORMAL, &batch, NULL);
	}
	store_batch_free(&batch);
	buf_free(&value);
	return ret;
}

static int count_in_child(const struct fixture *fixture)
{
	struct store *store;
	struct err err;
	int done = 0, ret;

	if (store_open(&fixture->options, &store, &err))
		return 1;
	while (done < TURNS) {
		ret = count_up(store);
		if (ret && ret != LH_ECONFLICT)
			return 2;
		done += !ret;
	}
	store_close(store);
	return 0;
}

static void test_two_writers_lose_no_update(void **state)
{
	struct fixture *fixture = fixture_new();
	pid_t children[2];
	int status, i;

	(void)state;
	put(fixture, "counter", "0");
	fixture_close(fixture);
	for (i = 0; i < 2; i++) {
		children[i] = fork();
		if (!children[i])
			_exit(count_in_child(fixture));
	}
	for (i = 0; i < 2; i++) {
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	fixture_open(fixture);
	check_value(fixture, "counter", "200");
	fixture_free(fixture);
}

/* Fills more than the map that the parent has, in one of its own. */
static int outgrow(const struct fixture *fixture)
{
	struct fixture grown = *fixture;
	char key[32];
	int i;

	grown.options.map_size = LARGE_MAP;
	if (store_open(&grown.options, &grown.store, NULL))
		return 1;
	for (i = 0; i < 500; i++) {
		snprintf(key, sizeof(key), "x%08d", i);
		if (try_put(&grown, STORE_NORMAL, key, block, sizeof(block)))
			return 2;
	}
	store_close(grown.store);
	return 0;
}

static struct fixture *outgrown(void)
{
	struct fixture *fixture = fixture_new_in(NULL, SMALL_MAP);
	pid_t child;
	int status;

	put(fixture, "key", "value");
	child = fork();
	if (!child)
		_exit(outgrow(fixture));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	return fixture;
}

static void test_a_map_that_another_process_outgrew_is_read(void **state)
{
	struct fixture *fixture;

	(void)state;
	SKIP_UNDER_VALGRIND();
	fixture = outgrown();
	check_value(fixture, "x00000499", block);
	check_value(fixture, "key", "value");
	put(fixture, "key", "other");
	fixture_free(fixture);
}

static void test_a_map_that_another_process_outgrew_is_written(void **state)
{
	struct fixture *fixture;

	(void)state;
	SKIP_UNDER_VALGRIND();
	fixture = outgrown();
	put(fixture, "key", "other");
	check_value(fixture, "key", "other");
	check_value(fixture, "x00000499", block);
	fixture_free(fixture);
}

/* Killed writers */

#define PAIRS 10

/* Writes the same number under both names of a pair, again and again. */
static void write_pairs(const struct fixture *fixture, int ready)
{
	struct store_batch batch = { NULL, 0, 0, 0 };
	struct store *store;
	char left[16], right[16], value[16];
	unsigned int n;

	if (store_open(&fixture->options, &store, NULL))
		_exit(1);
	for (n = 0;; n++) {
		snprintf(left, sizeof(left), "left%u", n % PAIRS);
		snprintf(right, sizeof(right), "right%u", n % PAIRS);
		snprintf(value, sizeof(value), "%u", n);
		store_batch_put(&batch, STORE_ANY, 0, text(left), text(value));
		store_batch_put(&batch, STORE_ANY, 0, text(right), text(value));
		if (store_apply(store, STORE_NORMAL, &batch, NULL))
			_exit(2);
		store_batch_free(&batch);
		if (n == 0 && write(ready, "r", 1) != 1)
			_exit(3);
	}
}

static void check_pairs(struct fixture *fixture)
{
	struct buf left = BUF_INIT, right = BUF_INIT;
	char key[16];
	int n, left_ret, right_ret;

	for (n = 0; n < PAIRS; n++) {
		buf_clear(&left);
		buf_clear(&right);
		snprintf(key, sizeof(key), "left%d", n);
		left_ret = store_get(fixture->store, text(key), &left, NULL);
		snprintf(key, sizeof(key), "right%d", n);
		right_ret = store_get(fixture->store, text(key), &right, NULL);
		assert_int_equal(left_ret, right_ret);
		assert_true(!left_ret || left_ret == LH_ENOENT);
		assert_string_equal(buf_text(&left), buf_text(&right));
	}
	buf_free(&left);
	buf_free(&right);
}

/* The store stays open here: a writer that dies in its transaction leaves the lock behind. */
static void test_a_killed_writer_leaves_the_store_whole(void **state)
{
	struct fixture *fixture = fixture_new();
	struct timespec pause = { 0, 0 };
	int round, ready[2], status;
	pid_t child;
	char byte;

	(void)state;
	assert_int_equal(pipe(ready), 0);
	for (round = 0; round < 30; round++) {
		child = fork();
		if (!child)
			write_pairs(fixture, ready[1]);
		assert_int_equal(read(ready[0], &byte, 1), 1);
		pause.tv_nsec = round * 131 * 1000;
		nanosleep(&pause, NULL);
		kill(child, SIGKILL);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status));
		check_pairs(fixture);
		put(fixture, "after", "x");
	}
	fixture_close(fixture);
	fixture_open(fixture);
	check_pairs(fixture);
	close(ready[0]);
	close(ready[1]);
	fixture_free(fixture);
}

/* Stale readers */

static int wait_for_ever(void *context, const struct store_record *record)
{
	(void)record;
	if (write(*(int *)context, "r", 1) == 1)
		pause();
	return 1;
}

static void read_for_ever(const struct fixture *fixture, int ready)
{
	struct store *store;

	if (!store_open(&fixture->options, &store, NULL))
		store_scan(store, STORE_SCAN_KEYS, NOTHING, NOTHING, NOTHING, 1, wait_for_ever,
			   &ready);
	_exit(1);
}

/* A process that dies in the middle of a read: its place in the reader table stays taken. */
static void leave_stale_reader(struct fixture *fixture)
{
	int ready[2], status;
	pid_t child;
	char byte;

	assert_int_equal(pipe(ready), 0);
	child = fork();
	if (!child)
		read_for_ever(fixture, ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	close(ready[0]);
	close(ready[1]);
}

/* By how many bytes the file grows when one record is overwritten this often. */
static long growth_of(struct fixture *fixture, int overwrites)
{
	struct stat before, after;
	char file[FILE_SIZE];

	fixture_file(fixture, "data.mdb", file);
	assert_int_equal(stat(file, &before), 0);
	while (overwrites-- > 0)
		put(fixture, "key", "value");
	assert_int_equal(stat(file, &after), 0);
	return (long)(after.st_size - before.st_size);
}

static void test_maintain_clears_a_stale_reader(void **state)
{
	struct fixture *fixture = fixture_new();

	(void)state;
	put(fixture, "key", "value");
	leave_stale_reader(fixture);
	assert_true(growth_of(fixture, 200) > 1024 * 1024);
	assert_int_equal(store_maintain(fixture->store, NULL), 0);
	assert_true(growth_of(fixture, 200) < 64 * 1024);
	fixture_free(fixture);
}

static int fail_to_maintain(void *handle, struct driver_usage *usage_out)
{
	(void)handle;
	(void)usage_out;
	return LH_EIO;
}

static void test_of_a_driver_that_fails_no_usage_is_told(void **state)
{
	static const struct store_driver driver = { .name = "sick", .maintain = fail_to_maintain };
	struct store store = { .driver = &driver };
	struct driver_usage usage;

	(void)state;
	memset(&usage, 0xa5, sizeof(usage));
	assert_int_equal(store_maintain(&store, &usage), LH_EIO);
	assert_int_equal(usage.used_bytes, 0);
	assert_int_equal(usage.records, 0);
}

static void test_a_map_filled_behind_a_stale_reader_clears_itself(void **state)
{
	struct fixture *fixture = fixture_new_in(NULL, SMALL_MAP);

	(void)state;
	put(fixture, "key", "value");
	leave_stale_reader(fixture);
	assert_true(growth_of(fixture, 600) < (long)SMALL_MAP);
	check_value(fixture, "key", "value");
	fixture_free(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_above_nine_tenths_of_the_map_only_revocations_are_written),
		cmocka_unit_test(test_writing_goes_on_a_second_after_there_is_room),
		cmocka_unit_test(test_two_writers_lose_no_update),
		cmocka_unit_test(test_a_map_that_another_process_outgrew_is_read),
		cmocka_unit_test(test_a_map_that_another_process_outgrew_is_written),
		cmocka_unit_test(test_a_killed_writer_leaves_the_store_whole),
		cmocka_unit_test(test_maintain_clears_a_stale_reader),
		cmocka_unit_test(test_of_a_driver_that_fails_no_usage_is_told),
		cmocka_unit_test(test_a_map_filled_behind_a_stale_reader_clears_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
