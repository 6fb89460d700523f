/* SPDX-License-Identifier: Apache-2.0 */
/* The memory that libcurl works in. Requests carry session tokens and answers carry new keys, through
 * buffers that nobody outside libcurl sees: so whatever it frees is overwritten. */
#include "http/http_priv.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "util/wipe.h"

static void *allocate(size_t size)
{
	return malloc(size);
}

static void release(void *data)
{
	if (data)
		wipe(data, malloc_usable_size(data));
	free(data);
}

/* realloc would leave a copy behind. */
static void *resize(void *data, size_t size)
{
	size_t old = data ? malloc_usable_size(data) : 0;
	void *moved;

	if (size > 0 && size <= old && size >= old / 2)
		return data;
	moved = malloc(size);
	if (!moved)
		return NULL;
	if (data)
		memcpy(moved, data, old < size ? old : size);
	release(data);
	return moved;
}

static char *duplicate(const char *text)
{
	return strdup(text);
}

static void *allocate_zeroed(size_t count, size_t size)
{
	return calloc(count, size);
}

CURLcode http_memory_init(void)
{
	return curl_global_init_mem(CURL_GLOBAL_DEFAULT, allocate, release, resize, duplicate,
				    allocate_zeroed);
}
