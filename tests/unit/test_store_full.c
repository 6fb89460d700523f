/* SPDX-License-Identifier: Apache-2.0 */
/* What driver.h promises when there is no room, of every driver alike. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "driver_fixture.h"
#include "util/err.h"

#define SMALL_LIMIT (2 * 1024 * 1024)

/* Puts `together` records of this size behind the first `count` ones. */
static int put_some(struct fixture *fixture, size_t count, struct bytes value, size_t together)
{
	struct driver_op ops[STORE_BATCH_MAX];
	char keys[STORE_BATCH_MAX][32];
	size_t i;

	for (i = 0; i < together; i++) {
		snprintf(keys[i], sizeof(keys[i]), "%08zu", count + i);
		ops[i] = put(text(keys[i]), value, count + i + 1);
	}
	return apply(fixture, ops, together);
}

/* Puts records of this size, first many at once, then ever fewer, until not even one goes in. */
static size_t fill_up(struct fixture *fixture, size_t value_size)
{
	char *value = calloc(1, value_size);
	size_t count = 0, together = value_size < 1000 ? STORE_BATCH_MAX : 8;
	int ret;

	assert_non_null(value);
	while (together > 0) {
		ret = put_some(fixture, count, (struct bytes){ value, value_size }, together);
		assert_true(!ret || ret == LH_EFULL);
		if (ret)
			together /= 2;
		else
			count += together;
		assert_true(count <= SMALL_LIMIT / value_size);
	}
	free(value);
	return count;
}

static void delete_all(struct fixture *fixture, size_t count, size_t together)
{
	struct driver_op ops[STORE_BATCH_MAX];
	char keys[STORE_BATCH_MAX][32];
	size_t done, i;

	for (done = 0; done < count; done += i) {
		for (i = 0; i < together && done + i < count; i++) {
			snprintf(keys[i], sizeof(keys[i]), "%08zu", done + i);
			ops[i] = delete (text(keys[i]));
		}
		assert_int_equal(apply(fixture, ops, i), 0);
	}
}

/* Each round leaves nothing, so none may be smaller than the one before by more than the noise. */
static void test_a_full_store_takes_deletions(void **state)
{
	static const struct {
		size_t value_size, together;
	} rounds[] = { { 1000, 1 },   { 1000, STORE_BATCH_MAX },
		       { 100, 60 },   { 9000, 1 },
		       { 100000, 1 }, { 1000, 1 } };
	struct fixture *fixture = *state;
	struct driver_usage usage;
	size_t i, count;

	for (i = 0; i < LENGTH(rounds); i++) {
		count = fill_up(fixture, rounds[i].value_size);
		assert_true(count * rounds[i].value_size > SMALL_LIMIT / 3);
		assert_int_equal(fixture->driver->usage(fixture->handle, &usage), 0);
		assert_int_equal(usage.records, count);
		delete_all(fixture, count, rounds[i].together);
		assert_int_equal(fixture->driver->usage(fixture->handle, &usage), 0);
		assert_int_equal(usage.records, 0);
	}
}

/* What a revocation does to a lease: the record shrinks, an index entry goes, another one comes. */
static void test_a_full_store_takes_what_shrinks_it(void **state)
{
	struct fixture *fixture = *state;
	char key[32], index[32];
	struct driver_op ops[2];
	size_t count, i;

	count = fill_up(fixture, 2000);
	for (i = 0; i < count; i++) {
		snprintf(key, sizeof(key), "%08zu", i);
		snprintf(index, sizeof(index), "x%zu", i);
		ops[0] = put(text(key), text("ended"), 1);
		ops[1] = put(text(index), NOTHING, 1);
		assert_int_equal(apply(fixture, ops, 2), 0);
	}
	check_record(fixture, "00000000", "ended@1");
}

static void test_a_full_batch_leaves_nothing_behind(void **state)
{
	struct fixture *fixture = *state;
	struct driver_op ops[3];
	char *value = calloc(1, SMALL_LIMIT);

	assert_non_null(value);
	ops[0] = put(text("a"), text("small"), 1);
	ops[1] = put(text("b"), (struct bytes){ value, SMALL_LIMIT }, 2);
	ops[2] = put(text("c"), text("small"), 3);
	assert_int_equal(apply(fixture, ops, 3), LH_EFULL);
	check_record(fixture, "a", "-");
	check_record(fixture, "c", "-");
	assert_int_equal(apply(fixture, ops, 1), 0);
	free(value);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(test_a_full_store_takes_deletions),
		cmocka_unit_test(test_a_full_store_takes_what_shrinks_it),
		cmocka_unit_test(test_a_full_batch_leaves_nothing_behind),
	};

	return run_over_drivers(cases, LENGTH(cases), SMALL_LIMIT);
}
