/* SPDX-License-Identifier: Apache-2.0 */
/* Work larger than one request, written down before it begins and drained by the revoker:
 *
 *   revoke   every lease under a prefix that was issued before the job was made
 *   disable  the same for a tainted mount, then the mount itself
 *   forget   what a removed mount left for its swept leases
 *
 * A job is an intention, not a position: after a crash it starts over, and what was done already
 * costs a look. */
#ifndef BROKER_JOB_H
#define BROKER_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/mount.h"
#include "lease/lease.h"
#include "store/key.h"

struct store_batch;

enum job_kind { JOB_REVOKE, JOB_DISABLE, JOB_FORGET };

struct job {
	struct key key;
	enum job_kind kind;
	char prefix[STORE_KEY_MAX + 1]; /* of leases; the mount's path with JOB_DISABLE */
	unsigned char mount[LEASE_UUID_SIZE];
	bool force;       /* one attempt for each lease, then it is forgotten */
	int64_t since_ns; /* leases issued later are not meant */
	char error[512];  /* the first failed lease, in words; "" */
	uint64_t revision;
};

/* Draws the job's key: it is drained from `time` (seconds since 1970) on; JOB_AT_ONCE: whatever the
 * clock shows, also when it is set back. */
#define JOB_AT_ONCE 0
void job_name(struct job *job, int64_t time);

/* Adds the job to a batch; job->revision 0: as a new one. 0 or LH_ENOMEM. */
int job_put(struct store_batch *batch, const struct job *job);

/* LH_ENOENT when it is done. */
int job_get(struct store *store, const struct key *key, struct job *job_out);

/* The jobs to be drained by now, in the order of their keys, behind *after (NULL: from the start), at
 * most max. */
int job_scan(struct store *store, int64_t now, const struct key *after, struct job *out, size_t max,
	     size_t *count_out);

#endif
