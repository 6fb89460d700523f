/* SPDX-License-Identifier: Apache-2.0 */
/* What the evaluator says, for who compares it with another one (tests/differential/acl).
 *
 * Reads lines of JSON: {"now": n, "policies": [text, …], "requests": [{"path", "capability", "sudo",
 * "input", "wrap_ttl"}, …]}; answers each with a line: [[allowed, [capability, …]], …]. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/acl.h"
#include "auth/policy.h"
#include "util/err.h"
#include "util/json.h"
#include "util/wipe.h"

static struct acl *build(const json_t *line)
{
	const json_t *text;
	struct acl *acl;
	size_t i;

	if (acl_new(&acl))
		return NULL;
	json_array_foreach(json_object_get(line, "policies"), i, text)
	{
		struct policy *policy;
		struct err err = { "" };

		if (policy_parse("p", json_string_value(text), json_string_length(text), &policy,
				 &err)) {
			fprintf(stderr, "acl_answers: %s: %s\n", json_string_value(text), err.text);
			acl_free(acl);
			return NULL;
		}
		if (acl_add(acl, policy)) {
			acl_free(acl);
			return NULL;
		}
	}
	if (!acl_build(acl, json_get_int(line, "now", 0)))
		return acl;
	acl_free(acl);
	return NULL;
}

static json_t *judge(const struct acl *acl, const json_t *request)
{
	const struct access access = {
		.path = json_get_text(request, "path"),
		.capability = capability_find(json_get_text(request, "capability")),
		.sudo = json_get_true(request, "sudo"),
		.input = json_object_get(request, "input"),
		.wrap_ttl = json_get_int(request, "wrap_ttl", 0),
	};

	return json_pack("[b, o]", (int)acl_allows(acl, &access),
			 capability_names(acl_capabilities(acl, access.path)));
}

static int answer(const char *text)
{
	json_t *line = json_loads(text, 0, NULL), *answers = json_array();
	struct acl *acl = line ? build(line) : NULL;
	const json_t *request;
	char *said = NULL;
	int status = -1;
	size_t i;

	if (acl) {
		json_array_foreach(json_object_get(line, "requests"), i, request)
		{
			json_array_append_new(answers, judge(acl, request));
		}
		said = json_text(answers);
	}
	if (said)
		status = puts(said) < 0 || fflush(stdout) ? -1 : 0;
	free(said);
	acl_free(acl);
	json_decref(answers);
	json_decref(line);
	return status;
}

int main(void)
{
	char *text = NULL;
	size_t size = 0;
	int status = EXIT_SUCCESS;

	while (status == EXIT_SUCCESS && getline(&text, &size, stdin) > 0)
		if (answer(text))
			status = EXIT_FAILURE;
	free(text);
	return status;
}
