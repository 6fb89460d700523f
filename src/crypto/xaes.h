/* SPDX-License-Identifier: Apache-2.0 */
/* XAES-256-GCM (C2SP): AES-256-GCM with a 192-bit nonce, so that processes which share a key may
 * draw nonces at random without counting. */
#ifndef CRYPTO_XAES_H
#define CRYPTO_XAES_H

#include <stddef.h>

#define XAES_KEY_SIZE   32
#define XAES_NONCE_SIZE 24
#define XAES_TAG_SIZE   16

/* out has room for size + XAES_TAG_SIZE bytes; it may be plain itself. 0 or LH_EIO. */
int xaes_seal(const unsigned char key[XAES_KEY_SIZE], const unsigned char nonce[XAES_NONCE_SIZE],
	      const void *ad, size_t ad_size, const void *plain, size_t size, void *out);

/* size counts the tag; out has room for size - XAES_TAG_SIZE bytes, may be sealed itself, and is
 * wiped when the tag is wrong. 0, LH_ECORRUPT or LH_EIO. */
int xaes_open(const unsigned char key[XAES_KEY_SIZE], const unsigned char nonce[XAES_NONCE_SIZE],
	      const void *ad, size_t ad_size, const void *sealed, size_t size, void *out);

#endif
