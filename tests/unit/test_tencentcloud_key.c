/* SPDX-License-Identifier: Apache-2.0 */
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
#include "util/json.h"

#define RANDOM "0123456789abcdef0123456789abcdef"
#define NOW    1767323045

static bool same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* ---- Environment ---- */

#define PAIR "\"TENCENTCLOUD_SECRET_ID\":\"i\",\"TENCENTCLOUD_SECRET_KEY\":\"s\""

static const struct {
	const char *name, *environment;
	const char *id, *token; /* NULL id: no key; NULL token: none */
} cases[] = {
	{ "nothing", "{}", NULL, NULL },
	{ "a pair", "{" PAIR "}", "i", NULL },
	{ "a pair with a token as Node has it", "{" PAIR ",\"TENCENTCLOUD_SESSION_TOKEN\":\"t\"}",
	  "i", "t" },
	{ "as the command line tool has it", "{" PAIR ",\"TENCENTCLOUD_TOKEN\":\"t\"}", "i", "t" },
	{ "as Terraform has it", "{" PAIR ",\"TENCENTCLOUD_SECURITY_TOKEN\":\"t\"}", "i", "t" },
	{ "an empty token is none",
	  "{" PAIR ",\"TENCENTCLOUD_SESSION_TOKEN\":\"\",\"TENCENTCLOUD_TOKEN\":\"t\"}", "i", "t" },
	{ "half a pair", "{\"TENCENTCLOUD_SECRET_ID\":\"i\"}", NULL, NULL },
	{ "an empty secret", "{\"TENCENTCLOUD_SECRET_ID\":\"i\",\"TENCENTCLOUD_SECRET_KEY\":\"\"}",
	  NULL, NULL },
};

static void keys_of_the_environment(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *environment = play_json(cases[i].environment);
		struct surroundings around = { environment, "", NOW, RANDOM };
		struct root_key key = { 0 };
		bool found = engine_tencentcloud.environment_key(&around, &key);

		if (found != (cases[i].id != NULL) || !same(key.id, cases[i].id) ||
		    !same(key.secret, found ? "s" : NULL) || !same(key.token, cases[i].token))
			fail_msg("%s", cases[i].name);
		root_key_clear(&key);
		json_decref(environment);
	}
}

/* What is not in the list is wiped before anybody could read it. */
static void all_names_that_are_read_are_kept(void **state)
{
	static const char *const read[] = {
		"TENCENTCLOUD_SECRET_ID",
		"TENCENTCLOUD_SECRET_KEY",
		"TENCENTCLOUD_SESSION_TOKEN",
		"TENCENTCLOUD_TOKEN",
		"TENCENTCLOUD_SECURITY_TOKEN",
		"TENCENTCLOUD_CREDENTIALS_FILE",
		"HOME",
		"TKE_PROVIDER_ID",
		"TKE_ROLE_ARN",
		"TKE_WEB_IDENTITY_TOKEN_FILE",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(read) / sizeof(read[0]); i++) {
		bool found = false;

		for (const char *const *name = engine_tencentcloud.environment; *name; name++)
			found |= strcmp(*name, read[i]) == 0;
		if (!found)
			fail_msg("%s", read[i]);
	}
	assert_string_equal(engine_tencentcloud.token_file_variable, "TKE_WEB_IDENTITY_TOKEN_FILE");
}

/* ---- Profile file ---- */

static const struct {
	const char *name, *text;
	const char *id, *secret, *token; /* NULL id: no key */
} profiles[] = {
	{ "as the tools write it", "[default]\nsecret_id = i\nsecret_key = s\n", "i", "s", NULL },
	{ "without spaces, with a token", "[default]\nsecret_id=i\nsecret_key=s\ntoken=t", "i", "s",
	  "t" },
	{ "from another system", "[default]\r\nsecret_id = i\r\nsecret_key = s\r\n", "i", "s",
	  NULL },
	{ "comments, other lines and sections",
	  "# a\n; b\n[work]\nsecret_id = x\nsecret_key = y\n\n  [default]\n# secret_id = x\n"
	  "region = ap-guangzhou\nnonsense\n\tsecret_id\t= i\nsecret_key = s=s\n[other]\n"
	  "secret_id = z\n",
	  "i", "s=s", NULL },
	{ "an empty file", "", NULL, NULL, NULL },
	{ "half a pair", "[default]\nsecret_id = i\n", NULL, NULL, NULL },
	{ "an empty secret", "[default]\nsecret_id = i\nsecret_key =\n", NULL, NULL, NULL },
	{ "no section", "secret_id = i\nsecret_key = s\n", NULL, NULL, NULL },
	{ "another section", "[prod]\nsecret_id = i\nsecret_key = s\n", NULL, NULL, NULL },
};

static void keys_of_a_profile(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(profiles) / sizeof(profiles[0]); i++) {
		struct root_key key = { 0 };
		bool found = engine_tencentcloud.profile_key(profiles[i].text, &key);

		if (found != (profiles[i].id != NULL) || !same(key.id, profiles[i].id) ||
		    !same(key.secret, profiles[i].secret) || !same(key.token, profiles[i].token))
			fail_msg("%s: %s", profiles[i].name, key.id ? key.id : "none");
		root_key_clear(&key);
	}
}

/* ---- Login and metadata ---- */

struct line {
	const char *path; /* of a plain request; "" for the login */
	enum answer_kind kind;
	const char *body; /* JSON, or text behind a '=' */
};

struct script {
	const char *environment, *login_token;
	struct line lines[3];
};

struct stage {
	const struct script *script;
	size_t next;
	struct root_key key;
};

static void check_login(const struct call *call)
{
	assert_string_equal(call->action, "AssumeRoleWithWebIdentity");
	assert_string_equal(call->service->name, "sts");
	assert_true(call->anonymous);
	assert_int_equal(json_object_size(call->params), 4);
	assert_string_equal(json_get_text(call->params, "ProviderId"), "p");
	assert_string_equal(json_get_text(call->params, "WebIdentityToken"), "jwt");
	assert_string_equal(json_get_text(call->params, "RoleArn"), "arn");
	assert_string_equal(json_get_text(call->params, "RoleSessionName"), "leasehold");
}

static void check_plain(const struct call *call, const struct line *line)
{
	assert_null(call->service);
	assert_string_equal(call->path, line->path);
	assert_string_equal(call->method, "GET");
	assert_int_equal(call->endpoint, ENDPOINT_METADATA);
	assert_null(call->header);
}

static void answer_line(void *cloud, const struct call *call, struct answer *answer)
{
	struct stage *stage = cloud;
	const struct line *line = &stage->script->lines[stage->next++];

	assert_true(stage->next <= 3 && line->path);
	assert_int_equal(call->effect, CALL_READS);
	if (line->path[0])
		check_plain(call, line);
	else
		check_login(call);
	answer->kind = line->kind;
	if (line->kind != ANSWER_OK)
		return;
	assert_int_equal(call->body_is_text, line->body[0] == '=');
	answer->body = line->body[0] == '=' ? json_string(line->body + 1) : play_json(line->body);
}

/* With `at`, the allocation with this number fails in each step. Whether one did. */
static bool run(struct stage *stage, struct play *talk, unsigned at)
{
	json_t *environment = play_json(stage->script->environment);
	struct surroundings around = { environment, stage->script->login_token, NOW, RANDOM };
	enum verdict verdict;
	bool failed;

	memset(talk, 0, sizeof(*talk));
	talk->answer = answer_line;
	talk->cloud = stage;
	talk->step.notes = json_object();
	do {
		fail_alloc_at(at);
		verdict = engine_tencentcloud.fetch_key(&talk->step, &around, &stage->key);
		failed = fail_alloc_stop();
		if (failed)
			talk->verdict = verdict;
		else
			play_step(talk, verdict);
	} while (verdict == STEP_MORE && !failed);
	json_decref(environment);
	return failed;
}

#define ROLES "/latest/meta-data/cam/security-credentials/"
#define LOGIN                                                                                      \
	"{\"TKE_ROLE_ARN\":\"arn\",\"TKE_PROVIDER_ID\":\"p\",\"TKE_WEB_IDENTITY_TOKEN_FILE\":"     \
	"\"/var/run/token\"}"
#define KEY "\"TmpSecretId\":\"AKID1\",\"TmpSecretKey\":\"hush\",\"Token\":\"tok\""

static const struct {
	const char *name;
	struct script script;
	enum verdict verdict;
	const char *reason; /* with STEP_FAILED and no culprit; "": there is one */
} talks[] = {
	{ "metadata",
	  { "{}",
	    "",
	    { { ROLES, ANSWER_OK, "=my-role\n" },
	      { ROLES "my-role", ANSWER_OK,
		"{\"Code\":\"Success\",\"ExpiredTime\":1767326645," KEY "}" } } },
	  STEP_DONE,
	  "" },
	{ "no metadata service",
	  { "{}", "", { { ROLES, ANSWER_UNSENT, "" } } },
	  STEP_FAILED,
	  "no instance metadata service" },
	{ "an instance without a role",
	  { "{}", "", { { ROLES, ANSWER_REFUSED, "" } } },
	  STEP_FAILED,
	  "the instance has no CAM role" },
	{ "a metadata service that is unwell",
	  { "{}", "", { { ROLES, ANSWER_SICK, "" } } },
	  STEP_FAILED,
	  "" },
	{ "a role name that leads elsewhere",
	  { "{}", "", { { ROLES, ANSWER_OK, "=../../x" } } },
	  STEP_FAILED,
	  "" },
	{ "credentials without success",
	  { "{}",
	    "",
	    { { ROLES, ANSWER_OK, "=r" },
	      { ROLES "r", ANSWER_OK,
		"{\"Code\":\"Failed\",\"ExpiredTime\":1767326645," KEY "}" } } },
	  STEP_FAILED,
	  "" },
	{ "credentials without an end",
	  { "{}",
	    "",
	    { { ROLES, ANSWER_OK, "=r" },
	      { ROLES "r", ANSWER_OK, "{\"Code\":\"Success\"," KEY "}" } } },
	  STEP_FAILED,
	  "" },
	{ "a login",
	  { LOGIN,
	    "jwt\n",
	    { { "", ANSWER_OK, "{\"Credentials\":{" KEY "},\"ExpiredTime\":1767326645}" } } },
	  STEP_DONE,
	  "" },
	{ "a login without a token",
	  { LOGIN, "\n", { { 0 } } },
	  STEP_FAILED,
	  "TKE_WEB_IDENTITY_TOKEN_FILE names cannot be read or is empty" },
	{ "a login that is refused",
	  { LOGIN, "jwt", { { "", ANSWER_REFUSED, "" } } },
	  STEP_FAILED,
	  "" },
	{ "part of a login is none",
	  { "{\"TKE_ROLE_ARN\":\"arn\"}", "", { { ROLES, ANSWER_UNSENT, "" } } },
	  STEP_FAILED,
	  "no instance metadata service" },
};

static void temporary_keys_are_fetched(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(talks) / sizeof(talks[0]); i++) {
		struct stage stage = { .script = &talks[i].script };
		struct root_key *key = &stage.key;
		struct play talk;

		run(&stage, &talk, 0);
		if (talk.verdict != talks[i].verdict)
			fail_msg("%s: %d, %s", talks[i].name, (int)talk.verdict, talk.step.reason);
		if (talk.verdict == STEP_DONE)
			assert_true(same(key->id, "AKID1") && same(key->secret, "hush") &&
				    same(key->token, "tok") && key->expires_at == NOW + 3600);
		else if (key->id || (talk.step.culprit == NULL) != (talks[i].reason[0] != '\0') ||
			 !strstr(talk.step.reason, talks[i].reason))
			fail_msg("%s: %s", talks[i].name, talk.step.reason);
		assert_true(stage.next == 3 || !stage.script->lines[stage.next].path);
		root_key_clear(&stage.key);
		play_free(&talk);
	}
}

static void each_failing_allocation_is_a_failure(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(talks) / sizeof(talks[0]); i++) {
		bool failed = talks[i].verdict == STEP_DONE;
		unsigned at;

		for (at = 1; failed; at++) {
			struct stage stage = { .script = &talks[i].script };
			struct play talk;

			failed = run(&stage, &talk, at);
			assert_int_equal(talk.verdict, failed ? STEP_FAILED : STEP_DONE);
			assert_true(!failed || !stage.key.id);
			root_key_clear(&stage.key);
			play_free(&talk);
		}
		assert_true(at == 1 || at > 5);
	}
}

static void a_profile_survives_failing_allocations(void **state)
{
	unsigned at = 1;
	bool failed;

	(void)state;
	do {
		struct root_key key = { 0 };
		bool found;

		fail_alloc_at(at++);
		found = engine_tencentcloud.profile_key(profiles[1].text, &key);
		failed = fail_alloc_stop();
		assert_int_equal(found, !failed);
		assert_int_equal(key.id != NULL, found);
		root_key_clear(&key);
	} while (failed);
	assert_true(at > 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_of_the_environment),
		cmocka_unit_test(all_names_that_are_read_are_kept),
		cmocka_unit_test(keys_of_a_profile),
		cmocka_unit_test(temporary_keys_are_fetched),
		cmocka_unit_test(each_failing_allocation_is_a_failure),
		cmocka_unit_test(a_profile_survives_failing_allocations),
	};

	fail_alloc_jansson();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
