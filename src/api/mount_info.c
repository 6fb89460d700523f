/* SPDX-License-Identifier: Apache-2.0 */
#include "api/mount_info.h"

#include <stdio.h>
#include <string.h>

#include "broker/broker.h"
#include "conf/conf.h"
#include "config.h"
#include "crypto/crypto.h"
#include "store/store.h"
#include "util/buf.h"
#include "util/err.h"
#include "util/json.h"
#include "util/text.h"
#include "util/wipe.h"

#define RUNNING_VERSION "v" PACKAGE_VERSION "+builtin.leasehold"

static const struct builtin {
	const char *path, *type, *description;
	bool local, seal_wrap;
	const char *header; /* passed through; NULL: none */
} builtin_mounts[] = {
	{ "cubbyhole/", "cubbyhole", "per-token private secret storage", true, false, NULL },
	{ "identity/", "identity", "identity store", false, false, "Authorization" },
	{ "sys/", "system", "system endpoints used for control, policy and debugging", false, true,
	  "Accept" },
};

static const struct builtin auth_mounts[] = {
	{ "cert/", "cert", "certificates of clients", false, false, NULL },
	{ "proxy/", "proxy", "identities that the web server asserts", false, false, NULL },
	{ "token/", "token", "token based credentials", false, false, NULL },
};

#define BUILTINS    (sizeof(builtin_mounts) / sizeof(builtin_mounts[0]))
#define AUTH_MOUNTS (sizeof(auth_mounts) / sizeof(auth_mounts[0]))

static bool is_auth(const struct builtin *builtin)
{
	return builtin >= auth_mounts && builtin < auth_mounts + AUTH_MOUNTS;
}

char *mount_name(const char *path)
{
	struct buf name = BUF_INIT;
	char *text;

	buf_add_text(&name, path);
	if (!text_ends_with(path, "/"))
		buf_add_char(&name, '/');
	text = buf_take(&name);
	buf_free(&name);
	return text;
}

/* ---- What is always there ---- */

/* Numbers that stay the same as long as the store does. */
static int builtin_digest(struct broker *broker, const struct builtin *builtin,
			  unsigned char digest[SHA256_SIZE])
{
	struct buf name = BUF_INIT;
	int ret;

	buf_printf(&name, "%s/%s", store_id(broker_store(broker)), builtin->path);
	ret = buf_error(&name);
	if (!ret)
		ret = sha256(buf_text(&name), name.size, digest);
	buf_free(&name);
	return ret;
}

static json_t *builtin_config(const struct builtin *builtin)
{
	json_t *config = json_pack("{s:i, s:i, s:b}", "default_lease_ttl", 0, "max_lease_ttl", 0,
				   "force_no_cache", 0);

	if (builtin->header && json_object_set_new(config, "passthrough_request_headers",
						   json_pack("[s]", builtin->header))) {
		json_decref(config);
		return NULL;
	}
	return config;
}

static json_t *builtin_entry(struct broker *broker, const struct builtin *builtin)
{
	unsigned char digest[SHA256_SIZE];
	char digits[33], uuid[37], accessor[40];

	if (builtin_digest(broker, builtin, digest))
		return NULL;
	text_hex(digest, 16, digits);
	snprintf(uuid, sizeof(uuid), "%.8s-%.4s-%.4s-%.4s-%.12s", digits, digits + 8, digits + 12,
		 digits + 16, digits + 20);
	text_hex(digest + 16, 4, digits);
	snprintf(accessor, sizeof(accessor), "%s%s_%.8s", is_auth(builtin) ? "auth_" : "",
		 builtin->type, digits);
	return json_pack("{s:s, s:s, s:s, s:s, s:b, s:b, s:b, s:n, s:o}", "type", builtin->type,
			 "description", builtin->description, "accessor", accessor, "uuid", uuid,
			 "local", (int)builtin->local, "seal_wrap", (int)builtin->seal_wrap,
			 "external_entropy_access", 0, "options", "config",
			 builtin_config(builtin));
}

/* ---- As clients see them ---- */

json_t *mount_info(const json_t *entry)
{
	static const char *const members[] = {
		"type",    "description", "accessor",
		"local",   "seal_wrap",   "external_entropy_access",
		"options", "uuid",        "config",
	};
	json_t *info = json_pack("{s:s, s:s, s:s}", "plugin_version", "", "running_plugin_version",
				 RUNNING_VERSION, "running_sha256", "");
	int failed = 0;

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		failed |= json_object_set(info, members[i], json_object_get(entry, members[i]));
	if (engine_find(json_get_text(entry, "type")))
		failed |= json_object_set_new(info, "deprecation_status", json_string("supported"));
	if (failed) {
		json_decref(info);
		return NULL;
	}
	return info;
}

static int add_mount(void *context, const struct mount *mount)
{
	return json_object_set_new(context, mount->path, mount_info(mount->entry)) ? LH_ENOMEM : 0;
}

static json_t *builtin_info(struct broker *broker, const struct builtin *builtin)
{
	json_t *entry = builtin_entry(broker, builtin);
	json_t *info = entry ? mount_info(entry) : NULL;

	json_decref(entry);
	if (!is_auth(builtin) || !json_object_set_new(json_object_get(info, "config"), "token_type",
						      json_string("default-service")))
		return info;
	json_decref(info);
	return NULL;
}

int mount_info_all(struct broker *broker, json_t **all_out)
{
	json_t *all = json_object();
	int ret = all ? 0 : LH_ENOMEM;

	*all_out = NULL;
	for (size_t i = 0; !ret && i < BUILTINS; i++)
		if (json_object_set_new(all, builtin_mounts[i].path,
					builtin_info(broker, &builtin_mounts[i])))
			ret = LH_ENOMEM;
	if (!ret)
		ret = mount_each(broker, add_mount, all);
	if (ret) {
		json_decref(all);
		return ret;
	}
	*all_out = all;
	return 0;
}

json_t *mount_info_auth(struct broker *broker)
{
	json_t *all = json_object();
	int lost = 0;

	for (size_t i = 0; i < AUTH_MOUNTS; i++)
		lost |= json_object_set_new(all, auth_mounts[i].path,
					    builtin_info(broker, &auth_mounts[i]));
	if (!lost)
		return all;
	json_decref(all);
	return NULL;
}

/* ---- One ---- */

static const struct builtin *builtin_of(const char *path)
{
	bool auth = text_starts_with(path, "auth/");
	const struct builtin *builtins = auth ? auth_mounts : builtin_mounts;

	path += auth ? strlen("auth/") : 0;
	for (size_t i = 0; i < (auth ? AUTH_MOUNTS : BUILTINS); i++) {
		size_t size = strlen(builtins[i].path) - 1;

		if (!strncmp(path, builtins[i].path, size) && (path[size] == '/' || !path[size]))
			return &builtins[i];
	}
	return NULL;
}

int mount_info_builtin(struct broker *broker, const char *path, json_t **info_out)
{
	const struct builtin *builtin = builtin_of(path);
	json_t *info;

	*info_out = NULL;
	if (!builtin)
		return 0;
	info = builtin_info(broker, builtin);
	if (json_object_set_new(info, "path", json_string(builtin->path))) {
		json_decref(info);
		return LH_ENOMEM;
	}
	*info_out = info;
	return 0;
}

static int find_builtin(struct broker *broker, const char *name, struct mount_view *view)
{
	for (size_t i = 0; i < BUILTINS; i++) {
		if (strcmp(name, builtin_mounts[i].path) != 0)
			continue;
		view->builtin = true;
		view->entry = builtin_entry(broker, &builtin_mounts[i]);
		view->default_ttl = broker_conf(broker)->default_lease_ttl;
		view->max_ttl = broker_conf(broker)->max_lease_ttl;
		return view->entry ? 0 : LH_ENOMEM;
	}
	return 0;
}

static int find_engine(struct broker *broker, const char *name, struct mount_view *view)
{
	const struct mount *mount;
	int ret;

	ret = mount_find(broker, name, &mount);
	if (ret || !mount || strcmp(mount->path, name) != 0)
		return ret;
	view->entry = json_incref(mount->entry);
	view->default_ttl = mount_default_ttl(broker, mount);
	view->max_ttl = mount_max_ttl(broker, mount);
	return 0;
}

int mount_view_find(struct broker *broker, const char *path, struct mount_view *view)
{
	char *name = mount_name(path);
	int ret;

	memset(view, 0, sizeof(*view));
	if (!name)
		return LH_ENOMEM;
	ret = find_builtin(broker, name, view);
	if (!ret && !view->builtin)
		ret = find_engine(broker, name, view);
	wipe_free(name);
	return ret;
}
