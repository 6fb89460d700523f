/* SPDX-License-Identifier: Apache-2.0 */
#include "tencent_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/tencentcloud/tencentcloud.h"

void scene_others(struct model *model)
{
	model_add_policy(model, "System", "Read");    /* 1 */
	model_add_policy(model, "Custom", "foreign"); /* 2 */
	model_add_user(model, "other");               /* 1003 */
	model_add_key(model, "other", "LTAI9");
	model_attach(model, "other", "System", "Read");
	model_attach(model, "other", "Custom", "foreign");
}

void scene_open(struct scene *scene, const char *facts)
{
	struct model *model = &scene->world.model;

	memset(scene, 0, sizeof(*scene));
	scene->plan = play_json(PLAN);
	scene->facts = facts ? play_json(facts) : NULL;
	scene->play.step.plan = scene->plan;
	scene->play.step.facts = scene->facts;
	scene->play.answer = tencent_answer;
	scene->play.check = tencent_check;
	scene->play.cloud = &scene->world;
	scene_others(model);
	model_add_user(model, "u");               /* 1004 */
	model_add_policy(model, "Custom", "u-1"); /* 5 */
	model_add_policy(model, "Custom", "u-2"); /* 6 */
	model_attach(model, "u", "Custom", "u-1");
	model_attach(model, "u", "Custom", "u-2");
	model_attach(model, "u", "System", "Read");
	model_add_key(model, "u", "LTAI1");
}

static void check_others(const struct model *model)
{
	assert_true(model_has_user(model, "other"));
	assert_int_equal(model_keys_of(model, "other"), 1);
	assert_int_equal(model_attachments_of(model, "other"), 2);
	assert_true(model_has_policy(model, "System", "Read"));
	assert_true(model_has_policy(model, "Custom", "foreign"));
}

void scene_close(struct scene *scene)
{
	check_others(&scene->world.model);
	play_free(&scene->play);
	json_decref(scene->plan);
	json_decref(scene->facts);
}

void scene_again(struct scene *scene, enum revoke_part part)
{
	play_free(&scene->play);
	scene->play.step = (struct step){ .plan = scene->plan,
					  .facts = scene->facts,
					  .part = part };
	scene->play.answer = tencent_answer;
	scene->play.check = tencent_check;
	scene->play.cloud = &scene->world;
}

void scene_done(struct scene *scene, const char *log)
{
	play(&scene->play, engine_tencentcloud.revoke);
	assert_string_equal(scene->play.log, log);
	assert_int_equal(scene->play.verdict, STEP_DONE);
	assert_false(model_holds(&scene->world.model, scene->plan));
}
