/* SPDX-License-Identifier: Apache-2.0 */
/* A policy: rules that say what may be done at which paths. Written in HCL, or in JSON when the first
 * byte behind space is `{`:
 *
 *   path "alicloud/creds/app" { capabilities = ["read"] }
 *   {"path": {"alicloud/creds/app": {"capabilities": ["read"]}}}     also [{…}, …] in place of {…}
 *
 * A path ends in `*` to mean everything that begins so; a part that is `+` means any one part. */
#ifndef AUTH_POLICY_H
#define AUTH_POLICY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/auth.h"

struct err;

#define POLICY_SIZE_MAX (1024 * 1024)

#define CAPABILITY_BIT(capability) (1u << (capability))

/* Which paths a rule is for. The order is that of struct acl's arrays. */
enum rule_kind {
	RULE_EXACT,
	RULE_PREFIX, /* ends in `*`, no part is `+` */
	RULE_PARTS,  /* some part is `+` */
};

/* Everything is owned, unless it says otherwise. */
struct rule {
	char *path; /* without a slash in front and `*` at the end */
	enum rule_kind kind;
	bool open;             /* ended in `*` */
	bool templated;        /* names an identity: matches nothing, as there are none */
	bool has_policy;       /* `policy` was set */
	unsigned capabilities; /* CAPABILITY_BITs; CAPABILITY_DENY stands alone */
	json_t *allowed; /* parameters: name in lower case → list of values; NULL: no limit */
	json_t *denied;
	json_t *required;           /* an object whose keys are names in lower case; NULL: none */
	int64_t min_wrap, max_wrap; /* seconds; 0: no limit */
	int64_t expires;            /* seconds since 1970 from which on it is none; 0: never */
	const char *unkept;         /* a key that demands what nobody does here; literal, or NULL */
	unsigned line;              /* in the text; 1 in JSON */
	/* Borrowed. */
	const char *policy;      /* its policy's name */
	const struct rule *same; /* in an ACL: the next one of its path, merged into this one */
};

struct policy {
	char *name;
	struct rule *rules; /* in the order of the text */
	size_t count, capacity;
};

/* Reads a text. *policy_out is new. 0, LH_ENOMEM, or LH_EINVAL with what is wrong, on which line,
 * and what was expected, in words that clients of Vault know. */
int policy_parse(const char *name, const char *text, size_t size, struct policy **policy_out,
		 struct err *err);
void policy_free(struct policy *policy);

/* The names of CAPABILITY_BITs, sorted, as clients see them; "deny" if there are none. A new array,
 * NULL if memory is out. */
json_t *capability_names(unsigned capabilities);

/* The capability of a name as policies write it; CAPABILITY_NONE if there is none. And back. */
enum capability capability_find(const char *name);
const char *capability_name(enum capability capability);

#endif
