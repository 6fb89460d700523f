/* SPDX-License-Identifier: Apache-2.0 */
/* What a process of the server may do: as little as it can. */
#ifndef PROC_PRIVILEGES_H
#define PROC_PRIVILEGES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct err;

/* Whom a process becomes. */
struct identity {
	bool change; /* false: stays who it is */
	uid_t uid;
	gid_t gid;
	char home[256]; /* with change: that user's folder; "" if its path is longer */
};

/* Who the children of a server shall be. Only root can choose: for anybody else, and when user is
 * NULL, the answer is "who we are". group NULL: the user's own.
 * 0, LH_ENOENT if there is no such user or group. */
int identity_find(const char *user, const char *group, struct identity *identity_out,
		  struct err *err);

/* A user's or group's number. 0 or LH_ENOENT. */
int user_find(const char *name, uid_t *uid_out, struct err *err);
int group_find(const char *name, gid_t *gid_out, struct err *err);

/* Gives up groups, gid and uid, for ever. 0 or LH_EPERM. */
int privileges_drop(const struct identity *identity, struct err *err);

/* No new privileges, no core file, not dumpable, umask 077. To be repeated after privileges_drop,
 * which makes the kernel forget a part of it. 0 or LH_EIO. */
int privileges_harden(struct err *err);

/* Both, in the order that lasts: before a process touches a key, or anything of the outside.
 * 0, LH_EPERM or LH_EIO. */
int privileges_become(const struct identity *identity, struct err *err);

/* Bounds the private memory, so that an oversized parameter ends this process and not the machine.
 * Maps of files are not counted. Sanitizers need more: nothing happens under them. 0 or LH_EIO. */
int privileges_limit_memory(size_t bytes, struct err *err);

/* Dies with the parent, even when stopped. `parent` is who it was before the fork: if that is gone
 * already, LH_EPERM. After privileges_drop, which would undo it. 0, LH_EPERM or LH_EIO. */
int privileges_die_with(pid_t parent, struct err *err);

#endif
