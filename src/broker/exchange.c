/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/dates.h"
#include "conf/conf.h"
#include "crypto/crypto.h"
#include "http/http.h"
#include "sign/sign.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/json.h"
#include "util/shared.h"
#include "util/wipe.h"

#define CONNECT_TIMEOUT_MS  5000
#define METADATA_TIMEOUT_MS 1000 /* it answers from the same machine, or there is none */
#define BACKOFF_FIRST_MS    200
#define BACKOFF_MAX_MS      8000
#define ATTEMPT_MIN_MS      250 /* what a repetition needs to be answered at all */

struct exchange {
	struct exchange_terms terms;
	struct http_transfer *transfer;
	struct answer answer;
	int64_t next_at;   /* boot ms of the next attempt */
	unsigned attempts; /* that ended without an answer */
	unsigned waits;    /* backoffs so far */
	bool waiting;      /* for the quota or its share, and counted there */
	bool held_up;      /* by the quota, since the last attempt */
	bool in_flight;
	bool answered;
	bool repeated;      /* an earlier attempt may have been executed: */
	struct answer lost; /* this was said of the last such one */
	bool throttled;     /* the cloud took an earlier attempt for one too many: */
	struct answer told; /* it said this */
	bool unsure;
};

struct exchange *exchange_new(const struct exchange_terms *terms)
{
	struct exchange *exchange = calloc(1, sizeof(*exchange));

	if (exchange)
		exchange->terms = *terms;
	return exchange;
}

/* ---- Its place in its share ---- */

static void set_waiting(struct exchange *exchange, bool waiting)
{
	struct share *share = exchange->terms.pace.share;

	if (share && waiting && !exchange->waiting)
		share->waiting++;
	if (share && !waiting && exchange->waiting)
		share->waiting--;
	exchange->waiting = waiting;
}

static void set_in_flight(struct exchange *exchange, bool in_flight)
{
	struct share *share = exchange->terms.pace.share;

	if (share && in_flight && !exchange->in_flight)
		share->in_flight++;
	if (share && !in_flight && exchange->in_flight)
		share->in_flight--;
	exchange->in_flight = in_flight;
}

static bool share_is_full(const struct exchange *exchange)
{
	const struct share *share = exchange->terms.pace.share;

	return share && share->most && share->in_flight >= share->most;
}

void exchange_free(struct exchange *exchange)
{
	if (!exchange)
		return;
	if (exchange->in_flight)
		http_cancel(exchange->terms.client, exchange->transfer);
	set_in_flight(exchange, false);
	set_waiting(exchange, false);
	answer_clear(&exchange->answer);
	free(exchange);
}

bool exchange_unsure(const struct exchange *exchange)
{
	return exchange->unsure;
}

void exchange_take_answer(struct exchange *exchange, struct answer *answer_out)
{
	*answer_out = exchange->answer;
	memset(&exchange->answer, 0, sizeof(exchange->answer));
	answer_out->tag = exchange->terms.call->tag;
	answer_out->action = exchange->terms.call->action;
	answer_out->repeated = exchange->repeated;
}

int root_key_copy(struct root_key *copy, const struct root_key *key)
{
	memset(copy, 0, sizeof(*copy));
	copy->id = wipe_copy(key->id, strlen(key->id));
	copy->secret = wipe_copy(key->secret, strlen(key->secret));
	if (key->token)
		copy->token = wipe_copy(key->token, strlen(key->token));
	copy->expires_at = key->expires_at;
	if (copy->id && copy->secret && (copy->token || !key->token))
		return 0;
	root_key_clear(copy);
	return LH_ENOMEM;
}

/* ---- What an answer means ---- */

static void settle(struct exchange *exchange, enum answer_kind kind, const char *reason)
{
	exchange->answer.kind = kind;
	if (reason)
		err_text(exchange->answer.reason, sizeof(exchange->answer.reason), "%s", reason);
	exchange->answered = true;
}

/* Whether the attempt that gave this answer may have been executed, now or later. */
static bool perhaps_executed(enum answer_kind kind)
{
	return kind == ANSWER_SICK || kind == ANSWER_UNSURE;
}

static bool may_repeat(const struct exchange *exchange)
{
	enum answer_kind kind = exchange->answer.kind;

	if (kind == ANSWER_THROTTLED)
		return true; /* not executed, and the deadline bounds it */
	if (kind != ANSWER_UNSENT && !perhaps_executed(kind))
		return false;
	if (perhaps_executed(kind) && exchange->terms.call->effect == CALL_ONCE)
		return false;
	return exchange->attempts < exchange->terms.attempts;
}

static int64_t backoff(struct exchange *exchange)
{
	unsigned shift = exchange->waits < 6 ? exchange->waits : 6;
	int64_t wait = BACKOFF_FIRST_MS << shift;
	uint16_t dice;

	exchange->waits++;
	if (exchange->answer.retry_after_ms > wait)
		wait = exchange->answer.retry_after_ms;
	wait = wait < BACKOFF_MAX_MS ? wait : BACKOFF_MAX_MS;
	random_bytes(&dice, sizeof(dice));
	return wait / 2 + wait * dice / 65536; /* half to one and a half: no two retry in step */
}

static void note_throttling(struct exchange *exchange)
{
	const struct answer *answer = &exchange->answer;

	pace_throttled(&exchange->terms.pace, exchange->terms.call->action, answer->retry_after_ms);
	exchange->throttled = true;
	exchange->told = *answer; /* it has no body */
}

/* Whether the attempt got no answer because our own deadline ended it. */
static bool cut_short(const struct exchange *exchange)
{
	return !exchange->answer.status && clock_boot_ms() >= exchange->terms.deadline;
}

/* Takes the answer as final, or plans another attempt inside the deadline. What an attempt that was
 * cut short may have done is remembered as unsure; the caller is told why time ran out. */
static void conclude(struct exchange *exchange)
{
	struct answer *answer = &exchange->answer;
	enum call_effect effect = exchange->terms.call->effect;
	int64_t wait;

	if (answer->kind != ANSWER_OK)
		slot_count(exchange->terms.slot, COUNT_CLOUD_ERRORS);
	if (perhaps_executed(answer->kind) && (effect == CALL_CREATES || effect == CALL_ONCE))
		exchange->unsure = true;
	if (answer->kind == ANSWER_THROTTLED)
		note_throttling(exchange);
	else
		exchange->attempts++;
	exchange->answered = true;
	if (exchange->throttled && cut_short(exchange))
		*answer = exchange->told;
	if (!may_repeat(exchange))
		return;
	wait = backoff(exchange);
	/* One that is cut short would tell less than the answer at hand. */
	if (clock_boot_ms() + wait + ATTEMPT_MIN_MS > exchange->terms.deadline)
		return;
	if (perhaps_executed(answer->kind)) {
		exchange->repeated = true;
		exchange->lost = *answer; /* it has no body */
	}
	exchange->answered = false;
	exchange->next_at = clock_boot_ms() + wait;
	answer_clear(answer);
}

/* A login is not signed, but the cloud answers it as any other call. */
static bool speaks_of_errors(const struct call *call)
{
	return call->service || call->endpoint != ENDPOINT_METADATA;
}

/* Metadata knows no error codes: 2xx or not. */
static void read_plain(const struct call *call, const struct http_answer *http, json_t *json,
		       struct answer *answer)
{
	bool good = http->status >= 200 && http->status < 300;

	answer->kind = good ? ANSWER_OK : http->status >= 500 ? ANSWER_SICK : ANSWER_REFUSED;
	if (!good) {
		snprintf(answer->code, sizeof(answer->code), "HTTP%d", http->status);
		return;
	}
	if (call->body_is_text)
		answer->body = json_stringn(buf_text(&http->body), http->body.size);
	else
		answer->body = json_incref(json);
	if (!answer->body) {
		answer->kind = ANSWER_UNSURE;
		err_text(answer->reason, sizeof(answer->reason), "an answer that is not %s",
			 call->body_is_text ? "text" : "JSON");
	}
}

static void read_http(struct exchange *exchange, const struct http_answer *http)
{
	const struct call *call = exchange->terms.call;
	struct answer *answer = &exchange->answer;
	json_t *json = NULL;

	if (call->service)
		dates_hear(exchange->terms.shared, exchange->terms.slot, http->date);
	if (json_read(buf_text(&http->body), http->body.size, &json, NULL) ||
	    !json_is_object(json)) {
		json_decref(json);
		json = NULL;
	}
	answer->status = http->status;
	answer->retry_after_ms = http->retry_after_ms;
	if (speaks_of_errors(call))
		exchange->terms.engine->read_answer(http->status, json, answer);
	else
		read_plain(call, http, json, answer);
	json_decref(json);
}

static void answered(void *context, struct http_answer *http)
{
	struct exchange *exchange = context;

	set_in_flight(exchange, false);
	exchange->transfer = NULL;
	answer_clear(&exchange->answer);
	if (http->outcome == HTTP_ANSWERED)
		read_http(exchange, http);
	else
		settle(exchange, http->outcome == HTTP_UNSENT ? ANSWER_UNSENT : ANSWER_UNSURE,
		       http->error);
	exchange->answer.slow = http->timed_out;
	conclude(exchange);
}

/* ---- Sending ---- */

static const char *endpoint_url(const struct conf_engine *conf, enum endpoint endpoint)
{
	switch (endpoint) {
	case ENDPOINT_USER: return conf->user_endpoint;
	case ENDPOINT_STS: return conf->sts_endpoint;
	case ENDPOINT_METADATA: return conf->metadata_endpoint;
	}
	return "";
}

static int64_t time_left(const struct exchange *exchange, int64_t most)
{
	int64_t left = exchange->terms.deadline - clock_boot_ms();

	return left < most ? left : most;
}

static int start(struct exchange *exchange, struct http_request *request, int64_t timeout)
{
	int ret;

	request->ca_file = exchange->terms.conf->ca_file;
	request->timeout_ms = time_left(exchange, timeout);
	request->connect_timeout_ms = time_left(exchange, CONNECT_TIMEOUT_MS);
	if (request->connect_timeout_ms > request->timeout_ms)
		request->connect_timeout_ms = request->timeout_ms;
	ret = http_start(exchange->terms.client, request, answered, exchange, &exchange->transfer);
	set_in_flight(exchange, !ret);
	return ret;
}

static int send_plain(struct exchange *exchange)
{
	const struct call *call = exchange->terms.call;
	const char *headers[] = { NULL, NULL, NULL };
	struct http_request request = { .method = call->method, .headers = headers };
	struct buf url = BUF_INIT;
	size_t count = 0;
	int ret;

	buf_printf(&url, "%s%s", endpoint_url(exchange->terms.conf, call->endpoint), call->path);
	if (call->header)
		headers[count++] = call->header;
	if (call->body)
		headers[count++] = "Content-Type: application/x-www-form-urlencoded";
	request.url = buf_text(&url);
	request.body = call->body;
	request.body_size = call->body ? strlen(call->body) : 0;
	ret = buf_error(&url);
	if (!ret)
		ret = start(exchange, &request,
			    call->endpoint == ENDPOINT_METADATA
				    ? METADATA_TIMEOUT_MS
				    : exchange->terms.conf->request_timeout);
	buf_free(&url);
	return ret;
}

/* The host as it is signed: what stands behind "https://". */
static const char *url_host(const char *url)
{
	const char *slashes = strstr(url, "://");

	return slashes ? slashes + 3 : url;
}

static int send_signed(struct exchange *exchange)
{
	const struct call *call = exchange->terms.call;
	const struct conf_engine *conf = exchange->terms.conf;
	const char *url = endpoint_url(conf, call->service->endpoint);
	const struct root_key *root = exchange->terms.key;
	struct sign_key key = { NULL, NULL, NULL };
	struct sign_request what = { .host = url_host(url),
				     .service = call->service->name,
				     .action = call->action,
				     .version = call->service->version,
				     .region = conf->region ? conf->region : "",
				     .params = call->params };
	struct signed_request wire = { 0 };
	struct http_request request = { .method = "POST" };
	struct buf full = BUF_INIT;
	char nonce[33];
	int ret;

	if (!call->anonymous)
		key = (struct sign_key){ root->id, root->secret, root->token };
	random_hex(nonce, 16);
	ret = exchange->terms.engine->scheme->sign(&what, call->anonymous ? NULL : &key,
						   clock_now(), nonce, &wire);
	if (ret)
		goto cleanup;
	buf_printf(&full, "%s/%s%s", url, wire.query.size ? "?" : "", buf_text(&wire.query));
	ret = buf_error(&full);
	if (ret)
		goto cleanup;
	request.url = buf_text(&full);
	request.headers = (const char *const *)wire.headers;
	request.body = wire.body.size ? buf_text(&wire.body) : NULL;
	request.body_size = wire.body.size;
	ret = start(exchange, &request, conf->request_timeout);
cleanup:
	buf_free(&full);
	signed_free(&wire);
	return ret;
}

/* A process that was stopped for a while must not begin what others already undo. What an earlier
 * attempt may have done counts more than what keeps the next one from being made. */
static void end_late(struct exchange *exchange)
{
	if (exchange->repeated) {
		exchange->answer = exchange->lost;
		exchange->answered = true;
	} else if (exchange->throttled) {
		exchange->answer = exchange->told;
		exchange->answered = true;
	} else if (exchange->held_up) {
		exchange->answer.retry_after_ms = 1000;
		settle(exchange, ANSWER_THROTTLED, "the quota of the account was used up");
	} else {
		settle(exchange, ANSWER_UNSENT, "the time for the request is over");
	}
}

static void attempt(struct exchange *exchange)
{
	const struct call *call = exchange->terms.call;
	int ret;

	slot_count(exchange->terms.slot, COUNT_CLOUD_CALLS);
	if (call->service && !exchange->terms.key && !call->anonymous)
		ret = LH_EINVAL;
	else
		ret = call->service ? send_signed(exchange) : send_plain(exchange);
	if (ret == LH_ETIMEOUT) /* the deadline came while it was signed */
		end_late(exchange);
	else if (ret)
		settle(exchange, ANSWER_UNSENT, err_name(ret));
}

/* Whether the next attempt may begin; it has taken what it needs then. What waits for its share is
 * asked again when one of the others has ended, for then the network wakes the talker. */
static bool may_begin(struct exchange *exchange, int64_t *next)
{
	const struct call *call = exchange->terms.call;
	int64_t wait = 0, again;

	if (share_is_full(exchange))
		return false;
	if (call->service)
		wait = pace_take(&exchange->terms.pace, call->action);
	exchange->held_up = wait > 0;
	again = clock_boot_ms() + wait;
	if (wait && again < *next)
		*next = again;
	return !wait;
}

bool exchange_turn(struct exchange *exchange, int64_t now, int64_t *next)
{
	if (exchange->answered)
		return false;
	if (exchange->in_flight)
		return true;
	if (clock_boot_ms() >= exchange->terms.deadline) {
		end_late(exchange);
		set_waiting(exchange, false);
		return false;
	}
	if (now < exchange->next_at) {
		*next = exchange->next_at < *next ? exchange->next_at : *next;
		return true;
	}
	set_waiting(exchange, !may_begin(exchange, next));
	if (!exchange->waiting)
		attempt(exchange);
	return !exchange->answered;
}
