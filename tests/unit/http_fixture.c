/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "http_fixture.h"

struct server server;

struct http_client *client;

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

int start_server(void **state)
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

int stop_server(void **state)
{
	int status;

	(void)state;
	close(server.keep_open);
	return waitpid(server.pid, &status, 0) == server.pid && status == 0 ? 0 : -1;
}

int new_client(void **state)
{
	(void)state;
	return http_client_new(16, &client, NULL);
}

int free_client(void **state)
{
	(void)state;
	http_client_free(client);
	client = NULL;
	return 0;
}

/* ---- One request ---- */

void note(void *context, struct http_answer *answer)
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

struct http_request get(enum port port, const char *path)
{
	return (struct http_request){ .method = "GET",
				      .url = url_of(port, path),
				      .ca_file = server.ca_file,
				      .connect_timeout_ms = 5000,
				      .timeout_ms = 10000 };
}

void start(const struct http_request *request, struct result *result)
{
	memset(result, 0, sizeof(*result));
	assert_int_equal(http_start(client, request, note, result, NULL), 0);
}

void run_all(void)
{
	int left;

	while ((left = http_run(client, 1000, NULL, 0)) > 0)
		;
	assert_int_equal(left, 0);
}

void perform(const struct http_request *request, struct result *result)
{
	start(request, result);
	run_all();
	assert_int_equal(result->calls, 1);
}

void fetch(enum port port, const char *path, struct result *result)
{
	struct http_request request = get(port, path);

	perform(&request, result);
}

int connection_of(const struct result *result)
{
	int number = 0;

	assert_int_equal(result->outcome, HTTP_ANSWERED);
	assert_int_equal(sscanf(result->body, "connection %d.", &number), 1);
	return number;
}
