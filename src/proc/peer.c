/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/peer.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "conf/conf.h"
#include "proc/privileges.h"
#include "util/err.h"

#define SILENCE_SECONDS 3

int peers_find(const struct conf_listener *conf, struct peers *peers_out, struct err *err)
{
	int ret;

	peers_out->count = 0;
	for (char **name = conf->peer_users; name && *name; name++) {
		if (peers_out->count == PEERS_MAX)
			return err_set(err, LH_ERANGE, "peer_users: at most %d users", PEERS_MAX);
		ret = user_find(*name, &peers_out->uids[peers_out->count], err);
		if (ret)
			return err_prefix(err, ret, "peer_users");
		peers_out->count++;
	}
	return 0;
}

static int check_peer(int fd, const struct peers *peers, struct err *err)
{
	struct ucred who;
	socklen_t size = sizeof(who);

	if (peers->count == 0)
		return 0;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0)
		return err_set(err, LH_EPERM, "refused a connection of unknown origin");
	for (size_t i = 0; i < peers->count; i++)
		if (peers->uids[i] == who.uid)
			return 0;
	return err_set(err, LH_EPERM, "refused a connection of uid %lu, who is not in peer_users",
		       (unsigned long)who.uid);
}

static int set_patience(int fd, struct err *err)
{
	const struct timeval patience = { .tv_sec = SILENCE_SECONDS };

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) != 0)
		return err_set(err, LH_EIO, "cannot set a timeout: %s", strerror(errno));
	return 0;
}

/* EINVAL: the listener was shut down and its queue is empty. The others: this one connection died
 * before we came to it. */
static bool nothing_waits(int error)
{
	return error == EAGAIN || error == EINVAL || error == ECONNABORTED || error == EINTR ||
	       error == EPROTO;
}

int peer_accept(int listener, const struct peers *peers, int *fd_out, struct err *err)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	int ret;

	*fd_out = -1;
	if (fd < 0)
		return nothing_waits(errno)
			       ? LH_ENOENT
			       : err_set(err, LH_EIO, "cannot accept: %s", strerror(errno));
	ret = check_peer(fd, peers, err);
	if (ret == 0)
		ret = set_patience(fd, err);
	if (ret)
		close(fd);
	else
		*fd_out = fd;
	return ret;
}
