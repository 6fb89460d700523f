/* SPDX-License-Identifier: Apache-2.0 */
/* One request: what libcurl is told, and what its end means.
 *
 * The question that matters is whether the server may have executed a request that was not answered.
 * CURLINFO_REQUEST_SIZE counts the bytes that were handed to the connection: while it is 0, nothing
 * was; from the first byte on, everything is possible. (A TLS record that left only in part cannot be
 * read by anybody.) libcurl adds the count up over its own repetitions. */
#include "http/http_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/err.h"
#include "util/text.h"
#include "util/wipe.h"

#define HEADER_BYTES_MAX   (64 * 1024)
#define IDLE_SECONDS_MAX   30L /* gateways drop idle connections: an old one is likely dead */
#define RETRY_AFTER_MAX_MS (24 * 3600 * 1000)
#define KEPT_BYTES_MAX     (16 * 1024)

/* ---- Callbacks ---- */

static bool is_on_kept_connection(const struct http_transfer *transfer)
{
	long made = 0;

	return !curl_easy_getinfo(transfer->easy, CURLINFO_NUM_CONNECTS, &made) && made == 0;
}

static long bytes_sent(const struct http_transfer *transfer)
{
	long sent = 0;

	curl_easy_getinfo(transfer->easy, CURLINFO_REQUEST_SIZE, &sent);
	return sent;
}

/* Called when the connection is ready. It is the second time if a kept connection died without an
 * answer and libcurl wants to send the request once more. The first copy may have been executed all
 * the same, and only the caller knows whether it may run twice. */
static int before_sending(void *context, char *address, char *own_address, int port, int own_port)
{
	struct http_transfer *transfer = context;

	(void)address;
	(void)own_address;
	if (bytes_sent(transfer) > 0) {
		transfer->refusal = "the connection was lost before an answer came";
		return CURL_PREREQFUNC_ABORT;
	}
	transfer->is_stale = is_on_kept_connection(transfer) &&
			     http_sockets_closed(transfer->sockets, own_port, port);
	return transfer->is_stale ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

static size_t take_body(char *data, size_t size, size_t count, void *context)
{
	struct http_transfer *transfer = context;
	struct buf *body = &transfer->answer.body;

	if (count > HTTP_BODY_MAX - body->size) {
		transfer->refusal = "the answer is too long";
		return 0;
	}
	buf_add(body, data, size * count);
	if (buf_error(body)) {
		transfer->refusal = "memory is out";
		return 0;
	}
	return size * count;
}

/* libcurl keeps headers, trailers and those of interim answers for us; all that is left is to bound
 * them. */
static size_t count_header(char *data, size_t size, size_t count, void *context)
{
	struct http_transfer *transfer = context;

	(void)data;
	transfer->header_bytes += size * count;
	if (transfer->header_bytes <= HEADER_BYTES_MAX)
		return size * count;
	transfer->refusal = "the answer's headers are too long";
	return 0;
}

/* ---- A handle ---- */

/* What is the same for all requests. Nonzero if libcurl takes an option ill. */
static unsigned set_fixed(struct http_transfer *transfer, struct http_sockets *sockets)
{
	CURL *easy = transfer->easy;
	unsigned bad = 0;

	bad |= curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
	bad |= curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->error);
	bad |= curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_sending);
	bad |= curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer);
	bad |= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
	bad |= curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
	bad |= curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, count_header);
	bad |= curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
	bad |= curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, http_socket_open);
	bad |= curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, sockets);
	bad |= curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, http_socket_close);
	bad |= curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, sockets);
	bad |= curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	/* A name server that does not answer is not waited for: the thread that asks it is left
	 * behind when the time of a request is over, and ends by itself. */
	bad |= curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	bad |= curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
	bad |= curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, IDLE_SECONDS_MAX);

	bad |= curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	bad |= curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	bad |= curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	bad |= curl_easy_setopt(easy, CURLOPT_PROXY, "");
	bad |= curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
	bad |= curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	bad |= curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	bad |= curl_easy_setopt(easy, CURLOPT_HTTP_CONTENT_DECODING, 0L);
	bad |= curl_easy_setopt(easy, CURLOPT_USERAGENT, "leasehold");

	bad |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
	bad |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
	bad |= curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	return bad;
}

struct http_transfer *http_transfer_new(struct http_sockets *sockets)
{
	struct http_transfer *transfer = calloc(1, sizeof(*transfer));

	if (!transfer)
		return NULL;
	transfer->sockets = sockets;
	transfer->easy = curl_easy_init();
	if (transfer->easy && !set_fixed(transfer, sockets))
		return transfer;
	http_transfer_free(transfer);
	return NULL;
}

void http_transfer_free(struct http_transfer *transfer)
{
	curl_easy_cleanup(transfer->easy);
	http_transfer_forget(transfer);
	buf_free(&transfer->body);
	buf_free(&transfer->answer.body);
	free(transfer);
}

static void forget_bytes(struct buf *buf)
{
	if (buf->capacity > KEPT_BYTES_MAX)
		buf_free(buf);
	else
		buf_clear(buf);
}

void http_transfer_forget(struct http_transfer *transfer)
{
	struct buf body;

	for (struct curl_slist *line = transfer->headers; line; line = line->next)
		wipe(line->data, strlen(line->data));
	curl_slist_free_all(transfer->headers);
	transfer->headers = NULL;
	forget_bytes(&transfer->body);
	forget_bytes(&transfer->answer.body);
	body = transfer->answer.body;
	transfer->answer = (struct http_answer){ .body = body };
	transfer->header_bytes = 0;
	transfer->refusal = NULL;
	transfer->is_stale = false;
	transfer->error[0] = '\0';
}

/* ---- A request ---- */

static bool is_url(const char *url)
{
	if (!text_starts_with(url, "http://") && !text_starts_with(url, "https://"))
		return false;
	for (; *url; url++) {
		if (*url <= ' ' || *url >= 0x7f)
			return false;
	}
	return true;
}

/* "Name: value" with a token for a name, and nothing that could begin another line. */
static bool is_header(const char *line)
{
	static const char token[] = "!#$%&'*+-.^_`|~0123456789"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	size_t name = strspn(line, token);

	return name > 0 && line[name] == ':' && text_is_printable(line, strlen(line));
}

static int add_header(struct http_transfer *transfer, const char *line)
{
	struct curl_slist *headers = curl_slist_append(transfer->headers, line);

	if (!headers)
		return LH_ENOMEM;
	transfer->headers = headers;
	return 0;
}

/* libcurl adds an Expect to long bodies and a content type to every one; we send what was signed. */
static int add_headers(struct http_transfer *transfer, const char *const *headers)
{
	bool has_type = false;
	int ret = add_header(transfer, "Expect:");

	for (; headers && *headers && !ret; headers++) {
		if (!is_header(*headers))
			return LH_EINVAL;
		has_type = has_type || strncasecmp(*headers, "content-type:", 13) == 0;
		ret = add_header(transfer, *headers);
	}
	if (!ret && !has_type)
		ret = add_header(transfer, "Content-Type:");
	return ret;
}

/* PUT goes the way of POST under another name: libcurl's own way would ask for the body piecemeal. */
static int set_method(struct http_transfer *transfer, const struct http_request *request)
{
	CURL *easy = transfer->easy;
	unsigned bad = 0;

	if (strcmp(request->method, "GET") == 0) {
		if (request->body_size > 0)
			return LH_EINVAL;
		bad |= curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, NULL);
		bad |= curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
		return bad ? LH_ENOMEM : 0;
	}
	if (strcmp(request->method, "POST") != 0 && strcmp(request->method, "PUT") != 0)
		return LH_EINVAL;
	buf_add(&transfer->body, request->body, request->body ? request->body_size : 0);
	if (buf_error(&transfer->body))
		return LH_ENOMEM;
	bad |= curl_easy_setopt(easy, CURLOPT_POST, 1L);
	bad |= curl_easy_setopt(easy, CURLOPT_POSTFIELDS, buf_text(&transfer->body));
	bad |= curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)transfer->body.size);
	bad |= curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
	return bad ? LH_ENOMEM : 0;
}

/* With a file of its own a request trusts nothing else: libcurl would add the system's folder. */
static unsigned set_trust(struct http_transfer *transfer, const char *ca_file,
			  const struct http_trust *trust)
{
	bool own = ca_file && *ca_file;
	unsigned bad = 0;

	bad |= curl_easy_setopt(transfer->easy, CURLOPT_CAINFO, own ? ca_file : trust->file);
	bad |= curl_easy_setopt(transfer->easy, CURLOPT_CAPATH, own ? NULL : trust->folder);
	return bad;
}

/* A timeout of 0 would be libcurl's own default. */
static long timeout(int64_t ms)
{
	return ms < 1 ? 1 : ms > 3600000 ? 3600000 : (long)ms;
}

int http_transfer_prepare(struct http_transfer *transfer, const struct http_request *request,
			  const struct http_trust *trust)
{
	CURL *easy = transfer->easy;
	unsigned bad = 0;
	int ret;

	if (!is_url(request->url))
		return LH_EINVAL;
	ret = add_headers(transfer, request->headers);
	if (!ret)
		ret = set_method(transfer, request);
	if (ret)
		return ret;
	bad |= curl_easy_setopt(easy, CURLOPT_URL, request->url);
	bad |= curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 0L);
	bad |= curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers);
	bad |= curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeout(request->timeout_ms));
	bad |= curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
				timeout(request->connect_timeout_ms));
	bad |= set_trust(transfer, request->ca_file, trust);
	return bad ? LH_ENOMEM : 0;
}

void http_transfer_use_fresh(struct http_transfer *transfer)
{
	transfer->is_stale = false;
	curl_easy_setopt(transfer->easy, CURLOPT_FRESH_CONNECT, 1L);
}

/* ---- An answer ---- */

/* A header of the last answer; NULL if it has none. Borrowed. */
static const char *header(const struct http_transfer *transfer, const char *name)
{
	struct curl_header *found;

	if (curl_easy_header(transfer->easy, name, 0, CURLH_HEADER, -1, &found))
		return NULL;
	return found->value;
}

static int64_t header_ms(const struct http_transfer *transfer, const char *name, int64_t unit_ms)
{
	const char *text = header(transfer, name);
	int64_t value;

	if (!text || text_int64(text, &value) || value <= 0)
		return 0;
	return value > RETRY_AFTER_MAX_MS / unit_ms ? RETRY_AFTER_MAX_MS : value * unit_ms;
}

static void read_headers(struct http_transfer *transfer)
{
	struct http_answer *answer = &transfer->answer;
	const char *date = header(transfer, "Date");

	answer->date = date ? curl_getdate(date, NULL) : 0;
	if (answer->date < 0)
		answer->date = 0;
	answer->retry_after_ms = header_ms(transfer, "x-acs-retry-after", 1);
	if (answer->retry_after_ms == 0)
		answer->retry_after_ms = header_ms(transfer, "Retry-After", 1000);
}

/* What libcurl takes for a whole answer but we do not; NULL if all is well. */
static const char *fault(const struct http_transfer *transfer, long status)
{
	const char *encoding = header(transfer, "Content-Encoding");

	if (status < 200 || status > 599)
		return "the answer's status is not of HTTP";
	if (encoding && strcasecmp(encoding, "identity") != 0)
		return "the answer is compressed though nobody asked for it";
	return NULL;
}

/* libcurl's words may hold names from a certificate of anybody's making. */
static void explain(struct http_transfer *transfer, CURLcode code)
{
	const char *text = transfer->refusal;
	char *to = transfer->answer.error;
	size_t left = sizeof(transfer->answer.error) - 1;

	if (!text)
		text = transfer->error[0] ? transfer->error : curl_easy_strerror(code);
	for (; *text && left > 0; text++, left--)
		*to++ = *text >= ' ' && *text < 0x7f ? *text : '?';
	*to = '\0';
}

void http_transfer_conclude(struct http_transfer *transfer, CURLcode code)
{
	struct http_answer *answer = &transfer->answer;
	long status = 0;

	curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	if (code == CURLE_OK && !transfer->refusal)
		transfer->refusal = fault(transfer, status);
	if (code == CURLE_OK && !transfer->refusal) {
		answer->outcome = HTTP_ANSWERED;
		answer->status = (int)status;
		read_headers(transfer);
		return;
	}
	buf_clear(&answer->body);
	answer->outcome = bytes_sent(transfer) > 0 ? HTTP_UNSURE : HTTP_UNSENT;
	answer->timed_out = answer->outcome == HTTP_UNSURE && code == CURLE_OPERATION_TIMEDOUT &&
			    !transfer->refusal;
	explain(transfer, code);
}
