/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of one store.
 *
 * The master key (a file of 32 bytes as 64 hex digits) seals the keyring; the keyring's root keys
 * give subkeys by HKDF, one for each purpose: no key has two uses. A new root key is added by
 * rotation; old ones stay to open what they sealed. The subkey that makes database keys comes from
 * the first root key for ever, else no record would be found again.
 *
 * Keys live in one locked mapping that is left out of core files. */
#ifndef CRYPTO_KEYRING_H
#define CRYPTO_KEYRING_H

#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;
struct keyring;

#define MASTER_KEY_SIZE   32
#define KEYRING_ROOTS_MAX 1024 /* a rotation a week for twenty years */

/* Reads the master key from its file (util/file.h: private to the process's user).
 * 0, or with a sentence LH_ENOENT, LH_EPERM, LH_EINVAL (digits), LH_ERANGE (far too long), LH_ENOMEM,
 * LH_EIO; the key is zeroed then. The caller wipes it. */
int master_key_read(const char *path, unsigned char key[MASTER_KEY_SIZE], struct err *err);

/* Makes a new key file (util/file.h); LH_EEXIST if there is one. */
int master_key_create(const char *path, struct err *err);

/* A new keyring with one random root key, to be sealed under master. 0, LH_ENOMEM or LH_EIO. */
int keyring_new(const unsigned char master[MASTER_KEY_SIZE], struct keyring **keyring_out);

/* The keyring sealed under its master key, for the store's record; bound to the store's id.
 * Appended to out. 0, LH_ENOMEM or LH_EIO. */
int keyring_wrap(const struct keyring *keyring, const char *store_id, struct buf *out);

/* *keyring_out is new. 0, LH_ECORRUPT if the master key is another store's (or the bytes are broken),
 * LH_ERANGE (more than KEYRING_ROOTS_MAX keys), LH_ENOMEM or LH_EIO. */
int keyring_unwrap(const void *sealed, size_t size, const unsigned char master[MASTER_KEY_SIZE],
		   const char *store_id, struct keyring **keyring_out);

/* Takes in place the keys of a newer record, after another process rotated: the master key is not
 * needed again, and nothing changes when it fails. Errors as keyring_unwrap. */
int keyring_reload(struct keyring *keyring, const void *sealed, size_t size, const char *store_id);

/* Adds a root key with which everything new is sealed from then on. 0, LH_EIO, or LH_ERANGE when
 * there are KEYRING_ROOTS_MAX already. */
int keyring_rotate(struct keyring *keyring);

/* What the web server proves itself with when it says who somebody is: hex digits, the same as long as
 * the master key is. secret_out: wiped by the caller. 0 or LH_EIO. */
#define WEB_SECRET_SIZE 64
int web_secret_derive(const unsigned char master[MASTER_KEY_SIZE],
		      char secret_out[WEB_SECRET_SIZE + 1]);

/* The same, of the master key that opened the keyring. Borrowed. */
const char *keyring_web_secret(const struct keyring *keyring);

/* Wipes and frees. NULL is allowed. */
void keyring_free(struct keyring *keyring);

/* Seals plain under the newest value key: key id (4 bytes) | nonce | ciphertext | tag are appended
 * to out. 0, LH_ENOMEM or LH_EIO. */
int keyring_seal(const struct keyring *keyring, const void *ad, size_t ad_size, const void *plain,
		 size_t size, struct buf *out);

/* Opens what keyring_seal made, appending to out. LH_ENOENT: sealed under a key that this keyring
 * does not have (read the keyring again); LH_ECORRUPT: not made for this ad, or broken. */
int keyring_open(const struct keyring *keyring, const void *ad, size_t ad_size, const void *sealed,
		 size_t size, struct buf *out);

/* The same under a key of its own, for batch tokens: what the store holds can never pass for a token,
 * nor a token for something stored. */
int keyring_seal_token(const struct keyring *keyring, const void *ad, size_t ad_size,
		       const void *plain, size_t size, struct buf *out);
int keyring_open_token(const struct keyring *keyring, const void *ad, size_t ad_size,
		       const void *sealed, size_t size, struct buf *out);

/* What may be turned into a database key or a stored reference; each has its own subkey. */
enum keyring_name {
	KEYRING_LEASE,    /* lease ids */
	KEYRING_TOKEN,    /* tokens */
	KEYRING_ACCOUNT,  /* access key ids of the cloud */
	KEYRING_ACCESSOR, /* accessors of tokens */
	KEYRING_IDENTITY, /* who a web server says somebody is, and what grants it */
};

#define KEYRING_NAME_SIZE 16

/* The keyed name of a text: the first 16 bytes of its HMAC under the purpose's subkey.
 * The same for ever, whatever is rotated. 0 or LH_EIO. */
int keyring_name(const struct keyring *keyring, enum keyring_name purpose, const char *text,
		 unsigned char out[KEYRING_NAME_SIZE]);

#endif
