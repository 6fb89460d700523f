/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share. */
#ifndef HTTP_HTTP_PRIV_H
#define HTTP_HTTP_PRIV_H

#include <curl/curl.h>

#include "http/http.h"

/* The open sockets of a client. */
struct http_sockets {
	int *fds;
	size_t count;
	size_t capacity;
};

/* One request and its answer, with a libcurl handle that is used again for later ones. */
struct http_transfer {
	struct http_transfer *next, **link; /* in the client's list of those in flight or at rest */
	CURL *easy;
	const struct http_sockets *sockets; /* the client's */
	http_done done;
	void *context;
	int64_t deadline;           /* boot ms */
	struct curl_slist *headers; /* libcurl reads them while it sends */
	struct buf body;            /* and this */
	struct http_answer answer;
	size_t header_bytes;
	const char *refusal; /* why we ended it ourselves; NULL */
	bool is_stale;       /* ended before it was sent, as the server had closed the connection */
	char error[CURL_ERROR_SIZE];
};

/* The certificates that libcurl trusts unless it is told otherwise; NULL for none. Borrowed. */
struct http_trust {
	const char *file;
	const char *folder;
};

/* New, without a request. NULL if memory is out or libcurl lacks an option. */
struct http_transfer *http_transfer_new(struct http_sockets *sockets);
void http_transfer_free(struct http_transfer *transfer);

/* Takes a request over. 0, LH_EINVAL or LH_ENOMEM; after an error http_transfer_forget is due. */
int http_transfer_prepare(struct http_transfer *transfer, const struct http_request *request,
			  const struct http_trust *trust);

/* Makes the next attempt open a connection of its own. */
void http_transfer_use_fresh(struct http_transfer *transfer);

/* Writes the answer of a request that has ended with this code. */
void http_transfer_conclude(struct http_transfer *transfer, CURLcode code);

/* Wipes the request and the answer. */
void http_transfer_forget(struct http_transfer *transfer);

/* For libcurl: context is a struct http_sockets, which outlives all handles. */
curl_socket_t http_socket_open(void *context, curlsocktype purpose, struct curl_sockaddr *address);
int http_socket_close(void *context, curl_socket_t fd);

/* Whether the server has closed the idle connection between these two ports. */
bool http_sockets_closed(const struct http_sockets *sockets, int own_port, int port);
void http_sockets_free(struct http_sockets *sockets);

/* Initialises libcurl with memory functions that wipe. Counted: each call needs its
 * curl_global_cleanup, and only the first one does anything. */
CURLcode http_memory_init(void);

#endif
