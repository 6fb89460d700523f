/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a lease when the attempt to take it back has ended, and its commit. */
#include <string.h>

#include "broker/revoker_priv.h"
#include "crypto/crypto.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"
#include "util/shared.h"

#define BACKOFF_SICK_MAX  60   /* seconds: the cloud may be well again any moment */
#define BACKOFF_STUCK_MAX 3600 /* only an operator can end it */
#define FINISH_TOGETHER   8
#define FINISH_AFTER      20 /* ms */

/* Seconds until the next attempt: doubling, half to one and a half of it by dice. */
static int64_t backoff(const struct taking *taking)
{
	uint32_t tries = taking->lease->tries < 10 ? taking->lease->tries : 10;
	int64_t most = taking->for_operator ? BACKOFF_STUCK_MAX : BACKOFF_SICK_MAX;
	int64_t wait = (taking->for_operator ? INT64_C(10) : INT64_C(2)) << tries;
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

/* The keys are gone; the rest keeps its place among those that are as old. */
static int after_keys(const struct taking *taking, struct lease **new_out)
{
	struct lease *new = lease_copy(taking->lease);

	*new_out = new;
	if (!new)
		return LH_ENOMEM;
	new->keyless = true;
	return lease_set(&new->error, "");
}

int64_t sweep_pause(const struct conf_engine *conf, uint32_t sweep)
{
	if (!conf || sweep >= conf->sweep_count)
		return 0;
	return conf->sweep_after[sweep] - (sweep ? conf->sweep_after[sweep - 1] : 0);
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
	if (taking->part == REVOKE_KEYS && old->lasting)
		return after_keys(taking, new_out);
	if (!old->lasting || !conf || sweeps >= conf->sweep_count ||
	    (!sweeping && now >= old->unsure_until))
		return 0;
	new = lease_copy(old);
	if (!new)
		return LH_ENOMEM;
	new->state = LEASE_SWEEPING;
	new->keyless = false; /* a lost call may have made another one */
	new->sweeps = sweeps;
	new->tries = 0;
	new->due = now + sweep_pause(conf, sweeps);
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
		log_debug("revoker: taken back%s %s",
			  taking->part == REVOKE_KEYS ? " the key of" : "", lease->plan);
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
	for (size_t i = 0; i < count; i += LEASES_MARKED)
		mark_all_revoking(revoker->broker, &mount->failed[i],
				  count - i < LEASES_MARKED ? count - i : LEASES_MARKED, false);
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
		taking_hold(revoker, &taking->due.lease, BACKOFF_SICK_MAX / 2);
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

/* Each commit waits for the disk, and all calls wait for it. */
static bool may_wait(struct revoker *revoker)
{
	int64_t now = clock_boot_ms();
	size_t ended = 0;

	for (size_t i = 0; i < TAKINGS_MAX; i++)
		ended += revoker->takings[i].used && revoker->takings[i].ended;
	if (ended && !revoker->finish_at)
		revoker->finish_at = now + FINISH_AFTER;
	if (ended < FINISH_TOGETHER && revoker->in_flight - ended > FINISH_TOGETHER &&
	    now < revoker->finish_at)
		return true;
	revoker->finish_at = 0;
	return false;
}

void takings_finish(struct revoker *revoker)
{
	struct outcome outcomes[BATCH_LEASES];
	size_t count = 0;

	if (may_wait(revoker))
		return;
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
	/* Calls whose time has come go before the next commit, that of marks. */
	if (revoker->in_flight > FINISH_TOGETHER)
		revoker->look_at = clock_boot_ms() + 1;
}
