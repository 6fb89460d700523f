/* SPDX-License-Identifier: Apache-2.0 */
/* Which directives give a variable its value. */
#ifndef NGINX_WRITERS_H
#define NGINX_WRITERS_H

#include <stddef.h>

struct tree;

/* Fills tree->writers. 0 or LH_ENOMEM. */
int writers_find(struct tree *tree);

/* The text without a "$" in front. */
const char *variable_name(const char *text);

/* Takes the next variable out of a text: copies its name, without "$" and braces and cut to size,
 * and returns where to go on. NULL: there is no more. */
const char *next_variable(const char *text, char *name, size_t size);

#endif
