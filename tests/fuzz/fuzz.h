/* SPDX-License-Identifier: Apache-2.0 */
/* What the fuzz targets share: what must hold, and the input taken apart. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MUST(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);            \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* The next piece of the input, up to the separator or the end, as a new text; *data and *size move on.
 * A piece ends at its first NUL. */
static inline char *fuzz_piece(const uint8_t **data, size_t *size, char separator)
{
	const uint8_t *end = *size ? memchr(*data, separator, *size) : NULL;
	size_t length = end ? (size_t)(end - *data) : *size;
	char *piece = malloc(length + 1);

	MUST(piece);
	if (length)
		memcpy(piece, *data, length);
	piece[length] = '\0';
	*data += length + (end ? 1 : 0);
	*size -= length + (end ? 1 : 0);
	return piece;
}

#endif
