/* SPDX-License-Identifier: Apache-2.0 */
/* Many leases at once, and mounts that go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "broker/dates.h"
#include "broker/job.h"
#include "broker/revoker_priv.h"
#include "broker_fixture.h"
#include "fake_engine.h"
#include "lease/index.h"
#include "store/key.h"
#include "util/clock.h"

/* ---- Jobs ---- */

static size_t leases(void)
{
	struct due due[128];
	size_t count;

	assert_int_equal(due_scan(temp.store, INT64_MAX - 1, NULL, due, 128, &count), 0);
	return count;
}

/* What waits for the end of its pause waits for a cloud that is well again. */
static void the_first_success_of_a_sick_mount_ends_all_pauses(void **state)
{
	char *first = issue_delivered(), *second = issue_delivered();

	(void)state;
	fake.revoke = STEP_FAILED;
	fake.culprit = (struct answer){ .action = "DeleteUser", .kind = ANSWER_SICK };
	assert_int_equal(broker_revoke(broker, first, REVOKE_ASYNC, 0, &err), 0);
	assert_int_equal(broker_revoke(broker, second, REVOKE_ASYNC, 0, &err), 0);
	turn(4);
	assert_int_equal(fake.revokes, 2);
	fake.revoke = STEP_DONE;
	assert_int_equal(broker_revoke(broker, first, REVOKE_ASYNC, 0, &err), 0);
	turn(4);
	assert_int_equal(leases(), 0);
	free(first);
	free(second);
}

/* Those of mounts that went by force while their clouds were sick would fill the table for good. */
static void mounts_that_were_sick_leave_room_for_others(void **state)
{
	unsigned char uuid[LEASE_UUID_SIZE] = { 0 };
	struct mount_state *first, *mount;

	(void)state;
	first = mount_state(revoker, uuid);
	for (unsigned i = 0; i < MOUNTS_MAX; i++) {
		uuid[0] = (unsigned char)i;
		mount = mount_state(revoker, uuid);
		assert_non_null(mount);
		mount->sick = true;
		mount->in_flight = i ? 1 : 0;
	}
	uuid[1] = 1;
	mount = mount_state(revoker, uuid);
	assert_ptr_equal(mount, first);
	assert_false(mount->sick);
	mount->in_flight = 1;
	uuid[1] = 2;
	assert_null(mount_state(revoker, uuid));
}

static size_t leases_without_keys(void)
{
	struct due due[128];
	size_t count;

	assert_int_equal(due_scan_keyless(temp.store, INT64_MAX - 1, NULL, due, 128, &count), 0);
	return count;
}

static void a_prefix_is_drained(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++)
		free(issue_delivered());
	assert_int_equal(broker_revoke_prefix(broker, "cloud/creds/none/", REVOKE_ASYNC, 0, &err),
			 0);
	turn(3);
	assert_int_equal(leases(), 100);
	assert_int_equal(broker_revoke_prefix(broker, "cloud/creds/app/", REVOKE_ASYNC, 0, &err),
			 0);
	turn(40);
	assert_int_equal(leases(), 0);
	assert_int_equal(fake.parts[REVOKE_KEYS], 100);
	assert_int_equal(fake.parts[REVOKE_REST], 100);
	assert_int_equal(fake.revokes, 200);
	assert_false(fake.keys_after_rest);
}

#define STUCK 20 /* more than are read at a time */

static size_t jobs(void)
{
	static struct job all[STUCK + 1];
	size_t count;

	assert_int_equal(job_scan(temp.store, clock_now(), NULL, all, STUCK + 1, &count), 0);
	return count;
}

/* As if the clock had been set back by an hour since. */
static void move_issue_time(int64_t ns)
{
	struct store_batch batch = { 0 };
	struct lease *old = only_lease(), *new = lease_copy(old);

	new->issued_ns += ns;
	assert_int_equal(lease_change(temp.store, &batch, old, new), 0);
	assert_int_equal(store_apply(temp.store, STORE_NORMAL, &batch, NULL), 0);
	store_batch_free(&batch);
	lease_free(old);
	lease_free(new);
}

static void a_prefix_means_what_was_issued_before_the_clock_was_set_back(void **state)
{
	(void)state;
	free(issue_delivered());
	move_issue_time(3600 * NS_PER_SECOND);
	assert_int_equal(broker_revoke_prefix(broker, "cloud/", REVOKE_ASYNC, 0, &err), 0);
	turn(4);
	assert_int_equal(only_state(), 0);
	assert_int_equal(jobs(), 0);
}

/* One byte more than a key of the store holds: such a job could never end. */
static void a_prefix_that_no_key_holds_makes_no_job(void **state)
{
	char prefix[LEASE_PREFIX_MAX + 2];
	struct job jobs[2];
	size_t count;

	(void)state;
	memset(prefix, 'x', sizeof(prefix));
	prefix[LEASE_PREFIX_MAX] = '/';
	prefix[LEASE_PREFIX_MAX + 1] = '\0';
	assert_int_equal(broker_revoke_prefix(broker, prefix, REVOKE_ASYNC, 0, &err), LH_EINVAL);
	assert_string_equal(err.text, "prefix is too long");
	assert_int_equal(broker_revoke_prefix(broker, prefix + 1, REVOKE_ASYNC, 0, &err), 0);
	turn(3);
	assert_int_equal(job_scan(temp.store, INT64_MAX - 1, NULL, jobs, 2, &count), 0);
	assert_int_equal(count, 0);
}

static void nothing_expires_while_the_clouds_disagree(void **state)
{
	char *id = issue_delivered();

	(void)state;
	make_due();
	dates_hear(shared, &shared->slots[0], clock_now() + 301);
	assert_false(dates_disagree(shared));
	dates_hear(shared, &shared->slots[1], clock_now() - 302);
	assert_true(dates_disagree(shared));
	assert_int_equal(shared->slots[1].counters[COUNT_DATES_OFF], 1);
	turn(3);
	assert_int_equal(only_state(), LEASE_ACTIVE);
	assert_int_equal(fake.revokes, 0);
	/* What somebody asks for is done. */
	assert_int_equal(broker_revoke(broker, id, REVOKE_ASYNC, 0, &err), 0);
	turn(2);
	assert_int_equal(only_state(), 0);
	free(id);
}

static void agreement_ends_it(void **state)
{
	char *id = issue_delivered();

	(void)state;
	make_due();
	for (int i = 0; i < 5; i++)
		dates_hear(shared, &shared->slots[0], clock_now() - 1000);
	dates_hear(shared, &shared->slots[0], 0);
	assert_true(dates_disagree(shared));
	dates_hear(shared, &shared->slots[0], clock_now() + 299);
	assert_false(dates_disagree(shared));
	dates_hear(shared, &shared->slots[0], clock_now() - 1000);
	turn(2);
	assert_int_equal(only_state(), 0);
	free(id);
}

static void many_sessions_end_without_a_call(void **state)
{
	(void)state;
	fake.lasting = false;
	for (int i = 0; i < 20; i++)
		free(issue_delivered());
	assert_int_equal(broker_revoke_prefix(broker, "cloud/", REVOKE_ASYNC, 0, &err), 0);
	for (int i = 0; i < 8; i++) {
		turn(1);
		assert_int_equal(leases_without_keys(), 0);
	}
	assert_int_equal(leases(), 0);
	assert_int_equal(fake.revokes, 0);
}

static void few_are_taken_back_at_once(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++)
		free(issue_delivered());
	assert_int_equal(broker_revoke_prefix(broker, "cloud/", REVOKE_ASYNC, 0, &err), 0);
	assert_true(is_woken());
	turn(3);
	assert_int_equal(leases(), 0);
	assert_int_equal(fake.parts[REVOKE_ALL], 4);
	assert_int_equal(fake.revokes, 4);
}

/* Died the revoker between the two, the next one goes on with the rest. */
static void what_has_lost_its_key_keeps_its_mark(void **state)
{
	(void)state;
	for (int i = 0; i < 16; i++)
		free(issue_delivered());
	assert_int_equal(broker_revoke_prefix(broker, "cloud/", REVOKE_ASYNC, 0, &err), 0);
	for (int i = 0; i < 9 && fake.parts[REVOKE_KEYS] < 16; i++)
		turn(1);
	assert_int_equal(fake.parts[REVOKE_KEYS], 16);
	revoker_free(revoker);
	assert_int_equal(revoker_new(taker, &revoker, &err), 0);
	assert_int_equal(leases_without_keys(), 16);
	turn(4);
	assert_int_equal(leases_without_keys(), 0);
	assert_int_equal(fake.parts[REVOKE_KEYS], 16);
	assert_int_equal(fake.parts[REVOKE_REST], 16);
}

static struct job only_job(void)
{
	struct job job;
	size_t count;

	assert_int_equal(job_scan(temp.store, clock_now() + 3600, NULL, &job, 1, &count), 0);
	if (!count)
		memset(&job, 0, sizeof(job));
	return job;
}

static void a_job_tells_of_the_first_failure_and_goes_on(void **state)
{
	char *id = issue_delivered();
	struct job job;

	(void)state;
	fake.revoke = STEP_FAILED;
	assert_int_equal(broker_revoke_prefix(broker, "cloud/", REVOKE_ASYNC, 0, &err), 0);
	turn(3);
	usleep(600000);
	turn(1);
	job = only_job();
	assert_non_null(strstr(job.error, "failed to revoke \"cloud/creds/app/"));
	fake.revoke = STEP_DONE;
	make_due();
	turn(4);
	assert_int_equal(leases(), 0);
	assert_int_equal(only_job().key.size, 0);
	free(id);
}

static void a_job_does_not_tell_of_what_failed_before_it(void **state)
{
	char *id = issue_delivered();

	(void)state;
	fake.revoke = STEP_FAILED;
	assert_int_equal(broker_revoke(broker, id, REVOKE_ASYNC, 0, &err), 0);
	turn(2);
	fake.revoke = STEP_DONE;
	assert_int_equal(broker_revoke_prefix(broker, "cloud/", REVOKE_ASYNC, 0, &err), 0);
	turn(1);
	assert_string_equal(only_job().error, "");
	turn(4);
	assert_int_equal(only_job().key.size, 0);
	assert_int_equal(leases(), 0);
	free(id);
}

/* A job as somebody left it ten seconds ago. */
static void leave_job(const char *prefix)
{
	struct job job = { .kind = JOB_REVOKE, .since_ns = clock_now_ns() };
	struct store_batch batch = { 0 };

	strcpy(job.prefix, prefix);
	job_name(&job, clock_now() - 10);
	assert_int_equal(job_put(&batch, &job), 0);
	assert_int_equal(store_apply(temp.store, STORE_NORMAL, &batch, NULL), 0);
	store_batch_free(&batch);
}

/* Each revocation that nobody can end, and each repetition of it, leaves a job. */
static void jobs_that_do_not_end_hold_up_no_other(void **state)
{
	char *id = issue_delivered();

	(void)state;
	fake.revoke = STEP_FAILED;
	for (int i = 0; i < STUCK; i++)
		leave_job("cloud/creds/app/");
	assert_int_equal(broker_revoke_prefix(broker, "cloud/creds/none/", REVOKE_ASYNC, 0, &err),
			 0);
	assert_int_equal(jobs(), STUCK + 1);
	turn(4);
	assert_int_equal(jobs(), STUCK);
	fake.revoke = STEP_DONE;
	make_due();
	turn(4);
	usleep(600000);
	turn(2);
	assert_int_equal(jobs(), 0);
	assert_int_equal(leases(), 0);
	free(id);
}

static bool config_is_stored(const unsigned char uuid[LEASE_UUID_SIZE])
{
	uint64_t revision = 0;
	struct key key;

	key_start(&key, 'c');
	key_add(&key, uuid, LEASE_UUID_SIZE);
	assert_int_equal(store_revision(temp.store, key_bytes(&key), &revision), 0);
	return revision != 0;
}

static void make_job_due(const struct job *job)
{
	struct store_batch batch = { 0 };
	struct job due = *job;

	due.revision = 0;
	job_name(&due, clock_now());
	assert_int_equal(job_put(&batch, &due), 0);
	store_batch_delete(&batch, STORE_ANY, 0, key_bytes(&job->key));
	assert_int_equal(store_apply(temp.store, STORE_NORMAL, &batch, NULL), 0);
	store_batch_free(&batch);
}

static void a_disabled_mount_goes_after_its_leases(void **state)
{
	const struct mount gone = *mount(), *found;
	struct job job;
	json_t *role;

	(void)state;
	free(issue_delivered());
	assert_int_equal(mount_disable(broker, "cloud/", 0, &err), LH_ETIMEOUT);
	assert_true(is_woken());
	assert_true(mount()->tainted);
	turn(6);
	assert_int_equal(fake.revokes, 1);
	assert_int_equal(leases(), 0);
	assert_int_equal(mount_find(broker, "cloud", &found), 0);
	assert_null(found);
	assert_int_equal(mount_role_get(broker, &gone, "app", &role, NULL), LH_ENOENT);
	job = only_job();
	assert_int_equal(job.kind, JOB_FORGET);
	assert_true(config_is_stored(job.mount));
	/* Once nothing is swept any more, that goes as well. */
	make_job_due(&job);
	turn(2);
	assert_false(config_is_stored(job.mount));
	assert_int_equal(only_job().key.size, 0);
}

static void disable_in_mid_issue(void)
{
	if (mount()->tainted)
		return;
	assert_int_equal(mount_disable(broker, "cloud/", 0, &err), LH_ETIMEOUT);
	turn(4);
	assert_int_equal(fake.revokes, 0);
	assert_int_equal(only_state(), LEASE_PENDING);
}

/* Its next call would come after everything was taken back, and stay until the first sweep. */
static void a_disabled_mount_waits_for_a_worker_in_mid_issue(void **state)
{
	const struct mount *found;

	(void)state;
	fake.during_issue = disable_in_mid_issue;
	assert_int_equal(issue(), LH_ECONFLICT);
	turn(6);
	assert_int_equal(fake.revokes, 1);
	assert_int_equal(only_state(), 0);
	assert_int_equal(mount_find(broker, "cloud", &found), 0);
	assert_null(found);
}

static void disable_and_die_in_mid_issue(void)
{
	assert_int_equal(mount_disable(broker, "cloud/", 0, &err), LH_ETIMEOUT);
	shared->slots[0].pid = -1;
	turn(6);
}

static void a_disabled_mount_waits_for_no_dead_worker(void **state)
{
	const struct mount *found;

	(void)state;
	fake.during_issue = disable_and_die_in_mid_issue;
	assert_int_equal(issue(), LH_ECONFLICT);
	assert_int_equal(fake.revokes, 1);
	assert_int_equal(only_state(), LEASE_SWEEPING);
	assert_int_equal(mount_find(broker, "cloud", &found), 0);
	assert_null(found);
}

/* A second DELETE may be drained when the path has been given to another mount already. */
static void who_disables_a_mount_means_no_later_one(void **state)
{
	struct job job = { .kind = JOB_DISABLE, .prefix = "cloud/", .since_ns = INT64_MAX };
	struct store_batch batch = { 0 };

	(void)state;
	memset(job.mount, 'g', sizeof(job.mount)); /* of one that has gone */
	job_name(&job, clock_now());
	assert_int_equal(job_put(&batch, &job), 0);
	assert_int_equal(store_apply(temp.store, STORE_NORMAL, &batch, NULL), 0);
	store_batch_free(&batch);
	free(issue_delivered());
	turn(4);
	assert_int_equal(only_state(), LEASE_ACTIVE);
	assert_false(mount()->tainted);
	assert_int_equal(only_job().kind, JOB_FORGET);
}

static void disabling_nothing_is_done(void **state)
{
	(void)state;
	assert_int_equal(mount_disable(broker, "none/", 0, &err), 0);
	assert_int_equal(mount_disable(broker, "clou/", 0, &err), 0);
	assert_false(mount()->tainted);
}

static void mounts_do_not_nest(void **state)
{
	static const char *const taken[] = { "cloud/", "cloud/deeper/", NULL };
	json_t *entry = json_pack("{s:s, s:s}", "type", "fake", "uuid",
				  "11112233-4455-6677-8899-aabbccddeeff");

	(void)state;
	for (size_t i = 0; taken[i]; i++) {
		assert_int_equal(mount_enable(broker, taken[i], entry, &err), LH_EEXIST);
		assert_string_equal(err.text, "path is already in use at cloud/");
	}
	assert_int_equal(mount_enable(broker, "cloud2/", entry, &err), 0);
	json_decref(entry);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BROKER_TEST(the_first_success_of_a_sick_mount_ends_all_pauses),
		BROKER_TEST(mounts_that_were_sick_leave_room_for_others),
		BROKER_TEST(a_prefix_is_drained),
		BROKER_TEST(a_prefix_means_what_was_issued_before_the_clock_was_set_back),
		BROKER_TEST(a_prefix_that_no_key_holds_makes_no_job),
		BROKER_TEST(nothing_expires_while_the_clouds_disagree),
		BROKER_TEST(agreement_ends_it),
		BROKER_TEST(many_sessions_end_without_a_call),
		BROKER_TEST(few_are_taken_back_at_once),
		BROKER_TEST(what_has_lost_its_key_keeps_its_mark),
		BROKER_TEST(a_job_tells_of_the_first_failure_and_goes_on),
		BROKER_TEST(a_job_does_not_tell_of_what_failed_before_it),
		BROKER_TEST(jobs_that_do_not_end_hold_up_no_other),
		BROKER_TEST(a_disabled_mount_goes_after_its_leases),
		BROKER_TEST(a_disabled_mount_waits_for_a_worker_in_mid_issue),
		BROKER_TEST(a_disabled_mount_waits_for_no_dead_worker),
		BROKER_TEST(who_disables_a_mount_means_no_later_one),
		BROKER_TEST(disabling_nothing_is_done),
		BROKER_TEST(mounts_do_not_nest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
