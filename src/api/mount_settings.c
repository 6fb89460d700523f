/* SPDX-License-Identifier: Apache-2.0 */
#include "api/mount_settings.h"

#include <string.h>

#include "api/fields.h"
#include "util/duration.h"
#include "util/err.h"
#include "util/json.h"

static const struct field config_fields[] = {
	{ "default_lease_ttl", FIELD_STRING, "", false, false },
	{ "max_lease_ttl", FIELD_STRING, "", false, false },
	{ "force_no_cache", FIELD_BOOL, "", false, false },
	{ "listing_visibility", FIELD_STRING, "", false, false },
	{ "audit_non_hmac_request_keys", FIELD_COMMA_STRINGS, "", false, false },
	{ "audit_non_hmac_response_keys", FIELD_COMMA_STRINGS, "", false, false },
	{ "passthrough_request_headers", FIELD_COMMA_STRINGS, "", false, false },
	{ "allowed_response_headers", FIELD_COMMA_STRINGS, "", false, false },
	{ "plugin_name", FIELD_STRING, "", false, false },
	{ "plugin_version", FIELD_STRING, "", false, false },
	{ .name = NULL },
};

/* Those that are stored only when somebody has set them. */
static const char *const optional[] = {
	"listing_visibility",           "audit_non_hmac_request_keys",
	"audit_non_hmac_response_keys", "passthrough_request_headers",
	"allowed_response_headers",
};

json_t *mount_settings_new(void)
{
	return json_pack("{s:i, s:i, s:b}", "default_lease_ttl", 0, "max_lease_ttl", 0,
			 "force_no_cache", 0);
}

int mount_settings_coerce(const json_t *sent, json_t **config_out, struct err *err)
{
	return fields_read(config_fields, sent, config_out, err);
}

static int check_visibility(const json_t *settings, struct err *err)
{
	const char *text = json_get_text(settings, "listing_visibility");

	if (!text[0] || !strcmp(text, "hidden") || !strcmp(text, "unauth"))
		return 0;
	return err_set(err, LH_EINVAL, "invalid listing_visibility %s", text);
}

static int is_empty(const json_t *value)
{
	return json_is_string(value) ? json_string_length(value) == 0 : json_array_size(value) == 0;
}

int mount_settings_merge(json_t *config, const json_t *settings, struct err *err)
{
	json_t *value = json_object_get(settings, "force_no_cache");
	int ret = check_visibility(settings, err);

	if (!ret && value && json_object_set(config, "force_no_cache", value))
		ret = LH_ENOMEM;
	for (size_t i = 0; !ret && i < sizeof(optional) / sizeof(optional[0]); i++) {
		value = json_object_get(settings, optional[i]);
		if (!value)
			continue;
		if (is_empty(value))
			json_object_del(config, optional[i]);
		else if (json_object_set(config, optional[i], value))
			ret = LH_ENOMEM;
	}
	return ret;
}

int mount_ttl_read(const char *text, int64_t *ttl_out, struct err *err)
{
	int ret;

	*ttl_out = 0;
	if (!text[0] || !strcmp(text, "system"))
		return 0;
	ret = duration_parse(text, ttl_out, err);
	if (!ret && *ttl_out < 0)
		ret = err_set(err, LH_EINVAL, "cannot provide negative value '%s'", text);
	return ret;
}
