/* SPDX-License-Identifier: Apache-2.0 */
/* A revocation whose calls are refused or fail, wherever it had got to before, or that lacks memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fail_alloc.h"
#include "play_memory.h"
#include "tencent_scene.h"

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

		scene_of_revocation(&scene, denials[i].facts);
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

static void check_fault(size_t i, size_t at, const char *facts)
{
	struct scene scene;
	struct model *model = &scene.world.model;

	scene_of_revocation(&scene, facts);
	model_fail(model, at, &revoke_faults[i]);
	play(&scene.play, engine_tencentcloud.revoke);
	/* It failed and says why, or what was asked for later has made up for it. */
	if (scene.play.verdict == STEP_DONE)
		assert_false(model_holds(model, scene.plan));
	else if (scene.play.verdict != STEP_FAILED || !scene.play.step.culprit ||
		 strcmp(play_culprit_code(&scene.play), revoke_faults[i].code) != 0)
		fail_msg("%s at call %zu: %s", revoke_faults[i].name, at, scene.play.log);
	scene_again(&scene, REVOKE_ALL);
	play(&scene.play, engine_tencentcloud.revoke);
	assert_int_equal(scene.play.verdict, STEP_DONE);
	assert_false(model_holds(model, scene.plan));
	scene_close(&scene);
}

static void after_every_failure_at_every_call_it_can_be_repeated(void **state)
{
	(void)state;
	for (size_t i = 0; i < REVOKE_FAULTS; i++) {
		for (size_t at = 1; at <= REVOKE_CALLS; at++)
			check_fault(i, at, FACTS);
		for (size_t at = 1; at <= REVOKE_CALLS + 5; at++)
			check_fault(i, at, NULL);
	}
}

/* ---- Whatever exists ---- */

static void scatter_policy(struct model *model, bool user, const char *name, uint64_t *seed)
{
	if (!model_draw(seed, 3)) {
		model->next_number++;
		return;
	}
	model_add_policy(model, "Custom", name);
	if (user && model_draw(seed, 2))
		model_attach(model, "u", "Custom", name);
}

/* Any state that a broken issue, a broken revocation and people with a console can leave. The numbers
 * are those of the facts wherever the things exist. */
static void scatter(struct tencent_model *world, uint64_t *seed)
{
	struct model *model = &world->model;
	bool user = model_draw(seed, 4) > 0;

	memset(world, 0, sizeof(*world));
	model_add_others(model);
	world->detaches = !model_draw(seed, 4);
	world->keywords_refused = !model_draw(seed, 4);
	model->late = model_draw(seed, 3) ? 0 : model_draw(seed, 6);
	if (user)
		model_add_user(model, "u");
	else
		model->next_number++;
	scatter_policy(model, user, "u-1", seed);
	scatter_policy(model, user, "u-2", seed);
	if (!user)
		return;
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
	static const char *const facts[] = { FACTS, REPEATED, NULL };
	uint64_t seed = 88172645463325252u;

	(void)state;
	for (int i = 0; i < 5000; i++) {
		struct scene scene;

		scene_of_revocation(&scene, facts[model_draw(&seed, 3)]);
		scatter(&scene.world, &seed);
		play(&scene.play, engine_tencentcloud.revoke);
		if (scene.play.verdict != STEP_DONE || model_holds(&scene.world.model, scene.plan))
			fail_msg("state %d: %d, %s", i, (int)scene.play.verdict, scene.play.log);
		scene_close(&scene);
	}
}

/* ---- Memory ---- */

/* Whether the allocation with this number failed. */
static bool lose(unsigned at, const char *facts)
{
	struct scene scene;
	bool lost;

	scene_of_revocation(&scene, facts);
	model_add_key(&scene.world.model, "u", "LTAI7");
	lost = play_losing(&scene.play, engine_tencentcloud.revoke, at);
	if (!lost)
		assert_int_equal(scene.play.verdict, STEP_DONE);
	scene_close(&scene);
	return lost;
}

static void each_failing_allocation_is_a_failure(void **state)
{
	static const char *const facts[] = { FACTS, NULL };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		unsigned at = 1;

		while (lose(at, facts[i]))
			at++;
		assert_true(at > 20);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_refusal_keeps_nothing_else_alive),
		cmocka_unit_test(after_every_failure_at_every_call_it_can_be_repeated),
		cmocka_unit_test(whatever_exists_is_gone_afterwards),
		cmocka_unit_test(each_failing_allocation_is_a_failure),
	};

	fail_alloc_jansson();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
