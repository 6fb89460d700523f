/* SPDX-License-Identifier: Apache-2.0 */
/* One page of a list: after and limit in, keys out. */
#ifndef API_PAGE_H
#define API_PAGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "util/field.h"

struct context;

struct page {
	const char *after; /* borrowed from the fields; "" for the first page */
	size_t limit;
	json_t *keys; /* the caller's */
	bool more;    /* there was one more than fits */
};

/* The fields of a list. */
extern const struct field page_fields[];

/* Reads them. false: the refusal is in the outcome. */
bool page_start(struct context *context, struct page *page);

/* How many names to ask for: one more than fits tells whether there are more. */
size_t page_ask(const struct page *page);

/* A lease_name_visit whose context is the page. */
int page_add(void *page, const char *name);

/* Ends a list that was asked for with page_add and returned ret: says its keys, with a warning when
 * there are more, or that `after` is too long for a name (LH_ERANGE). Takes the keys. Returns 0, or
 * what is a fault. */
int page_end(struct context *context, struct page *page, int ret);

#endif
