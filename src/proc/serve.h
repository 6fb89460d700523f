/* SPDX-License-Identifier: Apache-2.0 */
/* One request, from its connection to the end of its reply. */
#ifndef PROC_SERVE_H
#define PROC_SERVE_H

#include <stdbool.h>
#include <stdint.h>

struct api;
struct fcgi;
struct slot;

struct server {
	struct api *api;
	struct slot *slot;
	int64_t time_ms;    /* that a request may take */
	bool handed_on;     /* requests come by way of the read pool */
	bool trusted;       /* the listener believes identities */
	const char *prefix; /* that the web server takes off the path */
	bool keep;          /* connections, if the peer wants it */
};

/* Whether the connection is open for another request. Meanwhile the slot shows the deadline. */
bool serve(const struct server *server, struct fcgi *fcgi);

#endif
