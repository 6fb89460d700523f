/* SPDX-License-Identifier: Apache-2.0 */
/* Request signatures in three stages, each of which can be compared with vectors:
 * canonical request -> string to sign -> authorization. A cloud's scheme is one struct.
 * Time and nonce are arguments: nothing here reads a clock or draws a number. */
#ifndef SIGN_SIGN_H
#define SIGN_SIGN_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"

/* What is to be called. All borrowed. */
struct sign_request {
	const char *host;    /* as sent, with ":port" when it is not the default */
	const char *service; /* "ram", "sts": for schemes that sign it */
	const char *action;
	const char *version;
	const char *region;   /* "" if the service has none */
	const json_t *params; /* object; the scheme puts it where its cloud wants it */
	const char *body; /* NULL: what the scheme makes of params, or none; else sent as it is, */
	const char *content_type; /* of this type */
};

struct sign_key {
	const char *id;
	const char *secret;
	const char *token; /* NULL or "": a long-lived key */
};

/* The outcome of all stages; free with signed_free (it wipes: headers may hold a session token). */
struct signed_request {
	struct buf canonical_request;
	struct buf string_to_sign;
	struct buf authorization; /* value of the Authorization header */
	struct buf query; /* what follows "/?" on the wire, byte for byte as it was signed */
	struct buf body;  /* to be sent by POST, byte for byte as it was signed */
	char **headers;   /* "name: value" lines to send, host and authorization included,
	                             NULL-terminated; an empty "content-type:" takes the default away */
};

struct sign_scheme {
	const char *name; /* "ACS3-HMAC-SHA256" */

	/* Mandatory. Fills all of *out; leaves it empty on an error. key is NULL for a call that
	 * needs no signature, a login; its first three stages stay empty. 0, LH_ENOMEM, LH_EINVAL (a
	 * param that the cloud cannot take, an empty header value or a control character in it, a
	 * missing key where there is no other way), LH_EIO. */
	int (*sign)(const struct sign_request *request, const struct sign_key *key, int64_t now,
		    const char *nonce, struct signed_request *out);
};

extern const struct sign_scheme sign_acs3; /* Alibaba Cloud, signature version 3 */
extern const struct sign_scheme sign_tc3;  /* Tencent Cloud, signature version 3 */

void signed_free(struct signed_request *signed_request);

#endif
