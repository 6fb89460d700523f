/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share. */
#ifndef BROKER_BROKER_PRIV_H
#define BROKER_BROKER_PRIV_H

#include "broker/broker.h"
#include "broker/root.h"
#include "broker/talk.h"
#include "conf/conf.h"
#include "store/key.h"
#include "store/store.h"

struct mount_table {
	struct mount *mounts; /* in the order of their paths */
	size_t count;
	uint64_t generation; /* revision of the generation record it was read under */
	bool loaded;
};

/* The lease whose reply is on its way, between broker_issue and broker_delivered; or the token, between
 * broker_unwrap and then. */
struct in_hand {
	bool held;
	bool lasting; /* of a lease */
	bool is_token;
	struct lease_key lease;
	unsigned char token[KEYRING_NAME_SIZE];
};

struct broker {
	struct broker_options options;
	struct talker *talker;
	struct roots *roots;
	struct mount_table table;
	struct in_hand in_hand;
};

/* Commits what turns old into new, alone. With owner, under the condition that it, its ancestors and
 * the mount are alive; NULL: whoever owns it. */
int change_lease(struct broker *broker, enum store_urgency urgency, const struct lease *old,
		 const struct lease *new, const struct caller *owner);

/* Turns a lease that is not yet being revoked into one that is, due now: `unsure_until` (0: keep) is
 * the time until which lost calls may take effect. Repeats on conflicts. 0 also when it is gone. */
int mark_revoking(struct broker *broker, const struct lease_key *key, int64_t unsure_until,
		  bool forced);

/* The same for several leases in one commit, at most LEASES_MARKED, or one by one when somebody changes
 * one of them meanwhile. PENDING ones get the time until which their lost calls may take effect.
 * LH_ECONFLICT: try again. */
#define LEASES_MARKED (STORE_BATCH_MAX / LEASE_BATCH_OPS)
int mark_all_revoking(struct broker *broker, const struct lease_key *keys, size_t count,
		      bool forced);

/* The same for one lease as a part of a batch, if it is there and not marked yet; which fails with
 * LH_ECONFLICT when somebody changes it meanwhile. At most LEASE_BATCH_OPS operations. */
int add_marking(struct broker *broker, struct store_batch *batch, const struct lease_key *key,
		bool forced);

/* ISSUED becomes ACTIVE; anything else stays. 0 also when it is gone. */
int confirm_lease(struct broker *broker, const struct lease_key *key);

/* A lease of a batch token ends with it at the latest: caps what the mount grants. */
struct ttl_terms;
void cap_by_owner(struct ttl_terms *terms, const struct caller *owner);

/* Until when a call that is lost now may take effect, seconds since 1970. */
int64_t unsure_until(const struct broker *broker, const struct lease *lease);

/* The stored configuration of a mount by its uuid, also of one that is no longer mounted. */
int mount_config_of(struct broker *broker, const unsigned char *uuid, json_t **config_out,
		    uint64_t *revision_out);

/* Adds to the batch what stops new leases and requests of a mount, and commits it. */
int mount_taint(struct broker *broker, const struct mount *mount, struct store_batch *batch);

void mount_table_free(struct broker *broker);

/* Takes a mount that has no leases any more out of the store: first its roles, a page at a time, at
 * last the mount itself, in one commit with `job` (which goes) and `forget` (which comes).
 * LH_EBUSY: call again. */
struct job;
int mount_remove(struct broker *broker, const char *path, const unsigned char *uuid,
		 const struct key *job, const struct job *forget);

/* Forgets what outlived a removed mount for the sake of swept leases: configuration, tombstone. */
int mount_forget(struct broker *broker, const unsigned char *uuid, const struct key *job);

/* Seconds since 1970 at which what a request with this deadline (boot ms) has in hand belongs to a
 * dead worker. */
int64_t orphan_time(int64_t deadline);

/* Takes back what lies in wrappers that nobody has opened before their end, and forgets those that
 * have ended. true: there is more to do at once. */
bool wrappers_end(struct broker *broker);

/* Sets a text of a lease, wiping the old one. 0 or LH_ENOMEM. */
int lease_set(char **member, const char *text);

/* Waits ms milliseconds, showing signs of life. */
void broker_pause(struct broker *broker, int64_t ms);

#endif
