/* SPDX-License-Identifier: Apache-2.0 */
/* What a commit of the LMDB driver does, seen from the call with which it waits for the disk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/store.h"
#include "temp_store.h"
#include "util/clock.h"
#include "util/err.h"

static _Atomic int64_t writing;
static unsigned syncs;
static int64_t seen; /* what `writing` was at the last of them */

/* Stands before libc's own. */
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_answered_is_on_the_disk, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_write_is_shown_while_it_lasts, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
