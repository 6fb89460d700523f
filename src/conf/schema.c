/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/schema.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "util/err.h"
#include "util/json.h"
#include "util/wipe.h"

#define WORD_MAX  32
#define NAMES_MAX 32

static size_t smallest(size_t a, size_t b, size_t c)
{
	size_t least = a < b ? a : b;

	return least < c ? least : c;
}

/* How many letters must be put in, taken out or changed (Levenshtein). */
static size_t distance(const char *from, const char *to)
{
	size_t from_size = strlen(from), to_size = strlen(to), row[WORD_MAX + 1];

	if (from_size > WORD_MAX || to_size > WORD_MAX)
		return WORD_MAX;
	for (size_t j = 0; j <= to_size; j++)
		row[j] = j;
	for (size_t i = 1; i <= from_size; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= to_size; j++) {
			size_t above = row[j];

			row[j] = smallest(above + 1, row[j - 1] + 1,
					  diagonal + (from[i - 1] != to[j - 1]));
			diagonal = above;
		}
	}
	return row[to_size];
}

const char *conf_nearest(const char *word, const char *const *names)
{
	const char *nearest = NULL;
	size_t least = 1 + strlen(word) / 3;

	for (; *names; names++) {
		size_t steps = distance(word, *names);

		if (steps <= least && (!nearest || steps < least)) {
			nearest = *names;
			least = steps;
		}
	}
	return nearest;
}

static const struct conf_key *find_key(const struct conf_key *keys, const char *name)
{
	for (; keys->name; keys++) {
		if (strcmp(keys->name, name) == 0)
			return keys;
	}
	return NULL;
}

static int fail_unknown(const struct conf_key *keys, const char *name, struct err *err)
{
	const char *names[NAMES_MAX + 1] = { NULL }, *nearest;

	for (size_t i = 0; i < NAMES_MAX && keys[i].name; i++)
		names[i] = keys[i].name;
	nearest = conf_nearest(name, names);
	if (nearest)
		return err_set(err, LH_EINVAL, "%s: unknown key; did you mean \"%s\"?", name,
			       nearest);
	return err_set(err, LH_EINVAL, "%s: unknown key", name);
}

/* The line in which the first of the items before `end` has this key; 0 if none has. */
static unsigned earlier_line(const json_t *items, size_t end, const char *name)
{
	for (size_t i = 0; i < end; i++) {
		const json_t *item = json_array_get(items, i);

		if (strcmp(json_get_text(item, "key"), name) == 0)
			return (unsigned)json_get_int(item, "line", 0);
	}
	return 0;
}

int conf_fill(const struct conf_key *keys, const json_t *items, void *out, unsigned *line_out,
	      struct err *err)
{
	size_t i;
	json_t *item;

	json_array_foreach(items, i, item)
	{
		const char *name = json_get_text(item, "key");
		const json_t *value = json_object_get(item, "value");
		const struct conf_key *key = find_key(keys, name);
		unsigned earlier = earlier_line(items, i, name);
		int ret;

		*line_out = (unsigned)json_get_int(item, "line", 0);
		if (!key)
			return fail_unknown(keys, name, err);
		if (earlier)
			return err_set(err, LH_EINVAL, "%s: given twice, first in line %u", name,
				       earlier);
		if (!value)
			return err_set(err, LH_EINVAL, "%s: must be written %s = value", name,
				       name);
		ret = conf_set(key, value, out, err);
		if (ret)
			return err_prefix(err, ret, "%s", name);
	}
	return 0;
}

int conf_fill_defaults(const struct conf_key *keys, void *out, struct err *err)
{
	for (; keys->name; keys++) {
		json_t *value;
		int ret;

		if (!keys->value)
			continue;
		ret = json_read(keys->value, strlen(keys->value), &value, err);
		if (ret == 0)
			ret = conf_set(keys, value, out, err);
		json_decref(value);
		if (ret)
			return err_prefix(err, ret, "%s", keys->name);
	}
	return 0;
}

void conf_release(const struct conf_key *keys, void *out)
{
	for (; keys->name; keys++) {
		void *member = (char *)out + keys->offset;

		if (keys->type == CONF_TEXT || keys->type == CONF_TEXT_OR_NULL) {
			free(*(char **)member);
			*(char **)member = NULL;
		} else if (keys->type == CONF_TEXTS) {
			char **texts = *(char ***)member;

			for (size_t i = 0; texts && texts[i]; i++)
				free(texts[i]);
			free(texts);
			*(char ***)member = NULL;
		} else if (keys->type == CONF_QUOTAS) {
			json_decref(*(json_t **)member);
			*(json_t **)member = NULL;
		}
	}
}
