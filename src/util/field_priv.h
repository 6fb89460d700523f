/* SPDX-License-Identifier: Apache-2.0 */
/* What the coercions of single values and of lists share. */
#ifndef UTIL_FIELD_PRIV_H
#define UTIL_FIELD_PRIV_H

#include "util/field.h"

#define FIELD_UNCONVERTIBLE "expected type '%s', got unconvertible type '%s'"

/* Sets a new value; LH_ENOMEM if it is NULL. */
int field_given(json_t *value, json_t **value_out, struct err *err);

/* Any scalar as a text. LH_EINVAL (without words) for arrays and objects. */
int field_to_text(const json_t *value, json_t **text_out, struct err *err);

/* What the original calls the type of an array or object. */
const char *field_go_type(const json_t *value);

/* As field_coerce, each for one type. */
int field_coerce_strings(const json_t *value, json_t **value_out, struct err *err);
int field_coerce_comma_strings(const json_t *value, json_t **value_out, struct err *err);
int field_coerce_map(const json_t *value, json_t **value_out, struct err *err);
int field_coerce_pairs(const json_t *value, json_t **value_out, struct err *err);

#endif
