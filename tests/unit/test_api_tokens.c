/* SPDX-License-Identifier: Apache-2.0 */
/* auth/token/ as clients ask it: what is made, what is refused and in which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "api_fixture.h"
#include "auth/token.h"
#include "fail_alloc.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/json.h"
#include "util/text.h"

#define DENIED  "1 error occurred:\n\t* permission denied\n\n"
#define INVALID "2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n"

static struct api_fixture f;

static int set_up(void **state)
{
	(void)state;
	api_fixture_open(&f, "fake");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	api_fixture_close(&f);
	return 0;
}

/* ---- Asking as somebody else ---- */

struct bearer {
	char token[TOKEN_TEXT_MAX + 1], accessor[32];
};

static int ask_from(const char *address, const char *token, const char *method, const char *path,
		    const char *body)
{
	char full[256];
	struct api_request raw = {
		.method = method,
		.path = full,
		.body = body,
		.body_size = body ? strlen(body) : 0,
		.token = token,
		.remote_address = address,
		.deadline = clock_boot_ms() + 5000,
	};

	snprintf(full, sizeof(full), "/v1/%s", path);
	return ask_raw(&f, &raw);
}

static int ask_as(const struct bearer *bearer, const char *method, const char *path,
		  const char *body)
{
	return ask_from("192.0.2.1", bearer->token, method, path, body);
}

static const char *error(void)
{
	const json_t *errors = json_object_get(f.body, "errors");

	return json_string_value(json_array_get(errors, 0));
}

static void expect_as(const struct bearer *bearer, const char *method, const char *path,
		      const char *body, int status, const char *text)
{
	ask_as(bearer, method, path, body);
	if (f.reply.status != status || (text && strcmp(text, error() ? error() : "") != 0))
		fail_msg("%s %s %s: %d %s", method, path, body ? body : "", f.reply.status,
			 buf_text(&f.reply.body));
}

/* What the last answer gives. */
static struct bearer taken(void)
{
	const json_t *auth = json_object_get(f.body, "auth");
	struct bearer bearer;

	assert_true(json_is_object(auth));
	snprintf(bearer.token, sizeof(bearer.token), "%s", json_get_text(auth, "client_token"));
	snprintf(bearer.accessor, sizeof(bearer.accessor), "%s", json_get_text(auth, "accessor"));
	return bearer;
}

static struct bearer made(const char *body)
{
	if (ask(&f, "POST", "auth/token/create", body) != 200)
		fail_msg("%s: %d %s", body, f.reply.status, buf_text(&f.reply.body));
	return taken();
}

static struct bearer made_by(const struct bearer *parent, const char *body)
{
	if (ask_as(parent, "POST", "auth/token/create", body) != 200)
		fail_msg("%s: %d %s", body, f.reply.status, buf_text(&f.reply.body));
	return taken();
}

static const json_t *auth_member(const char *name)
{
	return json_object_get(json_object_get(f.body, "auth"), name);
}

static const json_t *data_member(const char *name)
{
	return json_object_get(json_object_get(f.body, "data"), name);
}

/* A policy, and a token that has it and the right to make others. */
static struct bearer with_policy(const char *name, const char *rules)
{
	json_t *body = json_pack("{s:s}", "policy", rules);
	char path[64], create[128];
	char *text = json_dumps(body, 0);

	snprintf(path, sizeof(path), "sys/policies/acl/%s", name);
	expect(&f, "PUT", path, text, 204, "");
	free(text);
	json_decref(body);
	snprintf(create, sizeof(create), "{\"policies\":[\"%s\"]}", name);
	return made(create);
}

#define MAKER                                                                                      \
	"path \"auth/token/create*\" { capabilities = [\"create\", \"update\"] }\n"                \
	"path \"auth/token/*\" { capabilities = [\"update\", \"read\"] }\n"

#define REACHER                                                                                    \
	"path \"auth/token/create\" { capabilities = [\"update\"] }\n"                             \
	"path \"auth/token/lookup-accessor\" { capabilities = [\"update\"] }\n"                    \
	"path \"auth/token/renew-accessor\" { capabilities = [\"update\"] }\n"                     \
	"path \"auth/token/revoke-accessor\" { capabilities = [\"update\"] }\n"

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
		if (!json_equal(wanted, auth_member("policies")))
			fail_msg("%s: %s", cases[i].name, buf_text(&f.reply.body));
		json_decref(wanted);
	}
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
	assert_int_equal(json_integer_value(data_member("num_uses")), 2);
	expect_as(&bearer, "GET", "sys/mounts", NULL, 403, DENIED);
	assert_int_equal(ask_as(&bearer, "GET", "auth/token/lookup-self", NULL), 200);
	assert_int_equal(json_integer_value(data_member("num_uses")), TOKEN_USED_UP);
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
	assert_int_equal(ask_as(&other, "GET", "sys/internal/ui/resultant-acl", NULL), 200);
	assert_int_equal(ask_as(&bearer, "GET", "sys/internal/ui/resultant-acl", NULL), 204);
	assert_int_equal(ask_as(&other, "GET", "sys/internal/ui/mounts", NULL), 200);
	assert_int_not_equal(json_object_size(data_member("auth")), 0);
	assert_int_equal(ask_as(&bearer, "GET", "sys/internal/ui/mounts", NULL), 200);
	assert_int_equal(json_object_size(data_member("auth")), 0);
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
	assert_int_equal(ask_from("10.1.2.3", bearer.token, "GET", "auth/token/lookup-self", NULL),
			 200);
	assert_int_equal(json_array_size(data_member("bound_cidrs")), 2);
	assert_int_equal(
		ask_from("2001:db8::9", bearer.token, "GET", "auth/token/lookup-self", NULL), 200);
	assert_int_equal(ask_from("192.0.2.1", bearer.token, "GET", "auth/token/lookup-self", NULL),
			 403);
	assert_string_equal(error(), "permission denied");
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
			if (f.reply.status != 400 || strcmp(error(), role_cases[i].text) != 0)
				fail_msg("%s: %s", name, buf_text(&f.reply.body));
		} else {
			wanted = json_loads(role_cases[i].policies, 0, NULL);
			if (!json_equal(wanted, auth_member("policies")))
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
	assert_int_equal(json_integer_value(data_member("period")), 3600);
	assert_int_equal(json_integer_value(data_member("token_period")), 3600);
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
	assert_int_equal(json_integer_value(auth_member("lease_duration")), 30);
	assert_int_equal(json_integer_value(auth_member("num_uses")), 9);
	assert_true(json_is_true(auth_member("orphan")));
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
	assert_string_equal(json_string_value(auth_member("token_type")), "batch");
}

static void the_maximum_of_a_role_holds_for_batch_tokens(void **state)
{
	(void)state;
	expect(&f, "POST", "auth/token/roles/r", "{\"token_explicit_max_ttl\":60}", 204, "");
	assert_int_equal(
		ask(&f, "POST", "auth/token/create/r", "{\"type\":\"batch\",\"policies\":[\"p\"]}"),
		200);
	assert_int_equal(json_integer_value(auth_member("lease_duration")), 60);
	assert_int_equal(ask(&f, "POST", "auth/token/create/r",
			     "{\"type\":\"batch\",\"policies\":[\"p\"],\"ttl\":\"1h\"}"),
			 200);
	assert_int_equal(json_integer_value(auth_member("lease_duration")), 60);
	assert_int_equal(ask(&f, "POST", "auth/token/create/r",
			     "{\"type\":\"batch\",\"policies\":[\"p\"],\"ttl\":\"30s\"}"),
			 200);
	assert_int_equal(json_integer_value(auth_member("lease_duration")), 30);
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
	assert_int_equal(json_integer_value(auth_member("lease_duration")), 60);
	expect(&f, "DELETE", "auth/token/roles/r", NULL, 204, "");
	expect_as(&bearer, "POST", "auth/token/renew-self", "{}", 400,
		  "original token role \"r\" could not be found, not renewing");
}

/* ---- Renewal ---- */

static const char *with_token(const struct bearer *bearer, const char *rest)
{
	static char body[TOKEN_TEXT_MAX + 128];

	snprintf(body, sizeof(body), "{\"token\":\"%s\"%s}", bearer->token, rest);
	return body;
}

static void what_is_not_renewable_is_not_renewed(void **state)
{
	struct bearer fixed = made("{\"ttl\":\"1h\",\"renewable\":false}");
	struct bearer lasting = made("{}");
	struct bearer batch = made("{\"type\":\"batch\",\"policies\":[\"default\"]}");

	(void)state;
	expect(&f, "POST", "auth/token/renew", "{}", 400, "missing token ID");
	expect(&f, "POST", "auth/token/renew", "{\"token\":\"hvs.none\"}", 400, "token not found");
	expect(&f, "POST", "auth/token/renew", with_token(&fixed, ""), 400,
	       "lease is not renewable");
	expect(&f, "POST", "auth/token/renew", with_token(&lasting, ""), 400,
	       "lease is not renewable");
	expect(&f, "POST", "auth/token/renew-self", NULL, 400, "invalid lease ID");
	expect(&f, "POST", "auth/token/renew", with_token(&batch, ""), 400,
	       "batch tokens cannot be renewed");
	expect_as(&batch, "POST", "auth/token/renew-self", NULL, 400,
		  "batch tokens cannot be renewed");
	expect(&f, "POST", "auth/token/renew", with_token(&fixed, ",\"increment\":-5"), 400,
	       "Field validation failed: error converting input for field \"increment\": cannot "
	       "provide negative value '-5'");
}

static void a_renewal_keeps_what_was_granted_last(void **state)
{
	struct bearer bearer = made("{\"ttl\":\"10m\",\"policies\":[\"default\"]}");

	(void)state;
	assert_int_equal(ask_as(&bearer, "POST", "auth/token/renew-self", "{\"increment\":60}"),
			 200);
	assert_int_equal(json_integer_value(auth_member("lease_duration")), 60);
	assert_int_equal(ask_as(&bearer, "POST", "auth/token/renew-self", "{}"), 200);
	assert_int_equal(json_integer_value(auth_member("lease_duration")), 60);
	ask_as(&bearer, "GET", "auth/token/lookup-self", NULL);
	assert_int_equal(json_integer_value(data_member("creation_ttl")), 600);
	assert_non_null(data_member("last_renewal"));
	assert_true(json_is_integer(data_member("last_renewal_time")));
}

/* ---- Revocation ---- */

static void a_batch_token_shows_its_times(void **state)
{
	struct bearer batch = made(
		"{\"type\":\"batch\",\"policies\":[\"default\"],\"ttl\":\"1h\"}");

	(void)state;
	assert_int_equal(ask_as(&batch, "GET", "auth/token/lookup-self", NULL), 200);
	assert_string_equal(data_text(&f, "type"), "batch");
	assert_string_equal(data_text(&f, "accessor"), "");
	assert_true(json_is_false(data_member("renewable")));
	assert_true(json_is_string(data_member("issue_time")));
	assert_true(json_is_string(data_member("expire_time")));
	assert_in_range(json_integer_value(data_member("ttl")), 3590, 3600);
}

static void what_is_revoked_is_unknown_at_once(void **state)
{
	struct bearer maker = with_policy("maker", MAKER), child = made_by(&maker, "{}");

	(void)state;
	expect(&f, "POST", "auth/token/revoke", with_token(&maker, ""), 204, "");
	expect_as(&maker, "GET", "auth/token/lookup-self", NULL, 403, INVALID);
	expect_as(&child, "GET", "auth/token/lookup-self", NULL, 403, INVALID);
	expect(&f, "POST", "auth/token/lookup", with_token(&child, ""), 403, "bad token");
	expect(&f, "POST", "auth/token/revoke", with_token(&child, ""), 204, "");
	expect(&f, "POST", "auth/token/revoke", "{}", 400, "missing token ID");
}

static void batch_tokens_are_not_revoked(void **state)
{
	struct bearer batch = made("{\"type\":\"batch\",\"policies\":[\"default\"]}");

	(void)state;
	expect(&f, "POST", "auth/token/revoke", with_token(&batch, ""), 400,
	       "batch tokens cannot be revoked");
	expect_as(&batch, "POST", "auth/token/revoke-self", NULL, 400,
		  "batch tokens cannot be revoked");
	expect(&f, "POST", "auth/token/revoke-orphan", with_token(&batch, ""), 400,
	       "batch tokens cannot be revoked");
}

static void orphaning_needs_sudo(void **state)
{
	struct bearer maker = with_policy("maker", MAKER), child = made_by(&maker, "{}");

	(void)state;
	expect_as(&maker, "POST", "auth/token/revoke-orphan", with_token(&child, ""), 400,
		  "root or sudo privileges required to revoke and orphan");
	expect(&f, "POST", "auth/token/revoke-orphan", "{\"token\":\"x\"}", 400,
	       "token to revoke not found");
	expect(&f, "POST", "auth/token/revoke-orphan", "{}", 400, "missing token ID");
	expect(&f, "POST", "auth/token/revoke-orphan", with_token(&maker, ""), 204, "");
	assert_int_equal(ask_as(&child, "GET", "auth/token/lookup-self", NULL), 200);
	assert_true(json_is_true(data_member("orphan")));
}

/* ---- Accessors ---- */

static const char *with_accessor(const struct bearer *bearer)
{
	static char body[64];

	snprintf(body, sizeof(body), "{\"accessor\":\"%s\"}", bearer->accessor);
	return body;
}

static void accessors_reach_ones_own_descendants_alone(void **state)
{
	static const char *const paths[] = { "auth/token/lookup-accessor",
					     "auth/token/renew-accessor",
					     "auth/token/revoke-accessor" };
	struct bearer maker = with_policy("reacher", REACHER), other = made("{\"ttl\":\"1h\"}");
	struct bearer child, grandchild;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		child = made_by(&maker, "{}");
		grandchild = made_by(&child, "{}");
		/* What is another's and what is nobody's look the same. */
		expect_as(&maker, "POST", paths[i], with_accessor(&other), 403, DENIED);
		expect_as(&maker, "POST", paths[i], "{\"accessor\":\"none\"}", 403, DENIED);
		expect_as(&child, "POST", paths[i], with_accessor(&maker), 403, DENIED);
		expect_as(&maker, "POST", paths[i], "{}", 400, "missing accessor");
		expect_as(&maker, "POST", paths[i], with_accessor(&grandchild), i < 2 ? 200 : 204,
			  NULL);
		expect_as(&maker, "POST", paths[i], with_accessor(&maker), i < 2 ? 200 : 204, NULL);
	}
	expect_as(&maker, "GET", "auth/token/lookup-self", NULL, 403, INVALID);
	expect_as(&grandchild, "GET", "auth/token/lookup-self", NULL, 403, INVALID);
}

static void ask_what(const struct bearer *who, const struct bearer *whose, int status)
{
	char body[100];

	snprintf(body, sizeof(body), "{\"accessor\":\"%s\",\"paths\":\"x\"}",
		 whose ? whose->accessor : "none");
	expect_as(who, "POST", "sys/capabilities-accessor", body, status,
		  status == 403 ? DENIED : NULL);
}

static void who_has_an_accessor_alone_is_not_told_what_its_token_may_do(void **state)
{
	struct bearer other = made("{\"ttl\":\"1h\"}"), maker, child, sudo;

	(void)state;
	maker = with_policy("asks",
			    "path \"sys/capabilities-accessor\" { capabilities = [\"update\"] }\n"
			    "path \"auth/token/create\" { capabilities = [\"update\"] }");
	child = made_by(&maker, "{}");
	ask_what(&maker, &child, 200);
	ask_what(&maker, &maker, 200);
	ask_what(&maker, &other, 403);
	ask_what(&maker, NULL, 403);
	ask_what(&child, &maker, 403);
	sudo = with_policy("all", "path \"sys/capabilities-accessor\" { capabilities = "
				  "[\"update\", \"sudo\"] }");
	ask_what(&sudo, &other, 200);
	ask_what(&sudo, NULL, 400);
}

static void a_grant_on_an_accessor_is_a_grant_on_that_very_token(void **state)
{
	struct bearer other = made("{\"ttl\":\"1h\",\"policies\":[\"default\"]}");
	char rules[256];
	struct bearer granted;

	(void)state;
	snprintf(rules, sizeof(rules),
		 "path \"auth/token/lookup-accessor\" { capabilities = [\"update\"] }\n"
		 "path \"auth/token/lookup-accessor/%s\" { capabilities = [\"update\"] }",
		 other.accessor);
	granted = with_policy("one", rules);
	assert_int_equal(
		ask_as(&granted, "POST", "auth/token/lookup-accessor", with_accessor(&other)), 200);
	assert_string_equal(data_text(&f, "id"), "");
	expect_as(&granted, "POST", "auth/token/lookup-accessor", "{\"accessor\":\"none\"}", 403,
		  DENIED);
}

static void all_accessors_are_for_sudo(void **state)
{
	struct bearer maker = with_policy(
		"lister", "path \"auth/token/accessors*\" { capabilities = [\"list\"] }");

	(void)state;
	expect_as(&maker, "LIST", "auth/token/accessors", NULL, 403, DENIED);
	assert_int_equal(ask(&f, "LIST", "auth/token/accessors", NULL), 200);
	assert_int_equal(json_array_size(data_member("keys")), 2); /* root's too */
	assert_int_equal(ask(&f, "LIST", "auth/token/accessors?limit=1", NULL), 200);
	assert_int_equal(json_array_size(data_member("keys")), 1);
}

/* ---- Odd tokens ---- */

static void odd_tokens_let_nobody_in(void **state)
{
	static char huge[64 * 1024 + 1];
	const struct api_request with_header = {
		.method = "GET",
		.path = "/v1/auth/token/lookup-self",
		.token = huge,
		.deadline = clock_boot_ms() + 50,
	};
	char body[sizeof(huge) + 32];

	(void)state;
	memset(huge, 'A', sizeof(huge) - 1);
	assert_in_range(ask_raw(&f, &with_header), 400, 431);
	snprintf(body, sizeof(body), "{\"token\":\"%s\"}", huge);
	expect(&f, "POST", "auth/token/lookup", body, 403, "bad token");
	expect(&f, "POST", "auth/token/renew", body, 400, "token not found");
	expect(&f, "POST", "auth/token/revoke", body, 204, "");
	expect(&f, "POST", "auth/token/lookup", "{\"token\":\" two words \"}", 403, "bad token");
	expect(&f, "POST", "auth/token/lookup", "{\"token\":\"\\u0001\"}", 403, "bad token");
	assert_int_equal(ask(&f, "POST", "auth/token/lookup", "{\"token\":\"a\\u0000b\"}"), 400);
	assert_int_equal(ask(&f, "GET", "auth/token/lookup?token=x", NULL), 400);
	assert_int_equal(ask(&f, "POST", "auth/token/lookup", "{\"token\":[\"x\"]}"), 400);
}

/* ---- Memory ---- */

static int serve_create(struct api_reply *reply)
{
	static const char body[] = "{\"meta\":{\"k\":\"v\"},\"ttl\":\"1h\"}";
	const struct api_request raw = {
		.method = "POST",
		.path = "/v1/auth/token/create/r",
		.query = "",
		.content_type = "",
		.body = body,
		.body_size = strlen(body),
		.remote_address = "",
		.token = f.token,
		.authorization = "",
		.namespace = "",
		.wrap_ttl = "",
		.vault_request = "",
		.request_id = REQUEST_ID,
		.deadline = clock_boot_ms() + 5000,
	};

	api_serve(f.api, &raw, reply);
	api_sent(f.api, true);
	api_settle(f.api);
	return reply->status;
}

static void lost_memory_is_told(void **state)
{
	struct api_reply reply;
	int status = 500;

	(void)state;
	expect(&f, "POST", "auth/token/roles/r", "{\"allowed_policies\":\"a\"}", 204, "");
	for (unsigned n = 1; status != 200; n++) {
		fail_alloc_at(n);
		status = serve_create(&reply);
		assert_true(fail_alloc_stop() ? status == 500 : status == 200);
		api_reply_clear(&reply);
		assert_true(n < 3000);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_cannot_be_made_is_refused),
		TEST(an_id_is_taken_once),
		TEST(nobody_makes_more_than_they_are),
		TEST(policies_are_the_parents_or_some_of_them),
		TEST(some_tokens_have_no_children),
		TEST(an_expiring_root_makes_no_lasting_one),
		TEST(a_root_token_lives_no_longer_than_others_once_it_ends),
		TEST(display_names_are_made_harmless),
		TEST(every_request_is_a_use_even_a_denied_one),
		TEST(a_counted_token_is_nobody_on_an_open_route),
		TEST(a_bound_token_is_refused_elsewhere),
		TEST(roles_rule_the_policies),
		TEST(odd_roles_are_refused),
		TEST(only_what_is_sent_of_a_role_changes),
		TEST(a_role_gives_path_limits_and_type),
		TEST(the_maximum_of_a_role_holds_for_batch_tokens),
		TEST(a_token_whose_role_is_gone_is_not_renewed),
		TEST(what_is_not_renewable_is_not_renewed),
		TEST(a_renewal_keeps_what_was_granted_last),
		TEST(a_batch_token_shows_its_times),
		TEST(what_is_revoked_is_unknown_at_once),
		TEST(batch_tokens_are_not_revoked),
		TEST(orphaning_needs_sudo),
		TEST(accessors_reach_ones_own_descendants_alone),
		TEST(who_has_an_accessor_alone_is_not_told_what_its_token_may_do),
		TEST(a_grant_on_an_accessor_is_a_grant_on_that_very_token),
		TEST(all_accessors_are_for_sudo),
		TEST(odd_tokens_let_nobody_in),
		TEST(lost_memory_is_told),
	};

	fail_alloc_jansson();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
