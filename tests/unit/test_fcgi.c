/* SPDX-License-Identifier: Apache-2.0 */
/* Pins how connections are handed to libfcgi, which nothing documents, and what is refused before
 * anybody looks at a request. */
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
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/api.h"
#include "fake_web.h"
#include "proc/fcgi.h"
#include "proc/signals.h"
#include "util/buf.h"
#include "util/clock.h"

struct fixture {
	int web; /* the web server's end */
	struct fcgi *fcgi;
	struct api_request request;
	struct api_reply refusal;
	struct buf bytes;
};

static int set_up(void **state)
{
	static struct fixture fixture;
	const struct timeval patience = { .tv_usec = 300000 };
	int ends[2];

	memset(&fixture, 0, sizeof(fixture));
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		return -1;
	setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	fixture.web = ends[1];
	fixture.fcgi = fcgi_new(ends[0]);
	*state = &fixture;
	return fixture.fcgi ? 0 : -1;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	fcgi_free(fixture->fcgi);
	if (fixture->web >= 0)
		close(fixture->web);
	buf_free(&fixture->bytes);
	return 0;
}

static void hang_up(struct fixture *fixture)
{
	close(fixture->web);
	fixture->web = -1;
}

/* Sends what was collected and has it read. */
static enum fcgi_outcome deliver(struct fixture *fixture)
{
	web_send(fixture->web, &fixture->bytes);
	buf_clear(&fixture->bytes);
	return fcgi_read(fixture->fcgi, &fixture->request, &fixture->refusal);
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

/* ---- What is refused ---- */

static const struct {
	const char *name;
	const char *length;            /* CONTENT_LENGTH */
	const char *parameter, *value; /* one more parameter; NULL: none */
	bool without_end;              /* of the parameters: LH_END */
	enum web_role role;
	int status;
} refusals[] = {
	{ "a list without its end", "", NULL, NULL, true, WEB_RESPONDER, 400 },
	{ "a parameter that occurs twice", "", "LH_TOKEN", "hvs.other", false, WEB_RESPONDER, 400 },
	{ "an unknown one that occurs twice", "", "LH_END", "1", false, WEB_RESPONDER, 400 },
	{ "a name that makes another with its equals sign", "", "LH_TOKEN=a", "b", false,
	  WEB_RESPONDER, 400 },
	{ "a role of its own making", "", "FCGI_ROLE", "RESPONDER", false, WEB_RESPONDER, 400 },
	{ "a line feed in a value", "", "CONTENT_TYPE", "a\nb", false, WEB_RESPONDER, 400 },
	{ "a delete character in a value", "", "CONTENT_TYPE", "a\x7f", false, WEB_RESPONDER, 400 },
	{ "a control character in a name", "", "A\x01", "b", false, WEB_RESPONDER, 400 },
	{ "bytes that are no UTF-8", "", "LH_NAMESPACE", "\xff\xfe", false, WEB_RESPONDER, 400 },
	{ "another role", "", NULL, NULL, false, WEB_AUTHORIZER, 400 },
	{ "a negative length", "-1", NULL, NULL, false, WEB_RESPONDER, 400 },
	{ "a length with a sign", "+1", NULL, NULL, false, WEB_RESPONDER, 400 },
	{ "a length with text behind it", "1 ", NULL, NULL, false, WEB_RESPONDER, 400 },
	{ "a hexadecimal length", "0x1", NULL, NULL, false, WEB_RESPONDER, 400 },
	{ "a length over the limit", "2097153", NULL, NULL, false, WEB_RESPONDER, 413 },
	{ "a length that overflows every number", "99999999999999999999999999999999", NULL, NULL,
	  false, WEB_RESPONDER, 413 },
};

static void check_refusal(struct fixture *fixture, size_t i)
{
	struct buf params = BUF_INIT, text = BUF_INIT;

	web_usual_params(&params, "GET", refusals[i].length);
	if (refusals[i].parameter)
		web_param(&params, refusals[i].parameter, refusals[i].value);
	if (!refusals[i].without_end)
		web_param(&params, "LH_END", "1");
	web_begin(&fixture->bytes, refusals[i].role, true);
	web_params(&fixture->bytes, &params);
	web_body_end(&fixture->bytes);
	if (deliver(fixture) != FCGI_REFUSED)
		fail_msg("%s: was not refused", refusals[i].name);
	if (fixture->refusal.status != refusals[i].status)
		fail_msg("%s: status %d", refusals[i].name, fixture->refusal.status);
	assert_true(fcgi_send(fixture->fcgi, &fixture->refusal));
	assert_true(web_reply(fixture->web, &text));
	if (!strstr(buf_text(&text), "\r\n\r\n{\"errors\":[\""))
		fail_msg("%s: the reply is %s", refusals[i].name, buf_text(&text));
	if (fcgi_end(fixture->fcgi, true))
		fail_msg("%s: the connection was kept", refusals[i].name);
	api_reply_clear(&fixture->refusal);
	buf_free(&params);
	buf_free(&text);
}

static void what_nginx_would_never_send_is_refused(void **state)
{
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		check_refusal(*state, i);
		tear_down(state);
		assert_int_equal(set_up(state), 0);
	}
}

static void too_many_parameters_are_refused(void **state)
{
	struct fixture *fixture = *state;
	struct buf params = BUF_INIT;
	char name[16];

	for (int i = 0; i <= FCGI_PARAMETERS_MAX; i++) {
		snprintf(name, sizeof(name), "P%d", i);
		web_param(&params, name, "");
	}
	web_param(&params, "LH_END", "1");
	web_begin(&fixture->bytes, WEB_RESPONDER, false);
	web_params(&fixture->bytes, &params);
	web_body_end(&fixture->bytes);
	assert_int_equal(deliver(fixture), FCGI_REFUSED);
	assert_int_equal(fixture->refusal.status, 400);
	api_reply_clear(&fixture->refusal);
	buf_free(&params);
}

/* ---- What is lost ---- */

static void add_head(struct fixture *fixture, const char *length)
{
	struct buf params = BUF_INIT;

	web_usual_params(&params, "POST", length);
	web_param(&params, "LH_END", "1");
	web_begin(&fixture->bytes, WEB_RESPONDER, true);
	web_params(&fixture->bytes, &params);
	buf_free(&params);
}

static void check_lost(struct fixture *fixture)
{
	struct buf text = BUF_INIT;

	assert_int_equal(deliver(fixture), FCGI_LOST);
	assert_false(fcgi_end(fixture->fcgi, true));
	assert_false(web_reply(fixture->web, &text));
	assert_int_equal(text.size, 0);
	buf_free(&text);
}

static void a_body_that_is_too_short_closes(void **state)
{
	struct fixture *fixture = *state;

	add_head(fixture, "10");
	web_body(&fixture->bytes, "short");
	web_body_end(&fixture->bytes);
	check_lost(fixture);
}

static void a_body_that_is_too_long_closes(void **state)
{
	struct fixture *fixture = *state;

	add_head(fixture, "3");
	web_body(&fixture->bytes, "longer");
	web_body_end(&fixture->bytes);
	check_lost(fixture);
}

static void a_body_without_a_length_closes(void **state)
{
	struct fixture *fixture = *state;

	add_head(fixture, "");
	web_body(&fixture->bytes, "body");
	web_body_end(&fixture->bytes);
	check_lost(fixture);
}

static void a_stalled_body_closes_after_the_timeout(void **state)
{
	struct fixture *fixture = *state;
	int64_t start = clock_boot_ms();

	add_head(fixture, "10");
	web_body(&fixture->bytes, "short");
	check_lost(fixture);
	assert_in_range(clock_boot_ms() - start, 250, 3000);
}

static void parameters_that_are_cut_short_close(void **state)
{
	struct fixture *fixture = *state;

	web_request(&fixture->bytes, "GET", "", true);
	fixture->bytes.size = 60; /* in the middle of the parameters */
	web_send(fixture->web, &fixture->bytes);
	shutdown(fixture->web, SHUT_WR);
	fixture->bytes.size = 0;
	check_lost(fixture);
}

static void another_protocol_closes(void **state)
{
	struct fixture *fixture = *state;

	buf_add_text(&fixture->bytes, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
	check_lost(fixture);
}

static void a_wrong_version_in_the_parameters_closes(void **state)
{
	struct fixture *fixture = *state;

	web_request(&fixture->bytes, "GET", "", true);
	fixture->bytes.data[16] = 9; /* of the second record */
	check_lost(fixture);
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
		tear_down(state);
		assert_int_equal(set_up(state), 0);
	}
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

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
		CASE(what_nginx_would_never_send_is_refused),
		CASE(too_many_parameters_are_refused),
		CASE(a_body_that_is_too_short_closes),
		CASE(a_body_that_is_too_long_closes),
		CASE(a_body_without_a_length_closes),
		CASE(a_stalled_body_closes_after_the_timeout),
		CASE(parameters_that_are_cut_short_close),
		CASE(another_protocol_closes),
		CASE(a_wrong_version_in_the_parameters_closes),
		CASE(a_peer_that_left_is_seen),
		CASE(a_long_reply_to_a_peer_that_left_is_not_flushed),
		CASE(a_signal_in_any_stage_waits_for_the_request),
	};

	if (fcgi_init() != 0)
		return 1;
	signals_child();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
