/* SPDX-License-Identifier: Apache-2.0 */
#include "util/bucket.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define UNIT_US     10 /* of a schedule: 46 bits of them are 22 years */
#define SECOND      (1000000 / UNIT_US)
#define WINDOW      (SECOND + BUCKET_SLACK_US / UNIT_US)
#define LATE        (BUCKET_LATE_US / UNIT_US)
#define STALL       (3 * LATE) /* a process may have been busy for so long; no pause */
#define CREDIT_BITS 18
#define LEVEL_BITS  16
#define LEVEL_FULL  1000

_Static_assert(WINDOW < 1 << CREDIT_BITS, "credit must fit");
_Static_assert(LEVEL_FULL < 1 << LEVEL_BITS, "level must fit");

/* ---- Schedules ---- */

/* What a word holds. */
struct schedule {
	int64_t next;   /* when the next call is on time */
	int64_t credit; /* how far ahead of that calls may still go: the length of the last pause */
};

static struct schedule unpack(uint64_t word)
{
	return (struct schedule){ .next = (int64_t)(word >> CREDIT_BITS),
				  .credit = (int64_t)(word & ((1u << CREDIT_BITS) - 1)) };
}

static uint64_t pack(const struct schedule *schedule)
{
	return (uint64_t)schedule->next << CREDIT_BITS | (uint64_t)schedule->credit;
}

/* Puts one call into the schedule. 0, or how long until one fits.
 *
 * A call that is a little late leaves the schedule as it is, or the time of every process's waking
 * would be lost for good; of a longer delay only the rest is lost. After a pause a new schedule
 * begins, with that pause as its credit. The credit is for the calls that come right then: it ends
 * when the schedule is caught up with, or the calls of a whole second could follow on those of
 * another. */
static int64_t enter(struct schedule *schedule, int64_t now, int64_t gap)
{
	int64_t late = now - schedule->next, most;

	/* So that the calls of one window, to the nearest whole number, go at once. */
	most = gap < WINDOW ? ((WINDOW + gap / 2) / gap - 1) * gap : 0;
	if (late < 0 && schedule->credit < gap)
		return -late;
	if (late < 0) {
		schedule->credit -= gap;
		schedule->next += gap;
	} else if (late <= STALL) {
		schedule->credit = 0;
		schedule->next = (late <= LATE ? schedule->next : now - LATE) + gap;
	} else {
		schedule->credit = late < most ? late : most;
		schedule->next = now + gap;
	}
	return 0;
}

/* Rounded up: never too many calls. */
static int64_t gap_of(unsigned per_second, unsigned parts, unsigned level)
{
	int64_t whole = (int64_t)WINDOW * BUCKET_WHOLE_PARTS * LEVEL_FULL;
	int64_t rate = (int64_t)per_second * parts * level;

	return (whole + rate - 1) / rate;
}

static int64_t ask(const _Atomic uint64_t *word, int64_t now, int64_t gap)
{
	struct schedule schedule = unpack(atomic_load(word));

	return enter(&schedule, now, gap);
}

static int64_t take(_Atomic uint64_t *word, int64_t now, int64_t gap)
{
	uint64_t old = atomic_load(word);
	struct schedule schedule;
	int64_t wait;

	do {
		schedule = unpack(old);
		wait = enter(&schedule, now, gap);
	} while (!wait && !atomic_compare_exchange_weak(word, &old, pack(&schedule)));
	return wait;
}

/* Takes even what does not fit, for a call that goes anyway: later ones wait for it. */
static void charge(_Atomic uint64_t *word, int64_t now, int64_t gap)
{
	uint64_t old = atomic_load(word);
	struct schedule schedule;

	do {
		schedule = unpack(old);
		if (enter(&schedule, now, gap))
			schedule.next += gap;
	} while (!atomic_compare_exchange_weak(word, &old, pack(&schedule)));
}

int64_t bucket_take(struct bucket *bucket, unsigned per_second, enum bucket_use use, int64_t now_us)
{
	unsigned level = bucket_level(bucket, now_us);
	int64_t gap = gap_of(per_second, BUCKET_WHOLE_PARTS, level);
	int64_t issue_gap = gap_of(per_second, BUCKET_ISSUE_PARTS, level);
	int64_t now = now_us / UNIT_US, wait = 0;

	if (use == BUCKET_ISSUE)
		wait = ask(&bucket->issues, now, issue_gap);
	if (!wait)
		wait = take(&bucket->all, now, gap);
	if (!wait && use == BUCKET_ISSUE)
		charge(&bucket->issues, now, issue_gap); /* others may have come first meanwhile */
	return wait * UNIT_US;
}

/* ---- Throttling ---- */

static unsigned level_of(uint64_t word, int64_t now_ms)
{
	int64_t level = (int64_t)(word & ((1u << LEVEL_BITS) - 1));
	int64_t at = (int64_t)(word >> LEVEL_BITS);

	if (!word)
		return LEVEL_FULL;
	level += (now_ms - at) / BUCKET_RECOVERY_MS;
	return level < LEVEL_FULL ? (unsigned)level : LEVEL_FULL;
}

unsigned bucket_level(const struct bucket *bucket, int64_t now_us)
{
	return level_of(atomic_load(&bucket->slowed), now_us / 1000);
}

/* There is nothing left of what a pause has saved up, either. */
static void hold_until(_Atomic uint64_t *word, int64_t until)
{
	uint64_t old = atomic_load(word);
	struct schedule schedule;

	do {
		schedule = unpack(old);
		schedule.credit = 0;
		if (schedule.next < until)
			schedule.next = until;
	} while (!atomic_compare_exchange_weak(word, &old, pack(&schedule)));
}

void bucket_throttled(struct bucket *bucket, int64_t now_us, int64_t retry_us)
{
	int64_t retry = retry_us < 1000000 ? retry_us : 1000000, now = now_us / 1000;
	uint64_t old = atomic_load(&bucket->slowed), new;
	unsigned level;

	hold_until(&bucket->all, (now_us + retry) / UNIT_US);

	do {
		if (old && now - (int64_t)(old >> LEVEL_BITS) < BUCKET_THROTTLED_MS)
			return;
		level = level_of(old, now);
		level = level == LEVEL_FULL ? level * 31 / 32 : level * 7 / 8;
		if (level < BUCKET_SLOWEST)
			level = BUCKET_SLOWEST;
		new = (uint64_t)now << LEVEL_BITS | level;
	} while (!atomic_compare_exchange_weak(&bucket->slowed, &old, new));
}

/* ---- The table ---- */

/* FNV-1a; the final zero keeps "ab" and "c" apart from "a" and "bc". */
static uint64_t hash(uint64_t value, const char *text)
{
	do {
		value = (value ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	} while (*text++);
	return value;
}

struct bucket *bucket_find(struct bucket_table *table, const char *cloud, const char *account,
			   const char *action)
{
	uint64_t value = hash(UINT64_C(0xcbf29ce484222325), cloud);

	value = hash(hash(value, account), action);
	return &table->buckets[(value ^ value >> 32) % BUCKETS];
}

/* ---- Owners ---- */

/* What it was used for is over, and the longest pause that counts has gone by. */
static bool is_idle(const struct bucket *bucket, int64_t now)
{
	return now - unpack(atomic_load(&bucket->all)).next >= WINDOW;
}

struct bucket *bucket_own(struct bucket_owners *owners, const unsigned char name[16],
			  int64_t now_us)
{
	int64_t now = now_us / UNIT_US;
	uint64_t owner, found;
	size_t set;

	memcpy(&owner, name, sizeof(owner));
	set = owner % BUCKET_SETS;
	for (size_t way = 0; way < BUCKET_WAYS; way++)
		if (atomic_load(&owners->sets[set][way].owner) == owner)
			return &owners->sets[set][way].bucket;
	for (size_t way = 0; way < BUCKET_WAYS; way++) {
		found = atomic_load(&owners->sets[set][way].owner);
		if (!is_idle(&owners->sets[set][way].bucket, now))
			continue;
		/* Another process may have come first, for the same owner. */
		if (atomic_compare_exchange_strong(&owners->sets[set][way].owner, &found, owner) ||
		    found == owner)
			return &owners->sets[set][way].bucket;
	}
	return &owners->sets[set][0].bucket;
}
