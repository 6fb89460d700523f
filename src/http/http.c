/* SPDX-License-Identifier: Apache-2.0 */
#include "http/http.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "http/http_priv.h"
#include "util/clock.h"
#include "util/err.h"

#define THREAD_STACK (512 * 1024)

struct http_client {
	CURLM *multi;
	struct http_transfer *in_flight;
	struct http_transfer *at_rest; /* without a request, for the next ones */
	size_t in_flight_count;
	struct http_sockets sockets;
	struct http_trust trust;
	struct http_transfer *first; /* owns what trust points to; never used for a request */
};

static void list_add(struct http_transfer **list, struct http_transfer *transfer)
{
	transfer->next = *list;
	transfer->link = list;
	if (transfer->next)
		transfer->next->link = &transfer->next;
	*list = transfer;
}

static void list_remove(struct http_transfer *transfer)
{
	*transfer->link = transfer->next;
	if (transfer->next)
		transfer->next->link = transfer->link;
}

static void list_free(struct http_transfer *list)
{
	for (struct http_transfer *next; list; list = next) {
		next = list->next;
		http_transfer_free(list);
	}
}

/* ---- The client ---- */

static unsigned set_limits(CURLM *multi, size_t max_connections)
{
	long max = max_connections < LONG_MAX ? (long)max_connections : LONG_MAX;
	unsigned bad = 0;

	bad |= (unsigned)curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, max);
	bad |= (unsigned)curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, max);
	bad |= (unsigned)curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, max);
	bad |= (unsigned)curl_multi_setopt(multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
	return bad;
}

/* An unused handle tells which certificates this libcurl was built to trust. */
static void find_trust(struct http_client *client)
{
	char *file = NULL, *folder = NULL;

	curl_easy_getinfo(client->first->easy, CURLINFO_CAINFO, &file);
	curl_easy_getinfo(client->first->easy, CURLINFO_CAPATH, &folder);
	client->trust = (struct http_trust){ file, folder };
}

/* libcurl asks name servers in threads. Many of those that wait in vain would use up the memory that
 * a worker may have, by their stacks of 8 MB alone. */
static void keep_threads_small(void)
{
	pthread_attr_t attributes;

	if (pthread_attr_init(&attributes))
		return;
	if (!pthread_attr_setstacksize(&attributes, THREAD_STACK))
		(void)pthread_setattr_default_np(&attributes);
	pthread_attr_destroy(&attributes);
}

static int prepare(struct err *err)
{
	CURLcode code;

	keep_threads_small();
	code = http_memory_init();
	if (code)
		return err_set(err, LH_EIO, "http: cannot start libcurl: %s",
			       curl_easy_strerror(code));
	return 0;
}

int http_client_new(size_t max_connections, struct http_client **client_out, struct err *err)
{
	struct http_client *client;
	int ret;

	*client_out = NULL;
	ret = prepare(err);
	if (ret)
		return ret;
	client = calloc(1, sizeof(*client));
	if (!client) {
		curl_global_cleanup();
		return err_set(err, LH_ENOMEM, "http: memory is out");
	}
	client->multi = curl_multi_init();
	client->first = http_transfer_new(&client->sockets);
	if (!client->multi || !client->first || set_limits(client->multi, max_connections)) {
		http_client_free(client);
		return err_set(err, LH_ENOMEM, "http: cannot make a client: memory is out");
	}
	find_trust(client);
	*client_out = client;
	return 0;
}

void http_client_free(struct http_client *client)
{
	if (!client)
		return;
	for (struct http_transfer *at = client->in_flight; at; at = at->next)
		curl_multi_remove_handle(client->multi, at->easy);
	list_free(client->in_flight);
	list_free(client->at_rest);
	if (client->first)
		http_transfer_free(client->first);
	curl_multi_cleanup(client->multi);
	http_sockets_free(&client->sockets);
	free(client);
	curl_global_cleanup();
}

/* ---- Starting and ending ---- */

static struct http_transfer *take_rested(struct http_client *client)
{
	struct http_transfer *transfer = client->at_rest;

	if (!transfer)
		return http_transfer_new(&client->sockets);
	list_remove(transfer);
	return transfer;
}

static void rest(struct http_client *client, struct http_transfer *transfer)
{
	http_transfer_forget(transfer);
	list_add(&client->at_rest, transfer);
}

int http_start(struct http_client *client, const struct http_request *request, http_done done,
	       void *context, struct http_transfer **transfer_out)
{
	struct http_transfer *transfer;
	int ret;

	if (transfer_out)
		*transfer_out = NULL;
	if (request->timeout_ms <= 0)
		return LH_ETIMEOUT;
	transfer = take_rested(client);
	if (!transfer)
		return LH_ENOMEM;
	ret = http_transfer_prepare(transfer, request, &client->trust);
	if (!ret && curl_multi_add_handle(client->multi, transfer->easy))
		ret = LH_ENOMEM;
	if (ret) {
		rest(client, transfer);
		return ret;
	}
	transfer->done = done;
	transfer->context = context;
	transfer->deadline = clock_boot_ms() + request->timeout_ms;
	list_add(&client->in_flight, transfer);
	client->in_flight_count++;
	if (transfer_out)
		*transfer_out = transfer;
	return 0;
}

/* Closes the connection too, if the answer is not complete: what came of it could be taken for the
 * next request's. */
static void take_out(struct http_client *client, struct http_transfer *transfer)
{
	curl_multi_remove_handle(client->multi, transfer->easy);
	list_remove(transfer);
	client->in_flight_count--;
}

void http_cancel(struct http_client *client, struct http_transfer *transfer)
{
	take_out(client, transfer);
	rest(client, transfer);
}

static void end(struct http_client *client, struct http_transfer *transfer, CURLcode code)
{
	http_transfer_conclude(transfer, code);
	take_out(client, transfer);
	transfer->done(transfer->context, &transfer->answer);
	rest(client, transfer);
}

/* A request that met a closed connection goes on a new one, where this cannot happen again. */
static bool start_over(struct http_client *client, struct http_transfer *transfer)
{
	if (!transfer->is_stale)
		return false;
	http_transfer_use_fresh(transfer);
	curl_multi_remove_handle(client->multi, transfer->easy);
	return !curl_multi_add_handle(client->multi, transfer->easy);
}

/* ---- Running ---- */

static struct http_transfer *find_overdue(struct http_client *client, int64_t now)
{
	for (struct http_transfer *at = client->in_flight; at; at = at->next) {
		if (at->deadline <= now)
			return at;
	}
	return NULL;
}

/* libcurl does not watch the time of requests that wait for a free connection, nor the time that a
 * machine was asleep. Searched anew after each, as `done` may start and cancel others. */
static size_t end_overdue(struct http_client *client)
{
	int64_t now = clock_boot_ms();
	struct http_transfer *transfer;
	size_t count = 0;

	while ((transfer = find_overdue(client, now))) {
		end(client, transfer, CURLE_OPERATION_TIMEDOUT);
		count++;
	}
	return count;
}

static size_t end_finished(struct http_client *client)
{
	size_t count = 0;
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(client->multi, &left))) {
		CURLcode code = message->data.result;
		struct http_transfer *transfer;
		char *owner = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &owner);
		transfer = (struct http_transfer *)(void *)owner;
		if (start_over(client, transfer))
			continue;
		end(client, transfer, code);
		count++;
	}
	return count;
}

/* Without waiting. How many have ended, or LH_EIO. */
static int move_on(struct http_client *client)
{
	size_t count;
	int running;

	if (curl_multi_perform(client->multi, &running))
		return LH_EIO;
	count = end_finished(client);
	return (int)(count + end_overdue(client));
}

static int wait_ms(const struct http_client *client, int64_t timeout_ms)
{
	int64_t now = clock_boot_ms(), wait = timeout_ms < INT_MAX ? timeout_ms : INT_MAX;

	for (const struct http_transfer *at = client->in_flight; at; at = at->next) {
		if (at->deadline - now < wait)
			wait = at->deadline - now;
	}
	return wait > 0 ? (int)wait : 0;
}

/* libcurl knows three events only and reports no others, so what it woke up for is asked again. */
static int wait_for_any(struct http_client *client, int timeout_ms, struct pollfd *extra,
			size_t extra_count)
{
	struct curl_waitfd waits[HTTP_EXTRA_MAX];

	assert(extra_count <= HTTP_EXTRA_MAX);
	for (size_t i = 0; i < extra_count; i++)
		waits[i] = (struct curl_waitfd){ .fd = extra[i].fd, .events = CURL_WAIT_POLLIN };
	if (curl_multi_poll(client->multi, waits, (unsigned)extra_count, timeout_ms, NULL))
		return LH_EIO;
	if (extra_count > 0 && poll(extra, extra_count, 0) < 0 && errno != EINTR)
		return LH_EIO;
	return 0;
}

int http_run(struct http_client *client, int64_t timeout_ms, struct pollfd *extra,
	     size_t extra_count)
{
	int ended = move_on(client);

	if (ended < 0)
		return ended;
	if (wait_for_any(client, ended ? 0 : wait_ms(client, timeout_ms), extra, extra_count))
		return LH_EIO;
	if (move_on(client) < 0)
		return LH_EIO;
	return (int)client->in_flight_count;
}
