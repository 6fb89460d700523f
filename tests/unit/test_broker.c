/* SPDX-License-Identifier: Apache-2.0 */
/* The broker over a real store and an engine without a cloud: the life of a lease, whatever fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "auth/auth.h"
#include "broker/broker.h"
#include "broker/dates.h"
#include "broker/job.h"
#include "conf/conf.h"
#include "crypto/keyring.h"
#include "fail_alloc.h"
#include "fake_engine.h"
#include "lease/index.h"
#include "store/key.h"
#include "store/queue.h"
#include "store/store_priv.h"
#include "temp_store.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"
#include "util/shared.h"

#define UUID "00112233-4455-6677-8899-aabbccddeeff"

static struct temp_store temp;
static struct conf_engine conf_fake;
static struct conf conf;
static struct shared *shared;
static struct broker *broker; /* of a worker */
static struct broker *taker;  /* of the revoker: another process */
static struct revoker *revoker;
static struct caller caller;

/* ---- The world of a test ---- */

static void put(char family, const void *name, size_t size, const char *value)
{
	struct store_batch batch = { 0 };
	struct key key;

	key_start(&key, family);
	key_add(&key, name, size);
	store_batch_put(&batch, STORE_ANY, 0, key_bytes(&key),
			(struct bytes){ value, strlen(value) });
	assert_int_equal(store_apply(temp.store, STORE_NORMAL, &batch, NULL), 0);
	store_batch_free(&batch);
}

/* The broker need not ask a cloud whose the key is. */
static void know_account(const char *key_id, const char *account)
{
	unsigned char name[KEYRING_NAME_SIZE];

	assert_int_equal(keyring_name(store_keyring(temp.store), KEYRING_ACCOUNT, key_id, name), 0);
	put('a', name, sizeof(name), account);
}

static const struct mount *mount(void)
{
	const struct mount *found;

	assert_int_equal(mount_find(broker, "cloud", &found), 0);
	return found;
}

static void configure(const char *id)
{
	json_t *config = json_pack("{s:s, s:s}", "id", id, "secret", "s"), *old;
	uint64_t revision = 0;

	mount_config_get(broker, mount(), &old, &revision);
	json_decref(old);
	assert_int_equal(mount_config_put(broker, mount(), config, revision), 0);
	json_decref(config);
}

static void make_mount(void)
{
	json_t *entry = json_pack("{s:s, s:s, s:{}}", "type", "fake", "uuid", UUID, "config");
	json_t *role = json_object();
	struct err err = { "" };

	assert_int_equal(mount_enable(broker, "cloud/", entry, &err), 0);
	assert_int_equal(mount_role_put(broker, mount(), "app", role, 0, NULL), 0);
	json_decref(entry);
	json_decref(role);
}

static int setup(void **state)
{
	struct broker_options options = { .conf = &conf, .connections = 4 };
	struct err err = { "" };

	(void)state;
	log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT, "test");
	temp_store_open(&temp);
	memset(&conf_fake, 0, sizeof(conf_fake));
	conf_fake.of.type = "fake";
	/* Nobody listens there. */
	conf_fake.user_endpoint = (char *)(uintptr_t) "http://127.0.0.1:1";
	conf_fake.ca_file = (char *)(uintptr_t) "";
	conf_fake.request_timeout = 1000;
	conf_fake.sweep_after[0] = 30;
	conf_fake.sweep_after[1] = 1200;
	conf_fake.sweep_count = 2;
	memset(&conf, 0, sizeof(conf));
	conf.engines = &conf_fake;
	conf.engine_count = 1;
	conf.default_lease_ttl = 3600;
	conf.max_lease_ttl = 7200;
	shared = shared_new();
	assert_non_null(shared);
	shared->revoker_wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	options.store = temp.store;
	options.shared = shared;
	options.slot = &shared->slots[0];
	assert_int_equal(broker_new(&options, &broker, &err), 0);
	options.slot = &shared->slots[2];
	assert_int_equal(broker_new(&options, &taker, &err), 0);
	assert_int_equal(revoker_new(taker, &revoker, &err), 0);
	memset(&fake, 0, sizeof(fake));
	fake.issue = fake.revoke = STEP_DONE;
	fake.lasting = true;
	memset(&caller, 0, sizeof(caller));
	caller.display_name = (char *)(uintptr_t) "root";
	memset(caller.token, 't', sizeof(caller.token));
	put('t', caller.token, sizeof(caller.token), "{\"policies\":[\"root\"]}");
	know_account("key-1", FAKE_ACCOUNT);
	know_account("key-2", "2000000000000002");
	make_mount();
	configure("key-1");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	revoker_free(revoker);
	broker_free(taker);
	broker_free(broker);
	close(shared->revoker_wake);
	shared_free(shared);
	temp_store_close(&temp);
	return 0;
}

/* ---- Verbs ---- */

static struct issue_reply reply;
static struct err err;

static int issue(void)
{
	json_t *role = json_object();
	struct issue_request request = {
		.mount = mount(),
		.role_name = "app",
		.role = role,
		.path = "cloud/creds/app",
		.caller = &caller,
		.deadline = clock_boot_ms() + 5000,
	};
	int ret;

	memset(&err, 0, sizeof(err));
	ret = broker_issue(broker, &request, &reply, &err);
	json_decref(role);
	return ret;
}

static char *issue_delivered(void)
{
	char *id;

	assert_int_equal(issue(), 0);
	broker_delivered(broker, true);
	id = strdup(reply.lease_id);
	issue_reply_clear(&reply);
	return id;
}

/* Whether the revoker was told that there is something to do, since this was asked last. Otherwise it
 * would find out a second later. */
static bool is_woken(void)
{
	uint64_t count;

	return read(shared->revoker_wake, &count, sizeof(count)) == sizeof(count);
}

static void turn(int times)
{
	for (int i = 0; i < times; i++)
		assert_int_equal(revoker_turn(revoker, 0, &err), 0);
}

/* The state of the only lease; 0: there is none. */
static int only_state(void)
{
	struct due due[2];
	struct lease *lease;
	size_t count;
	int state;

	assert_int_equal(due_scan(temp.store, INT64_MAX - 1, NULL, due, 2, &count), 0);
	if (!count)
		return 0;
	assert_int_equal(count, 1);
	assert_int_equal(lease_get_key(temp.store, &due[0].lease, &lease), 0);
	state = (int)lease->state;
	lease_free(lease);
	return state;
}

static struct lease *only_lease(void)
{
	struct due due;
	struct lease *lease;
	size_t count;

	assert_int_equal(due_scan(temp.store, INT64_MAX - 1, NULL, &due, 1, &count), 0);
	assert_int_equal(count, 1);
	assert_int_equal(lease_get_key(temp.store, &due.lease, &lease), 0);
	return lease;
}

/* Moves the only lease's due time into the past, as if the time had come. */
static void make_due(void)
{
	struct store_batch batch = { 0 };
	struct lease *old = only_lease(), *new = lease_copy(old);

	new->due = clock_now() - 1;
	assert_int_equal(lease_change(temp.store, &batch, old, new), 0);
	assert_int_equal(store_apply(temp.store, STORE_NORMAL, &batch, NULL), 0);
	store_batch_free(&batch);
	lease_free(old);
	lease_free(new);
}

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
		enum broker_failure failure;
	} kinds[] = {
		{ ANSWER_REFUSED, false, FAILURE_INPUT },
		{ ANSWER_THROTTLED, false, FAILURE_THROTTLED },
		{ ANSWER_SICK, false, FAILURE_UNREACHABLE },
		{ ANSWER_UNSURE, false, FAILURE_UNREACHABLE },
		{ ANSWER_UNSURE, true, FAILURE_SLOW },
		{ ANSWER_UNSENT, false, FAILURE_UNREACHABLE },
	};

	(void)state;
	fake.issue = STEP_FAILED;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		fake.culprit = (struct answer){ .action = "CreateUser",
						.kind = kinds[i].kind,
						.slow = kinds[i].slow };
		assert_int_equal(issue(), LH_ECLOUD);
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
		.caller = &caller,
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
	put('x', key.data + 1, key.size - 1, "");
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
	assert_in_range(lease->due - clock_now(), 29, 30);
	assert_false(lease_visible(lease));
	lease_free(lease);
	make_due();
	turn(2);
	lease = only_lease();
	assert_int_equal(lease->sweeps, 1);
	assert_in_range(lease->due - clock_now(), 1169, 1170);
	lease_free(lease);
	make_due();
	turn(2);
	assert_int_equal(only_state(), 0);
	assert_int_equal(fake.revokes, 3);
	free(id);
}

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

	assert_int_equal(job_scan(temp.store, clock_now() + 3600, &job, 1, &count), 0);
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
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_delivered_lease_is_active),
		TEST(an_undelivered_lease_is_revoked),
		TEST(a_failed_issue_is_revoked),
		TEST(failures_have_their_kind),
		TEST(a_taken_name_gets_new_plans),
		TEST(without_credentials_the_reason_is_told),
		TEST(a_client_that_is_gone_gets_no_call),
		TEST(no_issue_begins_for_a_dead_mount),
		TEST(no_lease_outlives_its_mount),
		TEST(a_late_worker_loses),
		TEST(no_session_outlives_its_mount),
		TEST(a_session_is_one_record),
		TEST(a_dead_worker_leaves_nothing),
		TEST(what_a_dead_worker_had_ready_is_not_committed_any_more),
		TEST(a_worker_that_dies_in_mid_issue_leaves_nothing),
		TEST(a_dead_workers_slot_names_its_lease_until_it_is_settled),
		TEST(a_delivered_lease_outlives_its_worker),
		TEST(a_delivered_lease_outlives_its_workers_sleep),
		TEST(an_orphan_is_revoked_when_it_is_due),
		TEST(what_is_unsure_is_swept_until_sure),
		TEST(expiry_revokes),
		TEST(a_failed_revocation_is_told_and_retried),
		TEST(what_needs_an_operator_waits_longer),
		TEST(another_account_is_not_gone),
		TEST(force_forgets_after_one_attempt),
		TEST(an_unknown_lease_is_revoked_already),
		TEST(renewal_counts_from_now),
		TEST(a_renewal_never_passes_the_maximum_since_the_issue),
		TEST(refusals_have_the_words_that_clients_know),
		TEST(the_first_success_of_a_sick_mount_ends_all_pauses),
		TEST(a_prefix_is_drained),
		TEST(nothing_expires_while_the_clouds_disagree),
		TEST(agreement_ends_it),
		TEST(many_sessions_end_without_a_call),
		TEST(few_are_taken_back_at_once),
		TEST(what_has_lost_its_key_keeps_its_mark),
		TEST(a_job_tells_of_the_first_failure_and_goes_on),
		TEST(a_job_does_not_tell_of_what_failed_before_it),
		TEST(a_disabled_mount_goes_after_its_leases),
		TEST(a_disabled_mount_waits_for_a_worker_in_mid_issue),
		TEST(a_disabled_mount_waits_for_no_dead_worker),
		TEST(disabling_nothing_is_done),
		TEST(mounts_do_not_nest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
