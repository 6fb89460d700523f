/* SPDX-License-Identifier: Apache-2.0 */
#include "util/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/err.h"
#include "util/wipe.h"

#define CAPACITY_MIN 64

/* Makes room for size more bytes and the NUL. realloc would leave a copy behind. */
static bool grow(struct buf *buf, size_t size)
{
	size_t capacity = buf->capacity ? buf->capacity : CAPACITY_MIN;
	char *data;

	if (buf->failed)
		return false;
	buf->failed = true;
	if (size >= SIZE_MAX / 2 - buf->size)
		return false;
	while (capacity <= buf->size + size)
		capacity *= 2;
	if (capacity != buf->capacity) {
		data = malloc(capacity);
		if (!data)
			return false;
		if (buf->size)
			memcpy(data, buf->data, buf->size);
		wipe(buf->data, buf->capacity);
		free(buf->data);
		buf->data = data;
		buf->capacity = capacity;
	}
	buf->failed = false;
	return true;
}

void buf_add(struct buf *buf, const void *data, size_t size)
{
	if (!grow(buf, size))
		return;
	if (size)
		memcpy(buf->data + buf->size, data, size);
	buf->size += size;
	buf->data[buf->size] = '\0';
}

void buf_add_text(struct buf *buf, const char *text)
{
	buf_add(buf, text, strlen(text));
}

void buf_add_char(struct buf *buf, char c)
{
	buf_add(buf, &c, 1);
}

void buf_printf(struct buf *buf, const char *format, ...)
{
	va_list args, again;
	int size;

	va_start(args, format);
	va_copy(again, args);
	size = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (size < 0) {
		buf->failed = true;
	} else if (grow(buf, (size_t)size)) {
		vsnprintf(buf->data + buf->size, (size_t)size + 1, format, again);
		buf->size += (size_t)size;
	}
	va_end(again);
}

static void add_number(struct buf *buf, uint64_t value, size_t size)
{
	unsigned char bytes[8];

	for (size_t i = 0; i < size; i++)
		bytes[i] = (unsigned char)(value >> (8 * (size - 1 - i)));
	buf_add(buf, bytes, size);
	wipe(bytes, sizeof(bytes));
}

void buf_add_u8(struct buf *buf, uint8_t value)
{
	add_number(buf, value, 1);
}

void buf_add_u32(struct buf *buf, uint32_t value)
{
	add_number(buf, value, 4);
}

void buf_add_u64(struct buf *buf, uint64_t value)
{
	add_number(buf, value, 8);
}

void buf_add_string(struct buf *buf, const void *data, size_t size)
{
	if (size > UINT32_MAX) {
		buf->failed = true;
		return;
	}
	buf_add_u32(buf, (uint32_t)size);
	buf_add(buf, data, size);
}

void buf_clear(struct buf *buf)
{
	wipe(buf->data, buf->capacity);
	buf->size = 0;
	buf->failed = false;
}

int buf_error(const struct buf *buf)
{
	return buf->failed ? LH_ENOMEM : 0;
}

const char *buf_text(const struct buf *buf)
{
	return buf->data ? buf->data : "";
}

char *buf_take(struct buf *buf)
{
	char *text;

	buf_add(buf, "", 0);
	if (buf->failed) {
		buf_free(buf);
		return NULL;
	}
	text = buf->data;
	*buf = (struct buf)BUF_INIT;
	return text;
}

void buf_free(struct buf *buf)
{
	wipe(buf->data, buf->capacity);
	free(buf->data);
	*buf = (struct buf)BUF_INIT;
}
