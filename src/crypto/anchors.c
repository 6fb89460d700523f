/* SPDX-License-Identifier: Apache-2.0 */
/* Anchors: whom an entry believes. GnuTLS judges signatures, authorities and their limits; what must
 * hold for the client's certificate in any case is looked at here first. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto/certificate_priv.h"
#include "util/err.h"

/* What is weaker than 112 bits (RSA below 2,048, SHA-1) is no signature any more. */
#define VERIFY_FLAGS GNUTLS_PROFILE_TO_VFLAGS(GNUTLS_PROFILE_MEDIUM)

struct anchors {
	gnutls_x509_crt_t *list;
	unsigned count;
	bool authorities; /* else each is meant itself */
};

void anchors_free(struct anchors *anchors)
{
	if (anchors)
		certificates_free(anchors->list, anchors->count);
	free(anchors);
}

/* ---- Reading ---- */

static bool is_authority(gnutls_x509_crt_t crt)
{
	return gnutls_x509_crt_get_ca_status(crt, NULL) > 0;
}

/* A certificate that names no purpose is for any. */
static bool is_for_clients(gnutls_x509_crt_t crt)
{
	return gnutls_x509_crt_check_key_purpose(crt, GNUTLS_KP_TLS_WWW_CLIENT, 0) != 0;
}

/* A leaf together with its authorities, as many files hold them, can mean the leaf alone or everybody
 * whom they sign: that must not be guessed. */
static int check_kinds(struct anchors *anchors, struct err *err)
{
	anchors->authorities = is_authority(anchors->list[0]);
	for (unsigned i = 0; i < anchors->count; i++) {
		if (is_authority(anchors->list[i]) != anchors->authorities)
			return err_set(err, LH_EINVAL,
				       "certificate: holds authorities and end certificates: give "
				       "either the authorities that sign, or the end certificates "
				       "that are meant themselves");
		if (!is_for_clients(anchors->list[i]))
			return err_set(err, LH_EINVAL, "%s",
				       anchors->authorities
					       ? "CA certificates should allow TLS client "
						 "authentication, where they have an extended key "
						 "usage"
					       : "nonCA certificates should have TLS client "
						 "authentication set as an extended key usage");
	}
	return 0;
}

int anchors_read(const char *pem, size_t size, struct anchors **anchors_out, struct err *err)
{
	struct anchors *anchors;
	int ret;

	*anchors_out = NULL;
	if (size > ANCHORS_PEM_MAX)
		return err_set(err, LH_EINVAL, "certificate: is longer than %d bytes",
			       ANCHORS_PEM_MAX);
	anchors = calloc(1, sizeof(*anchors));
	if (!anchors)
		return LH_ENOMEM;
	ret = certificates_import(pem, size, ANCHORS_MAX, &anchors->list, &anchors->count);
	if (ret == LH_EINVAL)
		err_set(err, ret,
			"failed to parse certificate: it must be 1 to %d certificates as PEM",
			ANCHORS_MAX);
	if (!ret)
		ret = check_kinds(anchors, err);
	if (ret)
		anchors_free(anchors);
	else
		*anchors_out = anchors;
	return ret;
}

/* ---- The certificate itself ---- */

const char *certificate_fault(const struct certificate *certificate, int64_t now)
{
	gnutls_x509_crt_t crt = certificate->crt;
	time_t from = gnutls_x509_crt_get_activation_time(crt);
	time_t until = gnutls_x509_crt_get_expiration_time(crt);
	unsigned usage = 0;

	if (from == (time_t)-1 || now < from)
		return "it is not valid yet";
	if (until == (time_t)-1 || now > until)
		return "it has expired";
	if (!is_for_clients(crt))
		return "its extended key usage is not that of clients";
	if (gnutls_x509_crt_get_key_usage(crt, &usage, NULL) >= 0 &&
	    !(usage & GNUTLS_KEY_DIGITAL_SIGNATURE))
		return "its key usage is not that of clients, which sign";
	return NULL;
}

/* ---- Who vouches for it ---- */

static bool is_same(gnutls_x509_crt_t anchor, const struct certificate *certificate)
{
	gnutls_datum_t der = { NULL, 0 };
	bool same;

	if (gnutls_x509_crt_export2(anchor, GNUTLS_X509_FMT_DER, &der))
		return false;
	same = der.size == certificate->der.size &&
	       !memcmp(der.data, certificate->der.data, der.size);
	gnutls_free(der.data);
	return same;
}

static bool is_anchor(const struct anchors *anchors, const struct certificate *certificate)
{
	for (unsigned i = 0; i < anchors->count; i++)
		if (is_same(anchors->list[i], certificate))
			return true;
	return false;
}

#define NOT_SIGNED "none of the authorities has signed it"

static const struct {
	unsigned flag;
	const char *text;
} faults[] = {
	{ GNUTLS_CERT_SIGNATURE_FAILURE, "its signature is wrong" },
	{ GNUTLS_CERT_SIGNER_NOT_FOUND, NOT_SIGNED },
	{ GNUTLS_CERT_SIGNER_NOT_CA, "who has signed it is no authority" },
	{ GNUTLS_CERT_SIGNER_CONSTRAINTS_FAILURE, "its authority may not sign such a certificate" },
	{ GNUTLS_CERT_INSECURE_ALGORITHM, "its signature or a key is too weak" },
	{ GNUTLS_CERT_UNKNOWN_CRIT_EXTENSIONS, "it has a critical extension that is not known" },
	{ GNUTLS_CERT_EXPIRED, "its authority has expired" },
	{ GNUTLS_CERT_NOT_ACTIVATED, "its authority is not valid yet" },
};

static const char *fault_of(unsigned status)
{
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		if (status & faults[i].flag)
			return faults[i].text;
	return status ? "it cannot be verified" : NULL;
}

static const char *verify_by(gnutls_x509_crt_t authority, const struct certificate *certificate)
{
	unsigned status = GNUTLS_CERT_INVALID;

	if (gnutls_x509_crt_verify(certificate->crt, &authority, 1, VERIFY_FLAGS, &status))
		return "it cannot be verified";
	return fault_of(status);
}

/* One by one: of several authorities with one name GnuTLS would ask the first alone, and there are
 * several while one changes its key. */
static const char *verify(const struct anchors *anchors, const struct certificate *certificate)
{
	const char *fault = NOT_SIGNED;

	for (unsigned i = 0; i < anchors->count; i++) {
		const char *found = verify_by(anchors->list[i], certificate);

		if (!found)
			return NULL;
		if (strcmp(found, NOT_SIGNED) != 0)
			fault = found;
	}
	return fault;
}

const char *anchors_fault(const struct anchors *anchors, const struct certificate *certificate,
			  int64_t now)
{
	const char *fault = certificate_fault(certificate, now);

	if (fault || is_anchor(anchors, certificate))
		return fault;
	return anchors->authorities ? verify(anchors, certificate)
				    : "it is none of those that are meant";
}

int64_t anchors_until(const struct anchors *anchors)
{
	int64_t until = INT64_MAX;

	for (unsigned i = 0; i < anchors->count; i++) {
		int64_t end = gnutls_x509_crt_get_expiration_time(anchors->list[i]);

		if (end < until)
			until = end;
	}
	return until;
}

/* ---- Marks ---- */

static void add_mark(struct certificate_mark *marks, size_t *count,
		     const struct certificate_mark *mark)
{
	for (size_t i = 0; i < *count; i++)
		if (!memcmp(&marks[i], mark, sizeof(*mark)))
			return;
	marks[(*count)++] = *mark;
}

static int add_marks(const struct anchors *anchors, gnutls_x509_crt_t crt,
		     struct certificate_mark *marks, size_t *count)
{
	gnutls_datum_t der = { NULL, 0 }, name = { NULL, 0 };
	struct certificate_mark itself, signer;
	int ret = LH_EIO;

	if (!gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_DER, &der) &&
	    !gnutls_x509_crt_get_raw_dn(crt, &name)) {
		ret = mark_itself(&der, &itself);
		if (!ret)
			ret = mark_signer(&name, &signer);
	}
	if (!ret)
		add_mark(marks, count, &itself);
	if (!ret && anchors->authorities)
		add_mark(marks, count, &signer);
	gnutls_free(der.data);
	gnutls_free(name.data);
	return ret;
}

int anchors_marks(const struct anchors *anchors,
		  struct certificate_mark marks_out[ANCHORS_MARKS_MAX], size_t *count_out)
{
	int ret = 0;

	*count_out = 0;
	for (unsigned i = 0; !ret && i < anchors->count; i++)
		ret = add_marks(anchors, anchors->list[i], marks_out, count_out);
	return ret;
}
