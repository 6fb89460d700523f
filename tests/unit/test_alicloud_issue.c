/* SPDX-License-Identifier: Apache-2.0 */
/* What an issue of a user calls, what it copes with, and what is left when it fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "alicloud_scene.h"
#include "fail_alloc.h"
#include "play_memory.h"
#include "util/json.h"

#define ROUND1 "CreateUser, CreatePolicy u-1, CreatePolicy u-2"
#define ROUND2                                                                                     \
	"AttachPolicyToUser Custom u-1, AttachPolicyToUser Custom u-2, "                           \
	"AttachPolicyToUser System Read, CreateAccessKey"

static void a_user_is_made_in_two_rounds(void **state)
{
	struct scene scene;

	(void)state;
	scene_of_issue(&scene, PLAN, ROLE);
	play(&scene.play, engine_alicloud.issue);
	assert_int_equal(scene.play.verdict, STEP_DONE);
	assert_string_equal(scene.play.log, ROUND1 " | " ROUND2);
	assert_int_equal(scene.play.calls, ISSUE_CALLS);
	assert_string_equal(json_get_text(scene.play.step.data, "access_key"), "LTAI1");
	assert_string_equal(json_get_text(scene.play.step.data, "secret_key"), "secret");
	assert_int_equal(json_object_size(scene.play.step.data), 2);
	assert_string_equal(json_get_text(scene.play.step.facts_out, "access_key_id"), "LTAI1");
	assert_int_equal(json_object_size(scene.play.step.facts_out), 1);
	assert_int_equal(scene.play.step.expires_at, 0);
	assert_int_equal(model_attachments_of(&scene.model, "u"), 3);
	scene_close(&scene);
}

static void a_role_without_inline_policies_needs_three_calls(void **state)
{
	struct scene scene;

	(void)state;
	scene_of_issue(&scene,
		       "{\"kind\":\"ram\",\"user\":\"u\",\"inline\":[],"
		       "\"remote\":[{\"name\":\"Read\",\"type\":\"System\"}]}",
		       "{\"inline_policies\":null}");
	play(&scene.play, engine_alicloud.issue);
	assert_int_equal(scene.play.verdict, STEP_DONE);
	assert_string_equal(scene.play.log,
			    "CreateUser | AttachPolicyToUser System Read, CreateAccessKey");
	scene_close(&scene);
}

/* ---- What is sent ---- */

static void check_call(void *cloud, const struct call *call, struct answer *answer)
{
	const json_t *params = call->params;
	enum call_effect effect = CALL_REMOVES;

	if (strcmp(call->action, "CreateUser") == 0) {
		effect = CALL_CREATES;
		assert_string_equal(json_get_text(params, "DisplayName"), "u");
	} else if (strcmp(call->action, "CreatePolicy") == 0) {
		bool first = strcmp(json_get_text(params, "PolicyName"), "u-1") == 0;

		effect = CALL_CREATES;
		assert_string_equal(json_get_text(params, "Description"), "Created by leasehold.");
		assert_string_equal(json_get_text(params, "PolicyDocument"),
				    first ? "{\"a\":1}" : "{\"b\":2}");
	} else if (strcmp(call->action, "CreateAccessKey") == 0) {
		effect = CALL_ONCE;
	}
	assert_int_equal(call->effect, effect);
	assert_string_equal(call->service->name, "ram");
	assert_string_equal(call->service->version, "2015-05-01");
	assert_int_equal(call->service->endpoint, ENDPOINT_USER);
	model_answer(cloud, call, answer);
}

static void calls_carry_what_the_cloud_needs(void **state)
{
	struct scene scene;

	(void)state;
	scene_of_issue(&scene, PLAN, ROLE);
	scene.play.answer = check_call;
	play(&scene.play, engine_alicloud.issue);
	assert_int_equal(scene.play.verdict, STEP_DONE);
	scene_close(&scene);
}

/* ---- Failures ---- */

static const struct model_fault faults[] = {
	{ "no permission", ANSWER_REFUSED, false, "NoPermission" },
	{ "a limit", ANSWER_REFUSED, false, "LimitExceeded.User" },
	{ "throttled to the deadline", ANSWER_THROTTLED, false, "" },
	{ "sick without effect", ANSWER_SICK, false, "" },
	{ "sick after the effect", ANSWER_SICK, true, "" },
	{ "lost before the effect", ANSWER_UNSURE, false, "" },
	{ "lost after the effect", ANSWER_UNSURE, true, "" },
	{ "not reached", ANSWER_UNSENT, false, "" },
};

static void every_failure_at_every_call_fails_and_leaves_nothing(void **state)
{
	static const char *const actions[ISSUE_CALLS] = {
		"CreateUser",         "CreatePolicy",       "CreatePolicy",    "AttachPolicyToUser",
		"AttachPolicyToUser", "AttachPolicyToUser", "CreateAccessKey",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		for (size_t at = 1; at <= ISSUE_CALLS; at++) {
			struct scene scene;

			scene_of_issue(&scene, PLAN, ROLE);
			model_fail(&scene.model, at, &faults[i]);
			play(&scene.play, engine_alicloud.issue);
			if (scene.play.verdict != STEP_FAILED || scene.play.step.data ||
			    strcmp(play_culprit_action(&scene.play), actions[at - 1]) != 0 ||
			    strcmp(play_culprit_code(&scene.play), faults[i].code) != 0)
				fail_msg("%s at call %zu: %d, %s", faults[i].name, at,
					 (int)scene.play.verdict, scene.play.log);
			scene_clean_up(&scene, NULL);
			scene_close(&scene);
		}
	}
}

/* ---- Names in use ---- */

static void a_user_name_in_use_needs_a_new_plan(void **state)
{
	struct scene scene;

	(void)state;
	scene_of_issue(&scene, PLAN, ROLE);
	model_add_user(&scene.model, "u");
	play(&scene.play, engine_alicloud.issue);
	assert_int_equal(scene.play.verdict, STEP_TAKEN);
	assert_string_equal(scene.play.log, ROUND1);
	scene_close(&scene);
}

static void a_policy_name_in_use_needs_a_new_plan(void **state)
{
	struct scene scene;

	(void)state;
	scene_of_issue(&scene, PLAN, ROLE);
	model_add_policy(&scene.model, "Custom", "u-2");
	play(&scene.play, engine_alicloud.issue);
	assert_int_equal(scene.play.verdict, STEP_TAKEN);
	scene_close(&scene);
}

/* A new plan would run into the same wall. */
static void another_failure_counts_more_than_a_name_in_use(void **state)
{
	struct scene scene;

	(void)state;
	scene_of_issue(&scene, PLAN, ROLE);
	model_add_user(&scene.model, "u");
	scene.model.fault_at = 2;
	scene.model.fault = ANSWER_REFUSED;
	scene.model.fault_code = "MalformedPolicyDocument";
	play(&scene.play, engine_alicloud.issue);
	assert_int_equal(scene.play.verdict, STEP_FAILED);
	assert_string_equal(play_culprit_code(&scene.play), "MalformedPolicyDocument");
	scene_close(&scene);
}

static void answer_again(void *cloud, const struct call *call, struct answer *answer)
{
	struct answer lost = { 0 };

	model_answer(cloud, call, &lost);
	answer_clear(&lost);
	model_answer(cloud, call, answer);
	answer->repeated = true;
}

static void answer_creations_again(void *cloud, const struct call *call, struct answer *answer)
{
	if (call->effect == CALL_ONCE)
		model_answer(cloud, call, answer);
	else
		answer_again(cloud, call, answer);
}

static void what_an_earlier_attempt_made_is_ours(void **state)
{
	struct scene scene;

	(void)state;
	scene_of_issue(&scene, PLAN, ROLE);
	scene.play.answer = answer_creations_again;
	play(&scene.play, engine_alicloud.issue);
	assert_int_equal(scene.play.verdict, STEP_DONE);
	assert_string_equal(scene.play.log, ROUND1 " | " ROUND2);
	scene_close(&scene);
}

/* ---- Things that are seen late ---- */

static void what_is_not_seen_yet_is_asked_for_again(void **state)
{
	struct scene scene;

	(void)state;
	scene_of_issue(&scene, PLAN, ROLE);
	scene.model.late = 6; /* the whole second round and half of the third */
	play(&scene.play, engine_alicloud.issue);
	assert_int_equal(scene.play.verdict, STEP_DONE);
	assert_string_equal(scene.play.log, ROUND1 " | " ROUND2 " | +200 " ROUND2
						   " | +400 AttachPolicyToUser Custom u-1, "
						   "AttachPolicyToUser Custom u-2");
	assert_string_equal(json_get_text(scene.play.step.data, "secret_key"), "secret");
	assert_int_equal(model_keys_of(&scene.model, "u"), 1);
	assert_int_equal(model_attachments_of(&scene.model, "u"), 3);
	scene_close(&scene);
}

static void waiting_ends(void **state)
{
	struct scene scene;

	(void)state;
	scene_of_issue(&scene, PLAN, ROLE);
	scene.model.late = 1000;
	play(&scene.play, engine_alicloud.issue);
	assert_int_equal(scene.play.verdict, STEP_FAILED);
	assert_string_equal(play_culprit_code(&scene.play), "EntityNotExist.User");
	assert_int_equal(scene.play.rounds, 2 + 5);
	assert_non_null(strstr(scene.play.log, "+3200 "));
	scene_close(&scene);
}

static void a_remote_policy_that_is_missing_is_final(void **state)
{
	struct scene scene;

	(void)state;
	scene_of_issue(&scene, PLAN, ROLE);
	memset(scene.model.policies, 0, sizeof(scene.model.policies));
	play(&scene.play, engine_alicloud.issue);
	assert_int_equal(scene.play.verdict, STEP_FAILED);
	assert_string_equal(play_culprit_code(&scene.play), "EntityNotExist.Policy");
	assert_string_equal(play_culprit_action(&scene.play), "AttachPolicyToUser");
	assert_int_equal(scene.play.rounds, 2);
	scene_close(&scene);
}

/* ---- Answers and plans that lack something ---- */

static void answer_without_key(void *cloud, const struct call *call, struct answer *answer)
{
	model_answer(cloud, call, answer);
	if (strcmp(call->action, "CreateAccessKey") == 0)
		json_object_del(json_object_get(answer->body, "AccessKey"), "AccessKeySecret");
}

static void a_key_without_a_secret_is_a_failure(void **state)
{
	struct scene scene;

	(void)state;
	scene_of_issue(&scene, PLAN, ROLE);
	scene.play.answer = answer_without_key;
	play(&scene.play, engine_alicloud.issue);
	assert_int_equal(scene.play.verdict, STEP_FAILED);
	assert_string_equal(play_culprit_action(&scene.play), "CreateAccessKey");
	assert_null(scene.play.step.data);
	scene_clean_up(&scene, NULL);
	scene_close(&scene);
}

static const struct {
	const char *name, *plan;
} bad_plans[] = {
	{ "a plan without a kind", "{}" },
	{ "a plan without a user", "{\"kind\":\"ram\",\"inline\":[],\"remote\":[]}" },
	{ "a plan with an empty user", "{\"kind\":\"ram\",\"user\":\"\",\"inline\":[]}" },
	{ "a plan of another state of the role",
	  "{\"kind\":\"ram\",\"user\":\"u\",\"inline\":[]}" },
	{ "a plan with an unnamed policy",
	  "{\"kind\":\"ram\",\"user\":\"u\",\"inline\":[{\"name\":\"u-1\"},{}]}" },
	{ "a session without a role", "{\"kind\":\"sts\",\"session\":\"s\",\"role_arn\":\"\"}" },
	{ "a session without a name", "{\"kind\":\"sts\",\"role_arn\":\"acs:ram::1:role/r\"}" },
};

static void nothing_is_called_for_a_plan_that_lacks_something(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad_plans) / sizeof(bad_plans[0]); i++) {
		struct scene scene;

		scene_of_issue(&scene, bad_plans[i].plan, ROLE);
		play(&scene.play, engine_alicloud.issue);
		if (scene.play.verdict != STEP_FAILED || scene.play.calls ||
		    !scene.play.step.reason[0] || scene.play.step.culprit)
			fail_msg("%s: %d, %s", bad_plans[i].name, (int)scene.play.verdict,
				 scene.play.log);
		scene_close(&scene);
	}
}

/* ---- Memory ---- */

/* Whether the allocation with this number failed. */
static bool lose(unsigned at)
{
	struct scene scene;
	bool lost;

	scene_of_issue(&scene, PLAN, ROLE);
	scene.model.late = 2;
	lost = play_losing(&scene.play, engine_alicloud.issue, at);
	if (!lost)
		assert_int_equal(scene.play.verdict, STEP_DONE);
	scene_clean_up(&scene, NULL);
	scene_close(&scene);
	return lost;
}

static void each_failing_allocation_is_a_failure(void **state)
{
	(void)state;
	play_each_loss(lose, 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_user_is_made_in_two_rounds),
		cmocka_unit_test(a_role_without_inline_policies_needs_three_calls),
		cmocka_unit_test(calls_carry_what_the_cloud_needs),
		cmocka_unit_test(every_failure_at_every_call_fails_and_leaves_nothing),
		cmocka_unit_test(a_user_name_in_use_needs_a_new_plan),
		cmocka_unit_test(a_policy_name_in_use_needs_a_new_plan),
		cmocka_unit_test(another_failure_counts_more_than_a_name_in_use),
		cmocka_unit_test(what_an_earlier_attempt_made_is_ours),
		cmocka_unit_test(what_is_not_seen_yet_is_asked_for_again),
		cmocka_unit_test(waiting_ends),
		cmocka_unit_test(a_remote_policy_that_is_missing_is_final),
		cmocka_unit_test(a_key_without_a_secret_is_a_failure),
		cmocka_unit_test(nothing_is_called_for_a_plan_that_lacks_something),
		cmocka_unit_test(each_failing_allocation_is_a_failure),
	};

	fail_alloc_jansson();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
