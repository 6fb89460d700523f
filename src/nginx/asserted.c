/* SPDX-License-Identifier: Apache-2.0 */
#include "nginx/asserted.h"

#include <string.h>

#include "nginx/tree.h"
#include "nginx/writers.h"
#include "util/err.h"

#define METHOD "LH_AUTH_METHOD"
#define NAME   "LH_AUTH_NAME"

static bool is_parameter(json_t *directive, const char *name)
{
	return directive_is(directive, "fastcgi_param") &&
	       strcmp(directive_word(directive, 1), name) == 0;
}

bool asserted_is_parameter(json_t *directive)
{
	return is_parameter(directive, METHOD) || is_parameter(directive, NAME);
}

bool asserted_is_set(const struct tree *tree, json_t *directive)
{
	const char *variable = directive_word(directive, 1);

	if (!directive_is(directive, "set") && !directive_is(directive, "auth_request_set"))
		return false;
	return *variable == '$' && (json_object_get(tree->methods, variable + 1) ||
				    json_object_get(tree->names, variable + 1));
}

static int add_variables(json_t *set, const char *text)
{
	char name[64];

	while ((text = next_variable(text, name, sizeof(name)))) {
		if (json_object_set_new(set, name, json_true()))
			return LH_ENOMEM;
	}
	return 0;
}

static int add_directive(struct tree *tree, json_t *directive)
{
	if (is_parameter(directive, METHOD))
		return add_variables(tree->methods, directive_word(directive, 2));
	if (is_parameter(directive, NAME))
		return add_variables(tree->names, directive_word(directive, 2));
	return 0;
}

/* Those of leasehold-params.conf, also in a piece of a site without it. */
int asserted_find(struct tree *tree)
{
	if (add_variables(tree->methods, "$lh_auth_method") ||
	    add_variables(tree->names, "$lh_auth_name"))
		return LH_ENOMEM;
	for (size_t i = 0; i < tree->count; i++) {
		json_t *directive;
		size_t j;

		json_array_foreach(tree->blocks[i].body, j, directive)
		{
			if (add_directive(tree, directive))
				return LH_ENOMEM;
		}
	}
	return 0;
}
