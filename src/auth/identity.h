/* SPDX-License-Identifier: Apache-2.0 */
/* Identities: whom the web server vouches for, by a method and a name, and what that grants.
 *
 * An entry stands under a method and a name, or a glob of names. It has an id of its own, drawn when
 * it is made, and a root in the forest of tokens (token.h) by which all that was given on its
 * strength dies in one commit with it: identities that own something and tokens of logins are the
 * root's children. Whom an entry serves is a caller of the type TOKEN_IDENTITY. What they own belongs
 * to the exact method and name, under the entry that granted it.
 *
 * A change of any entry raises the generation "identities" (store/key.h) in its own commit; each
 * process that answers requests keeps the entries as it has read them under one generation. */
#ifndef AUTH_IDENTITY_H
#define AUTH_IDENTITY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct caller;
struct identities;
struct store;
struct token_made;
struct token_terms;

#define IDENTITY_NAME_MAX    256 /* bytes of a name, or of a glob */
#define IDENTITY_ENTRIES_MAX 4096
#define IDENTITY_ENTRY_MAX   (128 * 1024)       /* bytes of an entry's record */
#define IDENTITY_PATH        "auth/proxy/login" /* the path of identities and their tokens */
#define IDENTITY_LOGIN_TTL   3600               /* seconds, where an entry says nothing */

/* How the web server came to know somebody. */
enum identity_method {
	IDENTITY_CERT,
	IDENTITY_BASIC,
	IDENTITY_REQUEST,
	IDENTITY_ADDRESS,
	IDENTITY_MAP,
	IDENTITY_METHODS,
};

/* "cert", "basic", …; the other way round: IDENTITY_METHODS if it is none of them. */
const char *identity_method_name(enum identity_method method);
enum identity_method identity_method_find(const char *name);

/* 1 to IDENTITY_NAME_MAX bytes of printable UTF-8. */
bool identity_name_is_valid(const char *name);

/* ---- Entries: {"id", "policies", "ttl", "max_ttl", "bound_cidrs", "metadata", "rate"} ---- */

/* *entry_out is new. 0, LH_ENOENT, LH_ECORRUPT, LH_EIO, LH_ENOMEM. */
int identity_get(struct store *store, enum identity_method method, const char *name,
		 json_t **entry_out, uint64_t *revision_out);

/* Stores an entry as it was changed since that revision; 0: a new one, which is given its id here.
 * 0; LH_ECONFLICT: read it again; LH_ERANGE: it is too long; LH_EFULL, LH_EIO, LH_ENOMEM. */
int identity_put(struct store *store, enum identity_method method, const char *name, json_t *entry,
		 uint64_t revision);

/* Deletes an entry, and kills in the same commit all that was given on its strength; the revoker does
 * the rest. 0 also when there is none. LH_ECONFLICT: somebody else did it at once; else as above. */
int identity_delete(struct store *store, enum identity_method method, const char *name);

/* Names and globs of a method in order, behind `after` ("": all), at most max. A non-zero return of
 * add ends it and is returned. */
typedef int (*identity_visit)(void *context, const char *name);
int identity_list(struct store *store, enum identity_method method, const char *after, size_t max,
		  identity_visit add, void *context);

/* ---- Finding ---- */

/* store: borrowed, outlives it. 0 or LH_ENOMEM. */
int identities_new(struct store *store, struct identities **identities_out);
void identities_free(struct identities *identities);

/* What the name may do: by the entry of exactly this name, else by the glob with the longest text
 * before its first `*` (then the longest glob, then the first in order). Release the caller with
 * caller_clear; its lists are shared and not to be changed.
 * 0; LH_ENOENT: no entry; LH_EPERM: what it owned is being taken away; LH_ERANGE: there are many more
 * than IDENTITY_ENTRIES_MAX entries; LH_ECORRUPT, LH_EIO, LH_ENOMEM. */
int identities_find(struct identities *identities, enum identity_method method, const char *name,
		    struct caller *caller_out);

/* How many requests a second the entry that serves a name now allows it; 0: any number, or there is
 * no such entry. 0, LH_ECORRUPT, LH_EIO, LH_ENOMEM. */
int identities_rate(struct identities *identities, enum identity_method method, const char *name,
		    unsigned *rate_out);

/* Whether one more entry may be made. All who ask at the same time may be told of the same room: what is
 * made on the strength of it is served all the same. Errors as above. */
int identities_have_room(struct identities *identities, bool *room_out);

/* Gives an identity a token: with its policies, metadata and addresses, and below the same entry.
 * terms: ttl, explicit_max, renewable and path; the rest is set here. Errors as token_create. */
int identity_log_in(struct store *store, const struct caller *identity, struct token_terms *terms,
		    struct token_made *made_out);

#endif
