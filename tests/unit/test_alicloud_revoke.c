/* SPDX-License-Identifier: Apache-2.0 */
/* What a revocation calls, and what it copes with: things made by hand, seen late, or not sane. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "alicloud_scene.h"

static void a_user_is_removed_in_two_rounds(void **state)
{
	struct scene scene;

	(void)state;
	scene_of_revocation(&scene, FACTS);
	scene_expect_gone(&scene, CLEAR " | " CLOSE);
	scene_close(&scene);
}

/* What one part alone calls, and that the other part then finishes it. */
static void keys_go_before_the_rest(void **state)
{
	static const struct {
		const char *facts, *keys;
	} cases[] = {
		{ FACTS, "DeleteAccessKey LTAI1" },
		{ NULL, "ListAccessKeys | DeleteAccessKey LTAI1" },
	};
	struct scene scene;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		scene_of_revocation(&scene, cases[i].facts);
		scene.play.step.part = REVOKE_KEYS;
		play(&scene.play, engine_alicloud.revoke);
		assert_string_equal(scene.play.log, cases[i].keys);
		assert_int_equal(scene.play.verdict, STEP_DONE);
		assert_int_equal(model_keys_of(&scene.model, "u"), 0);
		assert_int_equal(model_attachments_of(&scene.model, "u"), 3);
		scene_again(&scene, REVOKE_REST);
		scene_expect_gone(&scene, DETACH " | " CLOSE);
		scene_close(&scene);
	}
}

static void a_key_that_stays_is_a_failure(void **state)
{
	struct scene scene;

	(void)state;
	scene_of_revocation(&scene, FACTS);
	scene.model.denied[0] = "DeleteAccessKey";
	scene.play.step.part = REVOKE_KEYS;
	play(&scene.play, engine_alicloud.revoke);
	assert_int_equal(scene.play.verdict, STEP_FAILED);
	assert_string_equal(play_culprit_action(&scene.play), "DeleteAccessKey");
	assert_int_equal(scene.play.calls, 1);
	scene_close(&scene);
}

static void a_session_needs_no_call(void **state)
{
	json_t *plan = play_json("{\"kind\":\"sts\",\"session\":\"s\",\"role_arn\":\"a\"}");
	struct play session = { .step = { .plan = plan } };

	(void)state;
	play(&session, engine_alicloud.revoke);
	assert_int_equal(session.verdict, STEP_DONE);
	assert_int_equal(session.calls, 0);
	play_free(&session);
	json_decref(plan);
}

static void a_key_that_nobody_was_told_is_found(void **state)
{
	struct scene scene;

	(void)state;
	scene_of_revocation(&scene, NULL);
	scene_expect_gone(&scene, "ListAccessKeys, " DETACH " | DeleteAccessKey LTAI1 | " CLOSE);
	scene_close(&scene);
}

static void facts_without_an_id_are_no_facts(void **state)
{
	struct scene scene;

	(void)state;
	scene_of_revocation(&scene, "{\"access_key_id\":\"\"}");
	scene_expect_gone(&scene, "ListAccessKeys, " DETACH " | DeleteAccessKey LTAI1 | " CLOSE);
	scene_close(&scene);
}

static void what_is_gone_already_is_success(void **state)
{
	struct scene scene;

	(void)state;
	scene_of_revocation(&scene, FACTS);
	play(&scene.play, engine_alicloud.revoke);
	scene_again(&scene, REVOKE_ALL);
	scene.play.step.facts = NULL;
	scene_expect_gone(&scene, "ListAccessKeys, " DETACH " | " CLOSE);
	scene_close(&scene);
}

/* ---- What was added by hand ---- */

static void keys_and_attachments_made_by_hand_go_with_the_user(void **state)
{
	struct scene scene;

	(void)state;
	scene_of_revocation(&scene, FACTS);
	model_add_key(&scene.model, "u", "LTAI7");
	model_attach(&scene.model, "u", "Custom", "foreign");
	scene_expect_gone(&scene,
			  CLEAR " | " CLOSE " | +200 " LOOK
				" | DeleteAccessKey LTAI7, DetachPolicyFromUser Custom foreign | "
				"DeleteUser");
	scene_close(&scene);
}

static void an_own_policy_on_another_user_fails_but_the_user_goes(void **state)
{
	struct scene scene;

	(void)state;
	scene_of_revocation(&scene, FACTS);
	model_add_user(&scene.model, "third");
	model_attach(&scene.model, "third", "Custom", "u-1");
	play(&scene.play, engine_alicloud.revoke);
	assert_int_equal(scene.play.verdict, STEP_FAILED);
	assert_string_equal(play_culprit_code(&scene.play), "DeleteConflict.Policy.User");
	assert_string_equal(scene.play.log,
			    CLEAR " | " CLOSE " | +200 DeletePolicy u-1 | +400 DeletePolicy u-1"
				  " | +800 DeletePolicy u-1"
				  " | +1600 DeletePolicy u-1"
				  " | +3200 DeletePolicy u-1");
	assert_false(model_has_user(&scene.model, "u"));
	scene_close(&scene);
}

static void a_group_made_by_hand_is_told_at_once(void **state)
{
	struct scene scene;

	(void)state;
	scene_of_revocation(&scene, FACTS);
	strcpy(scene.model.grouped, "u");
	play(&scene.play, engine_alicloud.revoke);
	assert_int_equal(scene.play.verdict, STEP_FAILED);
	assert_string_equal(play_culprit_code(&scene.play), "DeleteConflict.User.Group");
	assert_string_equal(scene.play.log, CLEAR " | " CLOSE);
	assert_int_equal(model_keys_of(&scene.model, "u"), 0);
	assert_false(model_has_policy(&scene.model, "Custom", "u-1"));
	scene_close(&scene);
}

/* ---- A cloud that sees our removals late ---- */

static void conflicts_right_after_our_own_removal_are_waited_out(void **state)
{
	struct scene scene;

	(void)state;
	scene_of_revocation(&scene, FACTS);
	scene.model.late = 4;
	scene_expect_gone(&scene,
			  CLEAR " | " CLOSE " | +200 " LOOK " | " CLOSE " | +400 DeletePolicy u-1");
	scene_close(&scene);
}

static void waiting_ends(void **state)
{
	struct scene scene;

	(void)state;
	scene_of_revocation(&scene, FACTS);
	scene.model.late = 1000;
	play(&scene.play, engine_alicloud.revoke);
	assert_int_equal(scene.play.verdict, STEP_FAILED);
	assert_string_equal(play_culprit_code(&scene.play), "DeleteConflict.User.Policy");
	assert_true(scene.play.rounds <= 16);
	scene_close(&scene);
}

/* ---- Clouds that are not sane ---- */

static void answer_endlessly(void *cloud, const struct call *call, struct answer *answer)
{
	static const char keys[] = "{\"IsTruncated\":true,\"Marker\":\"m\",\"AccessKeys\":{"
				   "\"AccessKey\":[{\"AccessKeyId\":\"K\"},{\"AccessKeyId\":\"\"},"
				   "{}]}}";
	static const char policies[] =
		"{\"IsTruncated\":true,\"Marker\":\"m\",\"Policies\":{"
		"\"Policy\":[{\"PolicyName\":\"P\",\"PolicyType\":\"System\"},"
		"{\"PolicyName\":\"Q\"}]}}";
	const char *text = "{}";
	json_t *body;

	(void)cloud;
	if (strcmp(call->action, "DeleteUser") == 0)
		text = "{\"Code\":\"DeleteConflict.User.AccessKey\"}";
	else if (strcmp(call->action, "ListAccessKeys") == 0)
		text = keys;
	else if (strcmp(call->action, "ListPoliciesForUser") == 0)
		text = policies;
	body = play_json(text);
	engine_alicloud.read_answer(strstr(text, "Code") ? 409 : 200, body, answer);
	json_decref(body);
}

static void lists_without_an_end_are_given_up(void **state)
{
	struct scene scene;

	(void)state;
	scene_of_revocation(&scene, FACTS);
	scene.play.answer = answer_endlessly;
	play(&scene.play, engine_alicloud.revoke);
	assert_int_equal(scene.play.verdict, STEP_FAILED);
	assert_int_equal(scene.play.rounds, 16);
	assert_true(scene.play.step.reason[0] || scene.play.step.culprit);
	assert_null(strstr(scene.play.log, " Q"));
	scene_close(&scene);
}

static const struct {
	const char *name, *plan;
} bad_plans[] = {
	{ "a plan without anything", "{}" },
	{ "a plan without a user", "{\"kind\":\"ram\",\"inline\":[],\"remote\":[]}" },
	{ "a plan with an empty user", "{\"kind\":\"ram\",\"user\":\"\"}" },
	{ "a plan with an unnamed policy", "{\"kind\":\"ram\",\"user\":\"u\",\"inline\":[{}]}" },
	{ "a plan with a remote policy without a type",
	  "{\"kind\":\"ram\",\"user\":\"u\",\"remote\":[{\"name\":\"x\"}]}" },
};

static void nothing_is_called_for_a_plan_that_lacks_something(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad_plans) / sizeof(bad_plans[0]); i++) {
		json_t *plan = play_json(bad_plans[i].plan);
		struct play bad = { .step = { .plan = plan } };

		play(&bad, engine_alicloud.revoke);
		if (bad.verdict != STEP_FAILED || bad.calls || !bad.step.reason[0])
			fail_msg("%s: %d", bad_plans[i].name, (int)bad.verdict);
		play_free(&bad);
		json_decref(plan);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_user_is_removed_in_two_rounds),
		cmocka_unit_test(keys_go_before_the_rest),
		cmocka_unit_test(a_key_that_stays_is_a_failure),
		cmocka_unit_test(a_session_needs_no_call),
		cmocka_unit_test(a_key_that_nobody_was_told_is_found),
		cmocka_unit_test(facts_without_an_id_are_no_facts),
		cmocka_unit_test(what_is_gone_already_is_success),
		cmocka_unit_test(keys_and_attachments_made_by_hand_go_with_the_user),
		cmocka_unit_test(an_own_policy_on_another_user_fails_but_the_user_goes),
		cmocka_unit_test(a_group_made_by_hand_is_told_at_once),
		cmocka_unit_test(conflicts_right_after_our_own_removal_are_waited_out),
		cmocka_unit_test(waiting_ends),
		cmocka_unit_test(lists_without_an_end_are_given_up),
		cmocka_unit_test(nothing_is_called_for_a_plan_that_lacks_something),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
