/* SPDX-License-Identifier: Apache-2.0 */
/* The clock is set: ahead, a cloud is asked before anything ends by it; back, nothing unfinished waits
 * until it shows the old time again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "broker/job.h"
#include "broker/revoker_priv.h"
#include "broker_fixture.h"
#include "conf/conf.h"
#include "fake_engine.h"
#include "lease/index.h"
#include "store/store.h"
#include "util/clock.h"

#define DAY INT64_C(86400)

/* As if the clock had shown so many seconds more at the revoker's last look. */
static void set_back_by(int64_t seconds)
{
	turn(1);
	revoker->clock_seen.ahead += seconds * 1000;
}

/* Makes the only lease what it would be had the clock been a day ahead. */
static void was_made_a_day_ahead(enum lease_state state, bool keyless)
{
	struct store_batch batch = { 0 };
	struct lease *old = only_lease(), *new = lease_copy(old);

	new->state = state;
	new->keyless = keyless;
	new->due = clock_now() + DAY;
	assert_int_equal(lease_change(temp.store, &batch, old, new), 0);
	assert_int_equal(store_apply(temp.store, STORE_NORMAL, &batch, NULL), 0);
	store_batch_free(&batch);
	lease_free(old);
	lease_free(new);
}

static int64_t due_in(void)
{
	struct lease *lease = only_lease();
	int64_t due = lease->due - clock_now();

	lease_free(lease);
	return due;
}

static void set_ahead(void)
{
	turn(1);
	revoker->clock_seen.ahead -= DAY * 1000;
	make_due();
	turn(3);
	assert_int_equal(only_state(), LEASE_ACTIVE);
	revoker->look_at = 0;
}

static void a_clock_that_was_set_ahead_is_doubted_until_a_cloud_agrees(void **state)
{
	char *id = issue_delivered();

	(void)state;
	set_ahead();
	revoker->question.answers++;
	shared->dates_off = 1; /* this one does not */
	turn(2);
	assert_int_equal(only_state(), LEASE_ACTIVE);
	revoker->look_at = 0;
	shared->dates_off = 0;
	turn(2);
	assert_int_equal(only_state(), 0);
	free(id);
}

static void nor_longer_than_a_minute(void **state)
{
	(void)state;
	free(issue_delivered());
	set_ahead();
	revoker->doubt.until = clock_boot_ms();
	turn(2);
	assert_int_equal(only_state(), 0);
}

static void what_somebody_revokes_is_in_no_doubt(void **state)
{
	char *id = issue_delivered();

	(void)state;
	set_ahead();
	assert_int_equal(broker_revoke(broker, id, REVOKE_ASYNC, 0, &err), 0);
	turn(2);
	assert_int_equal(only_state(), 0);
	free(id);
}

static void what_is_taken_back_does_not_wait(void **state)
{
	(void)state;
	free(issue_delivered());
	was_made_a_day_ahead(LEASE_REVOKING, false);
	turn(3);
	assert_int_equal(only_state(), LEASE_REVOKING);
	set_back_by(59);
	turn(3);
	assert_int_equal(only_state(), LEASE_REVOKING);
	set_back_by(2);
	turn(6);
	assert_int_equal(only_state(), 0);
	assert_int_equal(fake.revokes, 1);
}

static void nor_does_the_rest_of_what_has_lost_its_key(void **state)
{
	struct due due;
	size_t count;

	(void)state;
	free(issue_delivered());
	was_made_a_day_ahead(LEASE_REVOKING, true);
	set_back_by(DAY);
	turn(6);
	assert_int_equal(fake.parts[REVOKE_REST], 1);
	assert_int_equal(due_scan_keyless(temp.store, INT64_MAX - 1, NULL, &due, 1, &count), 0);
	assert_int_equal(count, 0);
}

/* A sweep has its time for a reason, and who issues may still be at work. */
static void what_waits_for_a_reason_waits_as_long_as_it_should(void **state)
{
	struct conf *conf = (struct conf *)(uintptr_t)broker_conf(taker);

	(void)state;
	conf->engines[0].sweep_after[0] = 3600;
	conf->issue_timeout = 7200 * 1000;
	free(issue_delivered());
	was_made_a_day_ahead(LEASE_SWEEPING, false);
	set_back_by(DAY);
	turn(4);
	assert_int_equal(only_state(), LEASE_SWEEPING);
	assert_in_range(due_in(), 1, 3600);
	was_made_a_day_ahead(LEASE_PENDING, false);
	set_back_by(DAY);
	turn(4);
	assert_int_equal(only_state(), LEASE_PENDING);
	assert_in_range(due_in(), 3601, 7300);
	assert_int_equal(fake.revokes, 0);
}

static void what_lives_keeps_its_end(void **state)
{
	(void)state;
	free(issue_delivered());
	was_made_a_day_ahead(LEASE_ACTIVE, false);
	set_back_by(DAY);
	turn(4);
	assert_int_equal(only_state(), LEASE_ACTIVE);
	assert_in_range(due_in(), DAY / 2, DAY);
}

/* More than are looked at in one turn. */
static void all_are_looked_through(void **state)
{
	struct lease_key keys[LEASES_MARKED];
	struct path_cursor cursor = { .path = "" };
	struct store_batch batch = { 0 };
	struct lease *old, *new;
	size_t count;

	(void)state;
	for (int i = 0; i < 100; i++)
		free(issue_delivered());
	assert_int_equal(lease_scan_prefix(temp.store, "cloud/", &cursor, keys, 1, &count), 0);
	assert_int_equal(lease_get_key(temp.store, &keys[0], &old), 0);
	new = lease_copy(old);
	new->state = LEASE_REVOKING;
	new->due = clock_now() + DAY; /* behind all others */
	assert_int_equal(lease_change(temp.store, &batch, old, new), 0);
	assert_int_equal(store_apply(temp.store, STORE_NORMAL, &batch, NULL), 0);
	store_batch_free(&batch);
	lease_free(old);
	lease_free(new);
	set_back_by(DAY);
	turn(8);
	assert_int_equal(lease_get_key(temp.store, &keys[0], &old), LH_ENOENT);
}

/* Of the jobs that are due whatever the clock shows. */
static size_t jobs_at_any_time(void)
{
	struct job jobs[3];
	size_t count;

	assert_int_equal(job_scan(temp.store, 0, NULL, jobs, 3, &count), 0);
	return count;
}

static void a_job_waits_for_no_clock(void **state)
{
	(void)state;
	free(issue_delivered());
	assert_int_equal(broker_revoke_prefix(broker, "cloud/", REVOKE_ASYNC, 0, &err), 0);
	assert_int_equal(jobs_at_any_time(), 1);
	assert_int_equal(mount_disable(broker, "cloud/", 0, &err), LH_ETIMEOUT);
	assert_int_equal(jobs_at_any_time(), 2);
	turn(4);
	assert_int_equal(only_state(), 0);
	assert_int_equal(jobs_at_any_time(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BROKER_TEST(a_clock_that_was_set_ahead_is_doubted_until_a_cloud_agrees),
		BROKER_TEST(nor_longer_than_a_minute),
		BROKER_TEST(what_somebody_revokes_is_in_no_doubt),
		BROKER_TEST(what_is_taken_back_does_not_wait),
		BROKER_TEST(nor_does_the_rest_of_what_has_lost_its_key),
		BROKER_TEST(what_waits_for_a_reason_waits_as_long_as_it_should),
		BROKER_TEST(what_lives_keeps_its_end),
		BROKER_TEST(all_are_looked_through),
		BROKER_TEST(a_job_waits_for_no_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
