/* SPDX-License-Identifier: Apache-2.0 */
#include "util/wipe.h"

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "util/json.h"

void wipe(void *data, size_t size)
{
	if (data)
		explicit_bzero(data, size);
}

void wipe_free(char *text)
{
	if (!text)
		return;
	wipe(text, malloc_usable_size(text));
	free(text);
}

char *wipe_copy(const char *text, size_t size)
{
	char *copy;

	if (size == SIZE_MAX)
		return NULL;
	copy = malloc(size + 1);
	if (!copy)
		return NULL;
	if (size)
		memcpy(copy, text, size);
	copy[size] = '\0';
	return copy;
}

bool wipe_equal(const void *a, const void *b, size_t size)
{
	const volatile unsigned char *left = a, *right = b;
	unsigned char difference = 0;

	for (size_t i = 0; i < size; i++)
		difference |= left[i] ^ right[i];
	return difference == 0;
}

/* M_PERTURB alone is not enough: glibc passes blocks of up to 1,032 bytes through its thread cache,
 * where it overwrites only the first 16 bytes, and most of Jansson's blocks are that small. */
#define PERTURB 0xa5

/* mallopt cannot be asked. Set once at the start of the process. */
static bool overwrites;

void wipe_freed_memory(void)
{
	json_guard_memory();
	overwrites = true;
	mallopt(M_PERTURB, PERTURB);
}

void wipe_pause(void)
{
	if (overwrites)
		mallopt(M_PERTURB, 0);
}

void wipe_resume(void)
{
	if (overwrites)
		mallopt(M_PERTURB, PERTURB);
}
