/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "conf/conf.h"
#include "drain_fixture.h"
#include "fake_engine.h"
#include "store/key.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/shared.h"

struct temp_store temp;
static struct conf_engine conf_fake;
static struct conf conf;
static struct shared *shared;
struct broker *broker;
struct broker *taker;
struct revoker *revoker;
struct err err;
static json_t *policies;
size_t records;

/* ---- The world of a test ---- */

size_t count_records(void)
{
	struct driver_usage usage;

	assert_int_equal(store_maintain(temp.store, &usage), 0);
	return (size_t)usage.records;
}

static void know_account(void)
{
	unsigned char name[KEYRING_NAME_SIZE];
	struct store_batch batch = { 0 };
	struct key key;

	assert_int_equal(keyring_name(store_keyring(temp.store), KEYRING_ACCOUNT, "key-1", name),
			 0);
	key_start(&key, 'a');
	key_add(&key, name, sizeof(name));
	store_batch_put(&batch, STORE_ANY, 0, key_bytes(&key),
			(struct bytes){ FAKE_ACCOUNT, strlen(FAKE_ACCOUNT) });
	assert_int_equal(store_apply(temp.store, STORE_NORMAL, &batch, NULL), 0);
	store_batch_free(&batch);
}

const struct mount *mount(void)
{
	const struct mount *found;

	assert_int_equal(mount_find(broker, "cloud", &found), 0);
	return found;
}

static void make_mount(void)
{
	json_t *entry = json_pack("{s:s, s:s, s:{}}", "type", "fake", "uuid", UUID, "config");
	json_t *role = json_object(),
	       *config = json_pack("{s:s, s:s}", "id", "key-1", "secret", "s");

	assert_int_equal(mount_enable(broker, "cloud/", entry, &err), 0);
	assert_int_equal(mount_role_put(broker, mount(), "app", role, 0, NULL), 0);
	assert_int_equal(mount_config_put(broker, mount(), config, 0), 0);
	json_decref(entry);
	json_decref(role);
	json_decref(config);
}

int set_up(void **state)
{
	struct broker_options options = { .conf = &conf, .connections = 4 };

	(void)state;
	log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT, "test");
	temp_store_open(&temp);
	memset(&conf_fake, 0, sizeof(conf_fake));
	conf_fake.of.type = "fake";
	conf_fake.user_endpoint = (char *)(uintptr_t) "http://127.0.0.1:1";
	conf_fake.ca_file = (char *)(uintptr_t) "";
	conf_fake.request_timeout = 1000;
	conf_fake.sweep_after[0] = 30;
	conf_fake.sweep_count = 1;
	memset(&conf, 0, sizeof(conf));
	conf.engines = &conf_fake;
	conf.engine_count = 1;
	conf.default_lease_ttl = 3600;
	conf.max_lease_ttl = 7200;
	shared = shared_new();
	assert_non_null(shared);
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
	policies = json_pack("[s]", "default");
	know_account();
	make_mount();
	records = count_records();
	return 0;
}

int tear_down(void **state)
{
	(void)state;
	json_decref(policies);
	revoker_free(revoker);
	broker_free(taker);
	broker_free(broker);
	shared_free(shared);
	temp_store_close(&temp);
	return 0;
}

/* ---- Verbs ---- */

struct token_terms terms_of(const struct caller *parent, int64_t ttl)
{
	struct token_terms terms = {
		.parent = parent,
		.display_name = "token",
		.path = "auth/token/create",
		.policies = policies,
		.ttl = ttl,
		.renewable = true,
	};

	return terms;
}

void make(const struct token_terms *terms, struct token_made *made)
{
	assert_int_equal(token_create(temp.store, terms, made), 0);
}

struct caller born(const struct token_terms *terms, char *text)
{
	struct token_made made;
	struct caller caller;

	make(terms, &made);
	assert_int_equal(auth_lookup(temp.store, made.token, &caller), 0);
	if (text)
		strcpy(text, made.token);
	token_made_clear(&made);
	return caller;
}

struct caller child_of(const struct caller *parent)
{
	struct token_terms terms = terms_of(parent, 600);

	return born(&terms, NULL);
}

struct issue_reply reply;

int issue(const struct caller *caller)
{
	json_t *role = json_object();
	struct issue_request request = {
		.mount = mount(),
		.role_name = "app",
		.role = role,
		.path = "cloud/creds/app",
		.caller = caller,
		.deadline = clock_boot_ms() + 5000,
	};
	int ret;

	memset(&err, 0, sizeof(err));
	ret = broker_issue(broker, &request, &reply, &err);
	json_decref(role);
	return ret;
}

void lend(const struct caller *caller)
{
	assert_int_equal(issue(caller), 0);
	broker_delivered(broker, true);
	issue_reply_clear(&reply);
}

void turn(int times)
{
	for (int i = 0; i < times; i++)
		assert_int_equal(revoker_turn(revoker, 10, &err), 0);
}

void settle(void)
{
	int64_t end = clock_boot_ms() + 30000;

	while (count_records() != records) {
		if (clock_boot_ms() > end)
			fail_msg("%zu records, not %zu", count_records(), records);
		turn(1);
	}
}

void revoke(const struct caller *caller)
{
	assert_int_equal(token_revoke(temp.store, caller->token, TOKEN_REVOKE_TREE), 0);
}

int look_up(const struct caller *known)
{
	struct caller caller;
	int ret = token_find_name(temp.store, known->token, &caller);

	if (!ret)
		caller_clear(&caller);
	return ret;
}
