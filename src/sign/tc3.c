/* SPDX-License-Identifier: Apache-2.0 */
/* TC3-HMAC-SHA256, Tencent Cloud's signature version 3: the parameters are the JSON body of a POST to
 * path "/", action, version and time travel in headers that are not signed, and the signing key is
 * derived from secret, day and service. Nothing tells a resent request from a second one. */
#include "sign/sign_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "util/clock.h"
#include "util/err.h"
#include "util/json.h"
#include "util/text.h"
#include "util/wipe.h"

#define TC3      "TC3-HMAC-SHA256"
#define TERM     "tc3_request"
#define DATE_MAX 11 /* "2026-01-02" */

/* ---- Stages ---- */

static int write_string_to_sign(const struct sign_message *message, const char *scope, int64_t now,
				struct signed_request *out)
{
	char digest[SIGN_DIGEST_SIZE];
	int ret = sign_canonical(message, out, digest);

	if (ret)
		return ret;
	buf_printf(&out->string_to_sign, "%s\n%" PRId64 "\n%s\n%s", TC3, now, scope, digest);
	return buf_error(&out->string_to_sign);
}

/* Replaces a key by the one that a text derives from it. */
static int derive(unsigned char key[SHA256_SIZE], const char *text, size_t size)
{
	return hmac_sha256(key, SHA256_SIZE, text, size, key);
}

static int signing_key(const char *secret, const char *date, const char *service,
		       unsigned char key[SHA256_SIZE])
{
	struct buf first = BUF_INIT;
	int ret;

	buf_printf(&first, "TC3%s", secret);
	ret = buf_error(&first);
	if (!ret)
		ret = hmac_sha256(first.data, first.size, date, strlen(date), key);
	if (!ret)
		ret = derive(key, service, strlen(service));
	if (!ret)
		ret = derive(key, TERM, strlen(TERM));
	buf_free(&first);
	return ret;
}

static void write_authorization(const struct sign_message *message, const struct sign_key *key,
				const char *scope, const char *signature,
				struct signed_request *out)
{
	buf_printf(&out->authorization, "%s Credential=%s/%s, SignedHeaders=", TC3, key->id, scope);
	sign_headers_names(message->headers, &out->authorization);
	buf_printf(&out->authorization, ", Signature=%s", signature);
}

int sign_tc3_message(const struct sign_message *message, const char *service,
		     const struct sign_key *key, int64_t now, struct signed_request *out)
{
	unsigned char mac[SHA256_SIZE];
	char date[40], scope[128], signature[SIGN_DIGEST_SIZE];
	int ret = sign_check_id(key->id);

	if (ret)
		return ret;
	clock_format(now, date);
	date[DATE_MAX - 1] = '\0';
	err_text(scope, sizeof(scope), "%s/%s/%s", date, service, TERM);
	ret = write_string_to_sign(message, scope, now, out);
	if (!ret)
		ret = signing_key(key->secret, date, service, mac);
	if (!ret)
		ret = derive(mac, buf_text(&out->string_to_sign), out->string_to_sign.size);
	if (!ret) {
		text_hex(mac, sizeof(mac), signature);
		write_authorization(message, key, scope, signature, out);
		ret = buf_error(&out->authorization);
	}
	wipe(mac, sizeof(mac));
	return ret;
}

/* ---- The request ---- */

static void collect(const struct sign_request *request, const struct sign_key *key,
		    const char *timestamp, struct sign_headers *headers)
{
	const char *type = request->content_type ? request->content_type : "application/json";

	sign_headers_add(headers, "content-type", type, SIGN_HEADER_SIGNED);
	sign_headers_add(headers, "host", request->host, SIGN_HEADER_SIGNED);
	sign_headers_add(headers, "x-tc-action", request->action, SIGN_HEADER_BESIDE);
	sign_headers_add(headers, "x-tc-version", request->version, SIGN_HEADER_BESIDE);
	sign_headers_add(headers, "x-tc-timestamp", timestamp, SIGN_HEADER_BESIDE);
	sign_headers_add(headers, "x-tc-language", "en-US", SIGN_HEADER_BESIDE);
	if (request->region[0])
		sign_headers_add(headers, "x-tc-region", request->region, SIGN_HEADER_BESIDE);
	if (key && key->token && *key->token)
		sign_headers_add(headers, "x-tc-token", key->token, SIGN_HEADER_BESIDE);
}

/* Without parameters the cloud wants an empty object all the same. */
static int write_body(const struct sign_request *request, struct buf *out)
{
	char *text = NULL;

	if (request->body) {
		buf_add_text(out, request->body);
	} else if (!request->params) {
		buf_add_text(out, "{}");
	} else {
		text = json_text(request->params);
		if (!text)
			return LH_ENOMEM;
		buf_add_text(out, text);
		wipe_free(text);
	}
	return buf_error(out);
}

static int authorize(const struct sign_request *request, const struct sign_headers *headers,
		     const struct sign_key *key, int64_t now, struct signed_request *out)
{
	char payload[SIGN_DIGEST_SIZE];
	const struct sign_message message = { "POST", "", headers, payload };
	int ret;

	if (!key) {
		buf_add_text(&out->authorization, "SKIP");
		return buf_error(&out->authorization);
	}
	ret = sign_digest(buf_text(&out->body), out->body.size, payload);
	return ret ? ret : sign_tc3_message(&message, request->service, key, now, out);
}

static int sign(const struct sign_request *request, const struct sign_key *key, int64_t now,
		const char *nonce, struct signed_request *out)
{
	struct sign_headers headers = { .count = 0 };
	char timestamp[24];
	int ret;

	(void)nonce;
	*out = (struct signed_request){ 0 };
	err_text(timestamp, sizeof(timestamp), "%" PRId64, now);
	collect(request, key, timestamp, &headers);
	ret = sign_headers_check(&headers);
	if (!ret)
		ret = write_body(request, &out->body);
	if (!ret)
		ret = authorize(request, &headers, key, now, out);
	if (!ret)
		ret = sign_headers_send(&headers, out);
	if (ret)
		signed_free(out);
	return ret;
}

const struct sign_scheme sign_tc3 = {
	.name = TC3,
	.sign = sign,
};
