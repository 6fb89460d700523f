/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/reply.h"

#include <stddef.h>

#include "api/api.h"
#include "util/buf.h"

static const struct {
	int status;
	const char *reason;
} reasons[] = {
	{ 200, "OK" },
	{ 202, "Accepted" },
	{ 204, "No Content" },
	{ 400, "Bad Request" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 409, "Conflict" },
	{ 412, "Precondition Failed" },
	{ 413, "Content Too Large" },
	{ 415, "Unsupported Media Type" },
	{ 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" },
	{ 500, "Internal Server Error" },
	{ 501, "Not Implemented" },
	{ 502, "Bad Gateway" },
	{ 503, "Service Unavailable" },
	{ 504, "Gateway Timeout" },
	{ 507, "Insufficient Storage" },
};

/* nginx sends on what follows the number: an empty reason would leave it out of the status line. */
static const char *reason_of(int status)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "Status";
}

static void add_headers(const struct api_reply *reply, struct buf *out)
{
	buf_printf(out, "Status: %d %s\r\n", reply->status, reason_of(reply->status));
	buf_printf(out, "Content-Type: %s\r\nCache-Control: no-store\r\n",
		   reply->type ? reply->type : "application/json");
	for (size_t i = 0; i < API_REPLY_HEADERS && reply->headers[i].name; i++)
		buf_printf(out, "%s: %s\r\n", reply->headers[i].name, reply->headers[i].value);
}

/* No further header: nginx would add it to those of the answer that it gets at the other place. */
static void hand_on(struct buf *out)
{
	buf_add_text(out, "Status: 200 OK\r\nX-Accel-Redirect: " REPLY_WORK_LOCATION "\r\n\r\n");
}

void reply_format(const struct api_reply *reply, bool without_body, struct buf *out)
{
	if (reply->hand_on) {
		hand_on(out);
		return;
	}
	add_headers(reply, out);
	if (without_body || reply->status == 204) {
		buf_add_text(out, "\r\n");
		return;
	}
	buf_printf(out, "Content-Length: %zu\r\n\r\n", reply->body.size);
	buf_add(out, reply->body.data, reply->body.size);
}
