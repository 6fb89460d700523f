/* SPDX-License-Identifier: Apache-2.0 */
/* Values that only the bearer of a token can open.
 *
 * The key is derived (HKDF, salted with the store's id, one label for each use) from the token
 * itself, which is stored nowhere: whoever has the store and the master key still cannot read them.
 * The store seals them once more, as it seals everything. */
#ifndef CRYPTO_BEARER_H
#define CRYPTO_BEARER_H

#include <stddef.h>

struct buf;

enum bearer_use {
	BEARER_CUBBYHOLE,
	BEARER_WRAPPER,
};

/* Seals plain for the bearer of token and appends it to out. 0, LH_ENOMEM or LH_EIO. */
int bearer_seal(enum bearer_use use, const char *store_id, const char *token, const void *plain,
		size_t size, struct buf *out);

/* Opens what bearer_seal made, appending to out. LH_ECORRUPT: made for another token, use or store,
 * or broken. */
int bearer_open(enum bearer_use use, const char *store_id, const char *token, const void *sealed,
		size_t size, struct buf *out);

#endif
