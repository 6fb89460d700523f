/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration and roles of a mount as clients see them, with the real engines and no cloud. */
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

#define REMOTE "{\"remote_policies\":[\"name:AliyunOSSReadOnlyAccess,type:System\"]}"
#define ARN    "acs:ram::1234567890123456:role/trusted"

static void the_configuration_never_shows_its_secret(void **state)
{
	(void)state;
	enable(&f, "a");
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
	enable(&f, "a");
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

/* What is taken is kept a little deeper than it came. */
static void the_deepest_inline_policy_is_read_again(void **state)
{
	char condition[8 * JSON_DEPTH_MAX + 2] = "", sent[2048];
	size_t depth = JSON_DEPTH_MAX - 4; /* in a statement of a document */

	(void)state;
	enable(&f, "a");
	for (size_t i = 0; i < depth; i++)
		strcat(condition, "{\\\"k\\\":");
	strcat(condition, "1");
	for (size_t i = 0; i < depth; i++)
		strcat(condition, "}");
	snprintf(sent, sizeof(sent),
		 "{\"inline_policies\":\"[{\\\"Version\\\":\\\"1\\\",\\\"Statement\\\":[{"
		 "\\\"Condition\\\":"
		 "%s}]}]\"}",
		 condition);
	expect(&f, "POST", "a/role/deep", sent, 204, "");
	assert_int_equal(ask(&f, "GET", "a/role/deep", NULL), 200);
	expect(&f, "POST", "a/role/deep", "{\"ttl\":60}", 204, "");
}

static void roles_are_listed_in_pages(void **state)
{
	char path[640];

	(void)state;
	enable(&f, "a");
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
	enable(&f, "a");
	expect(&f, "POST", "a/role/r1", REMOTE, 204, "");
	assert_int_equal(ask(&f, "GET", "a/creds/r1", NULL), 400);
	assert_true(text_starts_with(
		json_string_value(json_array_get(json_object_get(f.body, "errors"), 0)),
		"unable to create secret because no credentials are configured"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		API_TEST(the_configuration_never_shows_its_secret),
		API_TEST(roles_are_written_read_and_deleted),
		API_TEST(the_deepest_inline_policy_is_read_again),
		API_TEST(roles_are_listed_in_pages),
		API_TEST(without_credentials_nothing_is_issued),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
