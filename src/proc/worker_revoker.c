/* SPDX-License-Identifier: Apache-2.0 */
/* The revoker's process. What it does is the broker's business, when it ends is ours. */
#include <malloc.h>
#include <stdbool.h>

#include "broker/broker.h"
#include "proc/child.h"
#include "proc/signals.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/shared.h"

#define TURN_MS  1000
#define LEAVE_MS 3000 /* for what is in flight when it is told to end */

static int turn(const struct child *child, struct revoker *revoker, int64_t wait_ms,
		struct err *err)
{
	bool busy;
	int ret;

	slot_beat(child->orders->slot);
	busy = revoker_in_flight(revoker) > 0;
	ret = revoker_turn(revoker, wait_ms, err);
	/* Handshakes leave more freed memory than memory in use behind. */
	if (busy && revoker_in_flight(revoker) == 0)
		malloc_trim(0);
	signals_deliver();
	return ret;
}

/* One more turn in any case, for what the last workers left behind. Whatever is not done in time is
 * durable, and the next revoker goes on with it. */
static int leave(const struct child *child, struct revoker *revoker, struct err *err)
{
	int64_t end = clock_boot_ms() + LEAVE_MS, left = LEAVE_MS;
	int ret;

	ret = turn(child, revoker, 0, err);
	while (ret == 0 && revoker_in_flight(revoker) > 0 && left > 0) {
		ret = turn(child, revoker, left < TURN_MS ? left : TURN_MS, err);
		left = end - clock_boot_ms();
	}
	return ret;
}

int worker_revoker(const struct child *child, struct err *err)
{
	struct revoker *revoker;
	int ret = revoker_new(child->broker, &revoker, err);

	if (ret)
		return ret;
	while (ret == 0 && !signals_seen(SIGNAL_STOP))
		ret = turn(child, revoker, TURN_MS, err);
	if (ret == 0)
		ret = leave(child, revoker, err);
	revoker_free(revoker);
	return ret;
}
