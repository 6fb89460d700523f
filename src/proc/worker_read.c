/* SPDX-License-Identifier: Apache-2.0 */
/* A worker of the pool "read": it keeps the web server's connections, polls them and the listener
 * together, and serves whichever has a request. No connection waits behind an idle one. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proc/child.h"
#include "proc/fcgi.h"
#include "proc/handover.h"
#include "proc/listen.h"
#include "proc/serve.h"
#include "proc/signals.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"
#include "util/shared.h"

#define BEAT_MS       1000
#define REQUEST_MS    8000 /* nginx gives up after 10 s */
#define EVENTS        64
#define HELD_MAX      400 /* below the usual limit of 1,024 descriptors */
#define STAND_BACK_MS 10  /* how long the other workers have the listener to themselves */

/* A connection. */
struct held {
	struct fcgi *fcgi;
	struct held *next, **link; /* link points to what points to this one */
};

struct reader {
	const struct orders *orders;
	struct server server;
	int epoll;
	struct held *first;
	uint32_t count;
	struct held passed; /* stands for the handover in the epoll set */
	bool listening;     /* the listener is in the epoll set */
	int64_t look_at;    /* boot ms when a worker that stands back looks at the listener again */
};

static void set_count(struct reader *reader, uint32_t count)
{
	reader->count = count;
	atomic_store(&reader->orders->held[reader->orders->number], count);
}

/* Takes it out of the list; what becomes of the connection is the caller's to say. */
static struct fcgi *let_go(struct reader *reader, struct held *held)
{
	struct fcgi *fcgi = held->fcgi;

	*held->link = held->next;
	if (held->next)
		held->next->link = held->link;
	free(held);
	set_count(reader, reader->count - 1);
	return fcgi;
}

/* Closing takes it out of the epoll set. */
static void drop(struct reader *reader, struct held *held)
{
	fcgi_free(let_go(reader, held));
}

/* Takes fd in any case. */
static int hold(struct reader *reader, int fd, struct held **held_out, struct err *err)
{
	struct held *held = calloc(1, sizeof(*held));
	struct epoll_event event = { .events = EPOLLIN | EPOLLRDHUP, .data.ptr = held };

	*held_out = NULL;
	if (!held) {
		close(fd);
		return err_set(err, LH_ENOMEM, "memory is out");
	}
	held->fcgi = fcgi_new(fd);
	if (!held->fcgi || epoll_ctl(reader->epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
		fcgi_free(held->fcgi);
		free(held);
		return err_set(err, LH_EIO, "cannot watch a connection: %s", strerror(errno));
	}
	held->next = reader->first;
	held->link = &reader->first;
	if (held->next)
		held->next->link = &held->next;
	reader->first = held;
	set_count(reader, reader->count + 1);
	*held_out = held;
	return 0;
}

/* As peer_accept, and *held_out is NULL when it was refused. */
static int take(struct reader *reader, struct held **held_out, struct err *err)
{
	int fd, ret;

	*held_out = NULL;
	ret = peer_accept(reader->orders->listener->fd, reader->orders->peers, &fd, err);
	if (ret == LH_EPERM) {
		log_warn("read: %s", err->text);
		return 0;
	}
	return ret ? ret : hold(reader, fd, held_out, err);
}

/* A connection that a leaving worker had; its peer was checked when it came. */
static int take_over(struct reader *reader, struct err *err)
{
	struct held *held;
	int fd;

	if (handover_receive(reader->orders->listener->handover[0], &fd) != 0)
		return 0; /* another worker was quicker */
	return hold(reader, fd, &held, err);
}

/* Bytes, not just the news that the peer has left. */
static bool has_request(const struct held *held)
{
	char byte;

	return recv(fcgi_fd(held->fcgi), &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

static void serve_held(struct reader *reader, struct held *held)
{
	if (!has_request(held) || !serve(&reader->server, held->fcgi))
		drop(reader, held);
}

/* ---- Who accepts ---- */

/* Whether this worker holds clearly more connections than the average of its pool. The kernel wakes
 * the one that waited last, so without this few workers would gather them all. */
static bool over_share(const struct reader *reader)
{
	uint64_t workers = reader->orders->workers, total = 0;

	for (uint64_t i = 0; i < workers; i++)
		total += atomic_load(&reader->orders->held[i]);
	return reader->count * workers > total + workers;
}

/* Begins or ends to watch both places where connections come from. */
static int watch(struct reader *reader, int change, struct err *err)
{
	const struct listener *listener = reader->orders->listener;
	struct epoll_event queue = { .events = EPOLLIN | EPOLLEXCLUSIVE };
	struct epoll_event passed = queue;

	passed.data.ptr = &reader->passed;
	if (epoll_ctl(reader->epoll, change, listener->fd, &queue) != 0 ||
	    epoll_ctl(reader->epoll, change, listener->handover[0], &passed) != 0)
		return err_set(err, LH_EIO, "cannot watch the listener: %s", strerror(errno));
	return 0;
}

static int listen_or_stand_back(struct reader *reader, struct err *err)
{
	bool listen = reader->count < HELD_MAX && !over_share(reader);

	if (listen == reader->listening)
		return 0;
	reader->listening = listen;
	reader->look_at = clock_boot_ms() + STAND_BACK_MS;
	return watch(reader, listen ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, err);
}

/* A connection that waits although others could have taken it: they are all busy. */
static int look_at_listener(struct reader *reader, struct err *err)
{
	struct held *held;
	int ret;

	if (reader->listening || reader->count >= HELD_MAX || clock_boot_ms() < reader->look_at)
		return 0;
	reader->look_at = clock_boot_ms() + STAND_BACK_MS;
	ret = take_over(reader, err);
	if (ret == 0)
		ret = take(reader, &held, err);
	return ret == LH_ENOENT ? 0 : ret;
}

static int wait_ms(const struct reader *reader)
{
	return reader->listening || reader->count >= HELD_MAX ? BEAT_MS : STAND_BACK_MS;
}

/* ---- The loop ---- */

static int handle(struct reader *reader, struct held *held, struct err *err)
{
	int ret;

	if (held == &reader->passed)
		return take_over(reader, err);
	if (held) {
		serve_held(reader, held);
		return 0;
	}
	ret = take(reader, &held, err);
	return ret == LH_ENOENT ? 0 : ret;
}

static int turn(struct reader *reader, struct err *err)
{
	struct epoll_event events[EVENTS];
	int count, ret;

	ret = listen_or_stand_back(reader, err);
	if (ret)
		return ret;
	count = signals_epoll(reader->epoll, events, EVENTS, wait_ms(reader));
	for (int i = 0; ret == 0 && i < count; i++)
		ret = handle(reader, events[i].data.ptr, err);
	return ret ? ret : look_at_listener(reader, err);
}

/* What waits in the queue was promised an answer. nginx sends at once what it connected for, so
 * waiting for it is no risk. */
static int serve_queue(struct reader *reader, struct err *err)
{
	struct held *held;
	int ret = 0;

	for (unsigned i = 0; ret == 0 && i <= reader->orders->backlog; i++) {
		ret = take(reader, &held, err);
		if (ret == 0 && held) {
			serve(&reader->server, held->fcgi);
			drop(reader, held);
		}
	}
	return ret == LH_ENOENT ? 0 : ret;
}

static int finish(struct reader *reader, struct err *err)
{
	reader->server.keep = false;
	while (reader->first) {
		if (has_request(reader->first))
			serve(&reader->server, reader->first->fcgi);
		drop(reader, reader->first);
	}
	return serve_queue(reader, err);
}

/* The others go on with all that this worker has; only what cannot be passed is closed. */
static void pass_on(struct reader *reader)
{
	while (reader->first) {
		int fd = fcgi_release(let_go(reader, reader->first));

		if (handover_send(reader->orders->listener->handover[1], fd) != 0)
			log_warn("read: a connection could not be passed on");
		close(fd);
	}
}

static int loop(struct reader *reader, struct err *err)
{
	int ret = 0;

	while (ret == 0 && !signals_seen(SIGNAL_STOP) && !signals_seen(SIGNAL_RETIRE)) {
		slot_beat(reader->orders->slot);
		ret = turn(reader, err);
	}
	if (ret)
		return ret;
	if (!signals_seen(SIGNAL_RETIRE))
		return finish(reader, err);
	pass_on(reader);
	return 0;
}

int worker_read(const struct child *child, struct err *err)
{
	struct reader reader = { .orders = child->orders };
	int ret;

	child_server(child, REQUEST_MS, &reader.server);
	reader.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (reader.epoll < 0)
		return err_set(err, LH_EIO, "cannot make an epoll set: %s", strerror(errno));
	set_count(&reader, 0);
	ret = loop(&reader, err);
	while (reader.first)
		drop(&reader, reader.first);
	close(reader.epoll);
	return ret;
}
