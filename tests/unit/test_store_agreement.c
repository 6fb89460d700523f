/* SPDX-License-Identifier: Apache-2.0 */
/* All drivers give the same answers to the same random batches, and keep the same records. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "driver_fixture.h"
#include "util/buf.h"
#include "util/err.h"

static unsigned int dice(unsigned int sides)
{
	static uint32_t seed = 20240229;

	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % sides;
}

static void random_op(struct driver_op *op, char keys[40][8])
{
	static const char value[3000] = "value";

	*op = (struct driver_op){
		.kind = (enum store_op_kind)dice(3),
		.condition = dice(2) ? STORE_ANY : (enum store_condition)dice(4),
		.expected = dice(20),
		.key = text(keys[dice(40)]),
		.value = { value, dice(8) ? dice(64) : dice(sizeof(value)) },
		.revision = dice(20),
	};
}

static void check_same_records(struct fixture *lmdb, struct fixture *mem)
{
	struct buf left = BUF_INIT, right = BUF_INIT;

	assert_int_equal(
		lmdb->driver->scan(lmdb->handle, NOTHING, NOTHING, NOTHING, 99, collect, &left), 0);
	assert_int_equal(
		mem->driver->scan(mem->handle, NOTHING, NOTHING, NOTHING, 99, collect, &right), 0);
	assert_int_equal(left.size, right.size);
	if (left.size)
		assert_memory_equal(left.data, right.data, left.size);
	buf_free(&left);
	buf_free(&right);
}

static void test_drivers_agree_on_random_batches(void **state)
{
	struct fixture lmdb = { .driver = &store_lmdb }, mem = { .driver = &store_mem };
	size_t round, count, i, failed, mem_failed, conflicts = 0;
	struct driver_op ops[6];
	char keys[40][8];
	int ret;

	(void)state;
	for (i = 0; i < LENGTH(keys); i++)
		snprintf(keys[i], sizeof(keys[i]), "%zx", i * i);
	open_fixture(&lmdb, LIMIT);
	open_fixture(&mem, LIMIT);
	for (round = 0; round < 1000; round++) {
		count = 1 + dice(LENGTH(ops));
		for (i = 0; i < count; i++)
			random_op(&ops[i], keys);
		ret = lmdb.driver->apply(lmdb.handle, ops, count, &failed);
		assert_int_equal(mem.driver->apply(mem.handle, ops, count, &mem_failed), ret);
		assert_int_equal(failed, mem_failed);
		conflicts += ret == LH_ECONFLICT;
		if (round % 10 == 0)
			check_same_records(&lmdb, &mem);
	}
	check_same_records(&lmdb, &mem);
	assert_in_range(conflicts, 100, 900);
	close_fixture(&lmdb);
	close_fixture(&mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_drivers_agree_on_random_batches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
