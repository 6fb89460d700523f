/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/alicloud/alicloud.h"
#include "fail_alloc.h"
#include "play.h"
#include "util/json.h"

#define RANDOM "0123456789abcdef0123456789abcdef"
#define NOW    1767323045 /* 2026-01-02T03:04:05Z */

/* ---- Environment ---- */

static const struct {
	const char *name, *environment;
	const char *id, *secret, *token; /* NULL id: no key; NULL token: none */
} cases[] = {
	{ "nothing", "{}", NULL, NULL, NULL },
	{ "the older names", "{\"ALICLOUD_ACCESS_KEY\":\"i\",\"ALICLOUD_SECRET_KEY\":\"s\"}", "i",
	  "s", NULL },
	{ "the older names with a token",
	  "{\"ALICLOUD_ACCESS_KEY\":\"i\",\"ALICLOUD_SECRET_KEY\":\"s\","
	  "\"ALICLOUD_ACCESS_KEY_STS_TOKEN\":\"t\"}",
	  "i", "s", "t" },
	{ "the newer names",
	  "{\"ALIBABA_CLOUD_ACCESS_KEY_ID\":\"i\",\"ALIBABA_CLOUD_ACCESS_KEY_SECRET\":\"s\"}", "i",
	  "s", NULL },
	{ "the newer names with a token",
	  "{\"ALIBABA_CLOUD_ACCESS_KEY_ID\":\"i\",\"ALIBABA_CLOUD_ACCESS_KEY_SECRET\":\"s\","
	  "\"ALIBABA_CLOUD_SECURITY_TOKEN\":\"t\"}",
	  "i", "s", "t" },
	{ "an id alone", "{\"ALICLOUD_ACCESS_KEY\":\"i\"}", NULL, NULL, NULL },
	{ "an empty secret", "{\"ALICLOUD_ACCESS_KEY\":\"i\",\"ALICLOUD_SECRET_KEY\":\"\"}", NULL,
	  NULL, NULL },
	{ "halves of two families are no pair",
	  "{\"ALICLOUD_ACCESS_KEY\":\"i\",\"ALIBABA_CLOUD_ACCESS_KEY_SECRET\":\"s\"}", NULL, NULL,
	  NULL },
	{ "a token of the other family is left out",
	  "{\"ALICLOUD_ACCESS_KEY\":\"i\",\"ALICLOUD_SECRET_KEY\":\"s\","
	  "\"ALIBABA_CLOUD_SECURITY_TOKEN\":\"t\"}",
	  "i", "s", NULL },
};

static bool same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static void keys_of_the_environment(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *environment = play_json(cases[i].environment);
		struct surroundings around = { environment, "", NOW, RANDOM };
		struct root_key key = { 0 };
		bool found = engine_alicloud.environment_key(&around, &key);

		if (found != (cases[i].id != NULL) || !same(key.id, cases[i].id) ||
		    !same(key.secret, cases[i].secret) || !same(key.token, cases[i].token) ||
		    key.expires_at != 0)
			fail_msg("%s", cases[i].name);
		root_key_clear(&key);
		json_decref(environment);
	}
}

/* What is not in the list is wiped before anybody could read it. */
static void all_names_that_are_read_are_kept(void **state)
{
	static const char *const read[] = {
		"ALICLOUD_ACCESS_KEY",
		"ALICLOUD_SECRET_KEY",
		"ALICLOUD_ACCESS_KEY_STS_TOKEN",
		"ALIBABA_CLOUD_ACCESS_KEY_ID",
		"ALIBABA_CLOUD_ACCESS_KEY_SECRET",
		"ALIBABA_CLOUD_SECURITY_TOKEN",
		"ALIBABA_CLOUD_ROLE_ARN",
		"ALIBABA_CLOUD_OIDC_PROVIDER_ARN",
		"ALIBABA_CLOUD_OIDC_TOKEN_FILE",
		"ALIBABA_CLOUD_ROLE_SESSION_NAME",
		"ALIBABA_CLOUD_ECS_METADATA",
		"ALIBABA_CLOUD_ECS_METADATA_DISABLED",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(read) / sizeof(read[0]); i++) {
		bool found = false;

		for (const char *const *name = engine_alicloud.environment; *name; name++)
			found |= strcmp(*name, read[i]) == 0;
		if (!found)
			fail_msg("%s", read[i]);
	}
	assert_string_equal(engine_alicloud.token_file_variable, "ALIBABA_CLOUD_OIDC_TOKEN_FILE");
}

/* ---- A service that answers by a script ---- */

struct line {
	const char *path; /* of the request that it answers */
	enum answer_kind kind;
	const char *body; /* JSON, or text behind a '=' */
};

/* What the server finds around it, and what it is answered. */
struct script {
	const char *environment, *login_token;
	struct line lines[4];
};

/* A script being played. */
struct stage {
	const struct script *script;
	size_t next;
	struct root_key key;
};

static void answer_line(void *cloud, const struct call *call, struct answer *answer)
{
	struct stage *stage = cloud;
	const struct line *line = &stage->script->lines[stage->next++];

	assert_null(call->service);
	assert_int_equal(call->effect, CALL_READS);
	assert_true(stage->next <= 4 && line->path);
	assert_string_equal(call->path, line->path);
	answer->kind = line->kind;
	if (line->kind != ANSWER_OK)
		return;
	assert_int_equal(call->body_is_text, line->body[0] == '=');
	answer->body = line->body[0] == '=' ? json_string(line->body + 1) : play_json(line->body);
}

static void run(struct stage *stage, struct play *talk)
{
	json_t *environment = play_json(stage->script->environment);
	struct surroundings around = { environment, stage->script->login_token, NOW, RANDOM };
	enum verdict verdict;

	memset(talk, 0, sizeof(*talk));
	talk->answer = answer_line;
	talk->cloud = stage;
	talk->step.notes = json_object();
	do {
		verdict = engine_alicloud.fetch_key(&talk->step, &around, &stage->key);
		play_step(talk, verdict);
	} while (verdict == STEP_MORE);
	json_decref(environment);
}

#define CREDENTIALS                                                                                \
	"\"AccessKeyId\":\"STS.1\",\"AccessKeySecret\":\"hush\",\"SecurityToken\":\"tok\","        \
	"\"Expiration\":\"2026-01-02T04:04:05Z\""
#define ROLES "/latest/meta-data/ram/security-credentials/"
#define TOKEN "/latest/api/token"
#define OIDC                                                                                       \
	"\"ALIBABA_CLOUD_ROLE_ARN\":\"acs:ram::1:role/r\","                                        \
	"\"ALIBABA_CLOUD_OIDC_PROVIDER_ARN\":\"acs:ram::1:oidc-provider/p\","                      \
	"\"ALIBABA_CLOUD_OIDC_TOKEN_FILE\":\"/var/run/token\""
#define LOGIN                                                                                      \
	"/?Action=AssumeRoleWithOIDC&Format=JSON&SignatureNonce=" RANDOM                           \
	"&Timestamp=2026-01-02T03%3A04%3A05Z&Version=2015-04-01"

static const struct {
	const char *name;
	struct script script;
	enum verdict verdict;
	const char *reason; /* with STEP_FAILED and no culprit; "": there is one */
} talks[] = {
	{ "metadata, with the role asked for",
	  { "{}",
	    "",
	    { { TOKEN, ANSWER_OK, "=AQAB-token==\n" },
	      { ROLES, ANSWER_OK, "=my-ecs-role\n" },
	      { ROLES "my-ecs-role", ANSWER_OK, "{\"Code\":\"Success\"," CREDENTIALS "}" } } },
	  STEP_DONE,
	  "" },
	{ "metadata, with the role named",
	  { "{\"ALIBABA_CLOUD_ECS_METADATA\":\"named\",\"ALIBABA_CLOUD_IMDSV1_DISABLED\":\"true\"}",
	    "",
	    { { TOKEN, ANSWER_OK, "=tok" },
	      { ROLES "named", ANSWER_OK, "{\"Code\":\"Success\"," CREDENTIALS "}" } } },
	  STEP_DONE,
	  "" },
	{ "metadata that is switched off",
	  { "{\"ALIBABA_CLOUD_ECS_METADATA_DISABLED\":\"true\"}", "", { { 0 } } },
	  STEP_FAILED,
	  "switched off" },
	{ "no metadata service",
	  { "{}", "", { { TOKEN, ANSWER_UNSENT, "" } } },
	  STEP_FAILED,
	  "no instance metadata service" },
	{ "no hardened metadata service: the other way is not tried",
	  { "{}", "", { { TOKEN, ANSWER_REFUSED, "" } } },
	  STEP_FAILED,
	  "no instance metadata service" },
	{ "a metadata service that is unwell",
	  { "{}", "", { { TOKEN, ANSWER_SICK, "" } } },
	  STEP_FAILED,
	  "" },
	{ "a token that would end the header",
	  { "{}", "", { { TOKEN, ANSWER_OK, "=tok\r\nX-Evil: 1" } } },
	  STEP_FAILED,
	  "" },
	{ "an empty token", { "{}", "", { { TOKEN, ANSWER_OK, "=" } } }, STEP_FAILED, "" },
	{ "an instance without a role",
	  { "{}", "", { { TOKEN, ANSWER_OK, "=tok" }, { ROLES, ANSWER_REFUSED, "" } } },
	  STEP_FAILED,
	  "the instance has no RAM role" },
	{ "a role name that leads elsewhere",
	  { "{}", "", { { TOKEN, ANSWER_OK, "=tok" }, { ROLES, ANSWER_OK, "=../../x" } } },
	  STEP_FAILED,
	  "" },
	{ "two role names",
	  { "{}", "", { { TOKEN, ANSWER_OK, "=tok" }, { ROLES, ANSWER_OK, "=a\nb" } } },
	  STEP_FAILED,
	  "" },
	{ "a role variable that leads elsewhere",
	  { "{\"ALIBABA_CLOUD_ECS_METADATA\":\"a?b\"}", "", { { TOKEN, ANSWER_OK, "=tok" } } },
	  STEP_FAILED,
	  "ALIBABA_CLOUD_ECS_METADATA is no role name" },
	{ "credentials without success",
	  { "{\"ALIBABA_CLOUD_ECS_METADATA\":\"r\"}",
	    "",
	    { { TOKEN, ANSWER_OK, "=tok" },
	      { ROLES "r", ANSWER_OK, "{\"Code\":\"Failed\"," CREDENTIALS "}" } } },
	  STEP_FAILED,
	  "" },
	{ "credentials that are not whole",
	  { "{\"ALIBABA_CLOUD_ECS_METADATA\":\"r\"}",
	    "",
	    { { TOKEN, ANSWER_OK, "=tok" },
	      { ROLES "r", ANSWER_OK, "{\"Code\":\"Success\",\"AccessKeyId\":\"STS.1\"}" } } },
	  STEP_FAILED,
	  "" },
	{ "credentials that are refused",
	  { "{\"ALIBABA_CLOUD_ECS_METADATA\":\"r\"}",
	    "",
	    { { TOKEN, ANSWER_OK, "=tok" }, { ROLES "r", ANSWER_REFUSED, "" } } },
	  STEP_FAILED,
	  "" },
	{ "a login comes before metadata",
	  { "{" OIDC ",\"ALIBABA_CLOUD_ECS_METADATA\":\"r\"}",
	    "jwt",
	    { { LOGIN, ANSWER_OK, "{\"Credentials\":{" CREDENTIALS "}}" } } },
	  STEP_DONE,
	  "" },
	{ "a login without a token file",
	  { "{" OIDC "}", "", { { 0 } } },
	  STEP_FAILED,
	  "ALIBABA_CLOUD_OIDC_TOKEN_FILE" },
	{ "a login that is refused",
	  { "{" OIDC "}", "jwt", { { LOGIN, ANSWER_REFUSED, "" } } },
	  STEP_FAILED,
	  "" },
	{ "a login without credentials",
	  { "{" OIDC "}", "jwt", { { LOGIN, ANSWER_OK, "{}" } } },
	  STEP_FAILED,
	  "" },
	{ "part of a login is none",
	  { "{\"ALIBABA_CLOUD_ROLE_ARN\":\"acs:ram::1:role/r\"}",
	    "",
	    { { TOKEN, ANSWER_UNSENT, "" } } },
	  STEP_FAILED,
	  "no instance metadata service" },
};

static void check_key(const char *name, const struct root_key *key)
{
	if (!same(key->id, "STS.1") || !same(key->secret, "hush") || !same(key->token, "tok") ||
	    key->expires_at != NOW + 3600)
		fail_msg("%s: the key", name);
}

static void temporary_keys_are_fetched(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(talks) / sizeof(talks[0]); i++) {
		struct stage stage = { .script = &talks[i].script };
		struct play talk;
		bool blamed;

		run(&stage, &talk);
		blamed = talk.step.culprit != NULL;
		if (talk.verdict != talks[i].verdict)
			fail_msg("%s: %d, %s", talks[i].name, (int)talk.verdict, talk.step.reason);
		if (talk.verdict == STEP_DONE)
			check_key(talks[i].name, &stage.key);
		else if (stage.key.id || blamed != !talks[i].reason[0] ||
			 !strstr(talk.step.reason, talks[i].reason))
			fail_msg("%s: %s", talks[i].name, talk.step.reason);
		assert_true(stage.next == 4 || !stage.script->lines[stage.next].path);
		root_key_clear(&stage.key);
		play_free(&talk);
	}
}

/* ---- What is sent ---- */

static struct call *first_call(struct step *step, const char *environment, const char *login_token)
{
	json_t *variables = play_json(environment);
	struct surroundings around = { variables, login_token, NOW, RANDOM };
	struct root_key key = { 0 };

	step->notes = json_object();
	assert_int_equal(engine_alicloud.fetch_key(step, &around, &key), STEP_MORE);
	assert_int_equal(step->next.count, 1);
	json_decref(variables);
	return &step->next.calls[0];
}

static void step_free(struct step *step)
{
	round_clear(&step->next);
	json_decref(step->notes);
	memset(step, 0, sizeof(*step));
}

static void a_login_is_sent_in_a_form(void **state)
{
	struct step step = { 0 };
	struct call *call = first_call(&step, "{" OIDC "}", "a.b+c/d==\n");

	(void)state;
	assert_string_equal(call->method, "POST");
	assert_int_equal(call->endpoint, ENDPOINT_STS);
	assert_null(call->header);
	assert_false(call->body_is_text);
	assert_string_equal(call->body,
			    "OIDCProviderArn=acs%3Aram%3A%3A1%3Aoidc-provider%2Fp&"
			    "OIDCToken=a.b%2Bc%2Fd%3D%3D&RoleArn=acs%3Aram%3A%3A1%3Arole%2Fr&"
			    "RoleSessionName=leasehold");
	step_free(&step);
	call = first_call(&step, "{" OIDC ",\"ALIBABA_CLOUD_ROLE_SESSION_NAME\":\"mine\"}", "j");
	assert_non_null(strstr(call->body, "&RoleSessionName=mine"));
	step_free(&step);
}

static void metadata_is_asked_with_a_token(void **state)
{
	struct step step = { 0 };
	struct call *call = first_call(&step, "{}", "");
	struct answer answer = { .tag = call->tag, .kind = ANSWER_OK };
	struct surroundings around = { NULL, "", NOW, RANDOM };
	struct root_key key = { 0 };

	(void)state;
	assert_string_equal(call->method, "PUT");
	assert_string_equal(call->header, "X-aliyun-ecs-metadata-token-ttl-seconds: 300");
	assert_int_equal(call->endpoint, ENDPOINT_METADATA);
	answer.body = json_string("tok");
	round_clear(&step.next);
	step.answers = &answer;
	step.answer_count = 1;
	assert_int_equal(engine_alicloud.fetch_key(&step, &around, &key), STEP_MORE);
	assert_string_equal(step.next.calls[0].method, "GET");
	assert_string_equal(step.next.calls[0].header, "X-aliyun-ecs-metadata-token: tok");
	assert_int_equal(step.next.calls[0].endpoint, ENDPOINT_METADATA);
	answer_clear(&answer);
	step_free(&step);
}

/* ---- Memory ---- */

static unsigned fail_each(const struct script *script, unsigned at)
{
	struct stage stage = { .script = script };
	json_t *environment = play_json(script->environment);
	struct surroundings around = { environment, script->login_token, NOW, RANDOM };
	struct play talk = { .answer = answer_line, .cloud = &stage };
	enum verdict verdict;
	unsigned failures = 0;

	talk.step.notes = json_object();
	do {
		fail_alloc_at(at);
		verdict = engine_alicloud.fetch_key(&talk.step, &around, &stage.key);
		if (fail_alloc_stop()) {
			failures++;
			assert_int_equal(verdict, STEP_FAILED);
			assert_null(stage.key.id);
			break;
		}
		play_step(&talk, verdict);
	} while (verdict == STEP_MORE);
	root_key_clear(&stage.key);
	play_free(&talk);
	json_decref(environment);
	return failures;
}

static void each_failing_allocation_is_a_failure(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(talks) / sizeof(talks[0]); i++) {
		unsigned at = 1;

		if (talks[i].verdict != STEP_DONE)
			continue;
		while (fail_each(&talks[i].script, at))
			at++;
		assert_true(at > 5);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_of_the_environment),
		cmocka_unit_test(all_names_that_are_read_are_kept),
		cmocka_unit_test(temporary_keys_are_fetched),
		cmocka_unit_test(a_login_is_sent_in_a_form),
		cmocka_unit_test(metadata_is_asked_with_a_token),
		cmocka_unit_test(each_failing_allocation_is_a_failure),
	};

	fail_alloc_jansson();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
