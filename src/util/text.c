/* SPDX-License-Identifier: Apache-2.0 */
#include "util/text.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "util/buf.h"
#include "util/err.h"

#define NAME_MAX_BYTES 128

void text_hex(const void *data, size_t size, char *out)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *bytes = data;

	for (size_t i = 0; i < size; i++) {
		*out++ = digits[bytes[i] >> 4];
		*out++ = digits[bytes[i] & 15];
	}
	*out = '\0';
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int text_unhex(const char *text, void *out, size_t size)
{
	unsigned char *bytes = out;

	memset(out, 0, size);
	if (strlen(text) / 2 != size || strlen(text) % 2)
		return LH_EINVAL;
	for (size_t i = 0; i < 2 * size; i++) {
		if (hex_digit(text[i]) < 0)
			return LH_EINVAL;
	}
	for (size_t i = 0; i < size; i++)
		bytes[i] = (unsigned char)(hex_digit(text[2 * i]) << 4 |
					   hex_digit(text[2 * i + 1]));
	return 0;
}

int text_int64(const char *text, int64_t *value_out)
{
	const char *digits = text + (*text == '-' || *text == '+');
	intmax_t value;

	*value_out = 0;
	if (!*digits || digits[strspn(digits, "0123456789")])
		return LH_EINVAL;
	errno = 0;
	value = strtoimax(text, NULL, 10);
	if (errno == ERANGE || value > INT64_MAX || value < INT64_MIN)
		return LH_ERANGE;
	*value_out = value;
	return 0;
}

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_word(char c)
{
	return is_alnum(c) || c == '_';
}

char text_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool text_is_word(const char *text, const char *more, size_t max)
{
	size_t size = 0;

	for (; text[size]; size++) {
		if (size == max || !(is_alnum(text[size]) || strchr(more, text[size])))
			return false;
	}
	return size > 0;
}

void text_filter(char *out, size_t size, const char *text, const char *more)
{
	size_t used = 0;

	for (; *text && used + 1 < size; text++) {
		if (is_alnum(*text) || strchr(more, *text))
			out[used++] = *text;
	}
	out[used] = '\0';
}

bool text_is_name(const char *text)
{
	size_t size = strlen(text);

	if (size == 0 || size > NAME_MAX_BYTES || !is_word(text[0]) || !is_word(text[size - 1]))
		return false;
	for (size_t i = 0; i < size; i++) {
		if (!is_word(text[i]) && text[i] != '-' && text[i] != '.')
			return false;
	}
	return true;
}

/* The table of well-formed sequences in the Unicode standard (table 3-7): only the second byte has
 * limits that depend on the first, which keeps out overlong forms and surrogates. */
size_t text_utf8(const void *data, size_t size)
{
	static const struct {
		unsigned char first, last, low, high;
		size_t size;
	} forms[] = {
		{ 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
		{ 0xe1, 0xec, 0x80, 0xbf, 3 }, { 0xed, 0xed, 0x80, 0x9f, 3 },
		{ 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 },
		{ 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};
	const unsigned char *bytes = data;

	if (size == 0)
		return 0;
	if (bytes[0] < 0x80)
		return 1;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (bytes[0] < forms[i].first || bytes[0] > forms[i].last)
			continue;
		if (size < forms[i].size || bytes[1] < forms[i].low || bytes[1] > forms[i].high)
			return 0;
		for (size_t j = 2; j < forms[i].size; j++) {
			if ((bytes[j] & 0xc0) != 0x80)
				return 0;
		}
		return forms[i].size;
	}
	return 0;
}

bool text_is_printable(const char *text, size_t size)
{
	for (size_t i = 0, step; i < size; i += step) {
		unsigned char c = (unsigned char)text[i];

		step = text_utf8(text + i, size - i);
		if (step == 0 || c < 0x20 || c == 0x7f)
			return false;
	}
	return true;
}

bool text_starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool text_ends_with(const char *text, const char *suffix)
{
	size_t text_size = strlen(text), size = strlen(suffix);

	return text_size >= size && memcmp(text + text_size - size, suffix, size) == 0;
}

void text_percent_encode(struct buf *out, const char *text, size_t size)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)text[i];

		if (is_word(text[i]) || c == '-' || c == '.' || c == '~') {
			buf_add_char(out, text[i]);
		} else {
			buf_add_char(out, '%');
			buf_add_char(out, digits[c >> 4]);
			buf_add_char(out, digits[c & 15]);
		}
	}
}

int text_percent_decode(struct buf *out, const char *text, size_t size)
{
	unsigned char byte;
	char digits[3] = "";

	for (size_t i = 0; i < size; i++) {
		if (text[i] != '%') {
			buf_add_char(out, text[i]);
			continue;
		}
		memcpy(digits, text + i + 1, size - i > 2 ? 2 : size - i - 1);
		if (size - i < 3 || text_unhex(digits, &byte, 1))
			return LH_EINVAL;
		buf_add_char(out, (char)byte);
		i += 2;
	}
	return buf_error(out);
}

/* Whole groups of four digits, and one of two or three for what is left. */
static void add_base64(struct buf *out, const void *data, size_t size, const char digits[65])
{
	const unsigned char *bytes = data;

	for (size_t i = 0; i < size; i += 3) {
		size_t left = size - i;
		uint32_t group = (uint32_t)bytes[i] << 16;

		if (left > 1)
			group |= (uint32_t)bytes[i + 1] << 8;
		if (left > 2)
			group |= bytes[i + 2];
		buf_add_char(out, digits[group >> 18]);
		buf_add_char(out, digits[group >> 12 & 63]);
		if (left > 1)
			buf_add_char(out, digits[group >> 6 & 63]);
		if (left > 2)
			buf_add_char(out, digits[group & 63]);
	}
}

void text_base64(struct buf *out, const void *data, size_t size)
{
	add_base64(out, data, size,
		   "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
	if (size % 3)
		buf_add(out, "==", 3 - size % 3);
}

void text_base64url(struct buf *out, const void *data, size_t size)
{
	add_base64(out, data, size,
		   "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");
}

static int url_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '-' ? 62 : c == '_' ? 63 : -1;
}

static int decode(const char *text, size_t size, struct buf *out)
{
	uint32_t group = 0;
	int bits = 0;

	for (size_t i = 0; i < size; i++) {
		int digit = url_digit(text[i]);

		if (digit < 0)
			return LH_EINVAL;
		group = (group << 6 | (uint32_t)digit) & 0xffff;
		bits += 6;
		if (bits < 8)
			continue;
		bits -= 8;
		buf_add_u8(out, (uint8_t)(group >> bits));
	}
	/* Half a byte, or bits that no spelling of ours has? */
	if (size % 4 == 1 || (group & ((1U << bits) - 1)))
		return LH_EINVAL;
	return buf_error(out);
}

int text_unbase64url(const char *text, size_t size, struct buf *out)
{
	size_t start = out->size;
	int ret = decode(text, size, out);

	if (ret && out->size > start) {
		out->size = start;
		out->data[start] = '\0';
	}
	return ret;
}

/* The spelling of URLs has other digits and no padding. */
static int respell(const char *text, size_t size, struct buf *url)
{
	size_t digits = 0, padding = 0;

	for (size_t i = 0; i < size; i++) {
		char c = text[i];

		if (c == '\r' || c == '\n')
			continue;
		if (c == '=') {
			padding++;
			continue;
		}
		if (padding || c == '-' || c == '_')
			return LH_EINVAL;
		buf_add_char(url, c == '+' ? '-' : c == '/' ? '_' : c);
		digits++;
	}
	if (padding > 2 || (digits + padding) % 4)
		return LH_EINVAL;
	return buf_error(url);
}

int text_unbase64(const char *text, size_t size, struct buf *out)
{
	struct buf url = BUF_INIT;
	int ret;

	ret = respell(text, size, &url);
	if (!ret)
		ret = text_unbase64url(buf_text(&url), url.size, out);
	buf_free(&url);
	return ret;
}

bool text_matches(const char *glob, const char *name)
{
	const char *star = NULL, *resume = NULL;

	while (*name) {
		if (*glob == '*') {
			star = ++glob;
			resume = name;
		} else if (*glob == *name) {
			glob++;
			name++;
		} else if (star) {
			glob = star;
			name = ++resume;
		} else {
			return false;
		}
	}
	while (*glob == '*')
		glob++;
	return !*glob;
}
