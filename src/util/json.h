/* SPDX-License-Identifier: Apache-2.0 */
/* What Jansson leaves to its users: limits, canonical text, getters that never fail. */
#ifndef UTIL_JSON_H
#define UTIL_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct err;

/* The deepest nesting that is read from outside, and of what is kept with some of that in it. */
#define JSON_DEPTH_MAX  64
#define JSON_DEPTH_KEPT (JSON_DEPTH_MAX + 8)

/* Makes Jansson wipe what it frees, and json_read see every allocation that fails in it (Jansson's
 * lexer drops a character instead). wipe_freed_memory calls it. Before the first use of Jansson. */
void json_guard_memory(void);

/* Reads one JSON value from bytes of outside: no duplicate keys, no trailing text, no NUL in texts,
 * nested at most JSON_DEPTH_MAX deep. *value_out is new.
 * Returns 0, LH_ENOMEM, or LH_EINVAL with line, column and reason in err. */
int json_read(const char *text, size_t size, json_t **value_out, struct err *err);

/* The same of bytes that were kept, nested at most JSON_DEPTH_KEPT deep. 0, LH_ENOMEM, LH_EINVAL. */
int json_read_kept(const char *text, size_t size, json_t **value_out);

/* Compact text, keys in their order. New, to be released with wipe_free. NULL if memory is out. */
char *json_text(const json_t *value);

/* The same with sorted keys. */
char *json_text_sorted(const json_t *value);

/* Member `key` of an object as text; "" when absent or not a text. Borrowed. */
const char *json_get_text(const json_t *object, const char *key);

/* Member `key` as integer; fallback when absent or not an integer. */
json_int_t json_get_int(const json_t *object, const char *key, json_int_t fallback);

/* Whether member `key` is true. */
bool json_get_true(const json_t *object, const char *key);

#endif
