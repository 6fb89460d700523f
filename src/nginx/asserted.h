/* SPDX-License-Identifier: Apache-2.0 */
/* Where a site says who somebody is. */
#ifndef NGINX_ASSERTED_H
#define NGINX_ASSERTED_H

#include <jansson.h>
#include <stdbool.h>

struct tree;

/* Fills tree->methods and tree->names. 0 or LH_ENOMEM. */
int asserted_find(struct tree *tree);

/* Whether the directive is a set or auth_request_set of a variable that is passed on as method or name.
 * Its value is word 2. */
bool asserted_is_set(const struct tree *tree, json_t *directive);

/* Whether the directive is a fastcgi_param LH_AUTH_METHOD or LH_AUTH_NAME. Its value is word 2. */
bool asserted_is_parameter(json_t *directive);

#endif
