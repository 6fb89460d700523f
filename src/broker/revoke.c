/* SPDX-License-Identifier: Apache-2.0 */
/* Revoking as a worker does it: write down what is wanted, wake the revoker, wait for it. */
#include <string.h>

#include "broker/broker_priv.h"
#include "broker/job.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/shared.h"

#define POLL_FIRST_MS 1
#define POLL_MAX_MS   5

/* Waits a little longer each time. false: the deadline is past. */
static bool wait_more(struct broker *broker, int64_t deadline, int64_t *pause)
{
	if (clock_boot_ms() + *pause >= deadline)
		return false;
	broker_pause(broker, *pause);
	if (*pause < POLL_MAX_MS)
		*pause += 1;
	return true;
}

static int too_slow(struct err *err)
{
	return err_set(err, LH_ETIMEOUT,
		       "the revocation was recorded and goes on; it was not done "
		       "before the deadline of this request");
}

/* Waits until the lease is gone, or until one more attempt has failed. */
static int wait_lease(struct broker *broker, const struct lease_key *key, uint32_t tries,
		      int64_t deadline, struct err *err)
{
	int64_t pause = POLL_FIRST_MS;
	struct lease *lease;
	int ret;

	for (;;) {
		ret = lease_get_key(broker->options.store, key, &lease);
		if (ret)
			return ret == LH_ENOENT ? 0 : ret;
		if (lease->state == LEASE_SWEEPING)
			break;
		if (lease->tries > tries)
			ret = err_set(err, LH_ECLOUD, "%s", lease->error);
		lease_free(lease);
		if (ret)
			return ret;
		if (!wait_more(broker, deadline, &pause))
			return too_slow(err);
	}
	lease_free(lease);
	return 0;
}

int broker_revoke(struct broker *broker, const char *lease_id, enum revoke_mode mode,
		  int64_t deadline, struct err *err)
{
	struct lease_key key;
	struct lease *lease;
	uint32_t tries;
	bool visible;
	int ret;

	ret = lease_key(broker->options.store, lease_id, &key);
	if (!ret)
		ret = lease_get_key(broker->options.store, &key, &lease);
	if (ret)
		return ret == LH_ENOENT
			       ? 0
			       : err_set(err, ret, "the lease cannot be read: %s", err_name(ret));
	tries = lease->tries;
	visible = lease_visible(lease);
	lease_free(lease);
	if (!visible)
		return 0;
	ret = mark_revoking(broker, &key, 0, mode == REVOKE_FORCE);
	if (ret)
		return err_set(err, ret, "store: the revocation cannot be recorded: %s",
			       err_name(ret));
	shared_wake_revoker(broker->options.shared);
	return mode == REVOKE_ASYNC ? 0 : wait_lease(broker, &key, tries, deadline, err);
}

/* ---- Jobs ---- */

static int wait_job(struct broker *broker, const struct key *key, int64_t deadline, struct err *err)
{
	int64_t pause = POLL_FIRST_MS;
	struct job job;
	int ret;

	for (;;) {
		ret = job_get(broker->options.store, key, &job);
		if (ret == LH_ENOENT)
			return 0;
		if (ret)
			return err_set(err, ret, "the job cannot be read: %s", err_name(ret));
		if (job.error[0])
			return err_set(err, LH_ECLOUD, "%s", job.error);
		if (!wait_more(broker, deadline, &pause))
			return too_slow(err);
	}
}

int broker_revoke_prefix(struct broker *broker, const char *prefix, enum revoke_mode mode,
			 int64_t deadline, struct err *err)
{
	struct job job = { .kind = JOB_REVOKE, .force = mode == REVOKE_FORCE };
	struct store_batch batch = { 0 };
	int ret;

	if (strlen(prefix) > LEASE_PREFIX_MAX)
		return err_set(err, LH_EINVAL, "prefix is too long");
	memcpy(job.prefix, prefix, strlen(prefix) + 1);
	job.since_ns = clock_now_ns();
	job_name(&job, JOB_AT_ONCE);
	ret = job_put(&batch, &job);
	if (!ret)
		ret = store_apply(broker->options.store, STORE_REVOKE, &batch, NULL);
	store_batch_free(&batch);
	if (ret)
		return err_set(err, ret, "store: the revocation cannot be recorded: %s",
			       err_name(ret));
	shared_wake_revoker(broker->options.shared);
	return mode == REVOKE_ASYNC ? 0 : wait_job(broker, &job.key, deadline, err);
}

/* A second DELETE of a mount that is being disabled makes a second job: both end when it is gone. */
static int start_disable(struct broker *broker, const char *path, struct key *job_key_out,
			 struct err *err)
{
	struct job job = { .kind = JOB_DISABLE, .since_ns = INT64_MAX };
	struct store_batch batch = { 0 };
	const struct mount *mount;
	int ret;

	ret = mount_find(broker, path, &mount);
	if (!ret && (!mount || strcmp(mount->path, path)))
		return LH_ENOENT;
	if (ret)
		return err_set(err, ret, "mounts cannot be read: %s", err_name(ret));
	memcpy(job.prefix, mount->path, strlen(mount->path) + 1);
	memcpy(job.mount, mount->uuid, sizeof(job.mount));
	job_name(&job, JOB_AT_ONCE);
	*job_key_out = job.key;
	ret = job_put(&batch, &job);
	if (!ret)
		ret = mount_taint(broker, mount, &batch);
	store_batch_free(&batch);
	return ret ? err_set(err, ret, "mount %s cannot be disabled: %s", path, err_name(ret)) : 0;
}

int mount_disable(struct broker *broker, const char *path, int64_t deadline, struct err *err)
{
	struct key job;
	unsigned tries = 0;
	int ret;

	do
		ret = start_disable(broker, path, &job, err);
	while (broker_again(broker, ret, deadline, &tries));
	if (ret)
		return ret == LH_ENOENT ? 0 : ret;
	shared_wake_revoker(broker->options.shared);
	return wait_job(broker, &job, deadline, err);
}
