/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "auth/token.h"
#include "auth/wrapper.h"
#include "fake_engine.h"
#include "store/key.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/json.h"
#include "util/shared.h"
#include "util/text.h"
#include "wrapping_fixture.h"

struct api_fixture f;
static struct broker *taker; /* of the revoker: another process */
static struct revoker *revoker;
char wrapping[64];
char lease_id[200];

/* The broker need not ask a cloud whose the key is. */
static void know_account(const char *key_id)
{
	unsigned char name[KEYRING_NAME_SIZE];
	struct store_batch batch = { 0 };
	struct key key;

	assert_int_equal(keyring_name(store_keyring(f.temp.store), KEYRING_ACCOUNT, key_id, name),
			 0);
	key_start(&key, 'a');
	key_add(&key, name, sizeof(name));
	store_batch_put(&batch, STORE_ANY, 0, key_bytes(&key),
			(struct bytes){ FAKE_ACCOUNT, strlen(FAKE_ACCOUNT) });
	assert_int_equal(store_apply(f.temp.store, STORE_NORMAL, &batch, NULL), 0);
	store_batch_free(&batch);
}

static void configure(void)
{
	json_t *config = json_pack("{s:s, s:s}", "id", "key-1", "secret", "s");
	const struct mount *mount;

	assert_int_equal(mount_find(f.broker, "cloud", &mount), 0);
	assert_int_equal(mount_config_put(f.broker, mount, config, 0), 0);
	json_decref(config);
}

int set_up(void **state)
{
	struct broker_options options = { .conf = &f.conf, .connections = 4 };
	struct err err = { "" };

	(void)state;
	api_fixture_open(&f, "fake");
	options.store = f.temp.store;
	options.shared = f.shared;
	options.slot = &f.shared->slots[2];
	assert_int_equal(broker_new(&options, &taker, &err), 0);
	assert_int_equal(revoker_new(taker, &revoker, &err), 0);
	memset(&fake, 0, sizeof(fake));
	fake.issue = fake.revoke = STEP_DONE;
	fake.lasting = true;
	fake.ttl = 1800;
	know_account("key-1");
	expect(&f, "POST", "sys/mounts/cloud", "{\"type\":\"fake\"}", 204, "");
	configure();
	expect(&f, "POST", "cloud/role/app", "{}", 204, "");
	return 0;
}

int tear_down(void **state)
{
	(void)state;
	revoker_free(revoker);
	broker_free(taker);
	api_fixture_close(&f);
	return 0;
}

void turn(int times)
{
	struct err err = { "" };

	for (int i = 0; i < times; i++)
		assert_int_equal(revoker_turn(revoker, 0, &err), 0);
}

int ask_as(const char *token, const char *method, const char *path, const char *body,
	   const char *wrap_ttl)
{
	char full[300];
	const struct api_request raw = {
		.method = method,
		.path = full,
		.body = body,
		.body_size = body ? strlen(body) : 0,
		.token = token ? token : f.token,
		.wrap_ttl = wrap_ttl,
		.remote_address = ADDRESS,
		.deadline = clock_boot_ms() + DEADLINE,
	};

	snprintf(full, sizeof(full), "/v1/%s", path);
	return ask_raw(&f, &raw);
}

void expect_error(int status, const char *text)
{
	const json_t *errors = json_object_get(f.body, "errors");

	if (f.reply.status != status ||
	    strcmp(json_string_value(json_array_get(errors, 0)), text) != 0)
		fail_msg("%d %s", f.reply.status, buf_text(&f.reply.body));
}

const json_t *info(void)
{
	return json_object_get(f.body, "wrap_info");
}

void wrap(const char *method, const char *path, const char *body, const char *wrap_ttl)
{
	if (ask_as(NULL, method, path, body, wrap_ttl) != 200)
		fail_msg("%s %s: %d %s", method, path, f.reply.status, buf_text(&f.reply.body));
	snprintf(wrapping, sizeof(wrapping), "%s", json_get_text(info(), "token"));
	assert_true(text_starts_with(wrapping, "hvs."));
}

const char *with_token(const char *token)
{
	static char body[200];

	snprintf(body, sizeof(body), "{\"token\":\"%s\"}", token);
	return body;
}

int unwrap(const char *token)
{
	int status = ask_as(token, "PUT", "sys/wrapping/unwrap", NULL, "");

	snprintf(lease_id, sizeof(lease_id), "%s", json_get_text(f.body, "lease_id"));
	return status;
}

/* The state of the only lease; 0: there is none. */
static int visit(void *context, const struct store_record *record)
{
	struct lease **lease_out = context;

	assert_null(*lease_out);
	return lease_decode(record->value.data, record->value.size, lease_out);
}

struct lease *only_lease(void)
{
	struct lease *lease = NULL;

	assert_int_equal(store_scan(f.temp.store, STORE_SCAN_VALUES, (struct bytes){ "l", 1 },
				    (struct bytes){ "m", 1 }, (struct bytes){ "", 0 }, SIZE_MAX,
				    visit, &lease),
			 0);
	return lease;
}

int lease_state(void)
{
	struct lease *lease = only_lease();
	int state = lease ? (int)lease->state : 0;

	lease_free(lease);
	return state;
}

void age(int64_t seconds)
{
	unsigned char name[KEYRING_NAME_SIZE];
	struct store_batch batch = { 0 };
	struct wrapper *old, *new;

	assert_int_equal(keyring_name(store_keyring(f.temp.store), KEYRING_TOKEN, wrapping, name),
			 0);
	assert_int_equal(wrapper_get(f.temp.store, name, &old), 0);
	new = wrapper_copy(old);
	new->created_ns -= seconds * 1000000000;
	assert_int_equal(wrapper_change(&batch, old, new), 0);
	assert_int_equal(store_apply(f.temp.store, STORE_NORMAL, &batch, NULL), 0);
	store_batch_free(&batch);
	wrapper_free(old);
	wrapper_free(new);
}

void wrap_token(void)
{
	const char *accessor;
	char body[100];

	wrap("POST", "auth/token/create", "{\"ttl\":\"1h\"}", "60"); /* TOKEN_TTL */
	accessor = json_get_text(info(), "wrapped_accessor");
	assert_int_equal(strlen(accessor), TOKEN_ACCESSOR);
	snprintf(body, sizeof(body), "{\"accessor\":\"%s\"}", accessor);
	assert_int_equal(ask_as(NULL, "POST", "auth/token/lookup-accessor", body, ""), 200);
}
