/* SPDX-License-Identifier: Apache-2.0 */
/* Which locations a path may lead to, as nginx searches them. */
#ifndef NGINX_GOAL_H
#define NGINX_GOAL_H

#include <stdbool.h>
#include <stddef.h>

struct block;
struct tree;

struct goal {
	const char *path;         /* borrowed; may hold variables */
	size_t size;              /* up to the query, or to the first variable */
	bool open;                /* a variable follows: any path that begins so */
	const struct block *best; /* of the locations without a regular expression */
};

/* For a path within this server. */
struct goal goal_make(const struct tree *tree, const struct block *server, const char *path);

/* Whether it may end in this location of that server. A regular expression may match
 * unless it begins with another text. */
bool goal_meets(const struct goal *goal, const struct block *location);

#endif
