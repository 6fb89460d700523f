/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that held a secret is overwritten before it is given back. */
#ifndef UTIL_WIPE_H
#define UTIL_WIPE_H

#include <stdbool.h>
#include <stddef.h>

/* Overwrites in a way that the compiler may not leave out. */
void wipe(void *data, size_t size);

/* Wipes a terminated text and frees it. NULL is allowed. */
void wipe_free(char *text);

/* New copy, to be released with wipe_free. NULL if memory is out. */
char *wipe_copy(const char *text, size_t size);

/* Compares without telling by its duration where the difference is. */
bool wipe_equal(const void *a, const void *b, size_t size);

/* Makes Jansson's memory (parsed bodies, configurations with keys) and what other libraries free in
 * this process be overwritten. Call once at the start of a process, before any JSON. glibc leaves
 * blocks of up to 1,032 bytes out unless the program was started with
 * GLIBC_TUNABLES=glibc.malloc.tcache_count=0; Jansson's are overwritten whatever their size. */
void wipe_freed_memory(void);

/* Between the two, what is freed is not overwritten, and what is allocated is not touched either,
 * which is how glibc overwrites: for a library that allocates large tables, of which it will use few
 * pages, and no secrets. Nothing happens unless wipe_freed_memory was called. */
void wipe_pause(void);
void wipe_resume(void);

#endif
