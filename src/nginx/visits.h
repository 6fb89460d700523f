/* SPDX-License-Identifier: Apache-2.0 */
/* Where a request is, and what it has with it: the states that following a site passes through. */
#ifndef NGINX_VISITS_H
#define NGINX_VISITS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct block;

/* Half an identity that the request has: its method, or its name. */
struct claim {
	json_t *directive;         /* that has set it; NULL: the request has none */
	const struct block *where; /* whose guard vouches for it: a location, or the server */
	unsigned origins;          /* of its value, see value.h */
	bool sure;                 /* it needs no guard: without a proof it is empty */
};

struct state {
	struct claim method, name;
	unsigned passed;   /* the guards that have let it in, see guard.h */
	bool early;        /* nginx refused it before it looked at the certificate */
	bool sub;          /* a subrequest: no guard is asked */
	json_t *any;       /* the `satisfy any` by which it passed; NULL: all had to be satisfied */
	json_t *via;       /* the directive that has sent it here; NULL: it came from outside */
	json_t *rewritten; /* the rewrite after which it will be sent on; NULL: it stays */
};

struct visit {
	const struct block *block;
	struct state state;
};

/* Each visit once. Zero-initialise it. */
struct visits {
	struct visit *items;
	size_t count, capacity;
	json_t *seen;
};

/* 0, LH_ENOMEM, or LH_ERANGE when there are more than any real site has. */
int visits_add(struct visits *visits, const struct block *block, const struct state *state);
void visits_free(struct visits *visits);

#endif
