/* SPDX-License-Identifier: Apache-2.0 */
/* What the files about tokens share: their records and keys. */
#ifndef AUTH_TOKEN_PRIV_H
#define AUTH_TOKEN_PRIV_H

#include "auth/token.h"
#include "store/key.h"
#include "store/store.h"

struct buf;

#define TOKEN_SERVICE_PREFIX "hvs."
#define TOKEN_BATCH_PREFIX   "hvb."

/* Reads the record of a token, alive or not. *record_out is new. size_out: bytes of its text; NULL
 * allowed. 0, LH_ENOENT, LH_ECORRUPT, … */
int record_get(struct store *store, const unsigned char name[KEYRING_NAME_SIZE],
	       json_t **record_out, uint64_t *revision_out, size_t *size_out);

/* Adds to a batch what writes it; revision 0: it must not exist yet. 0, LH_ENOMEM, LH_ERANGE. */
int record_put(struct store_batch *batch, const unsigned char name[KEYRING_NAME_SIZE],
	       const json_t *record, uint64_t revision);

/* The record that makes the terms true. New, NULL if memory is out. */
json_t *record_new(const struct token_terms *terms, const struct token_made *made);

/* Fills the caller but for keyed names and revision. Texts and lists are new; clear them in any case.
 * 0, LH_ECORRUPT, LH_ENOMEM. */
int record_read(const json_t *record, struct caller *caller);

/* The parent's keyed name. false: an orphan. */
bool record_parent(const json_t *record, unsigned char parent_out[KEYRING_NAME_SIZE]);

/* Whether the record of its parent's name is its parent's still, and not that of another token to which
 * the same id was given after that one's end. */
bool record_is_child(const json_t *record, const json_t *parent);

/* When the revoker must look at it, seconds since 1970; 0: never. */
int64_t record_due(const json_t *record);

/* When it ends; 0: never. */
int64_t record_expires_ns(const json_t *record);

/* Whether it lives by itself, whatever its ancestors do. */
bool record_is_alive(const json_t *record, int64_t now_ns);

/* What stands in the way of a token. LH_ECONFLICT: it went between two looks, and the token too. */
enum tombstone { TOMBSTONE_NONE, TOMBSTONE_TREE, TOMBSTONE_ORPHAN };
int tombstone_read(struct store *store, const unsigned char name[KEYRING_NAME_SIZE],
		   enum tombstone *tombstone_out);

/* batch.c: the token as text, new; and its record. LH_EPERM: not one of ours. */
int batch_token_seal(struct store *store, const json_t *record, char **token_out);
int batch_token_open(struct store *store, const char *token, json_t **record_out);

/* Keys, of families A, k and e. */
int key_token_accessor(const struct keyring *keyring, struct key *key, const char *accessor);
void key_token_child(struct key *key, const unsigned char parent[KEYRING_NAME_SIZE],
		     const unsigned char child[KEYRING_NAME_SIZE]); /* NULL: all of them */
void key_token_due(struct key *key, int64_t due, const unsigned char name[KEYRING_NAME_SIZE]);

#endif
