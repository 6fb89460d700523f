/* SPDX-License-Identifier: Apache-2.0 */
/* The same texts as JSON. Jansson reads them but keeps no lines, so these are looked up afterwards. */
#include "hcl/json.h"

#include <stdbool.h>
#include <string.h>

#include "hcl/hcl.h"
#include "util/err.h"
#include "util/json.h"

/* ---- Lines of keys ---- */

/* Walks through a text that is known to be JSON. */
struct walk {
	const char *at, *end;
	unsigned line, depth; /* depth: objects around it, the outermost one is 1 */
};

/* Behind the string whose opening quote was just passed. */
static void skip_string(struct walk *walk)
{
	while (walk->at < walk->end && *walk->at != '"')
		walk->at += *walk->at == '\\' ? 2 : 1;
	walk->at++;
}

/* A key has its colon behind it. */
static bool is_before_colon(const struct walk *walk)
{
	const char *at = walk->at;

	while (at < walk->end && strchr(" \t\r\n", *at))
		at++;
	return at < walk->end && *at == ':';
}

/* The line of the next key of an object that is this deep. */
static unsigned next_key(struct walk *walk, unsigned depth)
{
	while (walk->at < walk->end) {
		char c = *walk->at++;
		unsigned line = walk->line;

		walk->line += c == '\n';
		walk->depth += (c == '{') - (c == '}');
		if (c != '"')
			continue;
		skip_string(walk);
		if (walk->depth == depth && is_before_colon(walk))
			return line;
	}
	return walk->line;
}

/* The lines of the keys of a member that is an object, or a list of some; the first ones of those that
 * several of the list have. */
static int add_lines(struct walk *walk, json_t *value, json_t *lines)
{
	json_t *member;
	const char *key;
	size_t i;

	json_array_foreach(value, i, member)
	{
		if (add_lines(walk, member, lines))
			return LH_ENOMEM;
	}
	json_object_foreach(value, key, member)
	{
		unsigned line = next_key(walk, 2);

		if (!json_object_get(lines, key) &&
		    json_object_set_new(lines, key, json_integer(line)))
			return LH_ENOMEM;
	}
	return 0;
}

/* ---- Items ---- */

static unsigned depth_of(json_t *value)
{
	unsigned depth = 0, below;
	const char *key;
	json_t *member;
	size_t i;

	json_array_foreach(value, i, member)
	{
		below = depth_of(member);
		depth = below > depth ? below : depth;
	}
	json_object_foreach(value, key, member)
	{
		below = depth_of(member);
		depth = below > depth ? below : depth;
	}
	return depth + (json_is_array(value) || json_is_object(value));
}

static int add_item(struct walk *walk, json_t *items, const char *key, json_t *value)
{
	unsigned line = next_key(walk, 1);
	json_t *lines = json_object();
	json_t *item = json_pack("{s:i, s:s, s:O, s:O}", "line", (int)line, "key", key, "value",
				 value, "lines", lines);
	int ret = json_array_append_new(items, item) ? LH_ENOMEM : add_lines(walk, value, lines);

	json_decref(lines);
	return ret;
}

static int add_items(const char *text, size_t size, json_t *object, json_t *items)
{
	struct walk walk = { .at = text, .end = text + size, .line = 1 };
	const char *key;
	json_t *value;

	json_object_foreach(object, key, value)
	{
		if (add_item(&walk, items, key, value))
			return LH_ENOMEM;
	}
	return items ? 0 : LH_ENOMEM;
}

int hcl_read_json(const char *text, size_t size, json_t **items_out, struct err *err)
{
	json_t *object, *items = NULL;
	int ret;

	*items_out = NULL;
	ret = json_read(text, size, &object, err);
	if (ret)
		return ret;
	if (depth_of(object) > HCL_DEPTH_MAX) {
		ret = err_set(err, LH_EINVAL,
			      "line 1: found more than %d levels of braces and brackets",
			      HCL_DEPTH_MAX);
		goto cleanup;
	}
	items = json_array();
	if (add_items(text, size, object, items)) {
		ret = err_set(err, LH_ENOMEM, "memory is out");
		goto cleanup;
	}
	*items_out = items;
	items = NULL;
cleanup:
	json_decref(items);
	json_decref(object);
	return ret;
}
