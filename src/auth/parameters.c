/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/parameters.h"

#include <string.h>

#include "util/text.h"

bool wrap_allowed(const struct rule *rule, const struct access *access)
{
	int64_t ttl = access->wrap_ttl;

	if (rule->max_wrap && (ttl <= 0 || ttl > rule->max_wrap))
		return false;
	return ttl >= rule->min_wrap;
}

/* The value list of a parameter, whose names stand in lower case; NULL if there is none. Names that
 * are too long to be any field's are nobody's. */
static const json_t *find_values(const json_t *all, const char *name)
{
	char lower[256];
	size_t i;

	for (i = 0; name[i] && i < sizeof(lower) - 1; i++)
		lower[i] = text_lower(name[i]);
	lower[i] = '\0';
	return name[i] ? NULL : json_object_get(all, lower);
}

/* `*x*`, `*x`, `x*`; a lone `*` is itself. */
static bool glob_matches(const char *pattern, const char *text)
{
	size_t size = strlen(pattern), text_size = strlen(text);
	bool front = size > 1 && pattern[0] == '*', back = size > 1 && pattern[size - 1] == '*';
	const char *core = pattern + front;
	size_t core_size = size - front - back;

	if (front && back)
		return memmem(text, text_size, core, core_size) != NULL;
	if (back)
		return !strncmp(text, core, core_size);
	if (front)
		return text_ends_with(text, core);
	return !strcmp(text, pattern);
}

static bool value_matches(const json_t *wanted, const json_t *value)
{
	if (json_is_string(wanted) && json_is_string(value))
		return glob_matches(json_string_value(wanted), json_string_value(value));
	return json_equal(wanted, value);
}

/* An empty list is any value. */
static bool is_listed(const json_t *values, const json_t *value)
{
	const json_t *wanted;
	size_t i;

	json_array_foreach(values, i, wanted)
	{
		if (value_matches(wanted, value))
			return true;
	}
	return json_array_size(values) == 0;
}

static bool has_required(const json_t *required, const json_t *input)
{
	const char *name;
	json_t *unused;

	json_object_foreach((json_t *)(uintptr_t)required, name, unused)
	{
		if (!json_object_get(input, name))
			return false;
	}
	return true;
}

static bool is_denied(const json_t *denied, const json_t *input)
{
	const char *name;
	json_t *value;

	if (json_object_get(denied, "*"))
		return true;
	json_object_foreach((json_t *)(uintptr_t)input, name, value)
	{
		const json_t *values = find_values(denied, name);

		if (values && is_listed(values, value))
			return true;
	}
	return false;
}

static bool is_allowed(const json_t *allowed, const json_t *input)
{
	bool others = json_object_get(allowed, "*") != NULL;
	const char *name;
	json_t *value;

	if (json_object_size(allowed) == (others ? 1 : 0))
		return true;
	json_object_foreach((json_t *)(uintptr_t)input, name, value)
	{
		const json_t *values = find_values(allowed, name);

		if (values ? !is_listed(values, value) : !others)
			return false;
	}
	return true;
}

static bool asks_for_fields(enum capability capability)
{
	return capability == CAPABILITY_READ || capability == CAPABILITY_CREATE ||
	       capability == CAPABILITY_UPDATE || capability == CAPABILITY_PATCH;
}

bool parameters_allowed(const struct rule *rule, const struct access *access)
{
	if (!asks_for_fields(access->capability))
		return true;
	if (!has_required(rule->required, access->input))
		return false;
	if (!json_object_size(access->input))
		return true;
	return !is_denied(rule->denied, access->input) && is_allowed(rule->allowed, access->input);
}
