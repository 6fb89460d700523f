/* SPDX-License-Identifier: Apache-2.0 */
#include "api/request.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "api/query.h"
#include "api/reply.h"
#include "util/buf.h"
#include "util/duration.h"
#include "util/err.h"
#include "util/json.h"
#include "util/text.h"
#include "util/wipe.h"

#define PATH_PREFIX "/v1/"
#define FORM_TYPE   "application/x-www-form-urlencoded"
#define PATCH_TYPE  "application/merge-patch+json"
#define FORM_LOOK   512 /* bytes in which a form may turn out to be JSON */

static const struct {
	const char *method;
	enum operation operation;
} methods[] = {
	{ "GET", OPERATION_READ },    { "HEAD", OPERATION_HEAD }, { "LIST", OPERATION_LIST },
	{ "POST", OPERATION_WRITE },  { "PUT", OPERATION_WRITE }, { "DELETE", OPERATION_DELETE },
	{ "PATCH", OPERATION_PATCH },
};

/* Sets the reply and returns what a check returns when it refuses. */
#define refuse(outcome, status, ...) (outcome_error(outcome, status, __VA_ARGS__), LH_EINVAL)

/* ---- Headers ---- */

static int check_headers(const struct api_request *raw, struct outcome *outcome)
{
	const struct {
		const char *name, *value;
	} headers[] = {
		{ "authentication token", raw->token },
		{ "authentication token in header Authorization", raw->authorization },
		{ "header Content-Type", raw->content_type },
		{ "header X-Vault-Namespace", raw->namespace },
		{ "header X-Vault-Wrap-TTL", raw->wrap_ttl },
		{ "header X-Vault-Request", raw->vault_request },
	};

	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		if (strlen(headers[i].value) > API_HEADER_MAX)
			return refuse(outcome, 431, "%s is longer than %d bytes", headers[i].name,
				      API_HEADER_MAX);
	return 0;
}

static int check_namespace(const char *namespace, struct outcome *outcome)
{
	if (!namespace[0] || !strcmp(namespace, "root") || !strcmp(namespace, "/"))
		return 0;
	return refuse(outcome, 404, "namespace not found");
}

static int read_wrapping(struct request *request, struct outcome *outcome)
{
	const char *text = request->raw->wrap_ttl;
	struct err err = { "" };
	int64_t ttl;

	if (!text[0])
		return 0;
	if (duration_parse(text, &ttl, &err))
		return refuse(outcome, 400, "error parsing X-Vault-Wrap-TTL header: %s", err.text);
	/* part of a second: whoever asks for a wrapped answer gets no bare one */
	if (ttl == 0 && strpbrk(text, "123456789"))
		ttl = text[0] == '-' ? -1 : 1;
	if (ttl < 0)
		return refuse(outcome, 400,
			      "error parsing X-Vault-Wrap-TTL header: requested wrap ttl cannot be "
			      "negative");
	request->wrap_ttl = ttl;
	return 0;
}

/* X-Vault-Token wins, valid or not. */
static const char *find_token(const struct api_request *raw)
{
	static const char bearer[] = "Bearer ";

	if (raw->token[0] || !text_starts_with(raw->authorization, bearer))
		return raw->token;
	return raw->authorization + strlen(bearer);
}

/* ---- Method and path ---- */

static int read_method(const struct api_request *raw, struct request *request,
		       struct outcome *outcome)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (strcmp(raw->method, methods[i].method))
			continue;
		request->operation = methods[i].operation;
		return 0;
	}
	return refuse(outcome, 405, NULL);
}

static int check_patch(const struct request *request, struct outcome *outcome)
{
	const char *type = request->raw->content_type;

	if (request->operation != OPERATION_PATCH || text_starts_with(type, PATCH_TYPE))
		return 0;
	if (!type[0])
		return refuse(outcome, 400, "mime: no media type");
	return refuse(outcome, 415,
		      "PATCH requires Content-Type of " PATCH_TYPE ", provided %.100s", type);
}

/* Whether a part between slashes is this text. */
static bool has_part(const char *path, const char *part)
{
	size_t part_size = strlen(part);

	for (;;) {
		size_t size = strcspn(path, "/");

		if (size == part_size && !memcmp(path, part, size))
			return true;
		if (!path[size])
			return false;
		path += size + 1;
	}
}

static int check_path(const struct request *request, struct outcome *outcome)
{
	const char *path = request->raw->path;
	size_t size = strlen(path);

	if (size > API_PATH_MAX)
		return refuse(outcome, 400, "path is longer than %d bytes", API_PATH_MAX);
	if (!text_is_printable(path, size))
		return refuse(outcome, 400,
			      "path holds something that is not printable UTF-8 text");
	if (!text_starts_with(path, PATH_PREFIX) && request->help)
		return refuse(outcome, 404,
			      "Missing /v1/ prefix in path. Use vault path-help command to "
			      "retrieve API help for paths");
	if (!text_starts_with(path, PATH_PREFIX))
		return refuse(outcome, 404, NULL);
	if (has_part(path, ".."))
		return refuse(outcome, 400, "relative paths not supported");
	if (strstr(path, "//") || has_part(path, "."))
		return refuse(outcome, 400, "path holds an empty part or a dot");
	return 0;
}

static int read_path(struct request *request, struct outcome *outcome)
{
	const char *path = request->raw->path + strlen(PATH_PREFIX);
	bool slash = path[0] && text_ends_with(path, "/");
	struct buf buf = BUF_INIT;

	if (slash && !request->help &&
	    (request->operation == OPERATION_WRITE || request->operation == OPERATION_PATCH))
		return refuse(outcome, 400, "cannot write to a path ending in '/'");
	buf_add_text(&buf, path);
	if (request->operation == OPERATION_LIST && !slash)
		buf_add_char(&buf, '/');
	request->path = buf_take(&buf);
	return request->path ? 0 : LH_ENOMEM;
}

/* ---- Query ---- */

/* The first value of a query parameter; "" if there is none. Borrowed. */
static const char *query_first(const json_t *query, const char *name)
{
	const json_t *value = json_object_get(query, name);

	if (json_is_array(value))
		value = json_array_get(value, 0);
	return json_is_string(value) ? json_string_value(value) : "";
}

int request_bool(const char *text, bool *value_out)
{
	static const char *const words[][6] = {
		{ "0", "f", "F", "false", "FALSE", "False" },
		{ "1", "t", "T", "true", "TRUE", "True" },
	};

	for (int value = 0; value < 2; value++)
		for (int i = 0; i < 6; i++)
			if (!strcmp(text, words[value][i])) {
				*value_out = value;
				return 0;
			}
	return LH_EINVAL;
}

static int read_list(struct request *request, struct outcome *outcome)
{
	const char *text = query_first(request->query, "list");
	bool list;

	if (request->operation != OPERATION_READ || !text[0])
		return 0;
	if (request_bool(text, &list))
		return refuse(outcome, 400, NULL);
	if (list) {
		request->operation = OPERATION_LIST;
		json_object_del(request->query, "list");
	}
	return 0;
}

static int read_query(struct request *request, struct outcome *outcome)
{
	const char *text = request->raw->query;
	struct err err = { "" };
	int ret;

	ret = query_read(text, strlen(text), QUERY_ARRAY, &request->query, &err);
	if (ret == LH_EINVAL)
		return refuse(outcome, 400, "error parsing query: %s", err.text);
	if (ret)
		return ret;
	if (json_object_get(request->query, "token"))
		return refuse(outcome, 400,
			      "query parameter \"token\" is a secret: send it in a header or in "
			      "the body");
	request->help = query_first(request->query, "help")[0] != '\0';
	json_object_del(request->query, "help");
	return read_list(request, outcome);
}

/* ---- Body ---- */

static bool is_blank(const char *body, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (!isspace((unsigned char)body[i]))
			return false;
	return true;
}

/* curl -d says "form" whatever it sends: what begins like JSON is JSON. */
static bool is_form(const struct api_request *raw)
{
	size_t type_size = strcspn(raw->content_type, "; ");
	const char *body = raw->body;

	if (type_size != strlen(FORM_TYPE) || strncasecmp(raw->content_type, FORM_TYPE, type_size))
		return false;
	for (size_t i = 0; i < raw->body_size && i < FORM_LOOK; i++)
		if (!isspace((unsigned char)body[i]))
			return body[i] != '{' && body[i] != '[';
	return true;
}

static int read_form(struct request *request, struct outcome *outcome)
{
	int ret = query_read(request->raw->body, request->raw->body_size, QUERY_JOIN,
			     &request->body, NULL);

	return ret == LH_EINVAL ? refuse(outcome, 400, "error parsing form data") : ret;
}

static int no_body(struct request *request)
{
	json_decref(request->body);
	request->body = json_object();
	return request->body ? 0 : LH_ENOMEM;
}

/* Vault's client for Go, and so the command line, writes `null` when it has nothing to send. */
static int read_json(struct request *request, struct outcome *outcome)
{
	struct err err = { "" };
	int ret;

	ret = json_read(request->raw->body, request->raw->body_size, &request->body, &err);
	if (ret == LH_EINVAL)
		return refuse(outcome, 400, "error parsing JSON: %s", err.text);
	if (!ret && json_is_null(request->body))
		return no_body(request);
	if (!ret && !json_is_object(request->body))
		return refuse(outcome, 400, "error parsing JSON: the body must be an object");
	return ret;
}

static int read_body(struct request *request, struct outcome *outcome)
{
	const struct api_request *raw = request->raw;

	if (raw->body_size > API_BODY_MAX)
		return refuse(outcome, 413, "http: request body too large");
	if (request->operation == OPERATION_WRITE && !request->help &&
	    !is_blank(raw->body, raw->body_size))
		return is_form(raw) ? read_form(request, outcome) : read_json(request, outcome);
	return no_body(request);
}

int request_read(const struct api_request *raw, struct request *request, struct outcome *outcome)
{
	int ret;

	memset(request, 0, sizeof(*request));
	request->raw = raw;
	request->token = find_token(raw);
	ret = check_headers(raw, outcome);
	if (!ret)
		ret = read_method(raw, request, outcome);
	if (!ret)
		ret = read_query(request, outcome);
	if (!ret)
		ret = check_path(request, outcome);
	if (!ret)
		ret = check_namespace(raw->namespace, outcome);
	if (!ret)
		ret = check_patch(request, outcome);
	if (!ret)
		ret = read_body(request, outcome);
	if (!ret)
		ret = read_path(request, outcome);
	if (!ret)
		ret = read_wrapping(request, outcome);
	request->input = request->operation == OPERATION_WRITE ? request->body : request->query;
	return ret;
}

void request_clear(struct request *request)
{
	wipe_free(request->path);
	json_decref(request->query);
	json_decref(request->body);
	memset(request, 0, sizeof(*request));
}
