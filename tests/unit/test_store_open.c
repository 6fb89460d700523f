/* SPDX-License-Identifier: Apache-2.0 */
/* Creating, opening, adopting and locking a store. */
#include "store/store.h"
#include "under_valgrind.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "crypto/keyring.h"
#include "store_fixture.h"
#include "util/buf.h"
#include "util/err.h"

static void check_open_fails(struct fixture *fixture, int expected, const char *word)
{
	struct err err = { "" };
	struct store *store;
	int ret;

	ret = store_open(&fixture->options, &store, &err);
	if (ret != expected)
		fail_msg("%s, must be %s: %s", err_name(ret), err_name(expected), err.text);
	assert_null(store);
	if (!strstr(err.text, word))
		fail_msg("no \"%s\" in: %s", word, err.text);
}

static void test_another_master_key_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct err err = { "" };

	fixture_close(fixture);
	unlink(fixture->key_file);
	check_open_fails(fixture, LH_ENOENT, fixture->key_file);
	assert_int_equal(master_key_create(fixture->key_file, &err), 0);
	check_open_fails(fixture, LH_ECORRUPT, "master key");
	assert_int_equal(store_adopt(&fixture->options, &err), LH_ECORRUPT);
}

static void test_a_second_creation_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct err err = { "" };

	put(fixture, "key", "value");
	fixture_close(fixture);
	assert_int_equal(store_create(&fixture->options, NULL, NULL, &err), LH_EEXIST);
	fixture_open(fixture);
	check_value(fixture, "key", "value");
}

static int fill_two(void *context, const struct keyring *keyring, struct store_batch *batch)
{
	unsigned char *name = context;
	int ret = keyring_name(keyring, KEYRING_TOKEN, "token", name);

	store_batch_put(batch, STORE_ANY, 0, (struct bytes){ name, KEYRING_NAME_SIZE }, text("1"));
	store_batch_put(batch, STORE_ANY, 0, text("second"), text("2"));
	return ret;
}

static int fill_fails(void *context, const struct keyring *keyring, struct store_batch *batch)
{
	(void)keyring;
	(void)batch;
	++*(int *)context;
	return LH_ETIMEOUT;
}

/* Creation is one commit: what was killed before it left no store, and can be run again. */
static void test_creation_writes_the_first_records(void **state)
{
	struct fixture *fixture = *state;
	unsigned char name[KEYRING_NAME_SIZE], again[KEYRING_NAME_SIZE];
	struct buf value = BUF_INIT;
	struct err err = { "" };
	int calls = 0;

	fixture_close(fixture);
	fixture_remove_files(fixture);
	assert_int_equal(store_create(&fixture->options, fill_fails, &calls, &err), LH_ETIMEOUT);
	assert_int_equal(calls, 1);
	check_open_fails(fixture, LH_ENOENT, "leasehold init");
	assert_int_equal(store_create(&fixture->options, fill_two, name, &err), 0);
	fixture_open(fixture);
	assert_int_equal(keyring_name(store_keyring(fixture->store), KEYRING_TOKEN, "token", again),
			 0);
	assert_memory_equal(name, again, sizeof(name));
	assert_int_equal(
		store_get(fixture->store, (struct bytes){ name, sizeof(name) }, &value, NULL), 0);
	check_value(fixture, "second", "2");
	assert_int_equal(strlen(store_id(fixture->store)), 36);
	buf_free(&value);
}

static void test_another_format_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct buf meta = BUF_INIT;
	uint64_t revision;

	take(fixture, "m", &meta, &revision);
	meta.data[3]++;
	plant(fixture, "m", &meta, revision);
	fixture_close(fixture);
	check_open_fails(fixture, LH_EVERSION, "format 2");
	fixture_open_raw(fixture);
	meta.data[3]--;
	meta.size--;
	plant(fixture, "m", &meta, revision);
	fixture_close(fixture);
	check_open_fails(fixture, LH_ECORRUPT, fixture->folder);
	buf_free(&meta);
}

/* Puts a copy in the file's place. */
static void replace_by_copy(const char *file)
{
	char command[5 * FILE_SIZE];

	snprintf(command, sizeof(command), "cp -p %s %s.copy && mv %s.copy %s", file, file, file,
		 file);
	assert_int_equal(system(command), 0);
}

static void test_a_copied_folder_must_be_adopted(void **state)
{
	struct fixture *fixture = *state;
	struct err err = { "" };
	char file[FILE_SIZE];

	put(fixture, "key", "value");
	fixture_close(fixture);
	fixture_open(fixture);
	fixture_close(fixture);
	fixture_file(fixture, "data.mdb", file);
	replace_by_copy(file);
	check_open_fails(fixture, LH_EPERM, "leasehold adopt");
	check_open_fails(fixture, LH_EPERM, "the data file");
	assert_int_equal(store_adopt(&fixture->options, &err), 0);
	fixture_open(fixture);
	check_value(fixture, "key", "value");
}

static const struct {
	const char *name;
	mode_t mode;
	int ret;
} mode_cases[] = {
	{ "for the owner alone", 0700, 0 },      { "entered by the group", 0710, LH_EPERM },
	{ "read by the group", 0740, LH_EPERM }, { "written by others", 0702, LH_EPERM },
	{ "entered by others", 0701, LH_EPERM },
};

static void test_the_folder_is_private(void **state)
{
	struct fixture *fixture = *state;
	struct stat status;
	struct store *store;
	struct err err;
	char file[FILE_SIZE];
	size_t i;

	fixture_file(fixture, "data.mdb", file);
	assert_int_equal(stat(file, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	fixture_file(fixture, "lock.mdb", file);
	assert_int_equal(stat(file, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	fixture_close(fixture);
	for (i = 0; i < LENGTH(mode_cases); i++) {
		assert_int_equal(chmod(fixture->folder, mode_cases[i].mode), 0);
		if (store_open(&fixture->options, &store, &err) != mode_cases[i].ret)
			fail_msg("%s", mode_cases[i].name);
		store_close(store);
	}
	assert_int_equal(chmod(fixture->folder, 0700), 0);
}

static void test_one_server_holds_the_lock(void **state)
{
	struct fixture *fixture = *state;
	struct err err = { "" };
	int fd, other, status;
	char holder[32];
	pid_t child;

	SKIP_UNDER_VALGRIND();
	assert_int_equal(store_lock(fixture->folder, &fd, &err), 0);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	snprintf(holder, sizeof(holder), "process %ld", (long)getpid());
	child = fork();
	if (!child) {
		if (store_lock(fixture->folder, &other, &err) != LH_EBUSY || other != -1)
			_exit(1);
		_exit(strstr(err.text, holder) ? 0 : 2);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	close(fd);
	child = fork();
	if (!child)
		_exit(store_lock(fixture->folder, &other, &err) ? 1 : 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, fixture_set_up, fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_another_master_key_is_refused),
		CASE(test_a_second_creation_is_refused),
		CASE(test_creation_writes_the_first_records),
		CASE(test_another_format_is_refused),
		CASE(test_a_copied_folder_must_be_adopted),
		CASE(test_the_folder_is_private),
		CASE(test_one_server_holds_the_lock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
