/* SPDX-License-Identifier: Apache-2.0 */
#include "paper.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <gnutls/abstract.h>
#include <gnutls/x509.h>

#define HOUR 3600

struct paper {
	gnutls_x509_crt_t crt;
	gnutls_x509_privkey_t key;
	gnutls_datum_t pem;
};

static void must(int code)
{
	if (code < 0)
		fail_msg("GnuTLS: %s", gnutls_strerror(code));
}

static void add_name(gnutls_x509_crt_t crt, const char *oid, const char *name)
{
	if (name)
		must(gnutls_x509_crt_set_dn_by_oid(crt, oid, 0, name, (unsigned)strlen(name)));
}

static void add_alternative(gnutls_x509_crt_t crt, gnutls_x509_subject_alt_name_t type,
			    const char *name)
{
	if (name)
		must(gnutls_x509_crt_set_subject_alt_name(crt, type, name, (unsigned)strlen(name),
							  GNUTLS_FSAN_APPEND));
}

static void set_times(gnutls_x509_crt_t crt, const struct paper_terms *terms)
{
	time_t now = time(NULL);
	bool usual = !terms->from && !terms->until;

	must(gnutls_x509_crt_set_activation_time(crt, now + (usual ? -HOUR : terms->from)));
	must(gnutls_x509_crt_set_expiration_time(crt, now + (usual ? HOUR : terms->until)));
}

static void set_serial(gnutls_x509_crt_t crt, uint64_t serial)
{
	unsigned char bytes[9] = { 0 };

	for (size_t i = 0; i < 8; i++)
		bytes[8 - i] = (unsigned char)(serial >> (8 * i));
	must(gnutls_x509_crt_set_serial(crt, bytes, sizeof(bytes)));
}

static void set_key(struct paper *paper, const struct paper_terms *terms)
{
	must(gnutls_x509_privkey_init(&paper->key));
	if (terms->key)
		must(gnutls_x509_privkey_cpy(paper->key, terms->key->key));
	else
		must(gnutls_x509_privkey_generate(paper->key, GNUTLS_PK_ECDSA,
						  GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1),
						  0));
	must(gnutls_x509_crt_set_key(paper->crt, paper->key));
}

static void constrain(gnutls_x509_crt_t crt, const char *dns)
{
	unsigned char copy[256];
	gnutls_datum_t name = { copy, (unsigned)strlen(dns) };
	gnutls_x509_name_constraints_t constraints;

	memcpy(copy, dns, name.size + 1);
	must(gnutls_x509_name_constraints_init(&constraints));
	must(gnutls_x509_name_constraints_add_permitted(constraints, GNUTLS_SAN_DNSNAME, &name));
	must(gnutls_x509_crt_set_name_constraints(crt, constraints, 1));
	gnutls_x509_name_constraints_deinit(constraints);
}

static void set_extensions(struct paper *paper, const struct paper_terms *terms)
{
	static const unsigned char nothing[] = { 5, 0 };
	unsigned char id[20];
	size_t size = sizeof(id);

	must(gnutls_x509_crt_set_basic_constraints(paper->crt, terms->authority,
						   terms->path_length - 1));
	must(gnutls_x509_crt_get_key_id(paper->crt, 0, id, &size));
	must(gnutls_x509_crt_set_subject_key_id(paper->crt, id, size));
	add_alternative(paper->crt, GNUTLS_SAN_DNSNAME, terms->dns);
	add_alternative(paper->crt, GNUTLS_SAN_RFC822NAME, terms->email);
	add_alternative(paper->crt, GNUTLS_SAN_URI, terms->uri);
	if (terms->purpose)
		must(gnutls_x509_crt_set_key_purpose_oid(paper->crt, terms->purpose, 0));
	if (terms->usage)
		must(gnutls_x509_crt_set_key_usage(paper->crt, terms->usage));
	if (terms->permitted_dns)
		constrain(paper->crt, terms->permitted_dns);
	if (terms->critical)
		must(gnutls_x509_crt_set_extension_by_oid(paper->crt, "1.2.3.4.5", nothing,
							  sizeof(nothing), 1));
}

static void sign(struct paper *paper, const struct paper_terms *terms)
{
	const struct paper *signer = terms->signer ? terms->signer : paper;
	gnutls_digest_algorithm_t digest = terms->weak ? GNUTLS_DIG_SHA1 : GNUTLS_DIG_SHA256;
	unsigned char id[20];
	size_t size = sizeof(id);

	must(gnutls_x509_crt_get_key_id(signer->crt, 0, id, &size));
	if (!terms->old)
		must(gnutls_x509_crt_set_authority_key_id(paper->crt, id, size));
	must(gnutls_x509_crt_sign2(paper->crt, signer->crt, signer->key, digest, 0));
	must(gnutls_x509_crt_export2(paper->crt, GNUTLS_X509_FMT_PEM, &paper->pem));
}

struct paper *paper_new(const struct paper_terms *terms)
{
	static uint64_t serials = 1000; /* of this test program */
	struct paper *paper = calloc(1, sizeof(*paper));

	assert_non_null(paper);
	must(gnutls_x509_crt_init(&paper->crt));
	must(gnutls_x509_crt_set_version(paper->crt, terms->old ? 1 : 3));
	set_serial(paper->crt, terms->serial ? terms->serial : ++serials);
	set_times(paper->crt, terms);
	add_name(paper->crt, GNUTLS_OID_X520_ORGANIZATIONAL_UNIT_NAME, terms->unit);
	add_name(paper->crt, GNUTLS_OID_X520_COMMON_NAME, terms->common_name);
	add_name(paper->crt, GNUTLS_OID_X520_COMMON_NAME, terms->second_common_name);
	set_key(paper, terms);
	if (!terms->old)
		set_extensions(paper, terms);
	sign(paper, terms);
	return paper;
}

void paper_free(struct paper *paper)
{
	if (!paper)
		return;
	gnutls_x509_crt_deinit(paper->crt);
	gnutls_x509_privkey_deinit(paper->key);
	gnutls_free(paper->pem.data);
	free(paper);
}

const char *paper_pem(const struct paper *paper)
{
	return (const char *)paper->pem.data;
}
