/* SPDX-License-Identifier: Apache-2.0 */
/* Where a value comes from: through set, map, geo and what regular expressions capture. */
#ifndef NGINX_VALUE_H
#define NGINX_VALUE_H

#include <jansson.h>
#include <stdbool.h>

struct block;
struct tree;

/* What makes a value other than empty. */
enum value_origin {
	VALUE_TEXT = 1,      /* nothing: everybody has it */
	VALUE_SAID = 2,      /* the client's own words: a header, cookie or argument */
	VALUE_ASKED = 4,     /* what the client asks for: path, host, method */
	VALUE_TOKEN = 8,     /* a header, cookie or argument that fits the key of a map */
	VALUE_ADDRESS = 16,  /* the client's address */
	VALUE_USER = 32,     /* $remote_user: proven only where auth_basic is on */
	VALUE_TLS = 64,      /* the client's certificate: proven only where nginx verifies it */
	VALUE_REQUEST = 128, /* the answer to auth_request */
};

/* All origins that the text may have; 0: it is always empty. */
unsigned value_origins(const struct tree *tree, const char *text);

/* The same of what a set or auth_request_set gives: there $1 is what an `if` around it has captured. */
unsigned value_origins_set(const struct tree *tree, json_t *set);

/* The same of a text without what set and auth_request_set give: what it is where none of them was
 * run. */
unsigned value_origins_unset(const struct tree *tree, const char *text);

/* Whether the text of one of these variables (names without "$", NULL at the end; a name that ends in
 * "_" stands for all that begin so) may become part of this one. */
bool value_carries(const struct tree *tree, const char *text, const char *const *names);

/* The value of a map's or geo's "default": "" if it has none. */
const char *map_default(json_t *map);

/* Whether a word of a map or geo is a key with a value, and not a parameter of its own. */
bool map_has_key(json_t *entry);

/* What the condition of an `if` asks. The texts are cut to their size. */
struct condition {
	char variable[64]; /* without "$"; "" unless it is about a variable */
	char sign[4];      /* "" if the variable alone is asked */
	char value[256];
};
void condition_read(json_t *directive, struct condition *condition_out);

#endif
