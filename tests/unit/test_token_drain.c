/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a dead token's children, leases and cubbyhole, over a real store and an engine
 * without a cloud. Each test ends with a store that holds what it held before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "auth/cubbyhole.h"
#include "auth/token.h"
#include "auth/tree.h"
#include "broker/broker.h"
#include "broker/wrapping.h"
#include "conf/conf.h"
#include "fail_alloc.h"
#include "fake_engine.h"
#include "lease/index.h"
#include "store/key.h"
#include "temp_store.h"
#include "util/buf.h"
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
static struct err err;
static json_t *policies;
static size_t records; /* before the test */

/* ---- The world of a test ---- */

static size_t count_records(void)
{
	struct driver_usage usage;

	assert_int_equal(store_maintain(temp.store, &usage), 0);
	return (size_t)usage.records;
}

static void know_account(void)
{
	unsigned char name[KEYRING_NAME_SIZE];
	struct store_batch batch = { 0 };
	struct key key;

	assert_int_equal(keyring_name(store_keyring(temp.store), KEYRING_ACCOUNT, "key-1", name),
			 0);
	key_start(&key, 'a');
	key_add(&key, name, sizeof(name));
	store_batch_put(&batch, STORE_ANY, 0, key_bytes(&key),
			(struct bytes){ FAKE_ACCOUNT, strlen(FAKE_ACCOUNT) });
	assert_int_equal(store_apply(temp.store, STORE_NORMAL, &batch, NULL), 0);
	store_batch_free(&batch);
}

static const struct mount *mount(void)
{
	const struct mount *found;

	assert_int_equal(mount_find(broker, "cloud", &found), 0);
	return found;
}

static void make_mount(void)
{
	json_t *entry = json_pack("{s:s, s:s, s:{}}", "type", "fake", "uuid", UUID, "config");
	json_t *role = json_object(),
	       *config = json_pack("{s:s, s:s}", "id", "key-1", "secret", "s");

	assert_int_equal(mount_enable(broker, "cloud/", entry, &err), 0);
	assert_int_equal(mount_role_put(broker, mount(), "app", role, 0, NULL), 0);
	assert_int_equal(mount_config_put(broker, mount(), config, 0), 0);
	json_decref(entry);
	json_decref(role);
	json_decref(config);
}

static int set_up(void **state)
{
	struct broker_options options = { .conf = &conf, .connections = 4 };

	(void)state;
	log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT, "test");
	temp_store_open(&temp);
	memset(&conf_fake, 0, sizeof(conf_fake));
	conf_fake.of.type = "fake";
	conf_fake.user_endpoint = (char *)(uintptr_t) "http://127.0.0.1:1";
	conf_fake.ca_file = (char *)(uintptr_t) "";
	conf_fake.request_timeout = 1000;
	conf_fake.sweep_after[0] = 30;
	conf_fake.sweep_count = 1;
	memset(&conf, 0, sizeof(conf));
	conf.engines = &conf_fake;
	conf.engine_count = 1;
	conf.default_lease_ttl = 3600;
	conf.max_lease_ttl = 7200;
	shared = shared_new();
	assert_non_null(shared);
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
	policies = json_pack("[s]", "default");
	know_account();
	make_mount();
	records = count_records();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	json_decref(policies);
	revoker_free(revoker);
	broker_free(taker);
	broker_free(broker);
	shared_free(shared);
	temp_store_close(&temp);
	return 0;
}

/* ---- Verbs ---- */

static struct token_terms terms_of(const struct caller *parent, int64_t ttl)
{
	struct token_terms terms = {
		.parent = parent,
		.display_name = "token",
		.path = "auth/token/create",
		.policies = policies,
		.ttl = ttl,
		.renewable = true,
	};

	return terms;
}

/* Made, but not looked up: also one whose end lies in the past. */
static void make(const struct token_terms *terms, struct token_made *made)
{
	assert_int_equal(token_create(temp.store, terms, made), 0);
}

static struct caller born(const struct token_terms *terms, char *text)
{
	struct token_made made;
	struct caller caller;

	make(terms, &made);
	assert_int_equal(auth_lookup(temp.store, made.token, &caller), 0);
	if (text)
		strcpy(text, made.token);
	token_made_clear(&made);
	return caller;
}

static struct caller child_of(const struct caller *parent)
{
	struct token_terms terms = terms_of(parent, 600);

	return born(&terms, NULL);
}

static struct issue_reply reply;

static int issue(const struct caller *caller)
{
	json_t *role = json_object();
	struct issue_request request = {
		.mount = mount(),
		.role_name = "app",
		.role = role,
		.path = "cloud/creds/app",
		.caller = caller,
		.deadline = clock_boot_ms() + 5000,
	};
	int ret;

	memset(&err, 0, sizeof(err));
	ret = broker_issue(broker, &request, &reply, &err);
	json_decref(role);
	return ret;
}

static void lend(const struct caller *caller)
{
	assert_int_equal(issue(caller), 0);
	broker_delivered(broker, true);
	issue_reply_clear(&reply);
}

/* A turn that has nothing to do waits a little: the revoker does not look and commit in each one. */
static void turn(int times)
{
	for (int i = 0; i < times; i++)
		assert_int_equal(revoker_turn(revoker, 10, &err), 0);
}

/* Turns until the store holds what it held before. */
static void settle(void)
{
	int64_t end = clock_boot_ms() + 30000;

	while (count_records() != records) {
		if (clock_boot_ms() > end)
			fail_msg("%zu records, not %zu", count_records(), records);
		turn(1);
	}
}

static void revoke(const struct caller *caller)
{
	assert_int_equal(token_revoke(temp.store, caller->token, TOKEN_REVOKE_TREE), 0);
}

static int look_up(const struct caller *known)
{
	struct caller caller;
	int ret = token_find_name(temp.store, known->token, &caller);

	if (!ret)
		caller_clear(&caller);
	return ret;
}

/* ---- Revocation ---- */

static void a_revoked_token_takes_its_leases_along(void **state)
{
	struct caller caller = child_of(NULL);

	(void)state;
	for (int i = 0; i < 20; i++) /* more than one page */
		lend(&caller);
	revoke(&caller);
	settle();
	assert_true(fake.revokes >= 20); /* where many wait, keys go before the rest */
	caller_clear(&caller);
}

static void others_keep_what_they_have(void **state)
{
	struct caller caller = child_of(NULL), other = child_of(NULL);
	size_t before;

	(void)state;
	lend(&other);
	before = count_records();
	lend(&caller);
	revoke(&caller);
	turn(10);
	assert_true(count_records() < before);
	assert_int_equal(fake.revokes, 1);
	assert_int_equal(look_up(&other), 0);
	revoke(&other);
	settle();
	caller_clear(&caller);
	caller_clear(&other);
}

static void a_tree_goes_whatever_its_shape(void **state)
{
	struct caller root = child_of(NULL), child, grandchild;

	(void)state;
	for (int i = 0; i < 25; i++) {
		child = child_of(&root);
		lend(&child);
		for (int j = 0; j < (i % 5 == 0 ? 12 : 0); j++) {
			grandchild = child_of(&child);
			if (j % 4 == 0)
				lend(&grandchild);
			caller_clear(&grandchild);
		}
		caller_clear(&child);
	}
	revoke(&root);
	settle();
	assert_true(fake.revokes >= 25 + 5 * 3);
	caller_clear(&root);
}

static void a_line_as_long_as_can_be_goes(void **state)
{
	struct caller line[TOKEN_ANCESTORS_MAX + 1];

	(void)state;
	line[0] = child_of(NULL);
	for (size_t i = 1; i <= TOKEN_ANCESTORS_MAX; i++)
		line[i] = child_of(&line[i - 1]);
	lend(&line[TOKEN_ANCESTORS_MAX]);
	revoke(&line[0]);
	settle();
	assert_int_equal(fake.revokes, 1);
	for (size_t i = 0; i <= TOKEN_ANCESTORS_MAX; i++)
		caller_clear(&line[i]);
}

/* All memory of the revoker is a convenience: each turn is done by one that knows nothing. */
static void a_revoker_that_starts_over_ends_it_all_the_same(void **state)
{
	struct caller root = child_of(NULL), child = child_of(&root);

	(void)state;
	for (int i = 0; i < 40; i++)
		lend(i % 2 ? &root : &child);
	revoke(&root);
	for (int i = 0; count_records() != records; i++) {
		assert_true(i < 200);
		turn(1);
		revoker_free(revoker);
		assert_int_equal(revoker_new(taker, &revoker, &err), 0);
	}
	assert_true(fake.revokes >= 40);
	caller_clear(&root);
	caller_clear(&child);
}

static void parent_and_child_may_be_revoked_one_by_one(void **state)
{
	struct caller root = child_of(NULL), child = child_of(&root);

	(void)state;
	lend(&child);
	revoke(&child);
	revoke(&root);
	settle();
	caller_clear(&root);
	caller_clear(&child);
	root = child_of(NULL);
	child = child_of(&root);
	revoke(&root);
	revoke(&child);
	settle();
	caller_clear(&root);
	caller_clear(&child);
}

/* ---- Orphans ---- */

static void orphans_live_on_and_the_rest_goes(void **state)
{
	struct caller root = child_of(NULL), child, again, children[15];
	struct token_terms terms = terms_of(&root, 600);
	char text[TOKEN_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < 15; i++)
		children[i] = child_of(&root);
	child = child_of(&children[0]);
	terms.type = TOKEN_BATCH;
	again = born(&terms, text);
	lend(&root);
	lend(&again); /* of a batch token, which dies all the same */
	lend(&child);
	caller_clear(&again);
	assert_int_equal(token_revoke(temp.store, root.token, TOKEN_REVOKE_ORPHAN), 0);
	turn(20);
	assert_int_equal(fake.revokes, 2);
	assert_int_equal(look_up(&root), LH_ENOENT);
	for (size_t i = 0; i < 15; i++) {
		assert_int_equal(token_find_name(temp.store, children[i].token, &again), 0);
		assert_int_equal(again.ancestor_count, 0);
		caller_clear(&again);
	}
	assert_int_equal(token_find_name(temp.store, child.token, &again), 0);
	assert_int_equal(again.ancestor_count, 1);
	caller_clear(&again);
	for (size_t i = 0; i < 15; i++) {
		revoke(&children[i]);
		caller_clear(&children[i]);
	}
	settle();
	caller_clear(&root);
	caller_clear(&child);
}

/* Its children are nobody's heirs: they must not go with what was above it. */
static void orphans_are_spared_when_their_grandparent_dies(void **state)
{
	struct caller root = child_of(NULL), middle = child_of(&root), child = child_of(&middle);

	(void)state;
	assert_int_equal(token_revoke(temp.store, middle.token, TOKEN_REVOKE_ORPHAN), 0);
	revoke(&root);
	turn(20);
	assert_int_equal(look_up(&child), 0);
	revoke(&child);
	settle();
	caller_clear(&root);
	caller_clear(&middle);
	caller_clear(&child);
}

/* ---- Time ---- */

static void what_has_ended_goes_with_all_that_it_owned(void **state)
{
	struct caller root = child_of(NULL);
	struct token_terms terms = terms_of(&root, -1);
	struct token_made made;

	(void)state;
	for (int i = 0; i < 75; i++) { /* more than one look finds */
		make(&terms, &made);
		token_made_clear(&made);
	}
	turn(5);
	assert_int_equal(count_records(), records + 3); /* record, accessor, due entry */
	revoke(&root);
	settle();
	caller_clear(&root);
}

static void a_token_without_end_is_never_due(void **state)
{
	struct token_terms terms = terms_of(NULL, 0);
	struct caller caller = born(&terms, NULL);
	struct token_due due;
	size_t count;

	(void)state;
	assert_int_equal(token_due_scan(temp.store, INT64_MAX - 1, &due, 1, &count), 0);
	assert_int_equal(count, 0);
	revoke(&caller);
	settle();
	caller_clear(&caller);
}

static void a_renewed_token_is_due_at_its_new_end(void **state)
{
	struct caller caller = child_of(NULL);
	struct token_due due[2];
	size_t count;

	(void)state;
	assert_int_equal(token_renew(temp.store, &caller, 1200), 0);
	assert_int_equal(token_due_scan(temp.store, INT64_MAX - 1, due, 2, &count), 0);
	assert_int_equal(count, 1);
	assert_in_range(due[0].time - clock_now(), 1198, 1201);
	turn(3);
	assert_int_equal(look_up(&caller), 0);
	revoke(&caller);
	settle();
	caller_clear(&caller);
}

/* The revoker has read the entry, then somebody renews: the token lives. */
static void a_renewal_wins_over_its_end(void **state)
{
	struct token_terms terms = terms_of(NULL, 600);
	struct caller caller = born(&terms, NULL);
	struct token_due due;
	size_t count;

	(void)state;
	assert_int_equal(token_due_scan(temp.store, INT64_MAX - 1, &due, 1, &count), 0);
	assert_int_equal(token_renew(temp.store, &caller, 1200), 0);
	assert_int_equal(token_bury_due(temp.store, &due, 1), 0);
	assert_int_equal(look_up(&caller), 0);
	revoke(&caller);
	settle();
	caller_clear(&caller);
}

static void the_last_use_leaves_it_to_the_revoker(void **state)
{
	struct token_terms terms = terms_of(NULL, 600);
	struct caller caller;

	(void)state;
	terms.num_uses = 1;
	caller = born(&terms, NULL);
	assert_int_equal(broker_use_token(broker, &caller, clock_boot_ms() - 10000), 0);
	assert_int_equal(caller.num_uses, TOKEN_USED_UP);
	turn(1); /* the worker may still be alive: 10 s after the deadline it is not */
	assert_int_not_equal(count_records(), records);
	revoke(&caller);
	settle();
	caller_clear(&caller);
}

static void a_used_token_is_found_by_its_end(void **state)
{
	struct token_terms terms = terms_of(NULL, 600);
	struct caller caller;

	(void)state;
	terms.num_uses = 1;
	caller = born(&terms, NULL);
	assert_int_equal(token_use(temp.store, &caller, clock_now() - 1), 0);
	settle();
	caller_clear(&caller);
}

/* ---- Births after death ---- */

static struct caller victim;

static void kill_victim(void)
{
	assert_int_equal(token_revoke(temp.store, victim.token, TOKEN_REVOKE_TREE), 0);
}

static void nothing_is_issued_to_a_dead_token(void **state)
{
	struct caller child;

	(void)state;
	victim = child_of(NULL);
	child = child_of(&victim);
	revoke(&victim);
	assert_int_equal(issue(&child), LH_ECONFLICT);
	assert_int_equal(reply.failure, FAILURE_INPUT);
	assert_int_equal(fake.issues, 0);
	settle();
	assert_int_equal(issue(&child), LH_ECONFLICT); /* also when its tombstone has gone */
	assert_int_equal(count_records(), records);
	caller_clear(&child);
	caller_clear(&victim);
}

/* While a cloud is asked about it. */
static void no_role_is_written_for_a_dead_token(void **state)
{
	json_t *role = json_pack("{s:s}", "k", "v"), *kept;
	struct caller child;
	uint64_t revision;

	(void)state;
	victim = child_of(NULL);
	child = child_of(&victim);
	assert_int_equal(mount_role_put(broker, mount(), "new", role, 0, &child), 0);
	assert_int_equal(mount_role_get(broker, mount(), "new", &kept, &revision), 0);
	json_decref(kept);
	assert_int_equal(mount_role_put(broker, mount(), "new", role, 0, &child), LH_ECONFLICT);
	revoke(&victim);
	assert_int_equal(mount_role_put(broker, mount(), "new", role, revision, &child), LH_EPERM);
	assert_int_equal(mount_role_put(broker, mount(), "app2", role, 0, &child), LH_EPERM);
	assert_int_equal(mount_role_delete(broker, mount(), "new"), 0);
	json_decref(role);
	caller_clear(&child);
	caller_clear(&victim);
}

static void a_credential_whose_owner_dies_meanwhile_is_revoked(void **state)
{
	struct caller child;

	(void)state;
	victim = child_of(NULL);
	child = child_of(&victim);
	fake.during_issue = kill_victim;
	assert_int_equal(issue(&child), LH_ECONFLICT);
	fake.during_issue = NULL;
	assert_true(fake.issues > 0);
	settle();
	assert_int_equal(fake.revokes, 1);
	caller_clear(&child);
	caller_clear(&victim);
}

static void a_lease_of_a_dead_token_is_not_renewed(void **state)
{
	struct caller root = child_of(NULL), child = child_of(&root);
	struct renew_reply renewed;
	char *id;

	(void)state;
	assert_int_equal(issue(&child), 0);
	broker_delivered(broker, true);
	id = strdup(reply.lease_id);
	issue_reply_clear(&reply);
	assert_int_equal(broker_renew(broker, id, 60, &renewed, &err), 0);
	revoke(&root);
	assert_int_equal(broker_renew(broker, id, 60, &renewed, &err), LH_EINVAL);
	assert_string_equal(err.text, "lease expired");
	settle();
	free(id);
	caller_clear(&root);
	caller_clear(&child);
}

/* ---- Batch tokens ---- */

static void a_lease_of_a_batch_token_ends_with_it(void **state)
{
	struct caller root = child_of(NULL), batch;
	struct token_terms terms = terms_of(&root, 120);
	struct renew_reply renewed;
	char *id;

	(void)state;
	terms.type = TOKEN_BATCH;
	batch = born(&terms, NULL);
	assert_int_equal(issue(&batch), 0);
	assert_in_range(reply.ttl, 118, 120);
	broker_delivered(broker, true);
	id = strdup(reply.lease_id);
	issue_reply_clear(&reply);
	assert_int_equal(broker_renew(broker, id, 3600, &renewed, &err), 0);
	assert_in_range(renewed.ttl, 118, 120);
	revoke(&root);
	settle();
	assert_int_equal(fake.revokes, 1);
	free(id);
	caller_clear(&root);
	caller_clear(&batch);
}

static void the_leases_of_a_batch_token_go_at_its_end(void **state)
{
	struct token_terms terms = terms_of(NULL, 600);
	struct caller batch;
	struct store_batch trace = { 0 };

	(void)state;
	terms.type = TOKEN_BATCH;
	batch = born(&terms, NULL);
	lend(&batch);
	batch.expires_ns = clock_now_ns() - 2000000000; /* as time does */
	batch.revision = 0;
	assert_int_equal(token_trace(&trace, &batch), 0);
	assert_int_equal(store_apply(temp.store, STORE_NORMAL, &trace, NULL), 0);
	store_batch_free(&trace);
	turn(10);
	assert_int_equal(fake.revokes, 1);
	/* The entry of the end that the test has moved means nothing, and goes when it is due. */
	assert_int_equal(count_records(), records + 1);
	caller_clear(&batch);
}

/* ---- What else goes ---- */

static void nothing_is_kept_or_wrapped_below_a_dead_root(void **state)
{
	struct caller root = child_of(NULL), child;
	struct token_terms terms = terms_of(&root, 600);
	json_t *data = json_pack("{s:s}", "k", "v");
	char text[TOKEN_TEXT_MAX];
	struct cubbyhole_owner owner = { &child, text };
	struct wrap_request request = {
		.caller = &child,
		.path = "sys/wrapping/wrap",
		.ttl = 60,
		.response = "{}",
		.size = 2,
		.accessor = "",
		.deadline = clock_boot_ms() + 5000,
	};
	struct opening opening = { .address = "", .deadline = request.deadline, .caller = &child };
	struct buf response = BUF_INIT;
	struct wrap_reply wrapped, again;
	bool issued;

	(void)state;
	child = born(&terms, text);
	assert_int_equal(broker_wrap(broker, &request, &again, &err), 0);
	opening.token = again.made.token;
	assert_int_equal(broker_rewrap(broker, &opening, 0, &wrapped, &issued, &err), 0);
	wrap_reply_clear(&again);
	opening.token = wrapped.made.token;
	revoke(&root);
	assert_int_equal(broker_rewrap(broker, &opening, 0, &again, &issued, &err), LH_EPERM);
	assert_int_equal(broker_unwrap(broker, &opening, &response, &issued), LH_EPERM);
	assert_int_equal(response.size, 0);
	wrap_reply_clear(&wrapped);
	assert_int_equal(cubbyhole_put(temp.store, &owner, "x", data, &err), LH_EPERM);
	assert_int_equal(broker_wrap(broker, &request, &wrapped, &err), LH_ECONFLICT);
	assert_string_equal(err.text, "the response cannot be wrapped: the token that asks was "
				      "revoked meanwhile");
	json_decref(data);
	caller_clear(&child);
	caller_clear(&root);
}

static void the_cubbyhole_goes_with_its_token(void **state)
{
	struct token_terms terms = terms_of(NULL, 600);
	json_t *data = json_pack("{s:s}", "k", "v");
	char text[TOKEN_TEXT_MAX];
	struct caller caller = born(&terms, text);
	const struct cubbyhole_owner owner = { &caller, text };

	(void)state;
	assert_int_equal(cubbyhole_put(temp.store, &owner, "x", data, &err), 0);
	revoke(&caller);
	assert_int_equal(cubbyhole_put(temp.store, &owner, "y", data, &err), LH_EPERM);
	settle();
	json_decref(data);
	caller_clear(&caller);
}

/* An unreadable record blocks nobody, and what it owned is taken back. */
static void a_broken_record_goes_as_well(void **state)
{
	struct caller root = child_of(NULL), child = child_of(&root);
	struct store_batch batch = { 0 };
	struct key key;

	(void)state;
	lend(&child);
	key_token(&key, child.token);
	store_batch_put(&batch, STORE_ANY, 0, key_bytes(&key), (struct bytes){ "{", 1 });
	assert_int_equal(store_apply(temp.store, STORE_NORMAL, &batch, NULL), 0);
	store_batch_free(&batch);
	revoke(&root);
	turn(20);
	assert_int_equal(fake.revokes, 1);
	assert_int_equal(look_up(&root), LH_ENOENT);
	assert_int_equal(look_up(&child), LH_ENOENT);
	/* Only what nothing but the record named is left: its accessor, and its entry until then. */
	assert_int_equal(count_records(), records + 2);
	caller_clear(&root);
	caller_clear(&child);
}

/* At least so many of the two leases are gone or being revoked. */
static void check_leases(int least)
{
	struct due due[2];
	struct lease *lease;
	size_t count;

	assert_int_equal(due_scan(temp.store, INT64_MAX - 1, NULL, due, 2, &count), 0);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(lease_get_key(temp.store, &due[i].lease, &lease), 0);
		least -= lease->state >= LEASE_REVOKING;
		lease_free(lease);
	}
	assert_true(least <= 2 - (int)count);
}

static bool is_stored(const struct caller *caller)
{
	uint64_t revision = 0;
	struct key key;

	key_token(&key, caller->token);
	assert_int_equal(store_revision(temp.store, key_bytes(&key), &revision), 0);
	return revision != 0;
}

/* Whatever fails, a token does not go before all of its leases are given to the revoker. */
static void lost_memory_only_delays_it(void **state)
{
	struct caller root = child_of(NULL), child = child_of(&root);
	bool lost = true;

	(void)state;
	lend(&root);
	lend(&child);
	revoke(&root);
	for (unsigned n = 1; lost; n++) {
		fail_alloc_at(n);
		revoker_turn(revoker, 0, &err);
		lost = fail_alloc_stop();
		assert_true(n < 5000);
		check_leases(!is_stored(&root) + !is_stored(&child));
	}
	turn(5);
	assert_false(is_stored(&root) || is_stored(&child));
	caller_clear(&root);
	caller_clear(&child);
}

/* ---- Many ---- */

/* In as few commits as batches have room for. */
static void make_children(const struct caller *parent, size_t count)
{
	struct token_terms terms = terms_of(parent, 600);
	struct token_made made;

	while (count) {
		struct store_batch batch = { 0 };

		for (; count && batch.count + TOKEN_ADD_OPS <= STORE_BATCH_MAX; count--) {
			assert_int_equal(token_add(temp.store, &batch, &terms, &made), 0);
			token_made_clear(&made);
		}
		assert_int_equal(store_apply(temp.store, STORE_NORMAL, &batch, NULL), 0);
		store_batch_free(&batch);
	}
}

/* Copies of the only lease. */
static void make_leases(size_t count)
{
	struct due due;
	struct lease *lease;
	size_t found;

	assert_int_equal(due_scan(temp.store, INT64_MAX - 1, NULL, &due, 1, &found), 0);
	assert_int_equal(lease_get_key(temp.store, &due.lease, &lease), 0);
	while (count) {
		struct store_batch batch = { 0 };

		for (; count && batch.count + LEASE_BATCH_OPS <= STORE_BATCH_MAX; count--) {
			char id[64];

			snprintf(id, sizeof(id), "cloud/creds/app/%zu", count);
			free(lease->id);
			lease->id = strdup(id);
			assert_int_equal(lease_change(temp.store, &batch, NULL, lease), 0);
		}
		assert_int_equal(store_apply(temp.store, STORE_NORMAL, &batch, NULL), 0);
		store_batch_free(&batch);
	}
	lease_free(lease);
}

static void check_all_revoking(void)
{
	struct due page[64], last;
	size_t count = 64;
	bool first = true;

	while (count == 64) {
		assert_int_equal(
			due_scan(temp.store, INT64_MAX - 1, first ? NULL : &last, page, 64, &count),
			0);
		for (size_t i = 0; i < count; i++) {
			struct lease *lease;

			assert_int_equal(lease_get_key(temp.store, &page[i].lease, &lease), 0);
			assert_int_equal(lease->state, LEASE_REVOKING);
			lease_free(lease);
		}
		first = false;
		last = page[count ? count - 1 : 0];
	}
}

static void ten_thousand_children_and_leases_go_after_one_commit(void **state)
{
	size_t many = getenv("LEASEHOLD_VALGRIND") ? 200 : 10000;
	struct caller root = child_of(NULL), child = child_of(&root);
	size_t before;
	int64_t start;

	(void)state;
	make_children(&root, many);
	lend(&root);
	make_leases(many);
	before = count_records();
	start = clock_boot_ms();
	revoke(&root);
	assert_true(clock_boot_ms() - start < 1000);
	assert_int_equal(look_up(&child), LH_ENOENT);
	assert_int_equal(count_records(), before + 2); /* nothing else was touched */
	for (int i = 0; is_stored(&root); i++) {
		assert_true(i < 20000);
		turn(1);
	}
	assert_false(is_stored(&child));
	assert_true(fake.revokes > 0); /* the rest as fast as the cloud's quota allows */
	check_all_revoking();
	caller_clear(&root);
	caller_clear(&child);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_revoked_token_takes_its_leases_along),
		TEST(others_keep_what_they_have),
		TEST(a_tree_goes_whatever_its_shape),
		TEST(a_line_as_long_as_can_be_goes),
		TEST(a_revoker_that_starts_over_ends_it_all_the_same),
		TEST(parent_and_child_may_be_revoked_one_by_one),
		TEST(orphans_live_on_and_the_rest_goes),
		TEST(orphans_are_spared_when_their_grandparent_dies),
		TEST(what_has_ended_goes_with_all_that_it_owned),
		TEST(a_token_without_end_is_never_due),
		TEST(a_renewed_token_is_due_at_its_new_end),
		TEST(a_renewal_wins_over_its_end),
		TEST(the_last_use_leaves_it_to_the_revoker),
		TEST(a_used_token_is_found_by_its_end),
		TEST(nothing_is_issued_to_a_dead_token),
		TEST(no_role_is_written_for_a_dead_token),
		TEST(a_credential_whose_owner_dies_meanwhile_is_revoked),
		TEST(a_lease_of_a_dead_token_is_not_renewed),
		TEST(a_lease_of_a_batch_token_ends_with_it),
		TEST(the_leases_of_a_batch_token_go_at_its_end),
		TEST(the_cubbyhole_goes_with_its_token),
		TEST(nothing_is_kept_or_wrapped_below_a_dead_root),
		TEST(a_broken_record_goes_as_well),
		TEST(lost_memory_only_delays_it),
		TEST(ten_thousand_children_and_leases_go_after_one_commit),
	};

	fail_alloc_jansson();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
