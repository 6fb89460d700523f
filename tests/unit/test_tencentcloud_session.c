/* SPDX-License-Identifier: Apache-2.0 */
/* An issue of a session is one call. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tencent_scene.h"

static void expect(struct scene *scene, enum verdict verdict, const char *log)
{
	play(&scene->play, engine_tencentcloud.issue);
	assert_string_equal(scene->play.log, log);
	assert_int_equal(scene->play.verdict, verdict);
}

static const struct {
	const char *name, *body;
	enum verdict verdict;
} sessions[] = {
	{ "a session",
	  "{\"Credentials\":{\"Token\":\"tok\",\"TmpSecretId\":\"AKID4\",\"TmpSecretKey\":"
	  "\"hush\"},\"ExpiredTime\":1767323045,\"Expiration\":\"2026-01-02T03:04:05Z\"}",
	  STEP_DONE },
	{ "an answer without credentials", "{\"ExpiredTime\":1767323045}", STEP_FAILED },
	{ "an answer without a token",
	  "{\"Credentials\":{\"TmpSecretId\":\"AKID4\",\"TmpSecretKey\":\"hush\"},"
	  "\"ExpiredTime\":1767323045}",
	  STEP_FAILED },
	{ "an answer without an end",
	  "{\"Credentials\":{\"Token\":\"tok\",\"TmpSecretId\":\"AKID4\",\"TmpSecretKey\":"
	  "\"hush\"}}",
	  STEP_FAILED },
	{ "an end that is none",
	  "{\"Credentials\":{\"Token\":\"tok\",\"TmpSecretId\":\"AKID4\",\"TmpSecretKey\":"
	  "\"hush\"},\"ExpiredTime\":0}",
	  STEP_FAILED },
	{ "not trusted", "{\"Error\":{\"Code\":\"UnauthorizedOperation\"}}", STEP_FAILED },
	{ "no such role", "{\"Error\":{\"Code\":\"ResourceNotFound.RoleNotFound\"}}", STEP_FAILED },
};

static void answer_session(void *cloud, const struct call *call, struct answer *answer)
{
	json_t *body = json_pack("{s:o}", "Response", play_json(cloud));

	assert_string_equal(call->action, "AssumeRole");
	assert_string_equal(call->service->name, "sts");
	assert_string_equal(call->service->version, "2018-08-13");
	assert_int_equal(call->service->endpoint, ENDPOINT_STS);
	assert_int_equal(call->effect, CALL_READS);
	engine_tencentcloud.read_answer(200, body, answer);
	json_decref(body);
}

static void sessions_are_one_call(void **state)
{
	json_t *expected = play_json(
		"{\"secret_id\":\"AKID4\",\"secret_key\":\"hush\",\"token\":\"tok\","
		"\"expiration\":\"2026-01-02T03:04:05Z\"}");

	(void)state;
	for (size_t i = 0; i < sizeof(sessions) / sizeof(sessions[0]); i++) {
		struct scene scene;

		scene_of_issue(&scene,
			       "{\"kind\":\"sts\",\"session\":\"s\",\"role_arn\":\"arn\","
			       "\"external_id\":\"e/1\"}",
			       "{}");
		scene.play.answer = answer_session;
		scene.play.check = NULL;
		scene.play.cloud = (void *)(uintptr_t)sessions[i].body;
		expect(&scene, sessions[i].verdict, "AssumeRole arn s e/1");
		if (sessions[i].verdict == STEP_DONE) {
			assert_true(json_equal(scene.play.step.data, expected));
			assert_int_equal(scene.play.step.expires_at, 1767323045);
		} else if (!scene.play.step.culprit || scene.play.step.data) {
			fail_msg("%s", sessions[i].name);
		}
		scene_close(&scene);
	}
	json_decref(expected);
}

static void without_an_external_id_none_is_sent(void **state)
{
	struct scene scene;

	(void)state;
	scene_of_issue(&scene, "{\"kind\":\"sts\",\"session\":\"s\",\"role_arn\":\"arn\"}", "{}");
	scene.play.answer = answer_session;
	scene.play.check = NULL;
	scene.play.cloud = (void *)(uintptr_t)sessions[0].body;
	expect(&scene, STEP_DONE, "AssumeRole arn s");
	scene_close(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sessions_are_one_call),
		cmocka_unit_test(without_an_external_id_none_is_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
