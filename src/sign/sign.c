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

void sign_headers_canonical(const struct sign_headers *headers, struct buf *out)
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
	const struct sign_pair *const *left = a, *const *right = b;

	return strcmp((*left)->name, (*right)->name);
}

static int add_sorted(const struct sign_pair **sorted, size_t count, struct buf *out)
{
	for (size_t i = 0; i < count; i++) {
		if (i > 0 && strcmp(sorted[i - 1]->name, sorted[i]->name) == 0)
			return LH_EINVAL;
		if (i > 0)
			buf_add_char(out, '&');
		text_percent_encode(out, sorted[i]->name, strlen(sorted[i]->name));
		buf_add_char(out, '=');
		text_percent_encode(out, sorted[i]->value, strlen(sorted[i]->value));
	}
	return buf_error(out);
}

int sign_query(const struct sign_request *request, struct buf *out)
{
	const struct sign_pair **sorted;
	int ret;

	if (request->param_count == 0)
		return 0;
	sorted = calloc(request->param_count, sizeof(*sorted));
	if (!sorted)
		return LH_ENOMEM;
	for (size_t i = 0; i < request->param_count; i++)
		sorted[i] = &request->params[i];
	qsort(sorted, request->param_count, sizeof(*sorted), compare_names);
	ret = add_sorted(sorted, request->param_count, out);
	free(sorted);
	return ret;
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
	for (char **line = signed_request->headers; line && *line; line++)
		wipe_free(*line);
	free(signed_request->headers);
	*signed_request = (struct signed_request){ 0 };
}
