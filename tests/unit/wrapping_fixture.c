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
#include "util/clock.h"
#include "util/json.h"
#include "util/text.h"
#include "wrapping_fixture.h"

char wrapping[64];
char lease_id[200];

int wrapping_set_up(void **state)
{
	lending_set_up(state);
	fake.ttl = 1800;
	return 0;
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
	if (f.reply.status != status || strcmp(error(&f), text) != 0)
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
