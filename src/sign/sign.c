/* SPDX-License-Identifier: Apache-2.0 */
#include "sign/sign_priv.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "util/err.h"
#include "util/text.h"
#include "util/wipe.h"

void sign_headers_add(struct sign_headers *headers, const char *name, const char *value,
		      enum sign_header_kind kind)
{
	size_t at = headers->count++;

	assert(at < SIGN_HEADERS_MAX);
	for (; at > 0 && strcmp(headers->items[at - 1].name, name) > 0; at--)
		headers->items[at] = headers->items[at - 1];
	headers->items[at] = (struct sign_header){ name, value, kind };
}

int sign_headers_check(const struct sign_headers *headers)
{
	for (size_t i = 0; i < headers->count; i++) {
		const char *value = headers->items[i].value;

		if (!value || !*value || !text_is_printable(value, strlen(value)))
			return LH_EINVAL;
	}
	return 0;
}

/* The spaces around a value are no part of it: whoever reads a header drops them. */
static void add_trimmed(struct buf *out, const char *value)
{
	size_t size = strlen(value), lead = strspn(value, " ");

	while (size > lead && value[size - 1] == ' ')
		size--;
	buf_add(out, value + lead, size - lead);
}

/* "name:value\n" of each signed header. */
static void add_canonical(const struct sign_headers *headers, struct buf *out)
{
	for (size_t i = 0; i < headers->count; i++) {
		if (headers->items[i].kind != SIGN_HEADER_SIGNED)
			continue;
		buf_add_text(out, headers->items[i].name);
		buf_add_char(out, ':');
		add_trimmed(out, headers->items[i].value);
		buf_add_char(out, '\n');
	}
}

void sign_headers_names(const struct sign_headers *headers, struct buf *out)
{
	const char *separator = "";

	for (size_t i = 0; i < headers->count; i++) {
		if (headers->items[i].kind != SIGN_HEADER_SIGNED)
			continue;
		buf_add_text(out, separator);
		buf_add_text(out, headers->items[i].name);
		separator = ";";
	}
}

static bool has_content_type(const struct sign_headers *headers)
{
	for (size_t i = 0; i < headers->count; i++) {
		if (strcmp(headers->items[i].name, "content-type") == 0)
			return true;
	}
	return false;
}

static int add_line(struct signed_request *out, size_t *count, const char *name, const char *value)
{
	struct buf line = BUF_INIT;

	buf_add_text(&line, name);
	buf_add_char(&line, ':');
	if (*value)
		buf_add_char(&line, ' ');
	add_trimmed(&line, value);
	out->headers[*count] = buf_take(&line);
	return out->headers[(*count)++] ? 0 : LH_ENOMEM;
}

int sign_headers_send(const struct sign_headers *headers, struct signed_request *out)
{
	size_t count = 0;
	int ret = 0;

	out->headers = calloc(headers->count + 3, sizeof(*out->headers));
	if (!out->headers)
		return LH_ENOMEM;
	for (size_t i = 0; i < headers->count && !ret; i++)
		ret = add_line(out, &count, headers->items[i].name, headers->items[i].value);
	if (!ret && !has_content_type(headers))
		ret = add_line(out, &count, "content-type", "");
	if (!ret)
		ret = add_line(out, &count, "authorization", buf_text(&out->authorization));
	return ret;
}

static int compare_names(const void *a, const void *b)
{
	const char *const *left = a, *const *right = b;

	return strcmp(*left, *right);
}

static int add_value(const json_t *value, struct buf *out)
{
	const char *text = json_string_value(value);

	if (text)
		text_percent_encode(out, text, strlen(text));
	else if (json_is_integer(value))
		buf_printf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else if (json_is_boolean(value))
		buf_add_text(out, json_is_true(value) ? "true" : "false");
	else
		return LH_EINVAL;
	return 0;
}

static int add_params(const json_t *params, const char *const *sorted, size_t count,
		      struct buf *out)
{
	int ret = 0;

	for (size_t i = 0; i < count && !ret; i++) {
		if (i > 0)
			buf_add_char(out, '&');
		text_percent_encode(out, sorted[i], strlen(sorted[i]));
		buf_add_char(out, '=');
		ret = add_value(json_object_get(params, sorted[i]), out);
	}
	return ret ? ret : buf_error(out);
}

int sign_query(const json_t *params, struct buf *out)
{
	size_t count = 0;
	const char **sorted, *name;
	json_t *value;
	int ret;

	if (json_object_size(params) == 0)
		return 0;
	sorted = calloc(json_object_size(params), sizeof(*sorted));
	if (!sorted)
		return LH_ENOMEM;
	json_object_foreach((json_t *)(uintptr_t)params, name, value)
	{
		sorted[count++] = name;
	}
	qsort(sorted, count, sizeof(*sorted), compare_names);
	ret = add_params(params, sorted, count, out);
	free(sorted);
	return ret;
}

/* A comma or a slash in an id would forge the parts behind it. */
int sign_check_id(const char *id)
{
	return *id && !strpbrk(id, ",/ ") && text_is_printable(id, strlen(id)) ? 0 : LH_EINVAL;
}

int sign_canonical(const struct sign_message *message, struct signed_request *out,
		   char digest[SIGN_DIGEST_SIZE])
{
	struct buf *text = &out->canonical_request;
	int ret;

	buf_printf(text, "%s\n/\n%s\n", message->method, message->query);
	add_canonical(message->headers, text);
	buf_add_char(text, '\n');
	sign_headers_names(message->headers, text);
	buf_add_char(text, '\n');
	buf_add_text(text, message->payload);
	ret = buf_error(text);
	return ret ? ret : sign_digest(buf_text(text), text->size, digest);
}

int sign_digest(const void *data, size_t size, char out[SIGN_DIGEST_SIZE])
{
	unsigned char digest[SHA256_SIZE];
	int ret = sha256(data, size, digest);

	if (ret)
		return ret;
	text_hex(digest, sizeof(digest), out);
	return 0;
}

void signed_free(struct signed_request *signed_request)
{
	buf_free(&signed_request->canonical_request);
	buf_free(&signed_request->string_to_sign);
	buf_free(&signed_request->authorization);
	buf_free(&signed_request->query);
	buf_free(&signed_request->body);
	for (char **line = signed_request->headers; line && *line; line++)
		wipe_free(*line);
	free(signed_request->headers);
	*signed_request = (struct signed_request){ 0 };
}
