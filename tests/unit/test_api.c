/* SPDX-License-Identifier: Apache-2.0 */
/* The API with the real engines and no cloud: who may ask, what is open, where paths lead, help. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api_fixture.h"
#include "api_memory.h"
#include "config.h"
#include "fail_alloc.h"
#include "util/json.h"

#define NO_PATH       "1 error occurred:\n\t* unsupported path\n\n"
#define NO_OPERATION  "1 error occurred:\n\t* unsupported operation\n\n"
#define INVALID_TOKEN "2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n"
#define REMOTE        "{\"remote_policies\":[\"name:AliyunOSSReadOnlyAccess,type:System\"]}"

/* ---- Who asks ---- */

static int ask_authorized(const char *path, const char *token, const char *authorization)
{
	char full[100];
	const struct api_request raw = {
		.method = "GET",
		.path = full,
		.token = token,
		.authorization = authorization,
	};

	snprintf(full, sizeof(full), "/v1/%s", path);
	return ask_raw(&f, &raw);
}

static void check_error(int status, const char *text)
{
	const json_t *errors = json_object_get(f.body, "errors");

	assert_int_equal(f.reply.status, status);
	assert_int_equal(json_array_size(errors), 1);
	assert_string_equal(json_string_value(json_array_get(errors, 0)), text);
}

static void strangers_are_turned_away(void **state)
{
	(void)state;
	ask_with(&f, "", "GET", "sys/mounts", NULL);
	check_error(403, "permission denied");
	ask_with(&f, "", "GET", "no/such", NULL);
	check_error(403, "permission denied");
	ask_with(&f, "hvs.nonsense", "GET", "sys/mounts", NULL);
	check_error(403, INVALID_TOKEN);
	ask_authorized("sys/mounts", "", "Basic cm9vdA==");
	check_error(403, "permission denied");
	ask_authorized("sys/mounts", "s.has space", "Bearer x");
	check_error(403, INVALID_TOKEN);
}

static void a_bearer_token_is_as_good(void **state)
{
	char bearer[64];

	(void)state;
	snprintf(bearer, sizeof(bearer), "Bearer %s", f.token);
	assert_int_equal(ask_authorized("auth/token/lookup-self", "", bearer), 200);
	assert_string_equal(data_text(&f, "id"), f.token);
}

static void a_token_shows_itself(void **state)
{
	json_t *data;

	(void)state;
	assert_int_equal(ask(&f, "GET", "auth/token/lookup-self", NULL), 200);
	data = json_object_get(f.body, "data");
	assert_string_equal(json_get_text(data, "type"), "service");
	assert_string_equal(json_get_text(data, "path"), "auth/token/root");
	assert_true(json_is_null(json_object_get(data, "expire_time")));
	assert_null(json_object_get(data, "renewable"));
	assert_string_equal(json_get_text(f.body, "mount_type"), "token");
	assert_string_equal(json_get_text(f.body, "request_id"),
			    "00112233-4455-6677-8899-aabbccddeeff");
	assert_int_equal(ask(&f, "PUT", "auth/token/lookup-self", NULL), 200);
	assert_int_equal(ask(&f, "POST", "auth/token/lookup-self", "{}"), 200);
}

static void a_namespace_is_echoed(void **state)
{
	struct api_request raw = {
		.method = "GET",
		.path = "/v1/sys/seal-status",
		.namespace = "root",
	};

	(void)state;
	assert_int_equal(ask_raw(&f, &raw), 200);
	assert_string_equal(f.reply.headers[0].name, "X-Vault-Namespace");
	assert_string_equal(f.reply.headers[0].value, "root");
}

/* ---- What is open ---- */

static void health_is_for_everybody(void **state)
{
	(void)state;
	assert_int_equal(ask_with(&f, "", "GET", "sys/health", NULL), 200);
	assert_true(json_is_true(json_object_get(f.body, "initialized")));
	assert_true(json_is_false(json_object_get(f.body, "sealed")));
	assert_string_equal(json_get_text(f.body, "version"), PACKAGE_VERSION);
	assert_string_equal(json_get_text(f.body, "cluster_id"), store_id(f.temp.store));
	assert_int_equal(ask(&f, "HEAD", "sys/health", NULL), 200);
	assert_int_equal(f.reply.body.size, 0);
	assert_int_equal(ask(&f, "GET", "sys/health?activecode=299&standbyok=true", NULL), 299);
	assert_int_equal(ask(&f, "GET", "sys/health?uninitcode=299&sealedcode=299", NULL), 200);
	expect(&f, "GET", "sys/health?activecode=x", NULL, 400, NOT_FOUND);
	expect(&f, "GET", "sys/health?sealedcode=99999", NULL, 400, NOT_FOUND);
	expect(&f, "GET", "sys/health?standbyok=maybe", NULL, 400, NOT_FOUND);
	expect(&f, "POST", "sys/health", NULL, 405, NOT_FOUND);
	expect(&f, "DELETE", "sys/health", NULL, 405, NOT_FOUND);
}

static void clients_learn_the_state_of_the_server(void **state)
{
	(void)state;
	expect(&f, "GET", "sys/init", NULL, 200, "{\"initialized\":true}");
	expect(&f, "PUT", "sys/init", "{\"secret_shares\":1}", 400, "Vault is already initialized");
	assert_int_equal(ask_with(&f, "", "GET", "sys/seal-status", NULL), 200);
	assert_string_equal(json_get_text(f.body, "type"), "shamir");
	assert_string_equal(json_get_text(f.body, "storage_type"), "lmdb");
	assert_int_equal(json_get_int(f.body, "t", 0), 1);
	assert_int_equal(ask_with(&f, "", "GET", "sys/leader", NULL), 200);
	assert_true(json_is_false(json_object_get(f.body, "ha_enabled")));
}

/* ---- Where paths lead ---- */

static void paths_that_lead_nowhere(void **state)
{
	(void)state;
	enable(&f, "a");
	expect(&f, "GET", "", NULL, 404, "no handler for route \"\". route entry not found.");
	expect(&f, "GET", "nowhere/x", NULL, 404,
	       "no handler for route \"nowhere/x\". route entry not found.");
	expect(&f, "GET", "sys/nonesuch", NULL, 404, NO_PATH);
	expect(&f, "GET", "identity/x", NULL, 404, NO_PATH);
	expect(&f, "PUT", "sys/mounts", NULL, 405, NO_OPERATION);
	expect(&f, "HEAD", "sys/mounts", NULL, 405, "");
	expect(&f, "GET", "a/nonesuch", NULL, 404, NO_PATH);
	expect(&f, "GET", "a", NULL, 404, NO_PATH);
	expect(&f, "LIST", "a", NULL, 404, NO_PATH);
	expect(&f, "LIST", "a/config", NULL, 404, NO_PATH);
	expect(&f, "GET", "a/role", NULL, 405, NO_OPERATION);
	expect(&f, "LIST", "a/creds", NULL, 404, NO_PATH);
	expect(&f, "POST", "a/creds/x", "{}", 405, NO_OPERATION);
	expect(&f, "HEAD", "a/creds/x", NULL, 405, "");
	expect(&f, "GET", "a/role/-bad", NULL, 404, NO_PATH);
}

static void names_are_written_as_they_are_stored(void **state)
{
	(void)state;
	enable(&f, "a");
	expect(&f, "GET", "a/role/PROD", NULL, 400,
	       "names are stored in lower case: write \"prod\" instead of \"PROD\"");
	expect(&f, "DELETE", "a/role/Prod", NULL, 400,
	       "names are stored in lower case: write \"prod\" instead of \"Prod\"");
	expect(&f, "GET", "a/creds/Prod", NULL, 400,
	       "names are stored in lower case: write \"prod\" instead of \"Prod\"");
}

static struct api *read_api(void)
{
	struct api *api;

	assert_int_equal(api_new(f.broker, API_READ, &api), 0);
	return api;
}

static const struct {
	const char *name, *method, *path, *body;
	bool root, handed_on;
	int status; /* 0: handed on */
} pools[] = {
	{ "what is read is answered", "GET", "/v1/sys/mounts", "", true, false, 200 },
	{ "what is written is handed on", "PUT", "/v1/sys/mounts/b", "{}", true, false, 0 },
	{ "what calls a cloud is handed on", "GET", "/v1/a/creds/x", "", true, false, 0 },
	{ "a list is handed on", "LIST", "/v1/a/role", "", true, false, 0 },
	{ "a stranger is not", "PUT", "/v1/sys/mounts/b", "{}", false, false, 403 },
	{ "what leads nowhere is not", "PUT", "/v1/b/role/x", "{}", true, false, 404 },
	{ "what is broken is not", "PUT", "/v1/sys/mounts/b", "{", true, false, 400 },
	{ "nothing is handed on twice", "PUT", "/v1/sys/mounts/b", "{}", true, true, 500 },
};

static void a_read_process_hands_on_what_is_not_its(void **state)
{
	struct api *whole = f.api;

	(void)state;
	enable(&f, "a");
	f.api = read_api();
	for (size_t i = 0; i < sizeof(pools) / sizeof(pools[0]); i++) {
		struct api_request raw = {
			.method = pools[i].method,
			.path = pools[i].path,
			.body = pools[i].body,
			.body_size = strlen(pools[i].body),
			.token = pools[i].root ? f.token : "",
			.handed_on = pools[i].handed_on,
		};

		ask_raw(&f, &raw);
		if (f.reply.hand_on != !pools[i].status || f.reply.status != pools[i].status)
			fail_msg("%s: %d, %d", pools[i].name, f.reply.hand_on, f.reply.status);
	}
	api_free(f.api);
	f.api = whole;
}

static void a_long_answer_is_handed_on(void **state)
{
	struct api *whole = f.api;
	char *body = malloc(200000);

	(void)state;
	snprintf(body, 200000, "{\"type\":\"alicloud\",\"description\":\"%0140000d\"}", 1);
	expect(&f, "POST", "sys/mounts/a", body, 204, "");
	assert_int_equal(ask(&f, "GET", "sys/mounts", NULL), 200);
	f.api = read_api();
	ask(&f, "GET", "sys/mounts", NULL);
	assert_true(f.reply.hand_on);
	assert_int_equal(f.reply.body.size, 0);
	assert_int_equal(ask(&f, "GET", "sys/mounts/sys", NULL), 200);
	api_free(f.api);
	f.api = whole;
	free(body);
}

/* ---- Help ---- */

static void help_of_a_mount_that_is_one_route_names_it(void **state)
{
	static const char *const paths[] = { "cubbyhole", "cubbyhole/x" };
	static const char *const requests[] = { "Request:        \n", "Request:        x\n" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		char path[32];

		snprintf(path, sizeof(path), "%s?help=1", paths[i]);
		assert_int_equal(ask(&f, "GET", path, NULL), 200);
		assert_non_null(strstr(json_get_text(f.body, "help"), requests[i]));
		assert_non_null(strstr(json_get_text(f.body, "help"), " ^(?P<path>.*)$\n"));
	}
}

static void help_is_made_of_the_table(void **state)
{
	json_t *paths;

	(void)state;
	enable(&f, "a");
	assert_int_equal(ask(&f, "GET", "a/role/x?help=1", NULL), 200);
	assert_non_null(strstr(json_get_text(f.body, "help"), "role_arn (string)"));
	assert_non_null(strstr(json_get_text(f.body, "help"), "Request:        role/x\n"));
	assert_non_null(strstr(json_get_text(f.body, "help"), "^role/(?P<name>\\w(("));
	assert_true(json_is_null(json_object_get(f.body, "see_also")));
	paths = json_object_get(json_object_get(f.body, "openapi"), "paths");
	assert_int_equal(json_object_size(paths), 1);
	paths = json_object_get(paths, "/role/{name}");
	assert_non_null(json_object_get(paths, "get"));
	assert_non_null(json_object_get(paths, "post"));
	assert_non_null(json_object_get(paths, "delete"));
	assert_int_equal(ask(&f, "PUT", "a?help=1", "{"), 200);
	assert_non_null(strstr(json_get_text(f.body, "help"), "## PATHS"));
	assert_non_null(strstr(json_get_text(f.body, "help"), "    ^creds/"));
	assert_int_equal(ask(&f, "GET", "sys?help=1", NULL), 200);
	assert_non_null(strstr(json_get_text(f.body, "help"), "    ^leases/renew(/(?P<"));
	assert_null(strstr(json_get_text(f.body, "help"), "lookup-self"));
	assert_int_equal(ask(&f, "GET", "sys/leases/lookup?help=1", NULL), 200);
	expect(&f, "GET", "a/nonesuch?help=1", NULL, 404, NO_PATH);
	expect(&f, "GET", "none?help=1", NULL, 404,
	       "no handler for route \"none\". route entry not found.");
	assert_int_equal(ask_with(&f, "", "GET", "sys/mounts", NULL), 403);
}

static void help_needs_a_token(void **state)
{
	struct api_request raw = {
		.method = "GET",
		.path = "/v1/sys/health",
		.query = "help=1",
	};

	(void)state;
	ask_raw(&f, &raw);
	check_error(403, "permission denied");
}

/* ---- Leases, as far as there are none ---- */

static const struct {
	const char *method, *path, *body;
	int status;
	const char *answer;
} lease_cases[] = {
	{ "PUT", "sys/leases/lookup", "{}", 400, "lease_id must be specified" },
	{ "PUT", "sys/leases/lookup", "{\"lease_id\":\"no/such\"}", 400, "invalid lease" },
	{ "PUT", "sys/leases/renew", "{}", 400, "lease_id must be specified" },
	{ "PUT", "sys/leases/renew", "{\"lease_id\":\"no/such\"}", 400, "lease not found" },
	{ "PUT", "sys/renew/no/such", "{}", 400, "lease not found" },
	{ "PUT", "sys/leases/renew", "{\"lease_id\":\"no/such\",\"increment\":\"abc\"}", 400,
	  "Field validation failed: error converting input for field \"increment\": time: invalid "
	  "duration \"abc\"" },
	{ "PUT", "sys/leases/renew/a/b", "{\"lease_id\":\"no/such\"}", 400,
	  "lease_id in the body and in the path differ" },
	{ "PUT", "sys/leases/revoke", "{}", 400, "lease_id must be specified" },
	{ "PUT", "sys/leases/revoke", "{\"lease_id\":\"no/such\"}", 204, "" },
	{ "PUT", "sys/leases/revoke/no/such", "{\"lease_id\":\"no/such\"}", 204, "" },
	{ "PUT", "sys/leases/revoke/no/such", "{\"lease_id\":\"no/other\"}", 400,
	  "lease_id in the body and in the path differ" },
	{ "PUT", "sys/leases/revoke", "{\"lease_id\":\"no/such\",\"sync\":false}", 202, "" },
	{ "PUT", "sys/revoke", "{\"lease_id\":\"no/such\"}", 204, "" },
	{ "PUT", "sys/leases/revoke-prefix/no/such", "{\"sync\":false}", 202, "" },
	{ "PUT", "sys/revoke-prefix/no/such", "{\"sync\":\"0\",\"prefix\":\"x\"}", 202, "" },
	{ "PUT", "sys/leases/revoke-prefix", "{}", 404, NO_PATH },
	{ "LIST", "sys/leases/lookup/none/", NULL, 404, NOT_FOUND },
	{ "LIST", "sys/leases/lookup/none", NULL, 404, NOT_FOUND },
	{ "LIST", "sys/leases/lookup", NULL, 404, NOT_FOUND },
	{ "GET", "sys/leases", NULL, 404, NOT_FOUND },
	{ "GET", "sys/leases/count", NULL, 404, NOT_FOUND },
	{ "GET", "sys/leases?type=irrevocable&limit=x", NULL, 400,
	  "invalid 'limit' provided: must be \"none\" or a positive number" },
};

static void leases_that_do_not_exist(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lease_cases) / sizeof(lease_cases[0]); i++)
		expect(&f, lease_cases[i].method, lease_cases[i].path, lease_cases[i].body,
		       lease_cases[i].status, lease_cases[i].answer);
	expect_data(&f, "GET", "sys/leases/count?type=irrevocable", NULL,
		    "{\"counts\":{},\"lease_count\":0}");
	expect_data(&f, "GET", "sys/leases?type=irrevocable&limit=none", NULL,
		    "{\"lease_count\":0,\"leases\":[]}");
	assert_int_equal(ask(&f, "POST", "sys/leases/tidy", NULL), 202);
	assert_int_equal(json_array_size(json_object_get(f.body, "warnings")), 1);
}

/* ---- Lost memory ---- */

static void lost_memory_is_an_internal_error(void **state)
{
	static const struct {
		const char *method, *path, *query, *body;
		int status;
	} asked[] = {
		{ "GET", "/v1/sys/mounts", "", "", 200 },
		{ "GET", "/v1/sys/internal/ui/mounts/a", "", "", 200 },
		{ "GET", "/v1/sys/mounts/a/tune", "", "", 200 },
		{ "POST", "/v1/sys/mounts/a/tune", "", "{\"options\":{\"k\":\"v\"}}", 204 },
		{ "POST", "/v1/a/role/x", "", REMOTE, 204 },
		{ "GET", "/v1/a/role/x", "", "", 200 },
		{ "LIST", "/v1/a/role", "limit=1", "", 200 },
		{ "PUT", "/v1/sys/leases/renew", "", "{\"lease_id\":\"no/such\",\"x\":1}", 400 },
		{ "GET", "/v1/a", "help=1", "", 200 },
		{ "GET", "/v1/sys/leases/count", "help=1", "", 200 },
	};

	(void)state;
	enable(&f, "a");
	expect(&f, "POST", "a/role/y", REMOTE, 204, "");
	expect(&f, "POST", "a/role/z", REMOTE, 204, "");
	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		const struct api_request raw = {
			.method = asked[i].method,
			.path = asked[i].path,
			.query = asked[i].query,
			.body = asked[i].body,
			.body_size = strlen(asked[i].body),
			.token = f.token,
		};

		lose_each(&f, &raw, LOSS_MAY_BE_BORNE, asked[i].status);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		API_TEST(strangers_are_turned_away),
		API_TEST(a_bearer_token_is_as_good),
		API_TEST(a_token_shows_itself),
		API_TEST(a_namespace_is_echoed),
		API_TEST(health_is_for_everybody),
		API_TEST(clients_learn_the_state_of_the_server),
		API_TEST(paths_that_lead_nowhere),
		API_TEST(names_are_written_as_they_are_stored),
		API_TEST(a_read_process_hands_on_what_is_not_its),
		API_TEST(a_long_answer_is_handed_on),
		API_TEST(help_of_a_mount_that_is_one_route_names_it),
		API_TEST(help_is_made_of_the_table),
		API_TEST(help_needs_a_token),
		API_TEST(leases_that_do_not_exist),
		API_TEST(lost_memory_is_an_internal_error),
	};

	fail_alloc_jansson();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
