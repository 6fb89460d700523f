/* SPDX-License-Identifier: Apache-2.0 */
/* Request signatures in three stages, each of which can be compared with vectors:
 * canonical request -> string to sign -> authorization. A cloud's scheme is one struct.
 * Time and nonce are arguments: nothing here reads a clock or draws a number. */
#ifndef SIGN_SIGN_H
#define SIGN_SIGN_H

#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"

struct sign_pair {
	const char *name;
	const char *value;
};

/* What is to be called. All borrowed. */
struct sign_request {
	const char *host;    /* as sent, with ":port" when it is not the default */
	const char *service; /* "ram", "sts": for schemes that sign it */
	const char *action;
	const char *version;
	const char *region;             /* "" if the service has none */
	const struct sign_pair *params; /* in any order; each name once */
	size_t param_count;
	const char *body;         /* "" if empty */
	const char *content_type; /* NULL if there is no body */
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
	char **headers;   /* "name: value" lines to send, host and authorization included,
	                             NULL-terminated; an empty "content-type:" takes the default away */
};

struct sign_scheme {
	const char *name; /* "ACS3-HMAC-SHA256" */

	/* Mandatory. Fills all of *out; leaves it empty on an error. 0, LH_ENOMEM, LH_EINVAL (a param
	 * that occurs twice, an empty header value or a control character in it), LH_EIO. */
	int (*sign)(const struct sign_request *request, const struct sign_key *key, int64_t now,
		    const char *nonce, struct signed_request *out);
};

extern const struct sign_scheme sign_acs3; /* Alibaba Cloud, signature version 3 */

void signed_free(struct signed_request *signed_request);

#endif
