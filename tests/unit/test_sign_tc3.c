/* SPDX-License-Identifier: Apache-2.0 */
/* The vectors in tests/vectors/tencentcloud.json were made by the vendor's own clients, but for those
 * that its documentation prints and two that are derived. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "fail_alloc.h"
#include "sign/sign_priv.h"
#include "util/buf.h"
#include "util/err.h"
#include "util/file.h"
#include "util/json.h"

static json_t *vectors;

static int load_vectors(void **state)
{
	const char *srcdir = getenv("srcdir");
	struct buf path = BUF_INIT, text = BUF_INIT;
	int ret;

	(void)state;
	buf_printf(&path, "%s/tests/vectors/tencentcloud.json", srcdir ? srcdir : ".");
	ret = file_read(buf_text(&path), 1 << 20, &text, NULL);
	if (!ret)
		ret = json_read(buf_text(&text), text.size, &vectors, NULL);
	buf_free(&text);
	buf_free(&path);
	return ret;
}

static int drop_vectors(void **state)
{
	(void)state;
	json_decref(vectors);
	return 0;
}

typedef void (*vector_check)(const json_t *vector, const json_t *inputs);

/* Returns how many there are. */
static size_t each_vector(vector_check check)
{
	static const char *const lists[] = { "vectors", "published", "derived" };
	size_t count = 0, i;
	json_t *vector;

	for (size_t list = 0; list < 3; list++) {
		json_array_foreach(json_object_get(vectors, lists[list]), i, vector)
		{
			check(vector, json_object_get(vector, "inputs"));
			count++;
		}
	}
	return count;
}

static struct sign_key key_of(const json_t *inputs)
{
	return (struct sign_key){
		.id = json_get_text(inputs, "secret_id"),
		.secret = json_get_text(inputs, "secret_key"),
		.token = json_string_value(json_object_get(inputs, "token")),
	};
}

static void check_stages(const json_t *vector, const struct signed_request *out)
{
	const char *name = json_get_text(vector, "name");

	if (strcmp(buf_text(&out->canonical_request), json_get_text(vector, "canonical_request")))
		fail_msg("%s: canonical request\n%s", name, buf_text(&out->canonical_request));
	if (strcmp(buf_text(&out->string_to_sign), json_get_text(vector, "string_to_sign")))
		fail_msg("%s: string to sign\n%s", name, buf_text(&out->string_to_sign));
	if (strcmp(buf_text(&out->authorization), json_get_text(vector, "authorization")))
		fail_msg("%s: %s", name, buf_text(&out->authorization));
}

/* ---- Messages of every kind: other methods, payloads and signed headers than ours too ---- */

static void check_message(const json_t *vector, const json_t *inputs)
{
	struct sign_headers headers = { .count = 0 };
	struct sign_message message = {
		.method = json_get_text(inputs, "method"),
		.query = json_get_text(inputs, "query"),
		.headers = &headers,
		.payload = json_get_text(vector, "hashed_payload"),
	};
	struct sign_key key = key_of(inputs);
	struct signed_request out = { 0 };
	const char *name;
	json_t *value;

	sign_headers_add(&headers, "content-type", json_get_text(inputs, "content_type"),
			 SIGN_HEADER_SIGNED);
	sign_headers_add(&headers, "host", json_get_text(inputs, "host"), SIGN_HEADER_SIGNED);
	json_object_foreach(json_object_get(inputs, "extra_signed_headers"), name, value)
		sign_headers_add(&headers, name, json_string_value(value), SIGN_HEADER_SIGNED);
	assert_int_equal(sign_tc3_message(&message, json_get_text(inputs, "service"), &key,
					  json_get_int(inputs, "timestamp", 0), &out),
			 0);
	check_stages(vector, &out);
	signed_free(&out);
}

static void every_vector_in_three_stages(void **state)
{
	(void)state;
	assert_int_equal(each_vector(check_message), 42);
}

/* ---- Requests as we make them ---- */

static bool sends(const struct signed_request *out, const char *name, const char *value)
{
	struct buf line = BUF_INIT;
	bool found = false;

	buf_printf(&line, "%s: %s", name, value);
	for (char **at = out->headers; *at && !found; at++)
		found = strcasecmp(*at, buf_text(&line)) == 0;
	buf_free(&line);
	return found;
}

static size_t header_count(const struct signed_request *out)
{
	size_t count = 0;

	while (out->headers[count])
		count++;
	return count;
}

/* Besides those of the vector: authorization, and our language where it has none or another. */
static void check_headers(const json_t *vector, const json_t *inputs,
			  const struct signed_request *out)
{
	json_t *headers = json_object_get(inputs, "headers"), *value;
	bool speaks = json_object_get(headers, "X-TC-Language") != NULL;
	const char *name;

	json_object_foreach(headers, name, value)
	{
		if (strcmp(name, "X-TC-Language") != 0 &&
		    !sends(out, name, json_string_value(value)))
			fail_msg("%s: header %s", json_get_text(vector, "name"), name);
	}
	assert_true(sends(out, "x-tc-language", "en-US"));
	assert_true(sends(out, "authorization", json_get_text(vector, "authorization")));
	assert_int_equal(header_count(out), json_object_size(headers) + (speaks ? 1 : 2));
}

static json_t *without_nulls(const json_t *params)
{
	json_t *copy = json_copy((json_t *)(uintptr_t)params), *value;
	const char *name;
	void *next;

	json_object_foreach_safe(copy, next, name, value)
	{
		if (json_is_null(value))
			json_object_del(copy, name);
	}
	return copy;
}

static bool starts_with(const char *text, const char *head)
{
	return strncmp(text, head, strlen(head)) == 0;
}

static int made, given;

/* The clients write JSON in different ways; ours is that of the first kind. */
static void check_request(const json_t *vector, const json_t *inputs)
{
	const char *name = json_get_text(vector, "name"), *body = json_get_text(inputs, "body");
	bool own = starts_with(name, "cam-") || starts_with(name, "sts-");
	json_t *params = without_nulls(json_object_get(inputs, "params"));
	struct sign_request request = {
		.host = json_get_text(inputs, "host"),
		.service = json_get_text(inputs, "service"),
		.action = json_get_text(inputs, "action"),
		.version = json_get_text(inputs, "version"),
		.region = json_get_text(json_object_get(inputs, "headers"), "X-TC-Region"),
		.params = params,
		.body = own ? NULL : body,
	};
	struct sign_key key = key_of(inputs);
	struct signed_request out;

	if (!params || !starts_with(body, "{") || strstr(name, "unsigned-payload")) {
		json_decref(params);
		return;
	}
	assert_int_equal(
		sign_tc3.sign(&request, &key, json_get_int(inputs, "timestamp", 0), "n", &out), 0);
	assert_string_equal(buf_text(&out.body), body);
	assert_int_equal(out.query.size, 0);
	check_stages(vector, &out);
	check_headers(vector, inputs, &out);
	signed_free(&out);
	json_decref(params);
	*(own ? &made : &given) += 1;
}

static void bodies_and_headers_as_the_vendor_sends_them(void **state)
{
	(void)state;
	each_vector(check_request);
	assert_int_equal(made, 23);
	assert_int_equal(given, 11);
}

/* ---- What vectors do not show ---- */

static const struct sign_request plain = {
	.host = "127.0.0.1:8443",
	.service = "cam",
	.action = "ListUsers",
	.version = "2019-01-16",
	.region = "",
};

static const struct sign_key lasting = { "id", "secret", "" };

static void without_parameters_the_body_is_an_empty_object(void **state)
{
	struct signed_request out;

	(void)state;
	assert_int_equal(sign_tc3.sign(&plain, &lasting, 0, "n", &out), 0);
	assert_string_equal(buf_text(&out.body), "{}");
	assert_true(sends(&out, "host", "127.0.0.1:8443"));
	assert_int_equal(header_count(&out), 7); /* no region, no token */
	signed_free(&out);
}

static void a_login_says_that_it_is_not_signed(void **state)
{
	struct signed_request out;

	(void)state;
	assert_int_equal(sign_tc3.sign(&plain, NULL, 0, "n", &out), 0);
	assert_true(sends(&out, "authorization", "SKIP"));
	assert_int_equal(out.canonical_request.size, 0);
	signed_free(&out);
}

static void bad_input_is_refused(void **state)
{
	static const struct sign_key keys[] = {
		{ "id", "secret", "token\r\nx-tc-action: DeleteUser" },
		{ "id/2026-01-02", "secret", NULL },
		{ "id, Signature=", "secret", NULL },
		{ "", "secret", NULL },
	};
	struct signed_request out;
	struct sign_request bare = plain;

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		memset(&out, 0xee, sizeof(out));
		if (sign_tc3.sign(&plain, &keys[i], 0, "n", &out) != LH_EINVAL || out.headers ||
		    out.body.data)
			fail_msg("case %zu", i);
	}
	bare.action = "";
	assert_int_equal(sign_tc3.sign(&bare, &lasting, 0, "n", &out), LH_EINVAL);
}

static void each_failing_allocation_is_an_error(void **state)
{
	static const struct sign_key key = { "id", "secret", "token" };
	struct sign_request request = plain;
	json_t *params = json_pack("{s:s, s:[i, i]}", "Name", "u", "PolicyId", 1, 2);
	bool more = true;

	(void)state;
	request.params = params;
	for (unsigned n = 1; more; n++) {
		struct signed_request out;
		int ret;

		fail_alloc_at(n);
		ret = sign_tc3.sign(&request, &key, 0, "n", &out);
		more = fail_alloc_stop();
		if (ret != (more ? LH_ENOMEM : 0) || (out.headers != NULL) == more)
			fail_msg("allocation %u: %d", n, ret);
		signed_free(&out);
	}
	json_decref(params);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_vector_in_three_stages),
		cmocka_unit_test(bodies_and_headers_as_the_vendor_sends_them),
		cmocka_unit_test(without_parameters_the_body_is_an_empty_object),
		cmocka_unit_test(a_login_says_that_it_is_not_signed),
		cmocka_unit_test(bad_input_is_refused),
		cmocka_unit_test(each_failing_allocation_is_an_error),
	};

	return cmocka_run_group_tests(tests, load_vectors, drop_vectors);
}
