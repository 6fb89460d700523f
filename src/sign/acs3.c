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

static int write_string_to_sign(const struct sign_headers *headers, const char *body_digest,
				struct signed_request *out)
{
	const struct sign_message message = { "POST", buf_text(&out->query), headers, body_digest };
	char digest[SIGN_DIGEST_SIZE];
	int ret = sign_canonical(&message, out, digest);

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

static int sign(const struct sign_request *request, const struct sign_key *key, int64_t now,
		const char *nonce, struct signed_request *out)
{
	struct sign_headers headers = { .count = 0 };
	char date[40], body_digest[SIGN_DIGEST_SIZE];
	int ret;

	*out = (struct signed_request){ 0 };
	if (!key)
		return LH_EINVAL;
	clock_format(now, date);
	if (request->body)
		buf_add_text(&out->body, request->body);
	ret = buf_error(&out->body);
	if (!ret)
		ret = sign_digest(buf_text(&out->body), out->body.size, body_digest);
	if (ret)
		goto cleanup;
	collect(request, key, nonce, date, body_digest, &headers);
	ret = sign_headers_check(&headers);
	if (!ret)
		ret = sign_check_id(key->id);
	if (!ret)
		ret = sign_query(request->params, &out->query);
	if (!ret)
		ret = write_string_to_sign(&headers, body_digest, out);
	if (!ret)
		ret = write_authorization(&headers, key, out);
	if (!ret)
		ret = sign_headers_send(&headers, out);
cleanup:
	if (ret)
		signed_free(out);
	return ret;
}

const struct sign_scheme sign_acs3 = {
	.name = ACS3,
	.sign = sign,
};
