/* SPDX-License-Identifier: Apache-2.0 */
/* Values of the configuration file into the members of struct conf. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "conf/conf.h"
#include "conf/schema.h"
#include "util/duration.h"
#include "util/err.h"
#include "util/text.h"
#include "util/wipe.h"

static int no_memory(struct err *err)
{
	return err_set(err, LH_ENOMEM, "memory is out");
}

/* A text of the file without control characters; NULL if value is anything else. Borrowed. */
static const char *printable(const json_t *value)
{
	const char *text = json_string_value(value);

	return text && text_is_printable(text, json_string_length(value)) ? text : NULL;
}

static int set_text(const struct conf_key *key, const json_t *value, char **out, struct err *err)
{
	const char *text = printable(value);
	char *copy = NULL;
	int ret;

	if (!text)
		return err_set(err, LH_EINVAL, "must be a text in double quotes");
	ret = key->check ? key->check(key, text, err) : 0;
	if (ret)
		return ret;
	if (key->type == CONF_TEXT || text[0]) {
		copy = wipe_copy(text, strlen(text));
		if (!copy)
			return no_memory(err);
	}
	free(*out);
	*out = copy;
	return 0;
}

static bool is_list_of_texts(const json_t *value)
{
	const json_t *element;
	size_t i;

	json_array_foreach(value, i, element)
	{
		const char *text = printable(element);

		if (!text || !text[0])
			return false;
	}
	return json_is_array(value);
}

static int set_texts(const json_t *value, char ***out, struct err *err)
{
	size_t count = json_array_size(value);
	char **texts;

	if (!is_list_of_texts(value))
		return err_set(err, LH_EINVAL, "must be a list of texts, [\"…\", \"…\"]");
	if (count == 0)
		return 0;
	texts = calloc(count + 1, sizeof(*texts));
	if (!texts)
		return no_memory(err);
	*out = texts;
	for (size_t i = 0; i < count; i++) {
		const json_t *text = json_array_get(value, i);

		texts[i] = wipe_copy(json_string_value(text), json_string_length(text));
		if (!texts[i])
			return no_memory(err);
	}
	return 0;
}

static int set_number(const struct conf_key *key, const json_t *value, unsigned *out,
		      struct err *err)
{
	json_int_t number = json_integer_value(value);

	if (!json_is_integer(value))
		return err_set(err, LH_EINVAL, "must be a number, %" PRId64 " to %" PRId64,
			       key->min, key->max);
	if (number < key->min || number > key->max)
		return err_set(err, LH_EINVAL, "must be %" PRId64 " to %" PRId64 ", is %lld",
			       key->min, key->max, (long long)number);
	*out = (unsigned)number;
	return 0;
}

static int set_boolean(const json_t *value, bool *out, struct err *err)
{
	if (!json_is_boolean(value))
		return err_set(err, LH_EINVAL, "must be true or false, without quotes");
	*out = json_is_true(value);
	return 0;
}

static int set_choice(const struct conf_key *key, const json_t *value, unsigned *out,
		      struct err *err)
{
	const char *text = printable(value);
	char list[128] = "";
	size_t used = 0;

	for (unsigned i = 0; key->choices[i]; i++) {
		if (text && strcmp(key->choices[i], text) == 0) {
			*out = i;
			return 0;
		}
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s\"%s\"",
					 i ? " or " : "", key->choices[i]);
	}
	if (!text)
		return err_set(err, LH_EINVAL, "must be %s", list);
	return err_set(err, LH_EINVAL, "must be %s, is \"%s\"", list, text);
}

static int set_mode(const json_t *value, mode_t *out, struct err *err)
{
	const char *text = printable(value);
	size_t size = text ? strlen(text) : 0;

	if (size < 3 || size > 4 || text[strspn(text, "01234567")] || (size == 4 && text[0] != '0'))
		return err_set(err, LH_EINVAL,
			       "must be octal digits in double quotes, such as \"0660\"");
	*out = (mode_t)strtoul(text, NULL, 8);
	return 0;
}

/* A whole number with the name of a unit behind it. Smaller units have no use. */
static bool read_size(const char *text, uint64_t *size_out)
{
	static const struct {
		const char *name;
		unsigned shift;
	} units[] = { { "MiB", 20 }, { "GiB", 30 }, { "TiB", 40 } };
	size_t digits = strspn(text, "0123456789");
	uint64_t number = 0;

	if (digits == 0 || digits > 9)
		return false;
	for (size_t i = 0; i < digits; i++)
		number = number * 10 + (uint64_t)(text[i] - '0');
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(text + digits, units[i].name) == 0 &&
		    number <= UINT64_MAX >> units[i].shift) {
			*size_out = number << units[i].shift;
			return true;
		}
	}
	return false;
}

static int set_size(const struct conf_key *key, const json_t *value, uint64_t *out, struct err *err)
{
	const char *text = printable(value);
	uint64_t size;

	if (!text || !read_size(text, &size))
		return err_set(err, LH_EINVAL,
			       "must be a size in double quotes, such as \"512MiB\" or \"64GiB\"");
	if (size < (uint64_t)key->min || size > (uint64_t)key->max)
		return err_set(err, LH_EINVAL, "must be %" PRId64 "MiB to %" PRId64 "TiB, is %s",
			       key->min >> 20, key->max >> 40, text);
	*out = size;
	return 0;
}

static int read_duration(const struct conf_key *key, const json_t *value, int64_t *seconds_out,
			 struct err *err)
{
	const char *text = printable(value);
	char min[32], max[32];
	int ret;

	if (!text || !text[0])
		return err_set(err, LH_EINVAL,
			       "must be a duration in double quotes, such as \"10s\" or \"1h30m\"");
	ret = duration_parse(text, seconds_out, err);
	if (ret == 0 && *seconds_out >= key->min && *seconds_out <= key->max)
		return 0;
	if (ret == LH_EINVAL)
		return err_prefix(err, ret, "must be a duration, such as \"10s\" or \"1h30m\"");
	duration_format(key->min, min);
	duration_format(key->max, max);
	return err_set(err, LH_EINVAL, "must be %s to %s, is %s", min, max, text);
}

static int set_duration(const struct conf_key *key, const json_t *value, int64_t *out,
			struct err *err)
{
	int64_t seconds;
	int ret = read_duration(key, value, &seconds, err);

	if (ret)
		return ret;
	*out = key->type == CONF_MILLISECONDS ? seconds * 1000 : seconds;
	return 0;
}

static int set_sweeps(const struct conf_key *key, const json_t *value, struct conf_engine *engine,
		      struct err *err)
{
	int64_t sweeps[CONF_SWEEPS_MAX];
	size_t count = json_array_size(value);

	if (count < 1 || count > CONF_SWEEPS_MAX)
		return err_set(err, LH_EINVAL,
			       "must be a list of 1 to %d durations, such as [\"30s\", \"20m\"]",
			       CONF_SWEEPS_MAX);
	for (size_t i = 0; i < count; i++) {
		int ret = read_duration(key, json_array_get(value, i), &sweeps[i], err);

		if (ret)
			return err_prefix(err, ret, "number %zu", i + 1);
		if (i > 0 && sweeps[i] <= sweeps[i - 1])
			return err_set(err, LH_EINVAL,
				       "number %zu: must be later than the one "
				       "before it",
				       i + 1);
	}
	memcpy(engine->sweep_after, sweeps, count * sizeof(sweeps[0]));
	engine->sweep_count = count;
	return 0;
}

/* A word as all clouds write their actions, or "*". */
static bool is_action(const char *name)
{
	size_t size = strlen(name);

	return strcmp(name, "*") == 0 ||
	       (size > 0 && size <= 64 &&
		strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") ==
			size);
}

static int check_quota(const struct conf_key *key, const char *action, const json_t *quota,
		       struct err *err)
{
	unsigned ignored;
	int ret;

	if (!is_action(action))
		return err_set(err, LH_EINVAL,
			       "\"%.64s\" is not the name of an action; \"*\" stands for all that "
			       "are not named",
			       action);
	ret = set_number(key, quota, &ignored, err);
	return ret ? err_prefix(err, ret, "%s", action) : 0;
}

static int set_quotas(const struct conf_key *key, const json_t *value, json_t **out,
		      struct err *err)
{
	const char *action;
	json_t *quota;

	if (json_object_size(value) == 0)
		return err_set(err, LH_EINVAL,
			       "must say how many calls a second, { CreateUser = 20 \"*\" = 50 }");
	json_object_foreach((json_t *)(uintptr_t)value, action, quota)
	{
		int ret = check_quota(key, action, quota, err);

		if (ret)
			return ret;
	}
	json_decref(*out);
	*out = json_incref((json_t *)(uintptr_t)value);
	return 0;
}

int conf_set(const struct conf_key *key, const json_t *value, void *out, struct err *err)
{
	void *member = (char *)out + key->offset;

	switch (key->type) {
	case CONF_TEXT:
	case CONF_TEXT_OR_NULL: return set_text(key, value, member, err);
	case CONF_TEXTS: return set_texts(value, member, err);
	case CONF_NUMBER: return set_number(key, value, member, err);
	case CONF_BOOLEAN: return set_boolean(value, member, err);
	case CONF_CHOICE: return set_choice(key, value, member, err);
	case CONF_MODE: return set_mode(value, member, err);
	case CONF_SIZE: return set_size(key, value, member, err);
	case CONF_SECONDS:
	case CONF_MILLISECONDS: return set_duration(key, value, member, err);
	case CONF_QUOTAS: return set_quotas(key, value, member, err);
	case CONF_SWEEPS: return set_sweeps(key, value, out, err);
	}
	return LH_EINVAL;
}
