/* SPDX-License-Identifier: Apache-2.0 */
/* What clients ask before they ask: which mount a path belongs to. */
#include "api/context.h"
#include "api/mount_info.h"
#include "util/err.h"
#include "util/text.h"

int auth_mounts_list(struct context *context)
{
	return outcome_data(&context->outcome, mount_info_auth(context->broker));
}

int ui_mounts_list(struct context *context)
{
	json_t *all;
	int ret = mount_info_all(context->broker, &all);

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
