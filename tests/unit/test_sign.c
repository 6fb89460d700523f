/* SPDX-License-Identifier: Apache-2.0 */
/* The vectors in tests/vectors/alicloud.json were made by the vendor's own clients. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "fail_alloc.h"
#include "sign/sign.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/file.h"
#include "util/json.h"
#include "util/text.h"

static json_t *vectors;

/* What a vector asks for, in our terms. */
struct inputs {
	struct sign_request request;
	struct sign_key key;
	int64_t now;
	const char *nonce;
};

/* Its request has the parameters of load_vectors. */
static struct inputs plain = {
	.request = { .host = "127.0.0.1:8443",
		     .action = "GetUser",
		     .version = "2015-05-01",
		     .region = "" },
	.key = { "id", "secret", "" },
	.now = 1767323045,
	.nonce = "n",
};

static int load_vectors(void **state)
{
	const char *srcdir = getenv("srcdir");
	struct buf path = BUF_INIT, text = BUF_INIT;
	int ret;

	(void)state;
	buf_printf(&path, "%s/tests/vectors/alicloud.json", srcdir ? srcdir : ".");
	ret = file_read(buf_text(&path), 1 << 20, &text, NULL);
	if (!ret)
		ret = json_read(buf_text(&text), text.size, &vectors, NULL);
	buf_free(&text);
	buf_free(&path);
	plain.request.params = json_pack("{s:i, s:s, s:b}", "b", 2, "a", "1", "c", 1);
	return ret;
}

static int drop_vectors(void **state)
{
	(void)state;
	json_decref(vectors);
	json_decref((json_t *)(uintptr_t)plain.request.params);
	return 0;
}

static void read_inputs(json_t *vector, struct inputs *inputs)
{
	json_t *in = json_object_get(vector, "inputs");

	assert_string_equal(json_get_text(in, "method"), "POST");
	assert_string_equal(json_get_text(in, "path"), "/");
	inputs->request = (struct sign_request){
		.host = json_get_text(in, "host"),
		.service = "",
		.action = json_get_text(in, "action"),
		.version = json_get_text(in, "version"),
		.region = "",
		.params = json_object_get(in, "query"),
		.body = json_get_text(vector, "body"),
		.content_type = json_string_value(
			json_object_get(json_object_get(vector, "signed_headers"), "content-type")),
	};
	inputs->key = (struct sign_key){
		.id = json_get_text(in, "access_key_id"),
		.secret = json_get_text(in, "access_key_secret"),
		.token = json_string_value(json_object_get(in, "security_token")),
	};
	assert_int_equal(clock_parse(json_get_text(in, "date"), &inputs->now), 0);
	inputs->nonce = json_get_text(in, "nonce");
}

static int sign(const struct inputs *inputs, struct signed_request *out)
{
	return sign_acs3.sign(&inputs->request, &inputs->key, inputs->now, inputs->nonce, out);
}

static bool sends(const struct signed_request *out, const char *name, const char *value)
{
	struct buf line = BUF_INIT;
	bool found = false;

	buf_printf(&line, "%s:%s%s", name, *value ? " " : "", value);
	for (char **at = out->headers; *at && !found; at++)
		found = strcmp(*at, buf_text(&line)) == 0;
	buf_free(&line);
	return found;
}

static bool sends_all(const struct signed_request *out, json_t *vector)
{
	json_t *headers = json_object_get(vector, "signed_headers"), *value;
	const char *name;
	size_t count = 0;

	json_object_foreach(headers, name, value)
	{
		if (!sends(out, name, json_string_value(value)))
			return false;
	}
	while (out->headers[count])
		count++;
	/* Besides: accept, authorization, and an empty content type where there is none. */
	if (!json_object_get(headers, "content-type") &&
	    (!sends(out, "content-type", "") || !--count))
		return false;
	return count == json_object_size(headers) + 2 && sends(out, "accept", "application/json") &&
	       sends(out, "authorization", json_get_text(vector, "authorization"));
}

static void every_vector_of_the_vendor(void **state)
{
	json_t *list = json_object_get(vectors, "v3"), *vector;
	size_t i;

	(void)state;
	assert_int_equal(json_array_size(list), 20);
	json_array_foreach(list, i, vector)
	{
		const char *id = json_get_text(vector, "id");
		struct inputs inputs;
		struct signed_request out;
		struct buf target = BUF_INIT;

		read_inputs(vector, &inputs);
		if (sign(&inputs, &out))
			fail_msg("%s: refused", id);
		if (strcmp(buf_text(&out.query), json_get_text(vector, "canonical_query")) != 0)
			fail_msg("%s: query %s", id, buf_text(&out.query));
		if (strcmp(buf_text(&out.canonical_request),
			   json_get_text(vector, "canonical_request")) != 0)
			fail_msg("%s: canonical request\n%s", id, buf_text(&out.canonical_request));
		if (strcmp(buf_text(&out.string_to_sign),
			   json_get_text(vector, "string_to_sign")) != 0)
			fail_msg("%s: string to sign\n%s", id, buf_text(&out.string_to_sign));
		if (strcmp(buf_text(&out.authorization), json_get_text(vector, "authorization")) !=
		    0)
			fail_msg("%s: %s", id, buf_text(&out.authorization));
		if (!sends_all(&out, vector))
			fail_msg("%s: headers", id);
		if (strcmp(buf_text(&out.body), json_get_text(vector, "body")) != 0)
			fail_msg("%s: body %s", id, buf_text(&out.body));
		buf_printf(&target, "/%s%s", out.query.size ? "?" : "", buf_text(&out.query));
		assert_string_equal(buf_text(&target), json_get_text(vector, "request_target"));
		buf_free(&target);
		signed_free(&out);
		assert_null(out.headers);
	}
}

static void every_row_of_percent_encoding(void **state)
{
	json_t *list = json_object_get(vectors, "percent_encoding"), *row;
	size_t i;

	(void)state;
	assert_int_equal(json_array_size(list), 46);
	json_array_foreach(list, i, row)
	{
		const char *in = json_get_text(row, "in");
		json_t *params = json_pack("{s:s}", in, in);
		struct sign_request request = {
			.host = "h", .action = "A", .version = "1", .params = params
		};
		struct sign_key key = { "id", "secret", NULL };
		struct signed_request out;
		struct buf expected = BUF_INIT;

		buf_printf(&expected, "%s=%s", json_get_text(row, "out"),
			   json_get_text(row, "out"));
		assert_int_equal(sign_acs3.sign(&request, &key, 0, "n", &out), 0);
		assert_string_equal(buf_text(&out.query), buf_text(&expected));
		buf_free(&expected);
		signed_free(&out);
		json_decref(params);
	}
}

/* ---- What vectors do not show ---- */

static void an_empty_token_is_none(void **state)
{
	struct signed_request out;

	(void)state;
	assert_int_equal(sign(&plain, &out), 0);
	assert_null(strstr(buf_text(&out.canonical_request), "token"));
	assert_true(sends(&out, "host", "127.0.0.1:8443"));
	assert_string_equal(buf_text(&out.query), "a=1&b=2&c=true");
	signed_free(&out);
}

static void spaces_around_a_value_are_not_signed(void **state)
{
	struct inputs inputs = plain;
	struct signed_request out;

	(void)state;
	inputs.key.token = "  to ken ";
	assert_int_equal(sign(&inputs, &out), 0);
	assert_non_null(
		strstr(buf_text(&out.canonical_request), "\nx-acs-security-token:to ken\n"));
	assert_true(sends(&out, "x-acs-security-token", "to ken"));
	signed_free(&out);
}

static void bad_input_is_refused(void **state)
{
	struct inputs cases[9];
	size_t count = sizeof(cases) / sizeof(cases[0]);
	json_t *nested = json_pack("{s:[s]}", "a", "1");
	struct signed_request out;

	(void)state;
	for (size_t i = 0; i < count; i++)
		cases[i] = plain;
	cases[0].request.params = nested;
	cases[1].key.token = "line\nx-acs-action: DeleteUser";
	cases[2].request.action = "";
	cases[3].request.host = "h\r";
	cases[4].nonce = "\x7f";
	cases[5].key.id = "id,SignedHeaders=host";
	cases[6].key.id = "";
	cases[7].request.content_type = "text/\xff";
	cases[8].key.id = "id/2026-01-02";
	for (size_t i = 0; i < count; i++) {
		memset(&out, 0xee, sizeof(out));
		if (sign(&cases[i], &out) != LH_EINVAL || out.headers || out.query.data)
			fail_msg("case %zu", i);
	}
	json_decref(nested);
}

static void a_call_without_a_key_is_refused(void **state)
{
	struct signed_request out;

	(void)state;
	assert_int_equal(sign_acs3.sign(&plain.request, NULL, 0, "n", &out), LH_EINVAL);
	assert_null(out.headers);
}

static void each_failing_allocation_is_an_error(void **state)
{
	struct inputs inputs = plain;
	bool more = true;

	(void)state;
	inputs.key.token = "token";
	for (unsigned n = 1; more; n++) {
		struct signed_request out;
		int ret;

		fail_alloc_at(n);
		ret = sign(&inputs, &out);
		more = fail_alloc_stop();
		if (ret != (more ? LH_ENOMEM : 0) || (out.headers != NULL) == more)
			fail_msg("allocation %u: %d", n, ret);
		signed_free(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_vector_of_the_vendor),
		cmocka_unit_test(every_row_of_percent_encoding),
		cmocka_unit_test(an_empty_token_is_none),
		cmocka_unit_test(spaces_around_a_value_are_not_signed),
		cmocka_unit_test(bad_input_is_refused),
		cmocka_unit_test(a_call_without_a_key_is_refused),
		cmocka_unit_test(each_failing_allocation_is_an_error),
	};

	return cmocka_run_group_tests(tests, load_vectors, drop_vectors);
}
