/* SPDX-License-Identifier: Apache-2.0 */
/* Conversations that wait for a quota or for their share, with a cloud that hangs or is not there. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "broker/pace.h"
#include "broker/talk.h"
#include "conf/conf.h"
#include "fake_engine.h"
#include "util/clock.h"
#include "util/shared.h"

#define TIME_MS 10000

static const struct quota quotas[] = { { "Rare", 5 }, { "*", 70 }, { "Common", 300 }, { 0 } };
static const struct service service = { "fake", "1", ENDPOINT_USER };

static struct engine engine;
static struct conf_engine conf;
static struct shared *shared;
static struct talker *talker;

static int setup(void **state)
{
	struct err err = { "" };

	(void)state;
	engine = engine_fake;
	engine.quotas = quotas;
	memset(&conf, 0, sizeof(conf));
	shared = shared_new();
	assert_non_null(shared);
	assert_int_equal(talker_new(16, shared, &shared->slots[0], &talker, &err), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	talker_free(talker);
	shared_free(shared);
	json_decref(conf.quotas);
	return 0;
}

/* ---- Which quota ---- */

static void the_file_says_more_than_the_engine(void **state)
{
	static const struct {
		const char *file, *action;
		unsigned quota;
	} cases[] = {
		{ NULL, "Rare", 5 },
		{ NULL, "Common", 300 },
		{ NULL, "Other", 70 },
		{ "{\"Rare\": 8}", "Rare", 8 },
		{ "{\"Rare\": 8}", "Common", 300 },
		{ "{\"Rare\": 8}", "Other", 70 },
		{ "{\"Rare\": 8, \"*\": 9}", "Rare", 8 },
		{ "{\"Rare\": 8, \"*\": 9}", "Common", 9 },
		{ "{\"Rare\": 8, \"*\": 9}", "Other", 9 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		conf.quotas = cases[i].file ? json_loads(cases[i].file, 0, NULL) : NULL;
		if (pace_quota(&engine, &conf, cases[i].action) != cases[i].quota)
			fail_msg("%s: %s", cases[i].file ? cases[i].file : "no file",
				 cases[i].action);
		json_decref(conf.quotas);
	}
	conf.quotas = NULL;
}

static struct pace pace_of(const char *account)
{
	return (struct pace){ .buckets = &shared->buckets,
			      .engine = &engine,
			      .conf = &conf,
			      .account = account,
			      .use = BUCKET_REVOKE };
}

static size_t at_once(const struct pace *pace, const char *action)
{
	size_t count = 0;

	while (count < 100 && !pace_take(pace, action))
		count++;
	return count;
}

static void accounts_and_actions_are_counted_apart(void **state)
{
	struct pace one = pace_of("1"), two = pace_of("2"), none = pace_of(NULL);
	int64_t wait;

	(void)state;
	assert_int_equal(at_once(&one, "Rare"), 5);
	wait = pace_take(&one, "Rare");
	assert_in_range(wait, 1, 1040);
	assert_in_range(at_once(&one, "Other"), 70, 99);
	assert_int_equal(at_once(&two, "Rare"), 5);
	assert_int_equal(at_once(&none, "Rare"), 100);
}

static void throttling_is_heeded(void **state)
{
	struct pace pace = pace_of("1");

	(void)state;
	pace_throttled(&pace, "Rare", 600);
	assert_in_range(pace_take(&pace, "Rare"), 1, 600);
	assert_in_range(
		bucket_level(bucket_find(&shared->buckets, "fake", "1", "Rare"), clock_boot_us()),
		968, 999);
	assert_int_equal(
		bucket_level(bucket_find(&shared->buckets, "fake", "2", "Rare"), clock_boot_us()),
		1000);
}

/* ---- Conversations ---- */

/* One round of calls, and what came of it. */
struct chat {
	size_t calls;
	const char *action;
	int64_t delay_ms; /* before the round */
	bool plain; /* to a cloud that hangs; else without a key, which no attempt gets over */
	bool ended;
	struct answer first;
	int order;
};

static int ended;

static enum verdict advance(void *context, struct step *step)
{
	struct chat *chat = context;

	if (step->answer_count) {
		chat->first = step->answers[0];
		return STEP_DONE;
	}
	for (size_t i = 0; i < chat->calls; i++) {
		struct call *call = round_add(&step->next, chat->plain ? NULL : &service,
					      chat->action, CALL_READS, (int)i);

		call->endpoint = ENDPOINT_USER;
		call->method = "GET";
		call->path = chat->plain ? strdup("/") : NULL;
	}
	step->next.delay_ms = chat->delay_ms;
	return STEP_MORE;
}

static void done(void *context, const struct talk_end *end)
{
	struct chat *chat = context;

	(void)end;
	chat->ended = true;
	chat->order = ++ended;
}

static void start(struct chat *chat, struct share *share, int64_t time_ms)
{
	struct talk_terms terms = {
		.engine = &engine,
		.conf = &conf,
		.account = "1",
		.use = BUCKET_REVOKE,
		.share = share,
		.deadline = clock_boot_ms() + time_ms,
		.attempts = 1,
		.advance = advance,
		.done = done,
		.context = chat,
	};

	assert_int_equal(talk_start(talker, &terms), 0);
}

static void run_until(const bool *condition)
{
	int64_t end = clock_boot_ms() + TIME_MS;

	while (!*condition && clock_boot_ms() < end)
		assert_int_equal(talker_run(talker, 100, NULL, 0), 0);
	assert_true(*condition);
}

static void calls_wait_for_the_quota(void **state)
{
	struct chat chat = { .calls = 7, .action = "Rare" };
	int64_t begun = clock_boot_ms();

	(void)state;
	start(&chat, NULL, TIME_MS);
	run_until(&chat.ended);
	/* Five at once, the others behind the second that those have used up. */
	assert_in_range(clock_boot_ms() - begun, 1200, TIME_MS);
	assert_int_equal(chat.first.kind, ANSWER_UNSENT);
}

static void a_quota_that_comes_too_late_is_throttling(void **state)
{
	struct pace pace = pace_of("1");
	struct chat chat = { .calls = 1, .action = "Rare" };

	(void)state;
	at_once(&pace, "Rare");
	start(&chat, NULL, 50);
	run_until(&chat.ended);
	assert_int_equal(chat.first.kind, ANSWER_THROTTLED);
	assert_int_equal(chat.first.retry_after_ms, 1000);
	assert_string_equal(chat.first.reason, "the quota of the account was used up");
}

static void a_round_that_cannot_begin_in_time_is_not_waited_for(void **state)
{
	struct chat chat = { .calls = 2, .action = "Common", .delay_ms = 20 * TIME_MS };

	(void)state;
	start(&chat, NULL, 100);
	run_until(&chat.ended);
	assert_int_equal(chat.first.kind, ANSWER_UNSENT);
	assert_string_equal(chat.first.reason, "the time for the request is over");
}

static void who_came_first_goes_first(void **state)
{
	struct chat chats[4] = { { 0 } };

	(void)state;
	ended = 0;
	for (int i = 0; i < 4; i++) {
		chats[i] = (struct chat){ .calls = 3, .action = "Rare" };
		start(&chats[i], NULL, TIME_MS);
	}
	run_until(&chats[3].ended);
	for (int i = 0; i < 4; i++)
		assert_int_equal(chats[i].order, i + 1);
}

/* Whatever one share has in the line, another's turn comes after one of them. */
static void shares_take_turns(void **state)
{
	struct share crowd = { .most = 16 }, small = { .most = 16 };
	struct chat many[6] = { { 0 } }, two[2] = { { 0 } };

	(void)state;
	ended = 0;
	for (int i = 0; i < 6; i++) {
		many[i] = (struct chat){ .calls = 3, .action = "Rare" };
		start(&many[i], &crowd, TIME_MS);
	}
	run_until(&many[1].ended);
	for (int i = 0; i < 2; i++) {
		two[i] = (struct chat){ .calls = 1, .action = "Rare" };
		start(&two[i], &small, TIME_MS);
	}
	run_until(&many[5].ended);
	assert_int_equal(many[2].order, 3);
	assert_int_equal(two[0].order, 4);
	assert_int_equal(many[3].order, 5);
	assert_int_equal(two[1].order, 6);
	assert_int_equal(many[5].order, 8);
}

/* A listener that takes connections and never says a word. */
static int listen_mute(char *url, size_t size)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
	assert_int_equal(listen(fd, 64), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
	snprintf(url, size, "http://127.0.0.1:%u", ntohs(address.sin_port));
	return fd;
}

static void a_share_bounds_what_hangs(void **state)
{
	char url[64], nothing[] = "";
	int fd = listen_mute(url, sizeof(url));
	int64_t end = clock_boot_ms() + TIME_MS;
	struct share hung = { .most = 2 }, other = { .most = 2 };
	struct chat many = { .calls = 5, .action = "Rare", .plain = true };
	struct chat one = { .calls = 1, .action = "Rare" };

	(void)state;
	conf.user_endpoint = url;
	conf.ca_file = nothing;
	conf.request_timeout = TIME_MS;
	start(&many, &hung, TIME_MS);
	/* Calls that are made in one turn may begin in the next. */
	while (!hung.waiting && clock_boot_ms() < end)
		assert_int_equal(talker_run(talker, 10, NULL, 0), 0);
	assert_int_equal(hung.in_flight, 2);
	assert_int_equal(hung.waiting, 3);
	start(&one, &other, TIME_MS);
	run_until(&one.ended);
	assert_int_equal(hung.in_flight, 2);
	assert_int_equal(other.in_flight + other.waiting, 0);
	talker_free(talker);
	talker = NULL;
	assert_int_equal(hung.in_flight + hung.waiting, 0);
	close(fd);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_file_says_more_than_the_engine),
		TEST(accounts_and_actions_are_counted_apart),
		TEST(throttling_is_heeded),
		TEST(calls_wait_for_the_quota),
		TEST(a_quota_that_comes_too_late_is_throttling),
		TEST(a_round_that_cannot_begin_in_time_is_not_waited_for),
		TEST(who_came_first_goes_first),
		TEST(shares_take_turns),
		TEST(a_share_bounds_what_hangs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
