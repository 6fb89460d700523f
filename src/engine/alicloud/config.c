/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/alicloud/alicloud_priv.h"

#include "util/err.h"
#include "util/json.h"

/* A key goes into a header; a line break that came along from a file would only be found when the
 * cloud refuses the signature. */
static bool is_clean(const char *text)
{
	for (; *text; text++) {
		if (*text <= ' ' || *text > '~')
			return false;
	}
	return true;
}

static int check_field(const json_t *input, const char *name, struct err *err)
{
	const char *value = json_get_text(input, name);

	if (!value[0])
		return err_set(err, LH_EINVAL, "%s is required", name);
	if (!is_clean(value))
		return err_set(err, LH_EINVAL,
			       "%s: holds a space, a line break or another character that no key "
			       "has",
			       name);
	return 0;
}

/* The pair is always written as a whole: half of an old pair with half of a new one is no key. */
int alicloud_check_config(const json_t *stored, const json_t *input, json_t **config_out,
			  struct err *err)
{
	int ret;

	(void)stored;
	*config_out = NULL;
	ret = check_field(input, "access_key", err);
	if (!ret)
		ret = check_field(input, "secret_key", err);
	if (ret)
		return ret;
	*config_out = json_pack("{s:s, s:s}", "access_key", json_get_text(input, "access_key"),
				"secret_key", json_get_text(input, "secret_key"));
	return *config_out ? 0 : err_set(err, LH_ENOMEM, "memory is out");
}

json_t *alicloud_show_config(const json_t *config)
{
	return json_pack("{s:s}", "access_key", json_get_text(config, "access_key"));
}
