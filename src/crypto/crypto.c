/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/crypto.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include "util/err.h"

/* GnuTLS takes what it only reads through pointers without const. */
static gnutls_datum_t datum(const void *data, size_t size)
{
	union {
		const void *borrowed;
		unsigned char *data;
	} pointer = { .borrowed = data };
	gnutls_datum_t result = { .data = pointer.data, .size = (unsigned int)size };

	return result;
}

int sha256(const void *data, size_t size, unsigned char out[SHA256_SIZE])
{
	return gnutls_hash_fast(GNUTLS_DIG_SHA256, data, size, out) ? LH_EIO : 0;
}

int hmac_sha256(const void *key, size_t key_size, const void *data, size_t size,
		unsigned char out[SHA256_SIZE])
{
	return gnutls_hmac_fast(GNUTLS_MAC_SHA256, key, key_size, data, size, out) ? LH_EIO : 0;
}

int hkdf_sha256(const void *key, size_t key_size, const void *salt, size_t salt_size,
		const void *info, size_t info_size, void *out, size_t out_size)
{
	unsigned char prk[SHA256_SIZE] = { 0 };
	gnutls_datum_t key_datum = datum(key, key_size), salt_datum = datum(salt, salt_size);
	gnutls_datum_t info_datum = datum(info, info_size), prk_datum = { prk, sizeof(prk) };
	int ret = LH_EIO;

	if (!gnutls_hkdf_extract(GNUTLS_MAC_SHA256, &key_datum, &salt_datum, prk) &&
	    !gnutls_hkdf_expand(GNUTLS_MAC_SHA256, &prk_datum, &info_datum, out, out_size))
		ret = 0;
	gnutls_memset(prk, 0, sizeof(prk));
	return ret;
}
