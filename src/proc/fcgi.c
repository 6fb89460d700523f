/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/fcgi.h"

#include <fcgiapp.h>
#include <limits.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proc/reply.h"
#include "util/buf.h"
#include "util/err.h"
#include "util/log.h"
#include "util/text.h"
#include "util/wipe.h"

#define BLOCK_SIZE 16384

struct fcgi {
	FCGX_Request request;
	struct buf body;
	bool unread;       /* bytes of the peer are left, or lost: never keep it */
	bool without_body; /* HEAD */
};

/* How long libfcgi waits, at each close, for a peer that keeps its end open. nginx closes at once;
 * the library's own 2 s would hold up a worker that serves many connections. Read by FCGX_Init. */
#define CLOSE_POLL_VARIABLE "LIBFCGI_OS_CLOSE_POLL_TIMEOUT"
#define CLOSE_POLL_MS       "100"

int fcgi_init(void)
{
	if (setenv(CLOSE_POLL_VARIABLE, CLOSE_POLL_MS, 1) != 0 || FCGX_Init() != 0)
		return LH_EIO;
	return 0;
}

struct fcgi *fcgi_new(int fd)
{
	struct fcgi *fcgi = calloc(1, sizeof(*fcgi));

	if (!fcgi) {
		close(fd);
		return NULL;
	}
	/* No listener of its own: after a bad peer it fails with EBADF instead of accepting. */
	FCGX_InitRequest(&fcgi->request, -1, 0);
	fcgi->request.ipcFd = fd;
	/* FCGX_Accept_r first ends the previous request, and would close the connection with it. */
	fcgi->request.keepConnection = 1;
	return fcgi;
}

/* ---- Parameters ---- */

static const struct {
	const char *name;
	size_t offset;
} parameters[] = {
	{ "REQUEST_METHOD", offsetof(struct api_request, method) },
	{ "DOCUMENT_URI", offsetof(struct api_request, path) },
	{ "QUERY_STRING", offsetof(struct api_request, query) },
	{ "CONTENT_TYPE", offsetof(struct api_request, content_type) },
	{ "REMOTE_ADDR", offsetof(struct api_request, remote_address) },
	{ "LH_ACCEPT", offsetof(struct api_request, accept) },
	{ "LH_TOKEN", offsetof(struct api_request, token) },
	{ "LH_AUTHORIZATION", offsetof(struct api_request, authorization) },
	{ "LH_NAMESPACE", offsetof(struct api_request, namespace) },
	{ "LH_WRAP_TTL", offsetof(struct api_request, wrap_ttl) },
	{ "LH_VAULT_REQUEST", offsetof(struct api_request, vault_request) },
	{ "LH_REQUEST_ID", offsetof(struct api_request, request_id) },
	{ "REQUEST_URI", offsetof(struct api_request, uri) },
	{ "LH_AUTH_METHOD", offsetof(struct api_request, auth_method) },
	{ "LH_AUTH_NAME", offsetof(struct api_request, auth_name) },
	{ "LH_AUTH_SECRET", offsetof(struct api_request, auth_secret) },
	{ "LH_TLS_VERIFY", offsetof(struct api_request, tls_verify) },
	{ "LH_TLS_CERT", offsetof(struct api_request, tls_cert) },
};

#define PARAMETERS (sizeof(parameters) / sizeof(parameters[0]))

/* Length of the name in "NAME=value". */
static size_t name_size(const char *parameter)
{
	return strcspn(parameter, "=");
}

static bool same_name(const char *a, const char *b)
{
	size_t size = name_size(a);

	return size == name_size(b) && memcmp(a, b, size) == 0;
}

/* Why a request is not served. text NULL: it is. */
struct fault {
	int status;
	const char *text;
};

/* Who asks is somebody else's word: what is wrong with it is said as with any other forged one. */
static bool is_assertion(const char *parameter)
{
	return text_starts_with(parameter, "LH_AUTH_");
}

static struct fault find_double(char **envp, size_t i)
{
	for (size_t k = 0; k < i; k++) {
		if (!same_name(envp[k], envp[i]))
			continue;
		if (!is_assertion(envp[i]))
			return (struct fault){ 400, "a parameter occurs twice" };
		log_warn("identity: a request is refused: a parameter LH_AUTH_… occurs twice");
		return (struct fault){ 403, "permission denied" };
	}
	return (struct fault){ 0, NULL };
}

/* Why the parameters must not be believed. The web server sends each of them once: anything else is
 * somebody who tries what we make of it. */
static struct fault find_fault(char **envp)
{
	struct fault fault = { 0, NULL };

	for (size_t i = 0; envp[i] && !fault.text; i++) {
		if (i == FCGI_PARAMETERS_MAX)
			return (struct fault){ 400, "too many parameters" };
		fault = find_double(envp, i);
	}
	return fault;
}

/* The texts of an assertion are looked at where it is (api/assertion.c). */
static bool is_clean(char **envp)
{
	for (size_t i = 0; envp[i]; i++)
		if (!is_assertion(envp[i]) && !text_is_printable(envp[i], strlen(envp[i])))
			return false;
	return true;
}

/* "" if it is absent. */
static const char *get(const struct fcgi *fcgi, const char *name)
{
	const char *value = FCGX_GetParam(name, fcgi->request.envp);

	return value ? value : "";
}

/* nginx's $request_id is 32 hex digits; anything else would only confuse whoever greps for it. */
static const char *clean_id(const char *id)
{
	unsigned char bytes[16];

	return text_unhex(id, bytes, sizeof(bytes)) == 0 ? id : "";
}

static void fill(const struct fcgi *fcgi, struct api_request *request)
{
	memset(request, 0, sizeof(*request));
	request->prefix = "";
	for (size_t i = 0; i < PARAMETERS; i++) {
		const char *value = get(fcgi, parameters[i].name);

		memcpy((char *)request + parameters[i].offset, &value, sizeof(value));
	}
	request->request_id = clean_id(request->request_id);
}

/* ---- Body ---- */

/* Digits alone. Returns 0, LH_EINVAL, or LH_ERANGE over the limit. */
static int body_length(const char *text, size_t *length_out)
{
	size_t length = 0;

	*length_out = 0;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return LH_EINVAL;
		length = length * 10 + (size_t)(*text - '0');
		if (length > API_BODY_MAX)
			length = API_BODY_MAX + 1; /* go on: what follows may be no digit */
	}
	*length_out = length;
	return length > API_BODY_MAX ? LH_ERANGE : 0;
}

/* Exactly `length` bytes and then the end: libfcgi holds nobody to CONTENT_LENGTH, and what is left
 * over would be taken for the next request. */
static bool read_body(struct fcgi *fcgi, size_t length)
{
	FCGX_Stream *in = fcgi->request.in;
	char block[BLOCK_SIZE];
	bool whole;

	while (length > 0) {
		size_t want = length < sizeof(block) ? length : sizeof(block);
		int size = FCGX_GetStr(block, (int)want, in);

		if (size <= 0)
			break;
		buf_add(&fcgi->body, block, (size_t)size);
		length -= (size_t)size;
	}
	wipe(block, sizeof(block));
	whole = length == 0 && FCGX_GetChar(in) == EOF;
	return whole && FCGX_GetError(in) == 0;
}

/* ---- A request ---- */

static enum fcgi_outcome refuse(struct api_reply *refusal, int status, const char *text)
{
	memset(refusal, 0, sizeof(*refusal));
	api_reply_error(refusal, status, text);
	return FCGI_REFUSED;
}

/* Closes without a word, not even the end of the request. */
static enum fcgi_outcome lose(struct fcgi *fcgi)
{
	FCGX_Free(&fcgi->request, 1);
	return FCGI_LOST;
}

/* Success alone says little: a list of parameters that was cut short is a success, too, and only the
 * stream knows better. */
static bool accept_request(struct fcgi *fcgi)
{
	fcgi->without_body = false;
	return FCGX_Accept_r(&fcgi->request) == 0 && FCGX_GetError(fcgi->request.in) == 0;
}

enum fcgi_outcome fcgi_read(struct fcgi *fcgi, struct api_request *request,
			    struct api_reply *refusal)
{
	struct fault fault;
	size_t length;
	int ret;

	fcgi->unread = true;
	if (!accept_request(fcgi))
		return lose(fcgi);
	fault = find_fault(fcgi->request.envp);
	if (fault.text)
		return refuse(refusal, fault.status, fault.text);
	fill(fcgi, request);
	fcgi->without_body = strcmp(request->method, "HEAD") == 0;
	if (strcmp(get(fcgi, "FCGI_ROLE"), "RESPONDER") != 0)
		return refuse(refusal, 400, "only the FastCGI role of a responder is served");
	if (!FCGX_GetParam("LH_END", fcgi->request.envp))
		return refuse(
			refusal, 400,
			"the web server's list of parameters is incomplete: LH_END is missing");
	ret = body_length(get(fcgi, "CONTENT_LENGTH"), &length);
	if (ret == LH_ERANGE)
		return refuse(refusal, 413, "request body too large");
	if (ret)
		return refuse(refusal, 400, "invalid content length");
	if (!read_body(fcgi, length))
		return lose(fcgi);
	fcgi->unread = false;
	/* The web server takes these from any client. It may use the connection for somebody else's
	 * request at the same moment: if we closed it, that one would be lost. */
	if (!is_clean(fcgi->request.envp))
		return refuse(refusal, 400, "a control character or invalid UTF-8 in the request");
	if (buf_error(&fcgi->body))
		return refuse(refusal, 500, "memory is out");
	request->body = buf_text(&fcgi->body);
	request->body_size = fcgi->body.size;
	return FCGI_COMPLETE;
}

/* The last stream to close writes what is buffered together with the end of the request. */
bool fcgi_send(struct fcgi *fcgi, const struct api_reply *reply)
{
	FCGX_Request *request = &fcgi->request;
	struct buf text = BUF_INIT;
	bool written = false;

	reply_format(reply, fcgi->without_body, &text);
	if (buf_error(&text) == 0 && text.size <= INT_MAX)
		written = FCGX_PutStr(text.data, (int)text.size, request->out) == (int)text.size;
	buf_free(&text);
	written &= FCGX_FClose(request->err) == 0;
	written &= FCGX_FClose(request->out) == 0;
	if (!written)
		fcgi->unread = true;
	return written;
}

bool fcgi_end(struct fcgi *fcgi, bool keep)
{
	FCGX_Request *request = &fcgi->request;

	if (fcgi->unread || !keep)
		request->keepConnection = 0;
	FCGX_Finish_r(request);
	buf_free(&fcgi->body);
	return request->ipcFd >= 0;
}

bool fcgi_gone(const struct fcgi *fcgi)
{
	struct pollfd fd = { .fd = fcgi->request.ipcFd, .events = POLLRDHUP };

	return poll(&fd, 1, 0) > 0 && (fd.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

int fcgi_fd(const struct fcgi *fcgi)
{
	return fcgi->request.ipcFd;
}

int fcgi_release(struct fcgi *fcgi)
{
	int fd = fcgi->request.ipcFd;

	fcgi->request.ipcFd = -1;
	fcgi_free(fcgi);
	return fd;
}

void fcgi_free(struct fcgi *fcgi)
{
	if (!fcgi)
		return;
	FCGX_Free(&fcgi->request, 1);
	buf_free(&fcgi->body);
	free(fcgi);
}
