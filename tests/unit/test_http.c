/* SPDX-License-Identifier: Apache-2.0 */
/* The client against tests/unit/http_server.py, whose paths say how it behaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fail_alloc.h"
#include "http/http.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/wipe.h"

enum port { PLAIN, TLS, TLS_NAME, TLS_CA, TLS_EXPIRED, PORTS };

static struct {
	pid_t pid;
	int keep_open; /* it ends when this is closed */
	int ports[PORTS];
	char ca_file[256];
	char other_ca_file[256];
} server;

static struct http_client *client;

/* ---- The server ---- */

static void run_server(int in, int out)
{
	const char *srcdir = getenv("srcdir");
	char path[1024];

	snprintf(path, sizeof(path), "%s/tests/unit/http_server.py", srcdir ? srcdir : ".");
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	execlp("python3", "python3", "-B", path, (char *)NULL);
	_exit(127);
}

static int start_server(void **state)
{
	int in[2], out[2], count;
	FILE *line;

	(void)state;
	if (pipe(in) || pipe(out))
		return -1;
	server.pid = fork();
	if (server.pid == 0) {
		close(in[1]);
		run_server(in[0], out[1]);
	}
	close(in[0]);
	close(out[1]);
	server.keep_open = in[1];
	line = fdopen(out[0], "r");
	count = fscanf(line, "%d %d %d %d %d %255s %255s", &server.ports[0], &server.ports[1],
		       &server.ports[2], &server.ports[3], &server.ports[4], server.ca_file,
		       server.other_ca_file);
	fclose(line);
	return count == PORTS + 2 ? 0 : -1;
}

static int stop_server(void **state)
{
	int status;

	(void)state;
	close(server.keep_open);
	return waitpid(server.pid, &status, 0) == server.pid && status == 0 ? 0 : -1;
}

static int new_client(void **state)
{
	(void)state;
	return http_client_new(16, &client, NULL);
}

static int free_client(void **state)
{
	(void)state;
	http_client_free(client);
	client = NULL;
	return 0;
}

/* ---- One request ---- */

struct result {
	int calls;
	enum http_outcome outcome;
	int status;
	char body[4096];
	size_t body_size;
	int64_t date;
	int64_t retry_after_ms;
	bool timed_out;
	char error[256];
};

static void note(void *context, struct http_answer *answer)
{
	struct result *result = context;

	result->calls++;
	result->outcome = answer->outcome;
	result->status = answer->status;
	result->body_size = answer->body.size;
	snprintf(result->body, sizeof(result->body), "%s", buf_text(&answer->body));
	result->date = answer->date;
	result->retry_after_ms = answer->retry_after_ms;
	result->timed_out = answer->timed_out;
	memcpy(result->error, answer->error, sizeof(result->error));
}

static const char *url_of(enum port port, const char *path)
{
	static char url[512];

	snprintf(url, sizeof(url), "%s://127.0.0.1:%d%s", port == PLAIN ? "http" : "https",
		 server.ports[port], path);
	return url;
}

static struct http_request get(enum port port, const char *path)
{
	return (struct http_request){ .method = "GET",
				      .url = url_of(port, path),
				      .ca_file = server.ca_file,
				      .connect_timeout_ms = 5000,
				      .timeout_ms = 10000 };
}

static void start(const struct http_request *request, struct result *result)
{
	memset(result, 0, sizeof(*result));
	assert_int_equal(http_start(client, request, note, result, NULL), 0);
}

static void run_all(void)
{
	int left;

	while ((left = http_run(client, 1000, NULL, 0)) > 0)
		;
	assert_int_equal(left, 0);
}

static void perform(const struct http_request *request, struct result *result)
{
	start(request, result);
	run_all();
	assert_int_equal(result->calls, 1);
}

static void fetch(enum port port, const char *path, struct result *result)
{
	struct http_request request = get(port, path);

	perform(&request, result);
}

static int connection_of(const struct result *result)
{
	int number = 0;

	assert_int_equal(result->outcome, HTTP_ANSWERED);
	assert_int_equal(sscanf(result->body, "connection %d.", &number), 1);
	return number;
}

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
		usleep(300000);
		fetch(port, "/ok", &second);
		assert_true(connection_of(&first) < connection_of(&second));
	}
}

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

#define WITH_CLIENT(test) cmocka_unit_test_setup_teardown(test, new_client, free_client)

int main(void)
{
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
