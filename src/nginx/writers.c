/* SPDX-License-Identifier: Apache-2.0 */
#include "nginx/writers.h"

#include <ctype.h>
#include <string.h>

#include "nginx/tree.h"
#include "util/err.h"

const char *variable_name(const char *text)
{
	return text + (*text == '$');
}

static size_t name_length(const char *text)
{
	size_t size = 0;

	while (isalnum((unsigned char)text[size]) || text[size] == '_')
		size++;
	return size;
}

/* In small letters: what a regular expression names may have others. */
static void copy_name(char *name, size_t size, const char *text, size_t length)
{
	err_text(name, size, "%.*s", (int)(length < size ? length : size - 1), text);
	for (; *name; name++)
		*name = (char)tolower((unsigned char)*name);
}

const char *next_variable(const char *text, char *name, size_t size)
{
	while ((text = strchr(text, '$'))) {
		size_t length;

		text++;
		text += *text == '{';
		length = name_length(text);
		copy_name(name, size, text, length);
		if (length)
			return text + length;
	}
	return NULL;
}

static int add(struct tree *tree, const char *name, json_t *directive)
{
	json_t *list = json_object_get(tree->writers, name);

	if (!list) {
		list = json_array();
		if (json_object_set_new(tree->writers, name, list))
			return LH_ENOMEM;
	}
	return json_array_append(list, directive) ? LH_ENOMEM : 0;
}

/* (?<name>…), (?P<name>…) and (?'name'…) */
static int add_captures(struct tree *tree, const char *regex, json_t *directive)
{
	char name[64];

	while ((regex = strstr(regex, "(?"))) {
		size_t length;

		regex += 2;
		regex += *regex == 'P';
		if (*regex != '<' && *regex != '\'')
			continue;
		length = name_length(++regex);
		copy_name(name, sizeof(name), regex, length);
		if (length && add(tree, name, directive))
			return LH_ENOMEM;
	}
	return 0;
}

static int add_captures_of_words(struct tree *tree, json_t *directive)
{
	for (size_t i = 1; i < directive_size(directive); i++) {
		if (add_captures(tree, directive_word(directive, i), directive))
			return LH_ENOMEM;
	}
	return 0;
}

/* Which word of these is the variable; 0 stands for the last. */
static const struct {
	const char *verb;
	size_t word;
} writing[] = {
	{ "set", 1 }, { "auth_request_set", 1 }, { "map", 2 }, { "geo", 0 }, { "split_clients", 2 },
};

static const char *const matching[] = { "if", "location", "rewrite", "server_name" };

/* Within a map the keys may name parts of what they match. */
static int add_directive(struct tree *tree, const struct block *block, json_t *directive)
{
	for (size_t i = 0; i < sizeof(writing) / sizeof(*writing); i++) {
		const char *name = writing[i].word ? directive_word(directive, writing[i].word)
						   : directive_last(directive);

		if (directive_is(directive, writing[i].verb) && name[0] == '$')
			return add(tree, variable_name(name), directive);
	}
	for (size_t i = 0; i < sizeof(matching) / sizeof(*matching); i++) {
		if (directive_is(directive, matching[i]))
			return add_captures_of_words(tree, directive);
	}
	if (block->directive && directive_is(block->directive, "map"))
		return add_captures(tree, directive_word(directive, 0), block->directive);
	return 0;
}

int writers_find(struct tree *tree)
{
	for (size_t i = 0; i < tree->count; i++) {
		const struct block *block = &tree->blocks[i];
		json_t *directive;
		size_t j;

		json_array_foreach(block->body, j, directive)
		{
			int ret = add_directive(tree, block, directive);

			if (ret)
				return ret;
		}
	}
	return 0;
}
