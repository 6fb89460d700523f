/* SPDX-License-Identifier: Apache-2.0 */
/* sys/mounts/PATH/tune: the settings of a mount that exists. */
#include <string.h>

#include "api/context.h"
#include "api/mount_info.h"
#include "api/mount_settings.h"
#include "util/err.h"
#include "util/json.h"
#include "util/text.h"
#include "util/wipe.h"

/* ---- Reading ---- */

static json_t *show_settings(const struct mount_view *view)
{
	const json_t *options = json_object_get(view->entry, "options");
	json_t *data = json_copy(json_object_get(view->entry, "config"));
	int failed = 0;

	failed |= json_object_set_new(data, "default_lease_ttl", json_integer(view->default_ttl));
	failed |= json_object_set_new(data, "max_lease_ttl", json_integer(view->max_ttl));
	failed |= json_object_set(data, "description", json_object_get(view->entry, "description"));
	if (json_object_size(options))
		failed |= json_object_set(data, "options", json_object_get(view->entry, "options"));
	if (failed) {
		json_decref(data);
		return NULL;
	}
	return data;
}

int tune_read(struct context *context)
{
	const char *path = context->match->capture;
	struct mount_view view;
	int ret;

	ret = mount_view_find(context->broker, path, &view);
	if (ret)
		return ret;
	if (!view.entry)
		return outcome_error(&context->outcome, 400,
				     "cannot fetch sysview for path \"%s/\"", path);
	outcome_data(&context->outcome, show_settings(&view));
	json_decref(view.entry);
	return 0;
}

/* ---- Writing ---- */

/* "" and absence leave a TTL as it is, "system" resets it. */
static int tune_ttl(json_t *config, const json_t *fields, const char *member, struct err *err)
{
	const char *text = json_get_text(fields, member);
	int64_t ttl;
	int ret;

	if (!text[0])
		return 0;
	ret = mount_ttl_read(text, &ttl, err);
	if (ret)
		return LH_EINVAL;
	return json_object_set_new(config, member, json_integer(ttl)) ? LH_ENOMEM : 0;
}

static int check_ttls(const json_t *config, struct err *err)
{
	json_int_t ttl = json_get_int(config, "default_lease_ttl", 0);
	json_int_t max = json_get_int(config, "max_lease_ttl", 0);

	if (max && ttl > max)
		return err_set(err, LH_EINVAL,
			       "backend max lease TTL of %lld would be less than backend default "
			       "lease TTL of %lld",
			       (long long)max, (long long)ttl);
	return 0;
}

/* New options are merged; an empty value takes one out. */
static int tune_options(json_t *entry, const json_t *fields)
{
	json_t *options = json_object_get(entry, "options"), *value;
	const char *key;

	json_object_foreach(json_object_get(fields, "options"), key, value)
	{
		if (json_string_length(value) == 0)
			json_object_del(options, key);
		else if (json_object_set(options, key, value))
			return LH_ENOMEM;
	}
	return 0;
}

static int tune_entry(json_t *entry, const json_t *fields, struct err *err)
{
	json_t *config = json_object_get(entry, "config");
	json_t *description = json_object_get(fields, "description");
	int ret;

	ret = tune_ttl(config, fields, "default_lease_ttl", err);
	if (!ret)
		ret = tune_ttl(config, fields, "max_lease_ttl", err);
	if (!ret)
		ret = check_ttls(config, err);
	if (!ret)
		ret = mount_settings_merge(config, fields, err);
	if (!ret)
		ret = tune_options(entry, fields);
	if (!ret && description && json_object_set(entry, "description", description))
		ret = LH_ENOMEM;
	return ret;
}

static int tune_once(struct context *context, const char *name, struct err *err)
{
	const struct mount *mount;
	json_t *entry;
	int ret;

	ret = mount_find(context->broker, name, &mount);
	if (ret)
		return err_set(err, ret, "mounts cannot be read: %s", err_name(ret));
	if (!mount || strcmp(mount->path, name) != 0)
		return err_set(err, LH_EINVAL, "tune of path \"%s\" failed: no mount entry found",
			       name);
	entry = json_deep_copy(mount->entry);
	if (!entry)
		return LH_ENOMEM;
	ret = tune_entry(entry, context->fields, err);
	if (!ret)
		ret = mount_tune(context->broker, mount, entry, err);
	json_decref(entry);
	return ret;
}

/* What no mount of ours takes. */
static int check_fields(const struct context *context, struct err *err)
{
	if (json_object_get(context->fields, "token_type"))
		return err_set(err, LH_EINVAL, "'token_type' can only be modified on auth mounts");
	if (json_get_text(context->fields, "plugin_version")[0])
		return err_set(err, LH_EINVAL, "secrets engines do not allow setting a version");
	return 0;
}

static bool is_builtin(const char *name)
{
	return text_starts_with(name, "sys/") || text_starts_with(name, "cubbyhole/") ||
	       text_starts_with(name, "identity/");
}

static const char *first_field(const json_t *fields)
{
	void *member = json_object_iter((json_t *)(uintptr_t)fields);

	return member ? json_object_iter_key(member) : "";
}

int tune_write(struct context *context)
{
	char *name = mount_name(context->match->capture);
	struct err err = { "" };
	unsigned tries = 0;
	int ret;

	if (!name)
		return LH_ENOMEM;
	if (is_builtin(name))
		ret = err_set(&err, LH_EINVAL, "cannot tune parameter %s of %s",
			      first_field(context->fields), name);
	else
		ret = check_fields(context, &err);
	if (!ret)
		do
			ret = tune_once(context, name, &err);
		while (broker_again(context->broker, ret, context->request->raw->deadline, &tries));
	wipe_free(name);
	return ret ? context_failure(context, ret, &err) : 0;
}
