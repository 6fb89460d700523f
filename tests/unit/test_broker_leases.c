/* SPDX-License-Identifier: Apache-2.0 */
/* Leases that exist: taken back, and renewed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "broker/job.h"
#include "broker/revoker_priv.h"
#include "broker_fixture.h"
#include "fake_engine.h"
#include "util/clock.h"

/* ---- Revocation ---- */

static void expiry_revokes(void **state)
{
	char *id = issue_delivered();

	(void)state;
	make_due();
	turn(2);
	assert_int_equal(only_state(), 0);
	assert_int_equal(fake.revokes, 1);
	free(id);
}

static void a_failed_revocation_is_told_and_retried(void **state)
{
	char *id = issue_delivered();
	struct lease *lease;

	(void)state;
	fake.revoke = STEP_FAILED;
	fake.culprit = (struct answer){ .action = "DeleteUser", .kind = ANSWER_SICK };
	assert_int_equal(broker_revoke(broker, id, REVOKE_ASYNC, 0, &err), 0);
	assert_true(is_woken());
	turn(2);
	lease = only_lease();
	assert_int_equal(lease->tries, 1);
	assert_string_equal(lease->error, "fake: DeleteUser as key-1: the cloud is unwell");
	assert_in_range(lease->due - clock_now(), 0, 60);
	lease_free(lease);
	for (int i = 0; i < 12; i++) {
		make_due();
		turn(2);
	}
	lease = only_lease();
	assert_int_equal(lease->tries, 13);
	assert_in_range(lease->due - clock_now(), 1, 60);
	lease_free(lease);
	fake.revoke = STEP_DONE;
	assert_int_equal(broker_revoke(broker, id, REVOKE_ASYNC, 0, &err), 0);
	turn(2);
	assert_int_equal(only_state(), 0);
	free(id);
}

static void what_needs_an_operator_waits_longer(void **state)
{
	char *id = issue_delivered();
	struct lease *lease;

	(void)state;
	fake.revoke = STEP_FAILED;
	fake.culprit = (struct answer){ .action = "DeleteUser",
					.kind = ANSWER_REFUSED,
					.code = "NoPermission" };
	for (int i = 0; i < 12; i++) {
		make_due();
		turn(2);
	}
	lease = only_lease();
	assert_in_range(lease->due - clock_now(), 1700, 3600);
	lease_free(lease);
	free(id);
}

static void another_account_is_not_gone(void **state)
{
	char *id = issue_delivered();
	struct lease *lease;

	(void)state;
	configure("key-2");
	assert_int_equal(broker_revoke(broker, id, REVOKE_ASYNC, 0, &err), 0);
	turn(2);
	assert_int_equal(fake.revokes, 0);
	lease = only_lease();
	assert_int_equal(lease->state, LEASE_REVOKING);
	assert_non_null(strstr(lease->error, FAKE_ACCOUNT));
	lease_free(lease);
	configure("key-1");
	make_due();
	turn(2);
	assert_int_equal(only_state(), 0);
	free(id);
}

static void force_forgets_after_one_attempt(void **state)
{
	char *id = issue_delivered();

	(void)state;
	fake.revoke = STEP_FAILED;
	assert_int_equal(broker_revoke(broker, id, REVOKE_FORCE, 0, &err), LH_ETIMEOUT);
	turn(2);
	assert_int_equal(fake.revokes, 1);
	assert_int_equal(only_state(), 0);
	free(id);
}

static void an_unknown_lease_is_revoked_already(void **state)
{
	(void)state;
	assert_int_equal(broker_revoke(broker, "no/such", REVOKE_SYNC, 0, &err), 0);
}

/* Issues one that was, as it seems, asked for under another path. */
static char *issue_elsewhere(const char *id)
{
	char *first = issue_delivered();
	struct store_batch batch = { 0 };
	struct lease *lease = only_lease();

	assert_int_equal(lease_set(&lease->id, id), 0);
	assert_int_equal(lease_change(temp.store, &batch, NULL, lease), 0);
	assert_int_equal(store_apply(temp.store, STORE_NORMAL, &batch, NULL), 0);
	store_batch_free(&batch);
	lease_free(lease);
	assert_int_equal(broker_revoke(broker, first, REVOKE_ASYNC, 0, &err), 0);
	turn(3);
	free(first);
	return strdup(id);
}

/* What came after the job is read once, however long a lease behind it cannot be taken back. */
static void a_job_does_not_read_all_again(void **state)
{
	struct job job = { .kind = JOB_REVOKE, .prefix = "cloud/" };
	char *stuck = issue_elsewhere("cloud/creds/last/000000000000000000000000");
	struct store_batch batch = { 0 };

	(void)state;
	job.since_ns = clock_now_ns();
	job_name(&job, clock_now());
	assert_int_equal(job_put(&batch, &job), 0);
	assert_int_equal(store_apply(temp.store, STORE_NORMAL, &batch, NULL), 0);
	store_batch_free(&batch);
	for (int i = 0; i < 70; i++)
		free(issue_delivered());
	fake.revoke = STEP_FAILED;
	fake.revokes = 0;
	turn(10);
	assert_int_equal(fake.revokes, 1);
	assert_string_equal(revoker->drains->left.path, "cloud/creds/app/");
	fake.revoke = STEP_DONE;
	assert_int_equal(broker_revoke(broker, stuck, REVOKE_ASYNC, 0, &err), 0);
	turn(4);
	assert_int_equal(fake.revokes, 2);
	assert_int_equal(job_get(temp.store, &job.key, &(struct job){ 0 }), LH_ENOENT);
	free(stuck);
}

/* ---- Renewal ---- */

static void renewal_counts_from_now(void **state)
{
	char *id = issue_delivered();
	struct renew_reply renewed;
	struct lease *lease;

	(void)state;
	assert_int_equal(broker_renew(broker, id, 60, &renewed, &err), 0);
	assert_int_equal(renewed.ttl, 60);
	lease = only_lease();
	assert_in_range(lease->due - clock_now(), 59, 61);
	lease_free(lease);
	/* The role has no ttl: what was granted last. */
	assert_int_equal(broker_renew(broker, id, 0, &renewed, &err), 0);
	assert_int_equal(renewed.ttl, 60);
	fake.ttl = 120;
	assert_int_equal(broker_renew(broker, id, 0, &renewed, &err), 0);
	assert_int_equal(renewed.ttl, 120);
	assert_int_equal(renewed.warnings.count, 0);
	fake.max_ttl = 600;
	assert_int_equal(broker_renew(broker, id, 99999, &renewed, &err), 0);
	assert_in_range(renewed.ttl, 598, 600);
	assert_int_equal(renewed.warnings.count, 1);
	free(id);
}

/* As if the only lease had been issued earlier. */
static void make_older(int64_t seconds)
{
	struct store_batch batch = { 0 };
	struct lease *old = only_lease(), *new = lease_copy(old);

	new->issued_ns -= seconds *INT64_C(1000000000);
	assert_int_equal(lease_change(temp.store, &batch, old, new), 0);
	assert_int_equal(store_apply(temp.store, STORE_NORMAL, &batch, NULL), 0);
	store_batch_free(&batch);
	lease_free(old);
	lease_free(new);
}

/* Whoever renews often must not keep a credential for ever. */
static void a_renewal_never_passes_the_maximum_since_the_issue(void **state)
{
	char *id = issue_delivered();
	struct renew_reply renewed;

	(void)state;
	make_older(3000);
	assert_int_equal(broker_renew(broker, id, 99999, &renewed, &err), 0);
	assert_in_range(renewed.ttl, 4198, 4200); /* of 7200 */
	assert_int_equal(renewed.warnings.count, 1);
	free(id);
}

/* What is granted is whole seconds, but the clock is between two. */
static void nor_by_a_part_of_a_second(void **state)
{
	char *id = issue_delivered();
	struct renew_reply renewed;
	struct lease *lease;

	(void)state;
	for (int i = 0; i < 4; i++) {
		usleep(30000);
		assert_int_equal(broker_renew(broker, id, 99999, &renewed, &err), 0);
		lease = only_lease();
		assert_true(lease->expires_ns - lease->issued_ns <= 7200 * INT64_C(1000000000));
		assert_in_range(renewed.ttl, 7199, 7200);
		lease_free(lease);
	}
	free(id);
}

static void refusals_have_the_words_that_clients_know(void **state)
{
	char *id = issue_delivered();
	struct renew_reply renewed;

	(void)state;
	assert_int_equal(broker_renew(broker, "no/such", 0, &renewed, &err), LH_ENOENT);
	assert_string_equal(err.text, "lease not found");
	assert_int_equal(mount_role_delete(broker, mount(), "app"), 0);
	assert_int_equal(broker_renew(broker, id, 0, &renewed, &err), LH_EINVAL);
	assert_string_equal(err.text,
			    "failed to renew entry: resp: (*logical.Response)(nil) err: role app "
			    "has been deleted so no further renewals are allowed");
	assert_int_equal(broker_revoke(broker, id, REVOKE_ASYNC, 0, &err), 0);
	assert_int_equal(broker_renew(broker, id, 0, &renewed, &err), LH_EINVAL);
	assert_string_equal(err.text, "lease expired");
	free(id);
	turn(2);
	fake.lasting = false;
	fake.expires_at = clock_now() + 900;
	id = issue_delivered();
	assert_int_equal(broker_renew(broker, id, 0, &renewed, &err), LH_EINVAL);
	assert_string_equal(err.text, "lease is not renewable");
	free(id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BROKER_TEST(a_job_does_not_read_all_again),
		BROKER_TEST(expiry_revokes),
		BROKER_TEST(a_failed_revocation_is_told_and_retried),
		BROKER_TEST(what_needs_an_operator_waits_longer),
		BROKER_TEST(another_account_is_not_gone),
		BROKER_TEST(force_forgets_after_one_attempt),
		BROKER_TEST(an_unknown_lease_is_revoked_already),
		BROKER_TEST(renewal_counts_from_now),
		BROKER_TEST(a_renewal_never_passes_the_maximum_since_the_issue),
		BROKER_TEST(nor_by_a_part_of_a_second),
		BROKER_TEST(refusals_have_the_words_that_clients_know),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
