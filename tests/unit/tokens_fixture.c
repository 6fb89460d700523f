/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tokens_fixture.h"
#include "util/clock.h"
#include "util/json.h"

struct api_fixture f;

int set_up(void **state)
{
	(void)state;
	api_fixture_open(&f, "fake");
	return 0;
}

int tear_down(void **state)
{
	(void)state;
	api_fixture_close(&f);
	return 0;
}

/* ---- Asking as somebody else ---- */

int ask_from(const char *address, const char *token, const char *method, const char *path,
	     const char *body)
{
	char full[256];
	struct api_request raw = {
		.method = method,
		.path = full,
		.body = body,
		.body_size = body ? strlen(body) : 0,
		.token = token,
		.remote_address = address,
		.deadline = clock_boot_ms() + 5000,
	};

	snprintf(full, sizeof(full), "/v1/%s", path);
	return ask_raw(&f, &raw);
}

int ask_as(const struct bearer *bearer, const char *method, const char *path, const char *body)
{
	return ask_from("192.0.2.1", bearer->token, method, path, body);
}

const char *error(void)
{
	const json_t *errors = json_object_get(f.body, "errors");

	return json_string_value(json_array_get(errors, 0));
}

void expect_as(const struct bearer *bearer, const char *method, const char *path, const char *body,
	       int status, const char *text)
{
	ask_as(bearer, method, path, body);
	if (f.reply.status != status || (text && strcmp(text, error() ? error() : "") != 0))
		fail_msg("%s %s %s: %d %s", method, path, body ? body : "", f.reply.status,
			 buf_text(&f.reply.body));
}

struct bearer taken(void)
{
	const json_t *auth = json_object_get(f.body, "auth");
	struct bearer bearer;

	assert_true(json_is_object(auth));
	snprintf(bearer.token, sizeof(bearer.token), "%s", json_get_text(auth, "client_token"));
	snprintf(bearer.accessor, sizeof(bearer.accessor), "%s", json_get_text(auth, "accessor"));
	return bearer;
}

struct bearer made(const char *body)
{
	if (ask(&f, "POST", "auth/token/create", body) != 200)
		fail_msg("%s: %d %s", body, f.reply.status, buf_text(&f.reply.body));
	return taken();
}

struct bearer made_by(const struct bearer *parent, const char *body)
{
	if (ask_as(parent, "POST", "auth/token/create", body) != 200)
		fail_msg("%s: %d %s", body, f.reply.status, buf_text(&f.reply.body));
	return taken();
}

const json_t *auth_member(const char *name)
{
	return json_object_get(json_object_get(f.body, "auth"), name);
}

const json_t *data_member(const char *name)
{
	return json_object_get(json_object_get(f.body, "data"), name);
}

struct bearer with_policy(const char *name, const char *rules)
{
	json_t *body = json_pack("{s:s}", "policy", rules);
	char path[64], create[128];
	char *text = json_dumps(body, 0);

	snprintf(path, sizeof(path), "sys/policies/acl/%s", name);
	expect(&f, "PUT", path, text, 204, "");
	free(text);
	json_decref(body);
	snprintf(create, sizeof(create), "{\"policies\":[\"%s\"]}", name);
	return made(create);
}
