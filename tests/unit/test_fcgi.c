/* SPDX-License-Identifier: Apache-2.0 */
/* Pins how connections are handed to libfcgi, which nothing documents. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fcgi_fixture.h"
#include "proc/signals.h"

static void hang_up(struct fixture *fixture)
{
	close(fixture->web);
	fixture->web = -1;
}

static void reply_with(struct api_reply *reply, int status, const char *body)
{
	memset(reply, 0, sizeof(*reply));
	reply->status = status;
	buf_add_text(&reply->body, body);
}

/* Sends a reply and compares what arrives. */
static void check_reply(struct fixture *fixture, int status, const char *body, const char *wanted)
{
	struct api_reply reply;
	struct buf text = BUF_INIT;

	reply_with(&reply, status, body);
	assert_true(fcgi_send(fixture->fcgi, &reply));
	assert_true(web_reply(fixture->web, &text));
	assert_string_equal(buf_text(&text), wanted);
	buf_free(&reply.body);
	buf_free(&text);
}

#define HEAD "Content-Type: application/json\r\nCache-Control: no-store\r\n"

/* ---- What is served ---- */

static void a_whole_request_is_read(void **state)
{
	struct fixture *fixture = *state;

	web_request(&fixture->bytes, "POST", "{\"a\": 1}", false);
	assert_int_equal(deliver(fixture), FCGI_COMPLETE);
	assert_string_equal(fixture->request.method, "POST");
	assert_string_equal(fixture->request.path, "/v1/sys/health");
	assert_string_equal(fixture->request.query, "help=1");
	assert_string_equal(fixture->request.remote_address, "192.0.2.7");
	assert_string_equal(fixture->request.token, "hvs.token");
	assert_string_equal(fixture->request.request_id, "0123456789abcdef0123456789abcdef");
	assert_string_equal(fixture->request.namespace, "");
	assert_string_equal(fixture->request.body, "{\"a\": 1}");
	assert_int_equal(fixture->request.body_size, 8);
	check_reply(fixture, 200, "{}", "Status: 200 OK\r\n" HEAD "Content-Length: 2\r\n\r\n{}");
	assert_false(fcgi_end(fixture->fcgi, true));
	assert_true(web_is_closed(fixture->web));
}

static void a_body_of_the_greatest_size_is_read(void **state)
{
	struct fixture *fixture = *state;
	char *body = malloc(API_BODY_MAX + 1);
	pid_t writer;

	assert_non_null(body);
	memset(body, 'x', API_BODY_MAX);
	body[API_BODY_MAX] = '\0';
	web_request(&fixture->bytes, "POST", body, false);
	free(body);
	writer = fork(); /* it does not fit into the socket's buffer */
	if (writer == 0) {
		web_send(fixture->web, &fixture->bytes);
		_exit(0);
	}
	assert_int_equal(fcgi_read(fixture->fcgi, &fixture->request, &fixture->refusal),
			 FCGI_COMPLETE);
	assert_int_equal(fixture->request.body_size, API_BODY_MAX);
	assert_int_equal(waitpid(writer, NULL, 0), writer);
}

static void two_requests_use_one_connection(void **state)
{
	struct fixture *fixture = *state;

	web_request(&fixture->bytes, "PUT", "first", true);
	assert_int_equal(deliver(fixture), FCGI_COMPLETE);
	assert_string_equal(fixture->request.body, "first");
	check_reply(fixture, 204, "", "Status: 204 No Content\r\n" HEAD "\r\n");
	assert_true(fcgi_end(fixture->fcgi, true));

	web_request(&fixture->bytes, "GET", "", true);
	assert_int_equal(deliver(fixture), FCGI_COMPLETE);
	assert_string_equal(fixture->request.method, "GET");
	assert_string_equal(fixture->request.body, "");
	check_reply(fixture, 404, "{}",
		    "Status: 404 Not Found\r\n" HEAD "Content-Length: 2\r\n\r\n{}");
	assert_false(fcgi_end(fixture->fcgi, false));
	assert_true(web_is_closed(fixture->web));
}

static void a_reply_to_head_has_no_body(void **state)
{
	struct fixture *fixture = *state;

	web_request(&fixture->bytes, "HEAD", "", false);
	assert_int_equal(deliver(fixture), FCGI_COMPLETE);
	check_reply(fixture, 200, "{}", "Status: 200 OK\r\n" HEAD "\r\n");
}

static void a_reply_may_hand_on(void **state)
{
	struct fixture *fixture = *state;
	struct api_reply reply = { .hand_on = true };
	struct buf text = BUF_INIT;

	web_request(&fixture->bytes, "GET", "", true);
	assert_int_equal(deliver(fixture), FCGI_COMPLETE);
	assert_true(fcgi_send(fixture->fcgi, &reply));
	assert_true(web_reply(fixture->web, &text));
	assert_string_equal(buf_text(&text), "Status: 200 OK\r\n"
					     "X-Accel-Redirect: @leasehold_work\r\n\r\n");
	buf_free(&text);
}

static void further_headers_are_written(void **state)
{
	struct fixture *fixture = *state;
	struct api_reply reply = { .status = 429, .headers = { { "Retry-After", "7" } } };
	struct buf text = BUF_INIT;

	web_request(&fixture->bytes, "GET", "", true);
	assert_int_equal(deliver(fixture), FCGI_COMPLETE);
	assert_true(fcgi_send(fixture->fcgi, &reply));
	assert_true(web_reply(fixture->web, &text));
	assert_string_equal(buf_text(&text), "Status: 429 Too Many Requests\r\n" HEAD
					     "Retry-After: 7\r\nContent-Length: 0\r\n\r\n");
	buf_free(&text);
}

/* A short reply goes out in one piece, together with the end of the request: then a failed flush
 * proves that nobody received any of it. */
static void a_short_reply_is_one_write(void **state)
{
	struct fixture *fixture = *state;
	struct api_reply reply;
	char bytes[8192];
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	web_request(&fixture->bytes, "GET", "", true);
	assert_int_equal(send(ends[1], fixture->bytes.data, fixture->bytes.size, 0),
			 fixture->bytes.size);
	fcgi_free(fixture->fcgi);
	fixture->fcgi = fcgi_new(ends[0]);
	assert_int_equal(fcgi_read(fixture->fcgi, &fixture->request, &fixture->refusal),
			 FCGI_COMPLETE);
	reply_with(&reply, 200, "{\"data\": \"a credential\"}");
	assert_true(fcgi_send(fixture->fcgi, &reply));
	assert_true(fcgi_end(fixture->fcgi, true));
	assert_true(recv(ends[1], bytes, sizeof(bytes), MSG_DONTWAIT) > 0);
	assert_int_equal(recv(ends[1], bytes, sizeof(bytes), MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
	buf_free(&reply.body);
	close(ends[1]);
}

/* ---- The peer goes ---- */

static void a_peer_that_left_is_seen(void **state)
{
	struct fixture *fixture = *state;
	struct api_reply reply;

	web_request(&fixture->bytes, "GET", "", true);
	assert_int_equal(deliver(fixture), FCGI_COMPLETE);
	assert_false(fcgi_gone(fixture->fcgi));
	hang_up(fixture);
	assert_true(fcgi_gone(fixture->fcgi));
	reply_with(&reply, 200, "{\"data\": \"a credential\"}");
	assert_false(fcgi_send(fixture->fcgi, &reply));
	assert_false(fcgi_end(fixture->fcgi, true));
	buf_free(&reply.body);
}

static void a_long_reply_to_a_peer_that_left_is_not_flushed(void **state)
{
	struct fixture *fixture = *state;
	struct api_reply reply = { .status = 200 };

	web_request(&fixture->bytes, "GET", "", true);
	assert_int_equal(deliver(fixture), FCGI_COMPLETE);
	hang_up(fixture);
	for (int i = 0; i < 10000; i++)
		buf_add_text(&reply.body, "0123456789");
	assert_false(fcgi_send(fixture->fcgi, &reply));
	assert_false(fcgi_end(fixture->fcgi, true));
	buf_free(&reply.body);
}

/* ---- Signals ---- */

/* Feeds a request in two halves, with signals to the reader before, between and after them. */
struct feeder {
	struct fixture *fixture;
	pthread_t reader;
	size_t first;
};

static void pause_ms(int64_t ms)
{
	const struct timespec time = { 0, ms * 1000000 };

	nanosleep(&time, NULL);
}

static void *feed(void *context)
{
	struct feeder *feeder = context;
	struct fixture *fixture = feeder->fixture;
	struct buf rest = { fixture->bytes.data + feeder->first,
			    fixture->bytes.size - feeder->first, 0, false };

	pthread_kill(feeder->reader, SIGTERM);
	pause_ms(20);
	fixture->bytes.size = feeder->first;
	web_send(fixture->web, &fixture->bytes);
	pause_ms(20);
	pthread_kill(feeder->reader, SIGTERM);
	pause_ms(20);
	web_send(fixture->web, &rest);
	return NULL;
}

static const struct {
	const char *name;
	int first; /* bytes of the first half; negative: of the second */
} stages[] = {
	{ "connected, nothing sent", 0 }, { "in the first record", 5 },
	{ "between two records", 16 },    { "in the parameters", 60 },
	{ "in the body", -28 },           { "before the end of the body", -8 },
};

static void check_stage(struct fixture *fixture, size_t i)
{
	struct feeder feeder = { fixture, pthread_self(), 0 };
	enum fcgi_outcome outcome;
	pthread_t thread;

	web_request(&fixture->bytes, "POST", "0123456789012345678901234567890123456789", false);
	feeder.first = (stages[i].first < 0 ? fixture->bytes.size : 0) + (size_t)stages[i].first;
	assert_int_equal(pthread_create(&thread, NULL, feed, &feeder), 0);
	outcome = fcgi_read(fixture->fcgi, &fixture->request, &fixture->refusal);
	assert_int_equal(pthread_join(thread, NULL), 0);
	if (outcome != FCGI_COMPLETE)
		fail_msg("%s: the request was not read", stages[i].name);
	assert_int_equal(fixture->request.body_size, 40);
	assert_false(signals_seen(SIGNAL_STOP));
	check_reply(fixture, 200, "{}", "Status: 200 OK\r\n" HEAD "Content-Length: 2\r\n\r\n{}");
	assert_false(fcgi_end(fixture->fcgi, true));
	signals_deliver();
	assert_true(signals_take(SIGNAL_STOP));
}

static void a_signal_in_any_stage_waits_for_the_request(void **state)
{
	for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++) {
		check_stage(*state, i);
		fcgi_tear_down(state);
		assert_int_equal(fcgi_set_up(state), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_whole_request_is_read),
		CASE(a_body_of_the_greatest_size_is_read),
		CASE(two_requests_use_one_connection),
		CASE(a_reply_to_head_has_no_body),
		CASE(a_reply_may_hand_on),
		CASE(further_headers_are_written),
		CASE(a_short_reply_is_one_write),
		CASE(a_peer_that_left_is_seen),
		CASE(a_long_reply_to_a_peer_that_left_is_not_flushed),
		CASE(a_signal_in_any_stage_waits_for_the_request),
	};

	if (fcgi_init() != 0)
		return 1;
	signals_child();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
