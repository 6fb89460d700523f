/* SPDX-License-Identifier: Apache-2.0 */
#include "api/route.h"

#include <string.h>

#include "broker/mount.h"
#include "util/text.h"

/* What is there without being mounted. `table` NULL: the mount exists, but no path in it. */
static const struct {
	const char *path, *type;
	const struct route *table;
} builtin_mounts[] = {
	{ "sys/", "system", routes_system },          { "auth/token/", "token", routes_token },
	{ "auth/proxy/", "proxy", routes_identity },  { "auth/cert/", "cert", routes_cert },
	{ "cubbyhole/", "cubbyhole", routes_system }, { "identity/", "identity", NULL },
};

static const struct route no_routes[] = { { .pattern = NULL } };

/* ---- Patterns ---- */

static size_t capture_size(const char *name)
{
	return strcspn(name, "+*/?");
}

const char *route_capture(const char *pattern, size_t *size_out)
{
	const char *colon = strchr(pattern, ':');

	*size_out = colon ? capture_size(colon + 1) : 0;
	return colon ? colon + 1 : "";
}

/* `name` stands behind the colon; path is what is left of the path. */
static bool take_capture(const char *name, const char *path, char *capture, size_t size)
{
	char kind = name[capture_size(name)];
	bool many = kind == '+' || kind == '*';
	const char *tail = name + capture_size(name) + (many ? 1 : 0);
	size_t tail_size = strlen(tail), path_size = strlen(path), taken;

	if (path_size < tail_size || !text_ends_with(path, tail))
		return false;
	taken = path_size - tail_size;
	if (taken >= size)
		return false;
	memcpy(capture, path, taken);
	capture[taken] = '\0';
	if (many)
		return taken > 0 || kind == '*';
	return text_is_name(capture);
}

/* "…/:id*" also matches where the path ends before the slash. */
static bool is_optional(const char *pattern)
{
	return pattern[0] == '/' && pattern[1] == ':' &&
	       pattern[2 + capture_size(pattern + 2)] == '*';
}

bool route_matches(const char *pattern, const char *path, char *capture, size_t size)
{
	capture[0] = '\0';
	for (;; pattern++, path++) {
		if (*pattern == ':')
			return take_capture(pattern + 1, path, capture, size);
		if (!strcmp(pattern, "/?"))
			return !*path || !strcmp(path, "/");
		if (!*path && is_optional(pattern))
			return true;
		if (*pattern != *path)
			return false;
		if (!*pattern)
			return true;
	}
}

/* ---- Tables ---- */

void route_search(const struct route *table, enum operation operation, const char *path,
		  struct route_match *match)
{
	const struct route *row = table;

	match->table = table;
	match->path = path;
	match->route = NULL;
	match->miss = ROUTE_NO_PATH;
	while (row->pattern &&
	       !route_matches(row->pattern, path, match->capture, sizeof(match->capture)))
		row++;
	if (!row->pattern)
		return;
	match->route = row;
	match->miss = ROUTE_NO_OPERATION;
	for (; row->pattern && !strcmp(row->pattern, match->route->pattern); row++) {
		if (!(row->operations & (unsigned)operation))
			continue;
		match->route = row;
		match->miss = ROUTE_FOUND;
		return;
	}
}

/* Whether path lies in the mount or is the mount itself without its final slash. */
static bool is_under(const char *path, const char *mount)
{
	size_t size = strlen(mount);

	return !strncmp(path, mount, size) ||
	       (strlen(path) == size - 1 && !strncmp(path, mount, size - 1));
}

static bool find_builtin(enum operation operation, const char *path, struct route_match *match)
{
	for (size_t i = 0; i < sizeof(builtin_mounts) / sizeof(builtin_mounts[0]); i++) {
		const struct route *table = builtin_mounts[i].table;

		if (!is_under(path, builtin_mounts[i].path))
			continue;
		match->mount_type = builtin_mounts[i].type;
		match->mount_path = builtin_mounts[i].path;
		route_search(table ? table : no_routes, operation, path, match);
		return true;
	}
	return false;
}

int route_find(struct broker *broker, enum operation operation, const char *path,
	       struct route_match *match)
{
	size_t mount_size;
	int ret;

	memset(match, 0, sizeof(*match));
	match->miss = ROUTE_NO_MOUNT;
	match->mount_type = "";
	match->mount_path = "";
	match->path = path;
	if (find_builtin(operation, path, match))
		return 0;
	ret = mount_find(broker, path, &match->mount);
	if (ret || !match->mount)
		return ret;
	match->engine = match->mount->engine;
	match->mount_type = match->engine->type;
	match->mount_path = match->mount->path;
	mount_size = strlen(match->mount->path);
	route_search(routes_engine, operation, strlen(path) < mount_size ? "" : path + mount_size,
		     match);
	if (match->mount->tainted)
		match->miss = ROUTE_TAINTED;
	return 0;
}

const struct field *route_fields(const struct route *route, const struct engine *engine)
{
	switch (route->fields_of) {
	case FIELDS_OWN: return route->fields;
	case FIELDS_CONFIG: return engine->config_fields;
	case FIELDS_ROLE: return engine->role_fields;
	case FIELDS_CREDS: return engine->creds_fields;
	}
	return NULL;
}

bool route_creates(const struct route *route, const struct engine *engine)
{
	return route->exists && (!(route->flags & ROUTE_MERGED) || engine->config_is_merged);
}
