/* SPDX-License-Identifier: Apache-2.0 */
/* What a role may hold, and what its users and sessions are called. */
#include "engine/role.h"

#include <string.h>

#include "engine/plan.h"
#include "engine/tencentcloud/tencentcloud_priv.h"
#include "util/err.h"
#include "util/json.h"
#include "util/text.h"

#define EXTERNAL_ID_MIN 2
#define EXTERNAL_ID_MAX 128

/* qcs::cam::uin/<owner>:roleName/<name>, or role/<id>, or role/tencentcloudServiceRoleName/<name> */
static bool is_role_arn(const char *text)
{
	static const char head[] = "qcs::cam::uin/";
	size_t digits;

	if (!text_starts_with(text, head))
		return false;
	text += strlen(head);
	digits = strspn(text, "0123456789");
	text += digits;
	if (!digits)
		return false;
	if (text_starts_with(text, ":roleName/"))
		return text_is_word(text + strlen(":roleName/"), "._-", 128);
	return text_starts_with(text, ":role/") &&
	       text_is_word(text + strlen(":role/"), "._/-", 160);
}

static const char *const scopes[] = { "All", "QCS", "Local", NULL };

static const struct document_rules document = {
	.version = "version",
	.language = "2.0",
	.statement = "statement",
	.max = 6144,
};

static const struct remote_rules remote = {
	.name = "policy_name",
	.scope = "scope",
	.scope_word = "scope",
	.id = "policy_id",
	.more = "+=,.@_-",
	.characters = "letters, digits and +=,.@_-",
	.max = 128,
	.scopes = scopes,
	.scopes_words = "All, QCS or Local",
};

static const struct role_rules rules = {
	.is_arn = is_role_arn,
	.arn_form = "qcs::cam::uin/<account id>:roleName/<name>",
	.document = &document,
	.remote = &remote,
};

int tencentcloud_check_role(const json_t *stored, const json_t *input,
			    const struct role_limits *limits, const char *random, json_t **role_out,
			    struct warnings *warnings, struct err *err)
{
	return role_check(&rules, stored, input, limits, random, role_out, warnings, err);
}

/* The names that a user may have are documented nowhere; these are taken by all accounts. */
static const struct plan_shape shape = {
	.user_kind = "cam",
	.user = { 64, 24, 20, true },    /* 80 random bits */
	.session = { 32, 8, 16, false }, /* 64 */
};

static int check_external_id(const char *id, struct err *err)
{
	if (!id[0] ||
	    (strlen(id) >= EXTERNAL_ID_MIN && text_is_word(id, "_+=,.@:/-", EXTERNAL_ID_MAX)))
		return 0;
	return err_set(err, LH_EINVAL,
		       "external_id: must be %d to %d letters, digits and _+=,.@:/-",
		       EXTERNAL_ID_MIN, EXTERNAL_ID_MAX);
}

int tencentcloud_plan(const struct plan_request *request, json_t **plan_out, bool *lasting_out,
		      struct err *err)
{
	const char *id = json_get_text(request->fields, "external_id");
	int ret = check_external_id(id, err);

	*plan_out = NULL;
	*lasting_out = false;
	if (!ret)
		ret = plan_make(&shape, request, plan_out, lasting_out, err);
	if (ret || *lasting_out || !id[0])
		return ret;
	if (json_object_set_new(*plan_out, "external_id", json_string(id)) == 0)
		return 0;
	json_decref(*plan_out);
	*plan_out = NULL;
	return err_set(err, LH_ENOMEM, "memory is out");
}

bool tencentcloud_plan_is_sound(const json_t *plan)
{
	return plan_is_sound(plan, &remote);
}
