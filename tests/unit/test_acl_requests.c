/* SPDX-License-Identifier: Apache-2.0 */
/* What the rule that decides says about a request: capability, sudo, fields, wrapping. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "auth/acl.h"
#include "util/err.h"

#define NOW 1000

static void add_text(struct acl *acl, const char *text)
{
	struct policy *policy;
	struct err err = { "" };

	if (policy_parse("p", text, strlen(text), &policy, &err))
		fail_msg("%s: %s", text, err.text);
	assert_int_equal(acl_add(acl, policy), 0);
}

/* Of one or two policies. */
static struct acl *make_acl(const char *first, const char *second)
{
	struct acl *acl;

	assert_int_equal(acl_new(&acl), 0);
	add_text(acl, first);
	if (second)
		add_text(acl, second);
	assert_int_equal(acl_build(acl, NOW), 0);
	return acl;
}

static const struct {
	const char *name, *members, *input; /* input: JSON, NULL: none */
	enum capability capability;
	int wrap;
	bool allowed;
} requests[] = {
	{ "the capability is there", "capabilities = [\"read\"]", NULL, CAPABILITY_READ, 0, true },
	{ "another one is not", "capabilities = [\"read\"]", NULL, CAPABILITY_UPDATE, 0, false },
	{ "create is not update", "capabilities = [\"create\"]", "{}", CAPABILITY_UPDATE, 0,
	  false },
	{ "patch is its own", "capabilities = [\"update\"]", "{}", CAPABILITY_PATCH, 0, false },
	{ "none", "", NULL, CAPABILITY_READ, 0, false },
	{ "deny", "policy = \"deny\"", NULL, CAPABILITY_READ, 0, false },

	{ "required and there", "policy = \"write\" required_parameters = [\"A\"]", "{\"a\":1}",
	  CAPABILITY_UPDATE, 0, true },
	{ "required and not there", "policy = \"write\" required_parameters = [\"a\"]", "{\"b\":1}",
	  CAPABILITY_UPDATE, 0, false },
	{ "required and nothing sent", "policy = \"write\" required_parameters = [\"a\"]", NULL,
	  CAPABILITY_CREATE, 0, false },
	{ "required in the case that fields have",
	  "policy = \"write\" required_parameters = [\"A\"]", "{\"A\":1}", CAPABILITY_UPDATE, 0,
	  false },
	{ "required of a read", "policy = \"write\" required_parameters = [\"a\"]", "{}",
	  CAPABILITY_READ, 0, false },
	{ "required of a patch", "capabilities = [\"patch\"] required_parameters = [\"a\"]", "{}",
	  CAPABILITY_PATCH, 0, false },
	{ "a list is not asked", "policy = \"write\" required_parameters = [\"a\"]", "{}",
	  CAPABILITY_LIST, 0, true },
	{ "a deletion is not asked", "policy = \"write\" denied_parameters = { \"*\" = [] }",
	  "{\"a\":1}", CAPABILITY_DELETE, 0, true },

	{ "nothing sent is allowed", "policy = \"write\" allowed_parameters = { a = [1] }", "{}",
	  CAPABILITY_UPDATE, 0, true },
	{ "nothing sent is not denied", "policy = \"write\" denied_parameters = { \"*\" = [] }",
	  "{}", CAPABILITY_UPDATE, 0, true },
	{ "all is denied", "policy = \"write\" denied_parameters = { \"*\" = [] }", "{\"a\":1}",
	  CAPABILITY_UPDATE, 0, false },
	{ "all is denied, whatever the values",
	  "policy = \"write\" denied_parameters = { \"*\" = [2] }", "{\"a\":1}", CAPABILITY_UPDATE,
	  0, false },
	{ "a name is denied", "policy = \"write\" denied_parameters = { a = [] }", "{\"A\":1}",
	  CAPABILITY_UPDATE, 0, false },
	{ "a value is denied", "policy = \"write\" denied_parameters = { a = [1, \"x\"] }",
	  "{\"a\":\"x\"}", CAPABILITY_UPDATE, 0, false },
	{ "another value is not", "policy = \"write\" denied_parameters = { a = [1, \"x\"] }",
	  "{\"a\":\"y\"}", CAPABILITY_UPDATE, 0, true },
	{ "denied before allowed",
	  "policy = \"write\" denied_parameters = { a = [] } allowed_parameters = { a = [] }",
	  "{\"a\":1}", CAPABILITY_UPDATE, 0, false },

	{ "any value of a name", "policy = \"write\" allowed_parameters = { a = [] }", "{\"A\":{}}",
	  CAPABILITY_UPDATE, 0, true },
	{ "no other name", "policy = \"write\" allowed_parameters = { a = [] }",
	  "{\"a\":1,\"b\":1}", CAPABILITY_UPDATE, 0, false },
	{ "other names", "policy = \"write\" allowed_parameters = { a = [1] \"*\" = [] }",
	  "{\"a\":1,\"b\":1}", CAPABILITY_UPDATE, 0, true },
	{ "other names, but this value",
	  "policy = \"write\" allowed_parameters = { a = [1] \"*\" = [] }", "{\"a\":2,\"b\":1}",
	  CAPABILITY_UPDATE, 0, false },
	{ "all names alone, even a field of that name",
	  "policy = \"write\" allowed_parameters = { \"*\" = [2] }", "{\"*\":1}", CAPABILITY_UPDATE,
	  0, true },
	{ "all names alone, whatever the values",
	  "policy = \"write\" allowed_parameters = { \"*\" = [2] }", "{\"a\":1}", CAPABILITY_UPDATE,
	  0, true },
	{ "a listed value", "policy = \"write\" allowed_parameters = { a = [\"5m\", \"10m\"] }",
	  "{\"a\":\"10m\"}", CAPABILITY_UPDATE, 0, true },
	{ "no listed value", "policy = \"write\" allowed_parameters = { a = [\"5m\", \"10m\"] }",
	  "{\"a\":\"1h\"}", CAPABILITY_UPDATE, 0, false },
	{ "a number is no text", "policy = \"write\" allowed_parameters = { a = [\"5\"] }",
	  "{\"a\":5}", CAPABILITY_UPDATE, 0, false },
	{ "an equal number", "policy = \"write\" allowed_parameters = { a = [5] }", "{\"a\":5}",
	  CAPABILITY_UPDATE, 0, true },
	{ "a number of another kind", "policy = \"write\" allowed_parameters = { a = [5] }",
	  "{\"a\":5.0}", CAPABILITY_UPDATE, 0, false },
	{ "an equal list", "policy = \"write\" allowed_parameters = { a = [[\"x\", 1]] }",
	  "{\"a\":[\"x\",1]}", CAPABILITY_UPDATE, 0, true },
	{ "a list is not its element", "policy = \"write\" allowed_parameters = { a = [\"x\"] }",
	  "{\"a\":[\"x\"]}", CAPABILITY_UPDATE, 0, false },
	{ "true", "policy = \"write\" allowed_parameters = { a = [true] }", "{\"a\":true}",
	  CAPABILITY_UPDATE, 0, true },

	{ "a star at the end", "policy = \"write\" allowed_parameters = { a = [\"x*\"] }",
	  "{\"a\":\"xyz\"}", CAPABILITY_UPDATE, 0, true },
	{ "a star at the end, not matched",
	  "policy = \"write\" allowed_parameters = { a = [\"x*\"] }", "{\"a\":\"yx\"}",
	  CAPABILITY_UPDATE, 0, false },
	{ "a star in front", "policy = \"write\" allowed_parameters = { a = [\"*x\"] }",
	  "{\"a\":\"yx\"}", CAPABILITY_UPDATE, 0, true },
	{ "a star in front, not matched",
	  "policy = \"write\" allowed_parameters = { a = [\"*x\"] }", "{\"a\":\"xy\"}",
	  CAPABILITY_UPDATE, 0, false },
	{ "stars around", "policy = \"write\" allowed_parameters = { a = [\"*x*\"] }",
	  "{\"a\":\"yxy\"}", CAPABILITY_UPDATE, 0, true },
	{ "stars around, not matched", "policy = \"write\" allowed_parameters = { a = [\"*x*\"] }",
	  "{\"a\":\"yy\"}", CAPABILITY_UPDATE, 0, false },
	{ "two stars", "policy = \"write\" allowed_parameters = { a = [\"**\"] }", "{\"a\":\"\"}",
	  CAPABILITY_UPDATE, 0, true },
	{ "a lone star is itself", "policy = \"write\" allowed_parameters = { a = [\"*\"] }",
	  "{\"a\":\"x\"}", CAPABILITY_UPDATE, 0, false },
	{ "a star inside is itself", "policy = \"write\" allowed_parameters = { a = [\"x*y\"] }",
	  "{\"a\":\"xzy\"}", CAPABILITY_UPDATE, 0, false },

	{ "must be wrapped", "policy = \"read\" max_wrapping_ttl = 60", NULL, CAPABILITY_READ, 0,
	  false },
	{ "wrapped for long enough", "policy = \"read\" min_wrapping_ttl = 60", NULL,
	  CAPABILITY_READ, 60, true },
	{ "not wrapped for long enough", "policy = \"read\" min_wrapping_ttl = 60", NULL,
	  CAPABILITY_READ, 59, false },
	{ "wrapped for the longest", "policy = \"read\" max_wrapping_ttl = 60", NULL,
	  CAPABILITY_READ, 60, true },
	{ "wrapped for too long", "policy = \"read\" max_wrapping_ttl = 60", NULL, CAPABILITY_READ,
	  61, false },
	{ "a list too", "policy = \"read\" max_wrapping_ttl = 60", NULL, CAPABILITY_LIST, 0,
	  false },
	{ "limits without need", "policy = \"read\"", NULL, CAPABILITY_READ, 61, true },
};

static void requests_are_judged(void **state)
{
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		json_t *input = requests[i].input ? json_loads(requests[i].input, 0, NULL) : NULL;
		struct access access = {
			.path = "a",
			.capability = requests[i].capability,
			.input = input,
			.wrap_ttl = requests[i].wrap,
		};
		struct acl *acl;

		assert_true(input || !requests[i].input);
		snprintf(text, sizeof(text), "path \"a\" { %s }", requests[i].members);
		acl = make_acl(text, NULL);
		if (acl_allows(acl, &access) != requests[i].allowed)
			fail_msg("%s: was judged the other way", requests[i].name);
		acl_free(acl);
		json_decref(input);
	}
}

static void crossed_limits_allow_nothing(void **state)
{
	struct acl *acl = make_acl("path \"a\" { policy = \"read\" max_wrapping_ttl = 60 }",
				   "path \"a\" { min_wrapping_ttl = 70 }");
	struct access access = { .path = "a", .capability = CAPABILITY_READ };

	(void)state;
	for (access.wrap_ttl = 0; access.wrap_ttl < 100; access.wrap_ttl++)
		assert_false(acl_allows(acl, &access));
	acl_free(acl);
}

static void sudo_is_asked_of_the_rule_that_decides(void **state)
{
	struct acl *acl = make_acl("path \"a/*\" { capabilities = [\"update\", \"sudo\"] }\n"
				   "path \"a/b\" { capabilities = [\"update\"] }",
				   "path \"c\" { capabilities = [\"sudo\"] }");
	struct access access = { .capability = CAPABILITY_UPDATE, .sudo = true };

	(void)state;
	access.path = "a/c";
	assert_true(acl_allows(acl, &access));
	access.path = "a/b";
	assert_false(acl_allows(acl, &access));
	access.path = "c";
	assert_false(acl_allows(acl, &access));
	acl_free(acl);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_judged),
		cmocka_unit_test(crossed_limits_allow_nothing),
		cmocka_unit_test(sudo_is_asked_of_the_rule_that_decides),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
