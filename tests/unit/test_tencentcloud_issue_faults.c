/* SPDX-License-Identifier: Apache-2.0 */
/* An issue that fails at any call, or lacks memory, leaves nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fail_alloc.h"
#include "play_memory.h"
#include "tencent_scene.h"

static const struct model_fault faults[] = {
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
	static const char *const actions[ISSUE_CALLS + 1] = {
		"ListPolicies",     "AddUser",          "CreatePolicy",     "CreatePolicy",
		"AttachUserPolicy", "AttachUserPolicy", "AttachUserPolicy",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		for (size_t at = 1; at <= ISSUE_CALLS + 1; at++) {
			struct scene scene;

			scene_of_issue(&scene, PLAN(0), ROLE(0));
			model_fail(&scene.world.model, at, &faults[i]);
			play(&scene.play, engine_tencentcloud.issue);
			if (scene.play.verdict != STEP_FAILED || scene.play.step.data ||
			    scene.play.step.mistake ||
			    strcmp(play_culprit_action(&scene.play), actions[at - 1]) != 0 ||
			    strcmp(play_culprit_code(&scene.play), faults[i].code) != 0)
				fail_msg("%s at call %zu: %d, %s", faults[i].name, at,
					 (int)scene.play.verdict, scene.play.log);
			scene_clean_up(&scene, NULL);
			scene_close(&scene);
		}
	}
}

/* ---- Memory ---- */

/* Whether the allocation with this number failed. */
static bool lose(unsigned at)
{
	struct scene scene;
	bool lost;

	scene_of_issue(&scene, PLAN(0), ROLE(0));
	scene.world.model.late = 2;
	lost = play_losing(&scene.play, engine_tencentcloud.issue, at);
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
		cmocka_unit_test(every_failure_at_every_call_fails_and_leaves_nothing),
		cmocka_unit_test(each_failing_allocation_is_a_failure),
	};

	fail_alloc_jansson();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
