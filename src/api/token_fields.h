/* SPDX-License-Identifier: Apache-2.0 */
/* The fields by which token roles and entries of auth methods say what tokens are to be. */
#ifndef API_TOKEN_FIELDS_H
#define API_TOKEN_FIELDS_H

#include <jansson.h>
#include <stddef.h>

struct context;
struct err;

/* A member and the name that it had once. */
struct token_field_names {
	const char *name, *old;
};

/* Copies those of the members that were sent. 0 or LH_ENOMEM. */
int token_fields_take(const json_t *fields, const char *const *members, size_t count,
		      json_t *target);

/* The same of members with an old name: that sets both, the new one alone clears what the old one had
 * said. Where both were sent, a warning is in the outcome. */
int token_fields_take_renamed(struct context *context, const struct token_field_names *members,
			      size_t count, json_t *target);

/* The member "token_type"; usual: what "" and "default" stand for. 0, LH_EINVAL, LH_ENOMEM. */
int token_fields_take_type(const json_t *fields, const char *usual, json_t *target,
			   struct err *err);

/* 0, or LH_EINVAL with the member's name in the sentence. */
int token_fields_check_cidrs(const json_t *target, const char *member, struct err *err);

/* Whether who is no token may be given these policies, which are cleaned. owner: "an identity", for
 * the sentence. 0 or LH_EINVAL. */
int token_fields_check_policies(const json_t *policies, const char *owner, struct err *err);

#endif
