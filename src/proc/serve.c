/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/serve.h"

#include <stddef.h>
#include <stdio.h>

#include "api/api.h"
#include "proc/fcgi.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/shared.h"

/* For flushing a reply that was ready in time; longer than the socket's own timeout. */
#define SEND_MS 4000

static void set_deadline(const struct server *server, int64_t deadline)
{
	slot_beat(server->slot);
	atomic_store(&server->slot->deadline, deadline);
}

static bool peer_gone(void *context)
{
	return fcgi_gone(context);
}

static bool send_reply(const struct server *server, struct fcgi *fcgi,
		       const struct api_reply *reply)
{
	set_deadline(server, clock_boot_ms() + SEND_MS);
	return fcgi_send(fcgi, reply);
}

static void answer(const struct server *server, struct fcgi *fcgi, struct api_request *request,
		   int64_t deadline)
{
	struct api_reply reply = { 0 };

	request->handed_on = server->handed_on;
	request->trusted = server->trusted;
	request->prefix = server->prefix;
	request->deadline = deadline;
	request->gone = peer_gone;
	request->context = fcgi;
	api_serve(server->api, request, &reply);
	if (!reply.hand_on)
		slot_count(server->slot, COUNT_REQUESTS);
	api_sent(server->api, send_reply(server, fcgi, &reply));
	api_reply_clear(&reply);
}

static void refuse(const struct server *server, struct fcgi *fcgi, struct api_reply *refusal)
{
	log_info("request: refused with status %d before it was read", refusal->status);
	send_reply(server, fcgi, refusal);
	api_reply_clear(refusal);
}

bool serve(const struct server *server, struct fcgi *fcgi)
{
	int64_t deadline = clock_boot_ms() + server->time_ms;
	struct api_request request;
	struct api_reply refusal;
	char request_id[33] = ""; /* outlives the request's own */
	bool open = false;

	set_deadline(server, deadline);
	switch (fcgi_read(fcgi, &request, &refusal)) {
	case FCGI_COMPLETE:
		/* A queue hands out requests whose senders have given up long ago. */
		if (fcgi_gone(fcgi))
			break;
		snprintf(request_id, sizeof(request_id), "%s", request.request_id);
		log_set_request(request_id[0] ? request_id : NULL);
		answer(server, fcgi, &request, deadline);
		open = true;
		break;
	case FCGI_REFUSED:
		refuse(server, fcgi, &refusal);
		open = true;
		break;
	case FCGI_LOST: break;
	}
	/* The web server passes a reply on when its connection ends: what remains to be written down
	 * comes after that. */
	open = fcgi_end(fcgi, open && server->keep);
	api_settle(server->api);
	log_set_request(NULL);
	set_deadline(server, 0);
	return open;
}
