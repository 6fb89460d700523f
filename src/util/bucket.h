/* SPDX-License-Identifier: Apache-2.0 */
/* Token buckets: how fast calls may go, agreed on by all processes without a lock.
 *
 * A cloud counts the calls of every second, wherever that second begins, and more than its quota in
 * any of them are refused. So a bucket holds no savings that could be spent on top of the rate:
 *
 * - While it is in use, calls go one gap apart.
 * - After a pause as many may go at once as would have gone during the pause, at most those of one
 *   second. They are paid for afterwards: the next one goes when it would have gone anyway.
 *
 * In no second and SLACK are there more calls than the quota; the slack is for what the way to the
 * cloud does to the gaps. It costs 3.5 % of the quota.
 *
 * Everything here is arithmetic on words that are handed in with the time (boot, microseconds). */
#ifndef UTIL_BUCKET_H
#define UTIL_BUCKET_H

#include <stdatomic.h>
#include <stdint.h>

#define BUCKET_SLACK_US     35000
#define BUCKET_LATE_US      15000 /* of the slack: so late a call may go without loss for the next */
#define BUCKET_RATE_MAX     10000 /* calls a second */
#define BUCKETS             1024
#define BUCKET_ISSUE_PARTS  4 /* of five that issuing may take; the rest is kept for revoking */
#define BUCKET_WHOLE_PARTS  5
#define BUCKET_SLOWEST      20  /* per mille of the rate that throttling leaves at least */
#define BUCKET_RECOVERY_MS  100 /* for one per mille of the rate to come back */
#define BUCKET_THROTTLED_MS 1000

/* Each word is changed by compare-and-swap, alone; all zero is a bucket that was never used. */
struct bucket {
	_Atomic uint64_t all;    /* the schedule of all calls */
	_Atomic uint64_t issues; /* that of issuing, which must fit into both */
	_Atomic uint64_t slowed; /* when the cloud throttled last, and the part of the rate since */
};

struct bucket_table {
	struct bucket buckets[BUCKETS];
};

/* Buckets of many owners who come and go. Who has not asked for a second is forgotten: a bucket that
 * was idle for so long is as good as a new one. */
#define BUCKET_SETS 512
#define BUCKET_WAYS 16 /* owners of one set that are busy at a time */

struct bucket_owners {
	struct {
		_Atomic uint64_t owner; /* 0: nobody yet */
		struct bucket bucket;
	} sets[BUCKET_SETS][BUCKET_WAYS];
};

enum bucket_use { BUCKET_REVOKE, BUCKET_ISSUE };

/* The bucket of an action in an account of a cloud; always one. Two that fall on the same one are
 * only slower. */
struct bucket *bucket_find(struct bucket_table *table, const char *cloud, const char *account,
			   const char *action);

/* The bucket of one owner, whose name is as good as random. Only where more than BUCKET_WAYS owners of
 * one set are busy within a second do some share one. */
struct bucket *bucket_own(struct bucket_owners *owners, const unsigned char name[16],
			  int64_t now_us);

/* Takes what one call needs. 0: go. Otherwise nothing was taken: microseconds after which it is worth
 * asking again. per_second is 1 to BUCKET_RATE_MAX. */
int64_t bucket_take(struct bucket *bucket, unsigned per_second, enum bucket_use use,
		    int64_t now_us);

/* The cloud has refused a call as one too many, and says after how long it would take one (0: it
 * does not): none goes before that, but after a second at most, and fewer go from now on. A single time
 * may be chance and costs little; again before the rate has come back, it costs more. Within a second
 * it counts once. */
void bucket_throttled(struct bucket *bucket, int64_t now_us, int64_t retry_us);

/* The part of the rate that is used, per mille. */
unsigned bucket_level(const struct bucket *bucket, int64_t now_us);

#endif
