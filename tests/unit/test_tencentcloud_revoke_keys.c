/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of a user go before the rest, also where they must be disabled first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tencent_scene.h"

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
		scene_of_revocation(&scene, cases[i].facts);
		scene.play.step.part = REVOKE_KEYS;
		play(&scene.play, engine_tencentcloud.revoke);
		assert_string_equal(scene.play.log, cases[i].keys);
		assert_int_equal(scene.play.verdict, STEP_DONE);
		assert_int_equal(model_keys_of(&scene.world.model, "u"), 0);
		assert_int_equal(model_attachments_of(&scene.world.model, "u"), 3);
		scene_again(&scene, REVOKE_REST);
		scene_expect_gone(&scene, cases[i].rest);
		scene_close(&scene);
	}
}

static void a_key_that_stays_is_a_failure(void **state)
{
	struct scene scene;

	(void)state;
	scene_of_revocation(&scene, FACTS);
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

		scene_of_revocation(&scene, disabled_first[i].facts);
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
	scene_of_revocation(&scene, NULL);
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
	scene_of_revocation(&scene, FACTS);
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

static void check_fault_of_disabling(size_t i, size_t at)
{
	struct scene scene;
	struct model *model = &scene.world.model;

	scene_of_revocation(&scene, FACTS);
	scene.world.disables_first = true;
	scene.play.step.part = REVOKE_KEYS;
	model_fail(model, at, &revoke_faults[i]);
	play(&scene.play, engine_tencentcloud.revoke);
	if ((scene.play.verdict == STEP_DONE) != (model_keys_of(model, "u") == 0) &&
	    !revoke_faults[i].has_effect)
		fail_msg("%s at call %zu: %s", revoke_faults[i].name, at, scene.play.log);
	scene_again(&scene, REVOKE_KEYS);
	play(&scene.play, engine_tencentcloud.revoke);
	assert_int_equal(scene.play.verdict, STEP_DONE);
	assert_int_equal(model_keys_of(model, "u"), 0);
	scene_close(&scene);
}

static void disabling_can_be_repeated_after_every_failure(void **state)
{
	(void)state;
	for (size_t i = 0; i < REVOKE_FAULTS; i++) {
		for (size_t at = 1; at <= 3; at++)
			check_fault_of_disabling(i, at);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_go_before_the_rest),
		cmocka_unit_test(a_key_that_stays_is_a_failure),
		cmocka_unit_test(a_key_that_works_is_disabled_where_it_cannot_be_deleted),
		cmocka_unit_test(keys_made_by_hand_are_disabled_likewise),
		cmocka_unit_test(a_key_that_may_not_be_disabled_is_a_failure_that_says_so),
		cmocka_unit_test(a_session_needs_no_call),
		cmocka_unit_test(disabling_can_be_repeated_after_every_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
