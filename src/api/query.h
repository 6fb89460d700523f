/* SPDX-License-Identifier: Apache-2.0 */
/* Query strings and form bodies: a=1&b=x%20y. */
#ifndef API_QUERY_H
#define API_QUERY_H

#include <jansson.h>
#include <stddef.h>

struct err;

/* What several values of one name become. */
enum query_repeats {
	QUERY_ARRAY, /* an array of texts */
	QUERY_JOIN,  /* one text, joined by commas: forms */
};

/* Reads name=value pairs into a new object of texts. A percent sign must be followed by two hex
 * digits, `+` is a space, names and values must be UTF-8 without NUL.
 * 0, LH_ENOMEM, or LH_EINVAL with the reason in err, which never quotes a value. */
int query_read(const char *text, size_t size, enum query_repeats repeats, json_t **object_out,
	       struct err *err);

#endif
