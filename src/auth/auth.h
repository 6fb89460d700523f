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

/* The caller as every handler receives it; free its members with caller_clear. */
struct caller {
	unsigned char token[KEYRING_NAME_SIZE]; /* keyed name: owner of what it issues */
	char *accessor;
	char *display_name;
	json_t *policies; /* array of names */
	bool root;
	int64_t created; /* seconds since 1970 */
};

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

/* Finds the token's owner. 0, LH_EPERM (unknown token), LH_EIO, LH_ENOMEM. */
int auth_lookup(struct store *store, const char *token, struct caller *caller_out);

/* Draws a new root token, `hvs.` and 24 base62 characters, and adds its record (only the keyed name)
 * to the batch. token_out has room for 32 bytes; the caller wipes it. 0, LH_ENOMEM, LH_EIO. */
struct keyring;
int auth_new_root(const struct keyring *keyring, struct store_batch *batch, char *token_out);

#endif
