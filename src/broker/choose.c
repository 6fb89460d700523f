/* SPDX-License-Identifier: Apache-2.0 */
/* What to take back next.
 *
 * Oldest first, but no mount takes the places of others: each has its share of what is in flight,
 * and one whose cloud is sick is tried with one lease at a time.
 *
 * While few leases of a mount are due, each is taken back in its two rounds. When there are more, or
 * the cloud's quota holds some up, the keys of all of them go first, and each lease gets a mark that
 * its key is gone; what is marked follows when no key of its mount is due any more. */
#include <string.h>

#include "broker/revoker_priv.h"
#include "crypto/crypto.h"
#include "util/clock.h"
#include "util/shared.h"

#define PAGE       256
#define LOOK_PAGES 10 /* ms, at most, until the next look: one for each page of the last */

/* ms, while the clouds disagree with the clock: each lease that is due is read then. */
#define LOOK_CAREFUL 250
#define ASK_EVERY    5000

/* One look through what is due. */
struct look {
	struct revoker *revoker;
	struct choice choices[CHOICES_MAX];
	size_t count;
	size_t pages;              /* that were full */
	struct mount_state *mount; /* of the last entry: the next is mostly of the same */

	/* While the clouds disagree with the clock: */
	bool careful;
	size_t waiting;   /* leases that would have ended by the clock alone */
	struct due asked; /* one of them, */
	const struct engine *engine;
};

static struct mount_state *mount_of(struct look *look, const struct due *due)
{
	if (!look->mount || memcmp(look->mount->uuid, due->mount, LEASE_UUID_SIZE) != 0)
		look->mount = mount_state(look->revoker, due->mount);
	return look->mount;
}

/* Whether the mount may have one more in flight. */
static bool has_place(const struct look *look, const struct mount_state *mount)
{
	size_t all = look->revoker->in_flight + look->count;
	size_t most = all < TAKINGS_MAX / 4 * 3 ? MOUNT_SHARE : MOUNT_CROWD;

	if (look->count == CHOICES_MAX || all == TAKINGS_MAX || mount->waiting)
		return false;
	return mount->in_flight + mount->chosen < (mount->sick ? 1 : most);
}

/* What waits for the quota is filled up by halves, so that marks are committed together. */
static bool wants_more(const struct mount_state *mount, const struct share *share)
{
	return share->waiting <= WAITING_MAX / 2 && share->waiting + mount->chosen < WAITING_MAX;
}

static void choose(struct look *look, const struct due *due)
{
	look->choices[look->count++].due = *due;
	look->mount->chosen++;
}

/* Whether a lease ends only because the clock says so; somebody wanted the end of the others. */
static bool ends_by_clock(struct look *look, const struct due *due)
{
	struct lease *lease;
	bool by_clock;
	uint16_t dice;

	if (lease_get_key(look->revoker->broker->options.store, &due->lease, &lease))
		return false;
	by_clock = lease->state != LEASE_REVOKING;
	random_bytes(&dice, sizeof(dice));
	/* Any of them may be the one whose mount still has root credentials. */
	if (by_clock && dice % ++look->waiting == 0) {
		look->asked = *due;
		look->engine = engine_find(lease->engine);
	}
	lease_free(lease);
	return by_clock;
}

static void see_keyed(struct look *look, const struct due *due)
{
	struct mount_state *mount = mount_of(look, due);
	struct revoker *revoker = look->revoker;

	if (!mount || (look->careful && ends_by_clock(look, due)))
		return;
	if (has_place(look, mount) && wants_more(mount, &mount->keys)) {
		if (taking_in_flight(revoker, &due->lease) || taking_held(revoker, &due->lease))
			return;
		choose(look, due);
	}
	mount->due++;
}

/* The rest of a lease waits for the keys of all others of its mount. */
static void see_keyless(struct look *look, const struct due *due)
{
	struct mount_state *mount = mount_of(look, due);
	struct revoker *revoker = look->revoker;

	if (mount)
		mount->left++;
	if (!mount || mount->due || mount->keyed || !has_place(look, mount) ||
	    !wants_more(mount, &mount->others))
		return;
	if (!taking_in_flight(revoker, &due->lease) && !taking_held(revoker, &due->lease))
		choose(look, due);
}

typedef int (*due_scanner)(struct store *store, int64_t now, const struct due *after,
			   struct due *out, size_t max, size_t *count_out);

static void look_through(struct look *look, due_scanner scan,
			 void (*see)(struct look *look, const struct due *due))
{
	struct store *store = look->revoker->broker->options.store;
	struct due page[PAGE], last;
	const struct due *after = NULL;
	int64_t now = clock_now();
	size_t count = PAGE;

	while (count == PAGE) {
		slot_beat(look->revoker->broker->options.slot);
		if (scan(store, now, after, page, PAGE, &count))
			return;
		for (size_t i = 0; i < count; i++)
			see(look, &page[i]);
		look->pages += count == PAGE;
		last = page[count ? count - 1 : 0];
		after = &last;
	}
}

/* How much of a lease is taken back now. */
static enum revoke_part part_of(const struct mount_state *mount, const struct due *due)
{
	if (due->keyless)
		return REVOKE_REST;
	if (mount->keys.waiting || mount->others.waiting)
		return REVOKE_KEYS;
	return mount->due + mount->left + mount->in_flight > FEW_DUE ? REVOKE_KEYS : REVOKE_ALL;
}

static size_t begin(struct look *look)
{
	struct revoker *revoker = look->revoker;

	for (size_t i = 0; i < look->count; i++)
		look->choices[i].part = part_of(mount_of(look, &look->choices[i].due),
						&look->choices[i].due);
	for (size_t i = 0; i < revoker->mount_count; i++)
		revoker->mounts[i].chosen = 0;
	return takings_begin(revoker, look->choices, look->count);
}

/* Nothing else may call a cloud while everything waits; then nobody would hear the right time. */
static void ask_for_time(struct look *look)
{
	struct revoker *revoker = look->revoker;
	int64_t now = clock_boot_ms();

	if (!look->waiting || !look->engine || now < revoker->ask_at)
		return;
	revoker->ask_at = now + ASK_EVERY;
	dates_ask(revoker->broker, look->asked.mount, look->engine, &revoker->question);
}

bool due_begin(struct revoker *revoker, int64_t *timeout_ms)
{
	struct look look = { .revoker = revoker,
			     .careful = dates_disagree(revoker->broker->options.shared) ||
					clock_in_doubt(revoker) };
	int64_t now = clock_boot_ms(), pause;
	size_t begun;

	if (now < revoker->look_at) {
		if (revoker->look_at - now < *timeout_ms)
			*timeout_ms = revoker->look_at - now;
		return false;
	}
	for (size_t i = 0; i < revoker->mount_count; i++) {
		revoker->mounts[i].waiting = false;
		revoker->mounts[i].due = revoker->mounts[i].left = 0;
	}
	look_through(&look, due_scan, see_keyed);
	look_through(&look, due_scan_keyless, see_keyless);
	begun = begin(&look);
	ask_for_time(&look);
	pause = (int64_t)(look.pages < LOOK_PAGES ? look.pages : LOOK_PAGES);
	revoker->look_at = clock_boot_ms() + (look.waiting ? LOOK_CAREFUL : pause);
	return begun > 0;
}
