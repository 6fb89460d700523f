/* SPDX-License-Identifier: Apache-2.0 */
/* A role, as it is stored and as a read shows it:
 *   {"role_arn", "inline_policies", "remote_policies", "ttl", "max_ttl"}
 * both lists null until they are supplied, then as in policies.h. */
#ifndef ENGINE_ROLE_H
#define ENGINE_ROLE_H

#include "engine/engine.h"
#include "engine/policies.h"

struct err;

/* Rows of role_fields that are the same for every cloud. */
#define ROLE_FIELD_INLINE                                                                          \
	{                                                                                          \
		"inline_policies", FIELD_STRING,                                                   \
			"JSON text of an array of policy documents; each becomes a policy of its " \
			"own for every user that is made.",                                        \
			false, false                                                               \
	}
#define ROLE_FIELD_TTL                                                                             \
	{                                                                                          \
		"ttl", FIELD_DURATION,                                                             \
			"How long a credential lives unless it is renewed; 0 means the mount's "   \
			"default.",                                                                \
			false, false                                                               \
	}
#define ROLE_FIELD_MAX_TTL                                                                         \
	{                                                                                          \
		"max_ttl", FIELD_DURATION,                                                         \
			"How long a credential lives at most, renewals included; 0 means the "     \
			"mount's limit.",                                                          \
			false, false                                                               \
	}

/* What differs between clouds. */
struct role_rules {
	bool (*is_arn)(const char *text);
	const char *arn_form; /* what it must look like */
	const struct document_rules *document;
	const struct remote_rules *remote;
	/* Optional. Warns of what the cloud will not do, more policies than it attaches for example. */
	void (*warn)(const json_t *role, struct warnings *warnings);
};

/* What struct engine says about check_role, show_role and role_ttl. */
int role_check(const struct role_rules *rules, const json_t *stored, const json_t *input,
	       const struct role_limits *limits, const char *random, json_t **role_out,
	       struct warnings *warnings, struct err *err);
json_t *role_show(const json_t *role);
void role_ttl(const json_t *role, int64_t *ttl_out, int64_t *max_ttl_out);

#endif
