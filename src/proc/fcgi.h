/* SPDX-License-Identifier: Apache-2.0 */
/* FastCGI: requests and replies on one connection. The only user of libfcgi.
 *
 * libfcgi's own way to accept spins or truncates when a signal comes, so connections are accepted by
 * us (peer.h) and handed to it with a use of its public fields that nothing documents;
 * tests/unit/test_fcgi.c pins what we rely on. Of the parameters only those that the web server's
 * allow-list sets are read, never HTTP_*. */
#ifndef PROC_FCGI_H
#define PROC_FCGI_H

#include <stdbool.h>
#include <stddef.h>

#include "api/api.h"

struct fcgi;

/* More parameters than nginx could send are not read one by one. */
#define FCGI_PARAMETERS_MAX 64

enum fcgi_outcome {
	FCGI_COMPLETE, /* the request is whole, its body too */
	FCGI_REFUSED,  /* it must not be served: *refusal says why */
	FCGI_LOST,     /* nothing can be said any more; end without a reply */
};

/* Prepares libfcgi in this process. It installs handlers for signals: signals_child comes after it.
 * 0 or LH_EIO. */
int fcgi_init(void);

/* Takes the connection fd. NULL if memory is out; fd is closed then. */
struct fcgi *fcgi_new(int fd);

/* Reads the next request. *request is zeroed and filled with texts that are good until fcgi_end; it
 * has no deadline yet. *refusal is set only with FCGI_REFUSED, for api_reply_clear. Returns within
 * the socket's own timeouts. */
enum fcgi_outcome fcgi_read(struct fcgi *fcgi, struct api_request *request,
			    struct api_reply *refusal);

/* Writes the whole reply, in one write if it is short. Whether all of it was flushed to the peer:
 * if not, nobody received it. */
bool fcgi_send(struct fcgi *fcgi, const struct api_reply *reply);

/* Ends the request. The connection stays open if `keep` is true, the peer wants it, and the request
 * was read to its end and answered: whether it is still open. */
bool fcgi_end(struct fcgi *fcgi, bool keep);

/* Whether the peer has closed the connection. */
bool fcgi_gone(const struct fcgi *fcgi);

int fcgi_fd(const struct fcgi *fcgi);

/* Frees it and gives back the connection, open, between two requests. */
int fcgi_release(struct fcgi *fcgi);

/* Closes the connection if it is open. NULL is allowed. */
void fcgi_free(struct fcgi *fcgi);

#endif
