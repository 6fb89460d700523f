/* SPDX-License-Identifier: Apache-2.0 */
/* Records of JSON that stand under a name: token roles, identities, entries of certificates. */
#ifndef AUTH_NAMED_H
#define AUTH_NAMED_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct key;
struct store;

/* A non-zero return ends the list and is returned. */
typedef int (*named_visit)(void *context, const char *name);

/* *json_out is new. 0, LH_ENOENT, LH_ECORRUPT, LH_EIO, LH_ENOMEM. */
int named_get(struct store *store, const struct key *key, json_t **json_out,
	      uint64_t *revision_out);

/* What follows the prefix in the keys that have it, in order, behind the key `after` (NULL: all), at
 * most max. 0, what add returned, or an error of store_scan. */
int named_list(struct store *store, const struct key *prefix, const struct key *after, size_t max,
	       named_visit add, void *context);

#endif
