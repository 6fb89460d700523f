/* SPDX-License-Identifier: Apache-2.0 */
/* Policies over the API: written, read, listed, and told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "auth/policies.h"
#include "auth/policy.h"
#include "auth/token.h"
#include "policies_fixture.h"
#include "util/buf.h"
#include "util/json.h"

#define READ_X "{\"policy\":\"path \\\"x\\\" { capabilities = [\\\"read\\\"] }\"}"

static void a_policy_is_written_read_listed_deleted(void **state)
{
	char path[640];

	(void)state;
	expect(&f, "GET", "sys/policies/acl/p", NULL, 404, NOT_FOUND);
	expect(&f, "PUT", "sys/policies/acl/p", READ_X, 204, "");
	expect_data(&f, "GET", "sys/policies/acl/p", NULL,
		    "{\"name\":\"p\",\"policy\":\"path \\\"x\\\" { capabilities = "
		    "[\\\"read\\\"] }\"}");
	expect_data(&f, "LIST", "sys/policies/acl", NULL,
		    "{\"keys\":[\"default\",\"p\",\"root\"]}");
	expect_data(&f, "GET", "sys/policies/acl?list=true", NULL,
		    "{\"keys\":[\"default\",\"p\",\"root\"]}");
	expect_data(&f, "LIST", "sys/policies/acl?limit=1", NULL, "{\"keys\":[\"default\"]}");
	expect_data(&f, "LIST", "sys/policies/acl?after=default", NULL,
		    "{\"keys\":[\"p\",\"root\"]}");
	snprintf(path, sizeof(path), "sys/policies/acl?after=%0600d", 0);
	expect(&f, "LIST", path, NULL, 400, "after is too long");
	expect(&f, "DELETE", "sys/policies/acl/p", NULL, 204, "");
	expect(&f, "DELETE", "sys/policies/acl/p", NULL, 204, "");
	expect(&f, "GET", "sys/policies/acl/p", NULL, 404, NOT_FOUND);
	expect_data(&f, "GET", "sys/policies/acl/root", NULL,
		    "{\"name\":\"root\",\"policy\":\"\"}");
	expect(&f, "GET", "sys/policies/acl", NULL, 405,
	       "1 error occurred:\n\t* unsupported operation\n\n");
}

static void older_clients_find_it_elsewhere(void **state)
{
	(void)state;
	expect(&f, "PUT", "sys/policy/p", READ_X, 204, "");
	assert_int_equal(ask(&f, "GET", "sys/policy/p", NULL), 200);
	assert_string_equal(data_text(&f, "rules"), "path \"x\" { capabilities = [\"read\"] }");
	assert_string_equal(json_get_text(f.body, "rules"), data_text(&f, "rules"));
	expect_data(&f, "GET", "sys/policy", NULL,
		    "{\"keys\":[\"default\",\"p\",\"root\"],"
		    "\"policies\":[\"default\",\"p\",\"root\"]}");
	assert_int_equal(json_array_size(json_object_get(f.body, "policies")), 3);
	expect_data(&f, "LIST", "sys/policy", NULL,
		    "{\"keys\":[\"default\",\"p\",\"root\"],"
		    "\"policies\":[\"default\",\"p\",\"root\"]}");
	assert_int_equal(ask(&f, "POST", "sys/policy/q", "{\"rules\":\"path \\\"x\\\" {}\"}"), 200);
	assert_string_equal(
		json_string_value(json_array_get(json_object_get(f.body, "warnings"), 0)),
		"'rules' is deprecated, please use 'policy' instead");
	assert_int_equal(ask(&f, "GET", "sys/policies/acl/q", NULL), 200);
	assert_string_equal(data_text(&f, "policy"), "path \"x\" {}");
	expect(&f, "DELETE", "sys/policy/q", NULL, 204, "");
}

static void base64_is_taken_as_what_it_spells(void **state)
{
	(void)state;
	expect(&f, "PUT", "sys/policies/acl/p", "{\"policy\":\"cGF0aCAieCIge30=\"}", 204, "");
	assert_int_equal(ask(&f, "GET", "sys/policies/acl/p", NULL), 200);
	assert_string_equal(data_text(&f, "policy"), "path \"x\" {}");
	expect(&f, "PUT", "sys/policies/acl/p", "{\"policy\":\"/w==\"}", 400,
	       "failed to parse policy: line 1: found \"/\", which has no meaning here");
}

static void what_nobody_asks_for_here_is_told(void **state)
{
	const json_t *warnings;

	(void)state;
	assert_int_equal(ask(&f, "PUT", "sys/policies/acl/p",
			     "{\"policy\":\"path \\\"x\\\" {}\\npath \\\"y\\\" "
			     "{ control_group { factor \\\"a\\\" {} } }\"}"),
			 200);
	warnings = json_object_get(f.body, "warnings");
	assert_string_equal(json_string_value(json_array_get(warnings, 0)),
			    "control_group is kept in the text, but nobody asks for it here");
	assert_int_equal(json_array_size(warnings), 1);
	assert_int_equal(ask(&f, "PUT", "sys/policy/p",
			     "{\"rules\":\"path \\\"x\\\" { mfa_methods = [] }\"}"),
			 200);
	assert_int_equal(json_array_size(json_object_get(f.body, "warnings")), 2);
	expect(&f, "PUT", "sys/policies/acl/p",
	       "{\"policy\":\"path \\\"x\\\" { comment = \\\"c\\\" }\"}", 204, "");
}

static const struct {
	const char *name, *method, *path, *body, *error;
} refused[] = {
	{ "nothing sent", "PUT", "sys/policies/acl/p", "{}",
	  "'policy' parameter not supplied or empty" },
	{ "an empty text", "PUT", "sys/policies/acl/p", "{\"policy\":\"\"}",
	  "'policy' parameter not supplied or empty" },
	{ "rules in the new place", "PUT", "sys/policies/acl/p", "{\"rules\":\"x\"}",
	  "'policy' parameter not supplied or empty" },
	{ "no policy", "PUT", "sys/policies/acl/p", "{\"policy\":\"path \\\"x\\\" {\"}",
	  "failed to parse policy: line 1: found the end of the text, expected a key or \"}\"" },
	{ "root is fixed", "PUT", "sys/policies/acl/root", READ_X,
	  "cannot update \"root\" policy" },
	{ "wrapping is fixed", "POST", "sys/policy/response-wrapping", READ_X,
	  "cannot update \"response-wrapping\" policy" },
	{ "root stays", "DELETE", "sys/policies/acl/root", NULL, "cannot delete \"root\" policy" },
	{ "default stays", "DELETE", "sys/policy/default", NULL, "cannot delete default policy" },
	{ "a name in upper case", "PUT", "sys/policies/acl/Admin", READ_X,
	  "names are stored in lower case: write \"admin\" instead of \"Admin\"" },
	{ "a name in upper case is not read either", "GET", "sys/policies/acl/Admin", NULL,
	  "names are stored in lower case: write \"admin\" instead of \"Admin\"" },
	{ "a name with a blank", "PUT", "sys/policies/acl/ p ", READ_X,
	  "names are stored without blanks around them: write \"p\" instead of \" p \"" },
	{ "a name that is not ASCII", "PUT", "sys/policies/acl/\xc3\xa9", READ_X,
	  "a policy's name has at most 128 characters, all of them printable ASCII" },
	{ "a page of no size", "LIST", "sys/policies/acl?limit=0", NULL,
	  "limit must be 1 to 1000" },
};

static void what_is_wrong_is_said(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		print_message("%s\n", refused[i].name);
		expect(&f, refused[i].method, refused[i].path, refused[i].body, 400,
		       refused[i].error);
	}
}

static void a_name_has_a_limit(void **state)
{
	char path[200] = "sys/policies/acl/";
	size_t start = strlen(path);

	(void)state;
	memset(path + start, 'n', POLICY_NAME_MAX + 1);
	expect(&f, "PUT", path, READ_X, 400,
	       "a policy's name has at most 128 characters, all of them printable ASCII");
	path[start + POLICY_NAME_MAX] = '\0';
	expect(&f, "PUT", path, READ_X, 204, "");
	assert_int_equal(ask(&f, "GET", path, NULL), 200);
}

static void a_large_policy_is_taken_and_a_larger_one_refused(void **state)
{
	struct buf body = BUF_INIT;

	(void)state;
	buf_add_text(&body, "{\"policy\":\"");
	for (size_t i = 0; i < POLICY_SIZE_MAX; i++)
		buf_add_char(&body, ' ');
	buf_add_text(&body, "\"}");
	expect(&f, "PUT", "sys/policies/acl/p", buf_text(&body), 204, "");
	body.data[body.size - 2] = ' ';
	body.data[body.size - 1] = '"';
	buf_add_text(&body, "}");
	expect(&f, "PUT", "sys/policies/acl/p", buf_text(&body), 400,
	       "a policy has at most 1048576 bytes, this one has 1048577");
	buf_free(&body);
}

/* ---- Capabilities ---- */

static void capabilities_are_told(void **state)
{
	char ask_token[128], ask_accessor[128], accessor[64];
	static const char expected[] =
		"{\"a/b\":[\"list\",\"read\"],\"/a/c\":[\"deny\"],\"a/d/\":[\"list\",\"read\"]}";

	(void)state;
	put("p", "path \"a/b\" { policy = \"read\" } path \"a/c\" { policy = \"deny\" }\n"
		 "path \"a/d\" { policy = \"read\" }");
	become("[\"default\", \"p\"]", accessor);
	snprintf(ask_token, sizeof(ask_token), "{\"token\":\"%s\",\"paths\":\"a/b,/a/c,a/d/\"}",
		 f.token);
	snprintf(ask_accessor, sizeof(ask_accessor),
		 "{\"accessor\":\"%s\",\"path\":[\"a/b\",\"/a/c\",\"a/d/\"]}", accessor);
	expect_data(&f, "POST", "sys/capabilities-self", "{\"paths\":[\"a/b\",\"/a/c\",\"a/d/\"]}",
		    expected);
	expect_data(&f, "POST", "sys/capabilities-self", "{\"path\":\"x\"}",
		    "{\"x\":[\"deny\"],\"capabilities\":[\"deny\"]}");
	assert_non_null(json_object_get(f.body, "capabilities"));
	assert_non_null(json_object_get(f.body, "x"));
	expect(&f, "POST", "sys/capabilities", ask_token, 403, DENIED);
	become_root();
	expect_data(&f, "POST", "sys/capabilities", ask_token, expected);
	expect_data(&f, "PUT", "sys/capabilities-accessor", ask_accessor, expected);
	expect_data(&f, "PUT", "sys/capabilities-self", "{\"paths\":[\"x\"]}",
		    "{\"x\":[\"root\"],\"capabilities\":[\"root\"]}");
	expect(&f, "POST", "sys/capabilities", "{\"token\":\"hvs.none\",\"paths\":\"x\"}", 400,
	       "1 error occurred:\n\t* invalid token\n\n");
	expect(&f, "POST", "sys/capabilities-accessor", "{\"accessor\":\"none\",\"paths\":\"x\"}",
	       400, "1 error occurred:\n\t* invalid accessor\n\n");
	expect(&f, "POST", "sys/capabilities-self", "{}", 400, "paths must be supplied");
}

static void few_paths_are_asked_about_at_once(void **state)
{
	struct buf body = BUF_INIT;

	(void)state;
	buf_add_text(&body, "{\"paths\":[\"a\"");
	for (int i = 1; i < 1000; i++)
		buf_add_text(&body, ",\"a\"");
	buf_add_text(&body, "]}");
	assert_int_equal(ask(&f, "PUT", "sys/capabilities-self", buf_text(&body)), 200);
	body.size -= strlen("]}");
	buf_add_text(&body, ",\"a\"]}");
	expect(&f, "PUT", "sys/capabilities-self", buf_text(&body), 400,
	       "paths: at most 1000 may be asked about at once");
	buf_free(&body);
}

static void all_rights_are_shown(void **state)
{
	(void)state;
	expect_data(&f, "GET", "sys/internal/ui/resultant-acl", NULL, "{\"root\":true}");
	put("p", "path \"sys/internal/ui/resultant-acl\" { policy = \"read\" }\n"
		 "path \"a/*\" { capabilities = [\"create\"] } path \"b/+\" { policy = \"deny\" }\n"
		 "path \"c/+/d*\" { capabilities = [] }");
	become("[\"p\"]", NULL);
	expect_data(&f, "GET", "sys/internal/ui/resultant-acl", NULL,
		    "{\"root\":false,\"exact_paths\":{\"sys/internal/ui/resultant-acl\":"
		    "{\"capabilities\":[\"list\",\"read\"]},"
		    "\"b/+\":{\"capabilities\":[\"deny\"]}},\"glob_paths\":{"
		    "\"a/\":{\"capabilities\":[\"create\"]},"
		    "\"c/+/d\":{\"capabilities\":[\"deny\"]}}}");
	become("[]", NULL);
	expect(&f, "GET", "sys/internal/ui/resultant-acl", NULL, 403, DENIED);
	become("[\"default\"]", NULL);
	strcat(f.token, "x");
	expect(&f, "GET", "sys/internal/ui/resultant-acl", NULL, 403,
	       "2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n");
	f.token[0] = '\0';
	expect(&f, "GET", "sys/internal/ui/resultant-acl", NULL, 204, "");
}

static void all_rights_are_shown_for_a_use(void **state)
{
	(void)state;
	assert_int_equal(
		ask(&f, "POST", "auth/token/create", "{\"num_uses\":2,\"policies\":[\"default\"]}"),
		200);
	snprintf(f.token, sizeof(f.token), "%s",
		 json_get_text(json_object_get(f.body, "auth"), "client_token"));
	for (int use = 0; use < 2; use++)
		assert_int_equal(ask(&f, "GET", "sys/internal/ui/resultant-acl", NULL), 200);
	assert_int_equal(ask(&f, "GET", "sys/internal/ui/resultant-acl", NULL), 403);
}

static const struct {
	const char *asked, *path, *type;
} built_in[] = {
	{ "sys/internal/ui/mounts/cubbyhole/x", "cubbyhole/", "cubbyhole" },
	{ "sys/internal/ui/mounts/cubbyhole", "cubbyhole/", "cubbyhole" },
	{ "sys/internal/ui/mounts/sys/", "sys/", "system" },
	{ "sys/internal/ui/mounts/auth/token/lookup", "token/", "token" },
};

static void only_mounts_that_can_be_used_are_shown(void **state)
{
	const json_t *data;

	(void)state;
	expect(&f, "PUT", "sys/mounts/a", "{\"type\":\"alicloud\"}", 204, "");
	expect(&f, "PUT", "sys/mounts/b", "{\"type\":\"alicloud\"}", 204, "");
	put("p",
	    "path \"a/creds/x\" { capabilities = [\"read\"] } path \"b/*\" { policy = \"deny\" }");
	become("[\"p\"]", NULL);
	assert_int_equal(ask(&f, "GET", "sys/internal/ui/mounts", NULL), 200);
	data = json_object_get(f.body, "data");
	assert_int_equal(json_object_size(json_object_get(data, "secret")), 1);
	assert_non_null(json_object_get(json_object_get(data, "secret"), "a/"));
	assert_int_equal(json_object_size(json_object_get(data, "auth")), 0);
	assert_int_equal(ask(&f, "GET", "sys/internal/ui/mounts/a/creds/x", NULL), 200);
	assert_string_equal(data_text(&f, "path"), "a/");
	expect(&f, "GET", "sys/internal/ui/mounts/b/x", NULL, 403,
	       "preflight capability check returned 403, please ensure client's policies grant "
	       "access to path \"b/x/\"");
	expect(&f, "GET", "sys/internal/ui/mounts/cubbyhole/x", NULL, 403,
	       "preflight capability check returned 403, please ensure client's policies grant "
	       "access to path \"cubbyhole/x/\"");
	become("[\"default\"]", NULL);
	for (size_t i = 0; i < sizeof(built_in) / sizeof(built_in[0]); i++) {
		print_message("%s\n", built_in[i].asked);
		assert_int_equal(ask(&f, "GET", built_in[i].asked, NULL), 200);
		assert_string_equal(data_text(&f, "path"), built_in[i].path);
		assert_string_equal(data_text(&f, "type"), built_in[i].type);
	}
	assert_int_equal(ask(&f, "GET", "sys/internal/ui/mounts/auth/other", NULL), 403);
	assert_int_equal(ask(&f, "GET", "sys/internal/ui/mounts/system/x", NULL), 403);
	assert_int_equal(ask(&f, "GET", "sys/internal/ui/mounts", NULL), 200);
	data = json_object_get(f.body, "data");
	assert_null(json_object_get(json_object_get(data, "secret"), "a/"));
	assert_non_null(json_object_get(json_object_get(data, "secret"), "cubbyhole/"));
	assert_non_null(json_object_get(json_object_get(data, "auth"), "token/"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		POLICIES_TEST(a_policy_is_written_read_listed_deleted),
		POLICIES_TEST(older_clients_find_it_elsewhere),
		POLICIES_TEST(base64_is_taken_as_what_it_spells),
		POLICIES_TEST(what_nobody_asks_for_here_is_told),
		POLICIES_TEST(what_is_wrong_is_said),
		POLICIES_TEST(a_name_has_a_limit),
		POLICIES_TEST(a_large_policy_is_taken_and_a_larger_one_refused),
		POLICIES_TEST(capabilities_are_told),
		POLICIES_TEST(few_paths_are_asked_about_at_once),
		POLICIES_TEST(all_rights_are_shown),
		POLICIES_TEST(all_rights_are_shown_for_a_use),
		POLICIES_TEST(only_mounts_that_can_be_used_are_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
