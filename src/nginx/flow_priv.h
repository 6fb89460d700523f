/* SPDX-License-Identifier: Apache-2.0 */
/* What the steps of following a request share. All functions return 0, LH_ENOMEM or LH_ERANGE. */
#ifndef NGINX_FLOW_PRIV_H
#define NGINX_FLOW_PRIV_H

#include <jansson.h>
#include <stdbool.h>

#include "nginx/visits.h"

struct tree;

struct flow {
	const struct tree *tree;
	json_t *findings;
	struct visits visits; /* begun by flow_follow, worked off from the front */
};

/* The error pages of a block: all that are asked for by a code; those before a guard lets somebody
 * in; every one. */
enum { ERRORS_BEFORE_GUARD = -1, ERRORS_ALL = -2 };

/* ---- flow.c ---- */

/* Sends the request on from a block to a path or named location, by a directive. */
int flow_go(struct flow *flow, const struct block *from, const char *target, json_t *via,
	    const struct state *state);
int flow_errors(struct flow *flow, const struct block *block, int code, const struct state *state);

/* ---- flow_rewrite.c ---- */

/* Runs what the rewrite module does in a location or server, and adds to *out each block (it, or an
 * `if` in it) and state with which the request comes out. */
int flow_rewrite(struct flow *flow, const struct block *block, const struct state *state,
		 struct visits *out);

/* ---- flow_access.c ---- */

/* From the guard to the answer: the request will not be rewritten any more. */
int flow_arrive(struct flow *flow, const struct block *block, const struct state *state);

/* These guards of this block have let the request in: that vouches for what is claimed here, and
 * for what the server claims, but not for what another location has claimed by another guard. */
void flow_prove(const struct flow *flow, struct state *state, const struct block *block,
		unsigned guards);

/* The directive sets the variable to a value of these origins, in this location or server. */
void flow_set(const struct flow *flow, const struct block *where, json_t *directive,
	      unsigned origins, struct state *state);

/* What a directive claims that sets a value of these origins in this location or server. */
struct claim flow_claim(const struct block *where, json_t *directive, unsigned origins, bool early);

/* ---- flow_judge.c ---- */

/* The request is handed to leasehold in this block. */
int flow_judge(struct flow *flow, const struct block *block, const struct state *state);

#endif
