/* SPDX-License-Identifier: Apache-2.0 */
/* A sealed value with its own random nonce in front: nonce | ciphertext | tag. */
#ifndef CRYPTO_BOX_H
#define CRYPTO_BOX_H

#include <stddef.h>

#include "crypto/xaes.h"

struct buf;

#define BOX_OVERHEAD (XAES_NONCE_SIZE + XAES_TAG_SIZE)

/* Appends the sealed value to out, which keeps its size when it fails. 0, LH_ENOMEM or LH_EIO. */
int box_seal(const unsigned char key[XAES_KEY_SIZE], const void *ad, size_t ad_size,
	     const void *plain, size_t size, struct buf *out);

/* Appends what box_seal sealed to out, which keeps its size when it fails. 0, LH_ENOMEM, LH_EIO, or
 * LH_ECORRUPT: too short, broken, or sealed under another key or for another ad. */
int box_open(const unsigned char key[XAES_KEY_SIZE], const void *ad, size_t ad_size,
	     const void *sealed, size_t size, struct buf *out);

#endif
