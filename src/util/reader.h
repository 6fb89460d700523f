/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the binary records that util/buf.h writes. Reads past the end give zeros and an error that
 * sticks; one check at the end is enough. */
#ifndef UTIL_READER_H
#define UTIL_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct reader {
	const unsigned char *at; /* borrowed */
	size_t left;
	bool failed;
	bool starved; /* failed because memory was out */
};

void reader_init(struct reader *reader, const void *data, size_t size);
uint8_t reader_u8(struct reader *reader);
uint32_t reader_u32(struct reader *reader);
uint64_t reader_u64(struct reader *reader);

/* The next byte string, borrowed from the record; "" (size 0) after a failure. Not terminated. */
const void *reader_string(struct reader *reader, size_t *size_out);

/* Copies the next byte string, which must have exactly this size: else it is a failure, and out stays
 * as it is. */
void reader_fixed(struct reader *reader, void *out, size_t size);

/* The next byte string as a new terminated text, to be released with wipe_free. NULL when it holds
 * a NUL, when memory is out, or after a failure (which then sticks). */
char *reader_text(struct reader *reader);

/* 0 if everything was read and nothing was missing or left over; LH_ENOMEM if memory was out, which
 * says nothing about the record; else LH_ECORRUPT. */
int reader_end(const struct reader *reader);

#endif
