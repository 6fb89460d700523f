/* SPDX-License-Identifier: Apache-2.0 */
/* Follows every request through the locations of a site, as nginx would: it runs what is set, asks the
 * guards, and goes wherever nested locations, `if`, limit_except, rewrite, try_files, error_page,
 * subrequests and X-Accel-Redirect may lead, until it is handed to leasehold.
 *
 * Two facts about nginx decide most of it: what a location sets is set before its guard is asked, and
 * stays set wherever the request goes on to, also when the guard has refused it; and guards are
 * asked again in each location that a request comes to, but not in subrequests. */
#ifndef NGINX_FLOW_H
#define NGINX_FLOW_H

#include <jansson.h>

struct tree;

/* Appends a finding for each way by which an identity reaches leasehold without a guard. 0, LH_ENOMEM,
 * or LH_ERANGE when there are too many ways to follow. */
int flow_follow(const struct tree *tree, json_t *findings);

#endif
