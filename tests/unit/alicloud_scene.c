/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "alicloud_scene.h"

static void start(struct scene *scene)
{
	scene->play.step.plan = scene->plan;
	scene->play.step.role = scene->role;
	scene->play.step.facts = scene->facts;
	scene->play.answer = model_answer;
	scene->play.check = model_check_user;
	scene->play.cloud = &scene->model;
}

void scene_of_issue(struct scene *scene, const char *plan, const char *role)
{
	memset(scene, 0, sizeof(*scene));
	scene->plan = play_json(plan);
	scene->role = play_json(role);
	start(scene);
	model_add_policy(&scene->model, "System", "Read");
}

void scene_of_revocation(struct scene *scene, const char *facts)
{
	struct model *model = &scene->model;

	memset(scene, 0, sizeof(*scene));
	scene->plan = play_json(PLAN);
	scene->facts = facts ? play_json(facts) : NULL;
	start(scene);
	scene->others = true;
	model_add_others(model);
	model_add_user(model, "u");
	model_add_policy(model, "Custom", "u-1");
	model_add_policy(model, "Custom", "u-2");
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
	play(&scene->play, engine_alicloud.revoke);
	assert_string_equal(scene->play.log, log);
	assert_int_equal(scene->play.verdict, STEP_DONE);
	assert_false(model_holds(&scene->model, scene->plan));
}

void scene_clean_up(struct scene *scene, const json_t *facts)
{
	struct play revoke = { .answer = model_answer,
			       .cloud = &scene->model,
			       .check = model_check_user };

	scene->model.fault_at = 0;
	revoke.step.plan = scene->plan;
	revoke.step.facts = facts;
	play(&revoke, engine_alicloud.revoke);
	assert_int_equal(revoke.verdict, STEP_DONE);
	assert_false(model_holds(&scene->model, scene->plan));
	assert_true(model_has_policy(&scene->model, "System", "Read"));
	play_free(&revoke);
}

void scene_close(struct scene *scene)
{
	if (scene->others)
		model_check_others(&scene->model);
	play_free(&scene->play);
	json_decref(scene->role);
	json_decref(scene->plan);
	json_decref(scene->facts);
}
