/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_web.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define VERSION 1
#define ID      1

enum { BEGIN = 1, END = 3, PARAMS = 4, STDIN = 5, STDOUT = 6 };

#define WAIT_MS 60000

static void add_header(struct buf *out, int type, size_t size)
{
	const unsigned char header[8] = {
		VERSION,
		(unsigned char)type,
		0,
		ID,
		(unsigned char)(size >> 8),
		(unsigned char)size,
		0,
		0,
	};

	buf_add(out, header, sizeof(header));
}

static void add_record(struct buf *out, int type, const void *data, size_t size)
{
	const char *bytes = data;

	while (size > 0) {
		size_t piece = size < 0xffff ? size : 0xffff;

		add_header(out, type, piece);
		buf_add(out, bytes, piece);
		bytes += piece;
		size -= piece;
	}
}

void web_begin(struct buf *out, enum web_role role, bool keep)
{
	const unsigned char body[8] = { 0, (unsigned char)role, keep ? 1 : 0, 0, 0, 0, 0, 0 };

	add_record(out, BEGIN, body, sizeof(body));
}

static void add_length(struct buf *out, size_t size)
{
	if (size < 128)
		buf_add_u8(out, (uint8_t)size);
	else
		buf_add_u32(out, (uint32_t)size | 0x80000000u);
}

void web_param(struct buf *params, const char *name, const char *value)
{
	add_length(params, strlen(name));
	add_length(params, strlen(value));
	buf_add_text(params, name);
	buf_add_text(params, value);
}

void web_params(struct buf *out, const struct buf *params)
{
	add_record(out, PARAMS, params->data, params->size);
	add_header(out, PARAMS, 0);
}

void web_body(struct buf *out, const char *body)
{
	add_record(out, STDIN, body, strlen(body));
}

void web_body_end(struct buf *out)
{
	add_header(out, STDIN, 0);
}

void web_usual_params(struct buf *params, const char *method, const char *length)
{
	web_param(params, "REQUEST_METHOD", method);
	web_param(params, "DOCUMENT_URI", "/v1/sys/health");
	web_param(params, "QUERY_STRING", "help=1");
	web_param(params, "CONTENT_LENGTH", length);
	web_param(params, "REMOTE_ADDR", "192.0.2.7");
	web_param(params, "LH_TOKEN", "hvs.token");
	web_param(params, "LH_REQUEST_ID", "0123456789abcdef0123456789abcdef");
}

void web_request(struct buf *out, const char *method, const char *body, bool keep)
{
	struct buf params = BUF_INIT, length = BUF_INIT;

	buf_printf(&length, "%zu", strlen(body));
	web_usual_params(&params, method, body[0] ? buf_text(&length) : "");
	web_param(&params, "LH_END", "1");
	web_begin(out, WEB_RESPONDER, keep);
	web_params(out, &params);
	web_body(out, body);
	web_body_end(out);
	buf_free(&params);
	buf_free(&length);
}

void web_send(int fd, const struct buf *bytes)
{
	size_t sent = 0;

	while (sent < bytes->size) {
		ssize_t size = send(fd, bytes->data + sent, bytes->size - sent, MSG_NOSIGNAL);

		if (size <= 0)
			return;
		sent += (size_t)size;
	}
}

static bool read_all(int fd, void *out, size_t size)
{
	char *bytes = out;

	while (size > 0) {
		struct pollfd ready = { .fd = fd, .events = POLLIN };
		ssize_t got = poll(&ready, 1, WAIT_MS) > 0 ? read(fd, bytes, size) : -1;

		if (got <= 0)
			return false;
		bytes += got;
		size -= (size_t)got;
	}
	return true;
}

bool web_reply(int fd, struct buf *out)
{
	unsigned char header[8];
	char content[0xffff + 0xff];

	while (read_all(fd, header, sizeof(header))) {
		size_t size = (size_t)header[4] << 8 | header[5];

		if (!read_all(fd, content, size + header[6]))
			return false;
		if (header[1] == STDOUT)
			buf_add(out, content, size);
		if (header[1] == END)
			return true;
	}
	return false;
}

bool web_is_closed(int fd)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	char byte;

	return poll(&ready, 1, WAIT_MS) > 0 && read(fd, &byte, 1) <= 0;
}
