/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON side of src/hcl/hcl.h, for hcl.c alone. */
#ifndef HCL_JSON_H
#define HCL_JSON_H

#include <jansson.h>
#include <stddef.h>

struct err;

/* As hcl_read, of a text that begins with `{`. 0, LH_ENOMEM, LH_EINVAL. */
int hcl_read_json(const char *text, size_t size, json_t **items_out, struct err *err);

#endif
