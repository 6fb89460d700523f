/* SPDX-License-Identifier: Apache-2.0 */
#include "fail_alloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/json.h"

/* The linker sends every call of malloc to __wrap_malloc and gives us the real one by this name. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *data, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *data, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t size);

static unsigned countdown;
static bool failed;

static bool is_due(void)
{
	if (countdown == 0 || --countdown > 0)
		return false;
	failed = true;
	errno = ENOMEM;
	return true;
}

void *__wrap_malloc(size_t size)
{
	return is_due() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return is_due() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *data, size_t size)
{
	return is_due() ? NULL : __real_realloc(data, size);
}

char *__wrap_strdup(const char *text)
{
	return is_due() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t size)
{
	return is_due() ? NULL : __real_strndup(text, size);
}

void fail_alloc_jansson(void)
{
	json_guard_memory();
}

void fail_alloc_at(unsigned n)
{
	countdown = n;
	failed = false;
}

bool fail_alloc_stop(void)
{
	countdown = 0;
	return failed;
}
