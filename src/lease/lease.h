/* SPDX-License-Identifier: Apache-2.0 */
/* A lease: what was planned, what was made of it, who owns it and when it ends.
 *
 *   PENDING  → (WRAPPED →) ISSUED → ACTIVE → REVOKING → (SWEEPING →) gone
 *
 * PENDING:  recorded before the first call to the cloud; names everything that may come to be.
 * WRAPPED:  the cloud has made it all; the reply lies in a wrapper that nobody has opened.
 * ISSUED:   the cloud has made it all; the reply is not known to have been sent.
 * ACTIVE:   the reply was sent.
 * REVOKING: is being taken back; nothing brings it back to life.
 * SWEEPING: taken back, but a lost call may still take effect; hidden, revoked again until sure.
 *
 * A PENDING or ISSUED lease that reaches its due time belongs to a dead worker, a WRAPPED one to a
 * wrapper that has ended, and is revoked: one mechanism undoes failed issues, crashes, undelivered
 * replies and unopened wrappers. The secret is never in it. */
#ifndef LEASE_LEASE_H
#define LEASE_LEASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/keyring.h"

struct err;
struct store;
struct store_batch;

enum lease_state {
	LEASE_PENDING = 1,
	LEASE_ISSUED,
	LEASE_ACTIVE,
	LEASE_REVOKING,
	LEASE_SWEEPING,
	LEASE_WRAPPED,
};

#define LEASE_UUID_SIZE    16
#define LEASE_ERROR_MAX    240
#define LEASE_TRIES_LISTED 6 /* failed attempts after which a lease is listed as irrevocable */

struct lease_key {
	unsigned char name[KEYRING_NAME_SIZE];
};

struct lease {
	char *id; /* "alicloud/creds/app/3tYq…": the path of the request and 24 characters */
	enum lease_state state;
	bool renewable;
	bool forced;  /* revoke-force: forgotten after one attempt */
	bool lasting; /* something stays in the cloud that must be taken back */
	bool keyless; /* REVOKING: no key of it works any more, only the rest is left */
	unsigned char mount[LEASE_UUID_SIZE];
	struct lease_key owner; /* keyed name of the token */
	char *engine;           /* type */
	char *role;
	char *account;      /* of the cloud; "" before it is known */
	char *plan;         /* JSON: names */
	char *facts;        /* JSON: ids; "" before it was issued */
	int64_t issued_ns;  /* wall clock */
	int64_t renewed_ns; /* 0: never */
	int64_t expires_ns;
	int64_t ttl;          /* seconds, as last granted */
	int64_t due;          /* seconds since 1970: when the revoker must look at it */
	int64_t unsure_until; /* seconds: until then a lost call may take effect; 0: none was lost */
	uint32_t tries;       /* failed revocations */
	uint32_t sweeps;      /* sweeps done */
	char *error;          /* of the last failed revocation; "" */

	uint64_t revision; /* of the record as read; 0 for a new one. Not stored. */
};

/* The keyed name of a lease id. 0 or LH_EIO. */
int lease_key(const struct store *store, const char *id, struct lease_key *key_out);

/* Reads one lease, by id or by key. *lease_out is new. 0, LH_ENOENT, LH_ENOMEM, LH_ECORRUPT, LH_EIO. */
int lease_get(struct store *store, const char *id, struct lease **lease_out);
int lease_get_key(struct store *store, const struct lease_key *key, struct lease **lease_out);

/* New copy. NULL if memory is out. */
struct lease *lease_copy(const struct lease *lease);
void lease_free(struct lease *lease);

/* Adds to a batch what turns `old` into `new`: record, due entry and indexes together, under the
 * condition that the record still has old's revision. old NULL: it must not exist yet; new NULL: it
 * goes. Both are borrowed. 0, LH_ENOMEM, LH_EIO; at most LEASE_BATCH_OPS operations. */
#define LEASE_BATCH_OPS 8
int lease_change(struct store *store, struct store_batch *batch, const struct lease *old,
		 const struct lease *new);

/* Expects that the mount has no tombstone. Whether the owner is alive is for auth/token.h to say. */
void lease_expect_alive(struct store_batch *batch, const struct lease *lease);

/* The key of that tombstone (store/key.h, family x), for whoever writes it. */
struct key;
void key_tombstone_mount(struct key *key, const unsigned char mount[LEASE_UUID_SIZE]);

/* Whether anybody but the revoker may see it. */
bool lease_visible(const struct lease *lease);

/* The path that made it, without the last part; length in *size_out. Borrowed from id. */
const char *lease_path(const struct lease *lease, size_t *size_out);

/* For record codecs alone: bytes <-> struct. */
struct buf;
void lease_encode(const struct lease *lease, struct buf *out);
int lease_decode(const void *data, size_t size, struct lease **lease_out);

#endif
