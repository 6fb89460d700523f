/* SPDX-License-Identifier: Apache-2.0 */
/* The Vault HTTP API: from a request to a reply, without knowing FastCGI. */
#ifndef API_API_H
#define API_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"

struct api;
struct broker;

/* Limits of outside input, in one place (nginx's configuration holds the same). */
#define API_BODY_MAX   (2 * 1024 * 1024)
#define API_PATH_MAX   4096
#define API_HEADER_MAX 8192
#define API_LIST_MAX   1000

/* Everything is borrowed. "" where a parameter is absent, never NULL. */
struct api_request {
	const char *method;
	const char *path;  /* DOCUMENT_URI: decoded and normalised by nginx, "/v1/…" */
	const char *query; /* QUERY_STRING, still encoded */
	const char *content_type;
	const char *accept; /* LH_ACCEPT */
	const void *body;
	size_t body_size;
	const char *remote_address;
	const char *token;         /* LH_TOKEN */
	const char *authorization; /* LH_AUTHORIZATION */
	const char *namespace;
	const char *wrap_ttl;
	const char *vault_request;
	const char *request_id; /* of nginx, 32 hex digits; the reply's request_id is made of it */
	const char *uri;        /* REQUEST_URI: as the client sent it */
	/* Who the web server says asks, see identity.h; texts of outside in any form. */
	const char *auth_method, *auth_name, *auth_secret;
	const char *tls_verify;      /* of nginx: "SUCCESS", "NONE", "FAILED:reason" */
	const char *tls_cert;        /* PEM, percent-encoded */
	bool trusted;                /* the listener believes identities */
	const char *prefix;          /* that the web server takes off the path */
	bool handed_on;              /* asked by way of X-Accel-Redirect */
	int64_t deadline;            /* boot ms by which the reply must be ready */
	bool (*gone)(void *context); /* whether the client has left; may be NULL */
	void *context;
};

#define API_REPLY_HEADERS 4

struct api_reply {
	int status;
	bool hand_on;     /* no reply: the work pool must answer */
	struct buf body;  /* JSON, or empty */
	const char *type; /* of the body; a literal; NULL: JSON */
	struct {
		const char *name; /* literal */
		char value[64];
	} headers[API_REPLY_HEADERS]; /* further ones; a NULL name ends them */
};

/* Which pool this process belongs to: a read process hands on what it must not do itself. */
enum api_pool { API_READ, API_WORK, API_BOTH };

/* broker: borrowed, outlives it. 0 or LH_ENOMEM. */
int api_new(struct broker *broker, enum api_pool pool, struct api **api_out);
void api_free(struct api *api);

/* Answers one request. Never fails: errors are replies. The reply is the caller's, to be freed with
 * api_reply_clear (it wipes). After it was sent, or could not be, api_sent and then api_settle must
 * be called. */
void api_serve(struct api *api, const struct api_request *request, struct api_reply *reply);

/* Says whether the whole reply was flushed to the web server. Nothing that takes time: the web server
 * may still wait for the connection's end. */
void api_sent(struct api *api, bool flushed);

/* Writes down what follows from that: a credential that was sent is confirmed, one that nobody
 * received is revoked. No-op when the last reply held none. */
void api_settle(struct api *api);

void api_reply_clear(struct api_reply *reply);

/* A reply without a handler, for what the FastCGI layer refuses itself: {"errors":[text]}. */
void api_reply_error(struct api_reply *reply, int status, const char *text);

#endif
