/* SPDX-License-Identifier: Apache-2.0 */
/* What a role may hold, and what its users and sessions are called. */
#include "engine/role.h"

#include <string.h>

#include "engine/alicloud/alicloud_priv.h"
#include "engine/plan.h"
#include "util/json.h"
#include "util/text.h"

#define ROLE_NAME_MAX 64

/* Defaults, which the cloud raises on demand. */
#define CUSTOM_PER_USER_MAX 10
#define SYSTEM_PER_USER_MAX 20

/* acs:ram::<account id>:role/<name> */
static bool is_role_arn(const char *text)
{
	static const char head[] = "acs:ram::", middle[] = ":role/";
	size_t digits;

	if (!text_starts_with(text, head))
		return false;
	text += strlen(head);
	digits = strspn(text, "0123456789");
	if (!digits || !text_starts_with(text + digits, middle))
		return false;
	return text_is_word(text + digits + strlen(middle), ".-_", ROLE_NAME_MAX);
}

static void warn(const json_t *role, struct warnings *warnings)
{
	size_t custom = json_array_size(json_object_get(role, "inline_policies")), system = 0, i;
	const json_t *policy;

	json_array_foreach(json_object_get(role, "remote_policies"), i, policy)
	{
		if (strcmp(json_get_text(policy, "type"), "System") == 0)
			system++;
		else
			custom++;
	}
	if (custom > CUSTOM_PER_USER_MAX)
		warnings_add(warnings,
			     "%zu inline and custom policies are more than the %d that the cloud "
			     "attaches to a user unless the quota was raised",
			     custom, CUSTOM_PER_USER_MAX);
	if (system > SYSTEM_PER_USER_MAX)
		warnings_add(warnings,
			     "%zu system policies are more than the %d that the cloud attaches to "
			     "a user unless the quota was raised",
			     system, SYSTEM_PER_USER_MAX);
}

static const char *const types[] = { "System", "Custom", NULL };

static const struct document_rules document = {
	.version = "Version",
	.language = "1",
	.statement = "Statement",
	.max = 6144,
};

static const struct remote_rules remote = {
	.name = "name",
	.scope = "type",
	.scope_word = "type",
	.more = "-",
	.characters = "letters, digits and '-'",
	.max = 128,
	.scopes = types,
	.scopes_words = "System or Custom",
};

static const struct role_rules rules = {
	.is_arn = is_role_arn,
	.arn_form = "acs:ram::<account id>:role/<name>",
	.document = &document,
	.remote = &remote,
	.warn = warn,
};

int alicloud_check_role(const json_t *stored, const json_t *input, const struct role_limits *limits,
			const char *random, json_t **role_out, struct warnings *warnings,
			struct err *err)
{
	return role_check(&rules, stored, input, limits, random, role_out, warnings, err);
}

static const struct plan_shape shape = {
	.user_kind = "ram",
	.user = { 64, 24, 20, false },   /* 80 random bits */
	.session = { 32, 8, 16, false }, /* 64; older limits of STS are 2 to 32 */
};

int alicloud_plan(const struct plan_request *request, json_t **plan_out, bool *lasting_out,
		  struct err *err)
{
	return plan_make(&shape, request, plan_out, lasting_out, err);
}

bool alicloud_plan_is_sound(const json_t *plan)
{
	return plan_is_sound(plan, &remote);
}
