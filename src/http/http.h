/* SPDX-License-Identifier: Apache-2.0 */
/* An HTTP client that performs any number of requests at once on kept-alive connections. One client
 * lives in each process, made after the fork. The only user of libcurl.
 *
 * Certificates are always verified, redirects are never followed, no proxy is used, answers over
 * HTTP_BODY_MAX are refused, and every request has a timeout. */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"

struct http_client;
struct http_transfer;
struct err;
struct pollfd;

#define HTTP_BODY_MAX (1024 * 1024)

/* Everything is borrowed until http_start returns. */
struct http_request {
	const char *method;         /* "GET", "POST", "PUT" */
	const char *url;            /* http: or https:, sent as it is */
	const char *const *headers; /* "Name: value" texts, NULL-terminated; may be NULL */
	const void *body;           /* NULL: an empty one */
	size_t body_size;
	const char *ca_file; /* "" or NULL: the system's */
	int64_t connect_timeout_ms;
	int64_t timeout_ms; /* the whole request */
};

enum http_outcome {
	HTTP_ANSWERED, /* there is a status and a whole body */
	HTTP_UNSENT,   /* no byte of the request left: no connection, bad certificate */
	HTTP_UNSURE,   /* it may have been executed: timeout, connection lost, broken answer */
};

struct http_answer {
	enum http_outcome outcome;
	int status;             /* with HTTP_ANSWERED */
	struct buf body;        /* wiped after `done` returns, unless taken from here */
	int64_t date;           /* the Date header, seconds since 1970; 0 if none */
	int64_t retry_after_ms; /* x-acs-retry-after (ms) or Retry-After (s); 0 if none */
	bool timed_out;         /* with HTTP_UNSURE: its time was over before an answer was whole */
	char error[256];        /* otherwise: why, without any secret */
};

/* Called once for each started request, from http_run. May start others. */
typedef void (*http_done)(void *context, struct http_answer *answer);

/* 0, LH_ENOMEM or LH_EIO. Once per process, after the fork. max_connections bounds open ones. */
int http_client_new(size_t max_connections, struct http_client **client_out, struct err *err);

/* Drops requests in flight without calling `done`. NULL is allowed. */
void http_client_free(struct http_client *client);

/* Starts a request; nothing is sent before the next http_run. transfer_out (may be NULL) names it for
 * http_cancel until `done` was called. 0, LH_EINVAL (an unknown method, a URL or header with a control
 * character in it), LH_ETIMEOUT (timeout_ms is not positive), LH_ENOMEM. After an error `done` is not
 * called. */
int http_start(struct http_client *client, const struct http_request *request, http_done done,
	       void *context, struct http_transfer **transfer_out);

/* Ends a request without calling `done`; what the server does with it is unknown. */
void http_cancel(struct http_client *client, struct http_transfer *transfer);

#define HTTP_EXTRA_MAX 8

/* Moves all requests on, waiting at most timeout_ms for something to happen on them or for one of
 * the extra descriptors to become readable (at most HTTP_EXTRA_MAX; revents are set as by poll);
 * calls `done` for what has ended. Returns early when something ended or a signal came. The number
 * still in flight, or LH_EIO. */
int http_run(struct http_client *client, int64_t timeout_ms, struct pollfd *extra,
	     size_t extra_count);

#endif
