/* SPDX-License-Identifier: Apache-2.0 */
#include "nginx/tree.h"

#include <stdlib.h>
#include <string.h>

#include "nginx/asserted.h"
#include "nginx/target.h"
#include "nginx/writers.h"
#include "util/err.h"

const char *directive_word(json_t *directive, size_t i)
{
	const char *text = json_string_value(
		json_array_get(json_object_get(directive, "words"), i));

	return text ? text : "";
}

size_t directive_size(json_t *directive)
{
	return json_array_size(json_object_get(directive, "words"));
}

const char *directive_last(json_t *directive)
{
	size_t size = directive_size(directive);

	return size > 1 ? directive_word(directive, size - 1) : "";
}

bool directive_is(json_t *directive, const char *verb)
{
	return strcmp(directive_word(directive, 0), verb) == 0;
}

const char *directive_file(json_t *directive)
{
	const char *file = json_string_value(json_object_get(directive, "file"));

	return file ? file : "";
}

int directive_line(json_t *directive)
{
	return (int)json_integer_value(json_object_get(directive, "line"));
}

json_t *body_find(json_t *body, const char *verb)
{
	json_t *directive;
	size_t i;

	json_array_foreach(body, i, directive)
	{
		if (directive_is(directive, verb))
			return directive;
	}
	return NULL;
}

json_t *block_find(const struct block *block, const char *verb)
{
	return json_object_get(block->first, verb);
}

const struct block *block_with(const struct block *block, const char *verb)
{
	while (block && !block_find(block, verb))
		block = block->above;
	return block;
}

json_t *block_nearest(const struct block *block, const char *verb)
{
	block = block_with(block, verb);
	return block ? block_find(block, verb) : NULL;
}

const char *block_setting(const struct block *block, const char *verb, const char *otherwise)
{
	json_t *directive = block_nearest(block, verb);

	return directive ? directive_word(directive, 1) : otherwise;
}

const struct block *block_server(const struct block *block)
{
	while (block->kind != BLOCK_SERVER && block->above)
		block = block->above;
	return block;
}

const struct block *block_location(const struct block *block)
{
	while (block->kind == BLOCK_IF || block->kind == BLOCK_LIMIT_EXCEPT)
		block = block->above;
	return block;
}

const struct block *block_of(const struct tree *tree, const struct block *above, json_t *directive)
{
	for (size_t i = above->number + 1; i < above->end; i++) {
		if (tree->blocks[i].directive == directive)
			return &tree->blocks[i];
	}
	return NULL;
}

const char *location_pattern(const struct block *location, const char **text_out)
{
	static const char *const signs[] = { "=", "^~", "~*", "~", "@" };
	const char *first = directive_word(location->directive, 1);

	*text_out = first;
	for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++) {
		size_t size = strlen(signs[i]);

		if (strncmp(first, signs[i], size) != 0)
			continue;
		*text_out = first[size] || signs[i][0] == '@'
				    ? first + size
				    : directive_word(location->directive, 2);
		return signs[i];
	}
	return "";
}

json_t *block_parameter(const struct block *block, const char *name)
{
	const struct block *list = block_with(block, "fastcgi_param");
	json_t *directive;
	size_t i;

	json_array_foreach(list ? list->body : NULL, i, directive)
	{
		if (directive_is(directive, "fastcgi_param") &&
		    strcmp(directive_word(directive, 1), name) == 0)
			return directive;
	}
	return NULL;
}

/* nginx hands a location's fastcgi_pass down into `if` and limit_except, and no further. */
json_t *block_believer(const struct tree *tree, const struct block *block)
{
	json_t *pass = block_find(block, "fastcgi_pass");

	while (!pass && (block->kind == BLOCK_IF || block->kind == BLOCK_LIMIT_EXCEPT)) {
		block = block->above;
		pass = block_find(block, "fastcgi_pass");
	}
	return pass && json_object_get(tree->targets, directive_word(pass, 1)) ? pass : NULL;
}

bool block_reaches(const struct tree *tree, const struct block *block)
{
	for (size_t i = block->number; i < block->end; i++) {
		if (block_believer(tree, &tree->blocks[i]))
			return true;
	}
	return false;
}

/* ---- making ---- */

static size_t count_blocks(json_t *body)
{
	json_t *directive;
	size_t count = 1, i;

	json_array_foreach(body, i, directive)
	{
		json_t *within = json_object_get(directive, "body");

		if (within)
			count += count_blocks(within);
	}
	return count;
}

static enum block_kind kind_of(json_t *directive)
{
	static const struct {
		const char *verb;
		enum block_kind kind;
	} kinds[] = {
		{ "server", BLOCK_SERVER },
		{ "location", BLOCK_LOCATION },
		{ "if", BLOCK_IF },
		{ "limit_except", BLOCK_LIMIT_EXCEPT },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (directive_is(directive, kinds[i].verb))
			return kinds[i].kind;
	}
	return BLOCK_OTHER;
}

static int index_verbs(struct block *block)
{
	json_t *directive;
	size_t i;

	block->first = json_object();
	if (!block->first)
		return LH_ENOMEM;
	json_array_foreach(block->body, i, directive)
	{
		const char *verb = directive_word(directive, 0);

		if (!json_object_get(block->first, verb) &&
		    json_object_set(block->first, verb, directive))
			return LH_ENOMEM;
	}
	return 0;
}

static int add_blocks(struct tree *tree, json_t *directive, json_t *body, const struct block *above)
{
	struct block *block = &tree->blocks[tree->count];
	json_t *below;
	size_t i;
	int ret;

	*block = (struct block){ .kind = above ? kind_of(directive) : BLOCK_SITE,
				 .number = tree->count++,
				 .directive = directive,
				 .body = body,
				 .above = above };
	ret = index_verbs(block);
	json_array_foreach(body, i, below)
	{
		json_t *within = json_object_get(below, "body");

		if (ret == 0 && within)
			ret = add_blocks(tree, below, within, block);
	}
	block->end = tree->count;
	return ret;
}

int tree_make(json_t *site, struct tree *tree_out)
{
	struct tree tree = { .writers = json_object(),
			     .targets = json_object(),
			     .methods = json_object(),
			     .names = json_object() };
	int ret = LH_ENOMEM;

	*tree_out = (struct tree){ 0 };
	tree.blocks = calloc(count_blocks(site), sizeof(*tree.blocks));
	if (!tree.blocks || !tree.writers || !tree.targets || !tree.methods || !tree.names)
		goto cleanup;
	ret = add_blocks(&tree, NULL, site, NULL);
	if (ret == 0)
		ret = writers_find(&tree);
	if (ret == 0)
		ret = targets_find(&tree);
	if (ret == 0)
		ret = asserted_find(&tree);
	if (ret)
		goto cleanup;

	*tree_out = tree;
	return 0;
cleanup:
	tree_free(&tree);
	return ret;
}

void tree_free(struct tree *tree)
{
	for (size_t i = 0; i < tree->count; i++)
		json_decref(tree->blocks[i].first);
	free(tree->blocks);
	json_decref(tree->writers);
	json_decref(tree->targets);
	json_decref(tree->methods);
	json_decref(tree->names);
	*tree = (struct tree){ 0 };
}
