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
#include "tencent_model.h"
#include "util/json.h"

/* The model gives the remote policy number 1, then numbers what is made from 2 on, users from 1002. */
#define REMOTE(id) "[{\"policy_name\":\"Read\",\"scope\":\"QCS\",\"policy_id\":" #id "}]"
#define PLAN(id)                                                                                   \
	"{\"kind\":\"cam\",\"user\":\"u\",\"inline\":[{\"name\":\"u-1\"},{\"name\":\"u-2\"}],"     \
	"\"remote\":" REMOTE(id) "}"
#define ROLE(id)                                                                                   \
	"{\"role_arn\":\"\",\"inline_policies\":[{\"hash\":\"1\",\"policy_document\":{\"a\":1}},"  \
	"{\"hash\":\"2\",\"policy_document\":{\"b\":2}}],\"remote_policies\":" REMOTE(id) "}"
#define CALLS 6 /* of an issue without faults */

#define ROUND1 "AddUser, CreatePolicy u-1, CreatePolicy u-2"
#define ROUND2 "AttachUserPolicy 3, AttachUserPolicy 4, AttachUserPolicy 1"

/* A conversation with a model of the cloud. */
struct scene {
	struct tencent_model world;
	struct play play;
	json_t *role, *plan;
};

static void scene_open(struct scene *scene, const char *plan, const char *role)
{
	memset(scene, 0, sizeof(*scene));
	scene->plan = play_json(plan);
	scene->role = play_json(role);
	scene->play.step.plan = scene->plan;
	scene->play.step.role = scene->role;
	scene->play.answer = tencent_answer;
	scene->play.check = tencent_check;
	scene->play.cloud = &scene->world;
	model_add_policy(&scene->world.model, "System", "Read");
}

static void scene_close(struct scene *scene)
{
	play_free(&scene->play);
	json_decref(scene->plan);
	json_decref(scene->role);
}

static void expect(struct scene *scene, enum verdict verdict, const char *log)
{
	play(&scene->play, engine_tencentcloud.issue);
	assert_string_equal(scene->play.log, log);
	assert_int_equal(scene->play.verdict, verdict);
}

static void a_user_is_made_in_two_rounds(void **state)
{
	json_t *data = play_json("{\"secret_id\":\"LTAI1\",\"secret_key\":\"secret\"}");
	json_t *facts = play_json("{\"uin\":1002,\"secret_id\":\"LTAI1\",\"inline\":[3,4],"
				  "\"remote\":[1],\"repeated\":false}");
	struct scene scene;

	(void)state;
	scene_open(&scene, PLAN(1), ROLE(1));
	expect(&scene, STEP_DONE, ROUND1 " | " ROUND2);
	assert_int_equal(scene.play.calls, CALLS);
	assert_true(json_equal(scene.play.step.data, data));
	assert_true(json_equal(scene.play.step.facts_out, facts));
	assert_null(scene.play.step.role_out);
	assert_int_equal(scene.play.step.expires_at, 0);
	assert_int_equal(model_attachments_of(&scene.world.model, "u"), 3);
	scene_close(&scene);
	json_decref(data);
	json_decref(facts);
}

/* ---- What is sent ---- */

static void check_call(void *cloud, const struct call *call, struct answer *answer)
{
	const json_t *params = call->params;
	enum call_effect effect = CALL_REMOVES;

	if (strcmp(call->action, "AddUser") == 0) {
		effect = CALL_CREATES;
		assert_int_equal(json_get_int(params, "ConsoleLogin", -1), 0);
		assert_int_equal(json_get_int(params, "UseApi", -1), 1);
	} else if (strcmp(call->action, "CreatePolicy") == 0) {
		bool first = strcmp(json_get_text(params, "PolicyName"), "u-1") == 0;

		effect = CALL_CREATES;
		assert_string_equal(json_get_text(params, "Description"), "Created by leasehold.");
		assert_string_equal(json_get_text(params, "PolicyDocument"),
				    first ? "{\"a\":1}" : "{\"b\":2}");
	} else {
		assert_int_equal(json_get_int(params, "AttachUin", 0), 1002);
		assert_true(json_get_int(params, "PolicyId", 0) > 0);
	}
	assert_int_equal(call->effect, effect);
	assert_false(call->anonymous);
	tencent_answer(cloud, call, answer);
}

static void calls_carry_what_the_cloud_needs(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, PLAN(1), ROLE(1));
	scene.play.answer = check_call;
	play(&scene.play, engine_tencentcloud.issue);
	assert_int_equal(scene.play.verdict, STEP_DONE);
	scene_close(&scene);
}

/* ---- Remote policies ---- */

static void an_unknown_number_is_looked_up_first_and_remembered(void **state)
{
	json_t *role = play_json(ROLE(1));
	struct scene scene;

	(void)state;
	scene_open(&scene, PLAN(0), ROLE(0));
	model_add_policy(&scene.world.model, "System", "ReadMore");
	model_add_policy(&scene.world.model, "Custom", "Read");
	expect(&scene, STEP_DONE,
	       "ListPolicies 1 QCS Read | " ROUND1
	       " | AttachUserPolicy 5, AttachUserPolicy 6, AttachUserPolicy 1");
	assert_true(json_equal(scene.play.step.role_out, role));
	scene_close(&scene);
	json_decref(role);
}

static void a_name_that_does_not_exist_is_told_before_anything_is_made(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, PLAN(0), ROLE(0));
	scene.world.model.policies[0][0] = '\0';
	model_add_policy(&scene.world.model, "System", "ReadOnly");
	expect(&scene, STEP_FAILED, "ListPolicies 1 QCS Read");
	assert_true(scene.play.step.mistake);
	assert_string_equal(scene.play.step.reason,
			    "remote_policies: policy_name:Read,scope:QCS no data: no policy has "
			    "exactly this name; near it: ReadOnly");
	scene_close(&scene);
}

/* The policy was deleted and made again: the number that the role remembers is gone. */
static void a_number_that_is_gone_is_looked_up_once_more(void **state)
{
	json_t *role = play_json(ROLE(1));
	struct scene scene;

	(void)state;
	scene_open(&scene, PLAN(77), ROLE(77));
	expect(&scene, STEP_DONE,
	       ROUND1 " | AttachUserPolicy 3, AttachUserPolicy 4, AttachUserPolicy 77"
		      " | ListPolicies 1 QCS Read | AttachUserPolicy 1");
	assert_true(json_equal(scene.play.step.role_out, role));
	assert_int_equal(model_attachments_of(&scene.world.model, "u"), 3);
	scene_close(&scene);
	json_decref(role);
}

static void answer_old_number(void *cloud, const struct call *call, struct answer *answer)
{
	tencent_answer(cloud, call, answer);
	if (strcmp(call->action, "ListPolicies") == 0)
		json_object_set_new(json_array_get(json_object_get(answer->body, "List"), 0),
				    "PolicyId", json_integer(77));
}

static void a_number_that_stays_gone_is_final(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, PLAN(77), ROLE(77));
	scene.play.answer = answer_old_number;
	play(&scene.play, engine_tencentcloud.issue);
	assert_int_equal(scene.play.verdict, STEP_FAILED);
	assert_string_equal(play_culprit_code(&scene.play), "ResourceNotFound.PolicyIdNotFound");
	assert_int_equal(scene.play.rounds, 4);
	scene_close(&scene);
}

static void a_policy_that_is_gone_altogether_is_a_mistake_of_the_role(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, PLAN(1), ROLE(1));
	scene.world.model.policies[0][0] = '\0';
	play(&scene.play, engine_tencentcloud.issue);
	assert_int_equal(scene.play.verdict, STEP_FAILED);
	assert_true(scene.play.step.mistake);
	scene_close(&scene);
}

/* ---- Failures ---- */

/* Takes back what an issue left, as the broker would, and looks whether anything remains. */
static void clean_up(struct scene *scene, const json_t *facts)
{
	struct play revoke = { .answer = tencent_answer,
			       .cloud = &scene->world,
			       .check = tencent_check };

	scene->world.model.fault_at = 0;
	revoke.step.plan = scene->plan;
	revoke.step.facts = facts;
	play(&revoke, engine_tencentcloud.revoke);
	assert_int_equal(revoke.verdict, STEP_DONE);
	assert_false(model_holds(&scene->world.model, scene->plan));
	assert_true(model_has_policy(&scene->world.model, "System", "Read"));
	play_free(&revoke);
}

static const struct {
	const char *name;
	enum answer_kind kind;
	bool has_effect;
	const char *code;
} faults[] = {
	{ "no permission", ANSWER_REFUSED, false, "AuthFailure.UnauthorizedOperation" },
	{ "a limit", ANSWER_REFUSED, false, "InvalidParameter.SubUserFull" },
	{ "throttled to the deadline", ANSWER_THROTTLED, false, "" },
	{ "sick without effect", ANSWER_SICK, false, "" },
	{ "sick after the effect", ANSWER_SICK, true, "" },
	{ "lost before the effect", ANSWER_UNSURE, false, "" },
	{ "lost after the effect", ANSWER_UNSURE, true, "" },
	{ "not reached", ANSWER_UNSENT, false, "" },
};

static void every_failure_at_every_call_fails_and_leaves_nothing(void **state)
{
	static const char *const actions[CALLS + 1] = {
		"ListPolicies",     "AddUser",          "CreatePolicy",     "CreatePolicy",
		"AttachUserPolicy", "AttachUserPolicy", "AttachUserPolicy",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		for (size_t at = 1; at <= CALLS + 1; at++) {
			struct scene scene;

			scene_open(&scene, PLAN(0), ROLE(0));
			scene.world.model.fault_at = at;
			scene.world.model.fault = faults[i].kind;
			scene.world.model.fault_has_effect = faults[i].has_effect;
			scene.world.model.fault_code = faults[i].code;
			play(&scene.play, engine_tencentcloud.issue);
			if (scene.play.verdict != STEP_FAILED || scene.play.step.data ||
			    scene.play.step.mistake ||
			    strcmp(play_culprit_action(&scene.play), actions[at - 1]) != 0 ||
			    strcmp(play_culprit_code(&scene.play), faults[i].code) != 0)
				fail_msg("%s at call %zu: %d, %s", faults[i].name, at,
					 (int)scene.play.verdict, scene.play.log);
			clean_up(&scene, NULL);
			scene_close(&scene);
		}
	}
}

/* ---- Names in use ---- */

static void a_name_in_use_needs_a_new_plan(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, PLAN(1), ROLE(1));
	model_add_user(&scene.world.model, "u");
	expect(&scene, STEP_TAKEN, ROUND1);
	scene_close(&scene);
	scene_open(&scene, PLAN(1), ROLE(1));
	model_add_policy(&scene.world.model, "Custom", "u-2");
	expect(&scene, STEP_TAKEN, ROUND1);
	scene_close(&scene);
}

static void answer_again(void *cloud, const struct call *call, struct answer *answer)
{
	struct answer lost = { 0 };

	tencent_answer(cloud, call, &lost);
	answer_clear(&lost);
	tencent_answer(cloud, call, answer);
	answer->repeated = true;
}

/* The user is ours then, but the key came with the answer that was lost. */
static void what_an_earlier_attempt_made_is_abandoned(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, PLAN(1), ROLE(1));
	scene.play.answer = answer_again;
	expect(&scene, STEP_TAKEN, ROUND1);
	clean_up(&scene, NULL);
	scene_close(&scene);
}

static void answer_repeated(void *cloud, const struct call *call, struct answer *answer)
{
	tencent_answer(cloud, call, answer);
	answer->repeated = true;
}

static void answer_attachments_again(void *cloud, const struct call *call, struct answer *answer)
{
	if (strcmp(call->action, "AttachUserPolicy") == 0)
		answer_again(cloud, call, answer);
	else
		tencent_answer(cloud, call, answer);
}

#define ATTACHED "ListAttachedUserPolicies 1"

static void a_second_attachment_that_is_refused_is_looked_at(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, PLAN(1), ROLE(1));
	scene.world.attaches_once = true;
	scene.play.answer = answer_attachments_again;
	expect(&scene, STEP_DONE, ROUND1 " | " ROUND2 " | " ATTACHED ", " ATTACHED ", " ATTACHED);
	scene_close(&scene);
}

static void answer_refused_attachment(void *cloud, const struct call *call, struct answer *answer)
{
	if (strcmp(call->action, "AttachUserPolicy") != 0 ||
	    json_get_int(call->params, "PolicyId", 0) != 1) {
		tencent_answer(cloud, call, answer);
		return;
	}
	answer->kind = ANSWER_REFUSED;
	strcpy(answer->code, "FailedOperation");
}

static void one_that_is_not_there_then_is_a_failure(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, PLAN(1), ROLE(1));
	scene.play.answer = answer_refused_attachment;
	expect(&scene, STEP_FAILED, ROUND1 " | " ROUND2 " | " ATTACHED);
	assert_string_equal(play_culprit_action(&scene.play), "AttachUserPolicy");
	assert_string_equal(play_culprit_code(&scene.play), "FailedOperation");
	clean_up(&scene, NULL);
	scene_close(&scene);
}

static void a_repetition_is_remembered(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, PLAN(1), ROLE(1));
	scene.play.answer = answer_repeated;
	expect(&scene, STEP_DONE, ROUND1 " | " ROUND2);
	assert_true(json_get_true(scene.play.step.facts_out, "repeated"));
	scene_close(&scene);
}

/* ---- Things that are seen late ---- */

static void what_is_not_seen_yet_is_asked_for_again(void **state)
{
	struct scene scene;

	(void)state;
	for (int bare = 0; bare < 2; bare++) {
		scene_open(&scene, PLAN(1), ROLE(1));
		scene.world.model.late = 4; /* the whole second round and a part of the third */
		scene.world.bare_codes = bare;
		expect(&scene, STEP_DONE,
		       ROUND1 " | " ROUND2 " | +200 " ROUND2 " | +400 AttachUserPolicy 3");
		assert_int_equal(model_attachments_of(&scene.world.model, "u"), 3);
		scene_close(&scene);
	}
}

static void waiting_ends(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, PLAN(1), ROLE(1));
	scene.world.model.late = 1000;
	play(&scene.play, engine_tencentcloud.issue);
	assert_int_equal(scene.play.verdict, STEP_FAILED);
	assert_string_equal(play_culprit_code(&scene.play), "ResourceNotFound.UserNotExist");
	assert_int_equal(scene.play.rounds, 2 + 5);
	scene_close(&scene);
}

/* ---- Answers and plans that lack something ---- */

static const char *lacking;

static void answer_lacking(void *cloud, const struct call *call, struct answer *answer)
{
	tencent_answer(cloud, call, answer);
	json_object_del(answer->body, lacking);
}

static void an_answer_that_lacks_something_is_a_failure(void **state)
{
	static const char *const members[] = { "Uin", "SecretId", "SecretKey", "PolicyId" };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct scene scene;

		scene_open(&scene, PLAN(1), ROLE(1));
		lacking = members[i];
		scene.play.answer = answer_lacking;
		expect(&scene, STEP_FAILED, ROUND1);
		assert_non_null(scene.play.step.culprit);
		clean_up(&scene, NULL);
		scene_close(&scene);
	}
}

static const struct {
	const char *name, *plan;
} bad_plans[] = {
	{ "a plan without a kind", "{}" },
	{ "a plan with an empty user", "{\"kind\":\"cam\",\"user\":\"\",\"inline\":[]}" },
	{ "a plan of another state of the role",
	  "{\"kind\":\"cam\",\"user\":\"u\",\"inline\":[]}" },
	{ "a plan with an unnamed policy",
	  "{\"kind\":\"cam\",\"user\":\"u\",\"inline\":[{\"name\":\"u-1\"},{}]}" },
	{ "a session without a role", "{\"kind\":\"sts\",\"session\":\"s\",\"role_arn\":\"\"}" },
};

static void nothing_is_called_for_a_plan_that_lacks_something(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad_plans) / sizeof(bad_plans[0]); i++) {
		struct scene scene;

		scene_open(&scene, bad_plans[i].plan, ROLE(1));
		play(&scene.play, engine_tencentcloud.issue);
		if (scene.play.verdict != STEP_FAILED || scene.play.calls ||
		    !scene.play.step.reason[0])
			fail_msg("%s: %d, %s", bad_plans[i].name, (int)scene.play.verdict,
				 scene.play.log);
		scene_close(&scene);
	}
}

/* ---- Sessions ---- */

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

		scene_open(&scene,
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
	scene_open(&scene, "{\"kind\":\"sts\",\"session\":\"s\",\"role_arn\":\"arn\"}", "{}");
	scene.play.answer = answer_session;
	scene.play.check = NULL;
	scene.play.cloud = (void *)(uintptr_t)sessions[0].body;
	expect(&scene, STEP_DONE, "AssumeRole arn s");
	scene_close(&scene);
}

/* ---- Memory ---- */

/* Each step alone: what it needs fails, the cloud's own memory does not. */
static unsigned fail_each(unsigned at)
{
	struct scene scene;
	enum verdict verdict;
	unsigned failures = 0;

	scene_open(&scene, PLAN(0), ROLE(0));
	scene.world.model.late = 2;
	scene.play.step.notes = json_object();
	do {
		fail_alloc_at(at);
		verdict = engine_tencentcloud.issue(&scene.play.step);
		if (fail_alloc_stop()) {
			failures++;
			assert_int_equal(verdict, STEP_FAILED);
			assert_null(scene.play.step.culprit);
			assert_non_null(strstr(scene.play.step.reason, "memory"));
			break;
		}
		play_step(&scene.play, verdict);
	} while (verdict == STEP_MORE);
	if (!failures)
		assert_int_equal(verdict, STEP_DONE);
	clean_up(&scene, NULL);
	scene_close(&scene);
	return failures;
}

static void each_failing_allocation_is_a_failure(void **state)
{
	unsigned at = 1;

	(void)state;
	while (fail_each(at))
		at++;
	assert_true(at > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_user_is_made_in_two_rounds),
		cmocka_unit_test(calls_carry_what_the_cloud_needs),
		cmocka_unit_test(an_unknown_number_is_looked_up_first_and_remembered),
		cmocka_unit_test(a_name_that_does_not_exist_is_told_before_anything_is_made),
		cmocka_unit_test(a_number_that_is_gone_is_looked_up_once_more),
		cmocka_unit_test(a_number_that_stays_gone_is_final),
		cmocka_unit_test(a_policy_that_is_gone_altogether_is_a_mistake_of_the_role),
		cmocka_unit_test(every_failure_at_every_call_fails_and_leaves_nothing),
		cmocka_unit_test(a_name_in_use_needs_a_new_plan),
		cmocka_unit_test(what_an_earlier_attempt_made_is_abandoned),
		cmocka_unit_test(a_second_attachment_that_is_refused_is_looked_at),
		cmocka_unit_test(one_that_is_not_there_then_is_a_failure),
		cmocka_unit_test(a_repetition_is_remembered),
		cmocka_unit_test(what_is_not_seen_yet_is_asked_for_again),
		cmocka_unit_test(waiting_ends),
		cmocka_unit_test(an_answer_that_lacks_something_is_a_failure),
		cmocka_unit_test(nothing_is_called_for_a_plan_that_lacks_something),
		cmocka_unit_test(sessions_are_one_call),
		cmocka_unit_test(without_an_external_id_none_is_sent),
		cmocka_unit_test(each_failing_allocation_is_a_failure),
	};

	fail_alloc_jansson();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
