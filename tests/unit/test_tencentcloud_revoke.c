/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/tencentcloud/tencentcloud.h"
#include "fail_alloc.h"
#include "tencent_model.h"
#include "util/json.h"

/* Numbers are given in the order in which the model's things are made: see scene_open. */
#define PLAN                                                                                       \
	"{\"kind\":\"cam\",\"user\":\"u\",\"inline\":[{\"name\":\"u-1\"},{\"name\":\"u-2\"}],"     \
	"\"remote\":[{\"policy_name\":\"Read\",\"scope\":\"QCS\",\"policy_id\":1}]}"
#define FACTS_BUT "\"uin\":1004,\"secret_id\":\"LTAI1\",\"inline\":[5,6],\"remote\":[1]"
#define FACTS     "{" FACTS_BUT ",\"repeated\":false}"
#define REPEATED  "{" FACTS_BUT ",\"repeated\":true}"
#define CALLS     6 /* of a revocation without faults, with facts */

#define DETACH       "DetachUserPolicy 5, DetachUserPolicy 6, DetachUserPolicy 1"
#define CLEAR        "DeleteAccessKey LTAI1, " DETACH
#define CLOSE        "DeletePolicy [5,6], DeleteUser"
#define FIND         "GetUser, " FIND_OWN
#define FIND_OWN     "ListPolicies 1 Local u-1, ListPolicies 1 Local u-2"
#define LIST         "ListAccessKeys, ListAttachedUserPolicies 1"
#define UNAUTHORIZED "AuthFailure.UnauthorizedOperation"

struct scene {
	struct tencent_model world;
	struct play play;
	json_t *plan, *facts;
};

static void make_others(struct model *model)
{
	model_add_policy(model, "System", "Read");    /* 1 */
	model_add_policy(model, "Custom", "foreign"); /* 2 */
	model_add_user(model, "other");               /* 1003 */
	model_add_key(model, "other", "LTAI9");
	model_attach(model, "other", "System", "Read");
	model_attach(model, "other", "Custom", "foreign");
}

/* A cloud in which the plan was carried out, beside somebody else's things. */
static void scene_open(struct scene *scene, const char *facts)
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
	make_others(model);
	model_add_user(model, "u");               /* 1004 */
	model_add_policy(model, "Custom", "u-1"); /* 5 */
	model_add_policy(model, "Custom", "u-2"); /* 6 */
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
	check_others(&scene->world.model);
	play_free(&scene->play);
	json_decref(scene->plan);
	json_decref(scene->facts);
}

static void again(struct scene *scene, enum revoke_part part)
{
	play_free(&scene->play);
	scene->play.step = (struct step){ .plan = scene->plan,
					  .facts = scene->facts,
					  .part = part };
	scene->play.answer = tencent_answer;
	scene->play.check = tencent_check;
	scene->play.cloud = &scene->world;
}

static void expect_done(struct scene *scene, const char *log)
{
	play(&scene->play, engine_tencentcloud.revoke);
	assert_string_equal(scene->play.log, log);
	assert_int_equal(scene->play.verdict, STEP_DONE);
	assert_false(model_holds(&scene->world.model, scene->plan));
}

static void a_user_is_removed_in_two_rounds(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, FACTS);
	expect_done(&scene, CLEAR " | " CLOSE);
	assert_int_equal(scene.play.calls, CALLS);
	scene_close(&scene);
}

static void check_call(void *cloud, const struct call *call, struct answer *answer)
{
	bool looks = strncmp(call->action, "List", 4) == 0 || strncmp(call->action, "Get", 3) == 0;

	if (strcmp(call->action, "DeleteUser") == 0)
		assert_int_equal(json_get_int(call->params, "Force", 0), 1);
	assert_int_equal(call->effect, looks ? CALL_READS : CALL_REMOVES);
	tencent_answer(cloud, call, answer);
}

static void calls_carry_what_the_cloud_needs(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, REPEATED);
	scene.play.answer = check_call;
	play(&scene.play, engine_tencentcloud.revoke);
	assert_int_equal(scene.play.verdict, STEP_DONE);
	scene_close(&scene);
}

/* ---- Without numbers ---- */

static void without_facts_all_is_found_by_its_exact_name(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, NULL);
	model_add_policy(&scene.world.model, "Custom", "u-10");
	model_add_policy(&scene.world.model, "Custom", "xu-1");
	expect_done(&scene, FIND " | " LIST " | " CLEAR " | " CLOSE);
	assert_true(model_has_policy(&scene.world.model, "Custom", "u-10"));
	assert_true(model_has_policy(&scene.world.model, "Custom", "xu-1"));
	scene_close(&scene);
}

static void facts_without_numbers_are_no_facts(void **state)
{
	static const char *const facts[] = { "{}", "{\"secret_id\":\"LTAI1\"}",
					     "{\"uin\":1004,\"secret_id\":\"\"}" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct scene scene;

		scene_open(&scene, facts[i]);
		expect_done(&scene, FIND " | " LIST " | " CLEAR " | " CLOSE);
		scene_close(&scene);
	}
}

static void give_no_number(void *cloud, const struct call *call, struct answer *answer)
{
	tencent_answer(cloud, call, answer);
	if (strcmp(call->action, "GetUser") == 0)
		json_object_del(answer->body, "Uin");
}

static void keys_of_a_user_without_a_number_are_not_gone(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, NULL);
	scene.play.answer = give_no_number;
	scene.play.step.part = REVOKE_KEYS;
	play(&scene.play, engine_tencentcloud.revoke);
	assert_int_equal(scene.play.verdict, STEP_FAILED);
	assert_string_equal(play_culprit_action(&scene.play), "GetUser");
	scene_close(&scene);
}

static void keywords_that_are_not_taken_are_left_out(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, NULL);
	scene.world.keywords_refused = true;
	expect_done(&scene, FIND " | " LIST ", ListPolicies 1 Local, ListPolicies 1 Local | " CLEAR
				 " | " CLOSE);
	scene_close(&scene);
}

/* ---- Parts ---- */

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
		scene_open(&scene, cases[i].facts);
		scene.play.step.part = REVOKE_KEYS;
		play(&scene.play, engine_tencentcloud.revoke);
		assert_string_equal(scene.play.log, cases[i].keys);
		assert_int_equal(scene.play.verdict, STEP_DONE);
		assert_int_equal(model_keys_of(&scene.world.model, "u"), 0);
		assert_int_equal(model_attachments_of(&scene.world.model, "u"), 3);
		again(&scene, REVOKE_REST);
		expect_done(&scene, cases[i].rest);
		scene_close(&scene);
	}
}

static void a_key_that_stays_is_a_failure(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, FACTS);
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

		scene_open(&scene, disabled_first[i].facts);
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
	scene_open(&scene, NULL);
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
	scene_open(&scene, FACTS);
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

/* ---- What is gone, and what comes late ---- */

static void what_is_gone_already_is_success(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, FACTS);
	play(&scene.play, engine_tencentcloud.revoke);
	again(&scene, REVOKE_ALL);
	expect_done(&scene, CLEAR " | " CLOSE " | DeletePolicy [5], DeletePolicy [6]");
	scene_close(&scene);
	scene_open(&scene, NULL);
	play(&scene.play, engine_tencentcloud.revoke);
	again(&scene, REVOKE_ALL);
	expect_done(&scene, FIND " | DeleteUser");
	scene_close(&scene);
}

static void what_is_gone_may_be_said_without_a_detail(void **state)
{
	static const char *const facts[] = { FACTS, NULL };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct scene scene;

		scene_open(&scene, facts[i]);
		scene.world.bare_codes = true;
		play(&scene.play, engine_tencentcloud.revoke);
		again(&scene, REVOKE_ALL);
		play(&scene.play, engine_tencentcloud.revoke);
		assert_int_equal(scene.play.verdict, STEP_DONE);
		assert_false(model_holds(&scene.world.model, scene.plan));
		scene_close(&scene);
	}
}

static void of_two_policies_one_that_is_gone_does_not_save_the_other(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, FACTS);
	scene.world.model.policies[2][0] = '\0'; /* u-1 */
	memset(&scene.world.model.attached[2], 0, sizeof(struct model_pair));
	expect_done(&scene, CLEAR " | " CLOSE " | DeletePolicy [5], DeletePolicy [6]");
	scene_close(&scene);
}

/* The first attempt of an issue's calls is carried out after all, when the lease has been swept: user
 * and policies have other numbers then. */
static void what_comes_late_is_found_by_name(void **state)
{
	struct model *model;
	struct scene scene;

	(void)state;
	scene_open(&scene, REPEATED);
	play(&scene.play, engine_tencentcloud.revoke);
	assert_false(model_holds(&scene.world.model, scene.plan));
	model = &scene.world.model;
	model_add_user(model, "u");
	model_add_key(model, "u", "LTAI3");
	model_add_policy(model, "Custom", "u-1");
	again(&scene, REVOKE_KEYS);
	play(&scene.play, engine_tencentcloud.revoke);
	assert_int_equal(scene.play.verdict, STEP_DONE);
	assert_int_equal(model_keys_of(model, "u"), 0);
	again(&scene, REVOKE_REST);
	play(&scene.play, engine_tencentcloud.revoke);
	assert_int_equal(scene.play.verdict, STEP_DONE);
	assert_false(model_holds(model, scene.plan));
	scene_close(&scene);
}

/* ---- What was added by hand ---- */

static void keys_and_attachments_made_by_hand_go_with_the_user(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, FACTS);
	model_add_key(&scene.world.model, "u", "LTAI7");
	model_attach(&scene.world.model, "u", "Custom", "foreign");
	expect_done(&scene, CLEAR " | " CLOSE " | +200 " LIST
				  " | DeleteAccessKey LTAI7, DetachUserPolicy 2 | DeleteUser");
	scene_close(&scene);
}

static void a_conflict_may_have_a_code_that_nobody_has_declared(void **state)
{
	static const char *const codes[] = { "FailedOperation.UserHasPolicies",
					     "OperationDenied.HavePolicies", "OperationDenied" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct scene scene;

		scene_open(&scene, FACTS);
		scene.world.conflict = codes[i];
		model_attach(&scene.world.model, "u", "Custom", "foreign");
		expect_done(&scene,
			    CLEAR " | " CLOSE " | +200 " LIST " | DetachUserPolicy 2 | DeleteUser");
		scene_close(&scene);
	}
}

static void an_own_policy_on_another_user_fails_but_the_rest_goes(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, FACTS);
	model_add_user(&scene.world.model, "third");
	model_attach(&scene.world.model, "third", "Custom", "u-1");
	play(&scene.play, engine_tencentcloud.revoke);
	assert_int_equal(scene.play.verdict, STEP_FAILED);
	assert_string_equal(play_culprit_code(&scene.play), "FailedOperation");
	assert_string_equal(scene.play.log,
			    CLEAR " | " CLOSE " | DeletePolicy [5], DeletePolicy [6]"
				  " | +200 DeletePolicy [5] | +400 DeletePolicy [5]"
				  " | +800 DeletePolicy [5] | +1600 DeletePolicy [5]"
				  " | +3200 DeletePolicy [5]");
	assert_false(model_has_user(&scene.world.model, "u"));
	assert_false(model_has_policy(&scene.world.model, "Custom", "u-2"));
	scene_close(&scene);
}

static void a_protected_user_is_told_at_once(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, FACTS);
	strcpy(scene.world.model.grouped, "u");
	play(&scene.play, engine_tencentcloud.revoke);
	assert_int_equal(scene.play.verdict, STEP_FAILED);
	assert_string_equal(play_culprit_code(&scene.play), "FailedOperation.Unmodifiable");
	assert_string_equal(scene.play.log, CLEAR " | " CLOSE);
	assert_int_equal(model_keys_of(&scene.world.model, "u"), 0);
	scene_close(&scene);
}

/* ---- A cloud that sees our removals late ---- */

static void conflicts_right_after_our_own_removal_are_waited_out(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, FACTS);
	scene.world.model.late = 3;
	expect_done(&scene, CLEAR " | " CLOSE " | +200 " LIST
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
	again(&scene, REVOKE_ALL);
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
	again(&scene, REVOKE_KEYS);
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
	make_others(model);
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
	again(&scene, REVOKE_ALL);
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
		cmocka_unit_test(a_user_is_removed_in_two_rounds),
		cmocka_unit_test(calls_carry_what_the_cloud_needs),
		cmocka_unit_test(without_facts_all_is_found_by_its_exact_name),
		cmocka_unit_test(facts_without_numbers_are_no_facts),
		cmocka_unit_test(keys_of_a_user_without_a_number_are_not_gone),
		cmocka_unit_test(keywords_that_are_not_taken_are_left_out),
		cmocka_unit_test(keys_go_before_the_rest),
		cmocka_unit_test(a_key_that_stays_is_a_failure),
		cmocka_unit_test(a_key_that_works_is_disabled_where_it_cannot_be_deleted),
		cmocka_unit_test(keys_made_by_hand_are_disabled_likewise),
		cmocka_unit_test(a_key_that_may_not_be_disabled_is_a_failure_that_says_so),
		cmocka_unit_test(a_session_needs_no_call),
		cmocka_unit_test(what_is_gone_already_is_success),
		cmocka_unit_test(what_is_gone_may_be_said_without_a_detail),
		cmocka_unit_test(of_two_policies_one_that_is_gone_does_not_save_the_other),
		cmocka_unit_test(what_comes_late_is_found_by_name),
		cmocka_unit_test(keys_and_attachments_made_by_hand_go_with_the_user),
		cmocka_unit_test(a_conflict_may_have_a_code_that_nobody_has_declared),
		cmocka_unit_test(an_own_policy_on_another_user_fails_but_the_rest_goes),
		cmocka_unit_test(a_protected_user_is_told_at_once),
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
