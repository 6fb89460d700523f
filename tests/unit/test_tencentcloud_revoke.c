/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/tencentcloud/tencentcloud.h"
#include "tencent_scene.h"
#include "util/json.h"

static void a_user_is_removed_in_two_rounds(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, FACTS);
	scene_done(&scene, CLEAR " | " CLOSE);
	assert_int_equal(scene.play.calls, CALLS);
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
	scene_open(&scene, REPEATED);
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
	scene_open(&scene, NULL);
	model_add_policy(&scene.world.model, "Custom", "u-10");
	model_add_policy(&scene.world.model, "Custom", "xu-1");
	scene_done(&scene, FIND " | " LIST " | " CLEAR " | " CLOSE);
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

		scene_open(&scene, facts[i]);
		scene_done(&scene, FIND " | " LIST " | " CLEAR " | " CLOSE);
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
	scene_open(&scene, NULL);
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
	scene_open(&scene, NULL);
	scene.world.keywords_refused = true;
	scene_done(&scene, FIND " | " LIST ", ListPolicies 1 Local, ListPolicies 1 Local | " CLEAR
				" | " CLOSE);
	scene_close(&scene);
}

/* ---- Parts ---- */

static void keys_go_before_the_rest(void **state)
{
	static const struct {
		const char *facts, *keys, *rest;
	} cases[] = {
		{ FACTS, "DeleteAccessKey LTAI1", DETACH " | " CLOSE },
		{ NULL, "GetUser | ListAccessKeys | DeleteAccessKey LTAI1",
		  FIND " | ListAttachedUserPolicies 1 | " DETACH " | " CLOSE },
	};
	struct scene scene;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		scene_open(&scene, cases[i].facts);
		scene.play.step.part = REVOKE_KEYS;
		play(&scene.play, engine_tencentcloud.revoke);
		assert_string_equal(scene.play.log, cases[i].keys);
		assert_int_equal(scene.play.verdict, STEP_DONE);
		assert_int_equal(model_keys_of(&scene.world.model, "u"), 0);
		assert_int_equal(model_attachments_of(&scene.world.model, "u"), 3);
		scene_again(&scene, REVOKE_REST);
		scene_done(&scene, cases[i].rest);
		scene_close(&scene);
	}
}

static void a_key_that_stays_is_a_failure(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, FACTS);
	scene.world.model.denied[0] = "DeleteAccessKey";
	scene.play.step.part = REVOKE_KEYS;
	play(&scene.play, engine_tencentcloud.revoke);
	assert_int_equal(scene.play.verdict, STEP_FAILED);
	assert_string_equal(play_culprit_action(&scene.play), "DeleteAccessKey");
	assert_int_equal(scene.play.calls, 1);
	scene_close(&scene);
}

/* ---- Keys that must be disabled first ---- */

#define DISABLE "UpdateAccessKey LTAI1 Inactive | DeleteAccessKey LTAI1"

static const struct {
	const char *name, *facts;
	enum revoke_part part;
	const char *log;
} disabled_first[] = {
	{ "the lease knows the key", FACTS, REVOKE_KEYS, "DeleteAccessKey LTAI1 | " DISABLE },
	{ "the key is found by the user's name", NULL, REVOKE_KEYS,
	  "GetUser | ListAccessKeys | DeleteAccessKey LTAI1 | " DISABLE },
	{ "the rest follows", FACTS, REVOKE_ALL, CLEAR " | " DISABLE " | " CLOSE },
	{ "the key is known and found at the same time", REPEATED, REVOKE_KEYS,
	  "DeleteAccessKey LTAI1, GetUser | UpdateAccessKey LTAI1 Inactive, ListAccessKeys"
	  " | DeleteAccessKey LTAI1, DeleteAccessKey LTAI1" },
};

static void a_key_that_works_is_disabled_where_it_cannot_be_deleted(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(disabled_first) / sizeof(disabled_first[0]); i++) {
		struct scene scene;

		scene_open(&scene, disabled_first[i].facts);
		scene.world.disables_first = true;
		scene.play.step.part = disabled_first[i].part;
		play(&scene.play, engine_tencentcloud.revoke);
		if (scene.play.verdict != STEP_DONE ||
		    strcmp(scene.play.log, disabled_first[i].log) != 0 ||
		    model_keys_of(&scene.world.model, "u"))
			fail_msg("%s: %d, %s", disabled_first[i].name, (int)scene.play.verdict,
				 scene.play.log);
		scene_close(&scene);
	}
}

static void keys_made_by_hand_are_disabled_likewise(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, NULL);
	model_add_key(&scene.world.model, "u", "LTAI7");
	scene.world.disables_first = true;
	scene.play.step.part = REVOKE_KEYS;
	play(&scene.play, engine_tencentcloud.revoke);
	assert_int_equal(scene.play.verdict, STEP_DONE);
	assert_int_equal(model_keys_of(&scene.world.model, "u"), 0);
	scene_close(&scene);
}

static void a_key_that_may_not_be_disabled_is_a_failure_that_says_so(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, FACTS);
	scene.world.disables_first = true;
	scene.world.model.denied[0] = "UpdateAccessKey";
	scene.play.step.part = REVOKE_KEYS;
	play(&scene.play, engine_tencentcloud.revoke);
	assert_int_equal(scene.play.verdict, STEP_FAILED);
	assert_string_equal(play_culprit_action(&scene.play), "UpdateAccessKey");
	assert_string_equal(play_culprit_code(&scene.play), UNAUTHORIZED);
	assert_int_equal(scene.play.calls, 2);
	scene_close(&scene);
}

static void a_session_needs_no_call(void **state)
{
	json_t *plan = play_json("{\"kind\":\"sts\",\"session\":\"s\",\"role_arn\":\"a\"}");
	struct play session = { .step = { .plan = plan } };

	(void)state;
	play(&session, engine_tencentcloud.revoke);
	assert_int_equal(session.verdict, STEP_DONE);
	assert_int_equal(session.calls, 0);
	play_free(&session);
	json_decref(plan);
}

/* ---- What is gone, and what comes late ---- */

static void what_is_gone_already_is_success(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, FACTS);
	play(&scene.play, engine_tencentcloud.revoke);
	scene_again(&scene, REVOKE_ALL);
	scene_done(&scene, CLEAR " | " CLOSE " | DeletePolicy [5], DeletePolicy [6]");
	scene_close(&scene);
	scene_open(&scene, NULL);
	play(&scene.play, engine_tencentcloud.revoke);
	scene_again(&scene, REVOKE_ALL);
	scene_done(&scene, FIND " | DeleteUser");
	scene_close(&scene);
}

static void what_is_gone_may_be_said_without_a_detail(void **state)
{
	static const char *const facts[] = { FACTS, NULL };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct scene scene;

		scene_open(&scene, facts[i]);
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
	scene_open(&scene, FACTS);
	scene.world.model.policies[2][0] = '\0'; /* u-1 */
	memset(&scene.world.model.attached[2], 0, sizeof(struct model_pair));
	scene_done(&scene, CLEAR " | " CLOSE " | DeletePolicy [5], DeletePolicy [6]");
	scene_close(&scene);
}

/* The first attempt of an issue's calls is carried out after all, when the lease has been swept: user
 * and policies have other numbers then. */
static void what_comes_late_is_found_by_name(void **state)
{
	struct model *model;
	struct scene scene;

	(void)state;
	scene_open(&scene, REPEATED);
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
	scene_open(&scene, FACTS);
	model_add_key(&scene.world.model, "u", "LTAI7");
	model_attach(&scene.world.model, "u", "Custom", "foreign");
	scene_done(&scene, CLEAR " | " CLOSE " | +200 " LIST
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

		scene_open(&scene, FACTS);
		scene.world.conflict = codes[i];
		model_attach(&scene.world.model, "u", "Custom", "foreign");
		scene_done(&scene,
			   CLEAR " | " CLOSE " | +200 " LIST " | DetachUserPolicy 2 | DeleteUser");
		scene_close(&scene);
	}
}

static void an_own_policy_on_another_user_fails_but_the_rest_goes(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, FACTS);
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
	scene_open(&scene, FACTS);
	strcpy(scene.world.model.grouped, "u");
	play(&scene.play, engine_tencentcloud.revoke);
	assert_int_equal(scene.play.verdict, STEP_FAILED);
	assert_string_equal(play_culprit_code(&scene.play), "FailedOperation.Unmodifiable");
	assert_string_equal(scene.play.log, CLEAR " | " CLOSE);
	assert_int_equal(model_keys_of(&scene.world.model, "u"), 0);
	scene_close(&scene);
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
		cmocka_unit_test(keys_go_before_the_rest),
		cmocka_unit_test(a_key_that_stays_is_a_failure),
		cmocka_unit_test(a_key_that_works_is_disabled_where_it_cannot_be_deleted),
		cmocka_unit_test(keys_made_by_hand_are_disabled_likewise),
		cmocka_unit_test(a_key_that_may_not_be_disabled_is_a_failure_that_says_so),
		cmocka_unit_test(a_session_needs_no_call),
		cmocka_unit_test(what_is_gone_already_is_success),
		cmocka_unit_test(what_is_gone_may_be_said_without_a_detail),
		cmocka_unit_test(of_two_policies_one_that_is_gone_does_not_save_the_other),
		cmocka_unit_test(what_comes_late_is_found_by_name),
		cmocka_unit_test(keys_and_attachments_made_by_hand_go_with_the_user),
		cmocka_unit_test(a_conflict_may_have_a_code_that_nobody_has_declared),
		cmocka_unit_test(an_own_policy_on_another_user_fails_but_the_rest_goes),
		cmocka_unit_test(a_protected_user_is_told_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
