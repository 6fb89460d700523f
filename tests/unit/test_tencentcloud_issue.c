/* SPDX-License-Identifier: Apache-2.0 */
/* What an issue of a user calls, and what it copes with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tencent_scene.h"
#include "util/json.h"

#define ROUND1 "AddUser, CreatePolicy u-1, CreatePolicy u-2"
#define ROUND2 "AttachUserPolicy 3, AttachUserPolicy 4, AttachUserPolicy 1"

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
	scene_of_issue(&scene, PLAN(1), ROLE(1));
	expect(&scene, STEP_DONE, ROUND1 " | " ROUND2);
	assert_int_equal(scene.play.calls, ISSUE_CALLS);
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
	scene_of_issue(&scene, PLAN(1), ROLE(1));
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
	scene_of_issue(&scene, PLAN(0), ROLE(0));
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
	scene_of_issue(&scene, PLAN(0), ROLE(0));
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
	scene_of_issue(&scene, PLAN(77), ROLE(77));
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
	scene_of_issue(&scene, PLAN(77), ROLE(77));
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
	scene_of_issue(&scene, PLAN(1), ROLE(1));
	scene.world.model.policies[0][0] = '\0';
	play(&scene.play, engine_tencentcloud.issue);
	assert_int_equal(scene.play.verdict, STEP_FAILED);
	assert_true(scene.play.step.mistake);
	scene_close(&scene);
}

/* ---- Names in use ---- */

static void a_name_in_use_needs_a_new_plan(void **state)
{
	struct scene scene;

	(void)state;
	scene_of_issue(&scene, PLAN(1), ROLE(1));
	model_add_user(&scene.world.model, "u");
	expect(&scene, STEP_TAKEN, ROUND1);
	scene_close(&scene);
	scene_of_issue(&scene, PLAN(1), ROLE(1));
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
	scene_of_issue(&scene, PLAN(1), ROLE(1));
	scene.play.answer = answer_again;
	expect(&scene, STEP_TAKEN, ROUND1);
	scene_clean_up(&scene, NULL);
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
	scene_of_issue(&scene, PLAN(1), ROLE(1));
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
	scene_of_issue(&scene, PLAN(1), ROLE(1));
	scene.play.answer = answer_refused_attachment;
	expect(&scene, STEP_FAILED, ROUND1 " | " ROUND2 " | " ATTACHED);
	assert_string_equal(play_culprit_action(&scene.play), "AttachUserPolicy");
	assert_string_equal(play_culprit_code(&scene.play), "FailedOperation");
	scene_clean_up(&scene, NULL);
	scene_close(&scene);
}

static void a_repetition_is_remembered(void **state)
{
	struct scene scene;

	(void)state;
	scene_of_issue(&scene, PLAN(1), ROLE(1));
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
		scene_of_issue(&scene, PLAN(1), ROLE(1));
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
	scene_of_issue(&scene, PLAN(1), ROLE(1));
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

		scene_of_issue(&scene, PLAN(1), ROLE(1));
		lacking = members[i];
		scene.play.answer = answer_lacking;
		expect(&scene, STEP_FAILED, ROUND1);
		assert_non_null(scene.play.step.culprit);
		scene_clean_up(&scene, NULL);
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

		scene_of_issue(&scene, bad_plans[i].plan, ROLE(1));
		play(&scene.play, engine_tencentcloud.issue);
		if (scene.play.verdict != STEP_FAILED || scene.play.calls ||
		    !scene.play.step.reason[0])
			fail_msg("%s: %d, %s", bad_plans[i].name, (int)scene.play.verdict,
				 scene.play.log);
		scene_close(&scene);
	}
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
		cmocka_unit_test(a_name_in_use_needs_a_new_plan),
		cmocka_unit_test(what_an_earlier_attempt_made_is_abandoned),
		cmocka_unit_test(a_second_attachment_that_is_refused_is_looked_at),
		cmocka_unit_test(one_that_is_not_there_then_is_a_failure),
		cmocka_unit_test(a_repetition_is_remembered),
		cmocka_unit_test(what_is_not_seen_yet_is_asked_for_again),
		cmocka_unit_test(waiting_ends),
		cmocka_unit_test(an_answer_that_lacks_something_is_a_failure),
		cmocka_unit_test(nothing_is_called_for_a_plan_that_lacks_something),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
