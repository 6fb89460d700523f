/* SPDX-License-Identifier: Apache-2.0 */
#include "util/json.h"

#include <malloc.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "util/buf.h"
#include "util/err.h"
#include "util/wipe.h"

/* How many of Jansson's allocations have failed. Its hooks take no context, so it cannot be passed. */
static unsigned long failures;

static void *allocate(size_t size)
{
	void *data = malloc(size);

	if (!data)
		failures++;
	return data;
}

static void release(void *data)
{
	if (data)
		wipe(data, malloc_usable_size(data));
	free(data);
}

void json_guard_memory(void)
{
	json_set_alloc_funcs(allocate, release);
}

/* Jansson has a depth limit of its own, far too high for our stacks. In a text that is no JSON the
 * count may be off; then the parser refuses it anyhow. */
static bool is_too_deep(const char *text, size_t size, size_t most)
{
	size_t depth = 0;
	bool in_string = false;

	for (size_t i = 0; i < size; i++) {
		if (in_string && text[i] == '\\') {
			i++;
		} else if (text[i] == '"') {
			in_string = !in_string;
		} else if (in_string) {
			continue;
		} else if (text[i] == '[' || text[i] == '{') {
			if (++depth > most)
				return true;
		} else if ((text[i] == ']' || text[i] == '}') && depth > 0) {
			depth--;
		}
	}
	return false;
}

/* Jansson quotes the text in which it stopped, which may be somebody's secret, and names a flag of its
 * own where it finds a NUL. */
static int fail(const json_error_t *error, struct err *err)
{
	const char *rest = strstr(error->text, " without JSON_ALLOW_NUL");

	if (!rest)
		rest = strstr(error->text, " near '");
	return err_set(err, LH_EINVAL, "line %d, column %d: %.*s", error->line, error->column,
		       (int)(rest ? (size_t)(rest - error->text) : strlen(error->text)),
		       error->text);
}

static int read_json(const char *text, size_t size, size_t depth_max, json_t **value_out,
		     struct err *err)
{
	unsigned long failures_before = failures;
	json_error_t error;

	*value_out = NULL;
	if (is_too_deep(text, size, depth_max))
		return err_set(err, LH_EINVAL, "nested more than %zu deep", depth_max);
	*value_out = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	if (failures != failures_before) {
		json_decref(*value_out);
		*value_out = NULL;
		return err_set(err, LH_ENOMEM, "memory is out");
	}
	return *value_out ? 0 : fail(&error, err);
}

int json_read(const char *text, size_t size, json_t **value_out, struct err *err)
{
	return read_json(text, size, JSON_DEPTH_MAX, value_out, err);
}

int json_read_kept(const char *text, size_t size, json_t **value_out)
{
	return read_json(text, size, JSON_DEPTH_KEPT, value_out, NULL);
}

static int add(const char *data, size_t size, void *context)
{
	struct buf *buf = context;

	buf_add(buf, data, size);
	return buf_error(buf);
}

static char *dump(const json_t *value, size_t flags)
{
	struct buf buf = BUF_INIT;
	char *text = NULL;

	if (json_dump_callback(value, add, &buf, JSON_COMPACT | JSON_ENCODE_ANY | flags) == 0)
		text = buf_take(&buf);
	buf_free(&buf);
	return text;
}

char *json_text(const json_t *value)
{
	return dump(value, 0);
}

char *json_text_sorted(const json_t *value)
{
	return dump(value, JSON_SORT_KEYS);
}

const char *json_get_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

json_int_t json_get_int(const json_t *object, const char *key, json_int_t fallback)
{
	const json_t *value = json_object_get(object, key);

	return json_is_integer(value) ? json_integer_value(value) : fallback;
}

bool json_get_true(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}
