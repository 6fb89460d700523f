/* SPDX-License-Identifier: Apache-2.0 */
/* The field tables of routes: what a request may carry, and how values are coerced.
 * From one table come coercion, unknown-field warnings, help and OpenAPI. */
#ifndef UTIL_FIELD_H
#define UTIL_FIELD_H

#include <jansson.h>
#include <stdbool.h>

struct err;

/* Section 2.1 of Vault's conventions; the names that ?help=1 prints are in field.c. */
enum field_type {
	FIELD_STRING,
	FIELD_LOWER_STRING,
	FIELD_NAME,     /* a string that keeps the naming rule of paths */
	FIELD_DURATION, /* seconds, not negative */
	FIELD_SIGNED_DURATION,
	FIELD_STRINGS,       /* list of texts; one text is one element */
	FIELD_COMMA_STRINGS, /* list of texts, or one text split at commas */
	FIELD_BOOL,
	FIELD_INT,
	FIELD_MAP,
	FIELD_PAIRS, /* map of texts, or "k=v" texts */
};

struct field {
	const char *name; /* NULL ends a table */
	enum field_type type;
	const char *description;
	bool required; /* shown by help; the handler words the error */
	bool secret;   /* never shown, refused in a query */
};

/* Coerces one value of outside. *value_out is new; NULL with return 0 means "absent" (a null
 * duration). Returns 0, LH_ENOMEM, or LH_EINVAL with the detail in err, without the field's name. */
int field_coerce(enum field_type type, const json_t *value, json_t **value_out, struct err *err);

/* "duration (sec)", "slice", … as ?help=1 names types. */
const char *field_type_name(enum field_type type);

const struct field *field_find(const struct field *fields, const char *name);

#endif
