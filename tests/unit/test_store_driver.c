/* SPDX-License-Identifier: Apache-2.0 */
/* What driver.h promises, of every driver alike; test_store_full.c has what it promises when
 * there is no room. */
#include "store/driver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "driver_fixture.h"
#include "fail_alloc.h"
#include "util/buf.h"
#include "util/err.h"

static void test_put_get_replace_delete(void **state)
{
	struct fixture *fixture = *state;
	struct driver_op op = delete (text("key"));

	check_record(fixture, "key", "-");
	assert_int_equal(apply(fixture, &op, 1), 0);
	assert_int_equal(put_one(fixture, "key", "value", 7), 0);
	check_record(fixture, "key", "value@7");
	check_record(fixture, "ke", "-");
	check_record(fixture, "key ", "-");
	assert_int_equal(put_one(fixture, "key", "a longer value", 8), 0);
	check_record(fixture, "key", "a longer value@8");
	assert_int_equal(put_one(fixture, "key", "", 9), 0);
	check_record(fixture, "key", "@9");
	assert_int_equal(apply(fixture, &op, 1), 0);
	check_record(fixture, "key", "-");
}

static void test_get_appends(void **state)
{
	struct fixture *fixture = *state;
	struct buf out = BUF_INIT;
	uint64_t revision;

	assert_int_equal(put_one(fixture, "key", "value", UINT64_MAX), 0);
	buf_add_text(&out, "kept ");
	assert_int_equal(fixture->driver->get(fixture->handle, text("key"), &out, &revision), 0);
	assert_string_equal(buf_text(&out), "kept value");
	assert_true(revision == UINT64_MAX);
	buf_free(&out);
}

static const struct {
	const char *name;
	size_t size;
	int ret;
} key_cases[] = {
	{ "no key", 0, LH_ERANGE },
	{ "the shortest key", 1, 0 },
	{ "the longest key", STORE_KEY_MAX, 0 },
	{ "a key one byte too long", STORE_KEY_MAX + 1, LH_ERANGE },
};

static int ignore(void *context, struct bytes key, struct bytes value, uint64_t revision)
{
	(void)context;
	(void)key;
	(void)value;
	(void)revision;
	return 0;
}

static void test_key_sizes(void **state)
{
	static const unsigned char data[STORE_KEY_MAX + 1] = { 1 };
	struct fixture *fixture = *state;
	struct bytes key;
	uint64_t revision;
	struct driver_op op;
	int ret, scan_ret;
	size_t i;

	for (i = 0; i < LENGTH(key_cases); i++) {
		key = (struct bytes){ data, key_cases[i].size };
		ret = key_cases[i].ret;
		scan_ret = key.size ? ret : 0;
		op = put(key, text("v"), 1);
		if (apply(fixture, &op, 1) != ret)
			fail_msg("%s", key_cases[i].name);
		assert_int_equal(fixture->driver->get(fixture->handle, key, NULL, &revision), ret);
		assert_int_equal(fixture->driver->scan(fixture->handle, key, NOTHING, NOTHING, 1,
						       ignore, NULL),
				 scan_ret);
		assert_int_equal(fixture->driver->scan(fixture->handle, NOTHING, key, NOTHING, 1,
						       ignore, NULL),
				 scan_ret);
		assert_int_equal(fixture->driver->scan(fixture->handle, NOTHING, NOTHING, key, 1,
						       ignore, NULL),
				 scan_ret);
	}
}

static void test_large_values(void **state)
{
	struct fixture *fixture = *state;
	size_t size = 1024 * 1024, i;
	char *data = malloc(size);
	struct buf out = BUF_INIT;
	struct driver_op op;
	uint64_t revision;

	assert_non_null(data);
	for (i = 0; i < size; i++)
		data[i] = (char)(i * 31 >> 3);
	op = put(text("large"), (struct bytes){ data, size }, 3);
	assert_int_equal(apply(fixture, &op, 1), 0);
	assert_int_equal(fixture->driver->get(fixture->handle, text("large"), &out, &revision), 0);
	assert_int_equal(out.size, size);
	assert_memory_equal(out.data, data, size);
	free(data);
	buf_free(&out);
}

/* The record "there" has revision 5 and "gone" does not exist. */
static const struct {
	const char *name;
	enum store_condition condition;
	uint64_t expected;
	bool holds_there, holds_gone;
} conditions[] = {
	{ "any", STORE_ANY, 0, true, true },
	{ "absent", STORE_ABSENT, 0, false, true },
	{ "present", STORE_PRESENT, 0, true, false },
	{ "the right revision", STORE_REVISION, 5, true, false },
	{ "another revision", STORE_REVISION, 6, false, false },
	{ "revision 0", STORE_REVISION, 0, false, false },
};

static const char *after(enum store_op_kind kind, bool done, const char *before)
{
	if (!done || kind == STORE_EXPECT)
		return before;
	return kind == STORE_PUT ? "new@8" : "-";
}

static void check_condition(struct fixture *fixture, size_t n, enum store_op_kind kind,
			    const char *key, bool holds)
{
	struct driver_op ops[2] = { put(text("before"), text("x"), 4), { .kind = kind } };
	struct driver_op reset[3] = { put(text("there"), text("old"), 5), delete (text("gone")),
				      delete (text("before")) };
	size_t failed = 99;
	int ret;

	assert_int_equal(apply(fixture, reset, 3), 0);
	ops[1].key = text(key);
	ops[1].value = text("new");
	ops[1].revision = 8;
	ops[1].condition = conditions[n].condition;
	ops[1].expected = conditions[n].expected;
	ret = fixture->driver->apply(fixture->handle, ops, 2, &failed);
	if (ret != (holds ? 0 : LH_ECONFLICT))
		fail_msg("%s, operation %d on %s: %s", conditions[n].name, (int)kind, key,
			 err_name(ret));
	if (!holds)
		assert_int_equal(failed, 1);
	check_record(fixture, "before", holds ? "x@4" : "-");
	check_record(fixture, "there",
		     strcmp(key, "there") == 0 ? after(kind, holds, "old@5") : "old@5");
	check_record(fixture, "gone", strcmp(key, "gone") == 0 ? after(kind, holds, "-") : "-");
}

static void test_conditions_of_every_kind(void **state)
{
	static const enum store_op_kind kinds[] = { STORE_PUT, STORE_DELETE, STORE_EXPECT };
	size_t n, k;

	for (n = 0; n < LENGTH(conditions); n++) {
		for (k = 0; k < LENGTH(kinds); k++) {
			check_condition(*state, n, kinds[k], "there", conditions[n].holds_there);
			check_condition(*state, n, kinds[k], "gone", conditions[n].holds_gone);
		}
	}
}

static void test_the_first_failed_condition_is_told(void **state)
{
	struct fixture *fixture = *state;
	struct driver_op ops[4];
	size_t failed = 99, i;

	for (i = 0; i < LENGTH(ops); i++) {
		ops[i] = put(text("key"), text("value"), 1);
		ops[i].condition = i < 2 ? STORE_ABSENT : STORE_PRESENT;
	}
	assert_int_equal(fixture->driver->apply(fixture->handle, ops, 4, &failed), LH_ECONFLICT);
	assert_int_equal(failed, 2);
	check_record(fixture, "key", "-");
}

/* Conditions see the state before the batch; the later of two changes stays. */
static void test_operations_on_one_key_in_one_batch(void **state)
{
	struct fixture *fixture = *state;
	struct driver_op ops[3];

	ops[0] = put(text("a"), text("first"), 1);
	ops[0].condition = STORE_ABSENT;
	ops[1] = put(text("a"), text("second"), 2);
	ops[1].condition = STORE_ABSENT;
	ops[2] = (struct driver_op){ STORE_EXPECT, STORE_ABSENT, 0, text("a"), NOTHING, 0 };
	assert_int_equal(apply(fixture, ops, 3), 0);
	check_record(fixture, "a", "second@2");
	ops[0] = delete (text("a"));
	ops[0].condition = STORE_REVISION;
	ops[0].expected = 2;
	ops[1] = put(text("a"), text("third"), 3);
	ops[1].condition = STORE_REVISION;
	ops[1].expected = 2;
	ops[2].condition = STORE_PRESENT;
	assert_int_equal(apply(fixture, ops, 3), 0);
	check_record(fixture, "a", "third@3");
	ops[0] = put(text("a"), text("fourth"), 4);
	ops[1] = delete (text("a"));
	assert_int_equal(apply(fixture, ops, 2), 0);
	check_record(fixture, "a", "-");
}

static void test_batch_sizes(void **state)
{
	struct fixture *fixture = *state;
	struct driver_op ops[STORE_BATCH_MAX + 1];
	char keys[STORE_BATCH_MAX + 1][8];
	size_t i;

	for (i = 0; i < LENGTH(ops); i++) {
		snprintf(keys[i], sizeof(keys[i]), "k%zu", i);
		ops[i] = put(text(keys[i]), text("v"), i + 1);
	}
	assert_int_equal(apply(fixture, ops, LENGTH(ops)), LH_ERANGE);
	check_record(fixture, "k0", "-");
	assert_int_equal(apply(fixture, ops, STORE_BATCH_MAX), 0);
	check_record(fixture, "k127", "v@128");
	assert_int_equal(apply(fixture, NULL, 0), 0);
}

/* Scans */

/* Not in this order, so that order is the driver's doing; ~ is the last printable, \377 the last
 * byte. */
static const char *const scan_keys[] = { "b", "a", "ab", "\377", "abc", "c", "a\001", "~" };

static const struct {
	const char *name, *from, *end, *after;
	size_t max;
	const char *expected;
} scan_cases[] = {
	{ "everything in the order of bytes", "", "", "", 99,
	  "a=a@1 a\001=a\001@6 ab=ab@2 abc=abc@4 b=b@0 c=c@5 ~=~@7 \377=\377@3 " },
	{ "at most max records", "", "", "", 2, "a=a@1 a\001=a\001@6 " },
	{ "none when max is 0", "", "", "", 0, "" },
	{ "from is inside", "ab", "", "", 2, "ab=ab@2 abc=abc@4 " },
	{ "from needs no record", "aa", "", "", 1, "ab=ab@2 " },
	{ "end is outside", "", "b", "", 99, "a=a@1 a\001=a\001@6 ab=ab@2 abc=abc@4 " },
	{ "end needs no record", "b", "d", "", 99, "b=b@0 c=c@5 " },
	{ "an empty range", "b", "b", "", 99, "" },
	{ "an upside-down range", "c", "a", "", 99, "" },
	{ "behind a record", "a", "b", "ab", 99, "abc=abc@4 " },
	{ "behind no record", "a", "b", "aa", 99, "ab=ab@2 abc=abc@4 " },
	{ "after before from changes nothing", "b", "", "a", 2, "b=b@0 c=c@5 " },
	{ "after is from", "b", "", "b", 1, "c=c@5 " },
	{ "behind the last", "", "", "\377", 99, "" },
	{ "behind the end", "a", "b", "c", 99, "" },
	{ "behind everything", "\377\377", "", "", 99, "" },
};

static void fill_for_scans(struct fixture *fixture)
{
	size_t i;

	for (i = 0; i < LENGTH(scan_keys); i++)
		assert_int_equal(put_one(fixture, scan_keys[i], scan_keys[i], i), 0);
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
		assert_int_equal(fixture->driver->scan(fixture->handle, text(scan_cases[i].from),
						       text(scan_cases[i].end),
						       text(scan_cases[i].after), scan_cases[i].max,
						       collect, &out),
				 0);
		if (strcmp(out.data, scan_cases[i].expected) != 0)
			fail_msg("%s: %s", scan_cases[i].name, out.data);
	}
	buf_free(&out);
}

static int stop_at_third(void *context, struct bytes key, struct bytes value, uint64_t revision)
{
	size_t *count = context;

	(void)key;
	(void)value;
	(void)revision;
	return ++*count == 3 ? -77 : 0;
}

static void test_a_visitor_ends_the_scan(void **state)
{
	struct fixture *fixture = *state;
	size_t count = 0;

	fill_for_scans(fixture);
	assert_int_equal(fixture->driver->scan(fixture->handle, NOTHING, NOTHING, NOTHING, 99,
					       stop_at_third, &count),
			 -77);
	assert_int_equal(count, 3);
	check_record(fixture, "a", "a@1");
}

static void test_a_scan_of_an_empty_store(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(fixture->driver->scan(fixture->handle, NOTHING, NOTHING, NOTHING, 99,
					       stop_at_third, NULL),
			 0);
	assert_int_equal(fixture->driver->scan(fixture->handle, text("a"), NOTHING, NOTHING, 99,
					       stop_at_third, NULL),
			 0);
}

/* Upkeep */

static void test_usage(void **state)
{
	struct fixture *fixture = *state;
	struct driver_usage before, between, after_all;
	struct driver_op op = delete (text("b"));

	assert_int_equal(fixture->driver->maintain(fixture->handle, &before), 0);
	assert_int_equal(before.records, 0);
	assert_int_equal(before.limit_bytes, LIMIT);
	assert_true(before.disk_free == UINT64_MAX || before.disk_free <= before.disk_size);
	fill_for_scans(fixture);
	assert_int_equal(apply(fixture, &op, 1), 0);
	assert_int_equal(fixture->driver->usage(fixture->handle, &between), 0);
	assert_int_equal(fixture->driver->maintain(fixture->handle, &after_all), 0);
	assert_int_equal(after_all.records, LENGTH(scan_keys) - 1);
	assert_int_equal(between.records, after_all.records);
	assert_true(after_all.used_bytes > before.used_bytes);
	assert_true(between.used_bytes >= after_all.used_bytes);
	assert_true(after_all.used_bytes < LIMIT / 10);
}

/* Opening */

static void test_a_store_is_created_once(void **state)
{
	struct fixture *fixture = *state;
	struct err err = { "" };
	void *handle;

	fixture->driver->close(fixture->handle);
	assert_int_equal(fixture->driver->open(fixture->path, LIMIT, 0, &handle, &err), LH_ENOENT);
	assert_null(handle);
	assert_non_null(strstr(err.text, fixture->path));
	assert_int_equal(fixture->driver->open(fixture->path, LIMIT, 1, &fixture->handle, &err), 0);
	assert_int_equal(put_one(fixture, "key", "value", 1), 0);
	fixture->driver->close(fixture->handle);
	assert_int_equal(fixture->driver->open(fixture->path, LIMIT, 1, &handle, &err), LH_EEXIST);
	assert_null(handle);
	assert_int_equal(fixture->driver->open(fixture->path, LIMIT, 0, &fixture->handle, &err), 0);
	check_record(fixture, "key", "value@1");
}

static int main_path(struct fixture *fixture)
{
	struct driver_op ops[3] = { put(text("a"), text("1"), 1), put(text("b"), text("2"), 2),
				    delete (text("a")) };
	struct buf out = BUF_INIT;
	struct err err;
	uint64_t revision;
	int ret;

	forget(fixture);
	ret = fixture->driver->open(fixture->path, LIMIT, 1, &fixture->handle, &err);
	if (!ret)
		ret = apply(fixture, ops, 3);
	if (!ret)
		ret = fixture->driver->get(fixture->handle, text("b"), &out, &revision);
	if (!ret)
		ret = fixture->driver->scan(fixture->handle, NOTHING, NOTHING, NOTHING, 9, collect,
					    &out);
	if (!ret)
		ret = buf_error(&out);
	ops[0].kind = STORE_DELETE;
	ops[1].kind = STORE_DELETE;
	if (!ret)
		ret = apply(fixture, ops, 2);
	fixture->driver->close(fixture->handle);
	fixture->handle = NULL;
	buf_free(&out);
	return ret;
}

static void test_every_failing_allocation_is_reported(void **state)
{
	struct fixture *fixture = *state;
	struct err err;
	unsigned n;
	int ret;

	fixture->driver->close(fixture->handle);
	for (n = 1;; n++) {
		fail_alloc_at(n);
		ret = main_path(fixture);
		if (!fail_alloc_stop())
			break;
		assert_int_equal(ret, LH_ENOMEM);
	}
	assert_int_equal(ret, 0);
	assert_true(n > 2);
	assert_int_equal(fixture->driver->open(fixture->path, LIMIT, 1, &fixture->handle, &err), 0);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(test_put_get_replace_delete),
		cmocka_unit_test(test_get_appends),
		cmocka_unit_test(test_key_sizes),
		cmocka_unit_test(test_large_values),
		cmocka_unit_test(test_conditions_of_every_kind),
		cmocka_unit_test(test_the_first_failed_condition_is_told),
		cmocka_unit_test(test_operations_on_one_key_in_one_batch),
		cmocka_unit_test(test_batch_sizes),
		cmocka_unit_test(test_scans),
		cmocka_unit_test(test_a_visitor_ends_the_scan),
		cmocka_unit_test(test_a_scan_of_an_empty_store),
		cmocka_unit_test(test_usage),
		cmocka_unit_test(test_a_store_is_created_once),
		cmocka_unit_test(test_every_failing_allocation_is_reported),
	};

	return run_over_drivers(cases, LENGTH(cases), LIMIT);
}
