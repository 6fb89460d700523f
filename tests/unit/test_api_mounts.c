/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts as clients see them, with the real engines and no cloud. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "api_fixture.h"
#include "util/json.h"
#include "util/text.h"

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
	enable(&f, "m1");
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
	enable(&f, "m1");
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
	enable(&f, "m1");
	enable(&f, "m2");
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
	enable(&f, "m1");
	expect(&f, "DELETE", "sys/mounts/none", NULL, 204, "");
	expect(&f, "DELETE", "sys/mounts/m1", NULL, 504,
	       "the revocation was recorded and goes on; it was not done before the deadline of "
	       "this request");
	expect(&f, "GET", "m1/config", NULL, 404,
	       "no handler for route \"m1/config\". route entry is tainted.");
	expect(&f, "GET", "m1/config?help=1", NULL, 404,
	       "no handler for route \"m1/config\". route entry is tainted.");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		API_TEST(mounts_that_cannot_be_are_refused),
		API_TEST(mounts_are_listed_twice),
		API_TEST(builtin_mounts_stay_the_same),
		API_TEST(a_mount_is_shown_by_its_own_name_alone),
		API_TEST(strangers_see_the_mounts_that_are_for_everybody),
		API_TEST(mounts_are_tuned),
		API_TEST(a_mount_being_disabled_answers_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
