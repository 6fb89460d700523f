/* SPDX-License-Identifier: Apache-2.0 */
/* A site as a tree of blocks: what stands in a block, what it inherits, and which variable is
 * written where. Everything is borrowed from the list of directives that the tree was made of. */
#ifndef NGINX_TREE_H
#define NGINX_TREE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum block_kind {
	BLOCK_SITE, /* the whole; in a fragment without server { } it counts as the server */
	BLOCK_SERVER,
	BLOCK_LOCATION,
	BLOCK_IF,
	BLOCK_LIMIT_EXCEPT,
	BLOCK_OTHER, /* http, upstream, map, geo … */
};

struct block {
	enum block_kind kind;
	size_t number, end;        /* its place in tree.blocks, and that after all within it */
	json_t *directive;         /* NULL: the site */
	json_t *body;              /* the list of what stands in it */
	json_t *first;             /* a verb → the first directive with it in this list */
	const struct block *above; /* NULL: the site */
};

struct tree {
	struct block *blocks; /* the site first, each before what stands in it */
	size_t count;
	json_t *writers; /* a variable's name without "$" → the list of directives that give it a
			  * value: map, geo, set …, and those whose regular expression names it */
	json_t *targets; /* the words after fastcgi_pass that mean leasehold, as keys */
	json_t *methods; /* the variables that are passed on as an identity's method, as keys … */
	json_t *names;   /* … and as its name */
};

/* site as nginx_include gave it; it must outlive the tree. 0, or LH_ENOMEM with an empty tree. */
int tree_make(json_t *site, struct tree *tree_out);
void tree_free(struct tree *tree);

/* The i-th word, the verb being 0; "" if there are fewer. */
const char *directive_word(json_t *directive, size_t i);
size_t directive_size(json_t *directive);
const char *directive_last(json_t *directive);
bool directive_is(json_t *directive, const char *verb);
const char *directive_file(json_t *directive);
int directive_line(json_t *directive);

/* The first directive with that verb in this list alone; NULL if there is none. */
json_t *body_find(json_t *body, const char *verb);

/* The same for a block: a site may have thousands of servers, and every question passes them. */
json_t *block_find(const struct block *block, const char *verb);

/* The nearest block, this one or one above, in which the verb stands: that is how nginx inherits,
 * and a list (error_page, allow and deny …) as a whole. NULL if there is none. */
const struct block *block_with(const struct block *block, const char *verb);

/* The first directive of block_with; NULL if there is none. */
json_t *block_nearest(const struct block *block, const char *verb);

/* The word after it there; otherwise if there is none. Of "on", "any" and their like nginx takes
 * capitals as well. */
const char *block_setting(const struct block *block, const char *verb, const char *otherwise);

const struct block *block_server(const struct block *block);

/* The location around an `if` or limit_except, or the block itself. */
const struct block *block_location(const struct block *block);

/* The block of a directive that stands in this one; NULL if it is no block. */
const struct block *block_of(const struct tree *tree, const struct block *above, json_t *directive);

/* What a location's pattern is: "" a prefix, "=", "^~", "~", "~*" or "@"; *text_out is the rest. */
const char *location_pattern(const struct block *location, const char **text_out);

/* The fastcgi_param of that name that is in force in this block; NULL if there is none. */
json_t *block_parameter(const struct block *block, const char *name);

/* The fastcgi_pass by which a request in this block is handed to leasehold; NULL if it is not. */
json_t *block_believer(const struct tree *tree, const struct block *block);

/* Whether that happens in this block or in one within it. */
bool block_reaches(const struct tree *tree, const struct block *block);

#endif
