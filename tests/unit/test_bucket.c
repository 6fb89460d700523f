/* SPDX-License-Identifier: Apache-2.0 */
/* The one promise: no second, wherever it begins, holds more calls than the quota. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "util/bucket.h"

#define SECOND INT64_C(1000000)
#define START  (1000 * SECOND)
#define CALLS  100000

/* A sequence that is the same at every run. */
static uint32_t dice(uint32_t sides)
{
	static uint64_t state = 88172645463325252u;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 32) % sides;
}

static int64_t sent[CALLS];
static size_t sent_count;

static void expect_quota(unsigned per_second, int64_t window)
{
	for (size_t i = per_second; i < sent_count; i++)
		if (sent[i] - sent[i - per_second] < window)
			fail_msg("%u a second: calls %zu and %zu are %lld µs apart", per_second,
				 i - per_second, i, (long long)(sent[i] - sent[i - per_second]));
}

/* Tries until it gets what it wants; each time it is awake up to `late` after the time it was told. */
static int64_t drain(struct bucket *bucket, unsigned per_second, enum bucket_use use, int64_t now,
		     size_t count, uint32_t late)
{
	while (count > 0 && sent_count < CALLS) {
		int64_t wait = bucket_take(bucket, per_second, use, now);

		if (!wait) {
			sent[sent_count++] = now;
			count--;
		} else {
			assert_true(wait > 0);
			now += wait + (late ? dice(late) : 0);
		}
	}
	return now;
}

static const unsigned quotas[] = { 1, 2, 3, 5, 10, 20, 97, 250, 600, 2000 };

#define QUOTAS (sizeof(quotas) / sizeof(quotas[0]))

static void a_backlog_uses_the_rate_and_no_more(void **state)
{
	(void)state;
	for (size_t i = 0; i < QUOTAS; i++) {
		struct bucket bucket = { 0 };
		int64_t end;

		sent_count = 0;
		end = drain(&bucket, quotas[i], BUCKET_REVOKE, START, 60 * quotas[i],
			    BUCKET_LATE_US);
		expect_quota(quotas[i], SECOND + BUCKET_SLACK_US - BUCKET_LATE_US - 20);
		/* In 60 seconds' worth of calls at least 96 % of 60 a second, or 98 % of that where
		 * the unit of time is coarse. */
		assert_true((end - START) * (quotas[i] < 1000 ? 96 : 94) <= 60 * SECOND * 100);
	}
}

/* Whatever comes whenever: bursts, trickles, long pauses, short ones. */
static void no_second_holds_more_than_the_quota(void **state)
{
	(void)state;
	for (size_t i = 0; i < QUOTAS; i++) {
		struct bucket bucket = { 0 };
		int64_t now = START;

		sent_count = 0;
		while (sent_count < 300 * quotas[i] && sent_count + 2 * quotas[i] < CALLS) {
			now = drain(&bucket, quotas[i], dice(2) ? BUCKET_ISSUE : BUCKET_REVOKE, now,
				    1 + dice(dice(3) ? 3 : 2 * quotas[i]), dice(2) ? 0 : 20000);
			now += dice(2) ? dice(1 + 2 * SECOND / quotas[i]) : dice(3 * SECOND / 2);
		}
		expect_quota(quotas[i], SECOND + BUCKET_SLACK_US - BUCKET_LATE_US - 20);
	}
}

static size_t at_once(struct bucket *bucket, unsigned per_second, enum bucket_use use, int64_t now)
{
	size_t count = 0;

	while (!bucket_take(bucket, per_second, use, now))
		count++;
	return count;
}

static void after_a_pause_a_second_s_calls_go_at_once(void **state)
{
	struct bucket bucket = { 0 }, fast = { 0 };

	(void)state;
	assert_in_range(at_once(&fast, 200, BUCKET_REVOKE, START), 199, 200);
	assert_int_equal(at_once(&bucket, 10, BUCKET_REVOKE, START), 10);
	/* They are paid for by a second without any. */
	assert_int_equal(at_once(&bucket, 10, BUCKET_REVOKE, START + SECOND), 0);
	assert_int_equal(at_once(&bucket, 10, BUCKET_REVOKE, START + SECOND + 40000), 1);
	/* And half a pause gives half of them. */
	assert_int_equal(at_once(&bucket, 10, BUCKET_REVOKE, START + SECOND + 40000 + 104000 * 6),
			 6);
}

static void a_wait_is_as_long_as_it_says(void **state)
{
	struct bucket bucket = { 0 };
	int64_t wait;

	(void)state;
	at_once(&bucket, 7, BUCKET_REVOKE, START);
	wait = bucket_take(&bucket, 7, BUCKET_REVOKE, START + 1);
	assert_true(bucket_take(&bucket, 7, BUCKET_REVOKE, START + wait - 10) > 0);
	assert_int_equal(bucket_take(&bucket, 7, BUCKET_REVOKE, START + wait), 0);
}

/* Issuing that never stops leaves a fifth, and takes no more than it is given. */
static void a_share_is_kept_for_revoking(void **state)
{
	struct bucket bucket = { 0 };
	size_t issued = 0, revoked = 0;

	(void)state;
	assert_int_equal(at_once(&bucket, 10, BUCKET_ISSUE, START), 8);
	assert_int_equal(at_once(&bucket, 10, BUCKET_REVOKE, START), 2);
	for (int64_t now = START + 2 * SECOND; now < START + 62 * SECOND; now += 500) {
		issued += bucket_take(&bucket, 10, BUCKET_ISSUE, now) == 0;
		revoked += bucket_take(&bucket, 10, BUCKET_REVOKE, now) == 0;
	}
	assert_in_range(issued + revoked, 575, 600);
	assert_in_range(revoked, 115, 600);
	memset(&bucket, 0, sizeof(bucket));
	issued = 0;
	for (int64_t now = START; now < START + 60 * SECOND; now += 500)
		issued += bucket_take(&bucket, 10, BUCKET_ISSUE, now) == 0;
	assert_in_range(issued, 455, 480 + 8);
}

static void throttling_lowers_the_rate_and_it_recovers(void **state)
{
	struct bucket bucket = { 0 };
	int64_t now = START;

	(void)state;
	assert_int_equal(bucket_level(&bucket, now), 1000);
	bucket_throttled(&bucket, now, 0);
	assert_int_equal(bucket_level(&bucket, now), 968);
	/* A burst of refusals is one reason. */
	bucket_throttled(&bucket, now + SECOND / 2, 0);
	assert_int_equal(bucket_level(&bucket, now), 968);
	assert_int_equal(bucket_level(&bucket, now + 2 * SECOND), 988);
	assert_int_equal(bucket_level(&bucket, now + 4 * SECOND), 1000);
	/* Again and again while it has not recovered. */
	for (int i = 0; i < 60; i++)
		bucket_throttled(&bucket, now += SECOND, 0);
	assert_in_range(bucket_level(&bucket, now), BUCKET_SLOWEST, 80);
	assert_int_equal(bucket_level(&bucket, now + 100 * SECOND), 1000);
}

static void what_the_cloud_asks_to_wait_is_waited(void **state)
{
	struct bucket bucket = { 0 };

	(void)state;
	bucket_throttled(&bucket, START, SECOND / 4);
	assert_int_equal(at_once(&bucket, 10, BUCKET_REVOKE, START + SECOND / 4 - 10), 0);
	assert_int_equal(at_once(&bucket, 10, BUCKET_REVOKE, START + SECOND / 4), 1);
	/* Not for ever, whatever it asks for. */
	bucket_throttled(&bucket, START + SECOND, 3600 * SECOND);
	assert_int_equal(at_once(&bucket, 10, BUCKET_REVOKE, START + 2 * SECOND), 1);
}

static void a_lowered_rate_is_kept_to(void **state)
{
	struct bucket bucket = { 0 };
	int64_t now = START;

	(void)state;
	for (int i = 0; i < 6; i++)
		bucket_throttled(&bucket, now += SECOND, 0);
	sent_count = 0;
	drain(&bucket, 100, BUCKET_REVOKE, now + 1, 200, 0);
	assert_in_range(bucket_level(&bucket, now), 500, 600);
	assert_true(sent[199] - sent[99] > 3 * SECOND / 2);
	expect_quota(60, SECOND);
}

static void every_action_of_every_account_has_its_own(void **state)
{
	static const char *const texts[] = { "alicloud", "tencentcloud", "1",
					     "10",       "CreateUser",   "DeleteUser" };
	struct bucket_table *table = calloc(1, sizeof(*table));
	struct bucket *found[8];

	(void)state;
	for (size_t i = 0; i < 8; i++) {
		found[i] = bucket_find(table, texts[i & 1], texts[2 + (i >> 1 & 1)],
				       texts[4 + (i >> 2)]);
		for (size_t j = 0; j < i; j++)
			assert_ptr_not_equal(found[i], found[j]);
	}
	assert_ptr_equal(bucket_find(table, "alicloud", "1", "CreateUser"), found[0]);
	assert_ptr_not_equal(bucket_find(table, "alicloud", "1C", "reateUser"), found[0]);
	free(table);
}

static void name_owner(unsigned char name[16], unsigned number)
{
	for (size_t i = 0; i < 16; i++)
		name[i] = (unsigned char)dice(256);
	memcpy(name + 4, &number, sizeof(number)); /* no two are the same */
}

/* Ten times as many as there is room for, but never too many at a time. */
static void owners_do_not_slow_each_other(void **state)
{
	struct bucket_owners *owners = calloc(1, sizeof(*owners));
	int64_t now = START;
	unsigned char names[800][16];

	(void)state;
	for (unsigned round = 0; round < 100; round++, now += 2 * SECOND)
		for (unsigned i = 0; i < 800; i++) {
			name_owner(names[i], round * 800 + i);
			assert_int_equal(bucket_take(bucket_own(owners, names[i], now), 1,
						     BUCKET_REVOKE, now),
					 0);
		}
	now -= 2 * SECOND;
	for (unsigned i = 0; i < 800; i++) /* and each is known again */
		assert_true(bucket_take(bucket_own(owners, names[i], now), 1, BUCKET_REVOKE, now) >
			    0);
	free(owners);
}

/* There is always one. */
static void owners_share_where_there_are_too_many(void **state)
{
	struct bucket_owners *owners = calloc(1, sizeof(*owners));
	unsigned char name[16] = { 0 };
	unsigned slowed = 0;

	(void)state;
	for (unsigned i = 1; i <= BUCKET_WAYS + 1; i++) {
		name[4] = (unsigned char)i; /* all of one set */
		if (bucket_take(bucket_own(owners, name, START), 1, BUCKET_REVOKE, START))
			slowed++;
	}
	assert_int_equal(slowed, 1);
	free(owners);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_backlog_uses_the_rate_and_no_more),
		cmocka_unit_test(no_second_holds_more_than_the_quota),
		cmocka_unit_test(after_a_pause_a_second_s_calls_go_at_once),
		cmocka_unit_test(a_wait_is_as_long_as_it_says),
		cmocka_unit_test(a_share_is_kept_for_revoking),
		cmocka_unit_test(throttling_lowers_the_rate_and_it_recovers),
		cmocka_unit_test(what_the_cloud_asks_to_wait_is_waited),
		cmocka_unit_test(a_lowered_rate_is_kept_to),
		cmocka_unit_test(every_action_of_every_account_has_its_own),
		cmocka_unit_test(owners_do_not_slow_each_other),
		cmocka_unit_test(owners_share_where_there_are_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
