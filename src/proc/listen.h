/* SPDX-License-Identifier: Apache-2.0 */
/* The sockets on which the web server finds us. Made by the master, inherited by its workers.
 *
 * A listener outlives a reload: the generations of workers that use it hold it, the last one to let
 * go closes it. */
#ifndef PROC_LISTEN_H
#define PROC_LISTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct conf_listener;
struct err;

#define NO_GROUP ((gid_t)-1)

struct listener {
	char *address;
	int fd;          /* does not block, close-on-exec */
	int handover[2]; /* for connections of workers that leave (handover.h) */
	bool passed;     /* by the service manager: its queue outlives us, it is never shut down */
	bool local;      /* a socket path, not TCP */
	bool down;       /* shut down: takes no new connections */
	dev_t device;    /* of the socket path that we made, */
	ino_t inode;     /* so that nobody else's is ever removed */
	unsigned holders;
};

/* Makes the listener, or takes `passed` (-1: none), held once.
 *
 * What stands at a socket path is replaced only if it is a socket and nobody answers on it.
 * 0, LH_ENOMEM, LH_EEXIST (not a socket), LH_EBUSY (somebody answers), LH_EINVAL, LH_ENOENT (no such
 * group), LH_EIO; errors name address and reason. */
int listener_open(const struct conf_listener *conf, int passed, struct listener **listener_out,
		  struct err *err);

/* Sets backlog, mode and group again, as conf now says. own: the group of a socket path for which conf
 * names none; NO_GROUP leaves it as it is. 0, LH_ENOENT,
 * LH_EEXIST (something else stands at the path) or LH_EIO. */
int listener_apply(struct listener *listener, const struct conf_listener *conf, gid_t own,
		   struct err *err);

/* Whether listener_open could make it, without making it: for `check`. A server that runs and
 * answers is no error here. Errors as above. */
int listener_check(const struct conf_listener *conf, struct err *err);

struct listener *listener_hold(struct listener *listener);

/* Refuses new connections at once, for all processes, and removes our socket path. What waits in
 * the queue is still served. Only for socket paths that we made; others are left alone. */
void listener_shut_down(struct listener *listener);

/* Closes the descriptors of a process that has inherited the listener and does not need it. */
void listener_close_copy(const struct listener *listener);

/* Lets go; the last holder closes it and removes our socket path. NULL is allowed. */
void listener_release(struct listener *listener);

#endif
