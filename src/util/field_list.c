/* SPDX-License-Identifier: Apache-2.0 */
/* The field types with more than one value: lists, maps, pairs. */
#include "util/field_priv.h"

#include <stdbool.h>
#include <string.h>

#include "util/buf.h"
#include "util/err.h"
#include "util/text.h"

#define SPACE " \t\n\v\f\r"

/* Lists are decoded by another step of the original, which has more words. */
#define LIST_ERROR "decoding failed due to the following error(s):\n\n"

/* ---- Lists ---- */

static int add_trimmed(json_t *list, const char *text, size_t size, struct err *err)
{
	size_t lead = 0;

	while (lead < size && strchr(SPACE, text[lead]))
		lead++;
	while (size > lead && strchr(SPACE, text[size - 1]))
		size--;
	if (json_array_append_new(list, json_stringn(text + lead, size - lead)))
		return err_set(err, LH_ENOMEM, "memory is out");
	return 0;
}

static int add_element(json_t *list, const json_t *element, size_t index, struct err *err)
{
	json_t *text = NULL;
	int ret = field_to_text(element, &text, err);

	if (ret == LH_EINVAL)
		return err_set(err, ret, LIST_ERROR "'[%zu]' " FIELD_UNCONVERTIBLE, index, "string",
			       field_go_type(element));
	if (ret == 0)
		ret = add_trimmed(list, json_string_value(text), json_string_length(text), err);
	json_decref(text);
	return ret;
}

static int add_elements(json_t *list, const json_t *array, struct err *err)
{
	int ret = 0;

	for (size_t i = 0; i < json_array_size(array) && ret == 0; i++)
		ret = add_element(list, json_array_get(array, i), i, err);
	return ret;
}

static int add_split(json_t *list, const char *text, struct err *err)
{
	int ret;

	for (;; text++) {
		size_t size = strcspn(text, ",");

		ret = add_trimmed(list, text, size, err);
		text += size;
		if (ret || !*text)
			return ret;
	}
}

static bool is_empty(const json_t *value)
{
	return json_is_null(value) || (json_is_string(value) && json_string_length(value) == 0) ||
	       (json_is_object(value) && json_object_size(value) == 0);
}

enum commas { COMMAS_STAY, COMMAS_SPLIT };

static int coerce_list(const json_t *value, enum commas commas, json_t **value_out, struct err *err)
{
	json_t *list = json_array();
	int ret = 0;

	if (!list)
		return field_given(NULL, value_out, err);
	if (json_is_array(value))
		ret = add_elements(list, value, err);
	else if (json_is_string(value) && commas == COMMAS_SPLIT && !is_empty(value))
		ret = add_split(list, json_string_value(value), err);
	else if (!is_empty(value))
		ret = add_element(list, value, 0, err);
	if (ret) {
		json_decref(list);
		list = NULL;
	}
	*value_out = list;
	return ret;
}

int field_coerce_strings(const json_t *value, json_t **value_out, struct err *err)
{
	return coerce_list(value, COMMAS_STAY, value_out, err);
}

int field_coerce_comma_strings(const json_t *value, json_t **value_out, struct err *err)
{
	return coerce_list(value, COMMAS_SPLIT, value_out, err);
}

/* ---- Maps ---- */

int field_coerce_map(const json_t *value, json_t **value_out, struct err *err)
{
	static const char *const names[] = {
		[JSON_ARRAY] = "slice", [JSON_STRING] = "string", [JSON_INTEGER] = "string",
		[JSON_REAL] = "string", [JSON_TRUE] = "bool",     [JSON_FALSE] = "bool",
	};

	if (json_is_null(value))
		return field_given(json_object(), value_out, err);
	if (!json_is_object(value))
		return err_set(err, LH_EINVAL, "'' expected a map, got '%s'",
			       names[json_typeof(value)]);
	return field_given(json_deep_copy(value), value_out, err);
}

/* The text between quotes as Go prints it, cut after some 200 bytes between two characters. */
static int fail_pair(const char *pair, struct err *err)
{
	struct buf quoted = BUF_INIT;
	size_t size = strlen(pair), step;
	int ret;

	for (size_t i = 0; i < size && quoted.size < 200; i += step) {
		unsigned char c = (unsigned char)pair[i];

		step = text_utf8(pair + i, size - i);
		if (step == 0)
			break;
		if (c == '"' || c == '\\')
			buf_add_char(&quoted, '\\');
		if (c < 0x20 || c == 0x7f)
			buf_printf(&quoted, "\\x%02x", c);
		else
			buf_add(&quoted, pair + i, step);
	}
	ret = err_set(err, LH_EINVAL, "invalid key pair \"%s\"", buf_text(&quoted));
	buf_free(&quoted);
	return ret;
}

static int add_pair(json_t *pairs, const char *pair, struct err *err)
{
	const char *sign = strchr(pair, '=');

	if (!sign || sign == pair)
		return fail_pair(pair, err);
	if (json_object_setn_new(pairs, pair, (size_t)(sign - pair), json_string(sign + 1)))
		return err_set(err, LH_ENOMEM, "memory is out");
	return 0;
}

/* A text is one pair, also an empty one, which as a list would be none. */
static int add_pairs(json_t *pairs, const json_t *value, struct err *err)
{
	json_t *list = json_array();
	int ret;

	if (!list)
		return err_set(err, LH_ENOMEM, "memory is out");
	if (json_is_array(value))
		ret = add_elements(list, value, err);
	else
		ret = add_element(list, value, 0, err);
	for (size_t i = 0; i < json_array_size(list) && ret == 0; i++)
		ret = add_pair(pairs, json_string_value(json_array_get(list, i)), err);
	json_decref(list);
	return ret;
}

/* The original tries an object as a list of pairs last, hence the odd words. */
static int members_to_text(json_t *object, struct err *err)
{
	json_t *text;
	int ret;

	for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at)) {
		text = NULL;
		ret = field_to_text(json_object_iter_value(at), &text, err);
		if (ret == LH_EINVAL)
			return err_set(err, ret, LIST_ERROR "'[0]' " FIELD_UNCONVERTIBLE, "string",
				       field_go_type(object));
		if (ret || json_object_iter_set_new(object, at, text))
			return err_set(err, LH_ENOMEM, "memory is out");
	}
	return 0;
}

int field_coerce_pairs(const json_t *value, json_t **value_out, struct err *err)
{
	json_t *pairs = json_is_object(value) ? json_deep_copy(value) : json_object();
	int ret = 0;

	if (!pairs)
		return field_given(NULL, value_out, err);
	if (json_is_object(value))
		ret = members_to_text(pairs, err);
	else if (!json_is_null(value))
		ret = add_pairs(pairs, value, err);
	if (ret) {
		json_decref(pairs);
		pairs = NULL;
	}
	*value_out = pairs;
	return ret;
}
