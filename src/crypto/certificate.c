/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/certificate.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/certificate_priv.h"
#include "util/buf.h"
#include "util/err.h"
#include "util/text.h"

/* RFC 5280 knows 20 bytes at most; some have a few more. */
#define SERIAL_MAX 64
#define KEY_ID_MAX 256

/* ---- Reading ---- */

/* Whoever sends nonsense learns nothing of it, so all that is no lack of memory is the same. */
static int map_error(int code)
{
	return code == GNUTLS_E_MEMORY_ERROR ? LH_ENOMEM : LH_EINVAL;
}

void certificates_free(gnutls_x509_crt_t *list, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		gnutls_x509_crt_deinit(list[i]);
	gnutls_free(list);
}

int certificates_import(const char *pem, size_t size, unsigned max, gnutls_x509_crt_t **list_out,
			unsigned *count_out)
{
	union {
		const char *borrowed;
		unsigned char *data;
	} pointer = { .borrowed = pem };
	const gnutls_datum_t text = { .data = pointer.data, .size = (unsigned)size };
	gnutls_x509_crt_t *list = NULL;
	unsigned count = 0;
	int code;

	*list_out = NULL;
	*count_out = 0;
	code = gnutls_x509_crt_list_import2(&list, &count, &text, GNUTLS_X509_FMT_PEM, 0);
	if (code < 0)
		return map_error(code);
	if (!count || count > max) {
		certificates_free(list, count);
		return LH_EINVAL;
	}
	*list_out = list;
	*count_out = count;
	return 0;
}

int certificate_read(const char *pem, size_t size, struct certificate **certificate_out)
{
	struct certificate *certificate;
	gnutls_x509_crt_t *list;
	unsigned count;
	int ret;

	*certificate_out = NULL;
	if (size > CERTIFICATE_PEM_MAX)
		return LH_ERANGE;
	ret = certificates_import(pem, size, 1, &list, &count);
	if (ret)
		return ret;
	certificate = calloc(1, sizeof(*certificate));
	if (!certificate) {
		certificates_free(list, count);
		return LH_ENOMEM;
	}
	certificate->crt = list[0];
	gnutls_free(list);
	ret = map_error(
		gnutls_x509_crt_export2(certificate->crt, GNUTLS_X509_FMT_DER, &certificate->der));
	if (!certificate->der.data) {
		certificate_free(certificate);
		return ret;
	}
	*certificate_out = certificate;
	return 0;
}

void certificate_free(struct certificate *certificate)
{
	if (certificate) {
		gnutls_x509_crt_deinit(certificate->crt);
		gnutls_free(certificate->der.data);
	}
	free(certificate);
}

/* ---- Names ---- */

/* A name with a NUL in it would be another one for who reads it as text. */
static int add_name(json_t *names, const char *name, size_t size)
{
	if (!size || !text_is_printable(name, size))
		return 0;
	return json_array_append_new(names, json_stringn(name, size)) ? LH_ENOMEM : 0;
}

/* GnuTLS writes a backslash before what would end a part of a whole subject (RFC 4514). */
static size_t take_backslashes_off(char *name, size_t size)
{
	size_t kept = 0;

	for (size_t i = 0; i < size; i++) {
		if (name[i] == '\\' && i + 1 < size)
			i++;
		name[kept++] = name[i];
	}
	return kept;
}

/* count_out: how many parts of that kind there are, readable or not. */
static int add_subject(gnutls_x509_crt_t crt, const char *oid, json_t *names, unsigned *count_out)
{
	char name[CERTIFICATE_NAME_MAX + 1];
	int ret = 0;

	*count_out = 0;
	for (unsigned i = 0; !ret; i++) {
		size_t size = sizeof(name);
		int code = gnutls_x509_crt_get_dn_by_oid(crt, oid, i, 0, name, &size);

		if (code == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
			break;
		*count_out += 1;
		if (!code)
			ret = add_name(names, name, take_backslashes_off(name, size));
		else if (code != GNUTLS_E_SHORT_MEMORY_BUFFER)
			break;
	}
	return ret;
}

static int add_common_name(gnutls_x509_crt_t crt, json_t *names)
{
	unsigned count;
	int ret = add_subject(crt, GNUTLS_OID_X520_COMMON_NAME, names, &count);

	if (count > 1)
		json_array_clear(names);
	return ret;
}

static int add_alternatives(gnutls_x509_crt_t crt, unsigned wanted, json_t *names)
{
	char name[CERTIFICATE_NAME_MAX + 1];
	unsigned type;
	int ret = 0;

	for (unsigned i = 0; !ret; i++) {
		size_t size = sizeof(name);
		int code = gnutls_x509_crt_get_subject_alt_name2(crt, i, name, &size, &type, NULL);

		if (code == GNUTLS_E_SHORT_MEMORY_BUFFER)
			continue;
		if (code < 0)
			break;
		if (type == wanted)
			ret = add_name(names, name, size);
	}
	return ret;
}

static int add_names(gnutls_x509_crt_t crt, enum certificate_name kind, json_t *names)
{
	unsigned count;

	switch (kind) {
	case CERTIFICATE_COMMON_NAME: return add_common_name(crt, names);
	case CERTIFICATE_UNIT:
		return add_subject(crt, GNUTLS_OID_X520_ORGANIZATIONAL_UNIT_NAME, names, &count);
	case CERTIFICATE_DNS: return add_alternatives(crt, GNUTLS_SAN_DNSNAME, names);
	case CERTIFICATE_EMAIL: return add_alternatives(crt, GNUTLS_SAN_RFC822NAME, names);
	case CERTIFICATE_URI: return add_alternatives(crt, GNUTLS_SAN_URI, names);
	}
	return 0;
}

json_t *certificate_names(const struct certificate *certificate, enum certificate_name kind)
{
	json_t *names = json_array();

	if (names && !add_names(certificate->crt, kind, names))
		return names;
	json_decref(names);
	return NULL;
}

/* ---- Numbers ---- */

/* Divides a big-endian number by ten, and returns the rest. */
static unsigned divide(unsigned char *number, size_t size)
{
	unsigned rest = 0;

	for (size_t i = 0; i < size; i++) {
		rest = rest * 256 + number[i];
		number[i] = (unsigned char)(rest / 10);
		rest %= 10;
	}
	return rest;
}

void certificate_add_serial(const struct certificate *certificate, struct buf *out)
{
	unsigned char number[SERIAL_MAX];
	char digits[3 * SERIAL_MAX + 1], *at = digits + sizeof(digits) - 1;
	size_t size = sizeof(number);
	unsigned char left;

	if (gnutls_x509_crt_get_serial(certificate->crt, number, &size))
		return;
	*at = '\0';
	do {
		*--at = (char)('0' + divide(number, size));
		left = 0;
		for (size_t i = 0; i < size; i++)
			left |= number[i];
	} while (left);
	buf_add_text(out, at);
}

static void add_key(int code, const unsigned char *id, size_t size, struct buf *out)
{
	for (size_t i = 0; !code && i < size; i++)
		buf_printf(out, "%s%02x", i ? ":" : "", id[i]);
}

void certificate_add_subject_key(const struct certificate *certificate, struct buf *out)
{
	unsigned char id[KEY_ID_MAX];
	size_t size = sizeof(id);
	int code = gnutls_x509_crt_get_subject_key_id(certificate->crt, id, &size, NULL);

	add_key(code, id, size, out);
}

void certificate_add_authority_key(const struct certificate *certificate, struct buf *out)
{
	unsigned char id[KEY_ID_MAX];
	size_t size = sizeof(id);
	int code = gnutls_x509_crt_get_authority_key_id(certificate->crt, id, &size, NULL);

	add_key(code, id, size, out);
}

int certificate_key_digest(const struct certificate *certificate, unsigned char out[SHA256_SIZE])
{
	size_t size = SHA256_SIZE;

	return gnutls_x509_crt_get_key_id(certificate->crt, GNUTLS_KEYID_USE_SHA256, out, &size)
		       ? LH_EIO
		       : 0;
}

/* The first of the two has one size, so no two pairs make the same bytes. */
int certificate_pair(const struct certificate *certificate, const char *anchors,
		     unsigned char out[SHA256_SIZE])
{
	unsigned char digest[SHA256_SIZE];
	struct buf both = BUF_INIT;
	int ret = sha256(anchors, strlen(anchors), digest);

	buf_add(&both, digest, sizeof(digest));
	buf_add(&both, certificate->der.data, certificate->der.size);
	if (!ret)
		ret = buf_error(&both);
	if (!ret)
		ret = sha256(both.data, both.size, out);
	buf_free(&both);
	return ret;
}

/* ---- Marks ---- */

static int mark(const char *kind, const gnutls_datum_t *data, struct certificate_mark *out)
{
	unsigned char digest[SHA256_SIZE];
	struct buf text = BUF_INIT;
	int ret;

	buf_add_text(&text, kind);
	buf_add(&text, data->data, data->size);
	ret = buf_error(&text);
	if (!ret)
		ret = sha256(text.data, text.size, digest);
	buf_free(&text);
	if (!ret)
		memcpy(out->bytes, digest, sizeof(out->bytes));
	return ret;
}

int mark_itself(const gnutls_datum_t *der, struct certificate_mark *out)
{
	return mark("certificate:", der, out);
}

int mark_signer(const gnutls_datum_t *name, struct certificate_mark *out)
{
	return mark("signer:", name, out);
}

int certificate_marks(const struct certificate *certificate, struct certificate_mark *itself_out,
		      struct certificate_mark *signer_out)
{
	gnutls_datum_t name = { NULL, 0 };
	int ret;

	if (gnutls_x509_crt_get_raw_issuer_dn(certificate->crt, &name))
		return LH_EIO;
	ret = mark_signer(&name, signer_out);
	gnutls_free(name.data);
	return ret ? ret : mark_itself(&certificate->der, itself_out);
}
