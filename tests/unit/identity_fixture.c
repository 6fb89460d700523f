/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "crypto/keyring.h"
#include "identity_fixture.h"
#include "util/clock.h"
#include "util/json.h"

struct api_request vouched(const char *name, const char *method, const char *path)
{
	return (struct api_request){
		.method = method,
		.path = path,
		.uri = path,
		.auth_method = "basic",
		.auth_name = name,
		.auth_secret = keyring_web_secret(store_keyring(f.temp.store)),
		.vault_request = "true",
		.remote_address = ADDRESS,
		.trusted = true,
		.deadline = clock_boot_ms() + 500,
	};
}

int ask_as(const char *name, const char *method, const char *path)
{
	struct api_request raw = vouched(name, method, path);

	return ask_raw(&f, &raw);
}

void put(const char *entry, const char *body)
{
	char path[400];

	snprintf(path, sizeof(path), ENTRY "%s", entry);
	expect(&f, "POST", path, body, 204, "");
}

const char *meta(const char *member)
{
	return json_get_text(data_member(&f, "meta"), member);
}

void ask_until_too_many(const char *name, const char *token)
{
	int status = 200;

	for (unsigned i = 0; status == 200 && i < 1000; i++)
		status = token[0] ? ask_with(&f, token, "GET", SELF, NULL)
				  : ask_as(name, "GET", "/v1/" SELF);
	assert_int_equal(status, 429);
}
