/* SPDX-License-Identifier: Apache-2.0 */
/* What clients ask before they ask: which mount a path belongs to. */
#include <string.h>

#include "api/context.h"
#include "api/mount_info.h"
#include "util/err.h"
#include "util/json.h"
#include "util/text.h"

int auth_mounts_list(struct context *context)
{
	return outcome_data(&context->outcome, mount_info_auth(context->broker));
}

/* The route is open, so it looks at the token itself: one that is not valid counts as none. */
static int has_valid_token(struct context *context, bool *valid_out)
{
	const char *token = context->request->token;
	struct caller caller;
	int ret;

	*valid_out = false;
	if (!token[0])
		return 0;
	ret = auth_lookup(broker_store(context->broker), token, &caller);
	if (ret)
		return ret == LH_EPERM ? 0 : ret;
	caller_clear(&caller);
	*valid_out = true;
	return 0;
}

static int add_public_mount(void *context, const struct mount *mount)
{
	const json_t *entry = mount->entry;
	const char *visibility = json_get_text(json_object_get(entry, "config"),
					       "listing_visibility");
	json_t *info;

	if (strcmp(visibility, "unauth") != 0)
		return 0;
	info = json_pack("{s:O, s:O, s:O}", "type", json_object_get(entry, "type"), "description",
			 json_object_get(entry, "description"), "options",
			 json_object_get(entry, "options"));
	return json_object_set_new(context, mount->path, info) ? LH_ENOMEM : 0;
}

/* For strangers: what their operator shows to everybody. */
static int list_public_mounts(struct context *context)
{
	json_t *mounts = json_object();
	int ret = mounts ? mount_each(context->broker, add_public_mount, mounts) : LH_ENOMEM;

	if (ret) {
		json_decref(mounts);
		return ret;
	}
	return outcome_data(&context->outcome, json_pack("{s:{}, s:o}", "auth", "secret", mounts));
}

int ui_mounts_list(struct context *context)
{
	bool valid;
	json_t *all;
	int ret = has_valid_token(context, &valid);

	if (!ret && !valid)
		return list_public_mounts(context);
	if (!ret)
		ret = mount_info_all(context->broker, &all);
	if (ret)
		return ret;
	return outcome_data(
		&context->outcome,
		json_pack("{s:o, s:o}", "auth", mount_info_auth(context->broker), "secret", all));
}

static json_t *show_mount(const struct mount *mount)
{
	json_t *info = mount_info(mount->entry);

	if (json_object_set_new(info, "path", json_string(mount->path))) {
		json_decref(info);
		return NULL;
	}
	return info;
}

int ui_mounts_read(struct context *context)
{
	const char *path = context->match->capture;
	const struct mount *mount;
	int ret;

	ret = mount_find(context->broker, path, &mount);
	if (ret)
		return ret;
	if (mount)
		return outcome_data(&context->outcome, show_mount(mount));
	return outcome_error(&context->outcome, 403,
			     "preflight capability check returned 403, please ensure client's "
			     "policies grant access to path \"%s%s\"",
			     path, text_ends_with(path, "/") ? "" : "/");
}
