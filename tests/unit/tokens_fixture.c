/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tokens_fixture.h"

int ask_as(const struct bearer *bearer, const char *method, const char *path, const char *body)
{
	return ask_with(&f, bearer->token, method, path, body);
}

void expect_as(const struct bearer *bearer, const char *method, const char *path, const char *body,
	       int status, const char *text)
{
	ask_as(bearer, method, path, body);
	if (f.reply.status != status || (text && strcmp(text, error(&f)) != 0))
		fail_msg("%s %s %s: %d %s", method, path, body ? body : "", f.reply.status,
			 buf_text(&f.reply.body));
}

struct bearer taken(void)
{
	struct bearer bearer;

	assert_true(json_is_object(json_object_get(f.body, "auth")));
	snprintf(bearer.token, sizeof(bearer.token), "%s", auth_text(&f, "client_token"));
	snprintf(bearer.accessor, sizeof(bearer.accessor), "%s", auth_text(&f, "accessor"));
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
