/* SPDX-License-Identifier: Apache-2.0 */
#include "api/reply.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "crypto/crypto.h"
#include "util/err.h"
#include "util/json.h"
#include "util/text.h"
#include "util/wipe.h"

#define TEXT_MAX 2048

/* ---- What is said ---- */

void outcome_clear(struct outcome *outcome)
{
	json_decref(outcome->data);
	buf_free(&outcome->text);
	json_decref(outcome->wrap_info);
	json_decref(outcome->warnings);
	json_decref(outcome->errors);
	json_decref(outcome->auth);
	wipe_free(outcome->lease_id);
	memset(outcome, 0, sizeof(*outcome));
}

static int say(struct outcome *outcome, enum outcome_kind kind, int status, json_t *data)
{
	json_decref(outcome->data);
	json_decref(outcome->auth);
	outcome->auth = NULL;
	outcome->kind = kind;
	outcome->status = status;
	outcome->data = data;
	return 0;
}

int outcome_data(struct outcome *outcome, json_t *data)
{
	outcome->failed |= !data;
	return say(outcome, OUTCOME_DATA, 0, data);
}

int outcome_bare(struct outcome *outcome, int status, json_t *data)
{
	outcome->failed |= !data;
	return say(outcome, OUTCOME_BARE, status, data);
}

int outcome_text(struct outcome *outcome, struct buf *text, const char *type)
{
	say(outcome, OUTCOME_TEXT, 0, NULL);
	buf_free(&outcome->text);
	outcome->text = *text;
	outcome->type = type;
	*text = (struct buf)BUF_INIT;
	return 0;
}

int outcome_wrapped(struct outcome *outcome, json_t *wrap_info)
{
	bool failed = outcome->failed || !wrap_info;

	outcome_clear(outcome);
	outcome->kind = OUTCOME_DATA;
	outcome->wrap_info = wrap_info;
	outcome->failed = failed;
	return 0;
}

int outcome_status(struct outcome *outcome, int status)
{
	return say(outcome, OUTCOME_NONE, status, NULL);
}

int outcome_no_data(struct outcome *outcome, int status)
{
	return say(outcome, OUTCOME_DATA, status, NULL);
}

int outcome_auth(struct outcome *outcome, json_t *auth)
{
	say(outcome, OUTCOME_DATA, 0, NULL);
	outcome->failed |= !auth;
	outcome->auth = auth;
	return 0;
}

/* Whoever made a sentence may have cut a part of it inside a character, which would be no JSON. */
static void mend_text(char *text)
{
	size_t size = strlen(text), step;

	for (size_t i = 0; i < size; i += step) {
		step = text_utf8(text + i, size - i);
		if (step == 0) {
			text[i] = '?';
			step = 1;
		}
	}
}

static void add_text(struct outcome *outcome, json_t **list, char *text)
{
	mend_text(text);
	if (!*list)
		*list = json_array();
	if (json_array_append_new(*list, json_string(text)))
		outcome->failed = true;
}

/* A text is cut between two characters, never inside one. */
static void cut_text(char *text, size_t size)
{
	size_t end = strlen(text);
	size_t start = end;

	if (end + 1 < size)
		return;
	while (start > 0 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
		start--;
	if (start > 0 && text_utf8(text + start - 1, end - start + 1) != end - start + 1)
		text[start - 1] = '\0';
}

int outcome_error(struct outcome *outcome, int status, const char *format, ...)
{
	char text[TEXT_MAX];
	va_list args;

	say(outcome, OUTCOME_ERRORS, status, NULL);
	json_decref(outcome->errors);
	outcome->errors = json_array();
	outcome->failed |= !outcome->errors;
	if (!format)
		return 0;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	cut_text(text, sizeof(text));
	add_text(outcome, &outcome->errors, text);
	return 0;
}

void outcome_warn(struct outcome *outcome, const char *format, ...)
{
	char text[TEXT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	cut_text(text, sizeof(text));
	add_text(outcome, &outcome->warnings, text);
}

/* ---- The rules for statuses ---- */

static bool is_reading(enum operation operation)
{
	return operation == OPERATION_READ || operation == OPERATION_HEAD ||
	       operation == OPERATION_LIST;
}

/* A list without entries is "not found", unless there is something else to tell. One that was wrapped
 * has some. */
static bool is_empty_list(const struct outcome *outcome)
{
	const json_t *keys = json_object_get(outcome->data, "keys");

	if (outcome->warnings || outcome->wrap_info)
		return false;
	return keys ? json_array_size(keys) == 0 : json_object_size(outcome->data) == 0;
}

static int status_of(const struct outcome *outcome, enum operation operation)
{
	if (outcome->status)
		return outcome->status;
	if (outcome->kind == OUTCOME_NONE)
		return is_reading(operation) ? 404 : 204;
	if (outcome->kind == OUTCOME_DATA && operation == OPERATION_LIST && is_empty_list(outcome))
		return 404;
	return 200;
}

/* ---- What is written ---- */

/* nginx's 32 hex digits in the form of a UUID. */
static void format_request_id(const char *id, char out[37])
{
	unsigned char bytes[16];
	char digits[33];

	if (text_unhex(id, bytes, sizeof(bytes))) {
		random_uuid(out);
		return;
	}
	text_hex(bytes, sizeof(bytes), digits);
	snprintf(out, 37, "%.8s-%.4s-%.4s-%.4s-%.12s", digits, digits + 8, digits + 12, digits + 16,
		 digits + 20);
}

static void add_json(struct buf *body, const json_t *value)
{
	char *text = json_text_sorted(value);

	if (text)
		buf_add_text(body, text);
	else
		body->failed = true;
	wipe_free(text);
}

/* `"key":value`; a NULL value is null. */
static void add_member(struct buf *body, const char *key, const json_t *value)
{
	buf_printf(body, "%s\"%s\":", body->size > 1 ? "," : "", key);
	if (value)
		add_json(body, value);
	else
		buf_add_text(body, "null");
}

static void add_string(struct buf *body, const char *key, const char *text)
{
	json_t *value = json_string(text);

	if (!value)
		body->failed = true;
	add_member(body, key, value);
	json_decref(value);
}

/* The members of data once more, where old clients look for them. */
static void add_injected(struct buf *body, json_t *data)
{
	const char *key;
	json_t *value, *name;

	json_object_foreach(data, key, value)
	{
		name = json_string(key);
		if (body->size > 1)
			buf_add_char(body, ',');
		add_json(body, name);
		buf_add_char(body, ':');
		add_json(body, value);
		json_decref(name);
	}
}

static void add_envelope(struct buf *body, const struct outcome *outcome,
			 const struct reply_terms *terms)
{
	const char *mount_type = outcome->status || outcome->wrap_info ? "" : terms->mount_type;
	char request_id[37] = ""; /* that of what was wrapped is in the wrapper */

	if (!outcome->wrap_info)
		format_request_id(terms->request_id, request_id);
	buf_add_char(body, '{');
	if (terms->inject)
		add_injected(body, outcome->data);
	add_string(body, "request_id", request_id);
	add_string(body, "lease_id", outcome->lease_id ? outcome->lease_id : "");
	buf_printf(body, ",\"renewable\":%s", outcome->renewable ? "true" : "false");
	buf_printf(body, ",\"lease_duration\":%" PRId64, outcome->lease_duration);
	add_member(body, "data", outcome->data);
	add_member(body, "wrap_info", outcome->wrap_info);
	add_member(body, "warnings", outcome->warnings);
	add_member(body, "auth", outcome->auth);
	add_string(body, "mount_type", mount_type);
	buf_add_char(body, '}');
}

static void add_errors(struct buf *body, const struct outcome *outcome)
{
	buf_add_char(body, '{');
	if (outcome->errors)
		add_member(body, "errors", outcome->errors);
	else
		buf_add_text(body, "\"errors\":[]");
	if (outcome->warnings)
		add_member(body, "warnings", outcome->warnings);
	buf_add_char(body, '}');
}

static bool has_body(const struct outcome *outcome, int status)
{
	if (status == 204 || status == 304)
		return false;
	return outcome->kind != OUTCOME_NONE || status >= 400;
}

void reply_header(struct api_reply *reply, const char *name, const char *value)
{
	for (size_t i = 0; i < API_REPLY_HEADERS; i++) {
		if (reply->headers[i].name)
			continue;
		reply->headers[i].name = name;
		err_text(reply->headers[i].value, sizeof(reply->headers[i].value), "%s", value);
		return;
	}
}

int reply_write(const struct outcome *outcome, const struct reply_terms *terms,
		struct api_reply *reply)
{
	char seconds[24];

	if (outcome->failed)
		return LH_ENOMEM;
	reply->status = status_of(outcome, terms->operation);
	if (outcome->retry_after) {
		snprintf(seconds, sizeof(seconds), "%" PRId64, outcome->retry_after);
		reply_header(reply, "Retry-After", seconds);
	}
	if (!has_body(outcome, reply->status) || terms->operation == OPERATION_HEAD)
		return 0;
	if (outcome->kind == OUTCOME_TEXT) {
		reply->type = outcome->type;
		buf_add(&reply->body, outcome->text.data, outcome->text.size);
		return buf_error(&reply->body);
	}
	if (outcome->kind == OUTCOME_BARE)
		add_json(&reply->body, outcome->data);
	else if (outcome->kind == OUTCOME_DATA && reply->status < 400)
		add_envelope(&reply->body, outcome, terms);
	else
		add_errors(&reply->body, outcome);
	buf_add_char(&reply->body, '\n');
	return buf_error(&reply->body);
}

void api_reply_error(struct api_reply *reply, int status, const char *text)
{
	struct outcome outcome = { .kind = OUTCOME_NONE };
	struct reply_terms terms = { .request_id = "", .operation = OPERATION_READ };

	api_reply_clear(reply);
	outcome_error(&outcome, status, text ? "%s" : NULL, text);
	if (reply_write(&outcome, &terms, reply)) {
		buf_clear(&reply->body);
		reply->status = 500; /* and no body: there is no memory for one */
	}
	outcome_clear(&outcome);
}

void api_reply_clear(struct api_reply *reply)
{
	buf_free(&reply->body);
	memset(reply, 0, sizeof(*reply));
}
