/* SPDX-License-Identifier: Apache-2.0 */
/* Policies are found by their exact names, over all pages, whatever the cloud's search thinks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/tencentcloud/tencentcloud.h"
#include "fail_alloc.h"
#include "play.h"
#include "play_memory.h"
#include "util/json.h"

/* A list that is served in pages of what is asked for. */
struct library {
	json_t *policies;
	bool no_keywords;  /* KeywordError */
	bool no_total;     /* TotalNum is absent */
	bool stuck;        /* page 1 is served for every page */
	bool endless;      /* each page is full of other policies */
	const char *error; /* of every call */
	size_t error_page; /* or of this one only */
};

static json_t *take_page(const struct library *library, json_int_t page, json_int_t size)
{
	json_t *list = json_array();

	for (json_int_t i = (page - 1) * size; i < page * size; i++) {
		json_t *policy = json_array_get(library->policies, (size_t)i);

		if (library->endless)
			policy = json_pack("{s:I, s:s}", "PolicyId", i + 1, "PolicyName", "other");
		else
			json_incref(policy);
		if (policy)
			json_array_append_new(list, policy);
	}
	return list;
}

static json_t *answer_body(const struct library *library, const json_t *params)
{
	json_int_t page = json_get_int(params, "Page", 0), size = json_get_int(params, "Rp", 0);
	json_t *body;

	assert_int_equal(size, 200);
	assert_true(page >= 1);
	if (library->error && (!library->error_page || (json_int_t)library->error_page == page))
		return json_pack("{s:{s:s}}", "Error", "Code", library->error);
	if (library->no_keywords && json_object_get(params, "Keyword"))
		return json_pack("{s:{s:s}}", "Error", "Code", "InvalidParameter.KeywordError");
	body = json_pack("{s:i, s:o}", "TotalNum",
			 library->endless ? 1000000 : (int)json_array_size(library->policies),
			 "List", take_page(library, library->stuck ? 1 : page, size));
	if (library->no_total)
		json_object_del(body, "TotalNum");
	return body;
}

static void answer(void *cloud, const struct call *call, struct answer *out)
{
	json_t *body = json_pack("{s:o}", "Response", answer_body(cloud, call->params));

	assert_string_equal(call->action, "ListPolicies");
	assert_int_equal(call->effect, CALL_READS);
	engine_tencentcloud.read_answer(200, body, out);
	json_decref(body);
}

static void add(struct library *library, json_int_t id, const char *name, int type)
{
	json_array_append_new(library->policies, json_pack("{s:I, s:s, s:i}", "PolicyId", id,
							   "PolicyName", name, "Type", type));
}

static void fill(struct library *library, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char name[32];

		snprintf(name, sizeof(name), "Read%zu", i);
		add(library, (json_int_t)(1000 + i), name, 2);
	}
}

#define ROLE(name, scope, id)                                                                      \
	"{\"remote_policies\":[{\"policy_name\":\"" name "\",\"scope\":\"" scope                   \
	"\",\"policy_id\":" #id "}]}"

struct scene {
	struct library library;
	struct play play;
	json_t *role;
};

static void scene_open(struct scene *scene, const char *role)
{
	memset(scene, 0, sizeof(*scene));
	scene->library.policies = json_array();
	scene->role = play_json(role);
	scene->play.step.role = scene->role;
	scene->play.answer = answer;
	scene->play.cloud = &scene->library;
}

static void scene_close(struct scene *scene)
{
	play_free(&scene->play);
	json_decref(scene->library.policies);
	json_decref(scene->role);
}

static json_int_t found(const struct scene *scene)
{
	const json_t *list = json_object_get(scene->play.step.role_out, "remote_policies");

	return json_get_int(json_array_get(list, 0), "policy_id", 0);
}

static void resolve(struct scene *scene, enum verdict verdict, json_int_t id, size_t calls)
{
	play(&scene->play, engine_tencentcloud.resolve_role);
	if (scene->play.verdict != verdict || found(scene) != id || scene->play.calls != calls)
		fail_msg("%d, %lld, %zu calls: %s", (int)scene->play.verdict,
			 (long long)found(scene), scene->play.calls, scene->play.step.reason);
}

static void only_the_same_name_is_taken(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, ROLE("Read", "All", 0));
	add(&scene.library, 7, "ReadOnly", 2);
	add(&scene.library, 8, "read", 1);
	add(&scene.library, 9, "Read", 2);
	add(&scene.library, 10, "MayRead", 1);
	resolve(&scene, STEP_DONE, 9, 1);
	assert_string_equal(scene.play.log, "ListPolicies 1 All Read");
	scene_close(&scene);
}

static void all_pages_are_read(void **state)
{
	struct scene scene;

	(void)state;
	for (int without = 0; without < 2; without++) {
		scene_open(&scene, ROLE("Read", "QCS", 0));
		scene.library.no_total = without;
		fill(&scene.library, 450);
		add(&scene.library, 9, "Read", 2);
		resolve(&scene, STEP_DONE, 9, 3);
		scene_close(&scene);
		scene_open(&scene, ROLE("Read", "QCS", 0));
		scene.library.no_total = without;
		add(&scene.library, 9, "Read", 2);
		fill(&scene.library, 399);
		/* A page that is full asks for the next, unless the total says otherwise. */
		resolve(&scene, STEP_DONE, 9, without ? 3 : 2);
		scene_close(&scene);
	}
}

/* The list is not of one moment: what is made at its begin moves what follows. */
static void a_policy_that_is_on_two_pages_is_one(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, ROLE("Read", "QCS", 0));
	fill(&scene.library, 199);
	add(&scene.library, 9, "Read", 2);
	add(&scene.library, 9, "Read", 2);
	resolve(&scene, STEP_DONE, 9, 2);
	scene_close(&scene);
}

static void scopes_are_exact_too(void **state)
{
	static const struct {
		const char *role;
		json_int_t id;
	} cases[] = {
		{ ROLE("Read", "QCS", 0), 9 },
		{ ROLE("Read", "Local", 0), 8 },
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct scene scene;

		scene_open(&scene, cases[i].role);
		add(&scene.library, 8, "Read", 1);
		add(&scene.library, 9, "Read", 2);
		resolve(&scene, STEP_DONE, cases[i].id, 1);
		scene_close(&scene);
	}
}

static void expect_mistake(struct scene *scene, const char *reason)
{
	play(&scene->play, engine_tencentcloud.resolve_role);
	assert_int_equal(scene->play.verdict, STEP_FAILED);
	assert_true(scene->play.step.mistake);
	assert_null(scene->play.step.culprit);
	assert_null(scene->play.step.role_out);
	assert_string_equal(scene->play.step.reason, reason);
	scene_close(scene);
}

static void a_name_that_two_have_is_a_mistake(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, ROLE("Read", "All", 0));
	add(&scene.library, 8, "Read", 1);
	add(&scene.library, 9, "Read", 2);
	expect_mistake(&scene, "remote_policies: policy_name:Read,scope:All is the name of several "
			       "policies; say QCS or Local");
}

static void a_name_that_does_not_exist_is_a_mistake(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, ROLE("Read", "QCS", 0));
	expect_mistake(&scene, "remote_policies: policy_name:Read,scope:QCS no data: no policy has "
			       "exactly this name");
	scene_open(&scene, ROLE("Read", "QCS", 0));
	add(&scene.library, 7, "ReadOnly", 2);
	add(&scene.library, 8, "<b>Read</b>", 2);
	fill(&scene.library, 300);
	expect_mistake(&scene, "remote_policies: policy_name:Read,scope:QCS no data: no policy has "
			       "exactly this name; near it: ReadOnly, Read0, Read1");
}

static void keywords_that_are_not_taken_are_left_out(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, ROLE("Read", "QCS", 0));
	scene.library.no_keywords = true;
	fill(&scene.library, 250);
	add(&scene.library, 9, "Read", 2);
	resolve(&scene, STEP_DONE, 9, 3);
	assert_string_equal(scene.play.log,
			    "ListPolicies 1 QCS Read | ListPolicies 1 QCS | ListPolicies 2 QCS");
	scene_close(&scene);
	/* Nothing is near then: the list is that of all policies. */
	scene_open(&scene, ROLE("Read", "QCS", 0));
	scene.library.no_keywords = true;
	add(&scene.library, 7, "Unlike", 2);
	expect_mistake(&scene, "remote_policies: policy_name:Read,scope:QCS no data: no policy has "
			       "exactly this name");
}

static void what_is_known_is_not_asked(void **state)
{
	static const char *const roles[] = { ROLE("Read", "QCS", 5), "{\"remote_policies\":null}",
					     "{}" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct scene scene;

		scene_open(&scene, roles[i]);
		resolve(&scene, STEP_DONE, 0, 0);
		assert_null(scene.play.step.role_out);
		scene_close(&scene);
	}
}

static void only_the_unknown_is_asked(void **state)
{
	json_t *wanted = play_json(
		"{\"ttl\":3,\"remote_policies\":["
		"{\"policy_name\":\"A\",\"scope\":\"QCS\",\"policy_id\":5},"
		"{\"policy_name\":\"Read\",\"scope\":\"QCS\",\"policy_id\":9},"
		"{\"policy_name\":\"Write\",\"scope\":\"Local\",\"policy_id\":10}]}");
	struct scene scene;

	(void)state;
	scene_open(&scene, "{\"ttl\":3,\"remote_policies\":["
			   "{\"policy_name\":\"A\",\"scope\":\"QCS\",\"policy_id\":5},"
			   "{\"policy_name\":\"Read\",\"scope\":\"QCS\",\"policy_id\":0},"
			   "{\"policy_name\":\"Write\",\"scope\":\"Local\",\"policy_id\":0}]}");
	add(&scene.library, 9, "Read", 2);
	add(&scene.library, 10, "Write", 1);
	resolve(&scene, STEP_DONE, 5, 2);
	assert_int_equal(scene.play.rounds, 1);
	assert_true(json_equal(scene.play.step.role_out, wanted));
	json_decref(wanted);
	scene_close(&scene);
}

/* ---- Clouds that are not sane ---- */

static void lists_without_an_end_are_given_up(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, ROLE("Read", "QCS", 0));
	scene.library.endless = true;
	resolve(&scene, STEP_FAILED, 0, 50);
	assert_string_equal(scene.play.step.reason, "ListPolicies does not come to an end");
	assert_false(scene.play.step.mistake);
	scene_close(&scene);
	scene_open(&scene, ROLE("Read", "QCS", 0));
	scene.library.stuck = true;
	fill(&scene.library, 1000);
	resolve(&scene, STEP_FAILED, 0, 2);
	assert_string_equal(scene.play.step.reason, "ListPolicies does not come to an end");
	scene_close(&scene);
}

static void a_refusal_is_no_mistake_of_the_role(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, ROLE("Read", "QCS", 0));
	scene.library.error = "AuthFailure.UnauthorizedOperation";
	resolve(&scene, STEP_FAILED, 0, 1);
	assert_false(scene.play.step.mistake);
	assert_string_equal(play_culprit_code(&scene.play), "AuthFailure.UnauthorizedOperation");
	scene_close(&scene);
	scene_open(&scene, ROLE("Read", "QCS", 0));
	fill(&scene.library, 300);
	scene.library.error = "InternalError";
	scene.library.error_page = 2;
	resolve(&scene, STEP_FAILED, 0, 2);
	assert_string_equal(play_culprit_code(&scene.play), "InternalError");
	scene_close(&scene);
	/* A list that is not filtered cannot be refused because of its filter. */
	scene_open(&scene, ROLE("Read", "QCS", 0));
	scene.library.error = "InvalidParameter.KeywordError";
	resolve(&scene, STEP_FAILED, 0, 2);
	scene_close(&scene);
}

static void numbers_that_are_none_are_not_taken(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, ROLE("Read", "QCS", 0));
	add(&scene.library, 0, "Read", 2);
	add(&scene.library, -5, "Read", 2);
	json_array_append_new(scene.library.policies, json_integer(3));
	json_array_append_new(scene.library.policies,
			      json_pack("{s:s, s:s}", "PolicyId", "12", "PolicyName", "Read"));
	json_array_append_new(scene.library.policies,
			      json_pack("{s:s, s:s}", "PolicyId", "x", "PolicyName", "Read"));
	resolve(&scene, STEP_DONE, 12, 1);
	scene_close(&scene);
}

/* ---- Memory ---- */

/* Whether the allocation with this number failed. */
static bool lose(unsigned at)
{
	struct scene scene;
	bool lost;

	scene_open(&scene, ROLE("Read", "QCS", 0));
	fill(&scene.library, 250);
	add(&scene.library, 9, "Read", 2);
	lost = play_losing(&scene.play, engine_tencentcloud.resolve_role, at);
	if (!lost)
		assert_int_equal(found(&scene), 9);
	scene_close(&scene);
	return lost;
}

static void each_failing_allocation_is_a_failure(void **state)
{
	(void)state;
	play_each_loss(lose, 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_same_name_is_taken),
		cmocka_unit_test(all_pages_are_read),
		cmocka_unit_test(a_policy_that_is_on_two_pages_is_one),
		cmocka_unit_test(scopes_are_exact_too),
		cmocka_unit_test(a_name_that_two_have_is_a_mistake),
		cmocka_unit_test(a_name_that_does_not_exist_is_a_mistake),
		cmocka_unit_test(keywords_that_are_not_taken_are_left_out),
		cmocka_unit_test(what_is_known_is_not_asked),
		cmocka_unit_test(only_the_unknown_is_asked),
		cmocka_unit_test(lists_without_an_end_are_given_up),
		cmocka_unit_test(a_refusal_is_no_mistake_of_the_role),
		cmocka_unit_test(numbers_that_are_none_are_not_taken),
		cmocka_unit_test(each_failing_allocation_is_a_failure),
	};

	fail_alloc_jansson();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
