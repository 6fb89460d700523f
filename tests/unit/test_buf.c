/* SPDX-License-Identifier: Apache-2.0 */
/* util/buf and util/reader: what one writes the other must read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fail_alloc.h"
#include "util/buf.h"
#include "util/err.h"
#include "util/reader.h"
#include "util/wipe.h"

static void an_empty_buffer_is_an_empty_text(void **state)
{
	struct buf buf = BUF_INIT;
	char *text;

	(void)state;
	assert_string_equal(buf_text(&buf), "");
	text = buf_take(&buf);
	assert_string_equal(text, "");
	wipe_free(text);
	assert_null(buf.data);
}

static void appends_keep_their_order_while_the_buffer_grows(void **state)
{
	struct buf buf = BUF_INIT;

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		buf_printf(&buf, "%03u", i);
		buf_add_char(&buf, ',');
		assert_int_equal(buf.data[buf.size], '\0');
		assert_true(buf.size < buf.capacity);
	}
	assert_int_equal(buf_error(&buf), 0);
	assert_int_equal(buf.size, 4000);
	assert_memory_equal(buf_text(&buf) + 4 * 777, "777,", 4);
	buf_free(&buf);
}

static void clearing_wipes_and_keeps_the_memory(void **state)
{
	struct buf buf = BUF_INIT;
	char *memory;

	(void)state;
	buf_add_text(&buf, "secret");
	memory = buf.data;
	buf_clear(&buf);
	assert_ptr_equal(buf.data, memory);
	assert_int_equal(buf.size, 0);
	for (size_t i = 0; i < buf.capacity; i++)
		assert_int_equal(memory[i], 0);
	buf_free(&buf);
}

static void an_error_sticks_until_the_buffer_is_cleared(void **state)
{
	struct buf buf = BUF_INIT;

	(void)state;
	buf_add_text(&buf, "kept");
	buf_add(&buf, "x", SIZE_MAX - 2);
	assert_int_equal(buf_error(&buf), LH_ENOMEM);
	buf_add_text(&buf, "ignored");
	assert_string_equal(buf_text(&buf), "kept");
	assert_null(buf_take(&buf));
	buf_add_text(&buf, "again");
	assert_string_equal(buf_text(&buf), "again");
	buf_free(&buf);
}

static int write_record(struct buf *buf)
{
	buf_add_u8(buf, 0xfe);
	buf_add_u32(buf, 0x01020304);
	buf_add_u64(buf, UINT64_C(0xf1f2f3f4f5f6f7f8));
	buf_add_string(buf, "na\0me", 5);
	buf_add_string(buf, "", 0);
	buf_add_string(buf, "a text longer than the first capacity of a buffer, which is 64 bytes",
		       68);
	return buf_error(buf);
}

static void each_failing_allocation_is_reported(void **state)
{
	int ret;

	(void)state;
	for (unsigned n = 1;; n++) {
		struct buf buf = BUF_INIT;

		fail_alloc_at(n);
		ret = write_record(&buf);
		if (!fail_alloc_stop()) {
			assert_int_equal(ret, 0);
			assert_true(n > 2);
			buf_free(&buf);
			break;
		}
		assert_int_equal(ret, LH_ENOMEM);
		buf_free(&buf);
	}
}

static void a_record_is_read_as_it_was_written(void **state)
{
	struct buf buf = BUF_INIT;
	struct reader reader;
	const char *bytes;
	char *text;
	size_t size;

	(void)state;
	write_record(&buf);
	assert_memory_equal(buf.data,
			    "\xfe\x01\x02\x03\x04\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8\0\0\0\5na", 19);
	reader_init(&reader, buf.data, buf.size);
	assert_int_equal(reader_u8(&reader), 0xfe);
	assert_int_equal(reader_u32(&reader), 0x01020304);
	assert_true(reader_u64(&reader) == UINT64_C(0xf1f2f3f4f5f6f7f8));
	bytes = reader_string(&reader, &size);
	assert_int_equal(size, 5);
	assert_memory_equal(bytes, "na\0me", 5);
	text = reader_text(&reader);
	assert_string_equal(text, "");
	wipe_free(text);
	assert_int_equal(reader_end(&reader), LH_ECORRUPT);
	text = reader_text(&reader);
	assert_int_equal(strlen(text), 68);
	wipe_free(text);
	assert_int_equal(reader_end(&reader), 0);
	buf_free(&buf);
}

static void every_cut_of_a_record_is_corrupt(void **state)
{
	struct buf buf = BUF_INIT;
	struct reader reader;
	size_t size;

	(void)state;
	write_record(&buf);
	for (size_t cut = 0; cut < buf.size; cut++) {
		char *part = wipe_copy(buf.data, cut);

		reader_init(&reader, part, cut);
		reader_u8(&reader);
		reader_u32(&reader);
		reader_u64(&reader);
		for (int i = 0; i < 3; i++)
			reader_string(&reader, &size);
		assert_int_equal(size, 0);
		assert_int_equal(reader_end(&reader), LH_ECORRUPT);
		assert_int_equal(reader_u64(&reader), 0);
		wipe_free(part);
	}
	buf_free(&buf);
}

static void a_text_with_a_nul_is_refused(void **state)
{
	struct reader reader;
	size_t size;

	(void)state;
	reader_init(&reader, "\0\0\0\3a\0b", 7);
	assert_null(reader_text(&reader));
	assert_int_equal(reader_end(&reader), LH_ECORRUPT);
	assert_string_equal(reader_string(&reader, &size), "");
}

static void a_text_without_memory_is_an_error(void **state)
{
	struct reader reader;

	(void)state;
	reader_init(&reader, "\0\0\0\1a", 5);
	fail_alloc_at(1);
	assert_null(reader_text(&reader));
	assert_true(fail_alloc_stop());
	assert_int_equal(reader_end(&reader), LH_ENOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_buffer_is_an_empty_text),
		cmocka_unit_test(appends_keep_their_order_while_the_buffer_grows),
		cmocka_unit_test(clearing_wipes_and_keeps_the_memory),
		cmocka_unit_test(an_error_sticks_until_the_buffer_is_cleared),
		cmocka_unit_test(each_failing_allocation_is_reported),
		cmocka_unit_test(a_record_is_read_as_it_was_written),
		cmocka_unit_test(every_cut_of_a_record_is_corrupt),
		cmocka_unit_test(a_text_with_a_nul_is_refused),
		cmocka_unit_test(a_text_without_memory_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
