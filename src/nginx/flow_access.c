/* SPDX-License-Identifier: Apache-2.0 */
/* From the guard to the answer, and every way on from there. */
#include <string.h>
#include <strings.h>

#include "nginx/asserted.h"
#include "nginx/flow_priv.h"
#include "nginx/guard.h"
#include "nginx/tree.h"
#include "nginx/value.h"
#include "nginx/writers.h"
#include "util/err.h"

static bool is_foreign(const struct flow *flow, const struct claim *claim,
		       const struct block *block)
{
	return claim->directive && claim->where->kind == BLOCK_LOCATION &&
	       claim->where != block_location(block) &&
	       !guards_shared(flow->tree, claim->where, block);
}

void flow_prove(const struct flow *flow, struct state *state, const struct block *block,
		unsigned guards)
{
	if (!is_foreign(flow, &state->method, block) && !is_foreign(flow, &state->name, block))
		state->passed |= guards;
}

struct claim flow_claim(const struct block *where, json_t *directive, unsigned origins, bool early)
{
	unsigned proof = VALUE_TOKEN | VALUE_ADDRESS;

	if (server_verifies(block_server(where)) && !early)
		proof |= VALUE_TLS;
	return origins ? (struct claim){ directive, where, origins, (origins & ~proof) == 0 }
		       : (struct claim){ 0 };
}

void flow_set(const struct flow *flow, const struct block *where, json_t *directive,
	      unsigned origins, struct state *state)
{
	const char *variable = variable_name(directive_word(directive, 1));
	const struct claim claim = flow_claim(where, directive, origins, state->early);

	if (json_object_get(flow->tree->methods, variable))
		state->method = claim;
	if (json_object_get(flow->tree->names, variable))
		state->name = claim;
}

/* What the other side of auth_request says is set before its yes or no counts. */
static void claim_by_request(const struct flow *flow, const struct block *block,
			     struct state *state)
{
	const struct block *list = block_with(block, "auth_request_set"), *where;
	json_t *directive;
	size_t i;

	if (!list || state->sub || !request_is_asked(block))
		return;
	where = list->kind == BLOCK_LOCATION ? block_location(block) : block_server(block);
	json_array_foreach(list->body, i, directive)
	{
		if (directive_is(directive, "auth_request_set") &&
		    asserted_is_set(flow->tree, directive))
			flow_set(flow, where, directive, value_origins_set(flow->tree, directive),
				 state);
	}
}

/* nginx asks no guard for a subrequest. */
static void pass_guard(const struct flow *flow, const struct block *block, struct state *state)
{
	const unsigned guards = guards_at(flow->tree, block);

	if (state->sub || !guards)
		return;
	flow_prove(flow, state, block, guards);
	if (strcasecmp(block_setting(block, "satisfy", "all"), "any") == 0)
		state->any = block_nearest(block, "satisfy");
}

/* ---- ways on ---- */

static int go_to_subrequests(struct flow *flow, const struct block *block,
			     const struct state *state)
{
	static const char *const verbs[] = { "mirror", "add_before_body", "add_after_body" };
	struct state sub = *state;
	int ret = 0;

	sub.sub = true;
	for (size_t i = 0; ret == 0 && i < sizeof(verbs) / sizeof(*verbs); i++) {
		json_t *directive = block_nearest(block, verbs[i]);

		if (directive && directive_word(directive, 1)[0] == '/')
			ret = flow_go(flow, block, directive_word(directive, 1), directive, &sub);
	}
	if (ret || strcasecmp(block_setting(block, "ssi", "off"), "on") != 0)
		return ret;
	sub.via = block_nearest(block, "ssi");
	return visits_add(&flow->visits, block_server(block), &sub);
}

static int go_to_guard(struct flow *flow, const struct block *block, const struct state *state)
{
	json_t *directive = block_nearest(block, "auth_request");
	struct state sub = *state;

	if (state->sub || !request_is_asked(block))
		return 0;
	sub.sub = true;
	return flow_go(flow, block, directive_word(directive, 1), directive, &sub);
}

/* Its last word is where a request goes for which there is no file. */
static int go_to_fallback(struct flow *flow, const struct block *block, const struct state *state)
{
	json_t *directive = block_find(block_location(block), "try_files");

	return directive ? flow_go(flow, block, directive_last(directive), directive, state) : 0;
}

static bool ignores_redirects(const struct block *block, const char *verb)
{
	json_t *ignored = block_nearest(block, verb);

	for (size_t i = 1; i < directive_size(ignored); i++) {
		if (strcmp(directive_word(ignored, i), "X-Accel-Redirect") == 0)
			return true;
	}
	return false;
}

static json_t *passes(const struct block *block, const char *verb)
{
	json_t *pass = block_find(block, verb);

	while (!pass && (block->kind == BLOCK_IF || block->kind == BLOCK_LIMIT_EXCEPT)) {
		block = block->above;
		pass = block_find(block, verb);
	}
	return pass;
}

/* What has reached leasehold so is blamed already, and not once more in the other pool. */
static bool is_unguarded(const struct state *state)
{
	return state->method.directive && state->name.directive && !state->passed;
}

/* leasehold hands on to its other pool alone; another application may name any location, and what it
 * says in a subrequest it can say outside of one. */
static int go_where_it_says(struct flow *flow, const struct block *block, const struct state *state)
{
	static const struct {
		const char *pass, *ignore;
	} kinds[] = {
		{ "proxy_pass", "proxy_ignore_headers" },
		{ "fastcgi_pass", "fastcgi_ignore_headers" },
		{ "uwsgi_pass", "uwsgi_ignore_headers" },
		{ "scgi_pass", "scgi_ignore_headers" },
		{ "grpc_pass", "grpc_ignore_headers" },
	};
	json_t *ours = block_believer(flow->tree, block);
	int ret = 0;

	if (ours ? is_unguarded(state) : state->sub)
		return 0;
	for (size_t i = 0; ret == 0 && i < sizeof(kinds) / sizeof(*kinds); i++) {
		json_t *pass = passes(block, kinds[i].pass);
		struct state there = *state;

		if (!pass || ignores_redirects(block, kinds[i].ignore))
			continue;
		there.via = pass;
		ret = pass == ours ? flow_go(flow, block, "@leasehold_work", pass, state)
				   : visits_add(&flow->visits, block_server(block), &there);
	}
	return ret;
}

int flow_arrive(struct flow *flow, const struct block *block, const struct state *state)
{
	static int (*const ways[])(struct flow *, const struct block *, const struct state *) = {
		go_to_subrequests,
		go_to_fallback,
		go_where_it_says,
	};
	struct state here = *state;
	int ret;

	claim_by_request(flow, block, &here);
	ret = flow_errors(flow, block, ERRORS_BEFORE_GUARD, &here);
	if (ret == 0)
		ret = go_to_guard(flow, block, &here);
	if (ret)
		return ret;
	pass_guard(flow, block, &here);
	ret = flow_errors(flow, block, ERRORS_ALL, &here);
	for (size_t i = 0; ret == 0 && i < sizeof(ways) / sizeof(*ways); i++)
		ret = ways[i](flow, block, &here);
	return ret || !block_believer(flow->tree, block) ? ret : flow_judge(flow, block, &here);
}
