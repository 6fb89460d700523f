/* SPDX-License-Identifier: Apache-2.0 */
#include "api/query.h"

#include <stdbool.h>
#include <string.h>

#include "util/buf.h"
#include "util/err.h"
#include "util/text.h"

/* A plus sign stands for a space. */
static int decode(const char *text, size_t size, struct buf *out)
{
	const char *end = text + size, *plus;
	int ret = 0;

	while (!ret && (plus = memchr(text, '+', (size_t)(end - text)))) {
		ret = text_percent_decode(out, text, (size_t)(plus - text));
		buf_add_char(out, ' ');
		text = plus + 1;
	}
	return ret ? ret : text_percent_decode(out, text, (size_t)(end - text));
}

static bool is_text(const struct buf *buf)
{
	for (size_t i = 0, size; i < buf->size; i += size) {
		size = text_utf8(buf->data + i, buf->size - i);
		if (!size || !buf->data[i])
			return false;
	}
	return true;
}

static int add(json_t *object, const char *name, const struct buf *value)
{
	json_t *old = json_object_get(object, name), *text;

	text = json_stringn(buf_text(value), value->size);
	if (!text)
		return LH_ENOMEM;
	if (json_is_array(old))
		return json_array_append_new(old, text) ? LH_ENOMEM : 0;
	if (!old)
		return json_object_set_new(object, name, text) ? LH_ENOMEM : 0;
	text = json_pack("[O, o]", old, text);
	return json_object_set_new(object, name, text) ? LH_ENOMEM : 0;
}

/* "a" and "b" become "a,b". */
static json_t *join(const json_t *values)
{
	struct buf all = BUF_INIT;
	json_t *joined = NULL, *value;
	size_t i;

	json_array_foreach(values, i, value)
	{
		if (i)
			buf_add_char(&all, ',');
		buf_add(&all, json_string_value(value), json_string_length(value));
	}
	if (!buf_error(&all))
		joined = json_stringn(buf_text(&all), all.size);
	buf_free(&all);
	return joined;
}

/* After all are read: to join each to those before it would cost the square of their number. */
static int join_repeats(json_t *object)
{
	for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at)) {
		const json_t *value = json_object_iter_value(at);

		if (json_is_array(value) && json_object_iter_set_new(object, at, join(value)))
			return LH_ENOMEM;
	}
	return 0;
}

static int read_pair(json_t *object, const char *text, size_t size, struct err *err)
{
	const char *equals = memchr(text, '=', size);
	size_t name_size = equals ? (size_t)(equals - text) : size;
	struct buf name = BUF_INIT, value = BUF_INIT;
	int ret;

	ret = decode(text, name_size, &name);
	if (!ret && equals)
		ret = decode(equals + 1, size - name_size - 1, &value);
	if (!ret && !(is_text(&name) && is_text(&value)))
		ret = LH_EINVAL;
	if (!ret)
		ret = add(object, buf_text(&name), &value);
	buf_free(&name);
	buf_free(&value);
	if (ret == LH_EINVAL)
		err_set(err, ret, "a parameter is not percent-encoded UTF-8 text");
	return ret;
}

int query_read(const char *text, size_t size, enum query_repeats repeats, json_t **object_out,
	       struct err *err)
{
	json_t *object = json_object();
	int ret = object ? 0 : LH_ENOMEM;

	*object_out = NULL;
	while (!ret && size) {
		const char *end = memchr(text, '&', size);
		size_t pair = end ? (size_t)(end - text) : size;

		if (pair)
			ret = read_pair(object, text, pair, err);
		text += end ? pair + 1 : pair;
		size -= end ? pair + 1 : pair;
	}
	if (!ret && repeats == QUERY_JOIN)
		ret = join_repeats(object);
	if (ret) {
		json_decref(object);
		return ret;
	}
	*object_out = object;
	return 0;
}
