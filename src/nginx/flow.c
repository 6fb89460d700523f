/* SPDX-License-Identifier: Apache-2.0 */
#include "nginx/flow.h"

#include <stdlib.h>
#include <string.h>

#include "nginx/flow_priv.h"
#include "nginx/goal.h"
#include "nginx/guard.h"
#include "nginx/tree.h"
#include "util/err.h"

static bool is_location_of(const struct block *block, const struct block *server)
{
	return block->kind == BLOCK_LOCATION && block_server(block) == server;
}

static bool is_named(const struct block *location)
{
	const char *text;

	return *location_pattern(location, &text) == '@';
}

static int go_to_name(struct flow *flow, const struct block *server, const char *name,
		      const struct state *state)
{
	for (size_t i = server->number; i < server->end; i++) {
		const struct block *location = &flow->tree->blocks[i];

		if (is_location_of(location, server) &&
		    strcmp(directive_word(location->directive, 1), name) == 0)
			return visits_add(&flow->visits, location, state);
	}
	return 0;
}

static int go_to_path(struct flow *flow, const struct block *server, const char *path,
		      const struct state *state)
{
	const struct goal goal = goal_make(flow->tree, server, path);
	int ret = 0;

	for (size_t i = server->number; ret == 0 && i < server->end; i++) {
		const struct block *location = &flow->tree->blocks[i];

		if (is_location_of(location, server) && goal_meets(&goal, location))
			ret = visits_add(&flow->visits, location, state);
	}
	return ret;
}

int flow_go(struct flow *flow, const struct block *from, const char *target, json_t *via,
	    const struct state *state)
{
	const struct block *server = block_server(from);
	struct state there = *state;

	there.via = via;
	there.rewritten = NULL;
	if (*target == '@')
		return go_to_name(flow, server, target, &there);
	if (strchr("/$", *target) == NULL || strncmp(target, "$scheme", 7) == 0)
		return 0; /* to another site, or try_files' last word "=404" */
	return go_to_path(flow, server, target, &there);
}

/* Codes that only an answer has, when a guard has already let the request in. */
static bool comes_after_guard(int code)
{
	return code == 404 || code == 405 || code == 502 || code == 504;
}

static bool is_page_for(json_t *page, int code)
{
	for (size_t i = 1; i + 1 < directive_size(page); i++) {
		int listed = (int)strtol(directive_word(page, i), NULL, 10);

		if (listed == 0)
			continue; /* "=", with the code to answer */
		if (code == ERRORS_ALL || code == listed ||
		    (code == ERRORS_BEFORE_GUARD && !comes_after_guard(listed)))
			return true;
	}
	return false;
}

int flow_errors(struct flow *flow, const struct block *block, int code, const struct state *state)
{
	const struct block *list = block_with(block, "error_page");
	json_t *page;
	int ret = 0;
	size_t i;

	json_array_foreach(list ? list->body : NULL, i, page)
	{
		if (directive_is(page, "error_page") && is_page_for(page, code))
			ret = flow_go(flow, block, directive_last(page), page, state);
		if (ret)
			return ret;
	}
	return 0;
}

/* ---- where requests begin ---- */

static bool has_location_for_all(const struct flow *flow, const struct block *server)
{
	for (size_t i = server->number; i < server->end; i++) {
		const struct block *location = &flow->tree->blocks[i];
		const char *text, *sign;

		if (!is_location_of(location, server))
			continue;
		sign = location_pattern(location, &text);
		if ((!*sign || strcmp(sign, "^~") == 0) && strcmp(text, "/") == 0)
			return true;
	}
	return false;
}

/* A request that no location fits is the server's own. */
static int stay(struct flow *flow, const struct block *server, const struct visits *out)
{
	int ret = 0;

	if (has_location_for_all(flow, server))
		return 0;
	for (size_t i = 0; ret == 0 && i < out->count; i++) {
		struct state state = out->items[i].state;

		state.rewritten = NULL;
		ret = flow_arrive(flow, server, &state);
	}
	return ret;
}

/* From outside, to any location that is not internal. */
static int enter(struct flow *flow, const struct block *server)
{
	const struct state fresh = {
		.passed = server_wants_certificate(server) ? GUARD_CERTIFICATE : 0,
	};
	struct visits out = { 0 };
	int ret = flow_rewrite(flow, server, &fresh, &out);

	for (size_t i = server->number; ret == 0 && i < server->end; i++) {
		const struct block *location = &flow->tree->blocks[i];

		if (!is_location_of(location, server) || is_named(location) ||
		    block_find(location, "internal"))
			continue;
		for (size_t j = 0; ret == 0 && j < out.count; j++) {
			struct state state = out.items[j].state;

			state.rewritten = NULL;
			ret = visits_add(&flow->visits, location, &state);
		}
	}
	if (ret == 0)
		ret = stay(flow, server, &out);
	visits_free(&out);
	return ret;
}

/* What cannot be read, or comes without the certificate that is wanted, goes to an error page before
 * anything else is looked at. */
static int enter_refused(struct flow *flow, const struct block *server)
{
	const struct state refused = { .early = true };
	struct visits out = { 0 };
	int ret = flow_rewrite(flow, server, &refused, &out);

	for (size_t i = 0; ret == 0 && i < out.count; i++)
		ret = flow_errors(flow, server, ERRORS_BEFORE_GUARD, &out.items[i].state);
	visits_free(&out);
	return ret;
}

/* X-Accel-Redirect and SSI name any location. Such a visit has the server for its block. */
static int go_anywhere(struct flow *flow, const struct block *server, const struct state *state)
{
	int ret = 0;

	for (size_t i = server->number; ret == 0 && i < server->end; i++) {
		const struct block *location = &flow->tree->blocks[i];

		if (is_location_of(location, server))
			ret = visits_add(&flow->visits, location, state);
	}
	return ret;
}

/* ---- one visit ---- */

/* nginx runs no rewrites of a location for the methods that its limit_except shuts out. */
static int visit_limited(struct flow *flow, const struct block *location, const struct state *state)
{
	json_t *limit = block_find(location, "limit_except");
	const struct block *block = limit ? block_of(flow->tree, location, limit) : NULL;

	return block ? flow_arrive(flow, block, state) : 0;
}

static int visit_location(struct flow *flow, const struct block *location,
			  const struct state *state)
{
	struct visits out = { 0 };
	int ret = visit_limited(flow, location, state);

	if (ret == 0)
		ret = flow_rewrite(flow, location, state, &out);
	for (size_t i = 0; ret == 0 && i < out.count; i++) {
		const struct visit *end = &out.items[i];
		json_t *rewrite = end->state.rewritten;

		ret = rewrite ? flow_go(flow, location, directive_word(rewrite, 2), rewrite,
					&end->state)
			      : flow_arrive(flow, end->block, &end->state);
	}
	visits_free(&out);
	return ret;
}

static int work_off(struct flow *flow)
{
	int ret = 0;

	for (size_t i = 0; ret == 0 && i < flow->visits.count; i++) {
		const struct visit visit = flow->visits.items[i];

		ret = visit.block->kind == BLOCK_LOCATION
			      ? visit_location(flow, visit.block, &visit.state)
			      : go_anywhere(flow, visit.block, &visit.state);
	}
	return ret;
}

int flow_follow(const struct tree *tree, json_t *findings)
{
	struct flow flow = { .tree = tree, .findings = findings };
	int ret = 0;

	for (size_t i = 0; ret == 0 && i < tree->count; i++) {
		const struct block *server = &tree->blocks[i];

		if (server->kind != BLOCK_SERVER && server->kind != BLOCK_SITE)
			continue;
		ret = enter(&flow, server);
		if (ret == 0)
			ret = enter_refused(&flow, server);
	}
	if (ret == 0)
		ret = work_off(&flow);
	visits_free(&flow.visits);
	return ret;
}
