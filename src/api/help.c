/* SPDX-License-Identifier: Apache-2.0 */
#include "api/help.h"

#include <stdlib.h>
#include <string.h>

#include "api/openapi.h"
#include "api/reply.h"
#include "api/route.h"
#include "engine/engine.h"
#include "util/buf.h"
#include "util/err.h"
#include "util/field.h"
#include "util/text.h"

#define NAME_EXPRESSION "\\w(([\\w-.]+)?\\w)?"

/* The pattern as clients know patterns, an anchored regular expression. */
static void add_expression(struct buf *text, const char *pattern)
{
	const char *name;
	size_t size;
	char kind;

	name = route_capture(pattern, &size);
	buf_add_char(text, '^');
	if (!size) {
		buf_printf(text, "%s$", pattern);
		return;
	}
	kind = name[size];
	if (kind == '*' && name - 1 == pattern)
		buf_printf(text, "(?P<%.*s>.*)", (int)size, name);
	else if (kind == '*') /* the slash in front is optional too */
		buf_printf(text, "%.*s(/(?P<%.*s>.+))?", (int)(name - 2 - pattern), pattern,
			   (int)size, name);
	else
		buf_printf(text, "%.*s(?P<%.*s>%s)", (int)(name - 1 - pattern), pattern, (int)size,
			   name, kind == '+' ? ".+?" : NAME_EXPRESSION);
	name += size;
	buf_printf(text, "%s$", name + strspn(name, "+*"));
}

/* Rows of one pattern stand together. */
static bool is_first_row(const struct route *table, const struct route *row)
{
	return row == table || strcmp(row[-1].pattern, row->pattern) != 0;
}

/* A pattern of the system's table as seen from its mount; NULL if it is another mount's. */
static const char *in_mount(const struct route_match *match, const char *pattern)
{
	if (match->engine)
		return pattern;
	return text_starts_with(pattern, match->mount_path) ? pattern + strlen(match->mount_path)
							    : NULL;
}

static const char *description(const struct route_match *match)
{
	if (match->engine)
		return match->engine->help;
	return "Built in.";
}

/* ---- A whole mount ---- */

static int add_mount_row(const struct route_match *match, const struct route *row, struct buf *text,
			 json_t *document)
{
	const char *pattern = in_mount(match, row->pattern);

	if (!pattern)
		return 0;
	if (is_first_row(match->table, row)) {
		buf_add_text(text, "\n    ");
		add_expression(text, pattern);
		buf_add_char(text, '\n');
	}
	buf_printf(text, "        %s\n", row->help);
	return openapi_add(document, row, match->engine);
}

static int describe_mount(const struct route_match *match, struct buf *text, json_t *document)
{
	int ret = 0;

	buf_printf(text,
		   "## DESCRIPTION\n\n%s\n\n## PATHS\n\nThe following paths are supported. To "
		   "view help for any of them, ask for help of a path that matches it.\n",
		   description(match));
	for (const struct route *row = match->table; !ret && row->pattern; row++)
		ret = add_mount_row(match, row, text, document);
	return ret;
}

/* ---- One route ---- */

static void add_fields(const struct field *fields, struct buf *text)
{
	for (; fields && fields->name; fields++)
		buf_printf(text, "    %s (%s)\n        %s%s\n\n", fields->name,
			   field_type_name(fields->type), fields->description,
			   fields->required ? " Required." : "");
}

static int describe_route(const struct route_match *match, struct buf *text, json_t *document)
{
	const struct route *first = match->table, *row;
	const char *path = in_mount(match, match->path);
	int ret = 0;

	while (strcmp(first->pattern, match->route->pattern) != 0)
		first++;
	/* Without its final slash a mount's own path is not in it. */
	buf_printf(text, "Request:        %s\nMatching Route: ", path ? path : "");
	add_expression(text, in_mount(match, first->pattern));
	buf_printf(text, "\n\n%s\n\n## PARAMETERS\n\n", first->help);
	for (row = first; row->pattern && !strcmp(row->pattern, first->pattern); row++)
		add_fields(route_fields(row, match->engine), text);
	buf_add_text(text, "## DESCRIPTION\n\n");
	for (row = first; !ret && row->pattern && !strcmp(row->pattern, first->pattern); row++) {
		buf_printf(text, "%s\n", row->help);
		ret = openapi_add(document, row, match->engine);
	}
	return ret;
}

/* ---- Both ---- */

static bool is_mount_root(const struct route_match *match)
{
	const char *path = match->path;

	if (match->engine)
		return !*path;
	return strlen(path) <= strlen(match->mount_path);
}

static int say(const struct route_match *match, struct outcome *outcome)
{
	struct buf text = BUF_INIT;
	json_t *document = openapi_new();
	int ret = document ? 0 : LH_ENOMEM;

	if (!ret && match->route)
		ret = describe_route(match, &text, document);
	else if (!ret)
		ret = describe_mount(match, &text, document);
	if (!ret)
		ret = buf_error(&text);
	if (!ret)
		outcome_bare(outcome, 200,
			     json_pack("{s:s, s:n, s:O}", "help", buf_text(&text), "see_also",
				       "openapi", document));
	buf_free(&text);
	json_decref(document);
	return ret;
}

int help_say(const struct route_match *match, struct outcome *outcome)
{
	if (!match->route && !is_mount_root(match))
		return outcome_error(outcome, 404, OUTCOME_NO_PATH);
	return say(match, outcome);
}
