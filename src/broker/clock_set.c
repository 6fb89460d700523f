/* SPDX-License-Identifier: Apache-2.0 */
/* The clock was set.
 *
 * Ahead: what would end by it may have long to live. A cloud is asked for the time first; nothing ends
 * by the clock alone before it has answered, or has not for a while.
 *
 * Back: what is unfinished, the next attempt of a revocation above all, is due at a time by the clock
 * as it was, and would wait until it shows that time again: for a day, if it was a day ahead. So all
 * that is not yet due is looked through, a page in each turn; nothing else ever does that. What lives
 * keeps its end. */
#include <string.h>

#include "broker/revoker_priv.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"
#include "util/shared.h"

#define SET_AHEAD_MS 300000 /* what is less is no worse than what clouds may be off */
#define DOUBT_MS     60000
#define SET_BACK_MS  60000 /* what is less is no more than a longer pause */
#define PAGE         64

/* ---- Ahead ---- */

static void begin_doubt(struct revoker *revoker, int64_t by_ms)
{
	log_warn("clock: this machine's was set ahead by %lld s; a cloud is asked for the time "
		 "before anything expires by it",
		 (long long)by_ms / 1000);
	revoker->doubt.until = clock_boot_ms() + DOUBT_MS;
	revoker->doubt.answers = revoker->question.answers;
	revoker->ask_at = 0;
}

/* One answer that disagrees may be a mistake of theirs; another one is asked for then. */
bool clock_in_doubt(struct revoker *revoker)
{
	struct doubt *doubt = &revoker->doubt;
	bool agreed = revoker->question.answers > doubt->answers &&
		      !atomic_load(&revoker->broker->options.shared->dates_off);

	if (doubt->until && (agreed || clock_boot_ms() >= doubt->until))
		doubt->until = 0;
	return doubt->until;
}

/* ---- Back ---- */

/* The latest time at which the lease should be due, however the clock went. */
static int64_t latest(const struct broker *broker, const struct lease *lease)
{
	const struct conf *conf = broker->options.conf;
	int64_t now = clock_now();

	switch (lease->state) {
	case LEASE_PENDING:
	case LEASE_ISSUED: return orphan_time(clock_boot_ms() + conf->issue_timeout);
	case LEASE_REVOKING: return now;
	case LEASE_SWEEPING:
		return now + sweep_pause(conf_engine(conf, lease->engine), lease->sweeps);
	case LEASE_ACTIVE:
	case LEASE_WRAPPED: break;
	}
	return lease->due;
}

static int add_change(struct broker *broker, struct store_batch *batch, const struct lease *old)
{
	int64_t due = latest(broker, old);
	struct lease *new;
	int ret = LH_ENOMEM;

	if (due >= old->due)
		return 0;
	new = lease_copy(old);
	if (new) {
		new->due = due;
		ret = lease_change(broker->options.store, batch, old, new);
	}
	lease_free(new);
	return ret;
}

/* At most BATCH_LEASES entries, in one commit. */
static int bring_forward(struct broker *broker, const struct due *dues, size_t count)
{
	struct store_batch batch = { 0 };
	struct lease *lease;
	int ret = 0;

	for (size_t i = 0; !ret && i < count; i++) {
		ret = lease_get_key(broker->options.store, &dues[i].lease, &lease);
		if (!ret)
			ret = add_change(broker, &batch, lease);
		else if (ret == LH_ENOENT)
			ret = 0;
		lease_free(lease);
	}
	if (!ret && (batch.count || batch.failed))
		ret = store_apply(broker->options.store, STORE_REVOKE, &batch, NULL);
	store_batch_free(&batch);
	return ret;
}

static void look_from_now(struct set_back *set_back, bool keyless)
{
	memset(&set_back->after, 0, sizeof(set_back->after));
	set_back->after.time = clock_now();
	set_back->after.keyless = set_back->keyless = keyless;
	set_back->looking = true;
}

static int look_at_page(struct revoker *revoker, size_t *count_out)
{
	struct set_back *set_back = &revoker->set_back;
	struct broker *broker = revoker->broker;
	struct due page[PAGE];
	int ret;

	ret = (set_back->keyless ? due_scan_keyless : due_scan)(
		broker->options.store, INT64_MAX - 1, &set_back->after, page, PAGE, count_out);
	for (size_t i = 0; !ret && i < *count_out; i += BATCH_LEASES)
		ret = bring_forward(broker, &page[i],
				    *count_out - i < BATCH_LEASES ? *count_out - i : BATCH_LEASES);
	if (!ret && *count_out)
		set_back->after = page[*count_out - 1];
	return ret;
}

/* true: there is more to do at once. */
static bool look_on(struct revoker *revoker)
{
	struct set_back *set_back = &revoker->set_back;
	size_t count;
	int ret;

	ret = look_at_page(revoker, &count);
	if (ret) /* somebody was faster, or it is tried again in the next turn */
		return ret == LH_ECONFLICT;
	if (count == PAGE)
		return true;
	if (set_back->keyless)
		set_back->looking = false;
	else
		look_from_now(set_back, true);
	revoker->look_at = 0;
	return set_back->looking;
}

/* ---- Both ---- */

static void notice(struct revoker *revoker)
{
	struct clock_seen *seen = &revoker->clock_seen;
	int64_t ahead = clock_now() * 1000 - clock_boot_ms();

	if (seen->known && ahead > seen->ahead + SET_AHEAD_MS)
		begin_doubt(revoker, ahead - seen->ahead);
	if (seen->known && ahead < seen->ahead - SET_BACK_MS) {
		log_warn("clock: this machine's was set back by %lld s; what is being taken back "
			 "does not wait for that",
			 (long long)(seen->ahead - ahead) / 1000);
		look_from_now(&revoker->set_back, false);
		seen->ahead = ahead;
	}
	/* Many small steps are one. */
	if (!seen->known || ahead > seen->ahead)
		seen->ahead = ahead;
	seen->known = true;
}

bool clock_set_turn(struct revoker *revoker)
{
	notice(revoker);
	return revoker->set_back.looking && look_on(revoker);
}
