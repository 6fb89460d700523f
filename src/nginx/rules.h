/* SPDX-License-Identifier: Apache-2.0 */
/* What makes a site unsafe, by what stands in a location and in the blocks around it. */
#ifndef NGINX_RULES_H
#define NGINX_RULES_H

#include <jansson.h>

/* Appends to findings a sentence "FILE:LINE: …" for each danger in the site of nginx_include.
 * 0 or LH_ENOMEM. */
int nginx_rules(json_t *site, json_t *findings);

#endif
