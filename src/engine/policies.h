/* SPDX-License-Identifier: Apache-2.0 */
/* The policies of a role: documents of its own, and names of policies that exist in the cloud. */
#ifndef ENGINE_POLICIES_H
#define ENGINE_POLICIES_H

#include <jansson.h>
#include <stddef.h>

struct err;

/* Policies of one kind in a role. Far above what a cloud attaches to a user, and low enough for one
 * round of calls. */
#define POLICIES_MAX 100

/* What a cloud's documents look like. */
struct document_rules {
	const char *version;   /* the member that names the language, */
	const char *language;  /* and what stands there */
	const char *statement; /* the member with the statements */
	size_t max;            /* bytes */
};

/* How an existing policy is named: "name:N,type:T". */
struct remote_rules {
	const char *name, *scope; /* the two keys, as they are written and stored */
	const char *scope_word;   /* the second one in messages */
	const char *id;         /* NULL, or a member for the cloud's number, 0 until it is known */
	const char *more;       /* characters of a name besides letters and digits, */
	const char *characters; /* all of them in words, */
	int max;                /* and how many they may be */
	const char *const *scopes; /* NULL-terminated, */
	const char *scopes_words;  /* and in words */
};

/* The two policy lists of a role, from what a request carries: a JSON text, and texts of pairs.
 * *policies_out is new: [{"hash", "policy_document"}], or [{name, scope}]. random is 32 hex digits.
 * 0, LH_ENOMEM, or LH_EINVAL with the field named in err. */
int policies_inline(const struct document_rules *rules, const char *text, const char *random,
		    json_t **policies_out, struct err *err);
int policies_remote(const struct remote_rules *rules, const json_t *texts, json_t **policies_out,
		    struct err *err);

#endif
