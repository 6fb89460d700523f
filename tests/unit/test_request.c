/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/query.h"
#include "api/reply.h"
#include "api/request.h"
#include "fail_alloc.h"
#include "util/err.h"
#include "util/json.h"
#include "util/wipe.h"

static struct api_request plain(const char *method, const char *path)
{
	return (struct api_request){
		.method = method,
		.path = path,
		.query = "",
		.content_type = "",
		.body = "",
		.remote_address = "",
		.token = "",
		.authorization = "",
		.namespace = "",
		.wrap_ttl = "",
		.vault_request = "",
		.request_id = "",
	};
}

/* ---- What is understood ---- */

static const struct {
	const char *name, *method, *path, *query, *type, *body;
	enum operation operation;
	const char *read_path, *input;
} good[] = {
	{ "GET reads", "GET", "/v1/a/b", "", "", "", OPERATION_READ, "a/b", "{}" },
	{ "a body of GET is ignored", "GET", "/v1/a", "", "", "{", OPERATION_READ, "a", "{}" },
	{ "a body of DELETE is ignored", "DELETE", "/v1/a", "x=1", "", "{", OPERATION_DELETE, "a",
	  "{\"x\":\"1\"}" },
	{ "LIST gets a slash", "LIST", "/v1/a/role", "", "", "", OPERATION_LIST, "a/role/", "{}" },
	{ "LIST keeps its slash", "LIST", "/v1/a/role/", "", "", "", OPERATION_LIST, "a/role/",
	  "{}" },
	{ "GET with list=true lists", "GET", "/v1/a", "list=true&limit=5", "", "", OPERATION_LIST,
	  "a/", "{\"limit\":\"5\"}" },
	{ "GET with list=True of hvac lists", "GET", "/v1/a", "list=True", "", "", OPERATION_LIST,
	  "a/", "{}" },
	{ "GET with list=false reads, and list stays", "GET", "/v1/a", "list=false", "", "",
	  OPERATION_READ, "a", "{\"list\":\"false\"}" },
	{ "HEAD", "HEAD", "/v1/sys/health", "", "", "", OPERATION_HEAD, "sys/health", "{}" },
	{ "the empty path", "GET", "/v1/", "", "", "", OPERATION_READ, "", "{}" },
	{ "plus and percent are decoded", "GET", "/v1/a", "x=a+b%2Fc&&y", "", "", OPERATION_READ,
	  "a", "{\"x\":\"a b/c\",\"y\":\"\"}" },
	{ "a repeated parameter is an array", "GET", "/v1/a", "x=1&x=2&x=3", "", "", OPERATION_READ,
	  "a", "{\"x\":[\"1\",\"2\",\"3\"]}" },
	{ "POST writes JSON", "POST", "/v1/a", "", "application/json", "{\"k\": 1}",
	  OPERATION_WRITE, "a", "{\"k\":1}" },
	{ "PUT is the same", "PUT", "/v1/a", "", "", "{\"k\": 1}", OPERATION_WRITE, "a",
	  "{\"k\":1}" },
	{ "the query of a write is not its input", "PUT", "/v1/a", "x=1", "", "{\"k\": 1}",
	  OPERATION_WRITE, "a", "{\"k\":1}" },
	{ "null is an empty object", "PUT", "/v1/a", "", "", " null\n", OPERATION_WRITE, "a",
	  "{}" },
	{ "an empty body is an empty object", "PUT", "/v1/a", "", "", "", OPERATION_WRITE, "a",
	  "{}" },
	{ "so is a blank one", "PUT", "/v1/a", "", "", " \n", OPERATION_WRITE, "a", "{}" },
	{ "curl -d says form and sends JSON", "POST", "/v1/a", "",
	  "application/x-www-form-urlencoded", " {\"k\":\"v\"}", OPERATION_WRITE, "a",
	  "{\"k\":\"v\"}" },
	{ "a form", "POST", "/v1/a", "", "application/x-www-form-urlencoded; charset=utf-8",
	  "k=v+w&l=%C3%A4", OPERATION_WRITE, "a", "{\"k\":\"v w\",\"l\":\"\xc3\xa4\"}" },
	{ "repeated keys of a form are joined", "POST", "/v1/a", "",
	  "application/x-www-form-urlencoded", "k=a&k=b&k=c", OPERATION_WRITE, "a",
	  "{\"k\":\"a,b,c\"}" },
	{ "two dots inside a name are no relative path", "GET", "/v1/a/b..c", "", "", "",
	  OPERATION_READ, "a/b..c", "{}" },
	{ "a patch with its type", "PATCH", "/v1/a", "", "application/merge-patch+json", "",
	  OPERATION_PATCH, "a", "{}" },
};

static void requests_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct api_request raw = plain(good[i].method, good[i].path);
		struct outcome outcome = { 0 };
		struct request request;
		char *input;

		raw.query = good[i].query;
		raw.content_type = good[i].type;
		raw.body = good[i].body;
		raw.body_size = strlen(good[i].body);
		if (request_read(&raw, &request, &outcome))
			fail_msg("%s: refused with %d", good[i].name, outcome.status);
		input = json_text_sorted(request.input);
		if (request.operation != good[i].operation ||
		    strcmp(request.path, good[i].read_path) != 0 ||
		    strcmp(input, good[i].input) != 0)
			fail_msg("%s: %d, %s, %s", good[i].name, (int)request.operation,
				 request.path, input);
		wipe_free(input);
		request_clear(&request);
		outcome_clear(&outcome);
	}
}

/* ---- What is refused ---- */

static const struct {
	const char *name, *method, *path, *query, *type, *body;
	int status;
	const char *error; /* NULL: no text */
} bad[] = {
	{ "an unknown method", "BREW", "/v1/a", "", "", "", 405, NULL },
	{ "a method in lower case", "get", "/v1/a", "", "", "", 405, NULL },
	{ "a path outside", "GET", "/v2/a", "", "", "", 404, NULL },
	{ "a path without its slash", "GET", "/v1", "", "", "", 404, NULL },
	{ "help outside", "GET", "/x", "help=1", "", "", 404,
	  "Missing /v1/ prefix in path. Use vault path-help command to retrieve API help for "
	  "paths" },
	{ "a relative path", "GET", "/v1/a/../b", "", "", "", 400, "relative paths not supported" },
	{ "a relative path at the end", "GET", "/v1/a/..", "", "", "", 400,
	  "relative paths not supported" },
	{ "an empty part", "GET", "/v1/a//b", "", "", "", 400,
	  "path holds an empty part or a dot" },
	{ "a part of one dot", "GET", "/v1/a/./b", "", "", "", 400,
	  "path holds an empty part or a dot" },
	{ "a control character", "GET", "/v1/a\nb", "", "", "", 400,
	  "path holds something that is not printable UTF-8 text" },
	{ "broken UTF-8", "GET", "/v1/a\xff", "", "", "", 400,
	  "path holds something that is not printable UTF-8 text" },
	{ "a write to a folder", "PUT", "/v1/a/", "", "", "", 400,
	  "cannot write to a path ending in '/'" },
	{ "list that is no boolean", "GET", "/v1/a", "list=yes", "", "", 400, NULL },
	{ "half a percent sign", "GET", "/v1/a", "x=%2", "", "", 400,
	  "error parsing query: a parameter is not percent-encoded UTF-8 text" },
	{ "percent and no digits", "GET", "/v1/a", "x=%zz", "", "", 400,
	  "error parsing query: a parameter is not percent-encoded UTF-8 text" },
	{ "a NUL in a parameter", "GET", "/v1/a", "x=%00", "", "", 400,
	  "error parsing query: a parameter is not percent-encoded UTF-8 text" },
	{ "broken UTF-8 in a name", "GET", "/v1/a", "%ff=1", "", "", 400,
	  "error parsing query: a parameter is not percent-encoded UTF-8 text" },
	{ "a token in the query", "GET", "/v1/a", "token=hvs.x", "", "", 400,
	  "query parameter \"token\" is a secret: send it in a header or in the body" },
	{ "a broken body", "PUT", "/v1/a", "", "", "{", 400,
	  "error parsing JSON: line 1, column 1: string or '}' expected near end of file" },
	{ "an array", "PUT", "/v1/a", "", "", "[1]", 400,
	  "error parsing JSON: the body must be an object" },
	{ "a text", "PUT", "/v1/a", "", "", "\"null\"", 400,
	  "error parsing JSON: the body must be an object" },
	{ "trailing text", "PUT", "/v1/a", "", "", "{} x", 400,
	  "error parsing JSON: line 1, column 4: end of file expected" },
	{ "a second value", "PUT", "/v1/a", "", "", "{}{}", 400,
	  "error parsing JSON: line 1, column 3: end of file expected" },
	{ "a duplicate key", "PUT", "/v1/a", "", "", "{\"a\":1,\"a\":2}", 400,
	  "error parsing JSON: line 1, column 10: duplicate object key" },
	{ "a broken form", "PUT", "/v1/a", "", "application/x-www-form-urlencoded", "a=%", 400,
	  "error parsing form data" },
	{ "a patch without type", "PATCH", "/v1/a", "", "", "", 400, "mime: no media type" },
	{ "a patch of another type", "PATCH", "/v1/a", "", "text/plain", "", 415,
	  "PATCH requires Content-Type of application/merge-patch+json, provided text/plain" },
};

static void check_refusal(const char *name, const struct api_request *raw, int status,
			  const char *error)
{
	struct outcome outcome = { 0 };
	struct request request;
	const char *text;
	int ret = request_read(raw, &request, &outcome);

	text = json_string_value(json_array_get(outcome.errors, 0));
	if (ret != LH_EINVAL || outcome.status != status || !text != !error ||
	    (text && strcmp(text, error) != 0))
		fail_msg("%s: %d, %d, %s", name, ret, outcome.status, text ? text : "no text");
	request_clear(&request);
	outcome_clear(&outcome);
}

static void what_is_wrong_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct api_request raw = plain(bad[i].method, bad[i].path);

		raw.query = bad[i].query;
		raw.content_type = bad[i].type;
		raw.body = bad[i].body;
		raw.body_size = strlen(bad[i].body);
		check_refusal(bad[i].name, &raw, bad[i].status, bad[i].error);
	}
}

static char *repeat(const char *text, size_t times)
{
	size_t size = strlen(text);
	char *all = malloc(times * size + 1);

	assert_non_null(all);
	for (size_t i = 0; i < times; i++)
		memcpy(all + i * size, text, size);
	all[times * size] = '\0';
	return all;
}

static void what_is_too_large_is_refused(void **state)
{
	struct api_request raw = plain("PUT", "/v1/a");
	char *deep = repeat("{\"a\":", JSON_DEPTH_MAX + 1);
	char *header = repeat("x", API_HEADER_MAX + 1);
	char *path = repeat("/v1/", API_PATH_MAX / 4 + 1);
	char *body = calloc(1, API_BODY_MAX + 1);

	(void)state;
	raw.body = body;
	raw.body_size = API_BODY_MAX + 1;
	check_refusal("body", &raw, 413, "http: request body too large");
	raw.body = deep;
	raw.body_size = strlen(deep);
	check_refusal("depth", &raw, 400, "error parsing JSON: nested more than 64 deep");
	raw = plain("GET", path);
	check_refusal("path", &raw, 400, "path is longer than 4096 bytes");
	raw = plain("GET", "/v1/a");
	raw.token = header;
	check_refusal("token", &raw, 431, "authentication token is longer than 8192 bytes");
	raw = plain("GET", "/v1/a");
	raw.namespace = header;
	check_refusal("namespace", &raw, 431, "header X-Vault-Namespace is longer than 8192 bytes");
	free(deep);
	free(header);
	free(path);
	free(body);
}

/* ---- Headers ---- */

static const struct {
	const char *name, *token, *authorization, *found;
} tokens[] = {
	{ "X-Vault-Token", "t", "", "t" },
	{ "X-Vault-Token wins", "t", "Bearer u", "t" },
	{ "Bearer", "", "Bearer u", "u" },
	{ "Bearer is spelt exactly so", "", "bearer u", "" },
	{ "other schemes hold no token", "", "Basic cm9vdA==", "" },
	{ "none", "", "", "" },
};

static void the_token_is_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
		struct api_request raw = plain("GET", "/v1/a");
		struct outcome outcome = { 0 };
		struct request request;

		raw.token = tokens[i].token;
		raw.authorization = tokens[i].authorization;
		assert_int_equal(request_read(&raw, &request, &outcome), 0);
		if (strcmp(request.token, tokens[i].found) != 0)
			fail_msg("%s: %s", tokens[i].name, request.token);
		request_clear(&request);
		outcome_clear(&outcome);
	}
}

static const struct {
	const char *namespace, *wrap_ttl;
	int64_t seconds; /* of wrap_ttl */
	int status;      /* 0: accepted */
	const char *error;
} headers[] = {
	{ "", "", 0, 0, NULL },
	{ "root", "0", 0, 0, NULL },
	{ "/", "0s", 0, 0, NULL },
	{ "", "60", 60, 0, NULL },
	{ "", "1h30m", 5400, 0, NULL },
	{ "", "1.5s", 1, 0, NULL },
	{ "", "20ms", 1, 0, NULL },
	{ "ns1", "", 0, 404, "namespace not found" },
	{ "", "-1", 0, 400,
	  "error parsing X-Vault-Wrap-TTL header: requested wrap ttl cannot be negative" },
	{ "", "-20ms", 0, 400,
	  "error parsing X-Vault-Wrap-TTL header: requested wrap ttl cannot be negative" },
	{ "", "-0s", 0, 0, NULL },
	{ "", "abc", 0, 400,
	  "error parsing X-Vault-Wrap-TTL header: time: invalid duration \"abc\"" },
};

static void headers_are_checked(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		struct api_request raw = plain("GET", "/v1/a");
		struct outcome outcome = { 0 };
		struct request request;

		raw.namespace = headers[i].namespace;
		raw.wrap_ttl = headers[i].wrap_ttl;
		if (headers[i].status) {
			check_refusal("header", &raw, headers[i].status, headers[i].error);
			continue;
		}
		assert_int_equal(request_read(&raw, &request, &outcome), 0);
		assert_int_equal(request.wrap_ttl, headers[i].seconds);
		request_clear(&request);
		outcome_clear(&outcome);
	}
}

/* ---- What it costs ---- */

static size_t allocated; /* bytes, by Jansson */

static void *count_bytes(size_t size)
{
	allocated += size;
	return malloc(size);
}

/* Anybody may send one: it must not cost the square of its length. */
static void a_form_of_one_name_is_joined_in_one_go(void **state)
{
	char *body = repeat("k&", 20000);
	json_malloc_t allocate;
	json_free_t release;
	json_t *form = NULL;

	(void)state;
	json_get_alloc_funcs(&allocate, &release);
	json_set_alloc_funcs(count_bytes, release);
	allocated = 0;
	assert_int_equal(query_read(body, strlen(body), QUERY_JOIN, &form, NULL), 0);
	assert_int_equal(strlen(json_get_text(form, "k")), 19999);
	assert_true(allocated < 100 * strlen(body));
	json_decref(form);
	json_set_alloc_funcs(allocate, release);
	free(body);
}

static void help_is_noticed_whatever_the_method(void **state)
{
	struct api_request raw = plain("PUT", "/v1/sys/mounts");
	struct outcome outcome = { 0 };
	struct request request;

	(void)state;
	raw.query = "help=1";
	raw.body = "{";
	raw.body_size = 1;
	assert_int_equal(request_read(&raw, &request, &outcome), 0);
	assert_true(request.help);
	assert_null(json_object_get(request.query, "help"));
	request_clear(&request);
	outcome_clear(&outcome);
}

static void lost_memory_is_told(void **state)
{
	struct api_request raw = plain("POST", "/v1/a");
	int ret = LH_ENOMEM;

	(void)state;
	raw.query = "x=1&x=2";
	raw.content_type = "application/x-www-form-urlencoded";
	raw.body = "k=a&k=b";
	raw.body_size = strlen(raw.body);
	for (unsigned n = 1; ret; n++) {
		struct outcome outcome = { 0 };
		struct request request;

		fail_alloc_at(n);
		ret = request_read(&raw, &request, &outcome);
		if (fail_alloc_stop())
			assert_int_equal(ret, LH_ENOMEM);
		request_clear(&request);
		outcome_clear(&outcome);
		assert_true(n < 1000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_read),
		cmocka_unit_test(what_is_wrong_is_refused),
		cmocka_unit_test(what_is_too_large_is_refused),
		cmocka_unit_test(the_token_is_found),
		cmocka_unit_test(headers_are_checked),
		cmocka_unit_test(a_form_of_one_name_is_joined_in_one_go),
		cmocka_unit_test(help_is_noticed_whatever_the_method),
		cmocka_unit_test(lost_memory_is_told),
	};

	fail_alloc_jansson();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
