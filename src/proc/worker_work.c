/* SPDX-License-Identifier: Apache-2.0 */
/* A worker of the pool "work": one connection, one request, at its own pace. */
#include <errno.h>
#include <malloc.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "conf/conf.h"
#include "proc/child.h"
#include "proc/fcgi.h"
#include "proc/listen.h"
#include "proc/serve.h"
#include "proc/signals.h"
#include "util/err.h"
#include "util/log.h"
#include "util/shared.h"

/* The master takes a worker that shows no sign of life for dead: often enough. */
#define BEAT_MS 1000

/* Takes and serves one connection. 0, LH_ENOENT when none waits, LH_ENOMEM or LH_EIO. */
static int serve_one(const struct child *child, const struct server *server, struct err *err)
{
	const struct orders *orders = child->orders;
	struct fcgi *fcgi;
	int fd, ret;

	ret = peer_accept(orders->listener->fd, orders->peers, &fd, err);
	if (ret == LH_EPERM) {
		log_warn("work: %s", err->text);
		return 0;
	}
	if (ret)
		return ret;
	fcgi = fcgi_new(fd);
	if (!fcgi)
		return err_set(err, LH_ENOMEM, "memory is out");
	serve(server, fcgi);
	fcgi_free(fcgi);
	return 0;
}

/* What waits in the queue was promised an answer. More than the queue can hold is not waiting, it is
 * still coming. */
static int serve_queue(const struct child *child, const struct server *server, struct err *err)
{
	int ret = 0;

	for (unsigned i = 0; ret == 0 && i <= child->orders->backlog; i++)
		ret = serve_one(child, server, err);
	return ret == LH_ENOENT ? 0 : ret;
}

/* Handshakes with a cloud leave more freed memory than memory in use behind. Returned once, when
 * there is nothing to do. */
static void rest(bool *worked)
{
	if (*worked)
		malloc_trim(0);
	*worked = false;
}

static int loop(const struct child *child, const struct server *server, int epoll, struct err *err)
{
	struct epoll_event event;
	bool worked = false;
	int ret = 0;

	while (ret == 0 && !signals_seen(SIGNAL_RETIRE)) {
		slot_beat(child->orders->slot);
		if (signals_seen(SIGNAL_STOP))
			return serve_queue(child, server, err);
		if (signals_epoll(epoll, &event, 1, BEAT_MS) <= 0) {
			rest(&worked);
			continue;
		}
		worked = true;
		ret = serve_one(child, server, err);
		if (ret == LH_ENOENT) /* another worker was quicker */
			ret = 0;
	}
	return ret;
}

int worker_work(const struct child *child, struct err *err)
{
	/* Wakes one worker for each connection, the one that worked last: its connections to the
	 * cloud are warm. */
	struct epoll_event event = { .events = EPOLLIN | EPOLLEXCLUSIVE };
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct server server;
	int ret;

	child_server(child, child->orders->conf->issue_timeout, &server);
	server.keep = false;
	if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, child->orders->listener->fd, &event) != 0)
		ret = err_set(err, LH_EIO, "cannot watch the listener: %s", strerror(errno));
	else
		ret = loop(child, &server, epoll, err);
	if (epoll >= 0)
		close(epoll);
	return ret;
}
