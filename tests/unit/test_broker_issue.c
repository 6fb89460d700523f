/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials: issued, delivered or not, and whatever dies meanwhile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "broker_fixture.h"
#include "fail_alloc.h"
#include "fake_engine.h"
#include "store/key.h"
#include "store/queue.h"
#include "store/store_priv.h"
#include "util/clock.h"

/* ---- Issue ---- */

static void a_delivered_lease_is_active(void **state)
{
	struct lease *lease;

	(void)state;
	assert_int_equal(issue(), 0);
	lease = only_lease();
	assert_int_equal(lease->state, LEASE_ISSUED);
	/* Not before its worker is surely dead: 5 s of time, 4 to send, 2 and 1 of the master. */
	assert_in_range(lease->due - clock_now(), 13, 15);
	lease_free(lease);
	assert_int_equal(shared->slots[0].phase, SLOT_ISSUED);
	assert_int_equal(reply.ttl, 3600);
	assert_true(reply.renewable);
	assert_string_equal(json_string_value(json_object_get(reply.data, "secret")),
			    "only for the caller");
	broker_delivered(broker, true);
	assert_int_equal(shared->slots[0].phase, SLOT_FREE);
	lease = only_lease();
	assert_int_equal(lease->state, LEASE_ACTIVE);
	assert_string_equal(lease->account, FAKE_ACCOUNT);
	assert_null(strstr(lease->facts, "only for the caller"));
	assert_true(lease->due >= clock_now() + 3598);
	lease_free(lease);
	turn(3);
	assert_int_equal(fake.revokes, 0);
	issue_reply_clear(&reply);
}

static void an_undelivered_lease_is_revoked(void **state)
{
	(void)state;
	assert_int_equal(issue(), 0);
	assert_false(is_woken());
	broker_delivered(broker, false);
	assert_true(is_woken());
	assert_int_equal(only_state(), LEASE_REVOKING);
	turn(2);
	assert_int_equal(only_state(), 0);
	assert_int_equal(fake.revokes, 1);
	issue_reply_clear(&reply);
}

static void a_failed_issue_is_revoked(void **state)
{
	(void)state;
	fake.issue = STEP_FAILED;
	fake.culprit = (struct answer){ .action = "CreateUser",
					.kind = ANSWER_REFUSED,
					.code = "NoPermission",
					.request_id = "R-1" };
	assert_int_equal(issue(), LH_ECLOUD);
	assert_true(is_woken());
	assert_int_equal(reply.failure, FAILURE_INPUT);
	assert_string_equal(err.text, "fake: CreateUser as key-1: NoPermission (request R-1): ask "
				      "an operator");
	assert_int_equal(only_state(), LEASE_REVOKING);
	turn(2);
	assert_int_equal(only_state(), 0);
}

static void failures_have_their_kind(void **state)
{
	static const struct {
		enum answer_kind kind;
		bool slow;
		int64_t time_ms;
		enum broker_failure failure;
	} kinds[] = {
		{ ANSWER_REFUSED, false, 5000, FAILURE_INPUT },
		{ ANSWER_THROTTLED, false, 5000, FAILURE_THROTTLED },
		{ ANSWER_SICK, false, 5000, FAILURE_UNREACHABLE },
		{ ANSWER_UNSURE, false, 5000, FAILURE_UNREACHABLE },
		{ ANSWER_UNSURE, true, 5000, FAILURE_SLOW },
		{ ANSWER_UNSENT, false, 5000, FAILURE_UNREACHABLE },
		/* At the deadline: what the cloud did is still the reason. */
		{ ANSWER_SICK, false, 0, FAILURE_UNREACHABLE },
		{ ANSWER_UNSURE, false, 0, FAILURE_UNREACHABLE },
		{ ANSWER_UNSENT, false, 0, FAILURE_SLOW },
	};

	(void)state;
	fake.issue = STEP_FAILED;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		fake.culprit = (struct answer){ .action = "CreateUser",
						.kind = kinds[i].kind,
						.slow = kinds[i].slow };
		assert_int_equal(issue_to(&operator, kinds[i].time_ms), LH_ECLOUD);
		assert_int_equal(reply.failure, kinds[i].failure);
	}
}

static void a_taken_name_gets_new_plans(void **state)
{
	(void)state;
	fake.issue = STEP_TAKEN;
	assert_int_equal(issue(), LH_EEXIST);
	assert_int_equal(fake.plans, 3);
	turn(3);
	assert_int_equal(fake.revokes, 3);
	assert_int_equal(only_state(), 0);
}

static void without_credentials_the_reason_is_told(void **state)
{
	(void)state;
	assert_int_equal(mount_config_delete(broker, mount()), 0);
	assert_int_equal(issue(), LH_EINVAL);
	assert_int_equal(reply.failure, FAILURE_INPUT);
	assert_string_equal(err.text, "unable to create secret because no credentials are "
				      "configured: fake: nowhere");
	assert_int_equal(only_state(), 0);
}

static bool gone(void *context)
{
	(void)context;
	return true;
}

static void a_client_that_is_gone_gets_no_call(void **state)
{
	json_t *role = json_object();
	struct issue_request request = {
		.mount = mount(),
		.role_name = "app",
		.role = role,
		.path = "cloud/creds/app",
		.caller = &operator,
		.deadline = clock_boot_ms() + 5000,
		.gone = gone,
	};

	(void)state;
	assert_int_not_equal(broker_issue(broker, &request, &reply, &err), 0);
	assert_int_equal(fake.issues, 0);
	assert_int_equal(only_state(), 0);
	json_decref(role);
}

static void bury_mount(void)
{
	struct key key;

	key_tombstone_mount(&key, mount()->uuid);
	temp_put(temp.store, 'x', key.data + 1, key.size - 1, "");
}

static void no_issue_begins_for_a_dead_mount(void **state)
{
	(void)state;
	bury_mount();
	assert_int_equal(issue(), LH_ECONFLICT);
	assert_int_equal(fake.issues, 0);
	assert_int_equal(only_state(), 0);
}

static void no_lease_outlives_its_mount(void **state)
{
	(void)state;
	fake.during_issue = bury_mount;
	assert_int_equal(issue(), LH_ECONFLICT);
	assert_int_equal(only_state(), LEASE_REVOKING);
	turn(2);
	assert_int_equal(only_state(), 0);
	assert_int_equal(fake.revokes, 1);
}

static void revoke_in_flight(void)
{
	make_due();
	turn(2);
}

/* The revoker was sure that the worker is dead; the worker comes back. */
static void a_late_worker_loses(void **state)
{
	(void)state;
	fake.during_issue = revoke_in_flight;
	assert_int_equal(issue(), LH_ECONFLICT);
	fake.during_issue = NULL;
	assert_null(reply.data);
	assert_int_equal(only_state(), LEASE_SWEEPING);
}

static void no_session_outlives_its_mount(void **state)
{
	(void)state;
	fake.lasting = false;
	fake.during_issue = bury_mount;
	assert_int_equal(issue(), LH_ECONFLICT);
	assert_null(reply.data);
	assert_int_equal(only_state(), 0);
}

static void a_session_is_one_record(void **state)
{
	struct lease *lease;

	(void)state;
	fake.lasting = false;
	fake.expires_at = clock_now() + 900;
	assert_int_equal(issue(), 0);
	lease = only_lease();
	assert_int_equal(lease->state, LEASE_ACTIVE);
	assert_in_range(lease->ttl, 899, 900);
	lease_free(lease);
	broker_sent(broker);
	assert_int_equal(shared->slots[0].phase, SLOT_FREE);
	broker_delivered(broker, true);
	make_due();
	turn(2);
	assert_int_equal(only_state(), 0);
	assert_int_equal(fake.revokes, 0);
	issue_reply_clear(&reply);
}

/* ---- Crashes ---- */

static void die(void)
{
	shared->slots[1].phase = shared->slots[0].phase;
	memcpy(shared->slots[1].lease, shared->slots[0].lease, sizeof(shared->slots[0].lease));
	shared->slots[1].pid = -1;
}

static void a_dead_worker_leaves_nothing(void **state)
{
	(void)state;
	assert_int_equal(issue(), 0);
	die();
	turn(2);
	assert_int_equal(only_state(), 0);
	assert_int_equal(shared->slots[1].pid, 0);
	assert_int_equal(fake.revokes, 1);
	issue_reply_clear(&reply);
}

/* What it had ready for a commit would change what was settled, if another process did it now. */
static void what_a_dead_worker_had_ready_is_not_committed_any_more(void **state)
{
	struct queue *queue = queue_new();
	const struct driver_op op = { .kind = STORE_PUT, .key = { "k", 1 }, .value = { "v", 1 } };

	(void)state;
	assert_non_null(queue);
	store_lmdb.share(temp.store->handle, queue, QUEUE_NO_PLACE);
	assert_true(queue_put(queue, 1, &op, 1));
	assert_true(queue_put(queue, 3, &op, 1));
	shared->slots[1].pid = -1;
	turn(1);
	assert_int_equal(shared->slots[1].pid, 0);
	assert_false(queue_is_pending(queue, 1));
	assert_true(queue_is_pending(queue, 3));
	store_lmdb.share(temp.store->handle, NULL, QUEUE_NO_PLACE);
	queue_free(queue);
}

static void die_in_mid_issue(void)
{
	assert_int_equal(shared->slots[0].phase, SLOT_PENDING);
	die();
	turn(2);
}

/* At once, not only when the lease is due. A call of it may still take effect. */
static void a_worker_that_dies_in_mid_issue_leaves_nothing(void **state)
{
	(void)state;
	fake.during_issue = die_in_mid_issue;
	assert_int_equal(issue(), LH_ECONFLICT);
	assert_int_equal(fake.revokes, 1);
	assert_int_equal(only_state(), LEASE_SWEEPING);
}

/* Whatever fails: the slot is given up after the lease was settled, never before. */
static void a_dead_workers_slot_names_its_lease_until_it_is_settled(void **state)
{
	bool failed = true;

	(void)state;
	for (unsigned n = 1; failed; n++) {
		assert_int_equal(issue(), 0);
		issue_reply_clear(&reply);
		die();
		fail_alloc_at(n);
		revoker_turn(revoker, 0, &err);
		failed = fail_alloc_stop();
		if (shared->slots[1].pid == 0)
			assert_int_not_equal(only_state(), LEASE_ISSUED);
		/* The next revoker does not know what this one held back. */
		revoker_free(revoker);
		assert_int_equal(revoker_new(taker, &revoker, &err), 0);
		turn(3);
		if (only_state())
			make_due();
		turn(3);
		assert_int_equal(only_state(), 0);
		assert_true(n < 3000);
	}
}

static void a_delivered_lease_outlives_its_worker(void **state)
{
	(void)state;
	assert_int_equal(issue(), 0);
	shared->slots[0].phase = SLOT_DELIVERED;
	die();
	turn(2);
	assert_int_equal(only_state(), LEASE_ACTIVE);
	assert_int_equal(fake.revokes, 0);
	issue_reply_clear(&reply);
}

/* The machine, or the worker alone, was stopped between the reply and its confirmation. */
static void a_delivered_lease_outlives_its_workers_sleep(void **state)
{
	(void)state;
	assert_int_equal(issue(), 0);
	broker_sent(broker);
	assert_int_equal(only_state(), LEASE_ISSUED);
	make_due();
	turn(2);
	assert_int_equal(only_state(), LEASE_ACTIVE);
	assert_int_equal(fake.revokes, 0);
	broker_delivered(broker, true);
	assert_int_equal(only_state(), LEASE_ACTIVE);
	issue_reply_clear(&reply);
}

/* Nobody is left to say what became of it: the master died as well. */
static void an_orphan_is_revoked_when_it_is_due(void **state)
{
	(void)state;
	assert_int_equal(issue(), 0);
	turn(2);
	assert_int_equal(only_state(), LEASE_ISSUED);
	make_due();
	turn(2);
	assert_int_equal(only_state(), 0);
	issue_reply_clear(&reply);
}

/* ---- Sweeps ---- */

static void abandon_unsure(void)
{
	struct store_batch batch = { 0 };
	struct lease *old = only_lease(), *new = lease_copy(old);

	new->state = LEASE_REVOKING;
	new->unsure_until = clock_now() + 1200;
	new->due = clock_now();
	assert_int_equal(lease_change(temp.store, &batch, old, new), 0);
	assert_int_equal(store_apply(temp.store, STORE_NORMAL, &batch, NULL), 0);
	store_batch_free(&batch);
	lease_free(old);
	lease_free(new);
}

static void what_is_unsure_is_swept_until_sure(void **state)
{
	struct lease *lease;
	char *id = issue_delivered();

	(void)state;
	abandon_unsure();
	turn(2);
	lease = only_lease();
	assert_int_equal(lease->state, LEASE_SWEEPING);
	assert_in_range(lease->due - clock_now(), 20, 30);
	assert_false(lease_visible(lease));
	lease_free(lease);
	make_due();
	turn(2);
	lease = only_lease();
	assert_int_equal(lease->sweeps, 1);
	assert_in_range(lease->due - clock_now(), 1160, 1170);
	lease_free(lease);
	make_due();
	turn(2);
	assert_int_equal(only_state(), 0);
	assert_int_equal(fake.revokes, 3);
	free(id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BROKER_TEST(a_delivered_lease_is_active),
		BROKER_TEST(an_undelivered_lease_is_revoked),
		BROKER_TEST(a_failed_issue_is_revoked),
		BROKER_TEST(failures_have_their_kind),
		BROKER_TEST(a_taken_name_gets_new_plans),
		BROKER_TEST(without_credentials_the_reason_is_told),
		BROKER_TEST(a_client_that_is_gone_gets_no_call),
		BROKER_TEST(no_issue_begins_for_a_dead_mount),
		BROKER_TEST(no_lease_outlives_its_mount),
		BROKER_TEST(a_late_worker_loses),
		BROKER_TEST(no_session_outlives_its_mount),
		BROKER_TEST(a_session_is_one_record),
		BROKER_TEST(a_dead_worker_leaves_nothing),
		BROKER_TEST(what_a_dead_worker_had_ready_is_not_committed_any_more),
		BROKER_TEST(a_worker_that_dies_in_mid_issue_leaves_nothing),
		BROKER_TEST(a_dead_workers_slot_names_its_lease_until_it_is_settled),
		BROKER_TEST(a_delivered_lease_outlives_its_worker),
		BROKER_TEST(a_delivered_lease_outlives_its_workers_sleep),
		BROKER_TEST(an_orphan_is_revoked_when_it_is_due),
		BROKER_TEST(what_is_unsure_is_swept_until_sure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
