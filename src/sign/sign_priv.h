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

/* "name:value\n" of each signed header. */
void sign_headers_canonical(const struct sign_headers *headers, struct buf *out);

/* "name;name" of the signed headers. */
void sign_headers_names(const struct sign_headers *headers, struct buf *out);

/* The lines to send: all headers, out->authorization, and what keeps the HTTP client from adding a
 * content type that nobody signed. Sets out->headers. 0 or LH_ENOMEM. */
int sign_headers_send(const struct sign_headers *headers, struct signed_request *out);

/* Percent-encoded "name=value&…", sorted by name. 0, LH_ENOMEM, or LH_EINVAL for a name twice. */
int sign_query(const struct sign_request *request, struct buf *out);

/* Lower-case hex of the SHA-256. 0 or LH_EIO. */
int sign_digest(const void *data, size_t size, char out[SIGN_DIGEST_SIZE]);

#endif
