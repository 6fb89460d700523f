/* SPDX-License-Identifier: Apache-2.0 */
#include "nginx/target.h"

#include <string.h>

#include "nginx/tree.h"
#include "util/err.h"

static int remember(struct tree *tree, const char *target)
{
	return json_object_set_new(tree->targets, target, json_true()) ? LH_ENOMEM : 0;
}

static bool gets_our_parameters(const struct block *block)
{
	const struct block *list = block_with(block, "fastcgi_param");
	json_t *directive;
	size_t i;

	json_array_foreach(list ? list->body : NULL, i, directive)
	{
		if (directive_is(directive, "fastcgi_param") &&
		    strncmp(directive_word(directive, 1), "LH_", 3) == 0)
			return true;
	}
	return false;
}

static int by_name_or_parameters(struct tree *tree, const struct block *block)
{
	json_t *pass = block_find(block, "fastcgi_pass");
	const char *target = directive_word(pass, 1);

	if (!pass || (!strstr(target, "leasehold") && !gets_our_parameters(block)))
		return 0;
	return remember(tree, target);
}

static bool is_upstream(const struct block *block)
{
	return block->directive && directive_is(block->directive, "upstream");
}

/* The servers of an upstream that is ours are ours. */
static int by_name_to_address(struct tree *tree, const struct block *block)
{
	const char *name = directive_word(block->directive, 1);
	json_t *server;
	size_t i;

	if (!is_upstream(block) ||
	    (!json_object_get(tree->targets, name) && !strstr(name, "leasehold")))
		return 0;
	if (remember(tree, name))
		return LH_ENOMEM;
	json_array_foreach(block->body, i, server)
	{
		if (directive_is(server, "server") && remember(tree, directive_word(server, 1)))
			return LH_ENOMEM;
	}
	return 0;
}

/* … and so is each upstream with one of these servers, or with a socket that says so. */
static int by_address_to_name(struct tree *tree, const struct block *block)
{
	json_t *server;
	size_t i;

	json_array_foreach(is_upstream(block) ? block->body : NULL, i, server)
	{
		const char *address = directive_word(server, 1);

		if (directive_is(server, "server") &&
		    (strstr(address, "leasehold") || json_object_get(tree->targets, address)))
			return remember(tree, directive_word(block->directive, 1));
	}
	return 0;
}

int targets_find(struct tree *tree)
{
	static int (*const steps[])(struct tree *, const struct block *) = {
		by_name_or_parameters,
		by_name_to_address,
		by_address_to_name,
	};

	for (size_t step = 0; step < sizeof(steps) / sizeof(*steps); step++) {
		for (size_t i = 0; i < tree->count; i++) {
			int ret = steps[step](tree, &tree->blocks[i]);

			if (ret)
				return ret;
		}
	}
	return 0;
}
