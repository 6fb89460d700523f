/* SPDX-License-Identifier: Apache-2.0 */
/* Answers, good and bad: what they are taken for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "http_fixture.h"
#include "util/clock.h"

/* ---- Good answers ---- */

static void a_request_is_answered(void **state)
{
	struct result result;

	(void)state;
	for (enum port port = PLAIN; port <= TLS; port++) {
		fetch(port, "/ok", &result);
		assert_int_equal(result.outcome, HTTP_ANSWERED);
		assert_int_equal(result.status, 200);
		assert_true(result.body_size > 0);
		assert_int_equal(result.date, 1767323045);
		assert_int_equal(result.retry_after_ms, 0);
		assert_string_equal(result.error, "");
	}
}

static void connections_are_used_again(void **state)
{
	struct result first, second;

	(void)state;
	for (enum port port = PLAIN; port <= TLS; port++) {
		fetch(port, "/ok", &first);
		fetch(port, "/ok", &second);
		assert_int_equal(connection_of(&first), connection_of(&second));
	}
}

static void a_post_without_a_body(void **state)
{
	static const char *const headers[] = { "x-acs-action: GetUser", NULL };
	struct http_request request = get(TLS, "/echo?a=%2A&b=");
	struct result result;

	(void)state;
	request.method = "POST";
	request.headers = headers;
	perform(&request, &result);
	assert_non_null(strstr(result.body, "POST /echo?a=%2A&b= HTTP/1.1\r\n"));
	assert_non_null(strstr(result.body, "\r\nx-acs-action: GetUser\r\n"));
	assert_non_null(strstr(result.body, "\r\nContent-Length: 0\r\n"));
	assert_null(strcasestr(result.body, "content-type"));
	assert_null(strcasestr(result.body, "expect"));
	assert_null(strcasestr(result.body, "accept-encoding"));
}

static void a_body_is_sent_under_its_own_type(void **state)
{
	static const char *const headers[] = { "content-type: application/json", "Host: a.example",
					       NULL };
	static const char *const methods[] = { "POST", "PUT" };
	struct http_request request = get(PLAIN, "/echo");
	struct result result;

	(void)state;
	request.headers = headers;
	request.body = "{\"a\":1}";
	request.body_size = 7;
	for (size_t i = 0; i < 2; i++) {
		request.method = methods[i];
		perform(&request, &result);
		assert_memory_equal(result.body, methods[i], strlen(methods[i]));
		assert_non_null(strstr(result.body, "\r\ncontent-type: application/json\r\n"));
		assert_non_null(strstr(result.body, "\r\nHost: a.example\r\n"));
		assert_non_null(strstr(result.body, "\r\n\r\n{\"a\":1}"));
	}
	/* The same handle for something quite different. */
	fetch(PLAIN, "/echo", &result);
	assert_memory_equal(result.body, "GET ", 4);
	assert_null(strstr(result.body, "json"));
}

static void eight_at_once(void **state)
{
	struct result results[8];
	bool used[512] = { false };
	int64_t began = clock_boot_ms();

	(void)state;
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < 8; i++) {
			struct http_request request = get(TLS, "/slow?300");

			start(&request, &results[i]);
		}
		run_all();
		for (size_t i = 0; i < 8; i++) {
			int number = connection_of(&results[i]);

			assert_int_equal(results[i].calls, 1);
			assert_int_equal(used[number], round == 1);
			used[number] = round == 0;
		}
	}
	assert_true(clock_boot_ms() - began < 16 * 300);
}

static void connections_are_bounded(void **state)
{
	struct http_client *all = client;
	struct result results[4];

	(void)state;
	assert_int_equal(http_client_new(2, &client, NULL), 0);
	for (size_t i = 0; i < 4; i++) {
		struct http_request request = get(PLAIN, "/slow?50");

		start(&request, &results[i]);
	}
	run_all();
	for (size_t i = 0; i < 4; i++)
		assert_true(connection_of(&results[i]) - connection_of(&results[0]) <= 1);
	http_client_free(client);
	client = all;
}

static void a_redirect_is_an_answer(void **state)
{
	struct result result;

	(void)state;
	fetch(PLAIN, "/redirect", &result);
	assert_int_equal(result.outcome, HTTP_ANSWERED);
	assert_int_equal(result.status, 302);
}

static void interim_answers_are_passed_over(void **state)
{
	struct result result;

	(void)state;
	fetch(PLAIN, "/hint", &result);
	assert_int_equal(result.status, 200);
	assert_int_equal(result.date, 1767323045);
	assert_string_equal(result.body, "final");
}

static const struct {
	const char *name, *path;
	int64_t ms;
} retry_cases[] = {
	{ "milliseconds of the cloud", "/busy?x-acs-retry-after=1500", 1500 },
	{ "seconds of the standard", "/busy?Retry-After=7", 7000 },
	{ "a day at most", "/busy?Retry-After=99999999", 86400000 },
	{ "no number", "/busy?Retry-After=soon", 0 },
	{ "a negative number", "/busy?x-acs-retry-after=-5", 0 },
	{ "another header", "/busy?Retry-Before=5", 0 },
};

static void the_server_says_when_to_come_again(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(retry_cases) / sizeof(retry_cases[0]); i++) {
		struct result result;

		fetch(PLAIN, retry_cases[i].path, &result);
		if (result.status != 503 || result.retry_after_ms != retry_cases[i].ms)
			fail_msg("%s: %lld", retry_cases[i].name, (long long)result.retry_after_ms);
	}
}

static void a_long_body_within_the_limit(void **state)
{
	struct result result;

	(void)state;
	fetch(PLAIN, "/long?1048576", &result);
	assert_int_equal(result.outcome, HTTP_ANSWERED);
	assert_int_equal(result.body_size, HTTP_BODY_MAX);
}

/* ---- Bad answers: the request was sent, and what became of it is unknown ---- */

static const struct {
	const char *name;
	enum port port;
	const char *path, *error;
} broken_cases[] = {
	{ "closed before an answer", PLAIN, "/close", "" },
	{ "closed before an answer over TLS", TLS, "/close", "" },
	{ "closed in the middle of the body", PLAIN, "/half", "" },
	{ "closed in the middle of the body over TLS", TLS, "/half", "" },
	{ "closed between two chunks", PLAIN, "/chunk", "" },
	{ "a body without a length whose TLS connection is cut", TLS, "/open", "" },
	{ "body one byte too long", PLAIN, "/long?1048577", "the answer is too long" },
	{ "headers too long", PLAIN, "/head?80", "the answer's headers are too long" },
	{ "compressed", PLAIN, "/gzip", "the answer is compressed though nobody asked for it" },
	{ "no HTTP", PLAIN, "/garbage", "" },
};

static void broken_answers_leave_it_unsure(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(broken_cases) / sizeof(broken_cases[0]); i++) {
		struct result result;

		fetch(broken_cases[i].port, broken_cases[i].path, &result);
		if (result.outcome != HTTP_UNSURE || result.status != 0 || result.body_size != 0 ||
		    !result.error[0] || !strstr(result.error, broken_cases[i].error))
			fail_msg("%s: outcome %d, \"%s\"", broken_cases[i].name,
				 (int)result.outcome, result.error);
	}
}

static void an_answer_that_comes_too_late(void **state)
{
	struct http_request request = get(PLAIN, "/slow?3000");
	struct result result;
	int64_t began = clock_boot_ms();

	(void)state;
	request.timeout_ms = 200;
	perform(&request, &result);
	assert_int_equal(result.outcome, HTTP_UNSURE);
	assert_true(result.timed_out);
	assert_true(clock_boot_ms() - began < 3000);
}

/* A kept-alive connection that dies under a request: libcurl would send it once more by itself. */
static void a_request_is_never_repeated(void **state)
{
	struct result result;

	(void)state;
	for (enum port port = PLAIN; port <= TLS; port++) {
		const char *path = port == PLAIN ? "/close?plain" : "/close?tls";
		char seen[64];

		fetch(port, "/ok", &result);
		fetch(port, path, &result);
		assert_int_equal(result.outcome, HTTP_UNSURE);
		assert_string_equal(result.error, "the connection was lost before an answer came");
		snprintf(seen, sizeof(seen), "/seen?%s", path);
		fetch(port, seen, &result);
		assert_string_equal(result.body, "1 times.");
	}
}

/* But one that the server closed while it was idle is seen in time. */
static void a_closed_connection_is_replaced(void **state)
{
	struct result first, second;

	(void)state;
	for (enum port port = PLAIN; port <= TLS; port++) {
		fetch(port, "/bye", &first);
		usleep(1000000); /* it does so right behind its answer */
		fetch(port, "/ok", &second);
		assert_true(connection_of(&first) < connection_of(&second));
	}
}

int main(void)
{
#define WITH_CLIENT(test) cmocka_unit_test_setup_teardown(test, new_client, free_client)
	const struct CMUnitTest tests[] = {
		WITH_CLIENT(a_request_is_answered),
		WITH_CLIENT(connections_are_used_again),
		WITH_CLIENT(a_post_without_a_body),
		WITH_CLIENT(a_body_is_sent_under_its_own_type),
		WITH_CLIENT(eight_at_once),
		WITH_CLIENT(connections_are_bounded),
		WITH_CLIENT(a_redirect_is_an_answer),
		WITH_CLIENT(interim_answers_are_passed_over),
		WITH_CLIENT(the_server_says_when_to_come_again),
		WITH_CLIENT(a_long_body_within_the_limit),
		WITH_CLIENT(broken_answers_leave_it_unsure),
		WITH_CLIENT(an_answer_that_comes_too_late),
		WITH_CLIENT(a_request_is_never_repeated),
		WITH_CLIENT(a_closed_connection_is_replaced),
	};

	return cmocka_run_group_tests(tests, start_server, stop_server);
}
