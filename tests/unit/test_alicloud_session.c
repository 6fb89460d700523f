/* SPDX-License-Identifier: Apache-2.0 */
/* An issue of a session is one call. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "alicloud_scene.h"
#include "util/json.h"

#define SESSION_PLAN                                                                               \
	"{\"kind\":\"sts\",\"session\":\"root-app-1\",\"role_arn\":\"acs:ram::1:role/r\"}"

static const struct {
	const char *name;
	int status;
	const char *body;
	enum verdict verdict;
} sessions[] = {
	{ "a session", 200,
	  "{\"RequestId\":\"1\",\"AssumedRoleUser\":{\"arn\":\"x\"},\"Credentials\":{"
	  "\"AccessKeyId\":\"STS.L4\",\"AccessKeySecret\":\"hush\",\"SecurityToken\":\"tok\","
	  "\"Expiration\":\"2026-01-02T03:04:05Z\"}}",
	  STEP_DONE },
	{ "an answer without credentials", 200, "{\"RequestId\":\"1\"}", STEP_FAILED },
	{ "an answer without a token", 200,
	  "{\"Credentials\":{\"AccessKeyId\":\"STS.L4\",\"AccessKeySecret\":\"hush\","
	  "\"Expiration\":\"2026-01-02T03:04:05Z\"}}",
	  STEP_FAILED },
	{ "an answer with a broken time", 200,
	  "{\"Credentials\":{\"AccessKeyId\":\"STS.L4\",\"AccessKeySecret\":\"hush\","
	  "\"SecurityToken\":\"tok\",\"Expiration\":\"soon\"}}",
	  STEP_FAILED },
	{ "no such role", 404, "{\"Code\":\"EntityNotExist.Role\"}", STEP_FAILED },
	{ "not trusted", 403, "{\"Code\":\"NoPermission\"}", STEP_FAILED },
	{ "unwell", 500, "{\"Code\":\"InternalError\"}", STEP_FAILED },
};

static void answer_session(void *cloud, const struct call *call, struct answer *answer)
{
	size_t i = *(const size_t *)cloud;
	json_t *body = play_json(sessions[i].body);

	assert_string_equal(call->action, "AssumeRole");
	assert_string_equal(call->service->name, "sts");
	assert_string_equal(call->service->version, "2015-04-01");
	assert_int_equal(call->service->endpoint, ENDPOINT_STS);
	assert_int_equal(call->effect, CALL_READS);
	assert_string_equal(json_get_text(call->params, "RoleArn"), "acs:ram::1:role/r");
	assert_string_equal(json_get_text(call->params, "RoleSessionName"), "root-app-1");
	assert_int_equal(json_object_size(call->params), 2);
	engine_alicloud.read_answer(sessions[i].status, body, answer);
	json_decref(body);
}

static void sessions_are_one_call(void **state)
{
	json_t *expected = play_json(
		"{\"access_key\":\"STS.L4\",\"secret_key\":\"hush\",\"security_token\":\"tok\","
		"\"expiration\":\"2026-01-02T03:04:05Z\"}");

	(void)state;
	for (size_t i = 0; i < sizeof(sessions) / sizeof(sessions[0]); i++) {
		struct scene scene;

		scene_of_issue(&scene, SESSION_PLAN, "{}");
		scene.play.answer = answer_session;
		scene.play.cloud = &i;
		play(&scene.play, engine_alicloud.issue);
		if (scene.play.verdict != sessions[i].verdict || scene.play.calls != 1)
			fail_msg("%s: %d", sessions[i].name, (int)scene.play.verdict);
		if (sessions[i].verdict == STEP_DONE) {
			assert_true(json_equal(scene.play.step.data, expected));
			assert_int_equal(scene.play.step.expires_at, 1767323045);
		} else {
			assert_string_equal(play_culprit_action(&scene.play), "AssumeRole");
			assert_null(scene.play.step.data);
		}
		scene_close(&scene);
	}
	json_decref(expected);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sessions_are_one_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
