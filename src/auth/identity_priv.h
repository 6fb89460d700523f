/* SPDX-License-Identifier: Apache-2.0 */
/* What the files about identities share, and those about entries of auth/cert. */
#ifndef AUTH_IDENTITY_PRIV_H
#define AUTH_IDENTITY_PRIV_H

#include "auth/identity.h"
#include "crypto/keyring.h"

struct key;
struct store_batch;

/* The generation of all entries. */
void key_identities(struct key *key);

/* The keyed name of the root of an entry's tree. 0, LH_EIO, LH_ENOMEM. */
int identity_root(struct store *store, const char *id, unsigned char name_out[KEYRING_NAME_SIZE]);

/* Draws the "id" of a new entry, and adds the root of its tree to the batch. Errors as above. */
int identity_root_add(struct store *store, struct store_batch *batch, json_t *entry);

#endif
