/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "broker_fixture.h"
#include "conf/conf.h"
#include "fake_engine.h"
#include "lease/index.h"
#include "util/clock.h"
#include "util/log.h"

static struct conf_engine conf_fake;
static struct conf conf;
struct shared *shared;
struct broker *broker;
struct broker *taker;
struct revoker *revoker;
struct caller operator;

/* ---- The world of a test ---- */

const struct mount *mount(void)
{
	const struct mount *found;

	assert_int_equal(mount_find(broker, "cloud", &found), 0);
	return found;
}

void configure(const char *id)
{
	json_t *config = json_pack("{s:s, s:s}", "id", id, "secret", "s"), *old;
	uint64_t revision = 0;

	mount_config_get(broker, mount(), &old, &revision);
	json_decref(old);
	assert_int_equal(mount_config_put(broker, mount(), config, revision), 0);
	json_decref(config);
}

static void make_mount(void)
{
	json_t *entry = json_pack("{s:s, s:s, s:{}}", "type", "fake", "uuid", UUID, "config");
	json_t *role = json_object();

	assert_int_equal(mount_enable(broker, "cloud/", entry, &err), 0);
	assert_int_equal(mount_role_put(broker, mount(), "app", role, 0, NULL), 0);
	json_decref(entry);
	json_decref(role);
}

int broker_set_up(void **state)
{
	struct broker_options options = { .conf = &conf, .connections = 4 };

	(void)state;
	log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT, "test");
	temp_store_open(&temp);
	memset(&conf_fake, 0, sizeof(conf_fake));
	conf_fake.of.type = "fake";
	/* Nobody listens there. */
	conf_fake.user_endpoint = (char *)(uintptr_t) "http://127.0.0.1:1";
	conf_fake.ca_file = (char *)(uintptr_t) "";
	conf_fake.request_timeout = 1000;
	conf_fake.sweep_after[0] = 30;
	conf_fake.sweep_after[1] = 1200;
	conf_fake.sweep_count = 2;
	memset(&conf, 0, sizeof(conf));
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
	options.slot = &shared->slots[2];
	assert_int_equal(broker_new(&options, &taker, &err), 0);
	assert_int_equal(revoker_new(taker, &revoker, &err), 0);
	fake_reset();
	memset(&operator, 0, sizeof(operator));
	operator.display_name =(char *)(uintptr_t) "root";
	memset(operator.token, 't', sizeof(operator.token));
	temp_put(temp.store, 't', operator.token, sizeof(operator.token),
		 "{\"policies\":[\"root\"]}");
	temp_know_account(temp.store, "key-1", FAKE_ACCOUNT);
	temp_know_account(temp.store, "key-2", "2000000000000002");
	make_mount();
	configure("key-1");
	return 0;
}

int broker_tear_down(void **state)
{
	(void)state;
	revoker_free(revoker);
	broker_free(taker);
	broker_free(broker);
	close(shared->revoker_wake);
	shared_free(shared);
	temp_store_close(&temp);
	return 0;
}

/* ---- Verbs ---- */

struct issue_reply reply;
struct err err;

int issue_to(const struct caller *asking, int64_t time_ms)
{
	json_t *role = json_object();
	struct issue_request request = {
		.mount = mount(),
		.role_name = "app",
		.role = role,
		.path = "cloud/creds/app",
		.caller = asking,
		.deadline = clock_boot_ms() + time_ms,
	};
	int ret;

	memset(&err, 0, sizeof(err));
	ret = broker_issue(broker, &request, &reply, &err);
	json_decref(role);
	return ret;
}

int issue(void)
{
	return issue_to(&operator, 5000);
}

char *issue_delivered(void)
{
	char *id;

	assert_int_equal(issue(), 0);
	broker_delivered(broker, true);
	id = strdup(reply.lease_id);
	issue_reply_clear(&reply);
	return id;
}

bool is_woken(void)
{
	uint64_t count;

	return read(shared->revoker_wake, &count, sizeof(count)) == sizeof(count);
}

void turn(int times)
{
	for (int i = 0; i < times; i++)
		assert_int_equal(revoker_turn(revoker, 0, &err), 0);
}

int only_state(void)
{
	struct due due[2];
	struct lease *lease;
	size_t count;
	int state;

	assert_int_equal(due_scan(temp.store, INT64_MAX - 1, NULL, due, 2, &count), 0);
	if (!count)
		return 0;
	assert_int_equal(count, 1);
	assert_int_equal(lease_get_key(temp.store, &due[0].lease, &lease), 0);
	state = (int)lease->state;
	lease_free(lease);
	return state;
}

struct lease *only_lease(void)
{
	struct due due;
	struct lease *lease;
	size_t count;

	assert_int_equal(due_scan(temp.store, INT64_MAX - 1, NULL, &due, 1, &count), 0);
	assert_int_equal(count, 1);
	assert_int_equal(lease_get_key(temp.store, &due.lease, &lease), 0);
	return lease;
}

void make_due(void)
{
	struct store_batch batch = { 0 };
	struct lease *old = only_lease(), *new = lease_copy(old);

	new->due = clock_now() - 1;
	assert_int_equal(lease_change(temp.store, &batch, old, new), 0);
	assert_int_equal(store_apply(temp.store, STORE_NORMAL, &batch, NULL), 0);
	store_batch_free(&batch);
	lease_free(old);
	lease_free(new);
}
