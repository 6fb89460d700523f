/* SPDX-License-Identifier: Apache-2.0 */
/* What a commit of the LMDB driver does, seen from the call with which it waits for the disk. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/queue.h"
#include "store/store.h"
#include "temp_store.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/err.h"

static _Atomic int64_t writing;
static unsigned syncs;
static int64_t seen; /* what `writing` was at the last of them */

static bool broken; /* the disk does not take the last write of a commit, once */

/* The two pages that say what is committed stand first in the file. */
static bool is_last_of_commit(size_t size, off_t offset)
{
	off_t page = sysconf(_SC_PAGESIZE);

	return (off_t)size < page && offset < 2 * page;
}

/* Both stand before libc's own. */
ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
	if (broken && is_last_of_commit(size, offset)) {
		broken = false;
		errno = EIO;
		return -1;
	}
	return (ssize_t)syscall(SYS_pwrite64, fd, data, size, offset);
}

int fdatasync(int fd)
{
	syncs++;
	seen = atomic_load(&writing);
	return (int)syscall(SYS_fdatasync, fd);
}

static int set_up(void **state)
{
	struct err err = { "" };

	(void)state;
	temp_store_open(&temp);
	store_close(temp.store);
	temp.options.writing = &writing;
	assert_int_equal(store_open(&temp.options, &temp.store, &err), 0);
	assert_int_equal(atomic_load(&writing), 0);
	syncs = 0;
	seen = 0;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	temp_store_close(&temp);
	return 0;
}

static int put(enum store_condition condition)
{
	const struct bytes bytes = { "kkey", 4 };
	struct store_batch batch = { 0 };
	int ret;

	store_batch_put(&batch, condition, 0, bytes, bytes);
	ret = store_apply(temp.store, STORE_NORMAL, &batch, NULL);
	store_batch_free(&batch);
	return ret;
}

static void what_is_answered_is_on_the_disk(void **state)
{
	(void)state;
	assert_int_equal(put(STORE_ABSENT), 0);
	assert_true(syncs > 0);
}

/* Others wait for whoever writes: it shows since when, and that it has ended, however it ended. */
static void a_write_is_shown_while_it_lasts(void **state)
{
	int64_t before = clock_boot_ms();

	(void)state;
	assert_int_equal(put(STORE_ABSENT), 0);
	assert_in_range(seen, before, clock_boot_ms());
	assert_int_equal(atomic_load(&writing), 0);
	assert_int_equal(put(STORE_ABSENT), LH_ECONFLICT);
	assert_int_equal(atomic_load(&writing), 0);
	assert_int_equal(store_maintain(temp.store, NULL), 0);
	assert_int_equal(atomic_load(&writing), 0);
}

static int get(void)
{
	const struct bytes bytes = { "kkey", 4 };
	struct buf value = BUF_INIT;
	int ret = store_get(temp.store, bytes, &value, NULL);

	buf_free(&value);
	return ret;
}

/* LMDB uses such an environment no more: the process would have to end. */
static void a_commit_that_the_disk_refuses_is_not_the_last(void **state)
{
	(void)state;
	broken = true;
	assert_int_equal(put(STORE_ABSENT), LH_EIO);
	assert_int_equal(get(), LH_ENOENT);
	assert_int_equal(put(STORE_ABSENT), 0);
	assert_int_equal(get(), 0);
	broken = true;
	assert_int_equal(put(STORE_PRESENT), LH_EIO);
	assert_int_equal(put(STORE_PRESENT), 0);
	assert_int_equal(store_maintain(temp.store, NULL), 0);
}

/* Whoever leads settles what became of it, and then each commits alone. */
static void nor_is_it_for_those_who_commit_together(void **state)
{
	struct err err = { "" };

	(void)state;
	store_close(temp.store);
	temp.options.queue = queue_new();
	assert_non_null(temp.options.queue);
	assert_int_equal(store_open(&temp.options, &temp.store, &err), 0);
	broken = true;
	assert_int_equal(put(STORE_ABSENT), 0);
	assert_false(broken);
	assert_int_equal(get(), 0);
	store_close(temp.store);
	queue_free(temp.options.queue);
	temp.options.queue = NULL;
	assert_int_equal(store_open(&temp.options, &temp.store, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_answered_is_on_the_disk, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_write_is_shown_while_it_lasts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_commit_that_the_disk_refuses_is_not_the_last,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(nor_is_it_for_those_who_commit_together, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
