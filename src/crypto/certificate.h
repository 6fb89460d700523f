/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates of clients, and whether they are to be believed.
 *
 * The web server passes on the client's own certificate and none of those between it and its root,
 * and may have let in one that it could not verify. So all is checked here again, against anchors:
 * authorities, of which one must have signed the certificate itself, or certificates that are meant
 * themselves, byte by byte. What the client holds the key of is the web server's to know. */
#ifndef CRYPTO_CERTIFICATE_H
#define CRYPTO_CERTIFICATE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/crypto.h"

struct anchors;
struct buf;
struct certificate;
struct err;

#define CERTIFICATE_PEM_MAX  (32 * 1024) /* bytes of a client's certificate, as text */
#define ANCHORS_PEM_MAX      (48 * 1024) /* of the anchors together */
#define ANCHORS_MAX          16
#define CERTIFICATE_NAME_MAX 1024 /* bytes of a name; longer ones are as if they were not there */

/* ---- Of a client ---- */

/* Reads one PEM, and nothing else. *certificate_out is new. 0; LH_EINVAL: it is none, or several;
 * LH_ERANGE: it is too long; LH_ENOMEM. */
int certificate_read(const char *pem, size_t size, struct certificate **certificate_out);
void certificate_free(struct certificate *certificate);

enum certificate_name {
	CERTIFICATE_COMMON_NAME, /* of several none counts: nobody could tell which */
	CERTIFICATE_UNIT,        /* OU of the subject */
	CERTIFICATE_DNS,         /* these three are alternative names of the subject */
	CERTIFICATE_EMAIL,
	CERTIFICATE_URI,
};

/* All of its names of a kind that are printable UTF-8. New array of texts; NULL: memory is out. */
json_t *certificate_names(const struct certificate *certificate, enum certificate_name kind);

/* The serial number in decimal digits. */
void certificate_add_serial(const struct certificate *certificate, struct buf *out);

/* Key identifiers as the certificate itself names them, "ab:cd:…"; nothing if it names none. */
void certificate_add_subject_key(const struct certificate *certificate, struct buf *out);
void certificate_add_authority_key(const struct certificate *certificate, struct buf *out);

/* SHA-256 of the public key with its algorithm: the same in each certificate for this key. 0,
 * LH_EIO. */
int certificate_key_digest(const struct certificate *certificate, unsigned char out[SHA256_SIZE]);

/* Why it must not be believed at that time (seconds since 1970), whoever vouches for it; NULL:
 * it is valid, and made for clients. Literal. */
const char *certificate_fault(const struct certificate *certificate, int64_t now);

/* What no other certificate together with no other text of anchors has. 0, LH_EIO, LH_ENOMEM. */
int certificate_pair(const struct certificate *certificate, const char *anchors,
		     unsigned char out[SHA256_SIZE]);

/* ---- Anchors ---- */

/* Reads one PEM or several: authorities only, or end certificates only. *anchors_out is new.
 * 0; LH_EINVAL with a sentence; LH_ENOMEM. */
int anchors_read(const char *pem, size_t size, struct anchors **anchors_out, struct err *err);
void anchors_free(struct anchors *anchors);

/* Why the certificate must not be believed at that time (seconds since 1970); NULL: it is one of the
 * anchors, or signed by one of them, valid now, and made for clients. Literal. */
const char *anchors_fault(const struct anchors *anchors, const struct certificate *certificate,
			  int64_t now);

/* When the first of them expires, seconds since 1970. */
int64_t anchors_until(const struct anchors *anchors);

/* ---- What can be looked up ---- */

/* A certificate leads to its anchor by one of two marks: of the same bytes, or of the signer's name. */
#define CERTIFICATE_MARK_SIZE 16
struct certificate_mark {
	unsigned char bytes[CERTIFICATE_MARK_SIZE];
};

/* Those of a client's certificate: as an anchor, and by its signer. 0, LH_EIO, LH_ENOMEM. */
int certificate_marks(const struct certificate *certificate, struct certificate_mark *itself_out,
		      struct certificate_mark *signer_out);

/* Those of all anchors, without doubles. 0, LH_EIO, LH_ENOMEM. */
#define ANCHORS_MARKS_MAX (2 * ANCHORS_MAX)
int anchors_marks(const struct anchors *anchors,
		  struct certificate_mark marks_out[ANCHORS_MARKS_MAX], size_t *count_out);

#endif
