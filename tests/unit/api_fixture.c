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
#include "util/wipe.h"

static void make_token(struct api_fixture *fixture)
{
	struct store_batch batch = { 0 };

	assert_int_equal(auth_new_root(store_keyring(fixture->temp.store), &batch, fixture->token),
			 0);
	assert_int_equal(store_apply(fixture->temp.store, STORE_NORMAL, &batch, NULL), 0);
	store_batch_free(&batch);
}

void api_fixture_open(struct api_fixture *fixture, const char *type)
{
	struct broker_options options = { .conf = &fixture->conf, .connections = 4 };
	struct err err = { "" };

	log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT, "test");
	memset(fixture, 0, sizeof(*fixture));
	temp_store_open(&fixture->temp);
	make_token(fixture);
	fixture->engine.of.type = type;
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

void api_fixture_close(struct api_fixture *fixture)
{
	forget_reply(fixture);
	api_free(fixture->api);
	broker_free(fixture->broker);
	shared_free(fixture->shared);
	temp_store_close(&fixture->temp);
}

static void read_body(struct api_fixture *fixture)
{
	const struct buf *body = &fixture->reply.body;

	if (!body->size || fixture->reply.type) /* of another kind than JSON */
		return;
	assert_int_equal(body->data[body->size - 1], '\n');
	if (json_read(body->data, body->size, &fixture->body, NULL))
		fail_msg("not JSON: %s", body->data);
}

int ask_raw(struct api_fixture *fixture, const struct api_request *raw)
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
	api_sent(fixture->api, true);
	api_settle(fixture->api);
	read_body(fixture);
	return fixture->reply.status;
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
		.deadline = clock_boot_ms() + 50,
	};

	snprintf(full, sizeof(full), "/v1/%s", path);
	query = strchr(full, '?');
	if (query) {
		*query = '\0';
		raw.query = query + 1;
	}
	return ask_raw(fixture, &raw);
}

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

const char *data_text(const struct api_fixture *fixture, const char *member)
{
	return json_get_text(json_object_get(fixture->body, "data"), member);
}
