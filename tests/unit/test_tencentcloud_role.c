/* SPDX-License-Identifier: Apache-2.0 */
/* What Tencent's roles, configuration and names have of their own; what all engines share is tested
 * with the first of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/tencentcloud/tencentcloud.h"
#include "fail_alloc.h"
#include "play.h"
#include "util/err.h"
#include "util/json.h"

#define RANDOM "0123456789abcdef0123456789abcdef"
#define ARN    "qcs::cam::uin/100021543888:roleName/trusted"

#define DOCUMENT                                                                                   \
	"{\\\"statement\\\":[{\\\"action\\\":[\\\"name/cos:*\\\"],\\\"effect\\\":\\\"allow\\\","   \
	"\\\"resource\\\":\\\"*\\\"}],\\\"version\\\":\\\"2.0\\\"}"
#define STORED_DOCUMENT                                                                            \
	"{\"statement\":[{\"action\":[\"name/cos:*\"],\"effect\":\"allow\",\"resource\":\"*\"}],"  \
	"\"version\":\"2.0\"}"
#define INLINE "\"inline_policies\":\"[" DOCUMENT "]\""
#define REMOTE "\"remote_policies\":[\"policy_name:QcloudAFCFullAccess,scope:All\"]"

#define STORED_INLINE "[{\"hash\":\"" RANDOM "\",\"policy_document\":" STORED_DOCUMENT "}]"
#define STORED_REMOTE(id)                                                                          \
	"[{\"policy_name\":\"QcloudAFCFullAccess\",\"scope\":\"All\",\"policy_id\":" #id "}]"
#define ROLE(inlines, max_ttl, remotes, arn, ttl)                                                  \
	"{\"inline_policies\":" inlines ",\"max_ttl\":" #max_ttl ",\"remote_policies\":" remotes   \
	",\"role_arn\":\"" arn "\",\"ttl\":" #ttl "}"

static const struct {
	const char *name, *stored, *input;
	const char *role; /* NULL: refused with */
	const char *error, *warning;
} cases[] = {
	{ "policies and times", NULL, "{" REMOTE "," INLINE ",\"ttl\":3600,\"max_ttl\":7200}",
	  ROLE(STORED_INLINE, 7200, STORED_REMOTE(0), "", 3600), "", "" },
	{ "a number that is known stays while the list is not sent",
	  ROLE("null", 0, STORED_REMOTE(7), "", 0), "{\"ttl\":5}",
	  ROLE("null", 0, STORED_REMOTE(7), "", 5), "", "" },
	{ "a list that is sent is looked up anew", ROLE("null", 0, STORED_REMOTE(7), "", 0),
	  "{" REMOTE "}", ROLE("null", 0, STORED_REMOTE(0), "", 0), "", "" },
	{ "an arn alone", NULL, "{\"role_arn\":\"" ARN "\"}", ROLE("null", 0, "null", ARN, 0), "",
	  "" },
	{ "an arn with the id of a role", NULL,
	  "{\"role_arn\":\"qcs::cam::uin/1:role/4611686018427397919\"}",
	  ROLE("null", 0, "null", "qcs::cam::uin/1:role/4611686018427397919", 0), "", "" },
	{ "an arn of a service's role", NULL,
	  "{\"role_arn\":\"qcs::cam::uin/1:role/tencentcloudServiceRoleName/CVM_QCSRole\"}",
	  ROLE("null", 0, "null", "qcs::cam::uin/1:role/tencentcloudServiceRoleName/CVM_QCSRole",
	       0),
	  "", "" },
	{ "an arn with a ttl", NULL, "{\"role_arn\":\"" ARN "\",\"ttl\":60}",
	  ROLE("null", 0, "null", ARN, 60), "",
	  "role_arn is set so ttl and max_ttl will be ignored because they're not editable on STS "
	  "tokens" },
	{ "nothing", NULL, "{}", NULL,
	  "must include an arn, or at least one of inline_policies or remote_policies", "" },
	{ "an arn with remote policies", NULL, "{\"role_arn\":\"" ARN "\"," REMOTE "}", NULL,
	  "remote_policies must be blank when an arn is present", "" },
	{ "an arn with inline policies", NULL, "{\"role_arn\":\"" ARN "\"," INLINE "}", NULL,
	  "inline_policies must be blank when an arn is present", "" },
	{ "a ttl over max_ttl", NULL, "{\"ttl\":100,\"max_ttl\":50," INLINE "}", NULL,
	  "ttl exceeds max_ttl", "" },
	{ "an arn of another cloud", NULL, "{\"role_arn\":\"acs:ram::1:role/r\"}", NULL,
	  "role_arn: must look like qcs::cam::uin/<account id>:roleName/<name>", "" },
	{ "an arn of a user", NULL, "{\"role_arn\":\"qcs::cam::uin/1:uin/2\"}", NULL,
	  "role_arn: must look like qcs::cam::uin/<account id>:roleName/<name>", "" },
	{ "an arn without an account", NULL, "{\"role_arn\":\"qcs::cam::uin/:roleName/r\"}", NULL,
	  "role_arn: must look like qcs::cam::uin/<account id>:roleName/<name>", "" },
	{ "an arn without a name", NULL, "{\"role_arn\":\"qcs::cam::uin/1:roleName/\"}", NULL,
	  "role_arn: must look like qcs::cam::uin/<account id>:roleName/<name>", "" },
	{ "no pair", NULL, "{\"remote_policies\":[\"nonsense\"]}", NULL,
	  "unable to recognize pair in nonsense", "" },
	{ "another key", NULL, "{\"remote_policies\":[\"colour:red\"]}", NULL,
	  "invalid key: colour", "" },
	{ "a key of the other engine", NULL, "{\"remote_policies\":[\"name:a,scope:All\"]}", NULL,
	  "invalid key: name", "" },
	{ "no name", NULL, "{\"remote_policies\":[\"scope:All\"]}", NULL,
	  "policy name is required in scope:All", "" },
	{ "no scope", NULL, "{\"remote_policies\":[\"policy_name:a\"]}", NULL,
	  "policy scope is required in policy_name:a", "" },
	{ "another scope", NULL, "{\"remote_policies\":[\"policy_name:a,scope:qcs\"]}", NULL,
	  "remote_policies: element 1: scope must be All, QCS or Local", "" },
	{ "a name that the cloud has not", NULL,
	  "{\"remote_policies\":[\"policy_name:a/b,scope:QCS\"]}", NULL,
	  "remote_policies: element 1: policy_name must be 1 to 128 letters, digits and +=,.@_-",
	  "" },
	{ "a document in the other cloud's spelling", NULL,
	  "{\"inline_policies\":\"[{\\\"Version\\\":\\\"1\\\",\\\"Statement\\\":[{}]}]\"}", NULL,
	  "inline_policies: document 1 must have a version, the text \"2.0\"", "" },
	{ "a document without a statement", NULL,
	  "{\"inline_policies\":\"[{\\\"version\\\":\\\"2.0\\\"}]\"}", NULL,
	  "inline_policies: document 1 must have a statement that is not empty", "" },
	{ "documents that are no list", NULL, "{\"inline_policies\":\"{}\"}", NULL,
	  "inline_policies: must be a JSON array of policy documents", "" },
};

static const struct role_limits limits = { 2764800 };

static void check_case(size_t i, json_t *stored, json_t *input)
{
	struct warnings warnings = { .count = 0 };
	json_t *role, *wanted;
	struct err err = { 0 };
	int ret = engine_tencentcloud.check_role(stored, input, &limits, RANDOM, &role, &warnings,
						 &err);

	if (ret != (cases[i].role ? 0 : LH_EINVAL) || strcmp(err.text, cases[i].error) != 0)
		fail_msg("%s: %d, \"%s\"", cases[i].name, ret, err.text);
	if (strcmp(warnings.count ? warnings.text[0] : "", cases[i].warning) != 0)
		fail_msg("%s: warns \"%s\"", cases[i].name, warnings.text[0]);
	if (!cases[i].role)
		return;
	wanted = play_json(cases[i].role);
	if (!json_equal(role, wanted))
		fail_msg("%s: %s", cases[i].name, json_dumps(role, 0));
	json_decref(wanted);
	json_decref(role);
}

static void roles_are_merged_and_checked(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *stored = cases[i].stored ? play_json(cases[i].stored) : NULL;
		json_t *input = play_json(cases[i].input);

		check_case(i, stored, input);
		json_decref(input);
		json_decref(stored);
	}
}

/* ---- Configuration ---- */

static const struct {
	const char *name, *stored, *input, *config, *error;
} configs[] = {
	{ "a pair", NULL, "{\"secret_id\":\"i\",\"secret_key\":\"k\"}",
	  "{\"secret_id\":\"i\",\"secret_key\":\"k\"}", "" },
	{ "nothing", NULL, "{}", "{\"secret_id\":\"\",\"secret_key\":\"\"}", "" },
	{ "half a pair", NULL, "{\"secret_id\":\"x\"}", "{\"secret_id\":\"x\",\"secret_key\":\"\"}",
	  "" },
	{ "the other half is merged", "{\"secret_id\":\"x\",\"secret_key\":\"\"}",
	  "{\"secret_key\":\"k\"}", "{\"secret_id\":\"x\",\"secret_key\":\"k\"}", "" },
	{ "what is sent replaces", "{\"secret_id\":\"x\",\"secret_key\":\"k\"}",
	  "{\"secret_id\":\"\"}", "{\"secret_id\":\"\",\"secret_key\":\"k\"}", "" },
	{ "a line break", NULL, "{\"secret_key\":\"k\\n\"}", NULL,
	  "secret_key: holds a space, a line break or another character that no key has" },
};

static void pairs_are_merged(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(configs) / sizeof(configs[0]); i++) {
		json_t *stored = configs[i].stored ? play_json(configs[i].stored) : NULL;
		json_t *input = play_json(configs[i].input), *config;
		json_t *wanted = configs[i].config ? play_json(configs[i].config) : NULL;
		struct err err = { 0 };
		int ret = engine_tencentcloud.check_config(stored, input, &config, &err);

		if (ret != (wanted ? 0 : LH_EINVAL) || strcmp(err.text, configs[i].error) != 0 ||
		    (wanted && !json_equal(config, wanted)))
			fail_msg("%s: %d, \"%s\"", configs[i].name, ret, err.text);
		json_decref(wanted);
		json_decref(config);
		json_decref(input);
		json_decref(stored);
	}
}

static void the_secret_is_never_shown(void **state)
{
	json_t *config = play_json(configs[0].config);
	json_t *shown = engine_tencentcloud.show_config(config);

	(void)state;
	assert_int_equal(json_object_size(shown), 1);
	assert_string_equal(json_get_text(shown, "secret_id"), "i");
	json_decref(shown);
	json_decref(config);
}

/* ---- Plans ---- */

#define LONG "Abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"

static const struct {
	const char *name, *display, *role, *user, *session;
} names[] = {
	{ "plain names", "root", "app", "root-app-0123456789abcdef0123",
	  "root-app-0123456789abcdef" },
	{ "users are in lower case", "OIDC-Mary@example.com", "App_1.x",
	  "oidc-mary-example-com-app-1-x-0123456789abcdef0123",
	  "OIDC-Ma-App-1-x-0123456789abcdef" },
	{ "users begin with a letter", "7of9", "app", "u-7of9-app-0123456789abcdef0123",
	  "7of9-app-0123456789abcdef" },
	{ "also without a display name", "", "9app", "u-9app-0123456789abcdef0123",
	  "9app-0123456789abcdef" },
	{ "also with nothing usable at all", "@@@", "_", "u-0123456789abcdef0123",
	  "0123456789abcdef" },
	{ "two long ones share", LONG, LONG,
	  "abcdefghijklmnopqr-abcdefghijklmnopqrstuvwx-0123456789abcdef0123",
	  "Abcdef-Abcdefgh-0123456789abcdef" },
};

static int make_plan(const char *role, const char *display, const char *name, const char *fields,
		     json_t **plan_out, struct err *err)
{
	json_t *of = play_json(role), *given = play_json(fields);
	struct plan_request request = { name, display, of, given, RANDOM };
	bool lasting;
	int ret = engine_tencentcloud.plan(&request, plan_out, &lasting, err);

	if (!ret)
		assert_int_equal(engine_tencentcloud.renewable(*plan_out), lasting);
	assert_int_equal(lasting, !ret && !strstr(role, "qcs"));
	json_decref(given);
	json_decref(of);
	return ret;
}

static void names_are_what_every_account_takes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		json_t *user, *session;

		assert_int_equal(
			make_plan("{}", names[i].display, names[i].role, "{}", &user, NULL), 0);
		assert_int_equal(make_plan("{\"role_arn\":\"" ARN "\"}", names[i].display,
					   names[i].role, "{}", &session, NULL),
				 0);
		if (strcmp(json_get_text(user, "user"), names[i].user) != 0 ||
		    strcmp(json_get_text(session, "session"), names[i].session) != 0)
			fail_msg("%s: %s, %s", names[i].name, json_get_text(user, "user"),
				 json_get_text(session, "session"));
		json_decref(user);
		json_decref(session);
	}
}

static void a_plan_keeps_the_numbers_of_the_role(void **state)
{
	json_t *plan;

	(void)state;
	assert_int_equal(make_plan(ROLE(STORED_INLINE, 0, STORED_REMOTE(7), "", 0), "root", "app",
				   "{}", &plan, NULL),
			 0);
	assert_string_equal(json_get_text(plan, "kind"), "cam");
	assert_int_equal(
		json_get_int(json_array_get(json_object_get(plan, "remote"), 0), "policy_id", 0),
		7);
	json_decref(plan);
}

static const struct {
	const char *name, *id;
	bool good;
} external_ids[] = {
	{ "all characters", "aZ09_+=,.@:/-", true },
	{ "none", "", true },
	{ "one character", "a", false },
	{ "a space", "a b", false },
	{ "a line break", "ab\\n", false },
	{ "no ASCII", "\xc3\xa9\xc3\xa9", false },
};

static void external_ids_are_checked(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(external_ids) / sizeof(external_ids[0]); i++) {
		char fields[64];
		struct err err = { 0 };
		json_t *plan;
		int ret;

		snprintf(fields, sizeof(fields), "{\"external_id\":\"%s\"}", external_ids[i].id);
		ret = make_plan("{\"role_arn\":\"" ARN "\"}", "root", "app", fields, &plan, &err);
		if (ret != (external_ids[i].good ? 0 : LH_EINVAL) ||
		    strcmp(err.text, ret ? "external_id: must be 2 to 128 letters, digits and "
					   "_+=,.@:/-"
					 : "") != 0)
			fail_msg("%s: %d, %s", external_ids[i].name, ret, err.text);
		if (!ret)
			assert_string_equal(json_get_text(plan, "external_id"), external_ids[i].id);
		json_decref(plan);
	}
}

static void each_failing_allocation_of_a_plan_is_an_error(void **state)
{
	json_t *role = play_json("{\"role_arn\":\"" ARN "\"}");
	json_t *fields = play_json("{\"external_id\":\"ab\"}");
	struct plan_request request = { "app", "root", role, fields, RANDOM };
	unsigned n = 1;
	bool failed;

	(void)state;
	do {
		struct err err = { 0 };
		json_t *plan;
		bool lasting;
		int ret;

		fail_alloc_at(n++);
		ret = engine_tencentcloud.plan(&request, &plan, &lasting, &err);
		failed = fail_alloc_stop();
		if (ret != (failed ? LH_ENOMEM : 0) || (plan != NULL) != (ret == 0))
			fail_msg("allocation %u: %d", n - 1, ret);
		json_decref(plan);
	} while (failed);
	assert_true(n > 5);
	json_decref(fields);
	json_decref(role);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(roles_are_merged_and_checked),
		cmocka_unit_test(pairs_are_merged),
		cmocka_unit_test(the_secret_is_never_shown),
		cmocka_unit_test(names_are_what_every_account_takes),
		cmocka_unit_test(a_plan_keeps_the_numbers_of_the_role),
		cmocka_unit_test(external_ids_are_checked),
		cmocka_unit_test(each_failing_allocation_of_a_plan_is_an_error),
	};

	fail_alloc_jansson();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
