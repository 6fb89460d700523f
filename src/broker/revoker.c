/* SPDX-License-Identifier: Apache-2.0 */
/* The revoker's loop. It is the only process that takes anything back, so nothing is ever taken back
 * twice at once and no claims are needed. All its memory is a convenience: killed at any point, the
 * next one finds everything in the due index. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "broker/revoker_priv.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"
#include "util/shared.h"

#define MAINTAIN_EVERY 60000 /* ms */

int revoker_new(struct broker *broker, struct revoker **revoker_out, struct err *err)
{
	struct revoker *revoker = calloc(1, sizeof(*revoker));

	*revoker_out = NULL;
	if (revoker)
		revoker->mounts = calloc(MOUNTS_MAX, sizeof(*revoker->mounts));
	if (!revoker || !revoker->mounts) {
		free(revoker);
		return err_set(err, LH_ENOMEM, "memory is out");
	}
	revoker->broker = broker;
	*revoker_out = revoker;
	return 0;
}

void revoker_free(struct revoker *revoker)
{
	if (!revoker)
		return;
	takings_free(revoker);
	talk_drop(revoker->broker->talker, &revoker->question);
	drains_free(revoker);
	free(revoker->mounts);
	free(revoker);
}

size_t revoker_in_flight(const struct revoker *revoker)
{
	return revoker->in_flight;
}

struct mount_state *mount_state(struct revoker *revoker, const unsigned char *uuid)
{
	struct mount_state *idle = NULL;

	/* A sick one is forgotten last, but it is: its mount may have gone for good. */
	for (size_t i = 0; i < revoker->mount_count; i++) {
		struct mount_state *mount = &revoker->mounts[i];

		if (!memcmp(mount->uuid, uuid, LEASE_UUID_SIZE))
			return mount;
		if (mount->in_flight || mount->chosen)
			continue;
		if (!idle || (idle->sick && !mount->sick))
			idle = mount;
	}
	if (revoker->mount_count < MOUNTS_MAX)
		idle = &revoker->mounts[revoker->mount_count++];
	if (idle) {
		memset(idle, 0, sizeof(*idle));
		memcpy(idle->uuid, uuid, LEASE_UUID_SIZE);
		idle->keys.most = idle->others.most = CALL_SHARE;
	}
	return idle;
}

/* ---- What dead workers had in hand ---- */

static int settle_slot(struct revoker *revoker, const struct slot *slot)
{
	struct broker *broker = revoker->broker;
	struct lease *lease;
	struct lease_key key;
	int64_t unsure = 0;
	int ret;

	memcpy(key.name, slot->lease, sizeof(key.name));
	if (slot->phase == SLOT_DELIVERED)
		return confirm_lease(broker, &key);
	if (slot->phase == SLOT_TOKEN_DELIVERED)
		return token_release(broker->options.store, slot->lease);
	if (slot->phase == SLOT_TOKEN)
		return token_revoke(broker->options.store, slot->lease, TOKEN_REVOKE_TREE);
	ret = lease_get_key(broker->options.store, &key, &lease);
	if (ret)
		return ret == LH_ENOENT ? 0 : ret;
	if (lease->state == LEASE_PENDING)
		unsure = unsure_until(broker, lease);
	if (lease->state == LEASE_PENDING || lease->state == LEASE_ISSUED ||
	    (lease->state == LEASE_WRAPPED && slot->phase == SLOT_ISSUED))
		ret = mark_revoking(broker, &key, unsure, false);
	lease_free(lease);
	return ret;
}

/* A dead child's slot is freed after what it named is safe in the store. */
static void settle_slots(struct revoker *revoker)
{
	struct shared *shared = revoker->broker->options.shared;
	int ret;

	for (size_t i = 0; i < SHARED_SLOTS; i++) {
		struct slot *slot = &shared->slots[i];

		if (slot->pid >= 0)
			continue;
		/* A commit that comes later would not be seen by who judges now. */
		ret = store_withdraw(revoker->broker->options.store, (unsigned)i);
		if (!ret && slot->phase != SLOT_FREE)
			ret = settle_slot(revoker, slot);
		if (ret) {
			log_warn(
				"revoker: what a dead worker had in hand cannot be settled yet: %s",
				err_name(ret));
			continue;
		}
		slot->phase = SLOT_FREE;
		slot->pid = 0;
	}
}

static bool somebody_died(const struct revoker *revoker)
{
	const struct shared *shared = revoker->broker->options.shared;

	for (size_t i = 0; i < SHARED_SLOTS; i++)
		if (shared->slots[i].pid < 0)
			return true;
	return false;
}

/* Each minute, and after each death: readers of killed processes would pin pages for ever. */
static void maintain(struct revoker *revoker)
{
	int64_t now = clock_boot_ms();
	bool died = somebody_died(revoker);

	if (!died && revoker->maintained_at && now - revoker->maintained_at < MAINTAIN_EVERY)
		return;
	revoker->maintained_at = now;
	store_maintain(revoker->broker->options.store, NULL);
	if (died)
		settle_slots(revoker);
}

/* ---- The loop ---- */

/* Whoever calls has made something due. */
static void drain_wake(struct revoker *revoker, int fd)
{
	uint64_t ignored;

	if (read(fd, &ignored, sizeof(ignored)) > 0)
		revoker->look_at = 0;
}

int revoker_turn(struct revoker *revoker, int64_t timeout_ms, struct err *err)
{
	struct broker *broker = revoker->broker;
	struct pollfd wake = { .fd = broker->options.shared->revoker_wake, .events = POLLIN };
	bool more;
	int ret;

	slot_beat(broker->options.slot);
	maintain(revoker);
	more = clock_set_turn(revoker);
	more |= tokens_drain(revoker);
	more |= jobs_drain(revoker);
	more |= wrappers_end(broker);
	more |= due_begin(revoker, &timeout_ms);
	if (revoker->finish_at && timeout_ms > revoker->finish_at - clock_boot_ms())
		timeout_ms = revoker->finish_at - clock_boot_ms();
	ret = talker_run(broker->talker, more ? 0 : timeout_ms, &wake, 1);
	if (ret)
		return err_set(err, ret, "revoker: the HTTP client failed: %s", err_name(ret));
	drain_wake(revoker, wake.fd);
	takings_finish(revoker);
	return 0;
}
