/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "api/route.h"
#include "util/text.h"

#define NO_MATCH "no match"

static const struct {
	const char *pattern, *path, *capture;
} matches[] = {
	{ "config", "config", "" },
	{ "config", "config/", NO_MATCH },
	{ "config", "confi", NO_MATCH },
	{ "config", "configs", NO_MATCH },
	{ "role/?", "role", "" },
	{ "role/?", "role/", "" },
	{ "role/?", "role/x", NO_MATCH },
	{ "role/?", "rol", NO_MATCH },
	{ "role/:name", "role/app", "app" },
	{ "role/:name", "role/a", "a" },
	{ "role/:name", "role/a-b.c_d", "a-b.c_d" },
	{ "role/:name", "role/", NO_MATCH },
	{ "role/:name", "role", NO_MATCH },
	{ "role/:name", "role/app/", NO_MATCH },
	{ "role/:name", "role/a/b", NO_MATCH },
	{ "role/:name", "role/-a", NO_MATCH },
	{ "role/:name", "role/a-", NO_MATCH },
	{ "role/:name", "role/a b", NO_MATCH },
	{ "sys/mounts/:path+", "sys/mounts/a/b/c", "a/b/c" },
	{ "sys/mounts/:path+", "sys/mounts/", NO_MATCH },
	{ "sys/mounts/:path+", "sys/mounts", NO_MATCH },
	{ "sys/mounts/:path+/tune", "sys/mounts/a/b/tune", "a/b" },
	{ "sys/mounts/:path+/tune", "sys/mounts/tune", NO_MATCH },
	{ "sys/mounts/:path+/tune", "sys/mounts/a", NO_MATCH },
	{ "sys/leases/renew/:id*", "sys/leases/renew", "" },
	{ "sys/leases/renew/:id*", "sys/leases/renew/", "" },
	{ "sys/leases/renew/:id*", "sys/leases/renew/a/creds/b/X", "a/creds/b/X" },
	{ "sys/leases/renew/:id*", "sys/leases/renewal", NO_MATCH },
	{ "sys/leases/renew/:id*", "sys/leases/rene", NO_MATCH },
};

static void patterns_match_whole_paths(void **state)
{
	char capture[API_PATH_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(matches) / sizeof(matches[0]); i++) {
		bool matched = route_matches(matches[i].pattern, matches[i].path, capture,
					     sizeof(capture));

		if (matched != (strcmp(matches[i].capture, NO_MATCH) != 0) ||
		    (matched && strcmp(capture, matches[i].capture) != 0))
			fail_msg("%s, %s: %d \"%s\"", matches[i].pattern, matches[i].path, matched,
				 capture);
	}
}

static void a_capture_never_overruns(void **state)
{
	char capture[4];

	(void)state;
	assert_true(route_matches("x/:a+", "x/abc", capture, sizeof(capture)));
	assert_false(route_matches("x/:a+", "x/abcd", capture, sizeof(capture)));
}

static const struct {
	const struct route *table;
	enum operation operation;
	const char *path;
	enum route_miss miss;
	const char *pattern;
} searches[] = {
	{ routes_engine, OPERATION_READ, "config", ROUTE_FOUND, "config" },
	{ routes_engine, OPERATION_LIST, "config/", ROUTE_NO_PATH, NULL },
	{ routes_engine, OPERATION_LIST, "role/", ROUTE_FOUND, "role/?" },
	{ routes_engine, OPERATION_READ, "role", ROUTE_NO_OPERATION, "role/?" },
	{ routes_engine, OPERATION_WRITE, "creds/app", ROUTE_NO_OPERATION, "creds/:name" },
	{ routes_engine, OPERATION_HEAD, "creds/app", ROUTE_NO_OPERATION, "creds/:name" },
	{ routes_engine, OPERATION_LIST, "creds/", ROUTE_NO_PATH, NULL },
	{ routes_engine, OPERATION_READ, "", ROUTE_NO_PATH, NULL },
	{ routes_system, OPERATION_HEAD, "sys/health", ROUTE_FOUND, "sys/health" },
	{ routes_system, OPERATION_READ, "sys/mounts/a/tune", ROUTE_FOUND,
	  "sys/mounts/:path+/tune" },
	{ routes_system, OPERATION_DELETE, "sys/mounts/a/tune", ROUTE_NO_OPERATION,
	  "sys/mounts/:path+/tune" },
	{ routes_system, OPERATION_WRITE, "sys/leases/lookup", ROUTE_FOUND, "sys/leases/lookup" },
	{ routes_system, OPERATION_LIST, "sys/leases/lookup/", ROUTE_FOUND,
	  "sys/leases/lookup/:prefix*" },
	{ routes_system, OPERATION_WRITE, "sys/revoke-prefix/a", ROUTE_FOUND,
	  "sys/revoke-prefix/:prefix+" },
	{ routes_system, OPERATION_PATCH, "sys/mounts/a", ROUTE_NO_OPERATION, "sys/mounts/:path+" },
};

static void the_first_pattern_decides(void **state)
{
	struct route_match match;

	(void)state;
	for (size_t i = 0; i < sizeof(searches) / sizeof(searches[0]); i++) {
		route_search(searches[i].table, searches[i].operation, searches[i].path, &match);
		if (match.miss != searches[i].miss || !match.route != !searches[i].pattern ||
		    (match.route && strcmp(match.route->pattern, searches[i].pattern) != 0))
			fail_msg("%s: %d, %s", searches[i].path, (int)match.miss,
				 match.route ? match.route->pattern : "none");
	}
}

static void a_match_is_the_row_of_the_operation(void **state)
{
	struct route_match match;

	(void)state;
	route_search(routes_engine, OPERATION_DELETE, "config", &match);
	assert_int_equal(match.route->operations, OPERATION_DELETE);
	assert_int_equal(match.route->capability, CAPABILITY_DELETE);
}

/* ---- The tables ---- */

typedef void (*row_check)(const struct route *row);

static void each_row(row_check check)
{
	for (const struct route *row = routes_system; row->pattern; row++)
		check(row);
	for (const struct route *row = routes_token; row->pattern; row++)
		check(row);
	for (const struct route *row = routes_identity; row->pattern; row++)
		check(row);
	for (const struct route *row = routes_engine; row->pattern; row++)
		check(row);
}

static void check_complete(const struct route *row)
{
	if (!row->handle || !row->help || !row->operations)
		fail_msg("%s lacks something", row->pattern);
}

static void check_capability(const struct route *row)
{
	static const struct {
		enum capability capability;
		unsigned operation;
	} pairs[] = {
		{ CAPABILITY_READ, OPERATION_READ },
		{ CAPABILITY_LIST, OPERATION_LIST },
		{ CAPABILITY_UPDATE, OPERATION_WRITE },
		{ CAPABILITY_DELETE, OPERATION_DELETE },
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		if (row->capability == pairs[i].capability && row->operations != pairs[i].operation)
			fail_msg("%s: capability and operation differ", row->pattern);
	assert_int_not_equal(row->capability, CAPABILITY_CREATE);
}

/* A lookup is written but changes nothing; so does what refuses. */
static void check_pool(const struct route *row)
{
	unsigned changes = OPERATION_WRITE | OPERATION_DELETE | OPERATION_PATCH;
	bool harmless = !strcmp(row->pattern, "sys/leases/lookup") ||
			text_starts_with(row->pattern, "auth/token/lookup") ||
			!strcmp(row->pattern, "sys/wrapping/lookup") ||
			!strcmp(row->pattern, "sys/init") ||
			text_starts_with(row->pattern, "sys/capabilities");

	if ((row->operations & changes) && !harmless && row->pool != API_WORK)
		fail_msg("%s changes something in the read pool", row->pattern);
	if (!strcmp(row->pattern, "creds/:name"))
		assert_int_equal(row->pool, API_WORK);
}

static void check_adjacent(const struct route *table)
{
	for (const struct route *row = table; row->pattern; row++)
		for (const struct route *other = row + 1; other->pattern; other++)
			if (!strcmp(row->pattern, other->pattern) &&
			    strcmp(other[-1].pattern, other->pattern) != 0)
				fail_msg("the rows of %s stand apart", row->pattern);
}

static void tables_are_sound(void **state)
{
	(void)state;
	each_row(check_complete);
	each_row(check_capability);
	each_row(check_pool);
	check_adjacent(routes_system);
	check_adjacent(routes_token);
	check_adjacent(routes_identity);
	check_adjacent(routes_engine);
}

static const char *const sudo_paths[] = {
	"sys/leases",
	"sys/leases/lookup/:prefix*",
	"sys/leases/revoke-prefix/:prefix+",
	"sys/leases/revoke-force/:prefix+",
	"sys/revoke-prefix/:prefix+",
	"sys/revoke-force/:prefix+",
	"auth/token/accessors/?",
};

static bool needs_sudo(const char *pattern)
{
	for (size_t i = 0; i < sizeof(sudo_paths) / sizeof(sudo_paths[0]); i++)
		if (!strcmp(pattern, sudo_paths[i]))
			return true;
	return false;
}

static void check_sudo(const struct route *row)
{
	if (!(row->flags & ROUTE_SUDO) != !needs_sudo(row->pattern))
		fail_msg("%s: sudo", row->pattern);
}

static void exactly_the_protected_paths_need_sudo(void **state)
{
	(void)state;
	each_row(check_sudo);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns_match_whole_paths),
		cmocka_unit_test(a_capture_never_overruns),
		cmocka_unit_test(the_first_pattern_decides),
		cmocka_unit_test(a_match_is_the_row_of_the_operation),
		cmocka_unit_test(tables_are_sound),
		cmocka_unit_test(exactly_the_protected_paths_need_sudo),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
