/* SPDX-License-Identifier: Apache-2.0 */
/* Allocations that fail on demand. A test program that includes this header is linked with
 * FAILING_LDFLAGS, so that the library's calls come through here; those of shared libraries do not.
 *
 *	for (failing_start(0); …; failing_start(n)) run the path, then failing_stop() */
#ifndef TESTS_UNIT_FAILING_H
#define TESTS_UNIT_FAILING_H

#include <stdbool.h>
#include <stddef.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *data, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *data, size_t size);

static bool failing_armed, failing_happened;
static size_t failing_left;

/* The allocation after the next `after` ones fails, once. */
static inline void failing_start(size_t after)
{
	failing_left = after;
	failing_happened = false;
	failing_armed = true;
}

/* Whether one failed since failing_start: if not, the path has no more allocations. */
static inline bool failing_stop(void)
{
	failing_armed = false;
	return failing_happened;
}

static inline bool failing_now(void)
{
	if (!failing_armed || failing_left-- > 0)
		return false;
	failing_armed = false;
	failing_happened = true;
	return true;
}

void *__wrap_malloc(size_t size)
{
	return failing_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return failing_now() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *data, size_t size)
{
	return failing_now() ? NULL : __real_realloc(data, size);
}

#endif
