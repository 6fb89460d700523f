/* SPDX-License-Identifier: Apache-2.0 */
/* What an unguarded identity is blamed on. */
#include <string.h>
#include <strings.h>

#include "nginx/finding.h"
#include "nginx/flow_priv.h"
#include "nginx/guard.h"
#include "nginx/tree.h"
#include "nginx/value.h"

/* A parameter with a value of its own claims by itself, where it is passed. */
static struct claim claim_of(const struct flow *flow, const struct block *block,
			     const char *parameter, const struct state *state,
			     const struct claim *set)
{
	json_t *directive = block_parameter(block, parameter);
	const struct claim own = flow_claim(
		block_location(block), directive,
		directive ? value_origins_unset(flow->tree, directive_word(directive, 2)) : 0,
		state->early);

	return own.directive ? own : *set;
}

static const char *why_of(json_t *via)
{
	static const struct {
		const char *verb, *why;
	} ways[] = {
		{ "error_page",
		  "a request that was refused keeps its identity and goes to leasehold "
		  "with it; name a page that does not lead there" },
		{ "rewrite",
		  "sends the request on to leasehold before its guard is asked; set the "
		  "identity in the location that passes to leasehold, beside the guard" },
		{ "auth_request", "nginx asks no guard for a subrequest, so anybody's request asks "
				  "leasehold with an identity; ask another location" },
		{ "mirror", "nginx asks no guard for a subrequest, so anybody's request asks "
			    "leasehold with an identity; mirror to another location" },
		{ "ssi", "nginx asks no guard for what a page includes, which may be leasehold's "
			 "answer to an identity; say `ssi off`" },
	};

	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		if (directive_is(via, ways[i].verb))
			return ways[i].why;
	}
	if (strstr(directive_word(via, 0), "_pass"))
		return "with X-Accel-Redirect this application leads whom it likes to an identity "
		       "that nothing guards; guard that location, or ignore the header here";
	return "leads to leasehold with an identity, and nothing has checked who asks; guard that "
	       "location, or lead elsewhere";
}

static int blame_way(struct flow *flow, json_t *via, json_t *claim)
{
	return finding_add(flow->findings, via, "%s (the identity of %s:%d)", why_of(via),
			   directive_file(claim), directive_line(claim));
}

static int blame_off(struct flow *flow, json_t *off, json_t *claim)
{
	const char *why =
		directive_is(off, "auth_basic") && strcmp(directive_word(off, 1), "off") != 0
			? "checks nothing: it needs auth_basic_user_file, a realm without "
			  "variables, and a file that no client chooses"
			: "lets everybody in";

	return finding_add(flow->findings, off,
			   "%s where %s:%d sets an identity, so anybody becomes it; mend the "
			   "guard, or set no identity here",
			   why, directive_file(claim), directive_line(claim));
}

static int blame_claim(struct flow *flow, const struct block *block, json_t *claim)
{
	const char *hint = "";

	if (strcasecmp(block_setting(block, "ssl_verify_client", "off"), "on") == 0)
		hint = " (ssl_verify_client says nothing about a port without TLS)";
	return finding_add(flow->findings, claim,
			   "nothing checks who asks, so anybody becomes this identity%s; put a "
			   "guard beside it, or include one recipe of leasehold/auth instead",
			   hint);
}

/* What was claimed where the request ends is at fault itself, unless its guard was not asked. */
static int blame(struct flow *flow, const struct block *block, const struct state *state,
		 const struct claim *claim)
{
	bool guarded = guards_at(flow->tree, block) ||
		       server_wants_certificate(block_server(block));
	bool here = claim->where == block_location(block) &&
		    !(guarded && (state->sub || state->early));
	json_t *off = guard_off(flow->tree, block);

	if (state->via && !here)
		return blame_way(flow, state->via, claim->directive);
	return off ? blame_off(flow, off, claim->directive)
		   : blame_claim(flow, block, claim->directive);
}

static int blame_any(struct flow *flow, json_t *any, json_t *claim)
{
	return finding_add(flow->findings, any,
			   "with \"any\" whoever passes one of the checks becomes the identity of "
			   "%s:%d, also without its password; say `satisfy all`",
			   directive_file(claim), directive_line(claim));
}

/* What nginx has not verified is the client's own word, even where another guard let it in. */
static bool is_any_certificate(const struct block *block, const struct state *state,
			       const struct claim *claim)
{
	const char *how = block_setting(block, "ssl_verify_client", "off");

	return (claim->origins & VALUE_TLS) && !(state->passed & GUARD_CERTIFICATE) &&
	       strcasecmp(how, "optional_no_ca") == 0;
}

static bool is_any_user(const struct state *state, const struct claim *claim)
{
	return (claim->origins & VALUE_USER) && !(state->passed & GUARD_BASIC);
}

int flow_judge(struct flow *flow, const struct block *block, const struct state *state)
{
	const struct claim method = claim_of(flow, block, "LH_AUTH_METHOD", state, &state->method);
	const struct claim name = claim_of(flow, block, "LH_AUTH_NAME", state, &state->name);
	bool sure = method.sure || name.sure;

	if (!method.directive || !name.directive)
		return 0;
	if (is_any_certificate(block, state, &name))
		return finding_add(
			flow->findings, name.directive,
			"with optional_no_ca anybody makes a certificate of any subject; "
			"say `if ($ssl_client_verify != SUCCESS) { return 403; }` before "
			"this");
	if (!sure && !state->passed)
		return blame(flow, block, state, &name);
	if (is_any_user(state, &name))
		return finding_add(flow->findings, name.directive,
				   "$remote_user is what the client says as long as no auth_basic "
				   "asks for its password; add auth_basic and its file of users");
	return state->any && !sure ? blame_any(flow, state->any, name.directive) : 0;
}
