/* SPDX-License-Identifier: Apache-2.0 */
/* Policies over the API: obeyed, and what who may not is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api_memory.h"
#include "auth/policies.h"
#include "auth/policy.h"
#include "auth/token.h"
#include "fail_alloc.h"
#include "policies_fixture.h"

#define REMOTE "{\"remote_policies\":[\"name:AliyunOSSReadOnlyAccess,type:System\"]}"

static void a_denial_tells_nothing(void **state)
{
	static const struct {
		const char *method, *path, *body;
	} requests[] = {
		{ "GET", "a/role/there", NULL },
		{ "GET", "a/role/not", NULL },
		{ "GET", "a/role/NOT", NULL },
		{ "PUT", "a/role/there", "{\"nonsense\":1}" },
		{ "PUT", "a/role/not", "{}" },
		{ "GET", "a/creds/there", NULL },
		{ "GET", "a/nonesuch", NULL },
		{ "GET", "nowhere/at/all", NULL },
		{ "GET", "sys/policies/acl/p", NULL },
		{ "PUT", "sys/policies/acl/P", "{}" },
		{ "DELETE", "sys/policies/acl/root", NULL },
		{ "GET", "sys/nonesuch", NULL },
		{ "LIST", "a/role", NULL },
		{ "PUT", "sys/leases/revoke", "{\"lease_id\":\"a/b\"}" },
	};

	(void)state;
	expect(&f, "PUT", "sys/mounts/a", "{\"type\":\"alicloud\"}", 204, "");
	expect(&f, "PUT", "a/role/there", REMOTE, 204, "");
	put("p", "path \"b\" { policy = \"write\" }");
	become("[\"default\", \"p\"]", NULL);
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
		expect(&f, requests[i].method, requests[i].path, requests[i].body, 403, DENIED);
}

static void who_may_use_a_path_learns_what_is_wrong_with_it(void **state)
{
	(void)state;
	expect(&f, "PUT", "sys/mounts/a", "{\"type\":\"alicloud\"}", 204, "");
	put("p", "path \"a/*\" { policy = \"write\" } path \"nowhere\" { policy = \"read\" }");
	become("[\"p\"]", NULL);
	expect(&f, "GET", "a/role/x", NULL, 404, NOT_FOUND);
	expect(&f, "GET", "a/role/X", NULL, 400,
	       "names are stored in lower case: write \"x\" instead of \"X\"");
	expect(&f, "GET", "nowhere", NULL, 404,
	       "no handler for route \"nowhere\". route entry not found.");
	expect(&f, "GET", "a/config", NULL, 404, NOT_FOUND);
}

static void help_of_what_is_built_in_is_for_every_valid_token(void **state)
{
	(void)state;
	become("[]", NULL);
	assert_int_equal(ask(&f, "GET", "sys/mounts?help=1", NULL), 200);
	expect(&f, "GET", "sys/mounts", NULL, 403, DENIED);
}

static void help_does_not_tell_which_mounts_exist(void **state)
{
	(void)state;
	expect(&f, "PUT", "sys/mounts/a", "{\"type\":\"alicloud\"}", 204, "");
	put("x", "path \"a/creds/x\" { capabilities = [\"read\"] } "
		 "path \"none/creds/+\" { capabilities = [\"read\"] } "
		 "path \"a/role/*\" { capabilities = [\"read\"] } "
		 "path \"a/role/deep\" { capabilities = [\"deny\"] }");
	become("[\"default\"]", NULL);
	expect(&f, "GET", "a?help=1", NULL, 403, DENIED);
	expect(&f, "GET", "none?help=1", NULL, 403, DENIED);
	expect(&f, "GET", "a/creds/x?help=1", NULL, 403, DENIED);
	expect(&f, "GET", "none/creds/x?help=1", NULL, 403, DENIED);
	become("[\"x\"]", NULL);
	assert_int_equal(ask(&f, "GET", "a?help=1", NULL), 200);
	assert_int_equal(ask(&f, "GET", "a/?help=1", NULL), 200);
	assert_int_equal(ask(&f, "GET", "a/creds/x?help=1", NULL), 200);
	assert_int_equal(ask(&f, "GET", "a/role/x?help=1", NULL), 200);
	expect(&f, "GET", "a/role/deep?help=1", NULL, 403, DENIED);
	expect(&f, "GET", "a/config?help=1", NULL, 403, DENIED);
	expect(&f, "GET", "none/creds/x?help=1", NULL, 404,
	       "no handler for route \"none/creds/x\". route entry not found.");
}

static void what_lies_in_a_mount_does_not_show_it(void **state)
{
	(void)state;
	expect(&f, "PUT", "sys/mounts/a", "{\"type\":\"alicloud\"}", 204, "");
	put("m", "path \"sys/mounts/*\" { capabilities = [\"read\"] } "
		 "path \"sys/mounts/a\" { capabilities = [\"deny\"] } "
		 "path \"sys/mounts/a/tune\" { capabilities = [\"deny\"] }");
	become("[\"m\"]", NULL);
	expect(&f, "GET", "sys/mounts/a", NULL, 403, DENIED);
	expect(&f, "GET", "sys/mounts/a/", NULL, 403, DENIED);
	expect(&f, "GET", "sys/mounts/a/x", NULL, 400, "No secret engine mount at a/x/");
	expect(&f, "GET", "sys/mounts/a/x/tune", NULL, 400,
	       "cannot fetch sysview for path \"a/x/\"");
	expect(&f, "GET", "sys/mounts/a/tune/", NULL, 403, DENIED);
}

static void create_and_update_are_two_rights(void **state)
{
	(void)state;
	expect(&f, "PUT", "sys/mounts/a", "{\"type\":\"alicloud\"}", 204, "");
	put("c", "path \"a/role/*\" { capabilities = [\"create\"] }");
	put("u", "path \"a/role/*\" { capabilities = [\"update\"] }");
	become("[\"u\"]", NULL);
	expect(&f, "PUT", "a/role/x", REMOTE, 403, DENIED);
	become("[\"c\"]", NULL);
	expect(&f, "PUT", "a/role/x", REMOTE, 204, "");
	expect(&f, "PUT", "a/role/x", REMOTE, 403, DENIED);
	become("[\"u\"]", NULL);
	expect(&f, "PUT", "a/role/x", REMOTE, 204, "");
}

static void parameters_are_judged(void **state)
{
	(void)state;
	expect(&f, "PUT", "sys/mounts/a", "{\"type\":\"alicloud\"}", 204, "");
	put("p", "path \"a/role/*\" { capabilities = [\"create\", \"update\"]\n"
		 "required_parameters = [\"ttl\"] denied_parameters = { \"max_ttl\" = [] }\n"
		 "allowed_parameters = { \"ttl\" = [\"5m\", \"10m\"] \"*\" = [] } }");
	become("[\"p\"]", NULL);
	expect(&f, "PUT", "a/role/x",
	       "{\"ttl\":\"5m\",\"remote_policies\":[\"name:AliyunOSSReadOnlyAccess,type:System\"]"
	       "}",
	       204, "");
	expect(&f, "PUT", "a/role/x", REMOTE, 403, DENIED);
	expect(&f, "PUT", "a/role/x", "{\"ttl\":\"1h\"}", 403, DENIED);
	expect(&f, "PUT", "a/role/x", "{\"ttl\":\"5m\",\"MAX_TTL\":\"1h\"}", 403, DENIED);
}

static void a_final_slash_passes_no_rule(void **state)
{
	(void)state;
	expect(&f, "POST", "sys/mounts/kept", "{\"type\":\"alicloud\"}", 204, "");
	expect(&f, "POST", "sys/mounts/given", "{\"type\":\"alicloud\"}", 204, "");
	put("p", "path \"sys/mounts/*\" { capabilities = [\"read\", \"delete\"] }\n"
		 "path \"sys/mounts/kept\" { capabilities = [\"deny\"] }\n"
		 "path \"sys/*\" { capabilities = [\"read\"] }\n"
		 "path \"sys/policy\" { capabilities = [\"deny\"] }\n");
	become("[\"p\"]", NULL);
	expect(&f, "GET", "sys/mounts/kept", NULL, 403, DENIED);
	expect(&f, "GET", "sys/mounts/kept/", NULL, 403, DENIED);
	expect(&f, "DELETE", "sys/mounts/kept/", NULL, 403, DENIED);
	expect(&f, "GET", "sys/policy/", NULL, 403, DENIED);
	assert_int_equal(ask(&f, "GET", "sys/mounts/given/", NULL), 200);
	become_root();
	assert_int_equal(ask(&f, "GET", "sys/mounts/kept/", NULL), 200);
}

static void protected_paths_need_sudo(void **state)
{
	(void)state;
	put("p", "path \"sys/leases\" { capabilities = [\"read\"] }");
	put("s", "path \"sys/leases\" { capabilities = [\"read\", \"sudo\"] }");
	become("[\"p\"]", NULL);
	expect(&f, "GET", "sys/leases?type=irrevocable", NULL, 403, DENIED);
	become("[\"s\"]", NULL);
	assert_int_equal(ask(&f, "GET", "sys/leases?type=irrevocable", NULL), 200);
}

/* ---- Memory ---- */

static void lost_memory_is_a_fault_and_grants_nothing(void **state)
{
	const struct api_request raw = {
		.method = "GET",
		.path = "/v1/sys/policies/acl/q",
		.token = f.token,
	};

	(void)state;
	put("p", "path \"sys/policies/acl/p\" { policy = \"read\" }");
	become("[\"p\"]", NULL);
	lose_each(&f, &raw, LOSS_MAY_BE_BORNE, 403);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		POLICIES_TEST(a_denial_tells_nothing),
		POLICIES_TEST(who_may_use_a_path_learns_what_is_wrong_with_it),
		POLICIES_TEST(help_of_what_is_built_in_is_for_every_valid_token),
		POLICIES_TEST(help_does_not_tell_which_mounts_exist),
		POLICIES_TEST(what_lies_in_a_mount_does_not_show_it),
		POLICIES_TEST(create_and_update_are_two_rights),
		POLICIES_TEST(parameters_are_judged),
		POLICIES_TEST(a_final_slash_passes_no_rule),
		POLICIES_TEST(protected_paths_need_sudo),
		POLICIES_TEST(lost_memory_is_a_fault_and_grants_nothing),
	};

	fail_alloc_jansson();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
