/* SPDX-License-Identifier: Apache-2.0 */
/* Who is asking, and whether that is allowed. */
#ifndef AUTH_AUTH_H
#define AUTH_AUTH_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "crypto/keyring.h"

struct err;
struct store;
struct store_batch;

#define TOKEN_ANCESTORS_MAX 16

enum token_type {
	TOKEN_SERVICE, /* hvs., or an id of one's own: stored */
	TOKEN_BATCH,   /* hvb.: sealed, stored nowhere, cannot be renewed or revoked */
	/* No token at all: whom the web server vouches for, see identity.h. Stored as soon as it
	 * owns something, without an end. */
	TOKEN_IDENTITY,
};

/* A token as it was looked up: the caller as every handler receives it, or one who is asked about.
 * Free its members with caller_clear. */
struct caller {
	unsigned char token[KEYRING_NAME_SIZE]; /* keyed name: owner of what it issues */
	enum token_type type;
	/* Keyed names of those with whom it dies, nearest first. */
	unsigned char ancestors[TOKEN_ANCESTORS_MAX][KEYRING_NAME_SIZE];
	size_t ancestor_count; /* 0: an orphan */
	char *accessor;        /* "" for batch tokens */
	char *display_name;
	char *path;          /* of the request that made it: "auth/token/create" */
	char *role;          /* token role; "" */
	json_t *policies;    /* array of names */
	json_t *metadata;    /* object of texts; NULL: none was given */
	json_t *bound_cidrs; /* array of texts; NULL: from anywhere */
	/* Of an identity, and of the tokens that it was given: its keyed name. */
	unsigned char identity[KEYRING_NAME_SIZE];
	bool identified; /* it has one */
	unsigned rate;   /* requests a second that an identity may make; 0: any number */
	bool root;
	bool wrapping; /* made to unwrap one response */
	bool renewable;
	int64_t num_uses;     /* left; 0: not counted; TOKEN_USED_UP: this is the last */
	int64_t created;      /* seconds since 1970 */
	int64_t issued_ns;    /* the same, more exactly */
	int64_t renewed_ns;   /* 0: never */
	int64_t expires_ns;   /* 0: never */
	int64_t creation_ttl; /* seconds; 0: it never ends */
	int64_t ttl;          /* as last granted */
	int64_t explicit_max; /* seconds since its creation; 0: none */
	int64_t period;       /* seconds; 0: not periodic */

	/* Of the records as they were read, for who wants to know whether they are the same still. */
	uint64_t revision; /* 0: of a batch token, which has none */
	uint64_t ancestor_revisions[TOKEN_ANCESTORS_MAX];
	int64_t ends_ns; /* the end of it or of an ancestor, whichever comes first; 0: never */
	size_t record_size;
};

#define TOKEN_USED_UP (-1)

void caller_clear(struct caller *caller);

/* What a route wants to do at a path. */
enum capability {
	CAPABILITY_NONE, /* open to everybody, token or not */
	CAPABILITY_SELF, /* any valid token */
	CAPABILITY_CREATE,
	CAPABILITY_READ,
	CAPABILITY_UPDATE,
	CAPABILITY_DELETE,
	CAPABILITY_LIST,
	CAPABILITY_PATCH,
	CAPABILITY_SUDO,
	CAPABILITY_DENY,
};

/* Finds a token. 0, LH_EPERM (unknown, ended, used up, revoked, or an ancestor is), LH_ECORRUPT,
 * LH_EIO, LH_ENOMEM. */
int auth_lookup(struct store *store, const char *token, struct caller *caller_out);

/* Draws a new root token, `hvs.` and 24 base62 characters, and adds its record (only the keyed name)
 * to the batch. token_out has room for 32 bytes; the caller wipes it. 0, LH_ENOMEM, LH_EIO. */
struct keyring;
int auth_new_root(const struct keyring *keyring, struct store_batch *batch, char *token_out);

#endif
