/* SPDX-License-Identifier: Apache-2.0 */
/* What the handlers of auth/token/ share. */
#ifndef API_TOKEN_H
#define API_TOKEN_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct caller;
struct context;
struct err;

/* The `auth` member of an answer: the token as `caller` describes it, its text (or ""), and its
 * seconds. New, NULL if memory is out. */
json_t *token_auth(const struct caller *caller, const char *token, int64_t ttl);

/* The token of field "accessor", if the caller may reach it. LH_EPERM: the refusal is in the outcome.
 * LH_ENOENT: there is none, and the caller may know that. Other errors are faults. */
int token_of_accessor(struct context *context, struct caller *caller_out);

/* ---- Policies (token_policies.c) ---- */

/* Lower-cased, trimmed, sorted names without doubles, and one more (NULL: none). New; NULL if memory is
 * out. names NULL: none. */
json_t *names_clean(const json_t *names, const char *more);

/* The same of what somebody is to have: "default" among them if it is to be added; only "root" if that
 * is one of them, as nothing else counts beside it. */
json_t *policies_clean(const json_t *names, bool add_default);

/* What decides about the policies of a new token. Borrowed. */
struct policies_wanted {
	const struct caller *parent;
	const json_t *role;  /* NULL: none */
	const json_t *names; /* asked for; NULL or empty: none */
	bool sudo;
	bool no_default;
};

/* The policies of the new token. New. 0; LH_EINVAL with the contract's words in err; LH_ENOMEM. */
int policies_choose(const struct policies_wanted *wanted, json_t **policies_out, struct err *err);

#endif
