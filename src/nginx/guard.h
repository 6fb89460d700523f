/* SPDX-License-Identifier: Apache-2.0 */
/* What keeps strangers out of a location: the checks that nginx makes before it answers, and the
 * conditions that a site makes itself. */
#ifndef NGINX_GUARD_H
#define NGINX_GUARD_H

#include <jansson.h>
#include <stdbool.h>

struct block;
struct tree;

/* The first three are checks of nginx's access phase. */
enum guard {
	GUARD_BASIC = 1,       /* auth_basic with a file of users */
	GUARD_REQUEST = 2,     /* auth_request, not answered by nginx itself */
	GUARD_ADDRESS = 4,     /* allow and deny that ends in `deny all` */
	GUARD_CERTIFICATE = 8, /* a verified certificate, asked for by the server or by an `if` */
	GUARD_CONDITION = 16,  /* another `if` that strangers do not pass */
};

/* Those of the access phase that are in force in this block, as nginx inherits them. */
unsigned guards_at(const struct tree *tree, const struct block *block);

/* Whether nginx sends an auth_request here, whoever answers it. */
bool request_is_asked(const struct block *block);

/* Whether both blocks ask for the same thing by at least one guard. */
bool guards_shared(const struct tree *tree, const struct block *one, const struct block *other);

/* The directive that takes a guard away which blocks above have: `auth_basic off`, `auth_request off`,
 * `allow all`, or auth_basic without a file of users of the site's own; NULL if there is none. */
json_t *guard_off(const struct tree *tree, const struct block *block);

/* Whether a server takes TLS alone, and nobody without a certificate that nginx has verified. */
bool server_wants_certificate(const struct block *server);

/* Whether a certificate that the client shows has been verified by nginx: on or optional. */
bool server_verifies(const struct block *server);

/* What the condition of an `if` is for somebody who can prove nothing. */
enum condition_of_strangers {
	STRANGERS_EITHER, /* they choose, or it is about something else */
	STRANGERS_TRUE,
	STRANGERS_FALSE,
};
enum condition_of_strangers condition_of_strangers(const struct tree *tree, json_t *directive);

/* Which guard it is to be on the right side of such a condition. */
enum guard condition_guard(json_t *directive);

#endif
