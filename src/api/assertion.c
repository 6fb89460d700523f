/* SPDX-License-Identifier: Apache-2.0 */
#include "api/assertion.h"

#include <stdio.h>
#include <string.h>

#include "api/api.h"
#include "api/cert_login.h"
#include "api/context.h"
#include "auth/token.h"
#include "store/store.h"
#include "util/bucket.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/json.h"
#include "util/log.h"
#include "util/shared.h"
#include "util/text.h"
#include "util/wipe.h"

#define US_PER_SECOND INT64_C(1000000)

bool assertion_is_made(const struct api_request *raw)
{
	return raw->auth_method[0] || raw->auth_name[0];
}

/* ---- Whether it is believed ---- */

/* The byte that stands at *at, behind which *at is then; -1: none that nginx would take. */
static int next_byte(const char **at)
{
	unsigned char byte = (unsigned char)**at;
	char digits[3] = "";

	if (byte != '%') {
		*at += 1;
		return byte;
	}
	memcpy(digits, *at + 1, strnlen(*at + 1, 2));
	if (text_unhex(digits, &byte, 1))
		return -1;
	*at += 3;
	return byte;
}

/* Takes what `text` says off the front of *uri, decoding. */
static bool take_decoded(const char **uri, const char *text)
{
	for (; *text; text++)
		if (**uri == '?' || !**uri || next_byte(uri) != (unsigned char)*text)
			return false;
	return true;
}

/* Whether the client has asked for this path in so many words: no rewrite in between, nor `//`, `.`
 * or `..` that the web server has resolved. */
static bool is_path_asked(const struct api_request *raw)
{
	const char *uri = raw->uri;

	return take_decoded(&uri, raw->prefix) && take_decoded(&uri, raw->path) &&
	       (*uri == '?' || !*uri);
}

static bool is_secret(const char *text, const char *secret)
{
	return strlen(text) == strlen(secret) && wipe_equal(text, secret, strlen(secret));
}

const char *assertion_peer_fault(const struct api_request *raw, const char *secret)
{
	if (!raw->trusted)
		return "the listener has no trust_identity";
	if (!is_secret(raw->auth_secret, secret))
		return raw->auth_secret[0]
			       ? "LH_AUTH_SECRET is not that of `leasehold nginx-secret`"
			       : "LH_AUTH_SECRET is missing";
	return NULL;
}

/* Why the assertion must not be believed; NULL: it may be. Literal. */
static const char *find_fault(const struct api_request *raw, const char *secret)
{
	enum identity_method method = identity_method_find(raw->auth_method);
	const char *fault = assertion_peer_fault(raw, secret);

	if (fault)
		return fault;
	if (method == IDENTITY_METHODS)
		return "the method is none of cert, basic, request, address, map";
	if (!identity_name_is_valid(raw->auth_name))
		return raw->auth_name[0] ? "the name is too long or not printable UTF-8"
					 : "the name is empty";
	if (method == IDENTITY_CERT && strcmp(raw->tls_verify, "SUCCESS") != 0)
		return "the web server has not verified the client's certificate";
	if (!is_path_asked(raw))
		return "the path is not the one that the client asked for";
	if (strcmp(raw->vault_request, "true") != 0)
		return "the header X-Vault-Request is not \"true\"";
	return NULL;
}

/* ---- Whom it makes ---- */

static int refuse(const struct api_request *raw, const char *reason)
{
	log_warn("identity: %.16s/%.*s is refused: %s", raw->auth_method, IDENTITY_NAME_MAX,
		 raw->auth_name, reason);
	return LH_EPERM;
}

/* What stands between a believed identity and its rights. */
static const char *find_hindrance(const struct caller *caller, const struct api_request *raw)
{
	if (!token_allows_address(caller, raw->remote_address))
		return "bound_cidrs do not hold its address";
	if (!json_array_size(caller->policies))
		return "its entry has no policies";
	return NULL;
}

int assertion_caller(struct context *context, struct caller *caller_out)
{
	const struct api_request *raw = context->request->raw;
	const struct keyring *keyring = store_keyring(context_store(context));
	const char *reason;
	int ret;

	memset(caller_out, 0, sizeof(*caller_out));
	if (!assertion_is_made(raw))
		return LH_EPERM;
	reason = find_fault(raw, keyring_web_secret(keyring));
	if (reason)
		return refuse(raw, reason);
	ret = identities_find(context->identities, identity_method_find(raw->auth_method),
			      raw->auth_name, caller_out);
	if (ret == LH_ENOENT)
		return refuse(raw, "no entry below auth/proxy/identity/ serves it");
	if (ret == LH_EPERM)
		return refuse(raw, "what it owned is still being taken away");
	if (ret)
		return ret;
	reason = find_hindrance(caller_out, raw);
	if (!reason)
		return 0;
	caller_clear(caller_out);
	return refuse(raw, reason);
}

/* ---- Served ---- */

/* How fast an identity may ask: the web server cannot tell, as it counts before it knows who asks.
 * Counted where a request comes first. */
static int check_rate(struct context *context, const struct caller *caller, unsigned rate)
{
	struct bucket_owners *owners = &broker_shared(context->broker)->identities;
	int64_t now = clock_boot_us(), wait;

	if (!rate || context->request->raw->handed_on)
		return 0;
	wait = bucket_take(bucket_own(owners, caller->identity, now), rate, BUCKET_REVOKE, now);
	if (!wait)
		return 0;
	outcome_error(&context->outcome, 429, "too many requests");
	context->outcome.retry_after = (wait + US_PER_SECOND - 1) / US_PER_SECOND;
	return LH_ERANGE;
}

int assertion_serve(struct context *context, struct caller *caller_out)
{
	int ret = assertion_caller(context, caller_out);

	if (ret == LH_EPERM)
		outcome_error(&context->outcome, 403, "permission denied");
	context->served = !ret;
	return ret ? ret : check_rate(context, caller_out, caller_out->rate);
}

/* Method and name in the token's metadata are our own words: what tokens a login token makes are of no
 * identity. */
int assertion_check_rate(struct context *context, const struct caller *caller)
{
	unsigned rate;
	int ret;

	if (!caller->identified || cert_login_made(caller))
		return 0;
	ret = identities_rate(context->identities,
			      identity_method_find(json_get_text(caller->metadata, "method")),
			      json_get_text(caller->metadata, "name"), &rate);
	return ret ? ret : check_rate(context, caller, rate);
}

void assertion_show(struct context *context, const struct caller *caller)
{
	const char *entry = json_get_text(caller->metadata, "cert_name");

	if (!caller->identified)
		return;
	if (cert_login_made(caller))
		snprintf(context->identity, sizeof(context->identity), "auth/cert/%s", entry);
	else
		snprintf(context->identity, sizeof(context->identity), "%s/%s",
			 json_get_text(caller->metadata, "method"),
			 json_get_text(caller->metadata, "name"));
	log_set_identity(context->identity);
}

void assertion_count(const struct context *context)
{
	enum identity_method method = identity_method_find(context->request->raw->auth_method);

	if (method != IDENTITY_METHODS)
		broker_count(context->broker,
			     (enum slot_counter)(COUNT_IDENTITIES + (unsigned)method));
}
