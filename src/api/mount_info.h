/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts as clients see them: those of the table, and those that are always there. */
#ifndef API_MOUNT_INFO_H
#define API_MOUNT_INFO_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lease/lease.h"

struct broker;
struct err;
struct mount;

/* A mount without its engine: what a request about the mount itself needs. */
struct mount_view {
	json_t *entry; /* as stored; NULL: no such mount. The caller's */
	bool builtin;
	int64_t default_ttl, max_ttl; /* effective, seconds */
};

/* The mount of exactly this path, with or without its final slash: by what lies in it nobody finds a
 * mount, for a policy names the mount alone. 0, LH_ENOMEM, LH_EIO. */
int mount_view_find(struct broker *broker, const char *path, struct mount_view *view);

/* The object that clients know as mount info, from a stored entry. New, NULL if memory is out. */
json_t *mount_info(const json_t *entry);

/* All of them, "path/" → mount info. *all_out is new. 0, LH_ENOMEM, LH_EIO. */
int mount_info_all(struct broker *broker, json_t **all_out);

/* The auth mounts, "token/" → mount info. New, NULL if memory is out. */
json_t *mount_info_auth(struct broker *broker);

/* The mount that is always there and holds a path: its info, and its path as "path", which for auth
 * mounts is behind "auth/". *info_out is new; NULL: none of them holds it. 0 or LH_ENOMEM. */
int mount_info_builtin(struct broker *broker, const char *path, json_t **info_out);

/* The path as mounts are named: with a final slash. New, released with wipe_free. */
char *mount_name(const char *path);

#endif
