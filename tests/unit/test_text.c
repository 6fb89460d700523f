/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "util/buf.h"
#include "util/err.h"
#include "util/text.h"

static void hex_goes_out_and_back(void **state)
{
	const unsigned char bytes[] = { 0x00, 0x0f, 0xa5, 0xff };
	unsigned char back[4];
	char text[9];

	(void)state;
	text_hex(bytes, 4, text);
	assert_string_equal(text, "000fa5ff");
	assert_int_equal(text_unhex("000FA5ff", back, 4), 0);
	assert_memory_equal(back, bytes, 4);
}

static void wrong_hex_is_refused(void **state)
{
	static const char *const wrong[] = { "",          "00",       "0011223",
					     "001122334", "0011223g", " 0112233" };
	unsigned char bytes[4];

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		memset(bytes, 0xee, sizeof(bytes));
		assert_int_equal(text_unhex(wrong[i], bytes, 4), LH_EINVAL);
		assert_memory_equal(bytes, "\0\0\0\0", 4);
	}
}

static const struct {
	const char *name, *text;
	int64_t value;
	int ret;
} number_cases[] = {
	{ "zero", "0", 0, 0 },
	{ "plus sign", "+7", 7, 0 },
	{ "minus sign and leading zeros", "-0042", -42, 0 },
	{ "largest", "9223372036854775807", INT64_MAX, 0 },
	{ "smallest", "-9223372036854775808", INT64_MIN, 0 },
	{ "one too large", "9223372036854775808", 0, LH_ERANGE },
	{ "one too small", "-9223372036854775809", 0, LH_ERANGE },
	{ "nothing", "", 0, LH_EINVAL },
	{ "sign alone", "-", 0, LH_EINVAL },
	{ "two signs", "+-1", 0, LH_EINVAL },
	{ "space in front", " 1", 0, LH_EINVAL },
	{ "space behind", "1 ", 0, LH_EINVAL },
	{ "hexadecimal", "0x10", 0, LH_EINVAL },
	{ "fraction", "1.0", 0, LH_EINVAL },
};

static void numbers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(number_cases) / sizeof(number_cases[0]); i++) {
		int64_t value = 99;
		int ret = text_int64(number_cases[i].text, &value);

		if (ret != number_cases[i].ret || value != number_cases[i].value)
			fail_msg("%s: %d, %lld", number_cases[i].name, ret, (long long)value);
	}
}

static const struct {
	const char *text;
	bool is_name;
} name_cases[] = {
	{ "a", true },    { "_", true },  { "9", true },     { "a-b.c_d", true }, { "a..b", true },
	{ "", false },    { "-", false }, { ".a", false },   { "a-", false },     { "a b", false },
	{ "a/b", false }, { "é", false }, { "a\nb", false },
};

static void names(void **state)
{
	char text[130];

	(void)state;
	for (size_t i = 0; i < sizeof(name_cases) / sizeof(name_cases[0]); i++) {
		if (text_is_name(name_cases[i].text) != name_cases[i].is_name)
			fail_msg("name \"%s\"", name_cases[i].text);
	}
	memset(text, 'a', sizeof(text));
	text[128] = '\0';
	assert_true(text_is_name(text));
	text[128] = 'a';
	text[129] = '\0';
	assert_false(text_is_name(text));
}

static const struct {
	const char *name, *bytes;
	size_t size, step;
} utf8_cases[] = {
	{ "nothing", "", 0, 0 },
	{ "ASCII", "a", 1, 1 },
	{ "NUL", "\0", 1, 1 },
	{ "first of two", "\xc2\x80", 2, 2 },
	{ "overlong two", "\xc1\xbf", 2, 0 },
	{ "lone continuation", "\x80", 1, 0 },
	{ "cut two", "\xc3", 1, 0 },
	{ "first of three", "\xe0\xa0\x80", 3, 3 },
	{ "overlong three", "\xe0\x9f\xbf", 3, 0 },
	{ "cut three", "\xe2\x82", 2, 0 },
	{ "bad third byte", "\xe2\x82\x28", 3, 0 },
	{ "before the surrogates", "\xed\x9f\xbf", 3, 3 },
	{ "surrogate", "\xed\xa0\x80", 3, 0 },
	{ "first of four", "\xf0\x90\x80\x80", 4, 4 },
	{ "overlong four", "\xf0\x8f\xbf\xbf", 4, 0 },
	{ "last of all", "\xf4\x8f\xbf\xbf", 4, 4 },
	{ "past the last", "\xf4\x90\x80\x80", 4, 0 },
	{ "never used", "\xff\xff\xff\xff", 4, 0 },
};

static void utf8_sequences(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(utf8_cases) / sizeof(utf8_cases[0]); i++) {
		size_t step = text_utf8(utf8_cases[i].bytes, utf8_cases[i].size);

		if (step != utf8_cases[i].step)
			fail_msg("%s: %zu", utf8_cases[i].name, step);
	}
}

static void printable_texts(void **state)
{
	(void)state;
	assert_true(text_is_printable("", 0));
	assert_true(text_is_printable("a \xc3\xa9~", 5));
	assert_false(text_is_printable("a\0", 2));
	assert_false(text_is_printable("\x1f", 1));
	assert_false(text_is_printable("\x7f", 1));
	assert_false(text_is_printable("a\xc3", 2));
}

static void beginnings_and_ends(void **state)
{
	(void)state;
	assert_true(text_starts_with("abc", "ab"));
	assert_true(text_starts_with("abc", ""));
	assert_false(text_starts_with("ab", "abc"));
	assert_true(text_ends_with("abc", "bc"));
	assert_true(text_ends_with("abc", ""));
	assert_false(text_ends_with("bc", "abc"));
	assert_false(text_ends_with("abc", "ab"));
}

static void percent_encoding_keeps_only_the_unreserved(void **state)
{
	struct buf buf = BUF_INIT;

	(void)state;
	text_percent_encode(&buf, "aZ09-_.~", 8);
	text_percent_encode(&buf, " *+/=\xc3\xa9\0", 8);
	assert_string_equal(buf_text(&buf), "aZ09-_.~%20%2A%2B%2F%3D%C3%A9%00");
	buf_free(&buf);
}

static void percent_decoding_takes_whole_escapes(void **state)
{
	static const char *const broken[] = { "%", "a%2", "%zz", "%2g", "%%20" };
	struct buf buf = BUF_INIT;

	(void)state;
	assert_int_equal(text_percent_decode(&buf, "a+b%2Bc%0a%c3%A9", 16), 0);
	assert_string_equal(buf_text(&buf), "a+b+c\n\xc3\xa9");
	buf_clear(&buf);
	assert_int_equal(text_percent_decode(&buf, "%00%20", 3), 0);
	assert_int_equal(buf.size, 1);
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++)
		assert_int_equal(text_percent_decode(&buf, broken[i], strlen(broken[i])),
				 LH_EINVAL);
	buf_free(&buf);
}

/* RFC 4648, section 10. */
static void base64_of_the_standard(void **state)
{
	static const char *const cases[] = { "",         "Zg==",     "Zm8=",    "Zm9v",
					     "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy" };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf buf = BUF_INIT;

		text_base64(&buf, "foobar", i);
		assert_string_equal(buf_text(&buf), cases[i]);
		buf_free(&buf);
	}
}

static void base64_of_high_bytes(void **state)
{
	struct buf buf = BUF_INIT;

	(void)state;
	text_base64(&buf, "\xfb\xff\xfe\xff", 4);
	assert_string_equal(buf_text(&buf), "+//+/w==");
	buf_free(&buf);
}

static const struct {
	const char *name, *text;
	bool word;
	const char *filtered;
} word_cases[] = {
	{ "letters and digits", "aZ09", true, "aZ09" },
	{ "what more holds", "a-b", true, "a-b" },
	{ "too much", "abcdefgh", false, "abcde" },
	{ "as much as may be", "abcdef", true, "abcde" },
	{ "nothing", "", false, "" },
	{ "a space", "a b", false, "ab" },
	{ "another character", "a_b", false, "ab" },
	{ "no ASCII", "\xc3\xa9", false, "" },
};

static void words_are_told_and_filtered(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(word_cases) / sizeof(word_cases[0]); i++) {
		char filtered[6];

		text_filter(filtered, sizeof(filtered), word_cases[i].text, "-");
		if (text_is_word(word_cases[i].text, "-", 6) != word_cases[i].word ||
		    strcmp(filtered, word_cases[i].filtered) != 0)
			fail_msg("%s: %s", word_cases[i].name, filtered);
	}
}

static void base64url_goes_out_and_back(void **state)
{
	static const char *const cases[] = { "", "-w", "-_8", "-__-", "-__-_w" };
	static const char bytes[] = "\xfb\xff\xfe\xff";

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf buf = BUF_INIT, back = BUF_INIT;

		text_base64url(&buf, bytes, i);
		assert_string_equal(buf_text(&buf), cases[i]);
		buf_add_text(&back, "x");
		assert_int_equal(text_unbase64url(buf.data ? buf.data : "", buf.size, &back), 0);
		assert_int_equal(back.size, i + 1);
		assert_memory_equal(back.data + 1, bytes, i);
		buf_free(&buf);
		buf_free(&back);
	}
}

/* What another reader takes for the same bytes is another text, so it is refused. */
static void other_spellings_of_base64url_are_refused(void **state)
{
	static const char *const wrong[] = { "-", "-w==", "-x", "-_9", "+/8", "-_ 8", "-__-_" };

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct buf back = BUF_INIT;

		buf_add_text(&back, "kept");
		if (text_unbase64url(wrong[i], strlen(wrong[i]), &back) != LH_EINVAL)
			fail_msg("%s", wrong[i]);
		assert_int_equal(back.size, 4);
		assert_string_equal(buf_text(&back), "kept");
		buf_free(&back);
	}
}

static const struct {
	const char *text, *value; /* NULL: refused */
} base64[] = {
	{ "", "" },
	{ "Zg==", "f" },
	{ "Zm8=", "fo" },
	{ "Zm9v", "foo" },
	{ "Zm9v\r\nYmFy\n", "foobar" },
	{ "+//+/w==", "\xfb\xff\xfe\xff" },
	{ "Zg", NULL },
	{ "Zg=", NULL },
	{ "Zg===", NULL },
	{ "====", NULL },
	{ "Zg==Zg==", NULL },
	{ "Zm9vYg=a", NULL },
	{ "Zh==", NULL },
	{ "Zm 9", NULL },
	{ "-__-", NULL },
	{ "path \"x\" {}", NULL },
};

static void base64_is_read_as_it_is_written(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(base64) / sizeof(base64[0]); i++) {
		struct buf buf = BUF_INIT;
		int ret = text_unbase64(base64[i].text, strlen(base64[i].text), &buf);

		assert_int_equal(ret, base64[i].value ? 0 : LH_EINVAL);
		if (base64[i].value)
			assert_string_equal(buf_text(&buf), base64[i].value);
		assert_int_equal(buf.size, base64[i].value ? strlen(base64[i].value) : 0);
		buf_free(&buf);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_told_and_filtered),
		cmocka_unit_test(hex_goes_out_and_back),
		cmocka_unit_test(wrong_hex_is_refused),
		cmocka_unit_test(numbers),
		cmocka_unit_test(names),
		cmocka_unit_test(utf8_sequences),
		cmocka_unit_test(printable_texts),
		cmocka_unit_test(beginnings_and_ends),
		cmocka_unit_test(percent_encoding_keeps_only_the_unreserved),
		cmocka_unit_test(percent_decoding_takes_whole_escapes),
		cmocka_unit_test(base64_of_the_standard),
		cmocka_unit_test(base64_of_high_bytes),
		cmocka_unit_test(base64_is_read_as_it_is_written),
		cmocka_unit_test(base64url_goes_out_and_back),
		cmocka_unit_test(other_spellings_of_base64url_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
