/* SPDX-License-Identifier: Apache-2.0 */
/* What befalls a store on a full disk. */
#include <config.h>

#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "store_fixture.h"
#include "util/err.h"

#define LARGE_MAP ((uint64_t)64 * 1024 * 1024)
#define DISK_SIZE "size=8m"

static int write_text(const char *path, const char *words)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t size = (ssize_t)strlen(words), written;

	if (fd < 0)
		return -1;
	written = write(fd, words, (size_t)size);
	close(fd);
	return written == size ? 0 : -1;
}

/* Without root, a user namespace gives the right to mount; some systems do not allow it. */
static int become_root(void)
{
	char uid_map[64], gid_map[64];

	snprintf(uid_map, sizeof(uid_map), "0 %u 1", (unsigned int)getuid());
	snprintf(gid_map, sizeof(gid_map), "0 %u 1", (unsigned int)getgid());
	if (unshare(CLONE_NEWUSER))
		return -1;
	if (write_text("/proc/self/setgroups", "deny") || write_text("/proc/self/uid_map", uid_map))
		return -1;
	return write_text("/proc/self/gid_map", gid_map);
}

/* Puts a small disk there that nobody but this process sees and that goes with it. */
static int mount_small_disk(const char *path)
{
	if (geteuid() != 0 && become_root())
		return -1;
	if (unshare(CLONE_NEWNS) || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL))
		return -1;
	return mount("none", path, "tmpfs", 0, DISK_SIZE);
}

/* Writes a file until the disk is full; leaves `spare` bytes. */
static void fill_disk(const char *disk, off_t spare)
{
	static const char zeros[4096] = { 0 };
	char file[128];
	off_t size = 0;
	int fd;

	snprintf(file, sizeof(file), "%s/filler", disk);
	fd = open(file, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	while (write(fd, zeros, sizeof(zeros)) == sizeof(zeros))
		size += (off_t)sizeof(zeros);
	assert_int_equal(errno, ENOSPC);
	assert_int_equal(ftruncate(fd, size > spare ? size - spare : 0), 0);
	close(fd);
}

static void empty_disk(const char *disk)
{
	char file[128];

	snprintf(file, sizeof(file), "%s/filler", disk);
	unlink(file);
}

/* The disk is filled by somebody else: nothing new, but every deletion. */
static void check_foreign_file(struct fixture *fixture, const char *disk)
{
	size_t count;
	char key[32];

	for (count = 0; count < 100; count++) {
		snprintf(key, sizeof(key), "x%08zu", count);
		assert_int_equal(try_put(fixture, STORE_NORMAL, key, block, sizeof(block)), 0);
	}
	fill_disk(disk, 0);
	assert_int_equal(store_maintain(fixture->store, NULL), 0);
	assert_int_equal(try_put(fixture, STORE_NORMAL, "small", "1", 1), LH_EFULL);
	assert_int_equal(try_put(fixture, STORE_REVOKE, "small", "1", 1), LH_EFULL);
	assert_int_equal(try_put(fixture, STORE_REVOKE, "x00000000", "1", 1), 0);
	fixture_close(fixture);
	fixture_open(fixture);
	delete_all(fixture, count);
	empty_disk(disk);
	assert_int_equal(store_maintain(fixture->store, NULL), 0);
	assert_int_equal(try_put(fixture, STORE_NORMAL, "small", "1", 1), 0);
}

/* A write that the disk cannot take leaves nothing, and the next one works. */
static void check_large_write(struct fixture *fixture, const char *disk)
{
	size_t size = 4 * 1024 * 1024;
	char *large = calloc(1, size);

	assert_non_null(large);
	put(fixture, "key", "value");
	fill_disk(disk, 1024 * 1024);
	assert_int_equal(try_put(fixture, STORE_REVOKE, "large", large, size), LH_EFULL);
	check_value(fixture, "key", "value");
	assert_int_equal(try_put(fixture, STORE_REVOKE, "key", "other", 5), 0);
	check_value(fixture, "key", "other");
	assert_int_equal(try_delete(fixture, STORE_REVOKE, "key"), 0);
	empty_disk(disk);
	assert_int_equal(try_put(fixture, STORE_REVOKE, "large", large, size), 0);
	assert_int_equal(try_delete(fixture, STORE_REVOKE, "large"), 0);
	free(large);
}

/* The store fills the disk itself: ordinary writes end first, then all; then it empties. */
static void check_own_records(struct fixture *fixture)
{
	size_t ordinary, all;

	assert_int_equal(store_maintain(fixture->store, NULL), 0);
	ordinary = fill_up(fixture, STORE_NORMAL, 0);
	all = fill_up(fixture, STORE_REVOKE, ordinary);
	assert_true(all > ordinary);
	delete_all(fixture, all);
}

static void test_a_full_disk_takes_deletions(void **state)
{
	char disk[] = "/tmp/leasehold-disk-XXXXXX";
	struct fixture *fixture;

	(void)state;
	assert_non_null(mkdtemp(disk));
	if (mount_small_disk(disk)) {
		print_message("skipped: this system lets the test mount nothing (%s)\n",
			      strerror(errno));
		rmdir(disk);
		skip();
	}
	fixture = fixture_new_in(disk, LARGE_MAP);
	check_foreign_file(fixture, disk);
	check_large_write(fixture, disk);
	check_own_records(fixture);
	fixture_free(fixture);
	assert_int_equal(umount(disk), 0);
	rmdir(disk);
}

int main(void)
{
	/* The process has its own view of the file system from then on. */
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_full_disk_takes_deletions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
