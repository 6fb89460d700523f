/* SPDX-License-Identifier: Apache-2.0 */
/* The web server's side of FastCGI, for tests: writes records, well-formed or not, and reads what
 * comes back. */
#ifndef TESTS_FAKE_WEB_H
#define TESTS_FAKE_WEB_H

#include <stdbool.h>
#include <stddef.h>

#include "util/buf.h"

enum web_role { WEB_RESPONDER = 1, WEB_AUTHORIZER = 2 };

/* Records of one request are appended to out. */
void web_begin(struct buf *out, enum web_role role, bool keep);
void web_param(struct buf *params, const char *name, const char *value);
void web_params(struct buf *out, const struct buf *params); /* and their end */
void web_body(struct buf *out, const char *body);           /* "" writes nothing */
void web_body_end(struct buf *out);

/* The parameters that nginx would send, without their end: add more, then web_params. */
void web_usual_params(struct buf *params, const char *method, const char *length);

/* A whole request with the usual parameters. */
void web_request(struct buf *out, const char *method, const char *body, bool keep);

/* Sends all of it; the socket must take it at once. */
void web_send(int fd, const struct buf *bytes);

/* Reads one whole reply and appends what was written to stdout. False when the connection ended
 * first. */
bool web_reply(int fd, struct buf *out);

/* Whether the peer has closed; waits a while for it. */
bool web_is_closed(int fd);

#endif
