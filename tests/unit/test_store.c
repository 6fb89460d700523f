/* SPDX-License-Identifier: Apache-2.0 */
/* Sealing, scans, batches and rotation, over the LMDB driver. */
#include <config.h>

#include "store/store.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "crypto/keyring.h"
#include "fail_alloc.h"
#include "store_fixture.h"
#include "util/buf.h"
#include "util/err.h"

/* Sealing */

static void test_values_come_back(void **state)
{
	struct fixture *fixture = *state;
	struct buf value = BUF_INIT;
	uint64_t first, second;

	put(fixture, "key", "value");
	buf_add_text(&value, "kept ");
	assert_int_equal(store_get(fixture->store, text("key"), &value, &first), 0);
	assert_string_equal(buf_text(&value), "kept value");
	put(fixture, "key", "value");
	assert_int_equal(store_revision(fixture->store, text("key"), &second), 0);
	assert_true(first && second && first != second);
	assert_int_equal(store_revision(fixture->store, text("gone"), &second), 0);
	assert_int_equal(second, 0);
	assert_int_equal(store_get(fixture->store, text("gone"), &value, &second), LH_ENOENT);
	check_value(fixture, "key", "value");
	put(fixture, "empty", "");
	check_value(fixture, "empty", "");
	buf_free(&value);
}

static void test_no_value_is_readable_in_the_file(void **state)
{
	struct fixture *fixture = *state;
	struct buf file = BUF_INIT;
	char path[FILE_SIZE], chunk[4096];
	ssize_t got;
	int fd;

	put(fixture, "readable key", "unreadable value");
	fixture_file(fixture, "data.mdb", path);
	fd = open(path, O_RDONLY);
	while ((got = read(fd, chunk, sizeof(chunk))) > 0)
		buf_add(&file, chunk, (size_t)got);
	close(fd);
	assert_non_null(memmem(file.data, file.size, "readable key", 12));
	assert_null(memmem(file.data, file.size, "unreadable", 10));
	buf_free(&file);
}

static int count_records(void *context, const struct store_record *record)
{
	(void)record;
	++*(size_t *)context;
	return 0;
}

static void check_refused(struct fixture *fixture, const char *key)
{
	struct buf value = BUF_INIT;
	size_t count = 0;

	assert_int_equal(store_get(fixture->store, text(key), &value, NULL), LH_ECORRUPT);
	assert_int_equal(value.size, 0);
	assert_int_equal(store_scan(fixture->store, STORE_SCAN_VALUES, text(key), NOTHING, NOTHING,
				    1, count_records, &count),
			 LH_ECORRUPT);
	assert_int_equal(count, 0);
	assert_int_equal(store_scan(fixture->store, STORE_SCAN_KEYS, text(key), NOTHING, NOTHING, 1,
				    count_records, &count),
			 0);
	assert_int_equal(count, 1);
	buf_free(&value);
}

static void test_a_moved_value_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct buf sealed = BUF_INIT;
	uint64_t revision;

	put(fixture, "mine", "value");
	take(fixture, "mine", &sealed, &revision);
	plant(fixture, "yours", &sealed, revision);
	check_refused(fixture, "yours");
	check_value(fixture, "mine", "value");
	buf_free(&sealed);
}

static void test_swapped_values_are_refused(void **state)
{
	struct fixture *fixture = *state;
	struct buf a = BUF_INIT, b = BUF_INIT;
	uint64_t a_revision, b_revision;

	put(fixture, "a", "value");
	put(fixture, "b", "value");
	take(fixture, "a", &a, &a_revision);
	take(fixture, "b", &b, &b_revision);
	plant(fixture, "a", &b, b_revision);
	plant(fixture, "b", &a, a_revision);
	check_refused(fixture, "a");
	check_refused(fixture, "b");
	buf_free(&a);
	buf_free(&b);
}

/* Whole old records can be put back by who has the file; under the new revision they cannot. */
static void test_a_stale_value_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct buf sealed = BUF_INIT, newer = BUF_INIT;
	uint64_t revision, newer_revision;

	put(fixture, "key", "old");
	take(fixture, "key", &sealed, &revision);
	put(fixture, "key", "new");
	take(fixture, "key", &newer, &newer_revision);
	plant(fixture, "key", &sealed, newer_revision);
	check_refused(fixture, "key");
	buf_free(&sealed);
	buf_free(&newer);
}

static void test_the_value_of_another_store_is_refused(void **state)
{
	struct fixture *fixture = *state, *other = fixture_new();
	struct buf sealed = BUF_INIT;
	uint64_t revision;

	put(other, "key", "value");
	take(other, "key", &sealed, &revision);
	plant(fixture, "key", &sealed, revision);
	check_refused(fixture, "key");
	buf_free(&sealed);
	fixture_free(other);
}

static void test_broken_values_are_refused(void **state)
{
	struct fixture *fixture = *state;
	struct buf sealed = BUF_INIT;
	uint64_t revision;

	put(fixture, "key", "value");
	take(fixture, "key", &sealed, &revision);
	sealed.data[sealed.size - 1] ^= 1;
	plant(fixture, "key", &sealed, revision);
	check_refused(fixture, "key");
	sealed.data[0] ^= 1; /* the key's id */
	plant(fixture, "key", &sealed, revision);
	check_refused(fixture, "key");
	sealed.size = 0;
	plant(fixture, "key", &sealed, revision);
	check_refused(fixture, "key");
	buf_free(&sealed);
}

/* The meta record */

static void test_the_meta_record_is_the_stores_own(void **state)
{
	struct fixture *fixture = *state;
	struct store_batch batch = { NULL, 0, 0, 0 };
	struct buf value = BUF_INIT;
	size_t count = 0;

	assert_int_equal(store_get(fixture->store, text("m"), &value, NULL), LH_EINVAL);
	store_batch_put(&batch, STORE_ANY, 0, text("m"), text("x"));
	assert_int_equal(store_apply(fixture->store, STORE_NORMAL, &batch, NULL), LH_EINVAL);
	store_batch_free(&batch);
	store_batch_delete(&batch, STORE_ANY, 0, text("m"));
	assert_int_equal(store_apply(fixture->store, STORE_REVOKE, &batch, NULL), LH_EINVAL);
	store_batch_free(&batch);
	put(fixture, "a", "1");
	put(fixture, "z", "2");
	assert_int_equal(store_scan(fixture->store, STORE_SCAN_VALUES, NOTHING, NOTHING, NOTHING, 9,
				    count_records, &count),
			 0);
	assert_int_equal(count, 2);
	buf_free(&value);
}

/* Scans */

static int collect(void *context, const struct store_record *record)
{
	struct buf *out = context;

	assert_true(record->revision != 0);
	buf_add(out, record->key.data, record->key.size);
	buf_add_char(out, '=');
	buf_add(out, record->value.data, record->value.size);
	buf_add_char(out, ' ');
	return out->size > 1000 ? -77 : 0;
}

static const struct {
	const char *name;
	enum store_scan_what what;
	const char *from, *end, *after;
	size_t max;
	const char *expected;
} scan_cases[] = {
	{ "values", STORE_SCAN_VALUES, "", "", "", 9, "a=1 l=2 n=3 z=4 " },
	{ "every record that there is", STORE_SCAN_VALUES, "", "", "", SIZE_MAX,
	  "a=1 l=2 n=3 z=4 " },
	{ "keys alone", STORE_SCAN_KEYS, "", "", "", 9, "a= l= n= z= " },
	{ "a page that ends before the meta record", STORE_SCAN_KEYS, "", "", "", 2, "a= l= " },
	{ "a page across the meta record is whole", STORE_SCAN_VALUES, "", "", "", 3,
	  "a=1 l=2 n=3 " },
	{ "a page behind a record", STORE_SCAN_VALUES, "", "", "l", 1, "n=3 " },
	{ "a range", STORE_SCAN_VALUES, "l", "z", "", 9, "l=2 n=3 " },
	{ "no record wanted", STORE_SCAN_VALUES, "", "", "", 0, "" },
};

static void fill_for_scans(struct fixture *fixture)
{
	put(fixture, "a", "1");
	put(fixture, "l", "2");
	put(fixture, "n", "3");
	put(fixture, "z", "4");
}

static void test_scans(void **state)
{
	struct fixture *fixture = *state;
	struct buf out = BUF_INIT;
	size_t i;

	fill_for_scans(fixture);
	for (i = 0; i < LENGTH(scan_cases); i++) {
		buf_clear(&out);
		buf_add(&out, "", 0);
		assert_int_equal(store_scan(fixture->store, scan_cases[i].what,
					    text(scan_cases[i].from), text(scan_cases[i].end),
					    text(scan_cases[i].after), scan_cases[i].max, collect,
					    &out),
				 0);
		if (strcmp(out.data, scan_cases[i].expected) != 0)
			fail_msg("%s: %s", scan_cases[i].name, out.data);
	}
	buf_free(&out);
}

static int refuse(void *context, const struct store_record *record)
{
	(void)context;
	(void)record;
	return 5;
}

static void test_what_a_visitor_returns_is_returned(void **state)
{
	struct fixture *fixture = *state;

	fill_for_scans(fixture);
	assert_int_equal(store_scan(fixture->store, STORE_SCAN_VALUES, NOTHING, NOTHING, NOTHING, 9,
				    refuse, NULL),
			 5);
}

/* Batches */

static void test_batch_errors_stick(void **state)
{
	struct fixture *fixture = *state;
	struct store_batch batch = { NULL, 0, 0, 0 };
	struct key key;
	size_t i;

	key_start(&key, 'x');
	for (i = 0; i < 64; i++)
		key_add_u64(&key, i);
	store_batch_put(&batch, STORE_ANY, 0, text("a"), text("1"));
	store_batch_put(&batch, STORE_ANY, 0, key_bytes(&key), text("1"));
	store_batch_put(&batch, STORE_ANY, 0, text("b"), text("1"));
	assert_int_equal(store_apply(fixture->store, STORE_NORMAL, &batch, NULL), LH_ERANGE);
	store_batch_free(&batch);
	for (i = 0; i <= STORE_BATCH_MAX; i++)
		store_batch_expect(&batch, STORE_ABSENT, 0, text("a"));
	assert_int_equal(store_apply(fixture->store, STORE_NORMAL, &batch, NULL), LH_ERANGE);
	store_batch_free(&batch);
}

static void test_a_conflict_names_its_operation(void **state)
{
	struct fixture *fixture = *state;
	struct store_batch batch = { NULL, 0, 0, 0 };
	uint64_t revision;
	size_t failed = 99;

	put(fixture, "a", "1");
	assert_int_equal(store_revision(fixture->store, text("a"), &revision), 0);
	store_batch_put(&batch, STORE_ABSENT, 0, text("b"), text("1"));
	store_batch_expect(&batch, STORE_PRESENT, 0, text("a"));
	store_batch_delete(&batch, STORE_REVISION, revision + 1, text("a"));
	assert_int_equal(store_apply(fixture->store, STORE_NORMAL, &batch, &failed), LH_ECONFLICT);
	assert_int_equal(failed, 2);
	assert_int_equal(store_apply(fixture->store, STORE_NORMAL, &batch, NULL), LH_ECONFLICT);
	store_batch_free(&batch);
	store_batch_put(&batch, STORE_REVISION, revision, text("a"), text("2"));
	assert_int_equal(store_apply(fixture->store, STORE_NORMAL, &batch, &failed), 0);
	store_batch_free(&batch);
	check_value(fixture, "a", "2");
}

/* Rotation */

/* A child opens the store before the rotation, waits for it, and reads what came after it. */
static int read_after_rotation(struct fixture *fixture, int ready, int go)
{
	struct buf value = BUF_INIT, all = BUF_INIT;
	struct err err;
	char byte = 0;

	if (store_open(&fixture->options, &fixture->store, &err))
		return 1;
	if (write(ready, "r", 1) != 1 || read(go, &byte, 1) != 1)
		return 2;
	if (store_scan(fixture->store, STORE_SCAN_VALUES, NOTHING, NOTHING, NOTHING, 9, collect,
		       &all))
		return 3;
	if (strcmp(buf_text(&all), "a=old b=new c=old ") != 0)
		return 4;
	if (store_get(fixture->store, text("b"), &value, NULL))
		return 5;
	store_close(fixture->store);
	buf_free(&value);
	buf_free(&all);
	return 0;
}

static void test_another_process_reads_values_under_a_new_key(void **state)
{
	struct fixture *fixture = *state;
	int ready[2], go[2], status;
	char byte;
	pid_t child;

	put(fixture, "a", "old");
	put(fixture, "c", "old");
	fixture_close(fixture);
	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(go), 0);
	child = fork();
	if (!child)
		_exit(read_after_rotation(fixture, ready[1], go[0]));
	fixture_open(fixture);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(store_rotate(fixture->store), 0);
	put(fixture, "b", "new");
	assert_int_equal(write(go[1], "g", 1), 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_true(WIFEXITED(status));
	fixture_close(fixture);
	fixture_open(fixture);
	check_value(fixture, "a", "old");
	check_value(fixture, "b", "new");
	close(ready[0]);
	close(ready[1]);
	close(go[0]);
	close(go[1]);
}

/* Other tests stand on the memory driver instead of a disk. */
static void test_a_store_in_memory_works_alike(void **state)
{
	struct fixture *fixture = *state, copy = *fixture;
	struct err err = { "" };
	size_t count = 0;

	copy.options.driver = &store_mem;
	assert_int_equal(store_open(&copy.options, &copy.store, &err), LH_ENOENT);
	assert_int_equal(store_create(&copy.options, NULL, NULL, &err), 0);
	assert_int_equal(store_create(&copy.options, NULL, NULL, &err), LH_EEXIST);
	assert_int_equal(store_open(&copy.options, &copy.store, &err), 0);
	put(&copy, "key", "value");
	assert_int_equal(store_rotate(copy.store), 0);
	store_close(copy.store);
	assert_int_equal(store_open(&copy.options, &copy.store, &err), 0);
	check_value(&copy, "key", "value");
	assert_int_equal(store_scan(copy.store, STORE_SCAN_KEYS, NOTHING, NOTHING, NOTHING, 9,
				    count_records, &count),
			 0);
	assert_int_equal(count, 1);
	assert_int_equal(try_delete(&copy, STORE_NORMAL, "key"), 0);
	store_close(copy.store);
	store_mem_forget(copy.options.path);
}

/* Failing allocations */

static int main_path(struct fixture *fixture)
{
	struct store_batch batch = { NULL, 0, 0, 0 };
	struct buf value = BUF_INIT;
	struct store *store;
	int ret;

	ret = store_open(&fixture->options, &store, NULL);
	store_batch_put(&batch, STORE_ANY, 0, text("key"), text("value"));
	store_batch_delete(&batch, STORE_ANY, 0, text("other"));
	if (!ret)
		ret = store_apply(store, STORE_NORMAL, &batch, NULL);
	if (!ret)
		ret = store_get(store, text("key"), &value, NULL);
	if (!ret)
		ret = store_scan(store, STORE_SCAN_VALUES, NOTHING, NOTHING, NOTHING, 9, collect,
				 &value);
	if (!ret)
		ret = buf_error(&value);
	if (!ret)
		ret = store_rotate(store);
	store_batch_free(&batch);
	buf_free(&value);
	store_close(store);
	return ret;
}

static void test_every_failing_allocation_is_reported(void **state)
{
	struct fixture *fixture = *state;
	unsigned n;
	int ret;

	fixture_close(fixture);
	for (n = 1;; n++) {
		fail_alloc_at(n);
		ret = main_path(fixture);
		if (!fail_alloc_stop())
			break;
		if (ret != LH_ENOMEM)
			fail_msg("allocation %u: %s", n, err_name(ret));
	}
	assert_int_equal(ret, 0);
	assert_true(n > 15);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, fixture_set_up, fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_values_come_back),
		CASE(test_no_value_is_readable_in_the_file),
		CASE(test_a_moved_value_is_refused),
		CASE(test_swapped_values_are_refused),
		CASE(test_a_stale_value_is_refused),
		CASE(test_the_value_of_another_store_is_refused),
		CASE(test_broken_values_are_refused),
		CASE(test_the_meta_record_is_the_stores_own),
		CASE(test_scans),
		CASE(test_what_a_visitor_returns_is_returned),
		CASE(test_batch_errors_stick),
		CASE(test_a_conflict_names_its_operation),
		CASE(test_another_process_reads_values_under_a_new_key),
		CASE(test_a_store_in_memory_works_alike),
		CASE(test_every_failing_allocation_is_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
