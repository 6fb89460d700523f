/* SPDX-License-Identifier: Apache-2.0 */
/* What a role only names is looked up when it is written, if that is possible, and kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "broker_fixture.h"
#include "fake_engine.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/json.h"

static struct warnings warnings;

static int set_up(void **state)
{
	json_t *old, *role = json_pack("{s:i}", "ttl", 1);
	uint64_t revision;

	broker_set_up(state);
	fake.asks = true;
	fake.resolve = STEP_DONE;
	assert_int_equal(mount_role_get(broker, mount(), "app", &old, &revision), 0);
	assert_int_equal(mount_role_put(broker, mount(), "app", role, revision, NULL), 0);
	json_decref(old);
	json_decref(role);
	memset(&warnings, 0, sizeof(warnings));
	memset(&err, 0, sizeof(err));
	return 0;
}

static int resolve(json_t **role_out)
{
	json_t *role = json_pack("{s:i}", "ttl", 5);
	int ret = broker_resolve_role(broker, mount(), role, clock_boot_ms() + 5000, role_out,
				      &warnings, &err);

	json_decref(role);
	return ret;
}

/* ---- When a role is written ---- */

static void the_answer_is_what_shall_be_stored(void **state)
{
	json_t *role;

	(void)state;
	fake.answer = "42";
	assert_int_equal(resolve(&role), 0);
	assert_string_equal(json_get_text(role, "answer"), "42");
	assert_int_equal(json_get_int(role, "ttl", 0), 5);
	assert_int_equal(warnings.count, 0);
	json_decref(role);
}

static void without_a_question_nobody_is_asked(void **state)
{
	json_t *role;

	(void)state;
	fake.asks = false;
	fake.answer = "42";
	assert_int_equal(mount_config_delete(broker, mount()), 0);
	assert_int_equal(resolve(&role), 0);
	assert_null(role);
	assert_int_equal(fake.resolves, 0);
}

static void a_mistake_is_told_and_nothing_stored(void **state)
{
	json_t *role;

	(void)state;
	fake.resolve = STEP_FAILED;
	fake.mistake = true;
	assert_int_equal(resolve(&role), LH_EINVAL);
	assert_string_equal(err.text, "the fake cloud said no");
	assert_null(role);
}

static void another_failure_is_a_warning(void **state)
{
	static const char head[] = "the role is stored unchecked, its policies will be looked up "
				   "when a credential is issued: ";
	json_t *role;

	(void)state;
	fake.resolve = STEP_FAILED;
	fake.culprit = (struct answer){ .action = "List", .kind = ANSWER_REFUSED };
	strcpy(fake.culprit.code, "NoPermission");
	assert_int_equal(resolve(&role), 0);
	assert_null(role);
	assert_int_equal(warnings.count, 1);
	assert_memory_equal(warnings.text[0], head, strlen(head));
	assert_non_null(strstr(warnings.text[0], "fake: List as key-1: NoPermission"));
}

static void without_root_credentials_it_is_put_off_silently(void **state)
{
	json_t *role;

	(void)state;
	assert_int_equal(mount_config_delete(broker, mount()), 0);
	assert_int_equal(resolve(&role), 0);
	assert_null(role);
	assert_int_equal(warnings.count, 0);
	assert_int_equal(fake.resolves, 1); /* only whether there is a question */
}

/* ---- When a credential is issued ---- */

static int issue_by(const json_t *role, uint64_t revision)
{
	struct issue_request request = {
		.mount = mount(),
		.role_name = "app",
		.role = role,
		.role_revision = revision,
		.path = "cloud/creds/app",
		.caller = &operator,
		.deadline = clock_boot_ms() + 5000,
	};

	return broker_issue(broker, &request, &reply, &err);
}

static void what_an_issue_learned_is_kept_with_the_role(void **state)
{
	json_t *role, *kept;
	uint64_t revision;

	(void)state;
	fake.answer = "42";
	assert_int_equal(mount_role_get(broker, mount(), "app", &role, &revision), 0);
	assert_int_equal(issue_by(role, revision), 0);
	assert_int_equal(mount_role_get(broker, mount(), "app", &kept, NULL), 0);
	assert_string_equal(json_get_text(kept, "answer"), "42");
	assert_int_equal(json_get_int(kept, "ttl", 0), 1);
	issue_reply_clear(&reply);
	json_decref(kept);
	json_decref(role);
}

static void who_wrote_the_role_meanwhile_is_right(void **state)
{
	json_t *role, *newer = json_pack("{s:i}", "ttl", 9), *kept;
	uint64_t revision;

	(void)state;
	fake.answer = "42";
	assert_int_equal(mount_role_get(broker, mount(), "app", &role, &revision), 0);
	assert_int_equal(mount_role_put(broker, mount(), "app", newer, revision, NULL), 0);
	assert_int_equal(issue_by(role, revision), 0);
	assert_int_equal(mount_role_get(broker, mount(), "app", &kept, NULL), 0);
	assert_true(json_equal(kept, newer));
	issue_reply_clear(&reply);
	json_decref(kept);
	json_decref(newer);
	json_decref(role);
}

static void an_issue_that_fails_keeps_nothing(void **state)
{
	json_t *role, *kept;
	uint64_t revision;

	(void)state;
	fake.answer = "42";
	fake.issue = STEP_FAILED;
	assert_int_equal(mount_role_get(broker, mount(), "app", &role, &revision), 0);
	assert_int_not_equal(issue_by(role, revision), 0);
	assert_int_equal(mount_role_get(broker, mount(), "app", &kept, NULL), 0);
	assert_true(json_equal(kept, role));
	issue_reply_clear(&reply);
	json_decref(kept);
	json_decref(role);
}

static void a_mistake_of_the_role_is_told_as_one(void **state)
{
	json_t *role = json_object();

	(void)state;
	fake.issue = STEP_FAILED;
	assert_int_equal(issue_by(role, 0), LH_ECLOUD);
	assert_int_equal(reply.failure, FAILURE_UNREACHABLE);
	fake.mistake = true;
	assert_int_equal(issue_by(role, 0), LH_ECLOUD);
	assert_int_equal(reply.failure, FAILURE_INPUT);
	json_decref(role);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, broker_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_answer_is_what_shall_be_stored),
		TEST(without_a_question_nobody_is_asked),
		TEST(a_mistake_is_told_and_nothing_stored),
		TEST(another_failure_is_a_warning),
		TEST(without_root_credentials_it_is_put_off_silently),
		TEST(what_an_issue_learned_is_kept_with_the_role),
		TEST(who_wrote_the_role_meanwhile_is_right),
		TEST(an_issue_that_fails_keeps_nothing),
		TEST(a_mistake_of_the_role_is_told_as_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
