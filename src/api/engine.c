/* SPDX-License-Identifier: Apache-2.0 */
/* What every mounted engine has: config, roles, credentials. */
#include <string.h>

#include "api/context.h"
#include "api/page.h"
#include "crypto/crypto.h"
#include "util/err.h"
#include "util/log.h"

static int too_many_conflicts(struct context *context)
{
	return outcome_error(&context->outcome, 409,
			     "others are changing %s at the same time, or it is being disabled: "
			     "try again",
			     context->request->path);
}

static void add_warnings(struct context *context, const struct warnings *warnings)
{
	for (size_t i = 0; i < warnings->count; i++)
		outcome_warn(&context->outcome, "%s", warnings->text[i]);
}

/* ---- Configuration ---- */

int config_read(struct context *context)
{
	const struct mount *mount = context->match->mount;
	json_t *config;
	int ret;

	ret = mount_config_get(context->broker, mount, &config, NULL);
	if (ret)
		return ret == LH_ENOENT ? 0 : ret;
	outcome_data(&context->outcome, mount->engine->show_config(config));
	json_decref(config);
	return 0;
}

int config_exists(struct context *context, bool *exists_out)
{
	const struct mount *mount = context->match->mount;
	json_t *config = NULL;
	int ret;

	ret = mount_config_get(context->broker, mount, &config, NULL);
	*exists_out = !ret;
	json_decref(config);
	return ret == LH_ENOENT ? 0 : ret;
}

static int write_config_once(struct context *context, struct err *err)
{
	const struct mount *mount = context->match->mount;
	json_t *old = NULL, *new = NULL;
	uint64_t revision = 0;
	int ret;

	ret = mount_config_get(context->broker, mount, &old, &revision);
	if (ret == LH_ENOENT)
		revision = 0;
	else if (ret)
		return ret;
	ret = mount->engine->check_config(old, context->fields, &new, err);
	if (!ret)
		ret = mount_config_put(context->broker, mount, new, revision);
	json_decref(old);
	json_decref(new);
	return ret;
}

int config_write(struct context *context)
{
	struct err err = { "" };
	unsigned tries = 0;
	int ret;

	do
		ret = write_config_once(context, &err);
	while (broker_again(context->broker, ret, context->request->raw->deadline, &tries));
	if (ret == LH_EINVAL)
		return outcome_error(&context->outcome, 400, "%s", err.text);
	return ret == LH_ECONFLICT ? too_many_conflicts(context) : ret;
}

int config_delete(struct context *context)
{
	return mount_config_delete(context->broker, context->match->mount);
}

/* ---- Roles ---- */

int roles_list(struct context *context)
{
	struct page page;
	int ret;

	if (!page_start(context, &page))
		return 0;
	ret = mount_role_list(context->broker, context->match->mount, page.after, page_ask(&page),
			      page_add, &page);
	return page_end(context, &page, ret);
}

int role_read(struct context *context)
{
	const struct mount *mount = context->match->mount;
	json_t *role;
	int ret;

	ret = mount_role_get(context->broker, mount, context->match->capture, &role, NULL);
	if (ret)
		return ret == LH_ENOENT ? 0 : ret;
	outcome_data(&context->outcome, mount->engine->show_role(role));
	json_decref(role);
	return 0;
}

int role_exists(struct context *context, bool *exists_out)
{
	json_t *role;
	int ret;

	ret = mount_role_get(context->broker, context->match->mount, context->match->capture, &role,
			     NULL);
	*exists_out = !ret;
	if (!ret)
		json_decref(role);
	return ret == LH_ENOENT ? 0 : ret;
}

static int write_role_once(struct context *context, struct warnings *warnings, struct err *err)
{
	const struct mount *mount = context->match->mount;
	const char *name = context->match->capture;
	struct role_limits limits = { .max_ttl = mount_max_ttl(context->broker, mount) };
	int64_t deadline = context->request->raw->deadline;
	json_t *old = NULL, *new = NULL, *resolved = NULL;
	uint64_t revision = 0;
	char random[33];
	int ret;

	memset(warnings, 0, sizeof(*warnings));
	random_hex(random, 16);
	ret = mount_role_get(context->broker, mount, name, &old, &revision);
	if (ret == LH_ENOENT)
		revision = 0;
	else if (ret)
		return ret;
	ret = mount->engine->check_role(old, context->fields, &limits, random, &new, warnings, err);
	if (!ret)
		ret = broker_resolve_role(context->broker, mount, new, deadline, &resolved,
					  warnings, err);
	if (!ret)
		ret = mount_role_put(context->broker, mount, name, resolved ? resolved : new,
				     revision, context->caller);
	json_decref(old);
	json_decref(new);
	json_decref(resolved);
	return ret;
}

int role_write(struct context *context)
{
	struct warnings warnings;
	struct err err = { "" };
	unsigned tries = 0;
	int ret;

	do
		ret = write_role_once(context, &warnings, &err);
	while (broker_again(context->broker, ret, context->request->raw->deadline, &tries));
	if (ret == LH_EINVAL)
		return outcome_error(&context->outcome, 400, "%s", err.text);
	if (ret == LH_EPERM) /* as if it had come after its revocation */
		return outcome_error(&context->outcome, 403, "permission denied");
	if (ret)
		return ret == LH_ECONFLICT ? too_many_conflicts(context) : ret;
	if (!warnings.count)
		return 0;
	add_warnings(context, &warnings);
	return outcome_no_data(&context->outcome, 0);
}

int role_delete(struct context *context)
{
	return mount_role_delete(context->broker, context->match->mount, context->match->capture);
}

/* ---- Credentials ---- */

/* The token dies with this request, and all of its leases with it: none is issued at all. */
#define LAST_USE                                                                                   \
	"Secret cannot be returned; token had one use left, so leased credentials were "           \
	"immediately revoked."

static int say_failure(struct context *context, const struct issue_reply *reply,
		       const struct err *err)
{
	struct outcome *outcome = &context->outcome;

	switch (reply->failure) {
	case FAILURE_INPUT: return outcome_error(outcome, 400, "%s", err->text);
	case FAILURE_THROTTLED:
		outcome->retry_after = reply->retry_after > 0 ? reply->retry_after : 1;
		return outcome_error(outcome, 429, "%s", err->text);
	case FAILURE_UNREACHABLE: return outcome_error(outcome, 502, "%s", err->text);
	case FAILURE_SLOW: return outcome_error(outcome, 504, "%s", err->text);
	case FAILURE_FULL: return outcome_error(outcome, 507, "%s", err->text);
	case FAILURE_NONE:
	case FAILURE_INTERNAL: break;
	}
	log_error("api: %s: %s", context->request->path, err->text);
	return outcome_error(outcome, 500, "internal error");
}

static int say_credential(struct context *context, struct issue_reply *reply)
{
	struct outcome *outcome = &context->outcome;

	context->issued = true;
	outcome->lease_id = reply->lease_id;
	outcome->renewable = reply->renewable;
	outcome->lease_duration = reply->ttl;
	reply->lease_id = NULL; /* it is the outcome's now */
	add_warnings(context, &reply->warnings);
	return outcome_data(outcome, json_incref(reply->data));
}

int creds_read(struct context *context)
{
	const struct api_request *raw = context->request->raw;
	struct issue_request request = {
		.mount = context->match->mount,
		.role_name = context->match->capture,
		.path = context->request->path,
		.caller = context->caller,
		.fields = context->fields,
		.deadline = raw->deadline,
		.gone = raw->gone,
		.context = raw->context,
	};
	struct issue_reply reply;
	struct err err = { "" };
	json_t *role;
	int ret;

	ret = mount_role_get(context->broker, request.mount, request.role_name, &role,
			     &request.role_revision);
	if (ret)
		return ret == LH_ENOENT ? 0 : ret;
	if (context->caller->num_uses == TOKEN_USED_UP) {
		json_decref(role);
		return outcome_error(&context->outcome, 400, LAST_USE);
	}
	request.role = role;
	ret = broker_issue(context->broker, &request, &reply, &err);
	if (ret)
		ret = say_failure(context, &reply, &err);
	else
		ret = say_credential(context, &reply);
	issue_reply_clear(&reply);
	json_decref(role);
	return ret;
}
