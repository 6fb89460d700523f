/* SPDX-License-Identifier: Apache-2.0 */
/* A reply as the web server reads it: the head of CGI (RFC 3875, section 6), then the body. */
#ifndef PROC_REPLY_H
#define PROC_REPLY_H

#include <stdbool.h>

struct api_reply;
struct buf;

/* Where nginx asks again what the read pool must not do itself. */
#define REPLY_WORK_LOCATION "@leasehold_work"

/* Appends head and body. No body with 204, with hand_on, or without_body (HEAD). */
void reply_format(const struct api_reply *reply, bool without_body, struct buf *out);

#endif
