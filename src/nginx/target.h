/* SPDX-License-Identifier: Apache-2.0 */
/* Which words after fastcgi_pass mean leasehold. */
#ifndef NGINX_TARGET_H
#define NGINX_TARGET_H

struct tree;

/* Fills tree->targets: names and addresses that speak of leasehold, those that get an LH_ parameter
 * anywhere, and whatever reaches the same sockets by another name. 0 or LH_ENOMEM. */
int targets_find(struct tree *tree);

#endif
