/* SPDX-License-Identifier: Apache-2.0 */
/* What makes a site unsafe: one table of rules, over every block of the site. */
#ifndef NGINX_RULES_H
#define NGINX_RULES_H

#include <jansson.h>

/* Appends to findings a sentence "FILE:LINE: …" for each danger in the site of nginx_include.
 * 0, LH_ENOMEM, or LH_ERANGE when requests have more ways through the site than can be followed. */
int nginx_rules(json_t *site, json_t *findings);

#endif
