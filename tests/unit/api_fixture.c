/* SPDX-License-Identifier: Apache-2.0 */
#include "api_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "auth/auth.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/json.h"
#include "util/log.h"
#include "util/shared.h"

static void make_token(struct api_fixture *fixture)
{
	struct store_batch batch = { 0 };

	assert_int_equal(auth_new_root(store_keyring(fixture->temp.store), &batch, fixture->token),
			 0);
	assert_int_equal(store_apply(fixture->temp.store, STORE_NORMAL, &batch, NULL), 0);
	store_batch_free(&batch);
}

struct api_fixture f;

static void open_fixture(struct api_fixture *fixture)
{
	struct broker_options options = { .conf = &fixture->conf, .connections = 4 };
	struct err err = { "" };

	log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT, "test");
	memset(fixture, 0, sizeof(*fixture));
	temp_store_open(&fixture->temp);
	make_token(fixture);
	fixture->engine.of.type = engine_all[0]->type;
	fixture->engine.sweep_after[0] = 30;
	fixture->engine.sweep_count = 1;
	fixture->conf.engines = &fixture->engine;
	fixture->conf.engine_count = 1;
	fixture->conf.default_lease_ttl = 2764800;
	fixture->conf.max_lease_ttl = 2764800;
	fixture->shared = shared_new();
	assert_non_null(fixture->shared);
	options.store = fixture->temp.store;
	options.shared = fixture->shared;
	options.slot = &fixture->shared->slots[0];
	assert_int_equal(broker_new(&options, &fixture->broker, &err), 0);
	assert_int_equal(api_new(fixture->broker, API_BOTH, &fixture->api), 0);
}

static void forget_reply(struct api_fixture *fixture)
{
	api_reply_clear(&fixture->reply);
	json_decref(fixture->body);
	fixture->body = NULL;
}

int api_set_up(void **state)
{
	(void)state;
	open_fixture(&f);
	return 0;
}

int api_tear_down(void **state)
{
	(void)state;
	forget_reply(&f);
	api_free(f.api);
	broker_free(f.broker);
	shared_free(f.shared);
	temp_store_close(&f.temp);
	return 0;
}

/* ---- Asking ---- */

static void read_body(struct api_fixture *fixture)
{
	const struct buf *body = &fixture->reply.body;

	if (!body->size || fixture->reply.type) /* of another kind than JSON */
		return;
	assert_int_equal(body->data[body->size - 1], '\n');
	/* What was kept stands in an answer a little deeper still. */
	if (json_read_kept(body->data, body->size, &fixture->body))
		fail_msg("not JSON: %s", body->data);
}

int serve(struct api_fixture *fixture, const struct api_request *raw)
{
	struct api_request whole = *raw;
	const char **texts[] = {
		&whole.query,     &whole.content_type,  &whole.remote_address, &whole.token,
		&whole.namespace, &whole.authorization, &whole.wrap_ttl,       &whole.vault_request,
		&whole.uri,       &whole.auth_method,   &whole.auth_name,      &whole.auth_secret,
		&whole.tls_cert,  &whole.tls_verify,    &whole.prefix,         &whole.accept,
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (!*texts[i])
			*texts[i] = "";
	if (!whole.body)
		whole.body = "";
	whole.request_id = REQUEST_ID;
	forget_reply(fixture);
	api_serve(fixture->api, &whole, &fixture->reply);
	return fixture->reply.status;
}

void settle(struct api_fixture *fixture, bool received)
{
	api_sent(fixture->api, received);
	api_settle(fixture->api);
}

int ask_raw(struct api_fixture *fixture, const struct api_request *raw)
{
	serve(fixture, raw);
	settle(fixture, true);
	read_body(fixture);
	return fixture->reply.status;
}

int ask_from(struct api_fixture *fixture, const char *address, const char *token,
	     const char *method, const char *path, const char *body)
{
	char full[300];
	const struct api_request raw = {
		.method = method,
		.path = full,
		.body = body,
		.body_size = body ? strlen(body) : 0,
		.token = token,
		.remote_address = address,
		.deadline = clock_boot_ms() + 5000,
	};

	snprintf(full, sizeof(full), "/v1/%s", path);
	return ask_raw(fixture, &raw);
}

int ask_with(struct api_fixture *fixture, const char *token, const char *method, const char *path,
	     const char *body)
{
	return ask_from(fixture, ADDRESS, token, method, path, body);
}

int ask(struct api_fixture *fixture, const char *method, const char *path, const char *body)
{
	char full[4200];
	char *query;
	struct api_request raw = {
		.method = method,
		.path = full,
		.body = body,
		.body_size = body ? strlen(body) : 0,
		.token = fixture->token,
		.deadline = clock_boot_ms() + 500,
	};

	snprintf(full, sizeof(full), "/v1/%s", path);
	query = strchr(full, '?');
	if (query) {
		*query = '\0';
		raw.query = query + 1;
	}
	return ask_raw(fixture, &raw);
}

/* ---- What must be answered ---- */

/* Whether the body is the one expected. */
static bool is_body(const struct api_fixture *fixture, const char *expected)
{
	json_t *wanted;
	bool equal;

	if (!expected[0])
		return !fixture->body;
	if (expected[0] == '{')
		wanted = json_loads(expected, 0, NULL);
	else
		wanted = json_pack("{s:[s]}", "errors", expected);
	assert_non_null(wanted);
	equal = json_equal(wanted, fixture->body);
	json_decref(wanted);
	return equal;
}

void expect(struct api_fixture *fixture, const char *method, const char *path, const char *sent,
	    int status, const char *body)
{
	ask(fixture, method, path, sent);
	if (fixture->reply.status != status || !is_body(fixture, body))
		fail_msg("%s %s %s: %d %s", method, path, sent ? sent : "", fixture->reply.status,
			 buf_text(&fixture->reply.body));
}

void expect_data(struct api_fixture *fixture, const char *method, const char *path,
		 const char *sent, const char *data)
{
	json_t *wanted = json_loads(data, 0, NULL);

	assert_non_null(wanted);
	if (ask(fixture, method, path, sent) != 200 ||
	    !json_equal(wanted, json_object_get(fixture->body, "data")))
		fail_msg("%s %s: %d %s", method, path, fixture->reply.status,
			 buf_text(&fixture->reply.body));
	json_decref(wanted);
}

void enable(struct api_fixture *fixture, const char *path)
{
	char full[200], body[64];

	snprintf(full, sizeof(full), "sys/mounts/%s", path);
	snprintf(body, sizeof(body), "{\"type\":\"%s\"}", engine_all[0]->type);
	expect(fixture, "POST", full, body, 204, "");
}

const json_t *data_member(const struct api_fixture *fixture, const char *member)
{
	return json_object_get(json_object_get(fixture->body, "data"), member);
}

const char *data_text(const struct api_fixture *fixture, const char *member)
{
	return json_get_text(json_object_get(fixture->body, "data"), member);
}

const json_t *auth_member(const struct api_fixture *fixture, const char *member)
{
	return json_object_get(json_object_get(fixture->body, "auth"), member);
}

const char *auth_text(const struct api_fixture *fixture, const char *member)
{
	return json_get_text(json_object_get(fixture->body, "auth"), member);
}

const char *error(const struct api_fixture *fixture)
{
	const json_t *errors = json_object_get(fixture->body, "errors");
	const char *text = json_string_value(json_array_get(errors, 0));

	return text ? text : "";
}
