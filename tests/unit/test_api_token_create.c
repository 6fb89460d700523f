/* SPDX-License-Identifier: Apache-2.0 */
/* Making tokens: what is refused, to whom, and by which role. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tokens_fixture.h"
#include "util/json.h"

/* ---- What is refused to root ---- */

static const struct {
	const char *name, *body, *text;
} refused[] = {
	{ "a type of token that there is not", "{\"type\":\"odd\"}", "invalid 'token_type' value" },
	{ "negative uses", "{\"num_uses\":-1}", "number of uses cannot be negative" },
	{ "a negative ttl", "{\"ttl\":\"-5m\"}", "ttl must be positive" },
	{ "a negative lease", "{\"lease\":\"-5m\"}", "lease must be positive" },
	{ "a negative period", "{\"period\":\"-5m\"}", "period must be positive" },
	{ "a negative maximum", "{\"explicit_max_ttl\":\"-5m\"}",
	  "explicit_max_ttl must be positive" },
	{ "no duration", "{\"ttl\":\"soon\"}", "time: invalid duration \"soon\"" },
	{ "less than a second", "{\"ttl\":\"10ms\"}", "ttl must be at least a second" },
	{ "the policy of wrapping tokens", "{\"policies\":[\"response-wrapping\"]}",
	  "cannot assign policy \"response-wrapping\"" },
	{ "a batch token of root", "{\"type\":\"batch\"}", "batch tokens cannot be root tokens" },
	{ "a batch token with uses", "{\"type\":\"batch\",\"policies\":[\"a\"],\"num_uses\":1}",
	  "batch tokens cannot have \"num_uses\" set" },
	{ "a batch token with a maximum",
	  "{\"type\":\"batch\",\"policies\":[\"a\"],\"explicit_max_ttl\":\"1h\"}",
	  "batch tokens cannot have \"explicit_max_ttl\" set" },
	{ "a periodic batch token", "{\"type\":\"batch\",\"policies\":[\"a\"],\"period\":\"1h\"}",
	  "batch tokens cannot have \"period\" set" },
	{ "an alias", "{\"entity_alias\":\"x\"}",
	  "'entity_alias' is only allowed in combination with token role" },
	{ "an id like our own", "{\"id\":\"hvs.x\"}",
	  "custom token ID cannot have the 'hvs.' prefix" },
	{ "an id like a batch token", "{\"id\":\"hvb.x\"}",
	  "custom token ID cannot have the '.' in the value" },
	{ "an id that no header can carry", "{\"id\":\"two words\"}",
	  "custom token ID must be at most 512 characters that a header can carry, without "
	  "spaces" },
	{ "metadata that are none", "{\"meta\":\"x\"}",
	  "Field validation failed: error converting input for field \"meta\": invalid key pair "
	  "\"x\"" },
};

static void what_cannot_be_made_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		expect(&f, "POST", "auth/token/create", refused[i].body, 400, refused[i].text);
}

static void an_id_is_taken_once(void **state)
{
	(void)state;
	made("{\"id\":\"my-own\",\"policies\":[\"a\"]}");
	expect(&f, "POST", "auth/token/create", "{\"id\":\"my-own\"}", 400,
	       "cannot create a token with a duplicate ID");
}

/* ---- What others may make ---- */

static const struct {
	const char *name, *body, *text;
} beyond[] = {
	{ "an id", "{\"id\":\"x\"}", "root or sudo privileges required to specify token id" },
	{ "an orphan", "{\"no_parent\":true}",
	  "root or sudo privileges required to create orphan token" },
	{ "a period", "{\"period\":\"1h\"}",
	  "root or sudo privileges required to create periodic token" },
	{ "a policy of others", "{\"policies\":[\"other\"]}",
	  "child policies must be subset of parent" },
	{ "root", "{\"policies\":[\"root\"]}", "child policies must be subset of parent" },
};

static void nobody_makes_more_than_they_are(void **state)
{
	struct bearer maker = with_policy("maker", MAKER), sudo;

	(void)state;
	for (size_t i = 0; i < sizeof(beyond) / sizeof(beyond[0]); i++)
		expect_as(&maker, "POST", "auth/token/create", beyond[i].body, 400, beyond[i].text);
	sudo = with_policy("sudo", "path \"auth/token/create\" { capabilities = [\"update\", "
				   "\"sudo\"] }");
	made_by(&sudo, "{\"id\":\"x\",\"no_parent\":true,\"period\":\"1h\",\"policies\":[\"o\"]}");
	expect_as(&sudo, "POST", "auth/token/create", "{\"policies\":[\"root\"]}", 400,
		  "root tokens may not be created without parent token being root");
}

static void policies_are_the_parents_or_some_of_them(void **state)
{
	static const struct {
		const char *name, *body, *policies;
	} cases[] = {
		{ "none asked for", "{}", "[\"default\",\"maker\"]" },
		{ "one of them, and default", "{\"policies\":[\" MAKER\"]}",
		  "[\"default\",\"maker\"]" },
		{ "without default", "{\"policies\":[\"maker\"],\"no_default_policy\":true}",
		  "[\"maker\"]" },
		{ "default alone", "{\"policies\":[\"default\"]}", "[\"default\"]" },
	};
	struct bearer maker = with_policy("maker", MAKER);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *wanted = json_loads(cases[i].policies, 0, NULL);

		made_by(&maker, cases[i].body);
		if (!json_equal(wanted, auth_member(&f, "policies")))
			fail_msg("%s: %s", cases[i].name, buf_text(&f.reply.body));
		json_decref(wanted);
	}
}

static void a_token_without_policies_says_so_once(void **state)
{
	(void)state;
	made("{\"policies\":[\"default\"],\"no_default_policy\":true}");
	assert_int_equal(json_array_size(auth_member(&f, "policies")), 0);
	assert_true(json_is_array(auth_member(&f, "policies")));
	assert_null(auth_member(&f, "token_policies"));
}

static void some_tokens_have_no_children(void **state)
{
	struct bearer maker = with_policy("maker", MAKER), counted, batch, line;
	char body[64];

	(void)state;
	counted = made_by(&maker, "{\"num_uses\":5}");
	expect_as(&counted, "POST", "auth/token/create", "{}", 400,
		  "restricted use token cannot generate child tokens");
	batch = made_by(&maker, "{\"type\":\"batch\"}");
	expect_as(&batch, "POST", "auth/token/create", "{}", 400,
		  "batch tokens cannot create more tokens");
	line = maker; /* a child of root, so one deep already */
	for (int i = 1; i < TOKEN_ANCESTORS_MAX; i++)
		line = made_by(&line, "{}");
	snprintf(body, sizeof(body), "{\"display_name\":\"%d\"}", TOKEN_ANCESTORS_MAX);
	expect_as(&line, "POST", "auth/token/create", body, 400,
		  "the token has 16 ancestors already: a deeper tree is not kept; create an "
		  "orphan");
}

static void an_expiring_root_makes_no_lasting_one(void **state)
{
	struct bearer root = made("{\"ttl\":\"1h\"}");

	(void)state;
	expect_as(&root, "POST", "auth/token/create", "{}", 400,
		  "expiring root tokens cannot create non-expiring root tokens");
	made_by(&root, "{\"ttl\":\"1h\"}");
}

/* Nor one that ends before it begins, where its nanoseconds would not fit. */
static void a_root_token_lives_no_longer_than_others_once_it_ends(void **state)
{
#define LONG "9000000000s\""
	static const char *const sent[] = {
		"{\"explicit_max_ttl\":\"" LONG "}",
		"{\"ttl\":\"" LONG "}",
		"{\"period\":\"" LONG "}",
		"{\"period\":\"" LONG ",\"explicit_max_ttl\":\"" LONG "}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(sent) / sizeof(sent[0]); i++) {
		struct bearer root = made(sent[i]);
		int64_t ttl;

		assert_int_equal(ask_as(&root, "GET", "auth/token/lookup-self", NULL), 200);
		ttl = json_get_int(json_object_get(f.body, "data"), "creation_ttl", 0);
		assert_int_equal(ttl, f.conf.max_lease_ttl);
	}
	made("{\"explicit_max_ttl\":\"1h\"}");
	assert_int_equal(json_get_int(json_object_get(f.body, "auth"), "lease_duration", 0), 3600);
}

static const struct {
	const char *name, *sent, *shown;
} display_names[] = {
	{ "none", "\"\"", "token" },
	{ "letters and digits", "\"ci-7\"", "token-ci-7" },
	{ "everything else", "\"a b_c\"", "token-a-b-c" },
	{ "one hyphen for a character of two bytes, and none at the end", "\"\u00e9\"", "token-" },
	{ "a hyphen at the end", "\"x-\"", "token-x" },
};

static void display_names_are_made_harmless(void **state)
{
	char body[128];

	(void)state;
	for (size_t i = 0; i < sizeof(display_names) / sizeof(display_names[0]); i++) {
		struct bearer bearer;

		snprintf(body, sizeof(body), "{\"display_name\":%s}", display_names[i].sent);
		bearer = made(body);
		ask_as(&bearer, "GET", "auth/token/lookup-self", NULL);
		if (strcmp(data_text(&f, "display_name"), display_names[i].shown) != 0)
			fail_msg("%s: %s", display_names[i].name, data_text(&f, "display_name"));
	}
}

/* ---- Uses ---- */

static void every_request_is_a_use_even_a_denied_one(void **state)
{
	struct bearer bearer = made("{\"num_uses\":3,\"policies\":[\"default\"]}");

	(void)state;
	assert_int_equal(ask_as(&bearer, "GET", "auth/token/lookup-self", NULL), 200);
	assert_int_equal(json_integer_value(data_member(&f, "num_uses")), 2);
	expect_as(&bearer, "GET", "sys/mounts", NULL, 403, DENIED);
	assert_int_equal(ask_as(&bearer, "GET", "auth/token/lookup-self", NULL), 200);
	assert_int_equal(json_integer_value(data_member(&f, "num_uses")), TOKEN_USED_UP);
	expect_as(&bearer, "GET", "auth/token/lookup-self", NULL, 403, INVALID);
	expect(&f, "POST", "auth/token/lookup-accessor", "{\"accessor\":\"x\"}", 400,
	       "1 error occurred:\n\t* invalid accessor\n\n");
}

/* An open route takes no use, so it must not be a way to ask without end. */
static void a_counted_token_is_nobody_on_an_open_route(void **state)
{
	struct bearer bearer = made("{\"num_uses\":1,\"policies\":[\"default\"]}");
	struct bearer other = made("{\"policies\":[\"default\"]}");

	(void)state;
	assert_int_equal(ask_as(&other, "GET", "sys/internal/ui/mounts", NULL), 200);
	assert_int_not_equal(json_object_size(data_member(&f, "auth")), 0);
	assert_int_equal(ask_as(&bearer, "GET", "sys/internal/ui/mounts", NULL), 200);
	assert_int_equal(json_object_size(data_member(&f, "auth")), 0);
	assert_int_equal(ask_as(&bearer, "GET", "auth/token/lookup-self", NULL), 200);
	expect_as(&bearer, "GET", "auth/token/lookup-self", NULL, 403, INVALID);
}

/* ---- Addresses ---- */

static void a_bound_token_is_refused_elsewhere(void **state)
{
	struct bearer bearer;

	(void)state;
	expect(&f, "POST", "auth/token/roles/bound",
	       "{\"token_bound_cidrs\":\"10.0.0.0/8,2001:db8::/"
	       "32\",\"allowed_policies\":\"default\"}",
	       204, "");
	assert_int_equal(ask(&f, "POST", "auth/token/create/bound", "{}"), 200);
	bearer = taken();
	assert_int_equal(
		ask_from(&f, "10.1.2.3", bearer.token, "GET", "auth/token/lookup-self", NULL), 200);
	assert_int_equal(json_array_size(data_member(&f, "bound_cidrs")), 2);
	assert_int_equal(
		ask_from(&f, "2001:db8::9", bearer.token, "GET", "auth/token/lookup-self", NULL),
		200);
	assert_int_equal(
		ask_from(&f, "192.0.2.1", bearer.token, "GET", "auth/token/lookup-self", NULL),
		403);
	assert_string_equal(error(&f), "permission denied");
	expect(&f, "POST", "auth/token/roles/bound", "{\"token_bound_cidrs\":\"ten\"}", 400,
	       "token_bound_cidrs: \"ten\" must be an address or a block of addresses, as "
	       "10.0.0.0/8 or 2001:db8::/32");
}

/* ---- Roles ---- */

static const struct {
	const char *name, *role, *body, *text; /* text NULL: made */
	const char *policies;
} role_cases[] = {
	{ "what is allowed, if nothing is asked for", "{\"allowed_policies\":\"b,a\"}", "{}", NULL,
	  "[\"a\",\"b\",\"default\"]" },
	{ "the same, if only blanks are asked for", "{\"allowed_policies\":\"b,a\"}",
	  "{\"policies\":[\" \"],\"no_default_policy\":true}", NULL, "[\"a\",\"b\"]" },
	{ "one of what is allowed", "{\"allowed_policies\":\"a,b\"}", "{\"policies\":[\"b\"]}",
	  NULL, "[\"b\",\"default\"]" },
	{ "something else", "{\"allowed_policies\":\"a\"}", "{\"policies\":[\"c\"]}",
	  "token policies ([\"c\" \"default\"]) must be subset of the role's allowed policies "
	  "([\"a\" \"default\"]) or glob policies ([])",
	  NULL },
	{ "a glob", "{\"allowed_policies_glob\":\"app-*\"}",
	  "{\"policies\":[\"app-1\"],\"no_default_policy\":true}", NULL, "[\"app-1\"]" },
	{ "beside the glob", "{\"allowed_policies_glob\":\"app-*\"}",
	  "{\"policies\":[\"ap-1\"],\"no_default_policy\":true}",
	  "token policies ([\"ap-1\"]) must be subset of the role's allowed policies ([]) or glob "
	  "policies ([\"app-*\"])",
	  NULL },
	{ "what is disallowed", "{\"disallowed_policies\":\"x\"}", "{\"policies\":[\"x\"]}",
	  "token policy \"x\" is disallowed by this role", NULL },
	{ "what is disallowed beside root", "{\"disallowed_policies\":\"root,x\"}",
	  "{\"policies\":[\"x\"]}", "token policy \"x\" is disallowed by this role", NULL },
	{ "a glob that is disallowed beside root",
	  "{\"disallowed_policies_glob\":[\"root\",\"*-admin\"]}", "{\"policies\":[\"db-admin\"]}",
	  "token policy \"db-admin\" is disallowed by this role", NULL },
	{ "root alone where it is allowed", "{\"allowed_policies\":\"root,x\"}",
	  "{\"policies\":[\"root\"]}", NULL, "[\"root\"]" },
	{ "a disallowed glob", "{\"disallowed_policies_glob\":\"*-admin\"}",
	  "{\"policies\":[\"db-admin\"]}", "token policy \"db-admin\" is disallowed by this role",
	  NULL },
	{ "default is not added where it is disallowed",
	  "{\"allowed_policies\":\"a\",\"disallowed_policies\":\"default\"}", "{}", NULL,
	  "[\"a\"]" },
	{ "default is not added where the role says so",
	  "{\"allowed_policies\":\"a\",\"token_no_default_policy\":true}", "{}", NULL, "[\"a\"]" },
	{ "a role without lists rules nothing of it", "{}", "{\"policies\":[\"z\"]}", NULL,
	  "[\"default\",\"z\"]" },
};

static void roles_rule_the_policies(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(role_cases) / sizeof(role_cases[0]); i++) {
		const char *name = role_cases[i].name;
		json_t *wanted;

		expect(&f, "POST", "auth/token/roles/r", role_cases[i].role, 204, "");
		ask(&f, "POST", "auth/token/create/r", role_cases[i].body);
		if (role_cases[i].text) {
			if (f.reply.status != 400 || strcmp(error(&f), role_cases[i].text) != 0)
				fail_msg("%s: %s", name, buf_text(&f.reply.body));
		} else {
			wanted = json_loads(role_cases[i].policies, 0, NULL);
			if (!json_equal(wanted, auth_member(&f, "policies")))
				fail_msg("%s: %s", name, buf_text(&f.reply.body));
			json_decref(wanted);
		}
		expect(&f, "DELETE", "auth/token/roles/r", NULL, 204, "");
	}
	expect(&f, "POST", "auth/token/create/r", "{}", 400, "unknown role r");
}

static const struct {
	const char *name, *role, *text;
} bad_roles[] = {
	{ "a suffix with a slash", "{\"path_suffix\":\"a/b\"}",
	  "given role path suffix contains invalid characters; must match \\w(([\\w-.]+)?\\w)?" },
	{ "an unknown type", "{\"token_type\":\"x\"}", "invalid 'token_type' value \"x\"" },
	{ "negative uses", "{\"token_num_uses\":-1}", "'token_num_uses' cannot be negative" },
	{ "batch tokens with parents", "{\"token_type\":\"batch\"}",
	  "'token_type' cannot be 'batch' when role is set to generate non-orphan tokens" },
	{ "renewable batch tokens", "{\"token_type\":\"batch\",\"orphan\":true}",
	  "'token_type' cannot be 'batch' when role is set to generate renewable tokens" },
	{ "periodic batch tokens", "{\"token_type\":\"batch\",\"orphan\":true,\"token_period\":60}",
	  "'token_type' cannot be 'batch' when role is set to generate periodic tokens" },
	{ "batch tokens with a maximum",
	  "{\"token_type\":\"batch\",\"orphan\":true,\"renewable\":false,"
	  "\"token_explicit_max_ttl\":60}",
	  "'token_type' cannot be 'batch' when role is set to generate tokens with an explicit "
	  "max TTL" },
	{ "no duration", "{\"token_period\":\"x\"}",
	  "error converting input for field \"token_period\": time: invalid duration \"x\"" },
};

static void odd_roles_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad_roles) / sizeof(bad_roles[0]); i++)
		expect(&f, "POST", "auth/token/roles/r", bad_roles[i].role, 400, bad_roles[i].text);
	expect(&f, "GET", "auth/token/roles/r", NULL, 404, "{\"errors\":[]}");
}

static void only_what_is_sent_of_a_role_changes(void **state)
{
	(void)state;
	expect(&f, "POST", "auth/token/roles/r",
	       "{\"allowed_policies\":\"A, b\",\"period\":\"1h\",\"token_num_uses\":2}", 204, "");
	assert_int_equal(ask(&f, "GET", "auth/token/roles/r", NULL), 200);
	assert_int_equal(json_integer_value(data_member(&f, "period")), 3600);
	assert_int_equal(json_integer_value(data_member(&f, "token_period")), 3600);
	expect(&f, "POST", "auth/token/roles/r", "{\"token_period\":\"2h\",\"orphan\":true}", 204,
	       "");
	expect_data(&f, "GET", "auth/token/roles/r", NULL,
		    "{\"name\":\"r\",\"allowed_policies\":[\"a\",\"b\"],\"disallowed_policies\":[],"
		    "\"allowed_policies_glob\":[],\"disallowed_policies_glob\":[],\"orphan\":true,"
		    "\"renewable\":true,\"path_suffix\":\"\",\"period\":0,\"token_period\":7200,"
		    "\"explicit_max_ttl\":0,\"token_explicit_max_ttl\":0,\"token_num_uses\":2,"
		    "\"token_no_default_policy\":false,\"token_type\":\"default-service\","
		    "\"allowed_entity_aliases\":null}");
	assert_int_equal(ask(&f, "POST", "auth/token/roles/r", "{\"period\":1,\"token_period\":2}"),
			 200);
	assert_string_equal(
		json_string_value(json_array_get(json_object_get(f.body, "warnings"), 0)),
		"Both 'token_period' and deprecated 'period' value supplied, ignoring the "
		"deprecated value");
}

static void a_role_gives_path_limits_and_type(void **state)
{
	struct bearer bearer;

	(void)state;
	expect(&f, "POST", "auth/token/roles/r",
	       "{\"allowed_policies\":\"a\",\"path_suffix\":\"sfx\",\"orphan\":true,"
	       "\"token_period\":60,\"token_explicit_max_ttl\":600,\"token_num_uses\":9}",
	       204, "");
	assert_int_equal(ask(&f, "POST", "auth/token/create/r",
			     "{\"period\":\"30s\",\"explicit_max_ttl\":\"1h\",\"num_uses\":99}"),
			 200);
	bearer = taken();
	assert_int_equal(json_integer_value(auth_member(&f, "lease_duration")), 30);
	assert_int_equal(json_integer_value(auth_member(&f, "num_uses")), 9);
	assert_true(json_is_true(auth_member(&f, "orphan")));
	assert_string_equal(
		json_string_value(json_array_get(json_object_get(f.body, "warnings"), 0)),
		"Explicit max TTL specified both during creation call and in role; using the "
		"lesser "
		"value of 600 seconds");
	assert_int_equal(ask_as(&bearer, "GET", "auth/token/lookup-self", NULL), 200);
	assert_string_equal(data_text(&f, "path"), "auth/token/create/r/sfx");
	assert_string_equal(data_text(&f, "role"), "r");
	expect(&f, "POST", "auth/token/roles/b",
	       "{\"allowed_policies\":\"a\",\"orphan\":true,\"renewable\":false,"
	       "\"token_type\":\"batch\"}",
	       204, "");
	assert_int_equal(ask(&f, "POST", "auth/token/create/b", "{\"type\":\"service\"}"), 200);
	assert_string_equal(json_string_value(auth_member(&f, "token_type")), "batch");
}

static void the_maximum_of_a_role_holds_for_batch_tokens(void **state)
{
	(void)state;
	expect(&f, "POST", "auth/token/roles/r", "{\"token_explicit_max_ttl\":60}", 204, "");
	assert_int_equal(
		ask(&f, "POST", "auth/token/create/r", "{\"type\":\"batch\",\"policies\":[\"p\"]}"),
		200);
	assert_int_equal(json_integer_value(auth_member(&f, "lease_duration")), 60);
	assert_int_equal(ask(&f, "POST", "auth/token/create/r",
			     "{\"type\":\"batch\",\"policies\":[\"p\"],\"ttl\":\"1h\"}"),
			 200);
	assert_int_equal(json_integer_value(auth_member(&f, "lease_duration")), 60);
	assert_int_equal(ask(&f, "POST", "auth/token/create/r",
			     "{\"type\":\"batch\",\"policies\":[\"p\"],\"ttl\":\"30s\"}"),
			 200);
	assert_int_equal(json_integer_value(auth_member(&f, "lease_duration")), 30);
}

static void a_token_whose_role_is_gone_is_not_renewed(void **state)
{
	struct bearer bearer;

	(void)state;
	expect(&f, "POST", "auth/token/roles/r", "{\"allowed_policies\":\"default\"}", 204, "");
	assert_int_equal(ask(&f, "POST", "auth/token/create/r", "{\"ttl\":\"1h\"}"), 200);
	bearer = taken();
	assert_int_equal(ask_as(&bearer, "POST", "auth/token/renew-self", "{}"), 200);
	expect(&f, "POST", "auth/token/roles/r", "{\"token_period\":60}", 204, "");
	assert_int_equal(ask_as(&bearer, "POST", "auth/token/renew-self", "{}"), 200);
	assert_int_equal(json_integer_value(auth_member(&f, "lease_duration")), 60);
	expect(&f, "DELETE", "auth/token/roles/r", NULL, 204, "");
	expect_as(&bearer, "POST", "auth/token/renew-self", "{}", 400,
		  "original token role \"r\" could not be found, not renewing");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		API_TEST(what_cannot_be_made_is_refused),
		API_TEST(an_id_is_taken_once),
		API_TEST(nobody_makes_more_than_they_are),
		API_TEST(policies_are_the_parents_or_some_of_them),
		API_TEST(a_token_without_policies_says_so_once),
		API_TEST(some_tokens_have_no_children),
		API_TEST(an_expiring_root_makes_no_lasting_one),
		API_TEST(a_root_token_lives_no_longer_than_others_once_it_ends),
		API_TEST(display_names_are_made_harmless),
		API_TEST(every_request_is_a_use_even_a_denied_one),
		API_TEST(a_counted_token_is_nobody_on_an_open_route),
		API_TEST(a_bound_token_is_refused_elsewhere),
		API_TEST(roles_rule_the_policies),
		API_TEST(odd_roles_are_refused),
		API_TEST(only_what_is_sent_of_a_role_changes),
		API_TEST(a_role_gives_path_limits_and_type),
		API_TEST(the_maximum_of_a_role_holds_for_batch_tokens),
		API_TEST(a_token_whose_role_is_gone_is_not_renewed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
