/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "crypto/crypto.h"
#include "util/text.h"
#include "util/wipe.h"

#define CHUNK 64

void random_bytes(void *out, size_t size)
{
	unsigned char *at = out;
	ssize_t got;

	while (size) {
		got = getrandom(at, size, 0);
		if (got < 0 && errno != EINTR)
			abort();
		if (got > 0) {
			at += got;
			size -= (size_t)got;
		}
	}
}

/* 248 is the largest multiple of 62 in a byte; what lies above would favour the first digits. */
void random_base62(char *out, size_t size)
{
	static const char digits[] =
		"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	unsigned char bytes[CHUNK];
	size_t at = CHUNK, done = 0;

	while (done < size) {
		if (at == CHUNK) {
			random_bytes(bytes, sizeof(bytes));
			at = 0;
		}
		if (bytes[at] < 248)
			out[done++] = digits[bytes[at] % 62];
		at++;
	}
	out[size] = '\0';
	wipe(bytes, sizeof(bytes));
}

void random_hex(char *out, size_t size)
{
	unsigned char bytes[CHUNK];
	size_t part;

	out[0] = '\0';
	for (; size; size -= part, out += 2 * part) {
		part = size < CHUNK ? size : CHUNK;
		random_bytes(bytes, part);
		text_hex(bytes, part, out);
	}
	wipe(bytes, sizeof(bytes));
}

void random_uuid(char *out)
{
	unsigned char bytes[16];
	char hex[33];
	size_t i;

	random_bytes(bytes, sizeof(bytes));
	bytes[6] = (unsigned char)((bytes[6] & 0x0f) | 0x40);
	bytes[8] = (unsigned char)((bytes[8] & 0x3f) | 0x80);
	text_hex(bytes, sizeof(bytes), hex);
	for (i = 0; i < 32; i++) {
		if (i == 8 || i == 12 || i == 16 || i == 20)
			*out++ = '-';
		*out++ = hex[i];
	}
	*out = '\0';
}
