/* SPDX-License-Identifier: Apache-2.0 */
#include "store/key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static void test_parts_stand_behind_each_other(void **state)
{
	static const char expected[] = "d\0\0\0\0\x01\x02\x03\x04text\0x";
	struct bytes bytes;
	struct key key;

	(void)state;
	key_start(&key, 'd');
	key_add_u64(&key, 0x01020304);
	key_add_text(&key, "text");
	key_add(&key, "\0x", 2);
	key_add(&key, NULL, 0);
	bytes = key_bytes(&key);
	assert_int_equal(bytes.size, sizeof(expected) - 1);
	assert_memory_equal(bytes.data, expected, bytes.size);
}

static void test_numbers_keep_their_order(void **state)
{
	static const uint64_t numbers[] = { 0, 1, 255, 256, 65535, 1ULL << 32, UINT64_MAX };
	struct key keys[2];
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(numbers); i++) {
		key_start(&keys[i % 2], 'd');
		key_add_u64(&keys[i % 2], numbers[i]);
		if (i)
			assert_true(driver_compare(key_bytes(&keys[(i + 1) % 2]),
						   key_bytes(&keys[i % 2])) < 0);
	}
}

static const struct {
	const char *name, *prefix, *after;
} prefix_cases[] = {
	{ "the last letter becomes the next one", "p/a", "p/b" },
	{ "a last ff is left out", "p\xff", "q" },
	{ "so are several", "pa\xff\xff\xff", "pb" },
	{ "fe becomes ff", "p\xfe", "p\xff" },
	{ "nothing is behind ff alone", "\xff\xff", "" },
};

static void test_the_end_of_a_prefix(void **state)
{
	struct bytes bytes;
	struct key key;
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(prefix_cases); i++) {
		key_start(&key, prefix_cases[i].prefix[0]);
		key_add_text(&key, prefix_cases[i].prefix + 1);
		key_after_prefix(&key);
		bytes = key_bytes(&key);
		if (bytes.size != strlen(prefix_cases[i].after) ||
		    memcmp(bytes.data, prefix_cases[i].after, bytes.size) != 0)
			fail_msg("%s", prefix_cases[i].name);
	}
}

static void test_a_key_that_is_too_long_names_no_record(void **state)
{
	static const char data[STORE_KEY_MAX] = { 0 };
	struct key key;

	(void)state;
	key_start(&key, 'x');
	key_add(&key, data, STORE_KEY_MAX - 1);
	assert_true(driver_key_is_valid(key_bytes(&key)));
	key_add(&key, "", 0);
	assert_true(driver_key_is_valid(key_bytes(&key)));
	key_add(&key, "x", 1);
	assert_false(driver_key_is_valid(key_bytes(&key)));
	key_start(&key, 'x');
	key_add(&key, data, SIZE_MAX);
	key_add(&key, "x", 1);
	assert_false(driver_key_is_valid(key_bytes(&key)));
	key_start(&key, 'x');
	assert_true(driver_key_is_valid(key_bytes(&key)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts_stand_behind_each_other),
		cmocka_unit_test(test_numbers_keep_their_order),
		cmocka_unit_test(test_the_end_of_a_prefix),
		cmocka_unit_test(test_a_key_that_is_too_long_names_no_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
