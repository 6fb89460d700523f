/* SPDX-License-Identifier: Apache-2.0 */
/* ACS3-HMAC-SHA256, Alibaba Cloud's "V3 request body and signature mechanism": the request goes to
 * path "/" by POST, action and version travel in headers, the signing key is the secret as it is,
 * and neither date nor scope stands in the string to sign. */
#include "sign/sign_priv.h"

#include <string.h>

#include "util/clock.h"
#include "util/err.h"
#include "util/text.h"

#define ACS3 "ACS3-HMAC-SHA256"

static void collect(const struct sign_request *request, const struct sign_key *key,
		    const char *nonce, const char *date, const char *body_digest,
		    struct sign_headers *headers)
{
	sign_headers_add(headers, "host", request->host, SIGN_HEADER_SIGNED);
	sign_headers_add(headers, "x-acs-action", request->action, SIGN_HEADER_SIGNED);
	sign_headers_add(headers, "x-acs-version", request->version, SIGN_HEADER_SIGNED);
	sign_headers_add(headers, "x-acs-date", date, SIGN_HEADER_SIGNED);
	sign_headers_add(headers, "x-acs-signature-nonce", nonce, SIGN_HEADER_SIGNED);
	sign_headers_add(headers, "x-acs-content-sha256", body_digest, SIGN_HEADER_SIGNED);
	if (request->content_type)
		sign_headers_add(headers, "content-type", request->content_type,
				 SIGN_HEADER_SIGNED);
	/* The vendor's clients send the id only together with a token, and so do we. */
	if (key->token && *key->token) {
		sign_headers_add(headers, "x-acs-accesskey-id", key->id, SIGN_HEADER_SIGNED);
		sign_headers_add(headers, "x-acs-security-token", key->token, SIGN_HEADER_SIGNED);
	}
	sign_headers_add(headers, "accept", "application/json", SIGN_HEADER_BESIDE);
}

static void write_canonical(const struct sign_headers *headers, const char *body_digest,
			    struct signed_request *out)
{
	struct buf *text = &out->canonical_request;

	buf_add_text(text, "POST\n/\n");
	buf_add(text, buf_text(&out->query), out->query.size);
	buf_add_char(text, '\n');
	sign_headers_canonical(headers, text);
	buf_add_char(text, '\n');
	sign_headers_names(headers, text);
	buf_add_char(text, '\n');
	buf_add_text(text, body_digest);
}

static int write_string_to_sign(struct signed_request *out)
{
	char digest[SIGN_DIGEST_SIZE];
	int ret = buf_error(&out->canonical_request);

	if (!ret)
		ret = sign_digest(buf_text(&out->canonical_request), out->canonical_request.size,
				  digest);
	if (ret)
		return ret;
	buf_printf(&out->string_to_sign, "%s\n%s", ACS3, digest);
	return buf_error(&out->string_to_sign);
}

static int write_authorization(const struct sign_headers *headers, const struct sign_key *key,
			       struct signed_request *out)
{
	unsigned char mac[SHA256_SIZE];
	char signature[SIGN_DIGEST_SIZE];
	int ret = hmac_sha256(key->secret, strlen(key->secret), buf_text(&out->string_to_sign),
			      out->string_to_sign.size, mac);

	if (ret)
		return ret;
	text_hex(mac, sizeof(mac), signature);
	buf_printf(&out->authorization, "%s Credential=%s,SignedHeaders=", ACS3, key->id);
	sign_headers_names(headers, &out->authorization);
	buf_printf(&out->authorization, ",Signature=%s", signature);
	return buf_error(&out->authorization);
}

/* The id stands in a header too, and a comma in it would forge the parts behind. */
static int check_id(const char *id)
{
	return *id && !strpbrk(id, ", ") && text_is_printable(id, strlen(id)) ? 0 : LH_EINVAL;
}

static int sign(const struct sign_request *request, const struct sign_key *key, int64_t now,
		const char *nonce, struct signed_request *out)
{
	struct sign_headers headers = { .count = 0 };
	char date[40], body_digest[SIGN_DIGEST_SIZE];
	int ret;

	*out = (struct signed_request){ 0 };
	clock_format(now, date);
	ret = sign_digest(request->body, strlen(request->body), body_digest);
	if (ret)
		return ret;
	collect(request, key, nonce, date, body_digest, &headers);
	ret = sign_headers_check(&headers);
	if (!ret)
		ret = check_id(key->id);
	if (!ret)
		ret = sign_query(request, &out->query);
	if (!ret) {
		write_canonical(&headers, body_digest, out);
		ret = write_string_to_sign(out);
	}
	if (!ret)
		ret = write_authorization(&headers, key, out);
	if (!ret)
		ret = sign_headers_send(&headers, out);
	if (ret)
		signed_free(out);
	return ret;
}

const struct sign_scheme sign_acs3 = {
	.name = ACS3,
	.sign = sign,
};
