/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/child.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "broker/broker.h"
#include "conf/conf.h"
#include "proc/fcgi.h"
#include "proc/serve.h"
#include "proc/signals.h"
#include "store/queue.h"
#include "store/store.h"
#include "util/err.h"
#include "util/log.h"
#include "util/shared.h"

/* Bounds what a peer can make libfcgi allocate; nothing that is wanted comes near it. The revoker
 * listens to nobody, and its many connections may hold the system's certificates, 4 MB each. */
#define WORKER_MEMORY ((size_t)256 * 1024 * 1024)

static const struct {
	const char *name;
	size_t connections; /* to clouds */
	int (*loop)(const struct child *child, struct err *err);
} kinds[] = {
	[CHILD_READ] = { "read", 8, worker_read },
	[CHILD_WORK] = { "work", 16, worker_work },
	[CHILD_REVOKER] = { "revoker", 128, worker_revoker },
};

const char *child_name(enum child_kind kind)
{
	return kinds[kind].name;
}

/* Rights go first: nothing of the outside is read with more than a child needs. */
static int become(const struct orders *orders, struct err *err)
{
	int ret = privileges_become(&orders->identity, err);

	if (ret == 0)
		ret = privileges_die_with(orders->master, err);
	if (ret == 0 && orders->kind != CHILD_REVOKER)
		ret = privileges_limit_memory(WORKER_MEMORY, err);
	return ret;
}

static int open_broker(struct child *child, struct err *err)
{
	const struct orders *orders = child->orders;
	const struct broker_options options = {
		.conf = orders->conf,
		.store = child->store,
		.shared = orders->shared,
		.slot = orders->slot,
		.environment = orders->environment,
		.connections = kinds[orders->kind].connections,
	};

	return broker_new(&options, &child->broker, err);
}

/* Only many writers gain by waiting for each other: the revoker commits much at once by itself. */
static unsigned place(const struct orders *orders)
{
	return orders->kind == CHILD_WORK ? (unsigned)(orders->slot - orders->shared->slots)
					  : QUEUE_NO_PLACE;
}

static int open_child(struct child *child, struct err *err)
{
	const struct conf *conf = child->orders->conf;
	const struct store_options options = {
		.driver = &store_lmdb,
		.path = conf->store_path,
		.map_size = conf->map_size,
		.key_file = conf->seal_key_file,
		.board = child->orders->board,
		.writing = &child->orders->slot->writing,
		.queue = child->orders->queue,
		.place = place(child->orders),
	};
	int ret = store_open(&options, &child->store, err);

	if (ret == 0)
		ret = open_broker(child, err);
	if (ret || child->orders->kind == CHILD_REVOKER)
		return ret;
	ret = api_new(child->broker, child->orders->pool, &child->api);
	return ret ? err_set(err, ret, "cannot prepare the API: %s", err_name(ret)) : 0;
}

static void close_child(struct child *child)
{
	api_free(child->api);
	broker_free(child->broker);
	store_close(child->store);
}

/* For ps and top. "leasehold-" and a kind would be more than the kernel keeps, 15 characters. */
static void set_name(enum child_kind kind)
{
	char name[16];

	snprintf(name, sizeof(name), "lh-%s", child_name(kind));
	prctl(PR_SET_NAME, name, 0, 0, 0);
}

/* Signals last: libfcgi brings handlers of its own. */
static int begin(const struct orders *orders, struct err *err)
{
	int ret = 0;

	set_name(orders->kind);
	log_setup(orders->conf->log_level, orders->conf->log_format, child_name(orders->kind));
	if (orders->kind != CHILD_REVOKER)
		ret = fcgi_init();
	if (ret)
		err_set(err, ret, "cannot prepare FastCGI");
	signals_child();
	return ret ? ret : become(orders, err);
}

int child_run(const struct orders *orders)
{
	struct child child = { .orders = orders };
	struct err err = { "" };
	int ret = begin(orders, &err);

	if (ret == 0)
		ret = open_child(&child, &err);
	if (ret == 0) {
		slot_beat(orders->slot);
		log_debug("%s: ready", child_name(orders->kind));
		ret = kinds[orders->kind].loop(&child, &err);
	}
	if (ret)
		log_error("%s: ends: %s", child_name(orders->kind), err.text);
	close_child(&child);
	return ret ? EXIT_FAILURE : EXIT_SUCCESS;
}

void child_server(const struct child *child, int64_t time_ms, struct server *server_out)
{
	*server_out = (struct server){
		.api = child->api,
		.slot = child->orders->slot,
		.time_ms = time_ms,
		.handed_on = child->orders->handed_on,
		.trusted = child->orders->trusted,
		.prefix = child->orders->prefix,
		.keep = child->orders->keepalive,
	};
}
