/* SPDX-License-Identifier: Apache-2.0 */
/* `nginx -T` prints every file once and leaves the includes as they are; this puts each file where
 * it is included. */
#ifndef NGINX_INCLUDE_H
#define NGINX_INCLUDE_H

#include <jansson.h>

struct err;

/* files as nginx_parse gave them. *site_out is a new list of directives without an include: the
 * first file that a mark names, or the only one. 0, LH_ENOMEM, or LH_EINVAL when a file is missing,
 * includes go in circles, or directives stand before the first mark. */
int nginx_include(json_t *files, json_t **site_out, struct err *err);

#endif
