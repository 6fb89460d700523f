/* SPDX-License-Identifier: Apache-2.0 */
/* sys/mounts: listing, enabling and disabling. */
#include <stdio.h>
#include <string.h>

#include "api/context.h"
#include "api/mount_info.h"
#include "api/mount_settings.h"
#include "conf/conf.h"
#include "crypto/crypto.h"
#include "util/err.h"
#include "util/json.h"
#include "util/text.h"
#include "util/wipe.h"

static bool is_protected(const char *name)
{
	static const char *const prefixes[] = { "audit/", "auth/", "sys/", "cubbyhole/",
						"identity/" };

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (text_starts_with(name, prefixes[i]))
			return true;
	return false;
}

/* ---- Reading ---- */

int mounts_list(struct context *context)
{
	json_t *all;
	int ret = mount_info_all(context->broker, &all);

	return ret ? ret : outcome_data(&context->outcome, all);
}

int mounts_read(struct context *context)
{
	const char *path = context->match->capture;
	struct mount_view view;
	int ret;

	ret = mount_view_find(context->broker, path, &view);
	if (ret)
		return ret;
	if (!view.entry)
		return outcome_error(&context->outcome, 400, "No secret engine mount at %s%s", path,
				     text_ends_with(path, "/") ? "" : "/");
	outcome_data(&context->outcome, mount_info(view.entry));
	json_decref(view.entry);
	return 0;
}

/* ---- Enabling ---- */

/* What is about to be mounted. */
struct enabling {
	const json_t *fields;
	char *name;       /* with its final slash */
	const char *type; /* borrowed from the fields */
	json_t *sent;     /* their `config`, coerced */
	json_t *config;   /* as stored */
	json_t *entry;
};

static void enabling_clear(struct enabling *enabling)
{
	wipe_free(enabling->name);
	json_decref(enabling->sent);
	json_decref(enabling->config);
	json_decref(enabling->entry);
}

static int read_ttl(const json_t *sent, const char *member, const char *word, int64_t *ttl_out,
		    struct err *err)
{
	const char *text = json_get_text(sent, member);
	int ret = mount_ttl_read(text, ttl_out, err);

	return ret ? err_prefix(err, LH_EINVAL, "unable to parse %s TTL of %.100s", word, text) : 0;
}

static int read_ttls(struct enabling *enabling, const struct conf *conf, struct err *err)
{
	int64_t ttl, max;
	int ret;

	ret = read_ttl(enabling->sent, "default_lease_ttl", "default", &ttl, err);
	if (!ret)
		ret = read_ttl(enabling->sent, "max_lease_ttl", "max", &max, err);
	if (ret)
		return ret;
	if (max && ttl > max)
		return err_set(err, LH_EINVAL,
			       "given default lease TTL greater than given max lease TTL");
	if (!max && ttl > conf->max_lease_ttl)
		return err_set(err, LH_EINVAL,
			       "given default lease TTL greater than system max lease TTL of %lld",
			       (long long)conf->max_lease_ttl);
	if (json_object_set_new(enabling->config, "default_lease_ttl", json_integer(ttl)) ||
	    json_object_set_new(enabling->config, "max_lease_ttl", json_integer(max)))
		return LH_ENOMEM;
	return 0;
}

static int read_config(struct enabling *enabling, const struct conf *conf, struct err *err)
{
	int ret;

	ret = mount_settings_coerce(json_object_get(enabling->fields, "config"), &enabling->sent,
				    NULL);
	if (ret == LH_EINVAL)
		return err_set(err, ret, "unable to convert given mount config information");
	if (ret)
		return ret;
	enabling->config = mount_settings_new();
	if (!enabling->config)
		return LH_ENOMEM;
	return read_ttls(enabling, conf, err);
}

/* A text that may stand among the fields or in `config`. */
static const char *either(const struct enabling *enabling, const char *name)
{
	const char *text = json_get_text(enabling->fields, name);

	return text[0] ? text : json_get_text(enabling->sent, name);
}

/* The old style: type "plugin" and the type in plugin_name. */
static int read_type(struct enabling *enabling, struct err *err)
{
	enabling->type = json_get_text(enabling->fields, "type");
	if (!enabling->type[0])
		return err_set(err, LH_EINVAL, "backend type must be specified as a string");
	if (!strcmp(enabling->type, "plugin")) {
		enabling->type = either(enabling, "plugin_name");
		if (!enabling->type[0])
			return err_set(err, LH_EINVAL,
				       "plugin_name must be provided for plugin backend");
	}
	if (either(enabling, "plugin_version")[0])
		return err_set(err, LH_EINVAL,
			       "secrets engine \"%.100s\" does not allow setting a version",
			       enabling->type);
	return 0;
}

static int check_place(const struct enabling *enabling, struct err *err)
{
	static const char *const never[] = { "system", "cubbyhole", "identity", "token" };

	if (is_protected(enabling->name))
		return err_set(err, LH_EINVAL, "cannot mount \"%.200s\"", enabling->name);
	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		if (!strcmp(enabling->type, never[i]))
			return err_set(err, LH_EINVAL, "mount type of \"%s\" is not mountable",
				       never[i]);
	if (!engine_find(enabling->type))
		return err_set(err, LH_EINVAL, "plugin not found in the catalog: %.100s",
			       enabling->type);
	if (strlen(enabling->name) > MOUNT_PATH_MAX + 1)
		return err_set(err, LH_EINVAL, "a mount's path has at most %d bytes",
			       MOUNT_PATH_MAX);
	return 0;
}

static json_t *options_of(const json_t *fields)
{
	json_t *options = json_object_get(fields, "options");

	return options ? json_incref(options) : json_object();
}

static int make_entry(struct enabling *enabling)
{
	const json_t *fields = enabling->fields;
	char uuid[37], digits[9], accessor[160];

	random_uuid(uuid);
	random_hex(digits, 4);
	snprintf(accessor, sizeof(accessor), "%s_%s", engine_find(enabling->type)->type, digits);
	enabling->entry = json_pack(
		"{s:s, s:s, s:s, s:s, s:b, s:b, s:b, s:o, s:O}", "type", enabling->type,
		"description", json_get_text(fields, "description"), "accessor", accessor, "uuid",
		uuid, "local", json_get_true(fields, "local"), "seal_wrap",
		json_get_true(fields, "seal_wrap"), "external_entropy_access",
		json_get_true(fields, "external_entropy_access"), "options", options_of(fields),
		"config", enabling->config);
	return enabling->entry ? 0 : LH_ENOMEM;
}

static int plan_mount(struct context *context, struct enabling *enabling, struct err *err)
{
	int ret;

	enabling->fields = context->fields;
	enabling->name = mount_name(context->match->capture);
	if (!enabling->name)
		return LH_ENOMEM;
	ret = read_config(enabling, broker_conf(context->broker), err);
	if (!ret)
		ret = read_type(enabling, err);
	if (!ret)
		ret = mount_settings_merge(enabling->config, enabling->sent, err);
	if (!ret)
		ret = check_place(enabling, err);
	return ret ? ret : make_entry(enabling);
}

int mounts_enable(struct context *context)
{
	struct enabling enabling = { .fields = NULL };
	struct err err = { "" };
	unsigned tries = 0;
	int ret;

	ret = plan_mount(context, &enabling, &err);
	if (!ret)
		do
			ret = mount_enable(context->broker, enabling.name, enabling.entry, &err);
		while (broker_again(context->broker, ret, context->request->raw->deadline, &tries));
	enabling_clear(&enabling);
	return ret ? context_failure(context, ret, &err) : 0;
}

/* ---- Disabling ---- */

int mounts_disable(struct context *context)
{
	char *name = mount_name(context->match->capture);
	struct err err = { "" };
	int ret;

	if (!name)
		return LH_ENOMEM;
	if (is_protected(name)) {
		outcome_error(&context->outcome, 400, "cannot unmount \"%s\"", name);
		wipe_free(name);
		return 0;
	}
	ret = mount_disable(context->broker, name, context->request->raw->deadline, &err);
	wipe_free(name);
	return ret ? context_failure(context, ret, &err) : 0;
}
