/* SPDX-License-Identifier: Apache-2.0 */
/* What a revocation calls, and what it copes with: things made by hand, seen late, or not sane. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tencent_scene.h"
#include "util/json.h"

static void a_user_is_removed_in_two_rounds(void **state)
{
	struct scene scene;

	(void)state;
	scene_of_revocation(&scene, FACTS);
	scene_expect_gone(&scene, CLEAR " | " CLOSE);
	assert_int_equal(scene.play.calls, REVOKE_CALLS);
	scene_close(&scene);
}

static void check_call(void *cloud, const struct call *call, struct answer *answer)
{
	bool looks = strncmp(call->action, "List", 4) == 0 || strncmp(call->action, "Get", 3) == 0;

	if (strcmp(call->action, "DeleteUser") == 0)
		assert_int_equal(json_get_int(call->params, "Force", 0), 1);
	assert_int_equal(call->effect, looks ? CALL_READS : CALL_REMOVES);
	tencent_answer(cloud, call, answer);
}

static void calls_carry_what_the_cloud_needs(void **state)
{
	struct scene scene;

	(void)state;
	scene_of_revocation(&scene, REPEATED);
	scene.play.answer = check_call;
	play(&scene.play, engine_tencentcloud.revoke);
	assert_int_equal(scene.play.verdict, STEP_DONE);
	scene_close(&scene);
}

/* ---- Without numbers ---- */

static void without_facts_all_is_found_by_its_exact_name(void **state)
{
	struct scene scene;

	(void)state;
	scene_of_revocation(&scene, NULL);
	model_add_policy(&scene.world.model, "Custom", "u-10");
	model_add_policy(&scene.world.model, "Custom", "xu-1");
	scene_expect_gone(&scene, FIND " | " LIST " | " CLEAR " | " CLOSE);
	assert_true(model_has_policy(&scene.world.model, "Custom", "u-10"));
	assert_true(model_has_policy(&scene.world.model, "Custom", "xu-1"));
	scene_close(&scene);
}

static void facts_without_numbers_are_no_facts(void **state)
{
	static const char *const facts[] = { "{}", "{\"secret_id\":\"LTAI1\"}",
					     "{\"uin\":1004,\"secret_id\":\"\"}" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct scene scene;

		scene_of_revocation(&scene, facts[i]);
		scene_expect_gone(&scene, FIND " | " LIST " | " CLEAR " | " CLOSE);
		scene_close(&scene);
	}
}

static void give_no_number(void *cloud, const struct call *call, struct answer *answer)
{
	tencent_answer(cloud, call, answer);
	if (strcmp(call->action, "GetUser") == 0)
		json_object_del(answer->body, "Uin");
}

static void keys_of_a_user_without_a_number_are_not_gone(void **state)
{
	struct scene scene;

	(void)state;
	scene_of_revocation(&scene, NULL);
	scene.play.answer = give_no_number;
	scene.play.step.part = REVOKE_KEYS;
	play(&scene.play, engine_tencentcloud.revoke);
	assert_int_equal(scene.play.verdict, STEP_FAILED);
	assert_string_equal(play_culprit_action(&scene.play), "GetUser");
	scene_close(&scene);
}

static void keywords_that_are_not_taken_are_left_out(void **state)
{
	struct scene scene;

	(void)state;
	scene_of_revocation(&scene, NULL);
	scene.world.keywords_refused = true;
	scene_expect_gone(&scene,
			  FIND " | " LIST ", ListPolicies 1 Local, ListPolicies 1 Local | " CLEAR
			       " | " CLOSE);
	scene_close(&scene);
}

/* ---- What is gone, and what comes late ---- */

static void what_is_gone_already_is_success(void **state)
{
	struct scene scene;

	(void)state;
	scene_of_revocation(&scene, FACTS);
	play(&scene.play, engine_tencentcloud.revoke);
	scene_again(&scene, REVOKE_ALL);
	scene_expect_gone(&scene, CLEAR " | " CLOSE " | DeletePolicy [5], DeletePolicy [6]");
	scene_close(&scene);
	scene_of_revocation(&scene, NULL);
	play(&scene.play, engine_tencentcloud.revoke);
	scene_again(&scene, REVOKE_ALL);
	scene_expect_gone(&scene, FIND " | DeleteUser");
	scene_close(&scene);
}

static void what_is_gone_may_be_said_without_a_detail(void **state)
{
	static const char *const facts[] = { FACTS, NULL };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct scene scene;

		scene_of_revocation(&scene, facts[i]);
		scene.world.bare_codes = true;
		play(&scene.play, engine_tencentcloud.revoke);
		scene_again(&scene, REVOKE_ALL);
		play(&scene.play, engine_tencentcloud.revoke);
		assert_int_equal(scene.play.verdict, STEP_DONE);
		assert_false(model_holds(&scene.world.model, scene.plan));
		scene_close(&scene);
	}
}

static void of_two_policies_one_that_is_gone_does_not_save_the_other(void **state)
{
	struct scene scene;

	(void)state;
	scene_of_revocation(&scene, FACTS);
	scene.world.model.policies[2][0] = '\0'; /* u-1 */
	memset(&scene.world.model.attached[2], 0, sizeof(struct model_pair));
	scene_expect_gone(&scene, CLEAR " | " CLOSE " | DeletePolicy [5], DeletePolicy [6]");
	scene_close(&scene);
}

/* The first attempt of an issue's calls is carried out after all, when the lease has been swept: user
 * and policies have other numbers then. */
static void what_comes_late_is_found_by_name(void **state)
{
	struct model *model;
	struct scene scene;

	(void)state;
	scene_of_revocation(&scene, REPEATED);
	play(&scene.play, engine_tencentcloud.revoke);
	assert_false(model_holds(&scene.world.model, scene.plan));
	model = &scene.world.model;
	model_add_user(model, "u");
	model_add_key(model, "u", "LTAI3");
	model_add_policy(model, "Custom", "u-1");
	scene_again(&scene, REVOKE_KEYS);
	play(&scene.play, engine_tencentcloud.revoke);
	assert_int_equal(scene.play.verdict, STEP_DONE);
	assert_int_equal(model_keys_of(model, "u"), 0);
	scene_again(&scene, REVOKE_REST);
	play(&scene.play, engine_tencentcloud.revoke);
	assert_int_equal(scene.play.verdict, STEP_DONE);
	assert_false(model_holds(model, scene.plan));
	scene_close(&scene);
}

/* ---- What was added by hand ---- */

static void keys_and_attachments_made_by_hand_go_with_the_user(void **state)
{
	struct scene scene;

	(void)state;
	scene_of_revocation(&scene, FACTS);
	model_add_key(&scene.world.model, "u", "LTAI7");
	model_attach(&scene.world.model, "u", "Custom", "foreign");
	scene_expect_gone(&scene,
			  CLEAR " | " CLOSE " | +200 " LIST
				" | DeleteAccessKey LTAI7, DetachUserPolicy 2 | DeleteUser");
	scene_close(&scene);
}

static void a_conflict_may_have_a_code_that_nobody_has_declared(void **state)
{
	static const char *const codes[] = { "FailedOperation.UserHasPolicies",
					     "OperationDenied.HavePolicies", "OperationDenied" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct scene scene;

		scene_of_revocation(&scene, FACTS);
		scene.world.conflict = codes[i];
		model_attach(&scene.world.model, "u", "Custom", "foreign");
		scene_expect_gone(&scene, CLEAR " | " CLOSE " | +200 " LIST
						" | DetachUserPolicy 2 | DeleteUser");
		scene_close(&scene);
	}
}

static void an_own_policy_on_another_user_fails_but_the_rest_goes(void **state)
{
	struct scene scene;

	(void)state;
	scene_of_revocation(&scene, FACTS);
	model_add_user(&scene.world.model, "third");
	model_attach(&scene.world.model, "third", "Custom", "u-1");
	play(&scene.play, engine_tencentcloud.revoke);
	assert_int_equal(scene.play.verdict, STEP_FAILED);
	assert_string_equal(play_culprit_code(&scene.play), "FailedOperation");
	assert_string_equal(scene.play.log,
			    CLEAR " | " CLOSE " | DeletePolicy [5], DeletePolicy [6]"
				  " | +200 DeletePolicy [5] | +400 DeletePolicy [5]"
				  " | +800 DeletePolicy [5] | +1600 DeletePolicy [5]"
				  " | +3200 DeletePolicy [5]");
	assert_false(model_has_user(&scene.world.model, "u"));
	assert_false(model_has_policy(&scene.world.model, "Custom", "u-2"));
	scene_close(&scene);
}

static void a_protected_user_is_told_at_once(void **state)
{
	struct scene scene;

	(void)state;
	scene_of_revocation(&scene, FACTS);
	strcpy(scene.world.model.grouped, "u");
	play(&scene.play, engine_tencentcloud.revoke);
	assert_int_equal(scene.play.verdict, STEP_FAILED);
	assert_string_equal(play_culprit_code(&scene.play), "FailedOperation.Unmodifiable");
	assert_string_equal(scene.play.log, CLEAR " | " CLOSE);
	assert_int_equal(model_keys_of(&scene.world.model, "u"), 0);
	scene_close(&scene);
}

/* ---- A cloud that sees our removals late ---- */

static void conflicts_right_after_our_own_removal_are_waited_out(void **state)
{
	struct scene scene;

	(void)state;
	scene_of_revocation(&scene, FACTS);
	scene.world.model.late = 3;
	scene_expect_gone(&scene, CLEAR " | " CLOSE " | +200 " LIST
					" | DeletePolicy [5], DeletePolicy [6], DeleteUser"
					" | +400 DeletePolicy [5]");
	scene_close(&scene);
}

static void waiting_ends(void **state)
{
	struct scene scene;

	(void)state;
	scene_of_revocation(&scene, FACTS);
	scene.world.model.late = 1000;
	play(&scene.play, engine_tencentcloud.revoke);
	assert_int_equal(scene.play.verdict, STEP_FAILED);
	assert_string_equal(play_culprit_code(&scene.play), "FailedOperation");
	assert_true(scene.play.rounds <= 16);
	scene_close(&scene);
}

/* ---- Clouds that are not sane ---- */

static void answer_endlessly(void *cloud, const struct call *call, struct answer *answer)
{
	const char *text = "{\"Response\":{}}";
	json_t *body;

	(void)cloud;
	if (strcmp(call->action, "DeleteUser") == 0)
		text = "{\"Response\":{\"Error\":{\"Code\":\"FailedOperation\"}}}";
	else if (strcmp(call->action, "GetUser") == 0)
		text = "{\"Response\":{\"Uin\":\"1004\"}}";
	else if (strcmp(call->action, "ListAccessKeys") == 0)
		text = "{\"Response\":{\"AccessKeys\":[{\"AccessKeyId\":\"K\"},{}]}}";
	else if (strcmp(call->action, "ListAttachedUserPolicies") == 0)
		text = "{\"Response\":{\"TotalNum\":999,\"List\":[{\"PolicyId\":\"2\"},"
		       "{\"PolicyId\":-1},{\"PolicyId\":0},{}]}}";
	body = play_json(text);
	engine_tencentcloud.read_answer(200, body, answer);
	json_decref(body);
}

static void lists_without_an_end_are_given_up(void **state)
{
	struct scene scene;

	(void)state;
	scene_of_revocation(&scene, NULL);
	scene.play.answer = answer_endlessly;
	play(&scene.play, engine_tencentcloud.revoke);
	assert_int_equal(scene.play.verdict, STEP_FAILED);
	assert_int_equal(scene.play.rounds, 16);
	assert_true(scene.play.step.reason[0] || scene.play.step.culprit);
	assert_null(strstr(scene.play.log, " -1"));
	scene_close(&scene);
}

static void answer_one_page(void *cloud, const struct call *call, struct answer *answer)
{
	json_t *list;

	tencent_answer(cloud, call, answer);
	if (strcmp(call->action, "ListPolicies") != 0)
		return;
	list = json_object_get(answer->body, "List");
	while (json_array_size(list) < 200)
		json_array_append_new(list, json_pack("{s:i, s:s}", "PolicyId",
						      (int)json_array_size(list) + 500,
						      "PolicyName", "other"));
	json_object_del(answer->body, "TotalNum");
}

static void a_list_without_an_end_is_what_is_told(void **state)
{
	struct scene scene;

	(void)state;
	scene_of_revocation(&scene, NULL);
	scene.play.answer = answer_one_page;
	play(&scene.play, engine_tencentcloud.revoke);
	assert_int_equal(scene.play.verdict, STEP_FAILED);
	assert_null(scene.play.step.culprit);
	assert_string_equal(scene.play.step.reason, "ListPolicies does not come to an end");
	assert_int_equal(model_keys_of(&scene.world.model, "u"), 0);
	assert_false(model_has_user(&scene.world.model, "u"));
	scene_again(&scene, REVOKE_ALL);
	play(&scene.play, engine_tencentcloud.revoke);
	assert_int_equal(scene.play.verdict, STEP_DONE);
	scene_close(&scene);
}

static void nothing_is_called_for_a_plan_that_lacks_something(void **state)
{
	static const char *const plans[] = {
		"{}",
		"{\"kind\":\"cam\",\"user\":\"\"}",
		"{\"kind\":\"cam\",\"user\":\"u\",\"inline\":[{}]}",
	};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		json_t *plan = play_json(plans[i]);
		struct play bad = { .step = { .plan = plan } };

		play(&bad, engine_tencentcloud.revoke);
		if (bad.verdict != STEP_FAILED || bad.calls || !bad.step.reason[0])
			fail_msg("%s: %d", plans[i], (int)bad.verdict);
		play_free(&bad);
		json_decref(plan);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_user_is_removed_in_two_rounds),
		cmocka_unit_test(calls_carry_what_the_cloud_needs),
		cmocka_unit_test(without_facts_all_is_found_by_its_exact_name),
		cmocka_unit_test(facts_without_numbers_are_no_facts),
		cmocka_unit_test(keys_of_a_user_without_a_number_are_not_gone),
		cmocka_unit_test(keywords_that_are_not_taken_are_left_out),
		cmocka_unit_test(what_is_gone_already_is_success),
		cmocka_unit_test(what_is_gone_may_be_said_without_a_detail),
		cmocka_unit_test(of_two_policies_one_that_is_gone_does_not_save_the_other),
		cmocka_unit_test(what_comes_late_is_found_by_name),
		cmocka_unit_test(keys_and_attachments_made_by_hand_go_with_the_user),
		cmocka_unit_test(a_conflict_may_have_a_code_that_nobody_has_declared),
		cmocka_unit_test(an_own_policy_on_another_user_fails_but_the_rest_goes),
		cmocka_unit_test(a_protected_user_is_told_at_once),
		cmocka_unit_test(conflicts_right_after_our_own_removal_are_waited_out),
		cmocka_unit_test(waiting_ends),
		cmocka_unit_test(lists_without_an_end_are_given_up),
		cmocka_unit_test(a_list_without_an_end_is_what_is_told),
		cmocka_unit_test(nothing_is_called_for_a_plan_that_lacks_something),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
