/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "broker_fixture.h"
#include "conf/conf.h"
#include "crypto/keyring.h"
#include "fake_engine.h"
#include "lease/index.h"
#include "store/key.h"
#include "util/clock.h"
#include "util/log.h"

struct temp_store temp;
static struct conf_engine conf_fake;
static struct conf conf;
struct shared *shared;
struct broker *broker;
struct broker *taker;
struct revoker *revoker;
struct caller caller;

/* ---- The world of a test ---- */

void put(char family, const void *name, size_t size, const char *value)
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

/* The broker need not ask a cloud whose the key is. */
static void know_account(const char *key_id, const char *account)
{
	unsigned char name[KEYRING_NAME_SIZE];

	assert_int_equal(keyring_name(store_keyring(temp.store), KEYRING_ACCOUNT, key_id, name), 0);
	put('a', name, sizeof(name), account);
}

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

int setup(void **state)
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
	memset(&fake, 0, sizeof(fake));
	fake.issue = fake.revoke = STEP_DONE;
	fake.lasting = true;
	memset(&caller, 0, sizeof(caller));
	caller.display_name = (char *)(uintptr_t) "root";
	memset(caller.token, 't', sizeof(caller.token));
	put('t', caller.token, sizeof(caller.token), "{\"policies\":[\"root\"]}");
	know_account("key-1", FAKE_ACCOUNT);
	know_account("key-2", "2000000000000002");
	make_mount();
	configure("key-1");
	return 0;
}

int teardown(void **state)
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

int issue_within(int64_t time_ms)
{
	json_t *role = json_object();
	struct issue_request request = {
		.mount = mount(),
		.role_name = "app",
		.role = role,
		.path = "cloud/creds/app",
		.caller = &caller,
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
	return issue_within(5000);
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
