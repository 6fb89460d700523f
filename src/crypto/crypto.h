/* SPDX-License-Identifier: Apache-2.0 */
/* Digests, MACs, key derivation and randomness; thin wrappers, the only users of GnuTLS together
 * with the rest of this folder. */
#ifndef CRYPTO_CRYPTO_H
#define CRYPTO_CRYPTO_H

#include <stddef.h>

#define SHA256_SIZE 32

/* 0 or LH_EIO. */
int sha256(const void *data, size_t size, unsigned char out[SHA256_SIZE]);

/* HMAC-SHA256 (RFC 2104). 0 or LH_EIO. */
int hmac_sha256(const void *key, size_t key_size, const void *data, size_t size,
		unsigned char out[SHA256_SIZE]);

/* HKDF-SHA256 (RFC 5869), extract with salt (may be NULL, 0) and expand with info to out_size bytes.
 * 0 or LH_EIO. */
int hkdf_sha256(const void *key, size_t key_size, const void *salt, size_t salt_size,
		const void *info, size_t info_size, void *out, size_t out_size);

/* Unpredictable bytes from the kernel's generator (getrandom): never repeated by a forked process.
 * Cannot fail: a system without randomness is one on which the process must not go on (abort). */
void random_bytes(void *out, size_t size);

/* size characters of [0-9A-Za-z], each equally likely, and a NUL. */
void random_base62(char *out, size_t size);

/* 2 * size lower-case hex digits of size random bytes, and a NUL. */
void random_hex(char *out, size_t size);

/* A random UUID (RFC 4122, version 4) and a NUL; out has room for 37 bytes. */
void random_uuid(char *out);

#endif
