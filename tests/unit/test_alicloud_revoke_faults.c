/* SPDX-License-Identifier: Apache-2.0 */
/* A revocation whose calls are refused or fail, wherever it had got to before, or that lacks memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "alicloud_scene.h"
#include "fail_alloc.h"
#include "play_memory.h"

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

		scene_of_revocation(&scene, FACTS);
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
	scene_of_revocation(&scene, FACTS);
	scene.model.denied[0] = "DetachPolicyFromUser System";
	play(&scene.play, engine_alicloud.revoke);
	assert_string_equal(scene.play.log, CLEAR " | " CLOSE " | +200 " LOOK
						  " | DetachPolicyFromUser System Read");
	assert_string_equal(play_culprit_code(&scene.play), "NoPermission");
	scene_close(&scene);
}

/* ---- Every failure at every call ---- */

static const struct model_fault faults[] = {
	{ "no permission", ANSWER_REFUSED, false, "NoPermission" },
	{ "another refusal", ANSWER_REFUSED, false, "InternalNonsense" },
	{ "throttled to the deadline", ANSWER_THROTTLED, false, "" },
	{ "sick without effect", ANSWER_SICK, false, "" },
	{ "sick after the effect", ANSWER_SICK, true, "" },
	{ "lost before the effect", ANSWER_UNSURE, false, "" },
	{ "lost after the effect", ANSWER_UNSURE, true, "" },
	{ "not reached", ANSWER_UNSENT, false, "" },
};

static void check_fault(size_t i, size_t at, const char *facts)
{
	struct scene scene;

	scene_of_revocation(&scene, facts);
	model_fail(&scene.model, at, &faults[i]);
	play(&scene.play, engine_alicloud.revoke);
	/* It failed and says why, or what was asked for later has made up for it. */
	if (scene.play.verdict == STEP_DONE)
		assert_false(model_holds(&scene.model, scene.plan));
	else if (scene.play.verdict != STEP_FAILED || !scene.play.step.culprit ||
		 strcmp(play_culprit_code(&scene.play), faults[i].code) != 0)
		fail_msg("%s at call %zu: %s", faults[i].name, at, scene.play.log);
	scene_again(&scene, REVOKE_ALL);
	play(&scene.play, engine_alicloud.revoke);
	assert_int_equal(scene.play.verdict, STEP_DONE);
	assert_false(model_holds(&scene.model, scene.plan));
	scene_close(&scene);
}

static void after_every_failure_at_every_call_it_can_be_repeated(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		for (size_t at = 1; at <= REVOKE_CALLS; at++)
			check_fault(i, at, FACTS);
		for (size_t at = 1; at <= REVOKE_CALLS + 1; at++)
			check_fault(i, at, NULL);
	}
}

/* ---- Whatever exists ---- */

/* Any state that a broken issue, a broken revocation and people with a console can leave. */
static void scatter(struct model *model, uint64_t *seed)
{
	bool user = model_draw(seed, 4) > 0;

	memset(model, 0, sizeof(*model));
	model_add_others(model);
	model->late = model_draw(seed, 3) ? 0 : model_draw(seed, 6);
	for (int i = 1; i <= 2; i++) {
		char name[8];

		snprintf(name, sizeof(name), "u-%d", i);
		if (!model_draw(seed, 3))
			continue;
		model_add_policy(model, "Custom", name);
		if (user && model_draw(seed, 2))
			model_attach(model, "u", "Custom", name);
	}
	if (!user)
		return;
	model_add_user(model, "u");
	if (model_draw(seed, 2))
		model_attach(model, "u", "System", "Read");
	if (!model_draw(seed, 3))
		model_attach(model, "u", "Custom", "foreign");
	if (model_draw(seed, 2))
		model_add_key(model, "u", "LTAI1");
	if (!model_draw(seed, 3))
		model_add_key(model, "u", "LTAI7");
}

static void whatever_exists_is_gone_afterwards(void **state)
{
	uint64_t seed = 88172645463325252u;

	(void)state;
	for (int i = 0; i < 5000; i++) {
		struct scene scene;

		scene_of_revocation(&scene, model_draw(&seed, 2) ? FACTS : NULL);
		scatter(&scene.model, &seed);
		play(&scene.play, engine_alicloud.revoke);
		if (scene.play.verdict != STEP_DONE || model_holds(&scene.model, scene.plan))
			fail_msg("state %d: %d, %s", i, (int)scene.play.verdict, scene.play.log);
		scene_close(&scene);
	}
}

/* ---- Memory ---- */

/* Whether the allocation with this number failed. */
static bool lose(unsigned at)
{
	struct scene scene;
	bool lost;

	scene_of_revocation(&scene, FACTS);
	model_add_key(&scene.model, "u", "LTAI7");
	lost = play_losing(&scene.play, engine_alicloud.revoke, at);
	if (!lost)
		assert_int_equal(scene.play.verdict, STEP_DONE);
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
		cmocka_unit_test(a_refusal_keeps_nothing_else_alive),
		cmocka_unit_test(a_refused_removal_ends_the_look),
		cmocka_unit_test(after_every_failure_at_every_call_it_can_be_repeated),
		cmocka_unit_test(whatever_exists_is_gone_afterwards),
		cmocka_unit_test(each_failing_allocation_is_a_failure),
	};

	fail_alloc_jansson();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
