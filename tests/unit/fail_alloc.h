/* SPDX-License-Identifier: Apache-2.0 */
/* Lets a test run a path once for each allocation that can fail:
 *
 *   fail_alloc_at(n);
 *   ret = …;
 *   if (!fail_alloc_stop())
 *           the path needs fewer than n allocations: done
 *
 * Counts malloc, calloc, realloc, strdup and strndup of our own code, and Jansson's once
 * fail_alloc_jansson was called. The program lists $(fail_alloc) in its SOURCES and has
 * LDFLAGS = $(fail_alloc_ldflags). */
#ifndef TESTS_FAIL_ALLOC_H
#define TESTS_FAIL_ALLOC_H

#include <stdbool.h>

/* Counts Jansson's allocations too. Call it before the first use of Jansson. */
void fail_alloc_jansson(void);

/* The n-th allocation from here on fails, 1 being the next one. */
void fail_alloc_at(unsigned n);

/* Allocations succeed again. Whether one has failed since fail_alloc_at. */
bool fail_alloc_stop(void);

#endif
