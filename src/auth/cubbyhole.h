/* SPDX-License-Identifier: Apache-2.0 */
/* The cubbyhole of a token or an identity: a small folder that nobody else can read.
 *
 * One record for each token (store/key.h, family C) holds all of it as one JSON object, path →
 * data, sealed for the bearer (crypto/bearer.h); an identity has no secret of its own, so what it keeps
 * is sealed by the store alone. It goes with its owner. */
#ifndef AUTH_CUBBYHOLE_H
#define AUTH_CUBBYHOLE_H

#include <jansson.h>

#include "crypto/keyring.h"

struct caller;
struct err;
struct store;
struct store_batch;

#define CUBBYHOLE_SIZE_MAX    (64 * 1024) /* bytes of the JSON text */
#define CUBBYHOLE_ENTRIES_MAX 256

/* Whose it is, as it was looked up. Borrowed. */
struct cubbyhole_owner {
	const struct caller *caller;
	const char *token; /* as text; that of an identity does not count */
};

/* What lies at a path of the cubbyhole. *data_out is new. 0, LH_ENOENT, LH_ENOMEM,
 * LH_ECORRUPT, LH_EIO. */
int cubbyhole_get(struct store *store, const struct cubbyhole_owner *owner, const char *path,
		  json_t **data_out);

/* Puts data (borrowed) at the path, instead of what was there. LH_EINVAL with a sentence: over one
 * of the limits; LH_ECONFLICT: another write was faster (try again); LH_EPERM: the owner
 * or an ancestor was revoked meanwhile; else errors of the store. */
int cubbyhole_put(struct store *store, const struct cubbyhole_owner *owner, const char *path,
		  const json_t *data, struct err *err);

/* 0 also when nothing is there; else as cubbyhole_put. */
int cubbyhole_delete(struct store *store, const struct cubbyhole_owner *owner, const char *path);

/* The names under prefix ("" or ending in a slash), folders with their slash, in order. *names_out is
 * a new array, which may be empty. Errors as cubbyhole_get, but LH_ENOENT. */
int cubbyhole_list(struct store *store, const struct cubbyhole_owner *owner, const char *prefix,
		   json_t **names_out);

/* Adds to a batch that the cubbyhole of a token (its keyed name) goes. */
void cubbyhole_forget(struct store_batch *batch, const unsigned char token[KEYRING_NAME_SIZE]);

#endif
