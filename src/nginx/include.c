/* SPDX-License-Identifier: Apache-2.0 */
#include "nginx/include.h"

#include <fnmatch.h>
#include <stdbool.h>
#include <string.h>

#include "nginx/parse.h"
#include "util/err.h"

struct includer {
	json_t *files;      /* borrowed */
	const char *folder; /* of the main file, where relative names begin */
	int folder_size;
	struct err *err;
};

static int expand(const struct includer *includer, json_t *from, json_t *into, unsigned depth);

/* A name with wildcards may match nothing, as in nginx. */
static int include(const struct includer *includer, json_t *directive, json_t *into, unsigned depth)
{
	const char *name = json_string_value(
		json_array_get(json_object_get(directive, "words"), 1));
	const char *file = json_string_value(json_object_get(directive, "file"));
	int line = (int)json_integer_value(json_object_get(directive, "line"));
	char pattern[4096];
	bool found = false;
	const char *path;
	json_t *body;

	if (!name || depth == NGINX_DEPTH_MAX)
		return err_set(includer->err, LH_EINVAL,
			       "%s:%d: include without a name, or in circles", file, line);
	err_text(pattern, sizeof(pattern), "%.*s%s", *name == '/' ? 0 : includer->folder_size,
		 includer->folder, name);
	json_object_foreach(includer->files, path, body)
	{
		int ret;

		if (fnmatch(pattern, path, FNM_PATHNAME | FNM_PERIOD) != 0)
			continue;
		found = true;
		ret = expand(includer, body, into, depth + 1);
		if (ret)
			return ret;
	}
	if (!found && !strpbrk(pattern, "*?["))
		return err_set(includer->err, LH_EINVAL,
			       "%s:%d: %s is not in this output; give the whole of `nginx -T`",
			       file, line, pattern);
	return 0;
}

static int expand_block(const struct includer *includer, json_t *directive, json_t *into,
			unsigned depth)
{
	/* json_copy would leave out what it has no memory for. */
	json_t *copy = json_pack("{s:O, s:O, s:O}", "file", json_object_get(directive, "file"),
				 "line", json_object_get(directive, "line"), "words",
				 json_object_get(directive, "words"));
	json_t *body = json_object_get(directive, "body"), *whole;

	if (json_array_append_new(into, copy))
		return LH_ENOMEM;
	if (!body)
		return 0;
	whole = json_array();
	if (json_object_set_new(copy, "body", whole))
		return LH_ENOMEM;
	return expand(includer, body, whole, depth);
}

static int expand(const struct includer *includer, json_t *from, json_t *into, unsigned depth)
{
	json_t *directive;
	size_t i;

	json_array_foreach(from, i, directive)
	{
		const char *verb = json_string_value(
			json_array_get(json_object_get(directive, "words"), 0));
		int ret = strcmp(verb, "include") == 0
				  ? include(includer, directive, into, depth)
				  : expand_block(includer, directive, into, depth);

		if (ret)
			return ret;
	}
	return 0;
}

int nginx_include(json_t *files, json_t **site_out, struct err *err)
{
	void *first = json_object_iter(files), *marked = json_object_iter_next(files, first);
	const char *main_file = json_object_iter_key(marked ? marked : first);
	const char *slash = strrchr(main_file, '/');
	const struct includer includer = { files, main_file,
					   slash ? (int)(slash - main_file) + 1 : 0, err };
	json_t *site;
	int ret;

	*site_out = NULL;
	if (marked && json_array_size(json_object_iter_value(first)))
		return err_set(err, LH_EINVAL,
			       "%s: something stands before the first file, which would be taken "
			       "for another; give what `nginx -T` prints and nothing else",
			       json_object_iter_key(first));
	site = json_array();
	ret = site ? expand(&includer, json_object_get(files, main_file), site, 0) : LH_ENOMEM;

	if (ret)
		json_decref(site);
	else
		*site_out = site;
	return ret;
}
