/* SPDX-License-Identifier: Apache-2.0 */
/* One call of a conversation, with an HTTP client that answers what the test says. It proves when a
 * call is made, and when it must not be any more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "broker/exchange.h"
#include "conf/conf.h"
#include "http/http.h"
#include "sign/sign.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/shared.h"

#define SECOND INT64_C(1000)

/* ---- The client ---- */

static struct {
	int ret; /* of a start */
	unsigned started;
	http_done done;
	void *context;
	int64_t timeout_ms;
	char url[64], body[64];
} web;

int http_start(struct http_client *client, const struct http_request *request, http_done done,
	       void *context, struct http_transfer **transfer_out)
{
	(void)client;
	(void)transfer_out;
	web.started++;
	web.done = done;
	web.context = context;
	web.timeout_ms = request->timeout_ms;
	err_text(web.url, sizeof(web.url), "%s", request->url);
	err_text(web.body, sizeof(web.body), "%.*s", (int)request->body_size,
		 request->body ? (const char *)request->body : "");
	return web.ret;
}

void http_cancel(struct http_client *client, struct http_transfer *transfer)
{
	(void)client;
	(void)transfer;
}

static void answer(enum http_outcome outcome, int status, int64_t retry_after_ms)
{
	struct http_answer http = {
		.outcome = outcome,
		.status = status,
		.retry_after_ms = retry_after_ms,
	};

	web.done(web.context, &http);
}

/* ---- The clock ---- */

static int64_t later;

int64_t __real_clock_boot_ms(void);
int64_t __wrap_clock_boot_ms(void);

int64_t __wrap_clock_boot_ms(void)
{
	return __real_clock_boot_ms() + later;
}

/* ---- One exchange ---- */

static char path[] = "/path", endpoint[] = "http://127.0.0.1";
static struct conf_engine conf;
static struct slot slot;
static const struct call call = {
	.method = "GET", .path = path, .endpoint = ENDPOINT_METADATA, .body_is_text = true
};

static struct exchange *begin(int64_t time_ms)
{
	const struct exchange_terms terms = {
		.slot = &slot,
		.conf = &conf,
		.call = &call,
		.deadline = clock_boot_ms() + time_ms,
		.attempts = 3,
	};
	struct exchange *exchange = exchange_new(&terms);

	assert_non_null(exchange);
	return exchange;
}

/* Asks as if it were ms later. Whether the answer is still open. */
static bool turn(struct exchange *exchange, int64_t ms)
{
	int64_t next = INT64_MAX;

	return exchange_turn(exchange, clock_boot_ms() + ms, &next);
}

static enum answer_kind end(struct exchange *exchange)
{
	struct answer result;
	enum answer_kind kind;

	exchange_take_answer(exchange, &result);
	kind = result.kind;
	answer_clear(&result);
	exchange_free(exchange);
	return kind;
}

static int set_up(void **state)
{
	(void)state;
	memset(&web, 0, sizeof(web));
	later = 0;
	conf.metadata_endpoint = endpoint;
	conf.request_timeout = 10 * SECOND;
	return 0;
}

static void a_call_is_made_and_answered(void **state)
{
	struct exchange *exchange = begin(5 * SECOND);

	(void)state;
	assert_true(turn(exchange, 0));
	assert_true(turn(exchange, 0));
	assert_int_equal(web.started, 1);
	answer(HTTP_ANSWERED, 404, 0);
	assert_false(turn(exchange, 0));
	assert_int_equal(end(exchange), ANSWER_REFUSED);
}

/* A process that was stopped for a while must not begin what others already undo. */
static void no_call_is_begun_past_the_deadline(void **state)
{
	struct exchange *exchange = begin(0);

	(void)state;
	assert_false(turn(exchange, 0));
	assert_int_equal(web.started, 0);
	assert_int_equal(end(exchange), ANSWER_UNSENT);
}

static void no_call_takes_longer_than_to_the_deadline(void **state)
{
	struct exchange *exchange = begin(400);

	(void)state;
	assert_true(turn(exchange, 0));
	assert_in_range(web.timeout_ms, 1, 400);
	exchange_free(exchange);
}

static void what_is_sick_is_asked_again_in_a_while(void **state)
{
	struct exchange *exchange = begin(60 * SECOND);

	(void)state;
	assert_true(turn(exchange, 0));
	answer(HTTP_ANSWERED, 500, 0);
	assert_true(turn(exchange, 0));
	assert_int_equal(web.started, 1);
	assert_true(turn(exchange, SECOND));
	answer(HTTP_ANSWERED, 500, 0);
	assert_true(turn(exchange, 2 * SECOND));
	answer(HTTP_ANSWERED, 500, 0);
	assert_false(turn(exchange, 2 * SECOND));
	assert_int_equal(web.started, 3);
	assert_int_equal(end(exchange), ANSWER_SICK);
}

static void nothing_is_asked_again_past_the_deadline(void **state)
{
	struct exchange *exchange = begin(SECOND);

	(void)state;
	assert_true(turn(exchange, 0));
	answer(HTTP_ANSWERED, 503, 8 * SECOND);
	assert_false(turn(exchange, 0));
	assert_int_equal(web.started, 1);
	assert_int_equal(end(exchange), ANSWER_SICK);
}

/* That the cloud was sick tells more than that a repetition was cut short. */
static void nothing_is_asked_again_without_time_for_an_answer(void **state)
{
	struct exchange *exchange = begin(300);

	(void)state;
	assert_true(turn(exchange, 0));
	answer(HTTP_ANSWERED, 503, 0);
	assert_false(turn(exchange, 0));
	assert_int_equal(end(exchange), ANSWER_SICK);
}

/* It may have been executed, whatever keeps the next attempt from being made. */
static void a_lost_answer_counts_more_than_the_deadline(void **state)
{
	struct exchange *exchange = begin(60 * SECOND);

	(void)state;
	assert_true(turn(exchange, 0));
	answer(HTTP_UNSURE, 0, 0);
	later = 60 * SECOND;
	assert_false(turn(exchange, 0));
	assert_int_equal(web.started, 1);
	assert_int_equal(end(exchange), ANSWER_UNSURE);
}

static void what_was_surely_not_executed_is_not_unsure_at_the_deadline(void **state)
{
	struct exchange *exchange = begin(60 * SECOND);

	(void)state;
	assert_true(turn(exchange, 0));
	answer(HTTP_UNSENT, 0, 0);
	later = 60 * SECOND;
	assert_false(turn(exchange, 0));
	assert_int_equal(end(exchange), ANSWER_UNSENT);
}

/* ---- Signed calls ---- */

/* What the scheme was asked to sign, and what it makes of it. */
static struct {
	unsigned signs;
	bool keyless;
	char host[64], region[64];
	const char *query, *body;
} scheme;

static int sign(const struct sign_request *request, const struct sign_key *key, int64_t now,
		const char *nonce, struct signed_request *out)
{
	(void)now;
	(void)nonce;
	memset(out, 0, sizeof(*out));
	scheme.signs++;
	scheme.keyless = !key;
	err_text(scheme.host, sizeof(scheme.host), "%s", request->host);
	err_text(scheme.region, sizeof(scheme.region), "%s", request->region);
	buf_add_text(&out->query, scheme.query);
	buf_add_text(&out->body, scheme.body);
	return 0;
}

static const struct sign_scheme recorder = { "RECORDER", sign };
static const struct engine cloud = { .type = "cloud", .scheme = &recorder };
static const struct service service = { "sts", "1", ENDPOINT_STS };

static struct exchange *begin_signed(bool anonymous, const struct root_key *key)
{
	static struct call signed_call;
	struct exchange_terms terms = {
		.slot = &slot,
		.engine = &cloud,
		.conf = &conf,
		.key = key,
		.call = &signed_call,
		.deadline = clock_boot_ms() + 5 * SECOND,
		.attempts = 1,
	};

	signed_call = (struct call){ .service = &service, .action = "A", .anonymous = anonymous };
	conf.sts_endpoint = endpoint;
	memset(&scheme, 0, sizeof(scheme));
	scheme.query = scheme.body = "";
	return exchange_new(&terms);
}

static char key_id[] = "id", key_secret[] = "secret", region[] = "ap-guangzhou";
static const struct root_key key = { .id = key_id, .secret = key_secret };

static void what_the_scheme_made_is_sent(void **state)
{
	struct exchange *exchange = begin_signed(false, &key);

	(void)state;
	scheme.body = "{\"a\":1}";
	conf.region = region;
	assert_true(turn(exchange, 0));
	conf.region = NULL;
	assert_false(scheme.keyless);
	assert_string_equal(scheme.host, "127.0.0.1");
	assert_string_equal(scheme.region, "ap-guangzhou");
	assert_string_equal(web.url, "http://127.0.0.1/");
	assert_string_equal(web.body, "{\"a\":1}");
	exchange_free(exchange);
	exchange = begin_signed(false, &key);
	scheme.query = "a=1";
	assert_true(turn(exchange, 0));
	assert_string_equal(scheme.region, "");
	assert_string_equal(web.url, "http://127.0.0.1/?a=1");
	assert_string_equal(web.body, "");
	exchange_free(exchange);
}

static void a_login_is_made_without_a_key(void **state)
{
	struct exchange *exchange = begin_signed(true, NULL);

	(void)state;
	assert_true(turn(exchange, 0));
	assert_true(scheme.keyless);
	assert_int_equal(web.started, 1);
	exchange_free(exchange);
}

static void any_other_call_without_a_key_is_not_made(void **state)
{
	struct exchange *exchange = begin_signed(false, NULL);

	(void)state;
	assert_false(turn(exchange, 0));
	assert_int_equal(scheme.signs, 0);
	assert_int_equal(web.started, 0);
	assert_int_equal(end(exchange), ANSWER_UNSENT);
}

/* ---- Throttled calls ---- */

static void read_answer(int status, const json_t *json, struct answer *answer)
{
	(void)json;
	answer->kind = status == 429 ? ANSWER_THROTTLED : status == 200 ? ANSWER_OK : ANSWER_SICK;
	err_text(answer->code, sizeof(answer->code), "%s", status == 429 ? "Throttling" : "");
}

static const struct quota no_quotas[] = { { NULL, 0 } };
static const struct engine throttling = {
	.type = "throttling", .scheme = &recorder, .read_answer = read_answer, .quotas = no_quotas
};

/* A call that creates something and was answered with 429; the next attempt is on its way. */
static struct exchange *begin_throttled(struct shared *shared)
{
	static const struct call creating = { .service = &service,
					      .action = "Create",
					      .effect = CALL_CREATES };
	const struct exchange_terms terms = {
		.shared = shared,
		.slot = &slot,
		.engine = &throttling,
		.conf = &conf,
		.key = &key,
		.call = &creating,
		.pace = { .buckets = &shared->buckets,
			  .engine = &throttling,
			  .conf = &conf,
			  .use = BUCKET_ISSUE },
		.deadline = clock_boot_ms() + 20 * SECOND,
		.attempts = 3,
	};
	struct exchange *exchange = exchange_new(&terms);

	assert_non_null(exchange);
	conf.sts_endpoint = endpoint;
	scheme.query = scheme.body = "";
	assert_true(turn(exchange, 0));
	answer(HTTP_ANSWERED, 429, 3 * SECOND);
	later += 10 * SECOND;
	assert_true(turn(exchange, 0));
	assert_int_equal(web.started, 2);
	return exchange;
}

static void assert_told_of_throttling(struct exchange *exchange)
{
	struct answer result;

	exchange_take_answer(exchange, &result);
	assert_int_equal(result.kind, ANSWER_THROTTLED);
	assert_string_equal(result.code, "Throttling");
	assert_int_equal(result.retry_after_ms, 3 * SECOND);
	answer_clear(&result);
}

/* The last attempt began just before the deadline: that the cloud throttles is why time ran out. */
static void throttling_counts_more_than_an_attempt_cut_short(void **state)
{
	struct shared *shared = shared_new();
	struct exchange *exchange = begin_throttled(shared);

	(void)state;
	assert_false(exchange_unsure(exchange));
	later += 10 * SECOND;
	answer(HTTP_UNSURE, 0, 0);
	assert_false(turn(exchange, 0));
	assert_true(exchange_unsure(exchange));
	assert_told_of_throttling(exchange);
	exchange_free(exchange);
	shared_free(shared);
}

static void throttling_counts_more_than_the_deadline(void **state)
{
	struct shared *shared = shared_new();
	struct exchange *exchange = begin_throttled(shared);

	(void)state;
	answer(HTTP_ANSWERED, 429, 3 * SECOND);
	assert_true(turn(exchange, 0));
	later += 10 * SECOND;
	assert_false(turn(exchange, 0));
	assert_int_equal(web.started, 2);
	assert_false(exchange_unsure(exchange));
	assert_told_of_throttling(exchange);
	exchange_free(exchange);
	shared_free(shared);
}

/* An attempt is prepared while the last moment passes. */
static void throttling_counts_more_than_an_attempt_that_cannot_start_in_time(void **state)
{
	struct shared *shared = shared_new();
	struct exchange *exchange = begin_throttled(shared);

	(void)state;
	answer(HTTP_ANSWERED, 429, 3 * SECOND);
	later += 5 * SECOND;
	web.ret = LH_ETIMEOUT;
	assert_false(turn(exchange, 0));
	assert_int_equal(web.started, 3);
	assert_told_of_throttling(exchange);
	exchange_free(exchange);
	shared_free(shared);
}

/* What the cloud itself says, or does before the time is over, is the news. */
static void a_later_answer_counts_more_than_throttling(void **state)
{
	static const struct {
		const char *name;
		enum http_outcome outcome;
		int status;
		int64_t later;
		enum answer_kind kind;
	} cases[] = {
		{ "sick at the deadline", HTTP_ANSWERED, 500, 10 * SECOND, ANSWER_SICK },
		{ "done at the deadline", HTTP_ANSWERED, 200, 10 * SECOND, ANSWER_OK },
		{ "dropped shortly before it", HTTP_UNSURE, 0, 9900, ANSWER_UNSURE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct shared *shared = shared_new();
		struct exchange *exchange;

		web.started = 0;
		exchange = begin_throttled(shared);
		later += cases[i].later;
		answer(cases[i].outcome, cases[i].status, 0);
		assert_false(turn(exchange, 0));
		if (end(exchange) != cases[i].kind)
			fail_msg("%s: another answer", cases[i].name);
		shared_free(shared);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_call_is_made_and_answered, set_up),
		cmocka_unit_test_setup(no_call_is_begun_past_the_deadline, set_up),
		cmocka_unit_test_setup(no_call_takes_longer_than_to_the_deadline, set_up),
		cmocka_unit_test_setup(what_is_sick_is_asked_again_in_a_while, set_up),
		cmocka_unit_test_setup(nothing_is_asked_again_past_the_deadline, set_up),
		cmocka_unit_test_setup(nothing_is_asked_again_without_time_for_an_answer, set_up),
		cmocka_unit_test_setup(a_lost_answer_counts_more_than_the_deadline, set_up),
		cmocka_unit_test_setup(what_was_surely_not_executed_is_not_unsure_at_the_deadline,
				       set_up),
		cmocka_unit_test_setup(what_the_scheme_made_is_sent, set_up),
		cmocka_unit_test_setup(a_login_is_made_without_a_key, set_up),
		cmocka_unit_test_setup(any_other_call_without_a_key_is_not_made, set_up),
		cmocka_unit_test_setup(throttling_counts_more_than_an_attempt_cut_short, set_up),
		cmocka_unit_test_setup(throttling_counts_more_than_the_deadline, set_up),
		cmocka_unit_test_setup(
			throttling_counts_more_than_an_attempt_that_cannot_start_in_time, set_up),
		cmocka_unit_test_setup(a_later_answer_counts_more_than_throttling, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
