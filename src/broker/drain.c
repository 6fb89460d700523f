/* SPDX-License-Identifier: Apache-2.0 */
/* Draining jobs: mark every lease that is meant, wait until all of them are gone, finish. */
#include <stdlib.h>
#include <string.h>

#include "broker/revoker_priv.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"
#include "util/shared.h"

#define PAGE         64
#define JOBS_PAGE    8
#define LOOK_EVERY   500   /* ms, when nothing is known to have changed */
#define FORGET_EVERY 10000 /* ms */
#define FORGET_AFTER 60    /* seconds: no request that began before can still be under way */

/* Takes the first of *place out. */
static void drop(struct drain **place)
{
	struct drain *drain = *place;

	*place = drain->next;
	free(drain);
}

void drains_free(struct revoker *revoker)
{
	while (revoker->drains)
		drop(&revoker->drains);
}

/* The memory of the job that comes behind *place, which moves on. What was in between is of jobs that
 * are done. NULL: out of memory. */
static struct drain *drain_of(struct drain ***place, const struct job *job)
{
	struct drain *drain;
	int order = 1;

	while (**place) {
		order = memcmp((**place)->key.data, job->key.data, job->key.size);
		if (order >= 0)
			break;
		drop(*place);
	}
	if (!**place || order > 0) {
		drain = calloc(1, sizeof(*drain));
		if (!drain)
			return NULL;
		drain->key = job->key;
		drain->next = **place;
		**place = drain;
	}
	drain = **place;
	*place = &drain->next;
	return drain;
}

/* Whoever disables a mount means its leases, not those of another that came to its path later. */
static bool is_older(const struct job *job, const struct lease *lease)
{
	if (job->kind == JOB_DISABLE)
		return !memcmp(lease->mount, job->mount, sizeof(lease->mount));
	return lease->issued_ns <= job->since_ns;
}

/* When the clock was set back, what was issued before the job seems to come from the future. */
static bool meant(const struct job *job, const struct lease *lease)
{
	return is_older(job, lease) ||
	       (job->kind == JOB_REVOKE && lease->issued_ns > clock_now_ns());
}

/* Whether a living worker is in the middle of issuing it. The mount's tombstone ends that at its next
 * commit, and until then a call may be under way: who waits for the mount to go waits for it. */
static bool is_being_issued(const struct revoker *revoker, const struct job *job,
			    const struct lease *lease, const struct lease_key *key)
{
	return job->kind == JOB_DISABLE && lease->state == LEASE_PENDING &&
	       slots_hold(revoker->broker->options.shared, key->name, SLOT_PENDING);
}

/* Whether the job marks the lease now. */
static int look_at(struct revoker *revoker, const struct job *job, const struct lease_key *key,
		   bool *marks_out)
{
	struct lease *lease;
	int ret;

	*marks_out = false;
	ret = lease_get_key(revoker->broker->options.store, key, &lease);
	if (ret)
		return ret == LH_ENOENT ? 0 : ret;
	*marks_out = meant(job, lease) && !is_being_issued(revoker, job, lease, key);
	lease_free(lease);
	return 0;
}

/* Marks one page, in one commit. */
static int mark_page(struct revoker *revoker, const struct job *job, struct drain *drain)
{
	struct path_cursor cursor = drain->cursor;
	struct lease_key page[LEASES_MARKED];
	size_t seen, count = 0;
	bool marks;
	int ret;

	slot_beat(revoker->broker->options.slot);
	ret = lease_scan_prefix(revoker->broker->options.store, job->prefix, &cursor, page,
				LEASES_MARKED, &seen);
	for (size_t i = 0; !ret && i < seen; i++) {
		ret = look_at(revoker, job, &page[i], &marks);
		page[count] = page[i];
		count += marks;
	}
	if (!ret && count)
		ret = mark_all_revoking(revoker->broker, page, count, job->force);
	if (ret)
		return ret == LH_ECONFLICT ? LH_EBUSY : ret;
	drain->cursor = cursor;
	drain->marked = seen < LEASES_MARKED;
	return 0;
}

/* Tells whoever waits for the job of the first lease that failed. */
static void note_error(struct revoker *revoker, const struct job *job, const struct lease *lease)
{
	struct store_batch batch = { 0 };
	struct job noted = *job;
	int ret;

	err_text(noted.error, sizeof(noted.error),
		 "failed to revoke \"%.200s\": failed to revoke entry: %s", lease->id,
		 lease->error);
	ret = job_put(&batch, &noted);
	if (!ret)
		ret = store_apply(revoker->broker->options.store, STORE_REVOKE, &batch, NULL);
	if (ret)
		log_warn("revoker: the failure of a job cannot be recorded: %s", err_name(ret));
	store_batch_free(&batch);
}

/* One of the future that was not marked came later: the clock was set back after that. */
static bool is_left(const struct job *job, const struct lease *lease)
{
	return is_older(job, lease) || (meant(job, lease) && lease->state == LEASE_REVOKING);
}

/* Whether a lease that is meant is still there. Only as far as the page with the first such one, and
 * from there on the next time: a lease that nobody can take back would have all others, which came
 * later, read again and again. */
static int find_left(struct revoker *revoker, const struct job *job, struct drain *drain,
		     bool *left_out)
{
	struct store *store = revoker->broker->options.store;
	struct path_cursor cursor = drain->left;
	struct lease_key page[PAGE];
	size_t count = PAGE;
	struct lease *lease;
	int ret = 0;

	*left_out = false;
	while (!ret && !*left_out && count == PAGE) {
		drain->left = cursor;
		slot_beat(revoker->broker->options.slot);
		ret = lease_scan_prefix(store, job->prefix, &cursor, page, PAGE, &count);
		for (size_t i = 0; !ret && !*left_out && i < count; i++) {
			ret = lease_get_key(store, &page[i], &lease);
			if (ret == LH_ENOENT) {
				ret = 0;
				continue;
			}
			if (ret)
				break;
			*left_out = is_left(job, lease);
			if (*left_out && lease->error[0] && !job->error[0])
				note_error(revoker, job, lease);
			lease_free(lease);
		}
	}
	return ret;
}

static int delete_job(struct revoker *revoker, const struct job *job)
{
	struct store_batch batch = { 0 };
	int ret;

	store_batch_delete(&batch, STORE_ANY, 0, key_bytes(&job->key));
	ret = store_apply(revoker->broker->options.store, STORE_REVOKE, &batch, NULL);
	store_batch_free(&batch);
	return ret;
}

static int finish(struct revoker *revoker, const struct job *job)
{
	struct job forget = { .kind = JOB_FORGET };

	if (job->kind == JOB_REVOKE)
		return delete_job(revoker, job);
	memcpy(forget.mount, job->mount, sizeof(forget.mount));
	job_name(&forget, clock_now() + FORGET_AFTER);
	return mount_remove(revoker->broker, job->prefix, job->mount, &job->key, &forget);
}

static int drain_leases(struct revoker *revoker, const struct job *job, struct drain *drain)
{
	bool left;
	int ret;

	if (!drain->marked) {
		ret = mark_page(revoker, job, drain);
		return ret ? ret : LH_EBUSY;
	}
	if (drain->removed_seen == revoker->removed && clock_boot_ms() < drain->next_look)
		return 0;
	drain->removed_seen = revoker->removed;
	drain->next_look = clock_boot_ms() + LOOK_EVERY;
	ret = find_left(revoker, job, drain, &left);
	if (ret || left)
		return ret;
	ret = finish(revoker, job);
	if (ret == LH_EBUSY)
		drain->next_look = 0;
	return ret;
}

/* A removed mount's configuration is needed until its last lease was swept. */
static int drain_forget(struct revoker *revoker, const struct job *job, struct drain *drain)
{
	bool sweeping;
	int ret;

	if (clock_boot_ms() < drain->next_look)
		return 0;
	drain->next_look = clock_boot_ms() + FORGET_EVERY;
	ret = lease_sweeping(revoker->broker->options.store, job->mount, &sweeping);
	if (ret || sweeping)
		return ret;
	return mount_forget(revoker->broker, job->mount, &job->key);
}

static int drain_job(struct revoker *revoker, const struct job *job, struct drain *drain)
{
	switch (job->kind) {
	case JOB_REVOKE:
	case JOB_DISABLE: return drain_leases(revoker, job, drain);
	case JOB_FORGET: return drain_forget(revoker, job, drain);
	}
	return 0;
}

/* Moves one job on. Whether there is more to do at once. */
static bool go_on(struct revoker *revoker, const struct job *job, struct drain ***place)
{
	struct drain *drain = drain_of(place, job);
	int ret = drain ? drain_job(revoker, job, drain) : LH_ENOMEM;

	if (ret && ret != LH_EBUSY)
		log_warn("revoker: a job does not go on: %s", err_name(ret));
	return ret == LH_EBUSY;
}

bool jobs_drain(struct revoker *revoker)
{
	struct drain **place = &revoker->drains;
	const struct key *after = NULL;
	struct job jobs[JOBS_PAGE];
	size_t count = JOBS_PAGE;
	bool more = false;
	struct key last;
	int ret;

	while (count == JOBS_PAGE) {
		ret = job_scan(revoker->broker->options.store, clock_now(), after, jobs, JOBS_PAGE,
			       &count);
		if (ret) {
			log_error("revoker: jobs cannot be read: %s", err_name(ret));
			return false;
		}
		for (size_t i = 0; i < count; i++)
			more |= go_on(revoker, &jobs[i], &place);
		if (count)
			last = jobs[count - 1].key;
		after = &last;
	}
	while (*place)
		drop(place);
	return more;
}
