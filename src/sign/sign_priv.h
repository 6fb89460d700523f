/* SPDX-License-Identifier: Apache-2.0 */
/* What the schemes share. Only they include this. */
#ifndef SIGN_SIGN_PRIV_H
#define SIGN_SIGN_PRIV_H

#include "crypto/crypto.h"
#include "sign/sign.h"

#define SIGN_HEADERS_MAX 16
#define SIGN_DIGEST_SIZE (2 * SHA256_SIZE + 1)

enum sign_header_kind {
	SIGN_HEADER_SIGNED,
	SIGN_HEADER_BESIDE, /* sent, but no part of the signature */
};

/* A header as it is sent; name and value are borrowed. Signed ones have lower-case names. */
struct sign_header {
	const char *name;
	const char *value;
	enum sign_header_kind kind;
};

/* Kept in the order of names, so that signed ones stand as the canonical request wants them. */
struct sign_headers {
	struct sign_header items[SIGN_HEADERS_MAX];
	size_t count;
};

void sign_headers_add(struct sign_headers *headers, const char *name, const char *value,
		      enum sign_header_kind kind);

/* 0, or LH_EINVAL if a value is empty or holds a control character or broken UTF-8. */
int sign_headers_check(const struct sign_headers *headers);

/* "name;name" of the signed headers. */
void sign_headers_names(const struct sign_headers *headers, struct buf *out);

/* The lines to send: all headers, out->authorization, and what keeps the HTTP client from adding a
 * content type that nobody signed. Sets out->headers. 0 or LH_ENOMEM. */
int sign_headers_send(const struct sign_headers *headers, struct signed_request *out);

/* Percent-encoded "name=value&…", sorted by name. Values are texts, integers and booleans.
 * 0, LH_ENOMEM, or LH_EINVAL for any other value. */
int sign_query(const json_t *params, struct buf *out);

/* Whether an id may stand in an Authorization header. 0 or LH_EINVAL. */
int sign_check_id(const char *id);

/* What the first stage is made of. */
struct sign_message {
	const char *method;
	const char *query;
	const struct sign_headers *headers;
	const char *payload; /* the digest of the body */
};

/* The first stage, the same text in all schemes; into out->canonical_request, and its digest.
 * 0, LH_ENOMEM or LH_EIO. */
int sign_canonical(const struct sign_message *message, struct signed_request *out,
		   char digest[SIGN_DIGEST_SIZE]);

/* All three stages of TC3, for a message of any kind. 0, LH_ENOMEM, LH_EINVAL or LH_EIO. */
int sign_tc3_message(const struct sign_message *message, const char *service,
		     const struct sign_key *key, int64_t now, struct signed_request *out);

/* Lower-case hex of the SHA-256. 0 or LH_EIO. */
int sign_digest(const void *data, size_t size, char out[SIGN_DIGEST_SIZE]);

#endif
