/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a configuration as `nginx -T` prints it: every include is in its place in a file of its
 * own, and "# configuration file PATH:" says where a file begins. */
#ifndef NGINX_PARSE_H
#define NGINX_PARSE_H

#include <jansson.h>

struct err;

/* Blocks within blocks; nginx's own grammar needs far fewer. */
#define NGINX_DEPTH_MAX 32

/* *files_out is a new object: the path of each file to a list of its directives, each
 * {"file": PATH, "line": N, "words": [TEXT…], "body": [DIRECTIVE…]}; only a block has a body.
 * What stands before the first mark belongs to the file name, but for lines of nginx's own messages.
 * Quotes and escapes are undone, and the names of variables in small letters, as nginx knows them.
 * 0, LH_ENOMEM, or LH_EINVAL with file and line in err. text is NUL-terminated. */
int nginx_parse(const char *name, const char *text, json_t **files_out, struct err *err);

#endif
