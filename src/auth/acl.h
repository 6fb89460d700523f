/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of a set of policies, merged and sorted once, then asked often.
 *
 * Of all rules that match a path one decides: the exact one; else the one whose first wildcard stands
 * latest, in doubt one without `*` at the end, with fewer `+`, longer, or behind in byte order. What
 * less specific rules grant does not count. */
#ifndef AUTH_ACL_H
#define AUTH_ACL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/access.h"
#include "auth/policy.h"

struct acl;

/* 0 or LH_ENOMEM. */
int acl_new(struct acl **acl_out);
void acl_free(struct acl *acl);

/* Takes the policy, also when it fails. 0 or LH_ENOMEM. */
int acl_add(struct acl *acl, struct policy *policy);

/* Once, when all policies are there; nothing may be asked before. now, seconds since 1970: rules
 * that have expired are left out. 0 or LH_ENOMEM. */
int acl_build(struct acl *acl, int64_t now);

/* How many rules there are, and the second since 1970 at which one of them expires; INT64_MAX:
 * never. */
size_t acl_count(const struct acl *acl);
int64_t acl_expires(const struct acl *acl);

/* The rule that decides about a path; NULL: none, which is a denial. A list may be granted by a rule
 * for the path without its final slash. Borrowed. */
enum acl_question { ACL_PLAIN, ACL_LIST };
const struct rule *acl_find(const struct acl *acl, const char *path, enum acl_question question);

bool acl_allows(const struct acl *acl, const struct access *access);

/* The CAPABILITY_BITs at a path, asked as a list; 0 or CAPABILITY_DENY: none. */
unsigned acl_capabilities(const struct acl *acl, const char *path);

/* Whether anything is granted at the path or beneath it; a mount's path ends in a slash. */
bool acl_reaches(const struct acl *acl, const char *path);

/* All rules, merged. 0, or what visit returned to end it. */
typedef int (*acl_visit)(void *context, const struct rule *rule);
int acl_each(const struct acl *acl, acl_visit visit, void *context);

#endif
