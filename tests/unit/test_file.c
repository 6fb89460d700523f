/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "fail_alloc.h"
#include "util/buf.h"
#include "util/err.h"
#include "util/file.h"

/* Every test runs with a folder of its own as its working directory. */
static int enter_folder(void **state)
{
	char *folder = strdup("/tmp/test_file.XXXXXX");

	*state = folder;
	return folder && mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int leave_folder(void **state)
{
	static const char *const names[] = { "file", "pipe", "link" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(names[i]);
	if (chdir("/") != 0 || rmdir(*state) != 0)
		return -1;
	free(*state);
	return 0;
}

static void a_new_file_is_private_and_read_back(void **state)
{
	struct buf buf = BUF_INIT;
	struct stat stat_out;
	char data[10000];

	(void)state;
	memset(data, 'x', sizeof(data));
	umask(0);
	assert_int_equal(file_create_private("file", data, sizeof(data), NULL), 0);
	assert_int_equal(stat("file", &stat_out), 0);
	assert_int_equal(stat_out.st_mode & 07777, 0600);
	buf_add_text(&buf, "before");
	assert_int_equal(file_read_private("file", sizeof(data), &buf, NULL), 0);
	assert_int_equal(buf.size, 6 + sizeof(data));
	assert_memory_equal(buf.data, "beforexx", 8);
	buf_free(&buf);
}

static void an_existing_file_is_not_overwritten(void **state)
{
	struct buf buf = BUF_INIT;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(file_create_private("file", "old", 3, NULL), 0);
	assert_int_equal(file_create_private("file", "new", 3, &err), LH_EEXIST);
	assert_string_equal(err.text, "file: File exists");
	assert_int_equal(file_read("file", 3, &buf, NULL), 0);
	assert_string_equal(buf_text(&buf), "old");
	buf_free(&buf);
}

static void a_dangling_link_is_not_followed(void **state)
{
	(void)state;
	assert_int_equal(symlink("target", "link"), 0);
	assert_int_equal(file_create_private("link", "x", 1, NULL), LH_EEXIST);
	assert_int_not_equal(access("target", F_OK), 0);
}

static void a_file_over_the_limit_is_refused(void **state)
{
	struct buf buf = BUF_INIT;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(file_create_private("file", "12345", 5, NULL), 0);
	assert_int_equal(file_read("file", 4, &buf, &err), LH_ERANGE);
	assert_string_equal(err.text, "file: larger than 4 bytes");
	buf_clear(&buf);
	assert_int_equal(file_read("file", 5, &buf, &err), 0);
	assert_string_equal(buf_text(&buf), "12345");
	buf_free(&buf);
}

static void only_regular_files_are_read(void **state)
{
	struct buf buf = BUF_INIT;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(file_read("absent", 9, &buf, &err), LH_ENOENT);
	assert_string_equal(err.text, "absent: No such file or directory");
	assert_int_equal(file_read(".", 9, &buf, &err), LH_EIO);
	assert_string_equal(err.text, ".: not a regular file");
	assert_int_equal(mkfifo("pipe", 0600), 0);
	assert_int_equal(file_read("pipe", 9, &buf, &err), LH_EIO);
	assert_int_equal(file_create_private("absent/x", "", 0, &err), LH_EIO);
	buf_free(&buf);
}

static void a_private_file_is_nobody_elses(void **state)
{
	static const struct {
		mode_t mode;
		int ret;
	} modes[] = {
		{ 0600, 0 },        { 0400, 0 },        { 0700, 0 },        { 0640, LH_EPERM },
		{ 0604, LH_EPERM }, { 0620, LH_EPERM }, { 0602, LH_EPERM }, { 0666, LH_EPERM },
	};
	struct buf buf = BUF_INIT;
	struct err err;

	(void)state;
	assert_int_equal(file_create_private("file", "key", 3, NULL), 0);
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		assert_int_equal(chmod("file", modes[i].mode), 0);
		assert_int_equal(file_read_private("file", 3, &buf, &err), modes[i].ret);
		assert_int_equal(buf.size, modes[i].ret ? 0 : 3);
		buf_clear(&buf);
	}
	assert_string_equal(err.text, "file: group or others may read or write it (mode 0666); "
				      "chmod 0600 it");
	assert_int_equal(chmod("file", 0600), 0);
	if (chown("file", 12345, (gid_t)-1) == 0) {
		assert_int_equal(file_read_private("file", 3, &buf, &err), LH_EPERM);
		assert_non_null(strstr(err.text, "belongs to user 12345"));
	}
	buf_free(&buf);
}

static void missing_memory_is_reported(void **state)
{
	struct buf buf = BUF_INIT;
	struct err err;

	(void)state;
	assert_int_equal(file_create_private("file", "key", 3, NULL), 0);
	fail_alloc_at(1);
	assert_int_equal(file_read("file", 3, &buf, &err), LH_ENOMEM);
	assert_true(fail_alloc_stop());
	buf_free(&buf);
	unlink("file");
	fail_alloc_at(1);
	assert_int_equal(file_create_private("file", "key", 3, &err), LH_ENOMEM);
	assert_true(fail_alloc_stop());
	assert_int_not_equal(access("file", F_OK), 0);
}

#define in_folder(test) cmocka_unit_test_setup_teardown(test, enter_folder, leave_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_folder(a_new_file_is_private_and_read_back),
		in_folder(an_existing_file_is_not_overwritten),
		in_folder(a_dangling_link_is_not_followed),
		in_folder(a_file_over_the_limit_is_refused),
		in_folder(only_regular_files_are_read),
		in_folder(a_private_file_is_nobody_elses),
		in_folder(missing_memory_is_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
