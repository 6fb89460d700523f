/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tencent_scene.h"

const struct model_fault revoke_faults[REVOKE_FAULTS] = {
	{ "no permission", ANSWER_REFUSED, false, "AuthFailure.UnauthorizedOperation" },
	{ "another refusal", ANSWER_REFUSED, false, "Nonsense" },
	{ "throttled to the deadline", ANSWER_THROTTLED, false, "" },
	{ "sick without effect", ANSWER_SICK, false, "" },
	{ "sick after the effect", ANSWER_SICK, true, "" },
	{ "lost before the effect", ANSWER_UNSURE, false, "" },
	{ "lost after the effect", ANSWER_UNSURE, true, "" },
	{ "not reached", ANSWER_UNSENT, false, "" },
};

static void start(struct scene *scene)
{
	scene->play.step.plan = scene->plan;
	scene->play.step.role = scene->role;
	scene->play.step.facts = scene->facts;
	scene->play.answer = tencent_answer;
	scene->play.check = tencent_check;
	scene->play.cloud = &scene->world;
}

void scene_of_issue(struct scene *scene, const char *plan, const char *role)
{
	memset(scene, 0, sizeof(*scene));
	scene->plan = play_json(plan);
	scene->role = play_json(role);
	start(scene);
	model_add_policy(&scene->world.model, "System", "Read");
}

void scene_of_revocation(struct scene *scene, const char *facts)
{
	struct model *model = &scene->world.model;

	memset(scene, 0, sizeof(*scene));
	scene->plan = play_json(PLAN(1));
	scene->facts = facts ? play_json(facts) : NULL;
	start(scene);
	scene->others = true;
	model_add_others(model);
	model_add_user(model, "u");               /* 1004 */
	model_add_policy(model, "Custom", "u-1"); /* 5 */
	model_add_policy(model, "Custom", "u-2"); /* 6 */
	model_attach(model, "u", "Custom", "u-1");
	model_attach(model, "u", "Custom", "u-2");
	model_attach(model, "u", "System", "Read");
	model_add_key(model, "u", "LTAI1");
}

void scene_again(struct scene *scene, enum revoke_part part)
{
	play_free(&scene->play);
	memset(&scene->play, 0, sizeof(scene->play));
	start(scene);
	scene->play.step.part = part;
}

void scene_expect_gone(struct scene *scene, const char *log)
{
	play(&scene->play, engine_tencentcloud.revoke);
	assert_string_equal(scene->play.log, log);
	assert_int_equal(scene->play.verdict, STEP_DONE);
	assert_false(model_holds(&scene->world.model, scene->plan));
}

void scene_clean_up(struct scene *scene, const json_t *facts)
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

void scene_close(struct scene *scene)
{
	if (scene->others)
		model_check_others(&scene->world.model);
	play_free(&scene->play);
	json_decref(scene->role);
	json_decref(scene->plan);
	json_decref(scene->facts);
}
