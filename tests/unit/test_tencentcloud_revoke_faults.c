/* SPDX-License-Identifier: Apache-2.0 */
/* A revocation in a cloud that is late, refuses, fails or is not sane. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/tencentcloud/tencentcloud.h"
#include "fail_alloc.h"
#include "tencent_scene.h"
#include "util/json.h"

/* ---- A cloud that sees our removals late ---- */

static void conflicts_right_after_our_own_removal_are_waited_out(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, FACTS);
	scene.world.model.late = 3;
	scene_done(&scene, CLEAR " | " CLOSE " | +200 " LIST
				 " | DeletePolicy [5], DeletePolicy [6], DeleteUser"
				 " | +400 DeletePolicy [5]");
	scene_close(&scene);
}

static void waiting_ends(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, FACTS);
	scene.world.model.late = 1000;
	play(&scene.play, engine_tencentcloud.revoke);
	assert_int_equal(scene.play.verdict, STEP_FAILED);
	assert_string_equal(play_culprit_code(&scene.play), "FailedOperation");
	assert_true(scene.play.rounds <= 16);
	scene_close(&scene);
}

/* ---- Calls that are refused ---- */

static const struct {
	const char *name, *facts;
	const char *denied[4];
	enum verdict verdict;
	const char *culprit;
	bool key_stays, policies_stay, user_stays;
} denials[] = {
	{ "the key may not be deleted, but users may with theirs",
	  FACTS,
	  { "DeleteAccessKey" },
	  STEP_DONE,
	  "",
	  false,
	  false,
	  false },
	{ "the remote policy may not be detached",
	  FACTS,
	  { "DetachUserPolicy System" },
	  STEP_FAILED,
	  "DetachUserPolicy",
	  false,
	  false,
	  true },
	{ "policies may not be deleted",
	  FACTS,
	  { "DeletePolicy" },
	  STEP_FAILED,
	  "DeletePolicy",
	  false,
	  true,
	  false },
	{ "users may not be deleted",
	  FACTS,
	  { "DeleteUser" },
	  STEP_FAILED,
	  "DeleteUser",
	  false,
	  false,
	  true },
	{ "without facts, policies may not be listed",
	  NULL,
	  { "ListPolicies" },
	  STEP_FAILED,
	  "ListPolicies",
	  false,
	  true,
	  false },
	{ "without facts, the number of the user may not be known",
	  NULL,
	  { "GetUser" },
	  STEP_FAILED,
	  "GetUser",
	  true,
	  true,
	  true },
};

static void a_refusal_keeps_nothing_else_alive(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(denials) / sizeof(denials[0]); i++) {
		struct scene scene;
		struct model *model = &scene.world.model;

		scene_open(&scene, denials[i].facts);
		memcpy(model->denied, denials[i].denied, sizeof(denials[i].denied));
		play(&scene.play, engine_tencentcloud.revoke);
		if (scene.play.verdict != denials[i].verdict ||
		    strcmp(play_culprit_action(&scene.play), denials[i].culprit) != 0 ||
		    (model_keys_of(model, "u") > 0) != denials[i].key_stays ||
		    model_has_policy(model, "Custom", "u-1") != denials[i].policies_stay ||
		    model_has_user(model, "u") != denials[i].user_stays)
			fail_msg("%s: %d, %s: %s", denials[i].name, (int)scene.play.verdict,
				 play_culprit_action(&scene.play), scene.play.log);
		scene_close(&scene);
	}
}

/* ---- Every failure at every call ---- */

static const struct {
	enum answer_kind kind;
	bool has_effect;
	const char *code;
} faults[] = {
	{ ANSWER_REFUSED, false, UNAUTHORIZED },
	{ ANSWER_REFUSED, false, "Nonsense" },
	{ ANSWER_THROTTLED, false, "" },
	{ ANSWER_SICK, false, "" },
	{ ANSWER_SICK, true, "" },
	{ ANSWER_UNSURE, false, "" },
	{ ANSWER_UNSURE, true, "" },
	{ ANSWER_UNSENT, false, "" },
};

static void check_fault(size_t i, size_t at, const char *facts)
{
	struct scene scene;
	struct model *model = &scene.world.model;

	scene_open(&scene, facts);
	model->fault_at = at;
	model->fault = faults[i].kind;
	model->fault_has_effect = faults[i].has_effect;
	model->fault_code = faults[i].code;
	play(&scene.play, engine_tencentcloud.revoke);
	/* It failed and says why, or what was asked for later has made up for it. */
	if (scene.play.verdict == STEP_DONE)
		assert_false(model_holds(model, scene.plan));
	else if (scene.play.verdict != STEP_FAILED || !scene.play.step.culprit ||
		 strcmp(play_culprit_code(&scene.play), faults[i].code) != 0)
		fail_msg("fault %zu at call %zu: %s", i, at, scene.play.log);
	scene_again(&scene, REVOKE_ALL);
	play(&scene.play, engine_tencentcloud.revoke);
	assert_int_equal(scene.play.verdict, STEP_DONE);
	assert_false(model_holds(model, scene.plan));
	scene_close(&scene);
}

static void after_every_failure_at_every_call_it_can_be_repeated(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		for (size_t at = 1; at <= CALLS; at++)
			check_fault(i, at, FACTS);
		for (size_t at = 1; at <= CALLS + 5; at++)
			check_fault(i, at, NULL);
	}
}

static void check_fault_of_disabling(size_t i, size_t at)
{
	struct scene scene;
	struct model *model = &scene.world.model;

	scene_open(&scene, FACTS);
	scene.world.disables_first = true;
	scene.play.step.part = REVOKE_KEYS;
	model->fault_at = at;
	model->fault = faults[i].kind;
	model->fault_has_effect = faults[i].has_effect;
	model->fault_code = faults[i].code;
	play(&scene.play, engine_tencentcloud.revoke);
	if ((scene.play.verdict == STEP_DONE) != (model_keys_of(model, "u") == 0) &&
	    !faults[i].has_effect)
		fail_msg("fault %zu at call %zu: %s", i, at, scene.play.log);
	scene_again(&scene, REVOKE_KEYS);
	play(&scene.play, engine_tencentcloud.revoke);
	assert_int_equal(scene.play.verdict, STEP_DONE);
	assert_int_equal(model_keys_of(model, "u"), 0);
	scene_close(&scene);
}

static void disabling_can_be_repeated_after_every_failure(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		for (size_t at = 1; at <= 3; at++)
			check_fault_of_disabling(i, at);
	}
}

/* ---- Whatever exists ---- */

static unsigned draw(uint64_t *seed, unsigned below)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return (unsigned)((*seed >> 20) % below);
}

static void scatter_policy(struct model *model, bool user, const char *name, uint64_t *seed)
{
	if (!draw(seed, 3)) {
		model->next_number++;
		return;
	}
	model_add_policy(model, "Custom", name);
	if (user && draw(seed, 2))
		model_attach(model, "u", "Custom", name);
}

/* Any state that a broken issue, a broken revocation and people with a console can leave. The numbers
 * are those of the facts wherever the things exist. */
static void scatter(struct tencent_model *world, uint64_t *seed)
{
	struct model *model = &world->model;
	bool user = draw(seed, 4) > 0;

	memset(world, 0, sizeof(*world));
	scene_others(model);
	world->detaches = !draw(seed, 4);
	world->keywords_refused = !draw(seed, 4);
	model->late = draw(seed, 3) ? 0 : draw(seed, 6);
	if (user)
		model_add_user(model, "u");
	else
		model->next_number++;
	scatter_policy(model, user, "u-1", seed);
	scatter_policy(model, user, "u-2", seed);
	if (!user)
		return;
	if (draw(seed, 2))
		model_attach(model, "u", "System", "Read");
	if (!draw(seed, 3))
		model_attach(model, "u", "Custom", "foreign");
	if (draw(seed, 2))
		model_add_key(model, "u", "LTAI1");
	if (!draw(seed, 3))
		model_add_key(model, "u", "LTAI7");
}

static void whatever_exists_is_gone_afterwards(void **state)
{
	static const char *const facts[] = { FACTS, REPEATED, NULL };
	uint64_t seed = 88172645463325252u;

	(void)state;
	for (int i = 0; i < 5000; i++) {
		struct scene scene;

		scene_open(&scene, facts[draw(&seed, 3)]);
		scatter(&scene.world, &seed);
		play(&scene.play, engine_tencentcloud.revoke);
		if (scene.play.verdict != STEP_DONE || model_holds(&scene.world.model, scene.plan))
			fail_msg("state %d: %d, %s", i, (int)scene.play.verdict, scene.play.log);
		scene_close(&scene);
	}
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
	scene_open(&scene, NULL);
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
	scene_open(&scene, NULL);
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

/* ---- Memory ---- */

static unsigned fail_each(unsigned at, const char *facts)
{
	struct scene scene;
	enum verdict verdict;
	unsigned failures = 0;

	scene_open(&scene, facts);
	model_add_key(&scene.world.model, "u", "LTAI7");
	scene.play.step.notes = json_object();
	do {
		fail_alloc_at(at);
		verdict = engine_tencentcloud.revoke(&scene.play.step);
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
	scene_close(&scene);
	return failures;
}

static void each_failing_allocation_is_a_failure(void **state)
{
	static const char *const facts[] = { FACTS, NULL };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		unsigned at = 1;

		while (fail_each(at, facts[i]))
			at++;
		assert_true(at > 20);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conflicts_right_after_our_own_removal_are_waited_out),
		cmocka_unit_test(waiting_ends),
		cmocka_unit_test(a_refusal_keeps_nothing_else_alive),
		cmocka_unit_test(after_every_failure_at_every_call_it_can_be_repeated),
		cmocka_unit_test(disabling_can_be_repeated_after_every_failure),
		cmocka_unit_test(whatever_exists_is_gone_afterwards),
		cmocka_unit_test(lists_without_an_end_are_given_up),
		cmocka_unit_test(a_list_without_an_end_is_what_is_told),
		cmocka_unit_test(nothing_is_called_for_a_plan_that_lacks_something),
		cmocka_unit_test(each_failing_allocation_is_a_failure),
	};

	fail_alloc_jansson();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
