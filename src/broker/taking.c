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

#define TALK_TIME         60000 /* ms for one attempt to take a lease back */
#define CALL_ATTEMPTS     2
#define BACKOFF_SICK_MAX  60   /* seconds: the cloud may be well again any moment */
#define BACKOFF_STUCK_MAX 3600 /* only an operator can end it */
#define BATCH_LEASES      (STORE_BATCH_MAX / LEASE_BATCH_OPS)

/* ---- The set of those in flight ---- */

bool taking_busy(const struct revoker *revoker, const struct lease_key *lease)
{
	for (size_t i = 0; i < TAKINGS_MAX; i++) {
		const struct taking *taking = &revoker->takings[i];

		if (taking->used &&
		    !memcmp(taking->due.lease.name, lease->name, sizeof(lease->name)))
			return true;
	}
	for (size_t i = 0; i < HELD_MAX; i++) {
		const struct held *held = &revoker->held[i];

		if (held->until && !memcmp(held->lease.name, lease->name, sizeof(lease->name)))
			return clock_boot_ms() < held->until;
	}
	return false;
}

static struct taking *taking_new(struct revoker *revoker, const struct due *due)
{
	for (size_t i = 0; i < TAKINGS_MAX; i++) {
		struct taking *taking = &revoker->takings[i];

		if (taking->used)
			continue;
		memset(taking, 0, sizeof(*taking));
		taking->used = true;
		taking->revoker = revoker;
		taking->due = *due;
		taking->mount = mount_state(revoker, due->mount);
		taking->mount->in_flight++;
		revoker->in_flight++;
		return taking;
	}
	return NULL;
}

static void taking_free(struct taking *taking)
{
	lease_free(taking->lease);
	wipe_free(taking->key_id);
	taking->mount->in_flight--;
	taking->revoker->in_flight--;
	taking->used = false;
}

void takings_free(struct revoker *revoker)
{
	for (size_t i = 0; i < TAKINGS_MAX; i++)
		if (revoker->takings[i].used)
			taking_free(&revoker->takings[i]);
}

/* Remembers a backoff that could not be written down. The oldest memory makes room. */
static void hold(struct revoker *revoker, const struct lease_key *lease, int64_t seconds)
{
	struct held *held = &revoker->held[revoker->held_next++ % HELD_MAX];

	held->lease = *lease;
	held->until = clock_boot_ms() + seconds * 1000;
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
	taking->operator= culprit->kind == ANSWER_REFUSED &&
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

/* Marks the lease durably and reads it again, with its new revision. */
static int mark(struct broker *broker, struct lease **lease, const struct lease_key *key)
{
	struct lease *marked = lease_copy(*lease);
	int ret;

	if (!marked)
		return LH_ENOMEM;
	make_revoking(broker, marked);
	ret = change_lease(broker, STORE_REVOKE, *lease, marked, NULL);
	lease_free(marked);
	if (ret)
		return ret;
	lease_free(*lease);
	return lease_get_key(broker->options.store, key, lease);
}

static int converse(struct taking *taking, const struct root *root)
{
	struct broker *broker = taking->revoker->broker;
	const struct lease *lease = taking->lease;
	json_t *plan = NULL, *facts = NULL;
	struct talk_terms terms = {
		.engine = taking->engine,
		.conf = conf_engine(broker->options.conf, lease->engine),
		.key = &root->key,
		.account = lease->account,
		.use = BUCKET_REVOKE,
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
	taking->operator= true;
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
		taking->operator= !taking->sick;
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

/* Takes over the lease into `taking`, marked. false: there is nothing to converse about. */
static bool take(struct taking *taking)
{
	struct broker *broker = taking->revoker->broker;
	const struct due *due = &taking->due;
	struct lease *lease = NULL;
	int ret;

	ret = lease_get_key(broker->options.store, &due->lease, &lease);
	if (ret == LH_ENOENT || (!ret && lease->due != due->time)) {
		/* Changed between the scan and now? Then the entry has gone as well. */
		lease_free(lease);
		if (ret == LH_ENOENT && due_exists(broker->options.store, due))
			remove_stray(taking->revoker, due);
		return false;
	}
	if (ret) {
		log_error("revoker: a lease cannot be read: %s", err_name(ret));
		hold(taking->revoker, &due->lease, BACKOFF_SICK_MAX);
		return false;
	}
	if (lease->lasting && lease->state != LEASE_REVOKING && lease->state != LEASE_SWEEPING)
		ret = mark(broker, &lease, &due->lease);
	if (ret) {
		lease_free(lease);
		if (ret != LH_ECONFLICT)
			hold(taking->revoker, &due->lease, 1);
		return false;
	}
	taking->lease = lease;
	taking->engine = engine_find(lease->engine);
	return true;
}

bool taking_begin(struct revoker *revoker, const struct due *due)
{
	struct taking *taking = taking_new(revoker, due);
	struct mount_state *mount;

	if (!taking)
		return false;
	mount = taking->mount;
	if (!take(taking)) {
		taking_free(taking);
		return true;
	}
	if (!taking->lease->lasting) {
		taking->gone = taking->ended = true;
	} else if (!taking->engine) {
		taking->operator= true;
		fail(taking, "this version does not know the lease's engine");
	} else if (start(taking) == LH_EBUSY) {
		taking_free(taking);
		mount->waiting = true;
		return false;
	}
	mount->waiting |= mount->sick;
	return true;
}

/* ---- Committing ---- */

/* Seconds until the next attempt: doubling, half to one and a half of it by dice. */
static int64_t backoff(const struct taking *taking)
{
	uint32_t tries = taking->lease->tries < 10 ? taking->lease->tries : 10;
	int64_t most = taking->operator? BACKOFF_STUCK_MAX : BACKOFF_SICK_MAX;
	int64_t wait = (taking->operator? INT64_C(10) : INT64_C(2)) << tries;
	uint16_t dice;

	random_bytes(&dice, sizeof(dice));
	wait = wait < most ? wait : most;
	wait = wait / 2 + wait * dice / 65536;
	return wait < 1 ? 1 : wait < most ? wait : most;
}

static const struct conf_engine *conf_of(const struct taking *taking)
{
	return conf_engine(taking->revoker->broker->options.conf, taking->lease->engine);
}

/* The lease after it was taken back: gone, or hidden until no lost call can take effect any more. */
static int after_success(const struct taking *taking, struct lease **new_out)
{
	const struct lease *old = taking->lease;
	const struct conf_engine *conf = conf_of(taking);
	bool sweeping = old->state == LEASE_SWEEPING;
	uint32_t sweeps = sweeping ? old->sweeps + 1 : 0;
	int64_t now = clock_now();
	struct lease *new;

	*new_out = NULL;
	if (!old->lasting || !conf || sweeps >= conf->sweep_count ||
	    (!sweeping && now >= old->unsure_until))
		return 0;
	new = lease_copy(old);
	if (!new)
		return LH_ENOMEM;
	new->state = LEASE_SWEEPING;
	new->sweeps = sweeps;
	new->tries = 0;
	new->due = now + conf->sweep_after[sweeps] - (sweeps ? conf->sweep_after[sweeps - 1] : 0);
	*new_out = new;
	return lease_set(&new->error, "");
}

static int after_failure(const struct taking *taking, struct lease **new_out)
{
	struct lease *new;

	*new_out = NULL;
	if (taking->lease->forced)
		return 0;
	new = lease_copy(taking->lease);
	if (!new)
		return LH_ENOMEM;
	new->tries++;
	new->due = clock_now() + backoff(taking);
	*new_out = new;
	return lease_set(&new->error, taking->error);
}

static void report(const struct taking *taking)
{
	const struct lease *lease = taking->lease;

	if (taking->gone)
		log_debug("revoker: taken back %s", lease->plan);
	else if (lease->forced)
		log_warn("revoker: forgotten by force, this may be left in the cloud: %s (%s)",
			 lease->plan, taking->error);
	else
		log_warn("revoker: attempt %u failed for a lease of %s role %s: %s",
			 lease->tries + 1, lease->engine, lease->role, taking->error);
}

/* The first success after a sickness: what waits for the end of its backoff is tried now. */
static void recover(struct revoker *revoker, struct mount_state *mount)
{
	size_t count = mount->failed_count < FAILED_KEPT ? mount->failed_count : FAILED_KEPT;

	mount->sick = false;
	mount->failed_count = 0;
	for (size_t i = 0; i < count; i++)
		mark_revoking(revoker->broker, &mount->failed[i], 0, false);
}

static void update_mount(struct taking *taking)
{
	struct mount_state *mount = taking->mount;

	if (!taking->lease->lasting)
		return;
	if (taking->gone && mount->sick)
		recover(taking->revoker, mount);
	if (!taking->sick)
		return;
	mount->sick = true;
	mount->failed[mount->failed_count++ % FAILED_KEPT] = taking->due.lease;
}

/* What is to be committed for one taking. */
struct outcome {
	struct taking *taking;
	struct lease *new; /* NULL: the lease goes */
	int ret;
};

static int make_outcome(struct taking *taking, struct outcome *outcome)
{
	outcome->taking = taking;
	report(taking);
	outcome->ret = taking->gone ? after_success(taking, &outcome->new)
				    : after_failure(taking, &outcome->new);
	return outcome->ret;
}

static int commit(struct broker *broker, struct outcome *outcomes, size_t count)
{
	struct store_batch batch = { 0 };
	int ret = 0;

	for (size_t i = 0; !ret && i < count; i++)
		ret = lease_change(broker->options.store, &batch, outcomes[i].taking->lease,
				   outcomes[i].new);
	if (!ret)
		ret = store_apply(broker->options.store, STORE_REVOKE, &batch, NULL);
	store_batch_free(&batch);
	return ret;
}

static void settle(struct revoker *revoker, struct outcome *outcome)
{
	struct taking *taking = outcome->taking;

	if (outcome->ret && outcome->ret != LH_ECONFLICT) {
		log_warn("revoker: an outcome cannot be recorded: %s", err_name(outcome->ret));
		hold(revoker, &taking->due.lease, BACKOFF_SICK_MAX / 2);
	} else if (!outcome->ret && (!outcome->new || outcome->new->state == LEASE_SWEEPING)) {
		revoker->removed++;
		slot_count(revoker->broker->options.slot, COUNT_REVOKED);
	}
	update_mount(taking);
	lease_free(outcome->new);
	taking_free(taking);
}

/* All in one commit; when somebody has changed one of them meanwhile, each for itself. */
static void commit_all(struct revoker *revoker, struct outcome *outcomes, size_t count)
{
	int ret = commit(revoker->broker, outcomes, count);

	for (size_t i = 0; i < count; i++) {
		if (!outcomes[i].ret)
			outcomes[i].ret = ret && count > 1
						  ? commit(revoker->broker, &outcomes[i], 1)
						  : ret;
		settle(revoker, &outcomes[i]);
	}
}

void takings_finish(struct revoker *revoker)
{
	struct outcome outcomes[BATCH_LEASES];
	size_t count = 0;

	for (size_t i = 0; i < TAKINGS_MAX; i++) {
		struct taking *taking = &revoker->takings[i];

		if (!taking->used || !taking->ended)
			continue;
		if (make_outcome(taking, &outcomes[count])) {
			settle(revoker, &outcomes[count]);
			continue;
		}
		if (++count == BATCH_LEASES) {
			commit_all(revoker, outcomes, count);
			count = 0;
		}
	}
	if (count)
		commit_all(revoker, outcomes, count);
}
