/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "alicloud_model.h"
#include "engine/alicloud/alicloud.h"
#include "fail_alloc.h"
#include "util/json.h"

#define PLAN                                                                                       \
	"{\"kind\":\"ram\",\"user\":\"u\",\"inline\":[{\"name\":\"u-1\"},{\"name\":\"u-2\"}],"     \
	"\"remote\":[{\"name\":\"Read\",\"type\":\"System\"}]}"
#define FACTS "{\"access_key_id\":\"LTAI1\"}"
#define CALLS 7 /* of a revocation without faults */

#define DETACH                                                                                     \
	"DetachPolicyFromUser Custom u-1, DetachPolicyFromUser Custom u-2, "                       \
	"DetachPolicyFromUser System Read"
#define CLEAR "DeleteAccessKey LTAI1, " DETACH
#define CLOSE "DeletePolicy u-1, DeletePolicy u-2, DeleteUser"
#define LOOK  "ListAccessKeys, ListPoliciesForUser"

struct scene {
	struct model model;
	struct play play;
	json_t *plan, *facts;
};

/* A cloud in which the plan was carried out, beside somebody else's things. */
static void scene_open(struct scene *scene, const char *facts)
{
	struct model *model = &scene->model;

	memset(scene, 0, sizeof(*scene));
	scene->plan = play_json(PLAN);
	scene->facts = facts ? play_json(facts) : NULL;
	scene->play.step.plan = scene->plan;
	scene->play.step.facts = scene->facts;
	scene->play.answer = model_answer;
	scene->play.check = model_check_user;
	scene->play.cloud = model;
	model_add_policy(model, "System", "Read");
	model_add_policy(model, "Custom", "foreign");
	model_add_user(model, "other");
	model_add_key(model, "other", "LTAI9");
	model_attach(model, "other", "System", "Read");
	model_attach(model, "other", "Custom", "foreign");
	model_add_user(model, "u");
	model_add_policy(model, "Custom", "u-1");
	model_add_policy(model, "Custom", "u-2");
	model_attach(model, "u", "Custom", "u-1");
	model_attach(model, "u", "Custom", "u-2");
	model_attach(model, "u", "System", "Read");
	model_add_key(model, "u", "LTAI1");
}

/* What is not ours is never touched. */
static void check_others(const struct model *model)
{
	assert_true(model_has_user(model, "other"));
	assert_int_equal(model_keys_of(model, "other"), 1);
	assert_int_equal(model_attachments_of(model, "other"), 2);
	assert_true(model_has_policy(model, "System", "Read"));
	assert_true(model_has_policy(model, "Custom", "foreign"));
}

static void scene_close(struct scene *scene)
{
	check_others(&scene->model);
	play_free(&scene->play);
	json_decref(scene->plan);
	json_decref(scene->facts);
}

static void expect_done(struct scene *scene, const char *log)
{
	play(&scene->play, engine_alicloud.revoke);
	assert_string_equal(scene->play.log, log);
	assert_int_equal(scene->play.verdict, STEP_DONE);
	assert_false(model_holds(&scene->model, scene->plan));
}

static void a_user_is_removed_in_two_rounds(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, FACTS);
	expect_done(&scene, CLEAR " | " CLOSE);
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
		scene_open(&scene, cases[i].facts);
		scene.play.step.part = REVOKE_KEYS;
		play(&scene.play, engine_alicloud.revoke);
		assert_string_equal(scene.play.log, cases[i].keys);
		assert_int_equal(scene.play.verdict, STEP_DONE);
		assert_int_equal(model_keys_of(&scene.model, "u"), 0);
		assert_int_equal(model_attachments_of(&scene.model, "u"), 3);
		play_free(&scene.play);
		scene.play.step = (struct step){ .plan = scene.plan,
						 .facts = scene.facts,
						 .part = REVOKE_REST };
		scene.play.answer = model_answer;
		scene.play.cloud = &scene.model;
		expect_done(&scene, DETACH " | " CLOSE);
		scene_close(&scene);
	}
}

static void a_key_that_stays_is_a_failure(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, FACTS);
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
	scene_open(&scene, NULL);
	expect_done(&scene, "ListAccessKeys, " DETACH " | DeleteAccessKey LTAI1 | " CLOSE);
	scene_close(&scene);
}

static void facts_without_an_id_are_no_facts(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, "{\"access_key_id\":\"\"}");
	expect_done(&scene, "ListAccessKeys, " DETACH " | DeleteAccessKey LTAI1 | " CLOSE);
	scene_close(&scene);
}

static void what_is_gone_already_is_success(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, FACTS);
	play(&scene.play, engine_alicloud.revoke);
	play_free(&scene.play);
	scene.play.step.plan = scene.plan;
	scene.play.answer = model_answer;
	scene.play.cloud = &scene.model;
	expect_done(&scene, "ListAccessKeys, " DETACH " | " CLOSE);
	scene_close(&scene);
}

/* ---- What was added by hand ---- */

static void keys_and_attachments_made_by_hand_go_with_the_user(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, FACTS);
	model_add_key(&scene.model, "u", "LTAI7");
	model_attach(&scene.model, "u", "Custom", "foreign");
	expect_done(&scene, CLEAR " | " CLOSE " | +200 " LOOK
				  " | DeleteAccessKey LTAI7, DetachPolicyFromUser Custom foreign | "
				  "DeleteUser");
	scene_close(&scene);
}

static void an_own_policy_on_another_user_fails_but_the_user_goes(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, FACTS);
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
	scene_open(&scene, FACTS);
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
	scene_open(&scene, FACTS);
	scene.model.late = 4;
	expect_done(&scene,
		    CLEAR " | " CLOSE " | +200 " LOOK " | " CLOSE " | +400 DeletePolicy u-1");
	scene_close(&scene);
}

static void waiting_ends(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, FACTS);
	scene.model.late = 1000;
	play(&scene.play, engine_alicloud.revoke);
	assert_int_equal(scene.play.verdict, STEP_FAILED);
	assert_string_equal(play_culprit_code(&scene.play), "DeleteConflict.User.Policy");
	assert_true(scene.play.rounds <= 16);
	scene_close(&scene);
}

/* ---- Calls that are refused ---- */

static const struct {
	const char *name;
	const char *denied[4];
	bool by_hand; /* with a key and a foreign attachment that the plan does not know */
	enum verdict verdict;
	const char *culprit;
	bool key_stays, policies_stay, user_stays;
} denials[] = {
	{ "the remote policy may not be detached",
	  { "DetachPolicyFromUser System" },
	  true,
	  STEP_FAILED,
	  "DetachPolicyFromUser",
	  false,
	  false,
	  true },
	{ "the key may not be deleted",
	  { "DeleteAccessKey" },
	  false,
	  STEP_FAILED,
	  "DeleteAccessKey",
	  true,
	  false,
	  true },
	{ "policies may not be deleted",
	  { "DeletePolicy" },
	  false,
	  STEP_FAILED,
	  "DeletePolicy",
	  false,
	  true,
	  false },
	{ "the user may not be deleted",
	  { "DeleteUser" },
	  false,
	  STEP_FAILED,
	  "DeleteUser",
	  false,
	  false,
	  true },
	{ "lists may not be read, which does not matter while nothing is left",
	  { "ListAccessKeys", "ListPoliciesForUser" },
	  false,
	  STEP_DONE,
	  "",
	  false,
	  false,
	  false },
	{ "keys may not be listed when one was made by hand",
	  { "ListAccessKeys" },
	  true,
	  STEP_FAILED,
	  "ListAccessKeys",
	  true,
	  false,
	  true },
	{ "policies may not be listed when one was attached by hand",
	  { "ListPoliciesForUser" },
	  true,
	  STEP_FAILED,
	  "ListPoliciesForUser",
	  false,
	  false,
	  true },
};

static void a_refusal_keeps_nothing_else_alive(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(denials) / sizeof(denials[0]); i++) {
		struct scene scene;

		scene_open(&scene, FACTS);
		memcpy(scene.model.denied, denials[i].denied, sizeof(denials[i].denied));
		if (denials[i].by_hand) {
			model_add_key(&scene.model, "u", "LTAI7");
			model_attach(&scene.model, "u", "Custom", "foreign");
		}
		play(&scene.play, engine_alicloud.revoke);
		if (scene.play.verdict != denials[i].verdict ||
		    strcmp(play_culprit_action(&scene.play), denials[i].culprit) != 0 ||
		    (model_keys_of(&scene.model, "u") > 0) != denials[i].key_stays ||
		    model_has_policy(&scene.model, "Custom", "u-1") != denials[i].policies_stay ||
		    model_has_user(&scene.model, "u") != denials[i].user_stays)
			fail_msg("%s: %d, %s: %s", denials[i].name, (int)scene.play.verdict,
				 play_culprit_action(&scene.play), scene.play.log);
		scene_close(&scene);
	}
}

/* What may not be removed is not asked for over and over. */
static void a_refused_removal_ends_the_look(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, FACTS);
	scene.model.denied[0] = "DetachPolicyFromUser System";
	play(&scene.play, engine_alicloud.revoke);
	assert_string_equal(scene.play.log, CLEAR " | " CLOSE " | +200 " LOOK
						  " | DetachPolicyFromUser System Read");
	assert_string_equal(play_culprit_code(&scene.play), "NoPermission");
	scene_close(&scene);
}

/* ---- Every failure at every call ---- */

static const struct {
	enum answer_kind kind;
	bool has_effect;
	const char *code;
} faults[] = {
	{ ANSWER_REFUSED, false, "NoPermission" },
	{ ANSWER_REFUSED, false, "InternalNonsense" },
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
	struct play again = { .answer = model_answer };

	scene_open(&scene, facts);
	scene.model.fault_at = at;
	scene.model.fault = faults[i].kind;
	scene.model.fault_has_effect = faults[i].has_effect;
	scene.model.fault_code = faults[i].code;
	play(&scene.play, engine_alicloud.revoke);
	/* It failed and says why, or what was asked for later has made up for it. */
	if (scene.play.verdict == STEP_DONE)
		assert_false(model_holds(&scene.model, scene.plan));
	else if (scene.play.verdict != STEP_FAILED || !scene.play.step.culprit ||
		 strcmp(play_culprit_code(&scene.play), faults[i].code) != 0)
		fail_msg("fault %zu at call %zu: %s", i, at, scene.play.log);
	again.step.plan = scene.plan;
	again.step.facts = scene.facts;
	again.cloud = &scene.model;
	play(&again, engine_alicloud.revoke);
	assert_int_equal(again.verdict, STEP_DONE);
	assert_false(model_holds(&scene.model, scene.plan));
	play_free(&again);
	scene_close(&scene);
}

static void after_every_failure_at_every_call_it_can_be_repeated(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		for (size_t at = 1; at <= CALLS; at++)
			check_fault(i, at, FACTS);
		for (size_t at = 1; at <= CALLS + 1; at++)
			check_fault(i, at, NULL);
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

/* Any state that a broken issue, a broken revocation and people with a console can leave. */
static void scatter(struct model *model, uint64_t *seed)
{
	bool user = draw(seed, 4) > 0;

	memset(model, 0, sizeof(*model));
	model_add_policy(model, "System", "Read");
	model_add_policy(model, "Custom", "foreign");
	model_add_user(model, "other");
	model_add_key(model, "other", "LTAI9");
	model_attach(model, "other", "System", "Read");
	model_attach(model, "other", "Custom", "foreign");
	model->late = draw(seed, 3) ? 0 : draw(seed, 6);
	for (int i = 1; i <= 2; i++) {
		char name[8];

		snprintf(name, sizeof(name), "u-%d", i);
		if (!draw(seed, 3))
			continue;
		model_add_policy(model, "Custom", name);
		if (user && draw(seed, 2))
			model_attach(model, "u", "Custom", name);
	}
	if (!user)
		return;
	model_add_user(model, "u");
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
	uint64_t seed = 88172645463325252u;

	(void)state;
	for (int i = 0; i < 5000; i++) {
		struct scene scene;

		scene_open(&scene, draw(&seed, 2) ? FACTS : NULL);
		scatter(&scene.model, &seed);
		play(&scene.play, engine_alicloud.revoke);
		if (scene.play.verdict != STEP_DONE || model_holds(&scene.model, scene.plan))
			fail_msg("state %d: %d, %s", i, (int)scene.play.verdict, scene.play.log);
		scene_close(&scene);
	}
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
	scene_open(&scene, FACTS);
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

/* ---- Memory ---- */

static unsigned fail_each(unsigned at)
{
	struct scene scene;
	enum verdict verdict;
	unsigned failures = 0;

	scene_open(&scene, FACTS);
	model_add_key(&scene.model, "u", "LTAI7");
	scene.play.step.notes = json_object();
	do {
		fail_alloc_at(at);
		verdict = engine_alicloud.revoke(&scene.play.step);
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
	unsigned at = 1;

	(void)state;
	while (fail_each(at))
		at++;
	assert_true(at > 20);
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
		cmocka_unit_test(a_refusal_keeps_nothing_else_alive),
		cmocka_unit_test(a_refused_removal_ends_the_look),
		cmocka_unit_test(after_every_failure_at_every_call_it_can_be_repeated),
		cmocka_unit_test(whatever_exists_is_gone_afterwards),
		cmocka_unit_test(lists_without_an_end_are_given_up),
		cmocka_unit_test(nothing_is_called_for_a_plan_that_lacks_something),
		cmocka_unit_test(each_failing_allocation_is_a_failure),
	};

	fail_alloc_jansson();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
