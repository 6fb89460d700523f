/* SPDX-License-Identifier: Apache-2.0 */
/* Who may connect, and taking a connection from a listener. */
#ifndef PROC_PEER_H
#define PROC_PEER_H

#include <stddef.h>
#include <sys/types.h>

#define PEERS_MAX 32

struct conf_listener;
struct err;

/* Users that may connect; none: whoever the socket's mode lets in. */
struct peers {
	uid_t uids[PEERS_MAX];
	size_t count;
};

/* Finds the users of peer_users. 0, LH_ENOENT (no such user), LH_ERANGE (too many), with a sentence
 * to which the caller adds the listener. */
int peers_find(const struct conf_listener *conf, struct peers *peers_out, struct err *err);

/* Takes one connection. *fd_out blocks, is close-on-exec, and gives up on a peer that is silent or
 * does not read for 3 s. Returns 0; LH_ENOENT when none waits; LH_EPERM when one was refused and
 * closed, with the uid in err; LH_EIO when the listener is of no use any more. */
int peer_accept(int listener, const struct peers *peers, int *fd_out, struct err *err);

#endif
