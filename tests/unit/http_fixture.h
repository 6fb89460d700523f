/* SPDX-License-Identifier: Apache-2.0 */
/* A client, and the server of tests/unit/http_server.py, whose paths say how it behaves. */
#ifndef TESTS_HTTP_FIXTURE_H
#define TESTS_HTTP_FIXTURE_H

#include "http/http.h"

enum port { PLAIN, TLS, TLS_NAME, TLS_CA, TLS_EXPIRED, PORTS };

/* What `note` was told. */
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

struct server {
	pid_t pid;
	int keep_open; /* it ends when this is closed */
	int ports[PORTS];
	char ca_file[256];
	char other_ca_file[256];
};

extern struct server server;
extern struct http_client *client; /* of one test */

/* Of a group, of a test. */
int start_server(void **state);
int stop_server(void **state);
int new_client(void **state);
int free_client(void **state);

/* To be called at the end of a request; context: its struct result. */
void note(void *context, struct http_answer *answer);

/* A request that trusts the server; it may be changed. Good until the next one. */
struct http_request get(enum port port, const char *path);

/* Starts it; goes on until all have ended; both, for one. */
void start(const struct http_request *request, struct result *result);
void run_all(void);
void perform(const struct http_request *request, struct result *result);
void fetch(enum port port, const char *path, struct result *result);

/* The number of the connection by which it was answered. */
int connection_of(const struct result *result);

#endif
