/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>
#include <jansson.h>

#include "fail_alloc.h"
#include "under_valgrind.h"
#include "util/buf.h"
#include "util/wipe.h"

static void wiping_leaves_zeros(void **state)
{
	char data[8] = "secret!";

	(void)state;
	wipe(data + 1, 6);
	assert_memory_equal(data, "s\0\0\0\0\0\0\0", 8);
	wipe(NULL, 0);
	wipe_free(NULL);
}

static void a_copy_is_terminated(void **state)
{
	char *copy = wipe_copy("abcdef", 3);

	(void)state;
	assert_string_equal(copy, "abc");
	wipe_free(copy);
	copy = wipe_copy(NULL, 0);
	assert_string_equal(copy, "");
	wipe_free(copy);
	assert_null(wipe_copy("x", SIZE_MAX));
	fail_alloc_at(1);
	assert_null(wipe_copy("x", 1));
	assert_true(fail_alloc_stop());
}

static void equality_looks_at_every_byte(void **state)
{
	char a[33] = "0123456789abcdef0123456789abcdef", b[33];

	(void)state;
	memcpy(b, a, sizeof(b));
	assert_true(wipe_equal(a, b, 32));
	for (size_t i = 0; i < 32; i++) {
		b[i] ^= 0x40;
		assert_false(wipe_equal(a, b, 32));
		b[i] ^= 0x40;
	}
	b[31] ^= 1;
	assert_true(wipe_equal(a, b, 31));
	assert_true(wipe_equal(a, b, 0));
}

/* The linker sends the library's calls of free here, where the block can still be looked at. */
void __real_free(void *data);
void __wrap_free(void *data);

static struct {
	const char *block;
	size_t size;
	bool was_freed, was_clean;
} watched;

static void watch(const void *block, size_t size)
{
	watched.block = block;
	watched.size = size;
	watched.was_freed = watched.was_clean = false;
}

void __wrap_free(void *data)
{
	if (data && data == watched.block) {
		watched.was_freed = watched.was_clean = true;
		for (size_t i = 0; i < watched.size; i++)
			watched.was_clean = watched.was_clean && !watched.block[i];
		watched.block = NULL;
	}
	__real_free(data);
}

static void a_freed_text_is_wiped_behind_its_end(void **state)
{
	char *copy = wipe_copy("secret\0secret", 13);

	(void)state;
	watch(copy, 13);
	wipe_free(copy);
	assert_true(watched.was_freed && watched.was_clean);
}

static void a_growing_buffer_wipes_what_it_leaves(void **state)
{
	struct buf buf = BUF_INIT;

	(void)state;
	buf_add_text(&buf, "secret");
	watch(buf.data, buf.capacity);
	for (int i = 0; i < 100; i++)
		buf_add_text(&buf, "more ");
	assert_true(watched.was_freed && watched.was_clean);
	watch(buf.data, buf.capacity);
	buf_free(&buf);
	assert_true(watched.was_freed && watched.was_clean);
}

static void what_jansson_frees_is_wiped(void **state)
{
	json_t *text;

	(void)state;
	wipe_freed_memory();
	text = json_string("a secret that is longer than sixteen bytes");
	assert_non_null(text);
	watch(json_string_value(text), 42);
	json_decref(text);
	json_set_alloc_funcs(malloc, free);
	assert_true(watched.was_freed && watched.was_clean);
}

/* The allocator of the sanitizers is not glibc's. */
#ifndef LH_SANITIZERS
#define TABLE ((size_t)8 * 1024 * 1024)
#define PAGE  4096

/* How many pages of a large block are in memory although nobody wrote to it. */
static size_t touched_pages(void)
{
	unsigned char in_memory[TABLE / PAGE];
	char *block = malloc(TABLE);
	size_t count = 0;

	assert_non_null(block);
	assert_int_equal(mincore(block - (uintptr_t)block % PAGE, TABLE, in_memory), 0);
	for (size_t i = 0; i < sizeof(in_memory); i++)
		count += in_memory[i] & 1;
	free(block);
	return count;
}

static void a_large_table_is_touched_except_in_a_pause(void **state)
{
	(void)state;
	SKIP_UNDER_VALGRIND();
	wipe_freed_memory();
	wipe_pause();
	assert_in_range(touched_pages(), 0, 2);
	wipe_resume();
	assert_int_equal(touched_pages(), TABLE / PAGE);
	json_set_alloc_funcs(malloc, free);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wiping_leaves_zeros),
		cmocka_unit_test(a_copy_is_terminated),
		cmocka_unit_test(equality_looks_at_every_byte),
		cmocka_unit_test(a_freed_text_is_wiped_behind_its_end),
		cmocka_unit_test(a_growing_buffer_wipes_what_it_leaves),
		cmocka_unit_test(what_jansson_frees_is_wiped),
#ifndef LH_SANITIZERS
		cmocka_unit_test(a_large_table_is_touched_except_in_a_pause),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
