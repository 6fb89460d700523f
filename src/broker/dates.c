/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/dates.h"

#include <stdlib.h>

#include "util/clock.h"
#include "util/log.h"
#include "util/shared.h"

#define OFF_MAX   300 /* seconds */
#define OFF_TWICE 2   /* one may be a mistake of theirs */

bool dates_disagree(const struct shared *shared)
{
	return atomic_load(&shared->dates_off) >= OFF_TWICE;
}

static void disagree(struct shared *shared, struct slot *slot, int64_t ahead)
{
	slot_count(slot, COUNT_DATES_OFF);
	if (atomic_fetch_add(&shared->dates_off, 1) + 1 == OFF_TWICE)
		log_error("clock: this machine's is %lld s %s that of the clouds; no lease expires "
			  "until they agree: set the clock",
			  llabs((long long)ahead), ahead > 0 ? "ahead of" : "behind");
}

void dates_hear(struct shared *shared, struct slot *slot, int64_t date)
{
	int64_t ahead = clock_now() - date;

	if (!date)
		return;
	if (ahead > OFF_MAX || ahead < -OFF_MAX)
		disagree(shared, slot, ahead);
	else if (atomic_load(&shared->dates_off) &&
		 atomic_exchange(&shared->dates_off, 0) >= OFF_TWICE)
		log_warn("clock: agrees with the clouds' again; leases expire as they should");
}
