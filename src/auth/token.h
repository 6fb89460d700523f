/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens: made, found, used, renewed, revoked.
 *
 * A service token is a record under its keyed name; the token itself is stored nowhere. A batch
 * token is its own record, sealed by the store for nobody else to read.
 *
 * Tokens form trees: a token dies with any of its ancestors. One commit kills a tree: a tombstone of
 * its root, which every look-up below it and every commit of a lease below it checks. The revoker
 * finds the dead root in an index by time and takes away what it owned, leaf by leaf (tree.h); at
 * last record and tombstone go together. So what is found here without a tombstone is alive. */
#ifndef AUTH_TOKEN_H
#define AUTH_TOKEN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/auth.h"

struct buf;
struct key;
struct store;
struct store_batch;

#define TOKEN_TEXT_MAX   4096        /* bytes of a token, so that every web server takes it */
#define TOKEN_RECORD_MAX (64 * 1024) /* bytes of its record: metadata and policies have a limit */
#define TOKEN_ACCESSOR   24          /* characters */

/* The path of the token that init makes, which nothing ends or renews but an explicit revocation. */
#define TOKEN_ROOT_PATH "auth/token/root"

/* The policy of wrapping tokens, which no other token has. */
#define TOKEN_WRAPPING_POLICY "response-wrapping"

/* What a new token is to be. Everything is borrowed. */
struct token_terms {
	enum token_type type;
	const struct caller *parent; /* NULL: an orphan */
	const struct caller *asker; /* of an orphan: who must be alive at its birth; NULL: nobody */
	const char *id;             /* chosen by who asks; NULL: drawn at random */
	const char *display_name;
	const char *path;
	const char *role;              /* NULL: none */
	const json_t *policies;        /* array of names, as they are kept */
	const json_t *metadata;        /* NULL: none */
	const json_t *bound_cidrs;     /* NULL: none */
	const unsigned char *identity; /* keyed name, KEYRING_NAME_SIZE; NULL: none */
	int64_t ttl;                   /* seconds; 0: it never ends */
	int64_t explicit_max;          /* seconds; 0: none */
	int64_t period;                /* seconds; 0: none */
	int64_t num_uses;              /* 0: not counted */
	bool renewable;
};

/* What came of it. Release with token_made_clear, which wipes. */
struct token_made {
	char *token;
	char accessor[TOKEN_ACCESSOR + 1]; /* "" for batch tokens */
	unsigned char name[KEYRING_NAME_SIZE];
	int64_t issued_ns;
	int64_t expires_ns; /* 0: never */
};

void token_made_clear(struct token_made *made);

/* Appends a text as a part of a display name, which goes into names in the cloud: each character that
 * is no ASCII letter or digit becomes a hyphen. */
void token_add_display_name(struct buf *out, const char *text);

/* Makes a token and commits it. 0; LH_EEXIST: there is one with this id; LH_ECONFLICT: its parent,
 * or who asked for it, was revoked meanwhile; LH_ERANGE: its ancestors, or the bytes of its record,
 * are too many; LH_EFULL, LH_EIO, LH_ENOMEM. */
int token_create(struct store *store, const struct token_terms *terms, struct token_made *made_out);

/* The same as a part of a batch (at most TOKEN_ADD_OPS operations), with the conditions under which
 * it may be born. 0, LH_ERANGE, LH_EIO, LH_ENOMEM. */
#define TOKEN_ADD_OPS (TOKEN_ANCESTORS_MAX + 7)
int token_add(struct store *store, struct store_batch *batch, const struct token_terms *terms,
	      struct token_made *made_out);

/* Finds a token that is alive by its accessor, or by its keyed name. 0, LH_ENOENT, LH_ECORRUPT,
 * LH_EIO, LH_ENOMEM. (By itself: auth_lookup.) */
int token_find_accessor(struct store *store, const char *accessor, struct caller *caller_out);
int token_find_name(struct store *store, const unsigned char name[KEYRING_NAME_SIZE],
		    struct caller *caller_out);

/* Whether the other token is the caller's own, one of its descendants, or of the same identity. */
bool token_is_within(const struct caller *other, const struct caller *caller);

/* Takes one use of a counted token, under the condition that nobody took one meanwhile; the last one
 * leaves TOKEN_USED_UP, and the revoker takes the token away at `until` (seconds since 1970), should
 * the caller die before it does so itself with token_revoke. 0; LH_EPERM: it died meanwhile;
 * LH_ECONFLICT: look it up again; LH_EFULL, LH_EIO, LH_ENOMEM. */
int token_use(struct store *store, struct caller *caller, int64_t until);

/* Prolongs a token from now on by ttl seconds, under the condition that it is alive and was not
 * changed since it was looked up; updates it. Errors as token_use. */
int token_renew(struct store *store, struct caller *caller, int64_t ttl);

enum token_revocation {
	TOKEN_REVOKE_TREE,   /* with all of its descendants */
	TOKEN_REVOKE_ORPHAN, /* its children live on as orphans */
};

/* Kills a token in one commit; what it owned is taken away by the revoker. 0 also when it is dead
 * already, but LH_EPERM where its children shall live on: they died with it. Batch tokens cannot be
 * revoked. LH_EFULL, LH_EIO, LH_ENOMEM. */
int token_revoke(struct store *store, const unsigned char name[KEYRING_NAME_SIZE],
		 enum token_revocation revocation);

/* The same as a part of a batch, which fails with LH_ECONFLICT when the token is dead already. */
void token_revoke_add(struct store_batch *batch, const unsigned char name[KEYRING_NAME_SIZE],
		      enum token_revocation revocation);

/* Adds to a batch that a token is due at `until` (seconds since 1970), where its own end is later:
 * it is on its way to somebody, and ends then unless token_release says that it arrived. *held_out
 * false: it is dead, or another one by its accessor, or ends sooner; nothing was added. At most
 * TOKEN_HOLD_OPS operations, which fail with LH_ECONFLICT when it is changed meanwhile. 0,
 * LH_ECORRUPT, LH_EIO, LH_ENOMEM. */
#define TOKEN_HOLD_OPS 4
int token_hold(struct store *store, struct store_batch *batch,
	       const unsigned char name[KEYRING_NAME_SIZE], const char *accessor, int64_t until,
	       bool *held_out);

/* It arrived: from now on it is due at its own end. 0 also when it is dead or was not held; LH_EFULL,
 * LH_ECONFLICT (others change it all the time), LH_ECORRUPT, LH_EIO, LH_ENOMEM. */
int token_release(struct store *store, const unsigned char name[KEYRING_NAME_SIZE]);

/* Expects that the token and all of its ancestors are alive: whatever is born to it stands in a
 * batch with this. At most TOKEN_ANCESTORS_MAX + 2 operations. */
void token_expect_alive(struct store_batch *batch, const struct caller *caller);

/* Writes down that a batch token or an identity owns something, so that it ends with it: nothing that
 * would let anybody use or make the token. No-op for service tokens. At most 3 operations. */
int token_trace(struct store_batch *batch, const struct caller *caller);

/* Keyed names of the accessors of tokens in no order, `after` an accessor ("": from the start); at
 * most max of them are given to add. A non-zero return of add ends it and is returned. */
typedef int (*token_accessor_visit)(void *context, const char *accessor);
int token_list_accessors(struct store *store, const char *after, size_t max,
			 token_accessor_visit add, void *context);

/* Whether a request may come from this address: one of the token's bound CIDRs holds it, or there
 * are none. */
bool token_allows_address(const struct caller *caller, const char *address);

/* Whether the text is an address or a CIDR block, IPv4 or IPv6. */
bool cidr_is_valid(const char *text);

/* ---- Keys (store/key.h) ---- */

void key_token(struct key *key, const unsigned char name[KEYRING_NAME_SIZE]);
void key_token_tombstone(struct key *key, const unsigned char name[KEYRING_NAME_SIZE]);

#endif
