/* SPDX-License-Identifier: Apache-2.0 */
/* A reader for the part of HCL 1 that Vault's operators write: the server's configuration and
 * ACL policies.
 *
 *   key = value            value: string, number, true/false, [list], { object }
 *   block "label" { … }    any number of labels
 *
 * Comments `#`, `//` and slash-star; strings with escapes and heredocs (<<EOT, <<-EOT); CRLF and a
 * byte order mark are accepted. A comma may follow an item. Names are ASCII.
 *
 * A text whose first byte behind space is `{` is read as JSON: every member of the object becomes an
 * assignment, and what HCL writes as a block is an object in an object there: path "x" {…} is
 * {"path": {"x": {…}}}. */
#ifndef HCL_HCL_H
#define HCL_HCL_H

#include <jansson.h>
#include <stddef.h>

struct err;

#define HCL_DEPTH_MAX 8
#define HCL_SIZE_MAX  (1024 * 1024)

/* Reads text. *items_out is a new array in the order of the text, each item an object:
 *   {"key": text, "line": n, "value": …}                    an assignment
 *   {"key": text, "line": n, "labels": […], "body": [items]}  a block
 * Of JSON there is also "lines": {key: n, …}, for the keys of a value that is an object or a list of
 * some.
 * An object value is {"key": value, …}; a key that occurs twice in one object is an error, while
 * blocks and assignments of the same key stay apart (what is a repetition is for the caller). A block
 * in an object value is an object there, as in JSON: k "l" {…} is {"k": {"l": {…}}}.
 * Returns 0, LH_ENOMEM, or LH_EINVAL with "line N: what was found, what was expected" in err. */
int hcl_read(const char *text, size_t size, json_t **items_out, struct err *err);

#endif
