/* SPDX-License-Identifier: Apache-2.0 */
#include "util/reader.h"

#include <string.h>

#include "util/err.h"
#include "util/wipe.h"

void reader_init(struct reader *reader, const void *data, size_t size)
{
	reader->at = data;
	reader->left = size;
	reader->failed = false;
	reader->starved = false;
}

/* The next size bytes; NULL, and nothing is left from then on, when there are fewer. */
static const unsigned char *take(struct reader *reader, size_t size)
{
	const unsigned char *at = reader->at;

	if (reader->failed || size > reader->left) {
		reader->failed = true;
		return NULL;
	}
	if (size)
		reader->at += size;
	reader->left -= size;
	return at;
}

static uint64_t number(struct reader *reader, size_t size)
{
	const unsigned char *bytes = take(reader, size);
	uint64_t value = 0;

	for (size_t i = 0; bytes && i < size; i++)
		value = value << 8 | bytes[i];
	return value;
}

uint8_t reader_u8(struct reader *reader)
{
	return (uint8_t)number(reader, 1);
}

uint32_t reader_u32(struct reader *reader)
{
	return (uint32_t)number(reader, 4);
}

uint64_t reader_u64(struct reader *reader)
{
	return number(reader, 8);
}

const void *reader_string(struct reader *reader, size_t *size_out)
{
	size_t size = reader_u32(reader);
	const unsigned char *bytes = take(reader, size);

	*size_out = bytes ? size : 0;
	return bytes ? bytes : (const void *)"";
}

void reader_fixed(struct reader *reader, void *out, size_t size)
{
	size_t got;
	const void *bytes = reader_string(reader, &got);

	if (got == size)
		memcpy(out, bytes, size);
	else
		reader->failed = true;
}

char *reader_text(struct reader *reader)
{
	size_t size;
	const void *bytes = reader_string(reader, &size);
	char *text = NULL;

	if (!reader->failed && !memchr(bytes, '\0', size)) {
		text = wipe_copy(bytes, size);
		reader->starved = !text;
	}
	if (!text)
		reader->failed = true;
	return text;
}

int reader_end(const struct reader *reader)
{
	if (reader->starved)
		return LH_ENOMEM;
	return reader->failed || reader->left ? LH_ECORRUPT : 0;
}
