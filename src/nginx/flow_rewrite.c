/* SPDX-License-Identifier: Apache-2.0 */
/* The rewrite phase: directives in their order, with a fork at each `if` and `rewrite`. */
#include <stdlib.h>
#include <string.h>

#include "nginx/asserted.h"
#include "nginx/flow_priv.h"
#include "nginx/guard.h"
#include "nginx/tree.h"
#include "nginx/value.h"
#include "util/err.h"

struct run {
	struct flow *flow;
	const struct block *whole; /* the location or server that is run */
	struct visits *out;        /* whom a `break` has stopped */
};

static int run_body(const struct run *run, json_t *body, struct visits *live);

static int do_set(const struct run *run, json_t *directive, const struct visit *path,
		  struct visits *next)
{
	struct state state = path->state;

	if (asserted_is_set(run->flow->tree, directive))
		flow_set(run->flow, run->whole, directive,
			 value_origins_set(run->flow->tree, directive), &state);
	return visits_add(next, path->block, &state);
}

static int do_break(const struct run *run, json_t *directive, const struct visit *path,
		    struct visits *next)
{
	struct state state = path->state;

	(void)directive;
	(void)next;
	state.rewritten = NULL;
	return visits_add(run->out, path->block, &state);
}

/* With a text of its own it answers; a bare code goes to the error page. */
static int do_return(const struct run *run, json_t *directive, const struct visit *path,
		     struct visits *next)
{
	int code = (int)strtol(directive_word(directive, 1), NULL, 10);

	(void)next;
	if (directive_size(directive) != 2 || code < 300)
		return 0;
	return flow_errors(run->flow, path->block, code, &path->state);
}

/* It may match or not. A path that is not sent on at once runs through the rest first. */
static int do_rewrite(const struct run *run, json_t *directive, const struct visit *path,
		      struct visits *next)
{
	const char *flag = directive_word(directive, 3);
	struct state state = path->state;
	int ret = visits_add(next, path->block, &state);

	if (ret || strcmp(flag, "redirect") == 0 || strcmp(flag, "permanent") == 0)
		return ret;
	state.rewritten = strcmp(flag, "break") == 0 ? NULL : directive;
	return visits_add(*flag ? run->out : next, path->block, &state);
}

/* Whom the condition tells from strangers has proven something, on one of the two ways. */
static int do_if(const struct run *run, json_t *directive, const struct visit *path,
		 struct visits *next)
{
	const enum condition_of_strangers strangers = condition_of_strangers(run->flow->tree,
									     directive);
	const struct block *block = block_of(run->flow->tree, run->whole, directive);
	struct state inside = path->state, outside = path->state;
	struct visits live = { 0 };
	int ret;

	if (!block)
		return visits_add(next, path->block, &outside); /* nginx refuses this one */
	if (strangers == STRANGERS_FALSE)
		flow_prove(run->flow, &inside, run->whole, condition_guard(directive));
	if (strangers == STRANGERS_TRUE)
		flow_prove(run->flow, &outside, run->whole, condition_guard(directive));
	ret = visits_add(&live, block, &inside);
	if (ret == 0)
		ret = run_body(run, block->body, &live);
	for (size_t i = 0; ret == 0 && i < live.count; i++)
		ret = visits_add(next, live.items[i].block, &live.items[i].state);
	visits_free(&live);
	return ret ? ret : visits_add(next, path->block, &outside);
}

static const struct {
	const char *verb;
	int (*run)(const struct run *run, json_t *directive, const struct visit *path,
		   struct visits *next);
} verbs[] = {
	{ "set", do_set },         { "break", do_break }, { "return", do_return },
	{ "rewrite", do_rewrite }, { "if", do_if },
};

static int run_directive(const struct run *run, json_t *directive, struct visits *live)
{
	struct visits next = { 0 };
	size_t verb = 0;
	int ret = 0;

	while (verb < sizeof(verbs) / sizeof(*verbs) && !directive_is(directive, verbs[verb].verb))
		verb++;
	if (verb == sizeof(verbs) / sizeof(*verbs))
		return 0;
	for (size_t i = 0; ret == 0 && i < live->count; i++)
		ret = verbs[verb].run(run, directive, &live->items[i], &next);
	visits_free(live);
	*live = next;
	return ret;
}

static int run_body(const struct run *run, json_t *body, struct visits *live)
{
	json_t *directive;
	int ret = 0;
	size_t i;

	json_array_foreach(body, i, directive)
	{
		ret = run_directive(run, directive, live);
		if (ret)
			return ret;
	}
	return 0;
}

int flow_rewrite(struct flow *flow, const struct block *block, const struct state *state,
		 struct visits *out)
{
	const struct run run = { flow, block, out };
	struct visits live = { 0 };
	int ret = visits_add(&live, block, state);

	if (ret == 0)
		ret = run_body(&run, block->body, &live);
	for (size_t i = 0; ret == 0 && i < live.count; i++)
		ret = visits_add(out, live.items[i].block, &live.items[i].state);
	visits_free(&live);
	return ret;
}
