/* SPDX-License-Identifier: Apache-2.0 */
/* What the files about certificates share. */
#ifndef CRYPTO_CERTIFICATE_PRIV_H
#define CRYPTO_CERTIFICATE_PRIV_H

#include <gnutls/x509.h>

#include "crypto/certificate.h"

struct certificate {
	gnutls_x509_crt_t crt;
	gnutls_datum_t der; /* the whole certificate */
};

/* Reads PEMs, at most max of them. list_out and count_out: new, to be released with
 * certificates_free. 0, LH_EINVAL, LH_ENOMEM. */
int certificates_import(const char *pem, size_t size, unsigned max, gnutls_x509_crt_t **list_out,
			unsigned *count_out);
void certificates_free(gnutls_x509_crt_t *list, unsigned count);

/* The mark of the certificate's own bytes, and of a name in DER. 0, LH_EIO, LH_ENOMEM. */
int mark_itself(const gnutls_datum_t *der, struct certificate_mark *out);
int mark_signer(const gnutls_datum_t *name, struct certificate_mark *out);

#endif
