/* SPDX-License-Identifier: Apache-2.0 */
/* The rule sets that a process has built, found by the names of their policies. There is a bound: the
 * longest unused go first. */
#ifndef AUTH_BUILT_H
#define AUTH_BUILT_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct acl;

/* How much is kept: sets of names, and rules in all of them together. */
#define BUILT_MAX       1024
#define BUILT_RULES_MAX 50000

#define BUILT_BUCKETS 256

struct built {
	struct built *next; /* in its bucket */
	json_t *names;
	struct acl *acl;
	uint64_t *revisions; /* of the policies' records, in the order of the names; 0: none */
	uint64_t generation; /* under which they were read */
	uint64_t used;       /* the turn in which it was last asked for */
};

/* Zero-initialise; release with built_free_all. */
struct built_cache {
	struct built *buckets[BUILT_BUCKETS];
	size_t count, rules;
	uint64_t turn;
};

/* Borrowed until the next call of built_keep; NULL if there is none. */
struct built *built_find(struct built_cache *cache, const json_t *names);

/* Takes acl and revisions, also when it fails; names is kept too. 0 or LH_ENOMEM. */
int built_keep(struct built_cache *cache, json_t *names, struct acl *acl, uint64_t *revisions,
	       uint64_t generation);

void built_drop(struct built_cache *cache, struct built *built);
void built_free_all(struct built_cache *cache);

#endif
