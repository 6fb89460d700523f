/* SPDX-License-Identifier: Apache-2.0 */
/* A growing byte buffer. An error sticks: append as often as you like, test buf_error once.
 *
 * Every buffer wipes its memory before it gives it back, also when it grows, so that a secret may
 * be built in any of them. The content is always followed by a NUL that size does not count. */
#ifndef UTIL_BUF_H
#define UTIL_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
	char *data;      /* NULL while empty; else NUL-terminated */
	size_t size;     /* bytes in use */
	size_t capacity; /* bytes allocated, the NUL included */
	bool failed;     /* an append failed; everything after it was ignored */
};

#define BUF_INIT                                                                                   \
	{                                                                                          \
		NULL, 0, 0, false                                                                  \
	}

void buf_add(struct buf *buf, const void *data, size_t size);
void buf_add_text(struct buf *buf, const char *text);
void buf_add_char(struct buf *buf, char c);
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Binary records: big-endian numbers, and byte strings with a 32-bit length in front. */
void buf_add_u8(struct buf *buf, uint8_t value);
void buf_add_u32(struct buf *buf, uint32_t value);
void buf_add_u64(struct buf *buf, uint64_t value);
void buf_add_string(struct buf *buf, const void *data, size_t size);

/* Empties the buffer and wipes what it held; keeps the memory for the next use. */
void buf_clear(struct buf *buf);

/* 0, or LH_ENOMEM if any append failed. */
int buf_error(const struct buf *buf);

/* The content as text; "" when nothing was ever added. Borrowed. */
const char *buf_text(const struct buf *buf);

/* Hands the memory on: the result is the caller's, to be released with wipe_free, the buffer is
 * empty again. NULL if an append failed or memory is out. An empty buffer gives "". */
char *buf_take(struct buf *buf);

/* Wipes and frees. The buffer may be used again. */
void buf_free(struct buf *buf);

#endif
