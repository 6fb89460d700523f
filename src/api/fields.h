/* SPDX-License-Identifier: Apache-2.0 */
/* A request's input measured against the field table of its route. */
#ifndef API_FIELDS_H
#define API_FIELDS_H

#include <jansson.h>
#include <stdbool.h>

#include "util/field.h"

struct err;
struct outcome;

/* Coerces what the table knows into a new object; what is unknown or absent is left out.
 * 0, LH_ENOMEM, or LH_EINVAL with `error converting input for field "F": DETAIL` in err. */
int fields_read(const struct field *fields, const json_t *input, json_t **fields_out,
		struct err *err);

/* The warnings for input that nobody reads: unknown names, and the name that the path has captured
 * (capture, capture_size bytes; 0: none). */
void fields_warn(const struct field *fields, const json_t *input, const char *capture,
		 size_t capture_size, struct outcome *outcome);

/* The first secret field among the query's parameters; NULL if there is none. */
const char *fields_secret_in(const struct field *fields, const json_t *query);

#endif
