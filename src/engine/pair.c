/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/pair.h"

#include <stdbool.h>

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

/* The new value of a field. Borrowed. */
static int take(const struct pair *pair, const char *name, const json_t *stored,
		const json_t *input, const char **value_out, struct err *err)
{
	bool kept = pair->rule == PAIR_MERGED && !json_object_get(input, name);
	const char *value = json_get_text(kept ? stored : input, name);

	*value_out = value;
	if (!value[0] && pair->rule == PAIR_WHOLE)
		return err_set(err, LH_EINVAL, "%s is required", name);
	if (!is_clean(value))
		return err_set(err, LH_EINVAL,
			       "%s: holds a space, a line break or another character that no key "
			       "has",
			       name);
	return 0;
}

int pair_check(const struct pair *pair, const json_t *stored, const json_t *input,
	       json_t **config_out, struct err *err)
{
	const char *id, *secret;
	int ret;

	*config_out = NULL;
	ret = take(pair, pair->id, stored, input, &id, err);
	if (!ret)
		ret = take(pair, pair->secret, stored, input, &secret, err);
	if (ret)
		return ret;
	*config_out = json_pack("{s:s, s:s}", pair->id, id, pair->secret, secret);
	return *config_out ? 0 : err_set(err, LH_ENOMEM, "memory is out");
}

json_t *pair_show(const struct pair *pair, const json_t *config)
{
	return json_pack("{s:s}", pair->id, json_get_text(config, pair->id));
}
