/* SPDX-License-Identifier: Apache-2.0 */
/* The API with the real engines and no cloud: who may ask, mounts, configuration, roles. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api_fixture.h"
#include "config.h"
#include "fail_alloc.h"
#include "util/clock.h"
#include "util/json.h"
#include "util/text.h"

#define NOT_FOUND     "{\"errors\":[]}"
#define NO_PATH       "1 error occurred:\n\t* unsupported path\n\n"
#define NO_OPERATION  "1 error occurred:\n\t* unsupported operation\n\n"
#define INVALID_TOKEN "2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n"
#define REMOTE        "{\"remote_policies\":[\"name:AliyunOSSReadOnlyAccess,type:System\"]}"
#define ARN           "acs:ram::1234567890123456:role/trusted"

static struct api_fixture f;

static int set_up(void **state)
{
	(void)state;
	api_fixture_open(&f, "alicloud");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	api_fixture_close(&f);
	return 0;
}

static void enable(const char *path)
{
	char full[200];

	snprintf(full, sizeof(full), "sys/mounts/%s", path);
	expect(&f, "POST", full, "{\"type\":\"alicloud\"}", 204, "");
}

/* ---- Who asks ---- */

static int ask_with(const char *path, const char *token, const char *authorization)
{
	struct api_request raw = {
		.method = "GET",
		.path = path,
		.token = token,
		.authorization = authorization,
	};

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
	ask_with("/v1/sys/mounts", "", "");
	check_error(403, "permission denied");
	ask_with("/v1/no/such", "", "");
	check_error(403, "permission denied");
	ask_with("/v1/sys/mounts", "hvs.nonsense", "");
	check_error(403, INVALID_TOKEN);
	ask_with("/v1/sys/mounts", "", "Basic cm9vdA==");
	check_error(403, "permission denied");
	ask_with("/v1/sys/mounts", "s.has space", "Bearer x");
	check_error(403, INVALID_TOKEN);
}

static void a_bearer_token_is_as_good(void **state)
{
	char bearer[64];

	(void)state;
	snprintf(bearer, sizeof(bearer), "Bearer %s", f.token);
	assert_int_equal(ask_with("/v1/auth/token/lookup-self", "", bearer), 200);
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
	assert_int_equal(ask_with("/v1/sys/health", "", ""), 200);
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
	assert_int_equal(ask_with("/v1/sys/seal-status", "", ""), 200);
	assert_string_equal(json_get_text(f.body, "type"), "shamir");
	assert_string_equal(json_get_text(f.body, "storage_type"), "lmdb");
	assert_int_equal(json_get_int(f.body, "t", 0), 1);
	assert_int_equal(ask_with("/v1/sys/leader", "", ""), 200);
	assert_true(json_is_false(json_object_get(f.body, "ha_enabled")));
}

/* ---- Where paths lead ---- */

static void paths_that_lead_nowhere(void **state)
{
	(void)state;
	enable("a");
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
	enable("a");
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
	enable("a");
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

/* ---- Mounts ---- */

static const struct {
	const char *path, *body, *error;
} refused_mounts[] = {
	{ "x", "{}", "backend type must be specified as a string" },
	{ "x", "{\"type\":\"nonesuch\"}", "plugin not found in the catalog: nonesuch" },
	{ "x", "{\"type\":\"plugin\"}", "plugin_name must be provided for plugin backend" },
	{ "x", "{\"type\":\"system\"}", "mount type of \"system\" is not mountable" },
	{ "x", "{\"type\":\"token\"}", "mount type of \"token\" is not mountable" },
	{ "sys/foo", "{\"type\":\"alicloud\"}", "cannot mount \"sys/foo/\"" },
	{ "auth/foo", "{\"type\":\"alicloud\"}", "cannot mount \"auth/foo/\"" },
	{ "cubbyhole", "{\"type\":\"alicloud\"}", "cannot mount \"cubbyhole/\"" },
	{ "m1", "{\"type\":\"alicloud\"}", "path is already in use at m1/" },
	{ "m1/deeper", "{\"type\":\"alicloud\"}", "path is already in use at m1/" },
	{ "x", "{\"type\":\"alicloud\",\"config\":{\"default_lease_ttl\":\"abc\"}}",
	  "unable to parse default TTL of abc: time: invalid duration \"abc\"" },
	{ "x", "{\"type\":\"alicloud\",\"config\":{\"max_lease_ttl\":\"1x\"}}",
	  "unable to parse max TTL of 1x: time: unknown unit \"x\" in duration \"1x\"" },
	{ "x",
	  "{\"type\":\"alicloud\",\"config\":{\"default_lease_ttl\":\"3h\",\"max_lease_ttl\":"
	  "\"1h\"}}",
	  "given default lease TTL greater than given max lease TTL" },
	{ "x", "{\"type\":\"alicloud\",\"config\":{\"default_lease_ttl\":\"769h\"}}",
	  "given default lease TTL greater than system max lease TTL of 2764800" },
	{ "x", "{\"type\":\"alicloud\",\"config\":{\"force_no_cache\":\"maybe\"}}",
	  "unable to convert given mount config information" },
	{ "x", "{\"type\":\"alicloud\",\"config\":{\"listing_visibility\":\"loud\"}}",
	  "invalid listing_visibility loud" },
	{ "x", "{\"type\":\"alicloud\",\"plugin_version\":\"v1\"}",
	  "secrets engine \"alicloud\" does not allow setting a version" },
};

static void mounts_that_cannot_be_are_refused(void **state)
{
	char path[200];

	(void)state;
	enable("m1");
	for (size_t i = 0; i < sizeof(refused_mounts) / sizeof(refused_mounts[0]); i++) {
		snprintf(path, sizeof(path), "sys/mounts/%s", refused_mounts[i].path);
		expect(&f, "POST", path, refused_mounts[i].body, 400, refused_mounts[i].error);
	}
	memset(path, 'x', sizeof(path));
	memcpy(path, "sys/mounts/", 11);
	path[11 + 129] = '\0';
	expect(&f, "POST", path, "{\"type\":\"alicloud\"}", 400,
	       "a mount's path has at most 128 bytes");
	path[11 + 128] = '\0';
	expect(&f, "POST", path, "{\"type\":\"alicloud\"}", 204, "");
}

static void mounts_are_listed_twice(void **state)
{
	json_t *data, *mount, *config;

	(void)state;
	expect(&f, "POST", "sys/mounts/m1",
	       "{\"type\":\"alicloud\",\"description\":\"d\",\"options\":null,\"config\":{"
	       "\"default_lease_ttl\":\"1h\",\"max_lease_ttl\":7200,\"force_no_cache\":null,"
	       "\"plugin_name\":null,\"audit_non_hmac_request_keys\":[\"a\"]}}",
	       204, "");
	assert_int_equal(ask(&f, "GET", "sys/mounts", NULL), 200);
	data = json_object_get(f.body, "data");
	assert_int_equal(json_object_size(data), 4);
	mount = json_object_get(data, "m1/");
	assert_true(json_equal(mount, json_object_get(f.body, "m1/")));
	assert_string_equal(json_get_text(mount, "type"), "alicloud");
	assert_string_equal(json_get_text(mount, "description"), "d");
	assert_true(text_starts_with(json_get_text(mount, "accessor"), "alicloud_"));
	assert_int_equal(strlen(json_get_text(mount, "accessor")), strlen("alicloud_") + 8);
	config = json_object_get(mount, "config");
	assert_int_equal(json_get_int(config, "default_lease_ttl", 0), 3600);
	assert_int_equal(json_get_int(config, "max_lease_ttl", 0), 7200);
	assert_int_equal(json_array_size(json_object_get(config, "audit_non_hmac_request_keys")),
			 1);
	assert_null(json_object_get(mount, "tainted"));
	assert_string_equal(json_get_text(json_object_get(data, "sys/"), "type"), "system");
	assert_string_equal(json_get_text(f.body, "mount_type"), "system");
}

static void builtin_mounts_stay_the_same(void **state)
{
	char accessor[64], uuid[64];

	(void)state;
	assert_int_equal(ask(&f, "GET", "sys/mounts/sys", NULL), 200);
	snprintf(accessor, sizeof(accessor), "%s", data_text(&f, "accessor"));
	snprintf(uuid, sizeof(uuid), "%s", data_text(&f, "uuid"));
	assert_true(text_starts_with(accessor, "system_"));
	assert_int_equal(strlen(uuid), 36);
	assert_int_equal(ask(&f, "GET", "sys/mounts/sys", NULL), 200);
	assert_string_equal(data_text(&f, "accessor"), accessor);
	assert_string_equal(data_text(&f, "uuid"), uuid);
	assert_int_equal(ask(&f, "GET", "sys/mounts/cubbyhole/tune", NULL), 200);
	assert_string_equal(data_text(&f, "description"), "per-token private secret storage");
	expect(&f, "POST", "sys/mounts/sys/tune", "{\"description\":\"x\"}", 400,
	       "cannot tune parameter description of sys/");
	expect(&f, "DELETE", "sys/mounts/sys", NULL, 400, "cannot unmount \"sys/\"");
	assert_int_equal(ask(&f, "GET", "sys/auth", NULL), 200);
	assert_non_null(json_object_get(f.body, "token/"));
}

static void a_mount_is_shown_by_its_own_name_alone(void **state)
{
	(void)state;
	enable("m1");
	assert_int_equal(ask(&f, "GET", "sys/mounts/m1", NULL), 200);
	assert_string_equal(data_text(&f, "type"), "alicloud");
	expect(&f, "GET", "sys/mounts/m1/role/x", NULL, 400,
	       "No secret engine mount at m1/role/x/");
	expect(&f, "GET", "sys/mounts/m1/x/tune", NULL, 400,
	       "cannot fetch sysview for path \"m1/x/\"");
	expect(&f, "GET", "sys/mounts/sys/x", NULL, 400, "No secret engine mount at sys/x/");
	assert_int_equal(ask(&f, "GET", "sys/mounts/m1/", NULL), 200);
	expect(&f, "GET", "sys/mounts/none", NULL, 400, "No secret engine mount at none/");
	assert_int_equal(ask(&f, "GET", "sys/internal/ui/mounts/m1/role/x", NULL), 200);
	assert_string_equal(data_text(&f, "path"), "m1/");
	expect(&f, "GET", "sys/internal/ui/mounts/none", NULL, 403,
	       "preflight capability check returned 403, please ensure client's policies grant "
	       "access to path \"none/\"");
	assert_int_equal(ask(&f, "GET", "sys/internal/ui/mounts", NULL), 200);
	assert_non_null(
		json_object_get(json_object_get(json_object_get(f.body, "data"), "secret"), "m1/"));
}

static void ask_without(const char *token)
{
	const struct api_request raw = {
		.method = "GET",
		.path = "/v1/sys/internal/ui/mounts",
		.token = token,
	};

	assert_int_equal(ask_raw(&f, &raw), 200);
	assert_string_equal(json_get_text(f.body, "mount_type"), "");
}

/* A token that is not valid is none. */
static void strangers_see_the_mounts_that_are_for_everybody(void **state)
{
	static const char *const tokens[] = { "", "hvs.nobody-has-this-one" };
	json_t *expected, *data;

	(void)state;
	enable("m1");
	enable("m2");
	expect(&f, "POST", "sys/mounts/m2/tune",
	       "{\"listing_visibility\":\"unauth\",\"description\":\"for all\"}", 204, "");
	expected = json_pack("{s:{}, s:{s:{s:s, s:s, s:{}}}}", "auth", "secret", "m2/", "type",
			     "alicloud", "description", "for all", "options");
	for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
		ask_without(tokens[i]);
		data = json_object_get(f.body, "data");
		assert_true(json_equal(data, expected));
	}
	json_decref(expected);
	ask_without(f.token);
	data = json_object_get(json_object_get(f.body, "data"), "secret");
	assert_non_null(json_object_get(json_object_get(data, "m1/"), "accessor"));
}

static void mounts_are_tuned(void **state)
{
	(void)state;
	expect(&f, "POST", "sys/mounts/m1",
	       "{\"type\":\"alicloud\",\"description\":\"d\",\"options\":{\"a\":\"1\",\"b\":2},"
	       "\"config\":{\"default_lease_ttl\":\"1h\",\"max_lease_ttl\":\"2h\"}}",
	       204, "");
	expect_data(&f, "GET", "sys/mounts/m1/tune", NULL,
		    "{\"default_lease_ttl\":3600,\"max_lease_ttl\":7200,\"description\":\"d\","
		    "\"force_no_cache\":false,\"options\":{\"a\":\"1\",\"b\":\"2\"}}");
	expect(&f, "POST", "sys/mounts/m1/tune",
	       "{\"max_lease_ttl\":\"3h\",\"description\":\"e\",\"options\":{\"a\":\"\",\"c\":"
	       "\"3\"}}",
	       204, "");
	expect(&f, "POST", "sys/mounts/m1/tune", "{\"default_lease_ttl\":\"9h\"}", 400,
	       "backend max lease TTL of 10800 would be less than backend default lease TTL of "
	       "32400");
	expect(&f, "POST", "sys/mounts/m1/tune", "{\"default_lease_ttl\":\"abc\"}", 400,
	       "time: invalid duration \"abc\"");
	expect(&f, "POST", "sys/mounts/m1/tune", "{\"listing_visibility\":\"loud\"}", 400,
	       "invalid listing_visibility loud");
	expect(&f, "POST", "sys/mounts/m1/tune", "{\"token_type\":\"batch\"}", 400,
	       "'token_type' can only be modified on auth mounts");
	expect(&f, "POST", "sys/mounts/m1/tune",
	       "{\"audit_non_hmac_request_keys\":\"a,b\",\"listing_visibility\":\"hidden\"}", 204,
	       "");
	expect_data(&f, "GET", "sys/mounts/m1/tune", NULL,
		    "{\"default_lease_ttl\":3600,\"max_lease_ttl\":10800,\"description\":\"e\","
		    "\"force_no_cache\":false,\"options\":{\"b\":\"2\",\"c\":\"3\"},"
		    "\"audit_non_hmac_request_keys\":[\"a\",\"b\"],"
		    "\"listing_visibility\":\"hidden\"}");
	expect(&f, "POST", "sys/mounts/m1/tune",
	       "{\"default_lease_ttl\":\"system\",\"max_lease_ttl\":\"system\","
	       "\"audit_non_hmac_request_keys\":null,\"listing_visibility\":\"\"}",
	       204, "");
	expect_data(&f, "GET", "sys/mounts/m1/tune", NULL,
		    "{\"default_lease_ttl\":2764800,\"max_lease_ttl\":2764800,"
		    "\"description\":\"e\",\"force_no_cache\":false,"
		    "\"options\":{\"b\":\"2\",\"c\":\"3\"}}");
	expect(&f, "GET", "sys/mounts/none/tune", NULL, 400,
	       "cannot fetch sysview for path \"none/\"");
	expect(&f, "POST", "sys/mounts/none/tune", "{\"description\":\"x\"}", 400,
	       "tune of path \"none/\" failed: no mount entry found");
}

/* Nobody drains jobs here: what was recorded stays so. */
static void a_mount_being_disabled_answers_no_more(void **state)
{
	(void)state;
	enable("m1");
	expect(&f, "DELETE", "sys/mounts/none", NULL, 204, "");
	expect(&f, "DELETE", "sys/mounts/m1", NULL, 504,
	       "the revocation was recorded and goes on; it was not done before the deadline of "
	       "this request");
	expect(&f, "GET", "m1/config", NULL, 404,
	       "no handler for route \"m1/config\". route entry is tainted.");
	expect(&f, "GET", "m1/config?help=1", NULL, 404,
	       "no handler for route \"m1/config\". route entry is tainted.");
}

/* ---- Configuration and roles ---- */

static void the_configuration_never_shows_its_secret(void **state)
{
	(void)state;
	enable("a");
	expect(&f, "GET", "a/config", NULL, 404, NOT_FOUND);
	expect(&f, "POST", "a/config", "{}", 400, "access_key is required");
	expect(&f, "POST", "a/config", "{\"access_key\":\"x\"}", 400, "secret_key is required");
	expect(&f, "POST", "a/config",
	       "{\"access_key\":\"LTAIroot\",\"secret_key\":\"s3cret\",\"extra\":1}", 204, "");
	expect_data(&f, "GET", "a/config", NULL, "{\"access_key\":\"LTAIroot\"}");
	assert_string_equal(json_get_text(f.body, "mount_type"), "alicloud");
	expect(&f, "POST", "a/config?secret_key=s3cret", "{\"access_key\":\"x\"}", 400,
	       "query parameter \"secret_key\" is a secret: send it in the body");
	expect(&f, "DELETE", "a/config", NULL, 204, "");
	expect(&f, "GET", "a/config", NULL, 404, NOT_FOUND);
	expect(&f, "DELETE", "a/config", NULL, 204, "");
}

static void roles_are_written_read_and_deleted(void **state)
{
	(void)state;
	enable("a");
	expect(&f, "POST", "a/role/r1", "{}", 400,
	       "must include an arn, or at least one of inline_policies or remote_policies");
	expect(&f, "POST", "a/role/r1", REMOTE, 204, "");
	expect(&f, "POST", "a/role/r1", "{\"ttl\":\"30m\"}", 204, "");
	expect_data(&f, "GET", "a/role/r1", NULL,
		    "{\"role_arn\":\"\",\"ttl\":1800,\"max_ttl\":0,\"inline_policies\":null,"
		    "\"remote_policies\":[{\"name\":\"AliyunOSSReadOnlyAccess\",\"type\":"
		    "\"System\"}]}");
	expect(&f, "POST", "a/role/r1", "{\"ttl\":\"abc\"}", 400,
	       "error converting input for field \"ttl\": time: invalid duration \"abc\"");
	assert_int_equal(
		ask(&f, "PUT", "a/role/w", "{\"role_arn\":\"" ARN "\",\"ttl\":60,\"x\":1}"), 200);
	assert_true(json_is_null(json_object_get(f.body, "data")));
	assert_int_equal(json_array_size(json_object_get(f.body, "warnings")), 2);
	expect_data(&f, "LIST", "a/role", NULL, "{\"keys\":[\"r1\",\"w\"]}");
	expect_data(&f, "GET", "a/role?list=true", NULL, "{\"keys\":[\"r1\",\"w\"]}");
	expect(&f, "DELETE", "a/role/r1", NULL, 204, "");
	expect(&f, "DELETE", "a/role/r1", NULL, 204, "");
	expect(&f, "GET", "a/role/r1", NULL, 404, NOT_FOUND);
	expect(&f, "GET", "a/creds/r1", NULL, 404, NOT_FOUND);
}

static void roles_are_listed_in_pages(void **state)
{
	char path[640];

	(void)state;
	enable("a");
	expect(&f, "LIST", "a/role", NULL, 404, NOT_FOUND);
	for (int i = 0; i < 5; i++) {
		snprintf(path, sizeof(path), "a/role/r%d", i);
		expect(&f, "POST", path, REMOTE, 204, "");
	}
	expect_data(&f, "LIST", "a/role?limit=2", NULL, "{\"keys\":[\"r0\",\"r1\"]}");
	assert_int_equal(json_array_size(json_object_get(f.body, "warnings")), 1);
	expect_data(&f, "LIST", "a/role?limit=2&after=r2", NULL, "{\"keys\":[\"r3\",\"r4\"]}");
	assert_true(json_is_null(json_object_get(f.body, "warnings")));
	expect(&f, "LIST", "a/role?after=r4", NULL, 404, NOT_FOUND);
	snprintf(path, sizeof(path), "a/role?after=%0600d", 0);
	expect(&f, "LIST", path, NULL, 400, "after is too long");
	expect(&f, "LIST", "a/role?limit=0", NULL, 400, "limit must be 1 to 1000");
	expect(&f, "LIST", "a/role?limit=1001", NULL, 400, "limit must be 1 to 1000");
}

static void without_credentials_nothing_is_issued(void **state)
{
	(void)state;
	enable("a");
	expect(&f, "POST", "a/role/r1", REMOTE, 204, "");
	assert_int_equal(ask(&f, "GET", "a/creds/r1", NULL), 400);
	assert_true(text_starts_with(
		json_string_value(json_array_get(json_object_get(f.body, "errors"), 0)),
		"unable to create secret because no credentials are configured"));
}

/* ---- Help ---- */

static void help_is_made_of_the_table(void **state)
{
	json_t *paths;

	(void)state;
	enable("a");
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
	assert_int_equal(ask_with("/v1/sys/mounts", "", ""), 403);
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

/* Only what the API does itself: the fixture has no part in it. */
static int serve(const char *method, const char *path, const char *body)
{
	char full[100] = "/v1/";
	char *query;
	struct api_request raw = {
		.method = method,
		.path = full,
		.query = "",
		.content_type = "",
		.body = body ? body : "",
		.body_size = body ? strlen(body) : 0,
		.remote_address = "",
		.token = f.token,
		.authorization = "",
		.namespace = "",
		.wrap_ttl = "",
		.vault_request = "",
		.request_id = REQUEST_ID,
	};
	struct api_reply reply;
	int status;

	strcat(full, path);
	query = strchr(full, '?');
	if (query) {
		*query = '\0';
		raw.query = query + 1;
	}
	api_serve(f.api, &raw, &reply);
	status = reply.status;
	api_reply_clear(&reply);
	return status;
}

static void lost_memory_is_an_internal_error(void **state)
{
	static const struct {
		const char *method, *path, *body;
		int status;
	} asked[] = {
		{ "GET", "sys/mounts", NULL, 200 },
		{ "GET", "sys/internal/ui/mounts/a", NULL, 200 },
		{ "GET", "sys/mounts/a/tune", NULL, 200 },
		{ "POST", "sys/mounts/a/tune", "{\"options\":{\"k\":\"v\"}}", 204 },
		{ "POST", "a/role/x", REMOTE, 204 },
		{ "GET", "a/role/x", NULL, 200 },
		{ "LIST", "a/role?limit=1", NULL, 200 },
		{ "PUT", "sys/leases/renew", "{\"lease_id\":\"no/such\",\"x\":1}", 400 },
		{ "GET", "a?help=1", NULL, 200 },
		{ "GET", "sys/leases/count?help=1", NULL, 200 },
	};

	(void)state;
	enable("a");
	expect(&f, "POST", "a/role/y", REMOTE, 204, "");
	expect(&f, "POST", "a/role/z", REMOTE, 204, "");
	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		int status = 0;

		for (unsigned n = 1; status != asked[i].status; n++) {
			fail_alloc_at(n);
			status = serve(asked[i].method, asked[i].path, asked[i].body);
			fail_alloc_stop();
			if (status != 500 && status != asked[i].status)
				fail_msg("%s %s, allocation %u: %d", asked[i].method, asked[i].path,
					 n, status);
			assert_true(n < 3000);
		}
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(strangers_are_turned_away),
		TEST(a_bearer_token_is_as_good),
		TEST(a_token_shows_itself),
		TEST(a_namespace_is_echoed),
		TEST(health_is_for_everybody),
		TEST(clients_learn_the_state_of_the_server),
		TEST(paths_that_lead_nowhere),
		TEST(names_are_written_as_they_are_stored),
		TEST(a_read_process_hands_on_what_is_not_its),
		TEST(a_long_answer_is_handed_on),
		TEST(mounts_that_cannot_be_are_refused),
		TEST(mounts_are_listed_twice),
		TEST(builtin_mounts_stay_the_same),
		TEST(a_mount_is_shown_by_its_own_name_alone),
		TEST(strangers_see_the_mounts_that_are_for_everybody),
		TEST(mounts_are_tuned),
		TEST(a_mount_being_disabled_answers_no_more),
		TEST(the_configuration_never_shows_its_secret),
		TEST(roles_are_written_read_and_deleted),
		TEST(roles_are_listed_in_pages),
		TEST(without_credentials_nothing_is_issued),
		TEST(help_is_made_of_the_table),
		TEST(help_needs_a_token),
		TEST(leases_that_do_not_exist),
		TEST(lost_memory_is_an_internal_error),
	};

	fail_alloc_jansson();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
