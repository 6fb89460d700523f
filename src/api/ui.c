/* SPDX-License-Identifier: Apache-2.0 */
/* What clients ask before they ask: which mount a path belongs to. */
#include <stdio.h>
#include <string.h>

#include "api/context.h"
#include "api/mount_info.h"
#include "auth/acl.h"
#include "auth/policies.h"
#include "util/err.h"
#include "util/json.h"
#include "util/text.h"

int auth_mounts_list(struct context *context)
{
	return outcome_data(&context->outcome, mount_info_auth(context->broker));
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

/* The rules of a caller; NULL for root, who reaches everything. */
static int find_rules(struct context *context, const struct caller *caller,
		      const struct acl **acl_out)
{
	*acl_out = NULL;
	return caller->root ? 0 : policies_acl(context->policies, caller->policies, acl_out);
}

/* Leaves the mounts at or under which the caller may do anything; prefix: where they stand. */
static void keep_reachable(const struct acl *acl, const char *prefix, json_t *mounts)
{
	char path[API_PATH_MAX];
	const char *name;
	json_t *info;
	void *next;

	json_object_foreach_safe(mounts, next, name, info)
	{
		snprintf(path, sizeof(path), "%s%s", prefix, name);
		if (acl && !acl_reaches(acl, path))
			json_object_del(mounts, name);
	}
}

static int list_mounts_of(struct context *context, const struct caller *caller)
{
	const struct acl *acl;
	json_t *secret = NULL, *auth;
	int ret;

	ret = find_rules(context, caller, &acl);
	if (!ret)
		ret = mount_info_all(context->broker, &secret);
	if (ret)
		return ret;
	auth = mount_info_auth(context->broker);
	keep_reachable(acl, "", secret);
	keep_reachable(acl, "auth/", auth);
	return outcome_data(&context->outcome,
			    json_pack("{s:o, s:o}", "auth", auth, "secret", secret));
}

int ui_mounts_list(struct context *context)
{
	struct caller caller;
	bool known;
	int ret;

	ret = context_bearer(context, &caller, &known);
	if (ret)
		return ret;
	if (!known)
		return list_public_mounts(context);
	ret = list_mounts_of(context, &caller);
	caller_clear(&caller);
	return ret;
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

/* The mount that holds a path, as it is shown. *info_out is new; NULL: there is none. */
static int find_mount(struct context *context, const char *path, json_t **info_out)
{
	const struct mount *mount;
	int ret;

	ret = mount_info_builtin(context->broker, path, info_out);
	if (ret || *info_out)
		return ret;
	ret = mount_find(context->broker, path, &mount);
	if (ret || !mount)
		return ret;
	*info_out = show_mount(mount);
	return *info_out ? 0 : LH_ENOMEM;
}

static bool is_reached(const struct acl *acl, const char *path, const json_t *info)
{
	char mount[API_PATH_MAX];

	snprintf(mount, sizeof(mount), "%s%s", text_starts_with(path, "auth/") ? "auth/" : "",
		 json_get_text(info, "path"));
	return !acl || acl_reaches(acl, mount);
}

int ui_mounts_read(struct context *context)
{
	const char *path = context->match->capture;
	const struct acl *acl;
	json_t *info;
	int ret;

	ret = find_mount(context, path, &info);
	if (!ret)
		ret = find_rules(context, context->caller, &acl);
	if (!ret && info && is_reached(acl, path, info))
		return outcome_data(&context->outcome, info);
	json_decref(info);
	if (ret)
		return ret;
	return outcome_error(&context->outcome, 403,
			     "preflight capability check returned 403, please ensure client's "
			     "policies grant access to path \"%s%s\"",
			     path, text_ends_with(path, "/") ? "" : "/");
}
