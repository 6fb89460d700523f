/* SPDX-License-Identifier: Apache-2.0 */
/* Wrapped answers through the API, with an engine without a cloud. Only the test turns the revoker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api_fixture.h"
#include "auth/token.h"
#include "auth/tree.h"
#include "auth/wrapper.h"
#include "broker/dates.h"
#include "fail_alloc.h"
#include "fake_engine.h"
#include "lease/lease.h"
#include "store/key.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/json.h"
#include "util/shared.h"
#include "util/text.h"

#define INVALID   "wrapping token is not valid or does not exist"
#define CANNOT    "error validating wrapping token: "
#define SECRET    "only for the caller"
#define ADDRESS   "192.0.2.7"
#define DEADLINE  5000
#define CREDS     "cloud/creds/app"
#define FOR_UNTIL "60"

static struct api_fixture f;
static struct broker *taker; /* of the revoker: another process */
static struct revoker *revoker;
static char wrapping[64]; /* the last wrapping token */
static char lease_id[200];

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

static int set_up(void **state)
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

static int tear_down(void **state)
{
	(void)state;
	revoker_free(revoker);
	broker_free(taker);
	api_fixture_close(&f);
	return 0;
}

static void turn(int times)
{
	struct err err = { "" };

	for (int i = 0; i < times; i++)
		assert_int_equal(revoker_turn(revoker, 0, &err), 0);
}

/* A request with every detail; token NULL: root's. */
static int ask_as(const char *token, const char *method, const char *path, const char *body,
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

static void expect_error(int status, const char *text)
{
	const json_t *errors = json_object_get(f.body, "errors");

	if (f.reply.status != status ||
	    strcmp(json_string_value(json_array_get(errors, 0)), text) != 0)
		fail_msg("%d %s", f.reply.status, buf_text(&f.reply.body));
}

static const json_t *info(void)
{
	return json_object_get(f.body, "wrap_info");
}

static void wrap(const char *method, const char *path, const char *body, const char *wrap_ttl)
{
	if (ask_as(NULL, method, path, body, wrap_ttl) != 200)
		fail_msg("%s %s: %d %s", method, path, f.reply.status, buf_text(&f.reply.body));
	snprintf(wrapping, sizeof(wrapping), "%s", json_get_text(info(), "token"));
	assert_true(text_starts_with(wrapping, "hvs."));
}

static const char *with_token(const char *token)
{
	static char body[200];

	snprintf(body, sizeof(body), "{\"token\":\"%s\"}", token);
	return body;
}

static int unwrap(const char *token)
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

static struct lease *only_lease(void)
{
	struct lease *lease = NULL;

	assert_int_equal(store_scan(f.temp.store, STORE_SCAN_VALUES, (struct bytes){ "l", 1 },
				    (struct bytes){ "m", 1 }, (struct bytes){ "", 0 }, SIZE_MAX,
				    visit, &lease),
			 0);
	return lease;
}

static int lease_state(void)
{
	struct lease *lease = only_lease();
	int state = lease ? (int)lease->state : 0;

	lease_free(lease);
	return state;
}

/* As if so many seconds had gone by for the last wrapper. */
static void age(int64_t seconds)
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

/* ---- What a wrapped answer looks like ---- */

static void whatever_is_sent_is_wrapped(void **state)
{
	(void)state;
	wrap("POST", "sys/wrapping/wrap", "{\"a\":\"b\"}", "30");
	assert_string_equal(json_get_text(f.body, "request_id"), "");
	assert_true(json_is_null(json_object_get(f.body, "data")));
	assert_true(json_is_null(json_object_get(f.body, "warnings")));
	assert_string_equal(json_get_text(f.body, "mount_type"), "");
	assert_int_equal(json_get_int(info(), "ttl", 0), 30);
	assert_string_equal(json_get_text(info(), "creation_path"), "sys/wrapping/wrap");
	assert_int_equal(strlen(json_get_text(info(), "accessor")), TOKEN_ACCESSOR);
	assert_null(json_object_get(info(), "wrapped_accessor"));
	assert_int_equal(unwrap(wrapping), 200);
	assert_string_equal(data_text(&f, "a"), "b");
	assert_string_not_equal(json_get_text(f.body, "request_id"), "");
	assert_true(json_is_null(json_object_get(f.body, "wrap_info")));
}

static void without_the_header_there_is_nothing_to_wrap(void **state)
{
	(void)state;
	ask_as(NULL, "POST", "sys/wrapping/wrap", "{\"a\":\"b\"}", "");
	expect_error(400, "endpoint requires response wrapping to be used");
	ask_as(NULL, "POST", "sys/wrapping/wrap", "{\"a\":\"b\"}", "0");
	expect_error(400, "endpoint requires response wrapping to be used");
}

static void only_what_has_a_body_is_wrapped(void **state)
{
	(void)state;
	assert_int_equal(ask_as(NULL, "POST", "cubbyhole/x", "{\"k\":1}", FOR_UNTIL), 204);
	assert_int_equal(ask_as(NULL, "GET", "cubbyhole/y", NULL, FOR_UNTIL), 404);
	assert_null(info());
	assert_int_equal(ask_as(NULL, "LIST", "cubbyhole/y", NULL, FOR_UNTIL), 404);
	assert_int_equal(ask_as(NULL, "GET", "cloud/creds/none", NULL, FOR_UNTIL), 404);
	assert_int_equal(ask_as(NULL, "GET", "sys/health", NULL, FOR_UNTIL), 200);
	assert_null(info());
	wrap("GET", "auth/token/lookup-self", NULL, FOR_UNTIL);
	assert_int_equal(unwrap(wrapping), 200);
	assert_string_equal(data_text(&f, "path"), "auth/token/root");
	wrap("GET", "sys/mounts", NULL, FOR_UNTIL);
	assert_null(json_object_get(f.body, "cloud/"));
}

static void it_lasts_no_longer_than_leases_do(void **state)
{
	(void)state;
	wrap("POST", "sys/wrapping/wrap", "{}", "9000000000");
	assert_int_equal(json_get_int(info(), "ttl", 0), f.conf.max_lease_ttl);
}

static void it_is_looked_up_without_being_opened(void **state)
{
	(void)state;
	wrap("POST", "sys/wrapping/wrap", "{\"a\":\"b\"}", "30");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(
			ask_as("", "POST", "sys/wrapping/lookup", with_token(wrapping), ""), 200);
		assert_string_equal(data_text(&f, "creation_path"), "sys/wrapping/wrap");
		assert_int_equal(json_get_int(json_object_get(f.body, "data"), "creation_ttl", 0),
				 30);
		assert_int_equal(ask_as(wrapping, "GET", "sys/wrapping/lookup", NULL, ""), 200);
	}
	assert_int_equal(unwrap(wrapping), 200);
	ask_as("", "POST", "sys/wrapping/lookup", with_token(wrapping), "");
	expect_error(400, INVALID);
}

/* ---- Opening ---- */

static void it_is_opened_once_whoever_asks(void **state)
{
	(void)state;
	wrap("POST", "sys/wrapping/wrap", "{\"a\":\"b\"}", "30");
	assert_int_equal(ask_as(NULL, "POST", "sys/wrapping/unwrap", with_token(wrapping), ""),
			 200);
	assert_string_equal(data_text(&f, "a"), "b");
	ask_as(NULL, "POST", "sys/wrapping/unwrap", with_token(wrapping), "");
	expect_error(400, INVALID);
	unwrap(wrapping);
	expect_error(400, INVALID);

	wrap("POST", "sys/wrapping/wrap", "{\"a\":\"c\"}", "30");
	assert_int_equal(ask_as(wrapping, "PUT", "sys/wrapping/unwrap", with_token(wrapping), ""),
			 200);
	assert_string_equal(data_text(&f, "a"), "c");
}

static void an_opened_wrapper_leaves_no_token(void **state)
{
	char body[100];

	(void)state;
	wrap("POST", "sys/wrapping/wrap", "{}", "30");
	snprintf(body, sizeof(body), "{\"accessor\":\"%s\"}", json_get_text(info(), "accessor"));
	assert_int_equal(ask_as(NULL, "POST", "auth/token/lookup-accessor", body, ""), 200);
	assert_int_equal(json_get_int(json_object_get(f.body, "data"), "num_uses", 0), 1);
	assert_int_equal(unwrap(wrapping), 200);
	assert_int_not_equal(ask_as(NULL, "POST", "auth/token/lookup-accessor", body, ""), 200);
}

static void the_old_way_reads_a_cubbyhole(void **state)
{
	json_t *response;

	(void)state;
	wrap("POST", "sys/wrapping/wrap", "{\"a\":\"b\"}", "30");
	assert_int_equal(ask_as(wrapping, "GET", "cubbyhole/response", NULL, ""), 200);
	response = json_loads(data_text(&f, "response"), 0, NULL);
	assert_string_equal(json_get_text(json_object_get(response, "data"), "a"), "b");
	json_decref(response);
	assert_int_equal(json_array_size(json_object_get(f.body, "warnings")), 1);
	assert_int_not_equal(ask_as(wrapping, "GET", "cubbyhole/response", NULL, ""), 200);
}

static const struct {
	const char *name, *path, *token, *body;
	int status;
	const char *error;
} refused[] = {
	{ "a token that is none", "unwrap", "hvs.nonesuch", NULL, 400, INVALID },
	{ "a token that wraps nothing", "unwrap", NULL, NULL, 400, INVALID },
	{ "an empty body", "unwrap", NULL, "{}", 400, INVALID },
	{ "null", "unwrap", NULL, "{\"token\":null}", 400, INVALID },
	{ "another type", "unwrap", NULL, "{\"token\":7}", 403,
	  CANNOT "could not decode token in request body" },
	{ "an empty token", "unwrap", NULL, "{\"token\":\"\"}", 403,
	  CANNOT "empty token in request body" },
	{ "no token at all", "unwrap", "", NULL, 403, CANNOT "token is empty" },
	{ "rewrap: a token that is none", "rewrap", NULL, "{\"token\":\"hvs.nonesuch\"}", 400,
	  INVALID },
	{ "rewrap: no token at all", "rewrap", "", NULL, 403, CANNOT "token is empty" },
	{ "lookup: no token at all", "lookup", "", NULL, 403, CANNOT "token is empty" },
	{ "lookup: a token that wraps nothing", "lookup", NULL, NULL, 400, INVALID },
};

static void what_is_no_wrapping_token_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		char path[40];
		const json_t *errors;

		snprintf(path, sizeof(path), "sys/wrapping/%s", refused[i].path);
		ask_as(refused[i].token, "POST", path, refused[i].body, "");
		errors = json_object_get(f.body, "errors");
		if (f.reply.status != refused[i].status ||
		    strcmp(json_string_value(json_array_get(errors, 0)), refused[i].error) != 0)
			fail_msg("%s: %d %s", refused[i].name, f.reply.status,
				 buf_text(&f.reply.body));
	}
}

static void a_wrapping_token_is_no_secret_of_a_query(void **state)
{
	(void)state;
	expect(&f, "GET", "sys/wrapping/lookup?token=x", NULL, 400,
	       "query parameter \"token\" is a secret: send it in a header or in the body");
}

static void it_is_wrapped_anew(void **state)
{
	char before[64];

	(void)state;
	wrap("POST", "sys/wrapping/wrap", "{\"a\":\"b\"}", "30");
	strcpy(before, wrapping);
	wrap("POST", "sys/wrapping/rewrap", with_token(before), "");
	assert_int_equal(json_get_int(info(), "ttl", 0), 30);
	assert_string_equal(json_get_text(info(), "creation_path"), "sys/wrapping/wrap");
	unwrap(before);
	expect_error(400, INVALID);
	assert_int_equal(unwrap(wrapping), 200);
	assert_string_equal(data_text(&f, "a"), "b");
}

static void who_wants_it_wrapped_gets_it_wrapped_anew(void **state)
{
	(void)state;
	wrap("POST", "sys/wrapping/wrap", "{\"a\":\"b\"}", "30");
	wrap("POST", "sys/wrapping/unwrap", with_token(wrapping), "90");
	assert_int_equal(json_get_int(info(), "ttl", 0), 90);
	assert_int_equal(unwrap(wrapping), 200);
	assert_string_equal(data_text(&f, "a"), "b");
}

static void it_cannot_be_opened_after_its_end(void **state)
{
	(void)state;
	wrap("POST", "sys/wrapping/wrap", "{\"a\":\"b\"}", "30");
	age(31);
	unwrap(wrapping);
	expect_error(400, INVALID);
	turn(1);
	unwrap(wrapping);
	expect_error(400, INVALID);
}

static void it_cannot_be_opened_when_its_token_was_revoked(void **state)
{
	unsigned char name[KEYRING_NAME_SIZE];

	(void)state;
	wrap("POST", "sys/wrapping/wrap", "{\"a\":\"b\"}", "30");
	assert_int_equal(keyring_name(store_keyring(f.temp.store), KEYRING_TOKEN, wrapping, name),
			 0);
	assert_int_equal(token_revoke(f.temp.store, name, TOKEN_REVOKE_TREE), 0);
	unwrap(wrapping);
	expect_error(400, INVALID);
}

/* ---- Wrapped credentials ---- */

static void a_credential_waits_for_its_opening(void **state)
{
	struct lease *lease;
	int64_t end;

	(void)state;
	wrap("GET", CREDS, NULL, "60");
	end = clock_now() + 60;
	lease = only_lease();
	assert_int_equal(lease->state, LEASE_WRAPPED);
	assert_in_range(lease->due, end - 2, end + 2);
	lease_free(lease);
	assert_int_equal(f.shared->slots[0].phase, SLOT_FREE);
	assert_int_equal(unwrap(wrapping), 200);
	assert_string_equal(data_text(&f, "secret"), SECRET);
	assert_int_equal(json_get_int(f.body, "lease_duration", 0), 1800);
	lease = only_lease();
	assert_int_equal(lease->state, LEASE_ACTIVE);
	assert_string_equal(lease->id, lease_id);
	assert_in_range(lease->due, clock_now() + 1790, clock_now() + 1801);
	lease_free(lease);
	age(61);
	turn(3);
	assert_int_equal(fake.revokes, 0);
	assert_int_equal(lease_state(), LEASE_ACTIVE);
}

static void an_unopened_credential_is_taken_back_at_the_end(void **state)
{
	(void)state;
	wrap("GET", CREDS, NULL, "60");
	turn(2);
	assert_int_equal(fake.revokes, 0);
	age(61);
	turn(3);
	assert_int_equal(fake.revokes, 1);
	assert_int_equal(lease_state(), 0);
}

/* Two in a row say so, and one that agrees ends it. */
static void nothing_ends_by_a_clock_that_is_wrong(void **state)
{
	struct slot *slot = &f.shared->slots[3];

	(void)state;
	wrap("GET", CREDS, NULL, "60");
	age(61);
	dates_hear(f.shared, slot, clock_now() - 1000);
	dates_hear(f.shared, slot, clock_now() - 1000);
	turn(3);
	assert_int_equal(lease_state(), LEASE_WRAPPED);
	dates_hear(f.shared, slot, clock_now());
	turn(3);
	assert_int_equal(lease_state(), 0);
}

static void a_lease_that_ends_first_does_not_wait(void **state)
{
	struct lease *lease;

	(void)state;
	fake.ttl = 20;
	wrap("GET", CREDS, NULL, "60");
	lease = only_lease();
	assert_in_range(lease->due, clock_now() + 18, clock_now() + 22);
	lease_free(lease);
}

static void a_credential_wrapped_anew_waits_longer(void **state)
{
	struct lease *lease;

	(void)state;
	wrap("GET", CREDS, NULL, "60");
	wrap("POST", "sys/wrapping/unwrap", with_token(wrapping), "600");
	lease = only_lease();
	assert_int_equal(lease->state, LEASE_WRAPPED);
	assert_in_range(lease->due, clock_now() + 590, clock_now() + 602);
	lease_free(lease);
	assert_int_equal(unwrap(wrapping), 200);
	assert_int_equal(lease_state(), LEASE_ACTIVE);
}

static void a_waiting_lease_cannot_be_renewed(void **state)
{
	struct lease *lease;
	char body[300];

	(void)state;
	wrap("GET", CREDS, NULL, "60");
	lease = only_lease();
	snprintf(body, sizeof(body), "{\"lease_id\":\"%s\"}", lease->id);
	lease_free(lease);
	ask_as(NULL, "PUT", "sys/leases/renew", body, "");
	expect_error(400, "lease is not renewable before its response was unwrapped");
	assert_int_equal(lease_state(), LEASE_WRAPPED);
}

static void a_session_is_forgotten_unless_it_was_opened(void **state)
{
	(void)state;
	fake.lasting = false;
	fake.expires_at = clock_now() + 3600;
	wrap("GET", CREDS, NULL, "60");
	age(61);
	turn(3);
	assert_int_equal(lease_state(), 0);
	wrap("GET", CREDS, NULL, "60");
	assert_int_equal(unwrap(wrapping), 200);
	age(61);
	turn(3);
	assert_int_equal(lease_state(), LEASE_ACTIVE);
}

/* ---- Wrapped tokens ---- */

static char opened[64];

static bool is_alive(const char *one)
{
	return ask_as(one, "GET", "auth/token/lookup-self", NULL, "") == 200;
}

/* Makes a token, wrapped; its accessor is told. */
static void wrap_token(void)
{
	const char *accessor;
	char body[100];

	wrap("POST", "auth/token/create", "{\"ttl\":\"1h\"}", "60"); /* TOKEN_TTL */
	accessor = json_get_text(info(), "wrapped_accessor");
	assert_int_equal(strlen(accessor), TOKEN_ACCESSOR);
	snprintf(body, sizeof(body), "{\"accessor\":\"%s\"}", accessor);
	assert_int_equal(ask_as(NULL, "POST", "auth/token/lookup-accessor", body, ""), 200);
}

static void open_token(void)
{
	assert_int_equal(unwrap(wrapping), 200);
	snprintf(opened, sizeof(opened), "%s",
		 json_get_text(json_object_get(f.body, "auth"), "client_token"));
}

static void a_token_that_was_opened_lives(void **state)
{
	(void)state;
	wrap_token();
	open_token();
	age(61);
	turn(3);
	assert_true(is_alive(opened));
}

static void an_unopened_token_is_revoked_at_the_end(void **state)
{
	char body[100];

	(void)state;
	wrap("POST", "auth/token/create", "{\"ttl\":\"1h\"}", "60");
	snprintf(body, sizeof(body), "{\"accessor\":\"%s\"}",
		 json_get_text(info(), "wrapped_accessor"));
	age(61);
	turn(1);
	assert_int_not_equal(ask_as(NULL, "POST", "auth/token/lookup-accessor", body, ""), 200);
}

/* The answer to a renewal holds a token too, but did not make it. */
static void a_token_that_was_renewed_does_not_wait(void **state)
{
	(void)state;
	wrap_token();
	open_token();
	assert_int_equal(ask_as(opened, "POST", "auth/token/renew-self", NULL, "60"), 200);
	snprintf(wrapping, sizeof(wrapping), "%s", json_get_text(info(), "token"));
	age(61);
	turn(3);
	assert_true(is_alive(opened));
}

/* ---- What a wrapping token may do ---- */

static void used_for_anything_else_it_is_used_up(void **state)
{
	static const char *const asked[][2] = {
		{ "GET", "sys/mounts" },
		{ "GET", "auth/token/lookup-self" },
		{ "POST", "sys/wrapping/rewrap" },
		{ "GET", "cubbyhole/x" },
		{ "GET", "nowhere/x" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		wrap("POST", "sys/wrapping/wrap", "{}", "60");
		if (ask_as(wrapping, asked[i][0], asked[i][1], NULL, "") == 200 ||
		    unwrap(wrapping) != 400)
			fail_msg("%s: %d %s", asked[i][1], f.reply.status, buf_text(&f.reply.body));
	}
}

static void opening_anothers_wrapper_uses_it_up(void **state)
{
	char other[64];

	(void)state;
	wrap("POST", "sys/wrapping/wrap", "{\"a\":\"b\"}", "60");
	strcpy(other, wrapping);
	wrap("POST", "sys/wrapping/wrap", "{}", "60");
	assert_int_equal(ask_as(wrapping, "PUT", "sys/wrapping/unwrap", with_token(other), ""),
			 200);
	assert_string_equal(data_text(&f, "a"), "b");
	unwrap(wrapping);
	expect_error(400, INVALID);
}

/* ---- Replies that nobody received, workers that died ---- */

/* Serves, and says how the reply fares. */
static void serve_lost(const char *token, const char *method, const char *path,
		       const char *wrap_ttl)
{
	char full[100];
	const struct api_request raw = {
		.method = method,
		.path = full,
		.query = "",
		.content_type = "",
		.body = "",
		.remote_address = ADDRESS,
		.token = token,
		.authorization = "",
		.namespace = "",
		.wrap_ttl = wrap_ttl,
		.vault_request = "",
		.request_id = REQUEST_ID,
		.deadline = clock_boot_ms() + DEADLINE,
	};
	struct api_reply reply;

	snprintf(full, sizeof(full), "/v1/%s", path);
	api_serve(f.api, &raw, &reply);
	assert_int_equal(reply.status, 200);
	api_reply_clear(&reply);
}

static void an_unwrapped_credential_that_nobody_received_is_revoked(void **state)
{
	(void)state;
	wrap("GET", CREDS, NULL, "60");
	serve_lost(wrapping, "PUT", "sys/wrapping/unwrap", "");
	assert_int_equal(lease_state(), LEASE_ISSUED);
	assert_int_equal(f.shared->slots[0].phase, SLOT_ISSUED);
	api_sent(f.api, false);
	api_settle(f.api);
	turn(2);
	assert_int_equal(fake.revokes, 1);
	assert_int_equal(f.shared->slots[0].phase, SLOT_FREE);
}

static void a_wrapping_token_that_nobody_received_takes_its_credential_along(void **state)
{
	(void)state;
	serve_lost(f.token, "GET", CREDS, "60");
	assert_int_equal(lease_state(), LEASE_WRAPPED);
	api_sent(f.api, false);
	api_settle(f.api);
	turn(2);
	assert_int_equal(fake.revokes, 1);
}

/* The worker is dead; what it had in hand is settled. */
static void die(void)
{
	f.shared->slots[0].pid = -7;
	turn(3);
	assert_int_equal(f.shared->slots[0].pid, 0);
	assert_int_equal(f.shared->slots[0].phase, SLOT_FREE);
}

static void killed_after_the_opening_the_credential_is_revoked(void **state)
{
	(void)state;
	wrap("GET", CREDS, NULL, "60");
	memset(f.shared->slots[0].lease, 0, sizeof(f.shared->slots[0].lease)); /* another worker */
	serve_lost(wrapping, "PUT", "sys/wrapping/unwrap", "");
	die();
	assert_int_equal(fake.revokes, 1);
	assert_int_equal(lease_state(), 0);
}

/* As it is between commit and the next word to the slot. */
static void killed_right_at_the_opening_too(void **state)
{
	(void)state;
	wrap("GET", CREDS, NULL, "60");
	serve_lost(wrapping, "PUT", "sys/wrapping/unwrap", "");
	f.shared->slots[0].phase = SLOT_OPENING;
	die();
	assert_int_equal(fake.revokes, 1);
}

static void killed_before_the_opening_the_credential_waits_on(void **state)
{
	struct lease *lease;
	struct lease_key key;

	(void)state;
	wrap("GET", CREDS, NULL, "60");
	lease = only_lease();
	assert_int_equal(lease_key(f.temp.store, lease->id, &key), 0);
	lease_free(lease);
	slot_hold(&f.shared->slots[0], key.name, SLOT_OPENING);
	die();
	assert_int_equal(fake.revokes, 0);
	assert_int_equal(unwrap(wrapping), 200);
	assert_string_equal(data_text(&f, "secret"), SECRET);
}

static void killed_before_the_wrapping_token_was_sent_the_credential_is_revoked(void **state)
{
	(void)state;
	serve_lost(f.token, "GET", CREDS, "60");
	assert_int_equal(f.shared->slots[0].phase, SLOT_ISSUED);
	die();
	assert_int_equal(fake.revokes, 1);
}

/* ---- The same of tokens ---- */

#define TOKEN_TTL 3600 /* of wrap_token */

/* When the only token that is due within its life is; the wrapping token's entry has gone. */
static struct token_due token_due(void)
{
	struct token_due dues[4];
	size_t count;

	assert_int_equal(
		token_due_scan(f.temp.store, clock_now() + TOKEN_TTL + 60, dues, 4, &count), 0);
	assert_in_range(count, 1, 2); /* a revoked one twice */
	assert_memory_equal(dues[0].token.name, dues[count - 1].token.name, KEYRING_NAME_SIZE);
	return dues[0];
}

/* Opens a wrapped token; its reply is on its way. */
static void open_lost_token(void)
{
	wrap_token();
	serve_lost(wrapping, "PUT", "sys/wrapping/unwrap", "");
	assert_int_equal(f.shared->slots[0].phase, SLOT_TOKEN);
	turn(2); /* the wrapping token goes */
}

/* Tokens that are due some time, alive or not: without root. */
static size_t find_tokens(void)
{
	struct token_due dues[4];
	size_t count;

	assert_int_equal(token_due_scan(f.temp.store, INT64_MAX - 1, dues, 4, &count), 0);
	return count;
}

static bool token_lives(void)
{
	struct token_due due = token_due();
	struct caller caller;
	int ret = token_find_name(f.temp.store, due.token.name, &caller);

	caller_clear(&caller);
	return !ret;
}

static void an_unwrapped_token_that_nobody_received_is_revoked(void **state)
{
	(void)state;
	open_lost_token();
	assert_true(token_lives());
	api_sent(f.api, false);
	api_settle(f.api);
	assert_false(token_lives());
	assert_int_equal(f.shared->slots[0].phase, SLOT_FREE);
}

static void an_unwrapped_token_that_arrived_lives_as_long_as_it_should(void **state)
{
	int64_t end;

	(void)state;
	open_lost_token();
	assert_in_range(token_due().time, clock_now(), clock_now() + 60);
	api_sent(f.api, true);
	assert_int_equal(f.shared->slots[0].phase, SLOT_TOKEN_DELIVERED);
	api_settle(f.api);
	assert_int_equal(f.shared->slots[0].phase, SLOT_FREE);
	end = clock_now() + TOKEN_TTL;
	assert_in_range(token_due().time, end - 5, end + 1);
	assert_true(token_lives());
}

static void killed_after_the_opening_the_token_is_revoked(void **state)
{
	(void)state;
	open_lost_token();
	f.shared->slots[0].pid = -7;
	turn(1);
	assert_int_equal(f.shared->slots[0].phase, SLOT_FREE);
	turn(2);
	assert_int_equal(find_tokens(), 0);
}

/* Between commit and the word to the slot, or with the whole server: the due time is left. */
static void killed_with_its_slot_the_token_is_due_soon(void **state)
{
	struct token_due due;

	(void)state;
	open_lost_token();
	slot_phase_set(&f.shared->slots[0], SLOT_FREE);
	due = token_due();
	assert_in_range(due.time, clock_now(), clock_now() + 60);
	assert_int_equal(token_bury_due(f.temp.store, &due, 1), 0);
	assert_false(token_lives());
}

static void killed_after_the_reply_the_token_lives(void **state)
{
	int64_t end = clock_now() + TOKEN_TTL;

	(void)state;
	open_lost_token();
	api_sent(f.api, true);
	f.shared->slots[0].pid = -7;
	turn(2);
	assert_in_range(token_due().time, end - 5, end + 5);
	assert_true(token_lives());
}

/* The worker lives, but sleeps. */
static void a_delivered_token_outlives_its_workers_sleep(void **state)
{
	struct token_due due;
	struct store_batch batch = { 0 };
	bool held;

	(void)state;
	open_lost_token();
	api_sent(f.api, true);
	due = token_due();
	assert_int_equal(token_hold(f.temp.store, &batch, due.token.name, clock_now() - 1, &held),
			 0);
	assert_true(held);
	assert_int_equal(store_apply(f.temp.store, STORE_NORMAL, &batch, NULL), 0);
	store_batch_free(&batch);
	turn(2);
	assert_true(token_lives());
	assert_true(token_due().time > clock_now() + TOKEN_TTL - 60);
}

/* Who uses it before that is written down is not in the way, nor is the way in theirs. */
static void a_token_may_be_renewed_before_it_is_confirmed(void **state)
{
	struct caller caller;
	int64_t end;

	(void)state;
	open_lost_token();
	assert_int_equal(token_find_name(f.temp.store, token_due().token.name, &caller), 0);
	assert_int_equal(token_renew(f.temp.store, &caller, TOKEN_TTL - 600), 0);
	caller_clear(&caller);
	api_sent(f.api, true);
	api_settle(f.api);
	end = clock_now() + TOKEN_TTL - 600;
	assert_in_range(token_due().time, end - 5, end + 1);
}

/* ---- Who has the store and the master key ---- */

struct search {
	const char *needle;
	size_t records, found;
};

static int look_at(void *context, const struct store_record *record)
{
	struct search *search = context;

	search->records++;
	if (memmem(record->value.data, record->value.size, search->needle, strlen(search->needle)))
		search->found++;
	return 0;
}

static size_t find_in_store(const char *needle)
{
	struct search search = { needle, 0, 0 };

	assert_int_equal(store_scan(f.temp.store, STORE_SCAN_VALUES, (struct bytes){ "", 0 },
				    (struct bytes){ "", 0 }, (struct bytes){ "", 0 }, SIZE_MAX,
				    look_at, &search),
			 0);
	assert_true(search.records > 10);
	return search.found;
}

static void a_thief_with_the_master_key_finds_no_wrapped_value(void **state)
{
	(void)state;
	wrap("POST", "sys/wrapping/wrap", "{\"a\":\"a-very-private-text\"}", "60");
	assert_int_equal(find_in_store("a-very-private-text"), 0);
	assert_int_equal(find_in_store(wrapping), 0);
	wrap("GET", CREDS, NULL, "60");
	assert_int_equal(find_in_store(SECRET), 0);
	assert_int_equal(find_in_store(wrapping), 0);
	assert_int_equal(ask_as(NULL, "POST", "cubbyhole/x", "{\"k\":\"mine-alone\"}", ""), 204);
	assert_int_equal(find_in_store("mine-alone"), 0);
	assert_int_equal(find_in_store(f.token), 0);
	assert_true(find_in_store(CREDS) > 0); /* it does look inside */
}

/* ---- Limits ---- */

static void a_token_wraps_only_so_much(void **state)
{
	const char *refusal = "too many wrapped responses: a token may have 10000 at a time, and "
			      "4194304 bytes of them; wait until some have ended";
	size_t size = WRAPPERS_SIZE_MAX / 4;
	char *body = malloc(size + 1);

	(void)state;
	assert_non_null(body);
	memset(body, 'x', size);
	memcpy(body, "{\"k\":\"", 6);
	memcpy(body + size - 2, "\"}", 3);
	for (int i = 0; i < 4; i++)
		wrap("POST", "sys/wrapping/wrap", body, "60");
	ask_as(NULL, "POST", "sys/wrapping/wrap", body, "60");
	expect_error(400, refusal);
	ask_as(NULL, "GET", CREDS, NULL, "60");
	expect_error(400, refusal);
	assert_int_equal(fake.issues, 0);
	ask_as(NULL, "POST", "sys/wrapping/rewrap", with_token(wrapping), "");
	expect_error(400, refusal);
	age(61);
	turn(1);
	wrap("POST", "sys/wrapping/wrap", body, "60");
	free(body);
}

static struct wrapper *kept(const char *token)
{
	unsigned char name[KEYRING_NAME_SIZE];
	struct wrapper *wrapper;

	assert_int_equal(keyring_name(store_keyring(f.temp.store), KEYRING_TOKEN, token, name), 0);
	assert_int_equal(wrapper_get(f.temp.store, name, &wrapper), 0);
	return wrapper;
}

/* Else each of them would have a share of its own, and a chain of them no limit. */
static void a_wrapping_token_wraps_anew_in_the_share_of_its_maker(void **state)
{
	static const char *const ways[][2] = {
		{ "PUT", "sys/wrapping/unwrap" },
		{ "GET", "cubbyhole/response" },
	};
	struct wrapper *first, *next;

	(void)state;
	for (int i = 0; i < 2; i++) {
		wrap("POST", "sys/wrapping/wrap", "{\"a\":\"b\"}", "60");
		first = kept(wrapping);
		assert_int_equal(ask_as(wrapping, ways[i][0], ways[i][1], NULL, "90"), 200);
		snprintf(wrapping, sizeof(wrapping), "%s", json_get_text(info(), "token"));
		next = kept(wrapping);
		assert_memory_equal(next->maker, first->maker, sizeof(next->maker));
		assert_memory_not_equal(next->maker, first->name, sizeof(next->maker));
		wrapper_free(first);
		wrapper_free(next);
		assert_int_equal(unwrap(wrapping), 200);
		assert_string_equal(data_text(&f, "a"), "b");
	}
}

/* Else whoever has one wrapping token could use up the share of who made it. */
static void a_wrapping_token_wraps_anew_a_few_times_only(void **state)
{
	(void)state;
	wrap("POST", "sys/wrapping/wrap", "{\"a\":\"b\"}", "60");
	for (int i = 0; i < WRAPPER_REWRAPS_MAX; i++) {
		assert_int_equal(ask_as(wrapping, "PUT", "sys/wrapping/unwrap", NULL, "90"), 200);
		snprintf(wrapping, sizeof(wrapping), "%s", json_get_text(info(), "token"));
	}
	ask_as(wrapping, "PUT", "sys/wrapping/unwrap", NULL, "90");
	expect_error(400,
		     "the response was wrapped anew by its own wrapping token 15 times: unwrap "
		     "it");
	/* Others may go on, in their own share; and it can still be opened. */
	for (int i = 0; i < 2; i++)
		wrap("POST", "sys/wrapping/rewrap", with_token(wrapping), "");
	assert_int_equal(unwrap(wrapping), 200);
	assert_string_equal(data_text(&f, "a"), "b");
}

static void what_has_no_room_stays_wrapped_as_it_was(void **state)
{
	size_t size = WRAPPERS_SIZE_MAX / 4;
	char *body = malloc(size + 1);

	(void)state;
	assert_non_null(body);
	memset(body, 'x', size);
	memcpy(body, "{\"k\":\"", 6);
	memcpy(body + size - 2, "\"}", 3);
	for (int i = 0; i < 4; i++)
		wrap("POST", "sys/wrapping/wrap", body, "60");
	assert_int_equal(ask_as(wrapping, "PUT", "sys/wrapping/unwrap", NULL, "90"), 400);
	assert_int_equal(unwrap(wrapping), 200);
	free(body);
}

/* A token that waits waits on in the wrapper that takes the first one's place. */
static void a_token_wrapped_anew_by_the_old_way_is_revoked_unopened(void **state)
{
	char body[100];

	(void)state;
	wrap("POST", "auth/token/create", "{\"ttl\":\"1h\"}", "60");
	snprintf(body, sizeof(body), "{\"accessor\":\"%s\"}",
		 json_get_text(info(), "wrapped_accessor"));
	assert_int_equal(ask_as(wrapping, "GET", "cubbyhole/response", NULL, "60"), 200);
	snprintf(wrapping, sizeof(wrapping), "%s", json_get_text(info(), "token"));
	age(61);
	turn(1);
	assert_int_not_equal(ask_as(NULL, "POST", "auth/token/lookup-accessor", body, ""), 200);
}

/* Ordinary writes until they are refused. */
static void fill_store(void)
{
	static char value[1024 * 1024];
	int ret = 0;

	for (uint64_t i = 0; !ret; i++) {
		struct store_batch batch = { 0 };
		struct key key;

		key_start(&key, 'z');
		key_add_u64(&key, i);
		store_batch_put(&batch, STORE_ANY, 0, key_bytes(&key),
				(struct bytes){ value, sizeof(value) });
		assert_int_equal(store_maintain(f.temp.store, NULL), 0);
		ret = store_apply(f.temp.store, STORE_NORMAL, &batch, NULL);
		store_batch_free(&batch);
	}
	assert_int_equal(ret, LH_EFULL);
}

static void a_full_store_opens_but_does_not_wrap(void **state)
{
	(void)state;
	wrap("GET", CREDS, NULL, "60");
	fill_store();
	ask_as(NULL, "POST", "sys/wrapping/wrap", "{}", "60");
	assert_int_equal(f.reply.status, 507);
	assert_int_equal(ask_as(NULL, "POST", "auth/token/create", "{\"ttl\":\"1h\"}", "60"), 507);
	assert_int_equal(unwrap(wrapping), 200);
	assert_string_equal(data_text(&f, "secret"), SECRET);
}

static struct api *read_api(void)
{
	struct api *api;

	assert_int_equal(api_new(f.broker, API_READ, &api), 0);
	return api;
}

static void a_read_process_hands_on_what_is_to_be_wrapped(void **state)
{
	struct api *both = f.api;

	(void)state;
	wrap("POST", "sys/wrapping/wrap", "{\"a\":\"b\"}", "30");
	f.api = read_api();
	ask_as(NULL, "GET", "auth/token/lookup-self", NULL, "");
	assert_false(f.reply.hand_on);
	ask_as(NULL, "GET", "auth/token/lookup-self", NULL, "60");
	assert_true(f.reply.hand_on);
	ask_as(wrapping, "PUT", "sys/wrapping/unwrap", NULL, "");
	assert_true(f.reply.hand_on);
	/* Strangers get no further. */
	ask_as("hvs.none", "PUT", "sys/wrapping/unwrap", NULL, "");
	assert_false(f.reply.hand_on);
	expect_error(400, INVALID);
	ask_as("hvs.none", "GET", "auth/token/lookup-self", NULL, "60");
	assert_false(f.reply.hand_on);
	api_free(f.api);
	f.api = both;
}

/* ---- Lost memory ---- */

static void revoke_only(void)
{
	struct lease *lease = only_lease();
	char body[300];

	snprintf(body, sizeof(body), "{\"lease_id\":\"%s\",\"sync\":false}", lease->id);
	lease_free(lease);
	assert_int_equal(ask_as(NULL, "PUT", "sys/leases/revoke", body, ""), 202);
	turn(2);
	assert_int_equal(lease_state(), 0);
}

/* Whatever allocation fails: nobody has half of anything. What was opened for nobody is revoked, and
 * what was wrapped for nobody as well. */
static void lost_memory_leaves_no_credential(void **state)
{
	struct api_request raw = {
		.method = "GET",
		.path = "/v1/" CREDS,
		.query = "",
		.content_type = "",
		.body = "",
		.remote_address = ADDRESS,
		.token = f.token,
		.authorization = "",
		.namespace = "",
		.wrap_ttl = "60",
		.vault_request = "",
		.request_id = REQUEST_ID,
	};
	struct api_reply reply;
	int status = 0;

	(void)state;
	for (unsigned n = 1; status != 200; n++) {
		raw.deadline = clock_boot_ms() + DEADLINE;
		fail_alloc_at(n);
		api_serve(f.api, &raw, &reply);
		fail_alloc_stop();
		status = reply.status;
		api_sent(f.api, true);
		api_settle(f.api);
		api_reply_clear(&reply);
		turn(2);
		assert_int_equal(lease_state(), status == 200 ? LEASE_WRAPPED : 0);
		assert_true(n < 3000);
	}
}

/* Either it can still be opened, or nobody has its credential. */
static void lost_memory_opens_nothing_by_half(void **state)
{
	struct api_request raw = {
		.method = "PUT",
		.path = "/v1/sys/wrapping/unwrap",
		.query = "",
		.content_type = "",
		.body = "",
		.remote_address = ADDRESS,
		.token = wrapping,
		.authorization = "",
		.namespace = "",
		.wrap_ttl = "",
		.vault_request = "",
		.request_id = REQUEST_ID,
	};
	struct api_reply reply;
	int status = 0;

	(void)state;
	for (unsigned n = 1; status != 200; n++) {
		wrap("GET", CREDS, NULL, "60");
		raw.deadline = clock_boot_ms() + DEADLINE;
		fail_alloc_at(n);
		api_serve(f.api, &raw, &reply);
		fail_alloc_stop();
		status = reply.status;
		api_sent(f.api, true);
		api_settle(f.api);
		api_reply_clear(&reply);
		turn(2);
		assert_true(n < 3000);
		if (status != 200 && lease_state()) {
			assert_int_equal(lease_state(), LEASE_WRAPPED);
			assert_int_equal(unwrap(wrapping), 200);
		}
		if (lease_state()) {
			assert_int_equal(lease_state(), LEASE_ACTIVE);
			revoke_only();
		}
	}
}

/* Either it can still be opened, or nobody has its token. */
static void lost_memory_leaves_no_unwrapped_token(void **state)
{
	struct api_request raw = {
		.method = "PUT",
		.path = "/v1/sys/wrapping/unwrap",
		.query = "",
		.content_type = "",
		.body = "",
		.remote_address = ADDRESS,
		.token = wrapping,
		.authorization = "",
		.namespace = "",
		.wrap_ttl = "",
		.vault_request = "",
		.request_id = REQUEST_ID,
	};
	struct api_reply reply;
	char accessor[100];
	int status = 0;

	(void)state;
	for (unsigned n = 1; status != 200; n++) {
		bool alive;

		wrap("POST", "auth/token/create", "{\"ttl\":\"1h\"}", "60");
		snprintf(accessor, sizeof(accessor), "{\"accessor\":\"%s\"}",
			 json_get_text(info(), "wrapped_accessor"));
		raw.deadline = clock_boot_ms() + DEADLINE;
		fail_alloc_at(n);
		api_serve(f.api, &raw, &reply);
		fail_alloc_stop();
		status = reply.status;
		api_sent(f.api, true);
		api_settle(f.api);
		api_reply_clear(&reply);
		turn(2);
		alive = ask_as(NULL, "POST", "auth/token/lookup-accessor", accessor, "") == 200;
		assert_true(n < 3000);
		if (status == 200 && !alive)
			fail_msg("allocation %u: the token is dead", n);
		if (status != 200 && alive && unwrap(wrapping) != 200)
			fail_msg("allocation %u: the token lives for nobody", n);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(whatever_is_sent_is_wrapped),
		TEST(without_the_header_there_is_nothing_to_wrap),
		TEST(only_what_has_a_body_is_wrapped),
		TEST(it_lasts_no_longer_than_leases_do),
		TEST(it_is_looked_up_without_being_opened),
		TEST(it_is_opened_once_whoever_asks),
		TEST(an_opened_wrapper_leaves_no_token),
		TEST(the_old_way_reads_a_cubbyhole),
		TEST(what_is_no_wrapping_token_is_refused),
		TEST(a_wrapping_token_is_no_secret_of_a_query),
		TEST(it_is_wrapped_anew),
		TEST(who_wants_it_wrapped_gets_it_wrapped_anew),
		TEST(it_cannot_be_opened_after_its_end),
		TEST(it_cannot_be_opened_when_its_token_was_revoked),
		TEST(a_credential_waits_for_its_opening),
		TEST(an_unopened_credential_is_taken_back_at_the_end),
		TEST(nothing_ends_by_a_clock_that_is_wrong),
		TEST(a_lease_that_ends_first_does_not_wait),
		TEST(a_credential_wrapped_anew_waits_longer),
		TEST(a_waiting_lease_cannot_be_renewed),
		TEST(a_session_is_forgotten_unless_it_was_opened),
		TEST(a_token_that_was_opened_lives),
		TEST(an_unopened_token_is_revoked_at_the_end),
		TEST(a_token_that_was_renewed_does_not_wait),
		TEST(used_for_anything_else_it_is_used_up),
		TEST(opening_anothers_wrapper_uses_it_up),
		TEST(an_unwrapped_credential_that_nobody_received_is_revoked),
		TEST(a_wrapping_token_that_nobody_received_takes_its_credential_along),
		TEST(killed_after_the_opening_the_credential_is_revoked),
		TEST(killed_right_at_the_opening_too),
		TEST(killed_before_the_opening_the_credential_waits_on),
		TEST(killed_before_the_wrapping_token_was_sent_the_credential_is_revoked),
		TEST(an_unwrapped_token_that_nobody_received_is_revoked),
		TEST(an_unwrapped_token_that_arrived_lives_as_long_as_it_should),
		TEST(killed_after_the_opening_the_token_is_revoked),
		TEST(killed_with_its_slot_the_token_is_due_soon),
		TEST(killed_after_the_reply_the_token_lives),
		TEST(a_delivered_token_outlives_its_workers_sleep),
		TEST(a_token_may_be_renewed_before_it_is_confirmed),
		TEST(a_thief_with_the_master_key_finds_no_wrapped_value),
		TEST(a_token_wraps_only_so_much),
		TEST(a_wrapping_token_wraps_anew_in_the_share_of_its_maker),
		TEST(a_wrapping_token_wraps_anew_a_few_times_only),
		TEST(what_has_no_room_stays_wrapped_as_it_was),
		TEST(a_token_wrapped_anew_by_the_old_way_is_revoked_unopened),
		TEST(a_full_store_opens_but_does_not_wrap),
		TEST(a_read_process_hands_on_what_is_to_be_wrapped),
		TEST(lost_memory_leaves_no_credential),
		TEST(lost_memory_opens_nothing_by_half),
		TEST(lost_memory_leaves_no_unwrapped_token),
	};

	fail_alloc_jansson();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
