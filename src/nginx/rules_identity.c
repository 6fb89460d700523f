/* SPDX-License-Identifier: Apache-2.0 */
/* Rules about who somebody is. */
#include <stdlib.h>
#include <string.h>

#include "nginx/asserted.h"
#include "nginx/finding.h"
#include "nginx/flow.h"
#include "nginx/guard.h"
#include "nginx/rules_priv.h"
#include "nginx/value.h"
#include "nginx/writers.h"
#include "util/err.h"

int rule_unguarded(const struct judging *judging, const struct block *block)
{
	return block->kind == BLOCK_SITE ? flow_follow(judging->tree, judging->findings) : 0;
}

/* ---- one recipe for each location ---- */

/* The first in the block, or in an `if` of it, that sets that variable to something. */
static json_t *first_set(const struct judging *judging, json_t *body, const char *variable)
{
	json_t *directive, *found = NULL;
	size_t i;

	json_array_foreach(body, i, directive)
	{
		if (asserted_is_set(judging->tree, directive) && *directive_word(directive, 2) &&
		    strcmp(directive_word(directive, 1), variable) == 0)
			return directive;
		if (directive_is(directive, "if"))
			found = first_set(judging, json_object_get(directive, "body"), variable);
		if (found)
			return found;
	}
	return NULL;
}

int rule_set_twice(const struct judging *judging, const struct block *block)
{
	const struct block *whole = block_location(block);
	json_t *directive, *first;
	int ret = 0;
	size_t i;

	json_array_foreach(block->body, i, directive)
	{
		if (!asserted_is_set(judging->tree, directive) || !*directive_word(directive, 2))
			continue;
		first = first_set(judging, whole->body, directive_word(directive, 1));
		if (first != directive)
			ret = finding_add(judging->findings, directive,
					  "the identity is set already in line %d of %s, by "
					  "another guard, and only the last counts: one recipe for "
					  "each location",
					  directive_line(first), directive_file(first));
		if (ret)
			return ret;
	}
	return 0;
}

/* ---- what the client says ---- */

int rule_said_by_client(const struct judging *judging, const struct block *block)
{
	json_t *directive;
	int ret = 0;
	size_t i;

	json_array_foreach(block->body, i, directive)
	{
		unsigned origins = 0;

		if (asserted_is_set(judging->tree, directive))
			origins = value_origins_set(judging->tree, directive);
		if (asserted_is_parameter(directive))
			origins = value_origins_unset(judging->tree, directive_word(directive, 2));
		if (origins & (VALUE_SAID | VALUE_ASKED))
			ret = finding_add(judging->findings, directive,
					  "the client writes or chooses this value and can be "
					  "anybody; take it from what nginx has verified");
		if (ret)
			return ret;
	}
	return 0;
}

bool rule_names_somebody(const struct judging *judging, json_t *directive)
{
	return directive_is(directive, "set") && *directive_word(directive, 2) &&
	       json_object_get(judging->proofs, variable_name(directive_word(directive, 1)));
}

/* What a client writes, and what it asks for; but by its method a request may well be somebody else's. */
static bool is_clients_choice(const struct judging *judging, json_t *directive)
{
	struct condition condition;
	char text[sizeof(condition.variable) + 1];

	condition_read(directive, &condition);
	err_text(text, sizeof(text), "$%s", condition.variable);
	return strcmp(condition.variable, "request_method") != 0 &&
	       (value_origins(judging->tree, text) & (VALUE_SAID | VALUE_ASKED)) &&
	       condition_of_strangers(judging->tree, directive) == STRANGERS_EITHER;
}

int rule_chosen_by_client(const struct judging *judging, const struct block *block)
{
	json_t *directive;
	size_t i;

	if (block->kind != BLOCK_IF || !is_clients_choice(judging, block->directive))
		return 0;
	json_array_foreach(block->body, i, directive)
	{
		if (rule_names_somebody(judging, directive))
			return finding_add(
				judging->findings, block->directive,
				"the client fulfils this condition or not, as it likes, and "
				"chooses an identity with it; ask for what nginx has verified");
	}
	return 0;
}

/* Shorter than any network that one operator has: 10.0.0.0/8, and 2000::/16. */
static bool is_wide(const char *range)
{
	const char *slash = strchr(range, '/');

	return slash && strtol(slash + 1, NULL, 10) < (strchr(range, ':') ? 16 : 8);
}

/* Of all servers, of one that leads to leasehold, or of one geo. */
static bool names_proxies(const struct judging *judging, const struct block *block,
			  json_t *directive)
{
	const struct block *server = block_server(block);

	if (directive_is(directive, "set_real_ip_from"))
		return server->kind == BLOCK_SITE || block_reaches(judging->tree, server);
	return block->directive && directive_is(block->directive, "geo") &&
	       directive_is(directive, "proxy");
}

int rule_wide_proxies(const struct judging *judging, const struct block *block)
{
	json_t *directive;
	int ret = 0;
	size_t i;

	json_array_foreach(block->body, i, directive)
	{
		if (names_proxies(judging, block, directive) &&
		    is_wide(directive_word(directive, 1)))
			ret = finding_add(judging->findings, directive,
					  "whoever is in a range this wide may claim any address, "
					  "and pass rules on addresses; name the proxies in front");
		if (ret)
			return ret;
	}
	return 0;
}
