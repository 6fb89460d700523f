/* SPDX-License-Identifier: Apache-2.0 */
/* Requests: those that never leave, and those that end early; lost memory. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "fail_alloc.h"
#include "http_fixture.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/wipe.h"

/* ---- Requests that never left ---- */

static const struct {
	const char *name;
	enum port port;
	const char *ca_file;
} trust_cases[] = {
	{ "name of another host", TLS_NAME, server.ca_file },
	{ "signed by another authority", TLS_CA, server.ca_file },
	{ "expired", TLS_EXPIRED, server.ca_file },
	{ "our trust is in another authority", TLS, server.other_ca_file },
	{ "the system knows nothing of it", TLS, "" },
	{ "the system, by no file at all", TLS, NULL },
	{ "no such file", TLS, "/nonexistent/ca.pem" },
};

static void wrong_certificates_get_no_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(trust_cases) / sizeof(trust_cases[0]); i++) {
		struct http_request request = get(trust_cases[i].port, "/never");
		struct result result;

		request.ca_file = trust_cases[i].ca_file;
		perform(&request, &result);
		if (result.outcome != HTTP_UNSENT || !result.error[0])
			fail_msg("%s: outcome %d, \"%s\"", trust_cases[i].name, (int)result.outcome,
				 result.error);
		fetch(PLAIN, "/seen?/never", &result);
		assert_string_equal(result.body, "0 times.");
	}
}

/* A kept connection must not lend its trust to a request with another one. */
static void trust_goes_with_the_request(void **state)
{
	struct http_request request = get(TLS, "/never");
	struct result result;

	(void)state;
	fetch(TLS, "/ok", &result);
	assert_int_equal(result.outcome, HTTP_ANSWERED);
	request.ca_file = server.other_ca_file;
	perform(&request, &result);
	assert_int_equal(result.outcome, HTTP_UNSENT);
}

/* A loopback port that is bound; with `listens` the kernel takes connections, but nobody else. */
static int bind_port(bool listens, int *port_out)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	if (listens)
		assert_int_equal(listen(fd, 8), 0);
	*port_out = ntohs(address.sin_port);
	return fd;
}

static void perform_at(const char *scheme, int port, struct result *result)
{
	struct http_request request = get(PLAIN, "/");
	char url[64];

	snprintf(url, sizeof(url), "%s://127.0.0.1:%d/", scheme, port);
	request.url = url;
	request.timeout_ms = 300;
	perform(&request, result);
}

static void nobody_listens(void **state)
{
	struct result result;
	int port, fd = bind_port(false, &port);

	(void)state;
	perform_at("http", port, &result);
	assert_int_equal(result.outcome, HTTP_UNSENT);
	assert_false(result.timed_out);
	perform_at("https", port, &result);
	assert_int_equal(result.outcome, HTTP_UNSENT);
	close(fd);
}

static void nobody_answers(void **state)
{
	struct result result;
	int port, fd = bind_port(true, &port);

	(void)state;
	perform_at("https", port, &result);
	assert_int_equal(result.outcome, HTTP_UNSENT); /* no handshake, so no request */
	perform_at("http", port, &result);
	assert_int_equal(result.outcome, HTTP_UNSURE);
	close(fd);
}

static void a_name_that_does_not_exist(void **state)
{
	struct http_request request = get(PLAIN, "/");
	struct result result;

	(void)state;
	request.url = "http://name.invalid/";
	perform(&request, &result);
	assert_int_equal(result.outcome, HTTP_UNSENT);
	assert_non_null(strstr(result.error, "name.invalid"));
}

static void time_passes_in_the_queue_too(void **state)
{
	struct http_client *all = client;
	struct http_request slow = get(PLAIN, "/slow?1500"), other;
	struct result first, second;

	(void)state;
	assert_int_equal(http_client_new(1, &client, NULL), 0);
	start(&slow, &first);
	other = get(PLAIN, "/never");
	other.timeout_ms = 200;
	start(&other, &second);
	while (second.calls == 0)
		assert_true(http_run(client, 1000, NULL, 0) >= 0);
	assert_int_equal(first.calls, 0);
	assert_int_equal(second.outcome, HTTP_UNSENT);
	run_all();
	assert_int_equal(first.outcome, HTTP_ANSWERED);
	http_client_free(client);
	client = all;
}

/* ---- Requests that are not started ---- */

static const struct {
	const char *name, *method, *url, *header;
	int64_t timeout_ms;
	int ret;
} refused_cases[] = {
	{ "a line break in the URL", "GET", "http://127.0.0.1/\r\nX: y", NULL, 9, LH_EINVAL },
	{ "a space in the URL", "GET", "http://127.0.0.1/a b", NULL, 9, LH_EINVAL },
	{ "a raw byte in the URL", "GET", "http://127.0.0.1/\xc3\xa9", NULL, 9, LH_EINVAL },
	{ "another protocol", "GET", "file:///etc/passwd", NULL, 9, LH_EINVAL },
	{ "no protocol", "GET", "127.0.0.1/", NULL, 9, LH_EINVAL },
	{ "a line break in a header", "GET", "http://127.0.0.1/", "A: b\r\nC: d", 9, LH_EINVAL },
	{ "a bare newline in a header", "GET", "http://127.0.0.1/", "A: b\n", 9, LH_EINVAL },
	{ "a header without a colon", "GET", "http://127.0.0.1/", "A;", 9, LH_EINVAL },
	{ "a header without a name", "GET", "http://127.0.0.1/", ": b", 9, LH_EINVAL },
	{ "a space in a header's name", "GET", "http://127.0.0.1/", "A : b", 9, LH_EINVAL },
	{ "an unknown method", "DELETE", "http://127.0.0.1/", NULL, 9, LH_EINVAL },
	{ "no time left", "GET", "http://127.0.0.1/", NULL, 0, LH_ETIMEOUT },
};

static void odd_requests_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refused_cases) / sizeof(refused_cases[0]); i++) {
		const char *headers[] = { "Good: one", refused_cases[i].header, NULL };
		struct http_request request = { .method = refused_cases[i].method,
						.url = refused_cases[i].url,
						.headers = headers,
						.timeout_ms = refused_cases[i].timeout_ms };
		struct result result = { .calls = 0 };
		struct http_transfer *transfer;
		int ret = http_start(client, &request, note, &result, &transfer);

		if (ret != refused_cases[i].ret || transfer)
			fail_msg("%s: %d", refused_cases[i].name, ret);
		assert_int_equal(http_run(client, 0, NULL, 0), 0);
		assert_int_equal(result.calls, 0);
	}
}

static void a_get_has_no_body(void **state)
{
	struct http_request request = get(PLAIN, "/ok");

	(void)state;
	request.body = "x";
	request.body_size = 1;
	assert_int_equal(http_start(client, &request, note, NULL, NULL), LH_EINVAL);
}

static void a_login_in_the_url_is_refused(void **state)
{
	struct http_request request = get(PLAIN, "/");
	struct result result;
	char url[64];

	(void)state;
	snprintf(url, sizeof(url), "http://user:word@127.0.0.1:%d/", server.ports[PLAIN]);
	request.url = url;
	perform(&request, &result);
	assert_int_equal(result.outcome, HTTP_UNSENT);
	assert_null(strstr(result.error, "word"));
}

/* ---- Cancelling, waiting, starting from `done` ---- */

static void a_cancelled_request_takes_its_connection_along(void **state)
{
	struct http_request request;
	struct http_transfer *transfer;
	struct result result = { .calls = 0 }, before, after;

	(void)state;
	for (enum port port = PLAIN; port <= TLS; port++) {
		fetch(port, "/ok", &before);
		request = get(port, "/slow?1000");
		assert_int_equal(http_start(client, &request, note, &result, &transfer), 0);
		for (int64_t until = clock_boot_ms() + 100; clock_boot_ms() < until;)
			assert_int_equal(http_run(client, 20, NULL, 0), 1);
		http_cancel(client, transfer);
		assert_int_equal(http_run(client, 0, NULL, 0), 0);
		fetch(port, "/ok", &after);
		assert_true(connection_of(&before) < connection_of(&after));
		assert_int_equal(result.calls, 0);
	}
}

static void a_request_is_cancelled_before_it_is_sent(void **state)
{
	struct http_request request = get(PLAIN, "/never");
	struct http_transfer *transfer;
	struct result result = { .calls = 0 };

	(void)state;
	assert_int_equal(http_start(client, &request, note, &result, &transfer), 0);
	http_cancel(client, transfer);
	run_all();
	assert_int_equal(result.calls, 0);
	fetch(PLAIN, "/seen?/never", &result);
	assert_string_equal(result.body, "0 times.");
}

struct chain {
	struct result results[3];
	size_t count;
};

static void go_on(void *context, struct http_answer *answer)
{
	struct chain *chain = context;
	struct http_request request = get(PLAIN, "/ok");

	note(&chain->results[chain->count++], answer);
	if (chain->count < 3)
		assert_int_equal(http_start(client, &request, go_on, chain, NULL), 0);
}

static void done_may_start_others(void **state)
{
	struct http_request request = get(PLAIN, "/ok");
	struct chain chain = { .count = 0 };

	(void)state;
	assert_int_equal(http_start(client, &request, go_on, &chain, NULL), 0);
	run_all();
	assert_int_equal(chain.count, 3);
	assert_int_equal(connection_of(&chain.results[0]), connection_of(&chain.results[2]));
}

struct rival {
	struct http_transfer *transfer; /* NULL once it has ended */
	struct rival *other;
	int calls;
};

static void cancel_other(void *context, struct http_answer *answer)
{
	struct rival *rival = context;

	assert_int_equal(answer->outcome, HTTP_ANSWERED);
	rival->calls++;
	rival->transfer = NULL;
	http_cancel(client, rival->other->transfer);
	rival->other->transfer = NULL;
}

/* Both have ended when the first is told, since nobody looked in between. */
static void done_may_cancel_another_that_has_ended(void **state)
{
	struct rival rivals[2] = { { .other = &rivals[1] }, { .other = &rivals[0] } };
	struct result warm[2];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct http_request request = get(PLAIN, "/slow?20");

		start(&request, &warm[i]);
	}
	run_all();
	for (size_t i = 0; i < 2; i++) {
		struct http_request request = get(PLAIN, "/slow?100");

		assert_int_equal(
			http_start(client, &request, cancel_other, &rivals[i], &rivals[i].transfer),
			0);
	}
	assert_int_equal(http_run(client, 0, NULL, 0), 2);
	usleep(700000);
	run_all();
	assert_int_equal(rivals[0].calls + rivals[1].calls, 1);
}

static void take(void *context, struct http_answer *answer)
{
	char **body = context;

	*body = buf_take(&answer->body);
}

static void done_may_take_the_body(void **state)
{
	struct http_request request = get(PLAIN, "/hint");
	char *body = NULL;
	struct result result;

	(void)state;
	assert_int_equal(http_start(client, &request, take, &body, NULL), 0);
	run_all();
	fetch(PLAIN, "/ok", &result);
	assert_string_equal(body, "final");
	wipe_free(body);
}

/* It returns while the answer is still to come. */
static void another_descriptor_ends_the_wait(void **state)
{
	struct pollfd extra[2] = { { .events = POLLIN }, { .events = POLLIN } };
	struct http_request request = get(PLAIN, "/slow?3000");
	struct result result;
	int quiet[2], loud[2];

	(void)state;
	assert_int_equal(pipe(quiet) | pipe(loud), 0);
	extra[0].fd = quiet[0];
	extra[1].fd = loud[0];
	start(&request, &result);
	assert_int_equal(write(loud[1], "x", 1), 1);
	while (!extra[1].revents)
		assert_int_equal(http_run(client, 10000, extra, 2), 1);
	assert_int_equal(extra[0].revents, 0);
	assert_int_equal(extra[1].revents, POLLIN);
	close(quiet[1]); /* the other end went away */
	assert_int_equal(http_run(client, 10000, extra, 1), 1);
	assert_int_equal(extra[0].revents, POLLHUP);
	run_all();
	assert_int_equal(result.outcome, HTTP_ANSWERED);
	close(quiet[0]);
	close(loud[0]);
	close(loud[1]);
}

static void a_wait_ends_in_time(void **state)
{
	int64_t began = clock_boot_ms();

	(void)state;
	assert_int_equal(http_run(client, 50, NULL, 0), 0);
	assert_in_range(clock_boot_ms() - began, 40, 10000);
}

static void requests_in_flight_are_dropped_with_the_client(void **state)
{
	struct http_request request = get(PLAIN, "/slow?100");
	struct result result;

	(void)state;
	start(&request, &result);
	assert_int_equal(http_run(client, 0, NULL, 0), 1);
	http_client_free(client);
	assert_int_equal(result.calls, 0);
	http_client_free(NULL);
	assert_int_equal(new_client(NULL), 0);
}

/* ---- Memory ---- */

static int post_once(struct result *result)
{
	static const char *const headers[] = { "A: b", NULL };
	struct http_request request = get(PLAIN, "/echo");
	struct http_client *mine;
	int ret = http_client_new(4, &mine, NULL);

	if (ret)
		return ret;
	request.method = "POST";
	request.headers = headers;
	request.body = "body";
	request.body_size = 4;
	ret = http_start(mine, &request, note, result, NULL);
	while (!ret && !result->calls) {
		if (http_run(mine, 1000, NULL, 0) < 0)
			ret = LH_EIO;
	}
	http_client_free(mine);
	return ret;
}

/* libcurl's own allocations fail here too. It may do without one, but an answer that is given must be
 * whole. */
static void each_failing_allocation_is_survived(void **state)
{
	bool more = true;

	(void)state;
	for (unsigned n = 1; more; n++) {
		struct result result = { .calls = 0 };
		int ret;

		fail_alloc_at(n);
		ret = post_once(&result);
		more = fail_alloc_stop();
		if (ret == 0 && result.calls != 1)
			fail_msg("allocation %u: called %d times", n, result.calls);
		if (result.calls && result.outcome == HTTP_ANSWERED &&
		    (result.status != 200 || !strstr(result.body, "\r\n\r\nbody")))
			fail_msg("allocation %u: \"%s\"", n, result.body);
		if (!more && (ret || result.outcome != HTTP_ANSWERED))
			fail_msg("without a failure: %d", ret);
		assert_true(n < 5000);
	}
}

int main(void)
{
#define WITH_CLIENT(test) cmocka_unit_test_setup_teardown(test, new_client, free_client)
	const struct CMUnitTest tests[] = {
		WITH_CLIENT(wrong_certificates_get_no_byte),
		WITH_CLIENT(trust_goes_with_the_request),
		WITH_CLIENT(nobody_listens),
		WITH_CLIENT(nobody_answers),
		WITH_CLIENT(a_name_that_does_not_exist),
		WITH_CLIENT(time_passes_in_the_queue_too),
		WITH_CLIENT(odd_requests_are_refused),
		WITH_CLIENT(a_get_has_no_body),
		WITH_CLIENT(a_login_in_the_url_is_refused),
		WITH_CLIENT(a_cancelled_request_takes_its_connection_along),
		WITH_CLIENT(a_request_is_cancelled_before_it_is_sent),
		WITH_CLIENT(done_may_start_others),
		WITH_CLIENT(done_may_cancel_another_that_has_ended),
		WITH_CLIENT(done_may_take_the_body),
		WITH_CLIENT(another_descriptor_ends_the_wait),
		WITH_CLIENT(a_wait_ends_in_time),
		WITH_CLIENT(requests_in_flight_are_dropped_with_the_client),
		WITH_CLIENT(each_failing_allocation_is_survived),
	};

	return cmocka_run_group_tests(tests, start_server, stop_server);
}
