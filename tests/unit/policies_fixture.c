/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "auth/token.h"
#include "policies_fixture.h"
#include "util/json.h"

static char root[32];

int policies_set_up(void **state)
{
	api_set_up(state);
	memcpy(root, f.token, sizeof(root));
	return 0;
}

void put(const char *name, const char *text)
{
	json_t *body = json_pack("{s:s}", "policy", text);
	char *sent = json_text(body), path[200];

	assert_non_null(sent);
	memcpy(f.token, root, sizeof(root));
	snprintf(path, sizeof(path), "sys/policies/acl/%s", name);
	expect(&f, "PUT", path, sent, 204, "");
	free(sent);
	json_decref(body);
}

void become(const char *names, char *accessor)
{
	json_t *policies = json_loads(names, 0, NULL);
	struct token_terms terms = {
		.display_name = "token",
		.path = "auth/token/create",
		.policies = policies,
		.ttl = 600,
	};
	struct token_made made;

	assert_int_equal(token_create(f.temp.store, &terms, &made), 0);
	strcpy(f.token, made.token);
	if (accessor)
		strcpy(accessor, made.accessor);
	token_made_clear(&made);
	json_decref(policies);
}

void become_root(void)
{
	memcpy(f.token, root, sizeof(root));
}
