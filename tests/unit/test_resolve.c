/* SPDX-License-Identifier: Apache-2.0 */
/* What a role only names is looked up when it is written, if that is possible, and kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "auth/auth.h"
#include "broker/broker.h"
#include "conf/conf.h"
#include "crypto/keyring.h"
#include "fake_engine.h"
#include "store/key.h"
#include "temp_store.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/json.h"
#include "util/log.h"
#include "util/shared.h"

#define UUID "00112233-4455-6677-8899-aabbccddeeff"

static struct temp_store temp;
static struct conf_engine conf_fake;
static struct conf conf;
static struct shared *shared;
static struct broker *broker;
static struct caller caller;
static struct warnings warnings;
static struct err err;

/* ---- The world of a test ---- */

static void put(char family, const void *name, size_t size, const char *value)
{
	struct store_batch batch = { 0 };
	struct key key;

	key_start(&key, family);
	key_add(&key, name, size);
	store_batch_put(&batch, STORE_ANY, 0, key_bytes(&key),
			(struct bytes){ value, strlen(value) });
	assert_int_equal(store_apply(temp.store, STORE_NORMAL, &batch, NULL), 0);
	store_batch_free(&batch);
}

static const struct mount *mount(void)
{
	const struct mount *found;

	assert_int_equal(mount_find(broker, "cloud", &found), 0);
	return found;
}

static void make_mount(void)
{
	json_t *entry = json_pack("{s:s, s:s, s:{}}", "type", "fake", "uuid", UUID, "config");
	json_t *config = json_pack("{s:s, s:s}", "id", "key-1", "secret", "s");
	json_t *role = json_pack("{s:i}", "ttl", 1);
	unsigned char name[KEYRING_NAME_SIZE];

	assert_int_equal(keyring_name(store_keyring(temp.store), KEYRING_ACCOUNT, "key-1", name),
			 0);
	put('a', name, sizeof(name), FAKE_ACCOUNT);
	assert_int_equal(mount_enable(broker, "cloud/", entry, &err), 0);
	assert_int_equal(mount_config_put(broker, mount(), config, 0), 0);
	assert_int_equal(mount_role_put(broker, mount(), "app", role, 0, NULL), 0);
	json_decref(config);
	json_decref(entry);
	json_decref(role);
}

static int setup(void **state)
{
	struct broker_options options = { .conf = &conf, .connections = 4 };

	(void)state;
	log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT, "test");
	temp_store_open(&temp);
	conf_fake.of.type = "fake";
	conf.engines = &conf_fake;
	conf.engine_count = 1;
	conf.default_lease_ttl = 3600;
	conf.max_lease_ttl = 7200;
	shared = shared_new();
	assert_non_null(shared);
	shared->revoker_wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	options.store = temp.store;
	options.shared = shared;
	options.slot = &shared->slots[0];
	assert_int_equal(broker_new(&options, &broker, &err), 0);
	memset(&fake, 0, sizeof(fake));
	fake.issue = fake.resolve = STEP_DONE;
	fake.asks = true;
	caller.display_name = (char *)(uintptr_t) "root";
	memset(caller.token, 't', sizeof(caller.token));
	put('t', caller.token, sizeof(caller.token), "{\"policies\":[\"root\"]}");
	make_mount();
	memset(&warnings, 0, sizeof(warnings));
	memset(&err, 0, sizeof(err));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	broker_free(broker);
	close(shared->revoker_wake);
	shared_free(shared);
	temp_store_close(&temp);
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

static int issue(const json_t *role, uint64_t revision, struct issue_reply *reply)
{
	struct issue_request request = {
		.mount = mount(),
		.role_name = "app",
		.role = role,
		.role_revision = revision,
		.path = "cloud/creds/app",
		.caller = &caller,
		.deadline = clock_boot_ms() + 5000,
	};

	return broker_issue(broker, &request, reply, &err);
}

static void what_an_issue_learned_is_kept_with_the_role(void **state)
{
	struct issue_reply reply;
	json_t *role, *kept;
	uint64_t revision;

	(void)state;
	fake.answer = "42";
	assert_int_equal(mount_role_get(broker, mount(), "app", &role, &revision), 0);
	assert_int_equal(issue(role, revision, &reply), 0);
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
	struct issue_reply reply;
	uint64_t revision;

	(void)state;
	fake.answer = "42";
	assert_int_equal(mount_role_get(broker, mount(), "app", &role, &revision), 0);
	assert_int_equal(mount_role_put(broker, mount(), "app", newer, revision, NULL), 0);
	assert_int_equal(issue(role, revision, &reply), 0);
	assert_int_equal(mount_role_get(broker, mount(), "app", &kept, NULL), 0);
	assert_true(json_equal(kept, newer));
	issue_reply_clear(&reply);
	json_decref(kept);
	json_decref(newer);
	json_decref(role);
}

static void an_issue_that_fails_keeps_nothing(void **state)
{
	struct issue_reply reply;
	json_t *role, *kept;
	uint64_t revision;

	(void)state;
	fake.answer = "42";
	fake.issue = STEP_FAILED;
	assert_int_equal(mount_role_get(broker, mount(), "app", &role, &revision), 0);
	assert_int_not_equal(issue(role, revision, &reply), 0);
	assert_int_equal(mount_role_get(broker, mount(), "app", &kept, NULL), 0);
	assert_true(json_equal(kept, role));
	issue_reply_clear(&reply);
	json_decref(kept);
	json_decref(role);
}

static void a_mistake_of_the_role_is_told_as_one(void **state)
{
	struct issue_reply reply;
	json_t *role = json_object();

	(void)state;
	fake.issue = STEP_FAILED;
	assert_int_equal(issue(role, 0, &reply), LH_ECLOUD);
	assert_int_equal(reply.failure, FAILURE_UNREACHABLE);
	fake.mistake = true;
	assert_int_equal(issue(role, 0, &reply), LH_ECLOUD);
	assert_int_equal(reply.failure, FAILURE_INPUT);
	json_decref(role);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

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
