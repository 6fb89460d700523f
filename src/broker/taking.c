/* SPDX-License-Identifier: Apache-2.0 */
/* One revocation: mark the lease, converse with the cloud, commit the outcome. */
#include <stdlib.h>
#include <string.h>

#include "broker/failure.h"
#include "broker/revoker_priv.h"
#include "crypto/crypto.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/json.h"
#include "util/log.h"
#include "util/shared.h"
#include "util/wipe.h"

#define TALK_TIME     600000 /* ms to take a lease back, with all waits for the quota */
#define CALL_ATTEMPTS 2
#define UNREAD_HELD   60 /* seconds for which a lease that cannot be read is left alone */

/* ---- The set of those in flight ---- */

bool taking_in_flight(const struct revoker *revoker, const struct lease_key *lease)
{
	for (size_t i = 0; i < TAKINGS_MAX; i++) {
		const struct taking *taking = &revoker->takings[i];

		if (taking->used &&
		    !memcmp(taking->due.lease.name, lease->name, sizeof(lease->name)))
			return true;
	}
	return false;
}

bool taking_held(const struct revoker *revoker, const struct lease_key *lease)
{
	size_t count = revoker->held_next < HELD_MAX ? revoker->held_next : HELD_MAX;

	for (size_t i = 0; i < count; i++) {
		const struct held *held = &revoker->held[i];

		if (!memcmp(held->lease.name, lease->name, sizeof(lease->name)) &&
		    clock_boot_ms() < held->until)
			return true;
	}
	return false;
}

void taking_hold(struct revoker *revoker, const struct lease_key *lease, int64_t seconds)
{
	struct held *held = &revoker->held[revoker->held_next++ % HELD_MAX];

	held->lease = *lease;
	held->until = clock_boot_ms() + seconds * 1000;
}

static struct taking *taking_new(struct revoker *revoker, const struct choice *choice)
{
	struct mount_state *mount = mount_state(revoker, choice->due.mount);

	for (size_t i = 0; mount && i < TAKINGS_MAX; i++) {
		struct taking *taking = &revoker->takings[i];

		if (taking->used)
			continue;
		memset(taking, 0, sizeof(*taking));
		taking->used = true;
		taking->revoker = revoker;
		taking->due = choice->due;
		taking->part = choice->part;
		taking->mount = mount;
		mount->in_flight++;
		mount->keyed += !taking->due.keyless;
		revoker->in_flight++;
		return taking;
	}
	return NULL;
}

void taking_free(struct taking *taking)
{
	lease_free(taking->lease);
	wipe_free(taking->key_id);
	taking->mount->in_flight--;
	taking->mount->keyed -= !taking->due.keyless;
	taking->revoker->in_flight--;
	taking->used = false;
}

void takings_free(struct revoker *revoker)
{
	for (size_t i = 0; i < TAKINGS_MAX; i++)
		if (revoker->takings[i].used) {
			talk_drop(revoker->broker->talker, &revoker->takings[i]);
			taking_free(&revoker->takings[i]);
		}
}

/* ---- How it ended ---- */

static void fail(struct taking *taking, const char *why)
{
	err_text(taking->error, sizeof(taking->error), "%s", why);
	taking->ended = true;
}

static enum verdict advance(void *context, struct step *step)
{
	const struct taking *taking = context;

	return taking->engine->revoke(step);
}

static void done(void *context, const struct talk_end *end)
{
	struct taking *taking = context;
	const struct answer *culprit = end->step->culprit;

	taking->ended = true;
	taking->gone = end->verdict == STEP_DONE;
	if (taking->gone)
		return;
	if (!culprit) {
		fail(taking, end->step->reason);
		return;
	}
	taking->for_operator = culprit->kind == ANSWER_REFUSED &&
			       taking->engine->needs_operator(culprit->code);
	taking->sick = culprit->kind != ANSWER_REFUSED;
	failure_text(taking->error, sizeof(taking->error), taking->engine, culprit, taking->key_id);
}

/* ---- Beginning ---- */

/* What the lease becomes before its first call: from here on nothing brings it back to life. */
static void make_revoking(struct broker *broker, struct lease *lease)
{
	if (lease->state == LEASE_PENDING) {
		log_warn("revoker: a worker died or gave up in the middle of an issue; taking back "
			 "what it may have made: %s",
			 lease->plan);
		lease->unsure_until = unsure_until(broker, lease);
	}
	lease->state = LEASE_REVOKING;
}

static int converse(struct taking *taking, const struct root *root)
{
	struct broker *broker = taking->revoker->broker;
	const struct lease *lease = taking->lease;
	struct mount_state *mount = taking->mount;
	json_t *plan = NULL, *facts = NULL;
	struct talk_terms terms = {
		.engine = taking->engine,
		.conf = conf_engine(broker->options.conf, lease->engine),
		.key = &root->key,
		.part = taking->part,
		.account = lease->account,
		.use = BUCKET_REVOKE,
		.share = taking->part == REVOKE_KEYS ? &mount->keys : &mount->others,
		.deadline = clock_boot_ms() + TALK_TIME,
		.attempts = CALL_ATTEMPTS,
		.advance = advance,
		.done = done,
		.context = taking,
	};
	int ret;

	ret = json_read(lease->plan, strlen(lease->plan), &plan, NULL);
	if (!ret && lease->facts[0])
		ret = json_read(lease->facts, strlen(lease->facts), &facts, NULL);
	terms.plan = plan;
	terms.facts = facts;
	if (!ret)
		ret = talk_start(broker->talker, &terms);
	json_decref(plan);
	json_decref(facts);
	return ret;
}

/* With the credentials of another account "does not exist" would mean nothing. */
static bool same_account(struct taking *taking, const struct root *root)
{
	const char *account = taking->lease->account;

	if (!account[0] || !strcmp(account, root->account))
		return true;
	taking->for_operator = true;
	err_text(taking->error, sizeof(taking->error),
		 "%s: this lease belongs to account %s, but the mount's credentials are of account "
		 "%s: configure a key of account %s to let it be revoked",
		 taking->lease->engine, account, root->account, account);
	taking->ended = true;
	return false;
}

/* Takes what is needed and starts to talk. LH_EBUSY: credentials are on their way. */
static int start(struct taking *taking)
{
	struct broker *broker = taking->revoker->broker;
	struct answer answer;
	struct root root;
	struct err err = { "" };
	int ret;

	ret = root_get(broker, taking->lease->mount, taking->engine, &root, &answer, &err);
	if (ret == LH_EBUSY)
		return ret;
	if (ret) {
		taking->sick = ret == LH_ECLOUD && answer.kind != ANSWER_REFUSED;
		taking->for_operator = !taking->sick;
		fail(taking, err.text[0] ? err.text : err_name(ret));
		return 0;
	}
	taking->key_id = wipe_copy(root.key.id, strlen(root.key.id));
	if (same_account(taking, &root)) {
		ret = converse(taking, &root);
		if (ret)
			fail(taking, err_name(ret));
	}
	root_clear(&root);
	return 0;
}

/* An entry without its lease can only be left by a defect; it must not block the index. */
static void remove_stray(struct revoker *revoker, const struct due *due)
{
	log_error("revoker: an entry of the due index has no lease; it is removed");
	due_remove(revoker->broker->options.store, due);
}

/* Its reply was sent, only the worker has not come to write that down: it, or the whole machine, was
 * stopped for so long. What somebody has in his hands ends at its own time. */
static bool was_delivered(const struct taking *taking)
{
	return taking->lease->state == LEASE_ISSUED &&
	       slots_hold(taking->revoker->broker->options.shared, taking->due.lease.name,
			  SLOT_DELIVERED);
}

/* By the wall clock its worker should be dead, for the clock was set ahead; by the time since the boot,
 * which counts, its request goes on. */
static bool is_in_hand(const struct taking *taking)
{
	enum lease_state state = taking->lease->state;

	return (state == LEASE_PENDING || state == LEASE_ISSUED) &&
	       slots_work_on(taking->revoker->broker->options.shared, taking->due.lease.name,
			     clock_boot_ms());
}

/* Reads the lease. false: there is nothing to converse about. */
static bool read_lease(struct taking *taking)
{
	struct store *store = taking->revoker->broker->options.store;
	const struct due *due = &taking->due;
	int ret;

	ret = lease_get_key(store, &due->lease, &taking->lease);
	if (ret == LH_ENOENT && due_exists(store, due))
		remove_stray(taking->revoker, due);
	if (ret && ret != LH_ENOENT) {
		log_error("revoker: a lease cannot be read: %s", err_name(ret));
		taking_hold(taking->revoker, &due->lease, UNREAD_HELD);
	}
	if (ret)
		return false;
	if (was_delivered(taking)) {
		if (confirm_lease(taking->revoker->broker, &due->lease))
			taking_hold(taking->revoker, &due->lease, 1);
		return false;
	}
	if (is_in_hand(taking)) {
		taking_hold(taking->revoker, &due->lease, 1);
		return false;
	}
	taking->engine = engine_find(taking->lease->engine);
	/* Changed between the scan and now? Then the entry has gone as well. */
	return taking->lease->due == due->time && taking->lease->keyless == due->keyless;
}

/* ---- Marking ---- */

static bool needs_mark(const struct lease *lease)
{
	return lease->lasting && lease->state != LEASE_REVOKING && lease->state != LEASE_SWEEPING;
}

static int add_mark(struct broker *broker, struct store_batch *batch, const struct lease *lease)
{
	struct lease *marked = lease_copy(lease);
	int ret = marked ? 0 : LH_ENOMEM;

	if (!ret) {
		make_revoking(broker, marked);
		ret = lease_change(broker->options.store, batch, lease, marked);
	}
	lease_free(marked);
	return ret;
}

/* Marks leases durably, in one commit, and reads them again, with their new revisions. */
static int mark(struct broker *broker, struct taking **takings, size_t count)
{
	struct store_batch batch = { 0 };
	int ret = 0;

	for (size_t i = 0; !ret && i < count; i++)
		if (needs_mark(takings[i]->lease))
			ret = add_mark(broker, &batch, takings[i]->lease);
	if (!ret && (batch.count || batch.failed))
		ret = store_apply(broker->options.store, STORE_REVOKE, &batch, NULL);
	store_batch_free(&batch);
	for (size_t i = 0; !ret && i < count; i++) {
		if (!needs_mark(takings[i]->lease))
			continue;
		lease_free(takings[i]->lease);
		takings[i]->lease = NULL;
		ret = lease_get_key(broker->options.store, &takings[i]->due.lease,
				    &takings[i]->lease);
	}
	return ret;
}

/* One that could not be marked is let go: somebody was faster, or the store is full. */
static bool mark_alone(struct taking *taking)
{
	int ret = taking->lease ? mark(taking->revoker->broker, &taking, 1) : LH_EIO;

	if (ret && ret != LH_ECONFLICT)
		taking_hold(taking->revoker, &taking->due.lease, 1);
	return !ret;
}

/* ---- Groups ---- */

/* false: the root credentials are on their way. */
static bool begin(struct taking *taking)
{
	if (!taking->lease->lasting) {
		taking->gone = taking->ended = true;
	} else if (!taking->engine) {
		taking->for_operator = true;
		fail(taking, "this version does not know the lease's engine");
	} else if (start(taking) == LH_EBUSY) {
		taking->mount->waiting = true;
		taking_free(taking);
		return false;
	}
	return true;
}

/* When one of a group was changed meanwhile none was marked, and each is tried for itself. */
static size_t begin_group(struct revoker *revoker, struct taking **takings, size_t count)
{
	int ret = mark(revoker->broker, takings, count);
	size_t begun = 0;

	for (size_t i = 0; i < count; i++) {
		bool marked = !ret || mark_alone(takings[i]);

		if (!marked)
			taking_free(takings[i]);
		begun += !marked || begin(takings[i]);
	}
	return begun;
}

size_t takings_begin(struct revoker *revoker, const struct choice *choices, size_t count)
{
	struct taking *group[BATCH_LEASES];
	size_t size = 0, begun = 0;

	for (size_t i = 0; i < count; i++) {
		struct taking *taking = taking_new(revoker, &choices[i]);
		bool sound = taking && read_lease(taking);

		if (taking && !sound)
			taking_free(taking);
		if (sound)
			group[size++] = taking;
		else
			begun++;
		if (size == BATCH_LEASES || i + 1 == count) {
			begun += begin_group(revoker, group, size);
			size = 0;
		}
	}
	return begun;
}
