/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts: engines at paths, their configuration and roles. */
#ifndef BROKER_MOUNT_H
#define BROKER_MOUNT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/engine.h"
#include "lease/index.h"
#include "lease/lease.h"

struct broker;
struct caller;

#define MOUNT_PATH_MAX 128

struct mount {
	char path[MOUNT_PATH_MAX + 2]; /* with its final slash */
	unsigned char uuid[LEASE_UUID_SIZE];
	const struct engine *engine;
	json_t *entry; /* as stored: type, accessor, uuid, description, config, options, … */
	bool tainted;  /* being disabled: no new requests */
	uint64_t revision;
};

/* The mount whose path is the longest prefix of `path` (relative to /v1/, with or without a final
 * slash for the mount itself). Borrowed, good until the next call of the broker; NULL if none.
 * Reads the table again when its generation has changed. 0, LH_EIO, LH_ENOMEM. */
int mount_find(struct broker *broker, const char *path, const struct mount **mount_out);

/* All mounts in the order of their paths; visit must not call the broker. 0, what visit returned to
 * end it, or an error of mount_find. */
typedef int (*mount_visit)(void *context, const struct mount *mount);
int mount_each(struct broker *broker, mount_visit visit, void *context);

/* Enables, tunes. entry is what is stored; path has its final slash. A new mount conflicts with one
 * above or below it: LH_EEXIST, `path is already in use at X/` in err. LH_ECONFLICT when another
 * process changed the table first: read again and retry. LH_EFULL. */
int mount_enable(struct broker *broker, const char *path, const json_t *entry, struct err *err);
int mount_tune(struct broker *broker, const struct mount *mount, const json_t *entry,
	       struct err *err);

/* Disables: taints the mount in one commit (a tombstone, so that no lease is born any more), then a
 * durable job revokes its leases and removes it. Waits for the job until the deadline (boot ms):
 * 0 when the mount is gone; LH_ECLOUD with the first failed lease in err; LH_ETIMEOUT, the job goes
 * on. Nothing mounted there: 0. */
int mount_disable(struct broker *broker, const char *path, int64_t deadline, struct err *err);

/* Effective TTLs of a mount, seconds: its own, else the system's. */
int64_t mount_default_ttl(const struct broker *broker, const struct mount *mount);
int64_t mount_max_ttl(const struct broker *broker, const struct mount *mount);

/* Configuration and roles as stored objects. Reading: *value_out is new, 0 or LH_ENOENT. Writing
 * with `revision` 0 means "must not exist yet", else "must still be this one": LH_ECONFLICT. asker:
 * who must be alive still, as clouds may have been asked on the way (LH_EPERM); NULL: nobody.
 * Deleting what is absent is 0. */
int mount_config_get(struct broker *broker, const struct mount *mount, json_t **value_out,
		     uint64_t *revision_out);
int mount_config_put(struct broker *broker, const struct mount *mount, const json_t *value,
		     uint64_t revision);
int mount_config_delete(struct broker *broker, const struct mount *mount);
int mount_role_get(struct broker *broker, const struct mount *mount, const char *name,
		   json_t **value_out, uint64_t *revision_out);
int mount_role_put(struct broker *broker, const struct mount *mount, const char *name,
		   const json_t *value, uint64_t revision, const struct caller *asker);
int mount_role_delete(struct broker *broker, const struct mount *mount, const char *name);

/* Names of roles in order, behind `after` (NULL: all), at most max. */
int mount_role_list(struct broker *broker, const struct mount *mount, const char *after, size_t max,
		    lease_name_visit add, void *context);

#endif
