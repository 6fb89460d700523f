/* SPDX-License-Identifier: Apache-2.0 */
/* A child of the server: what it is told by the master, what it owns, what it runs. */
#ifndef PROC_CHILD_H
#define PROC_CHILD_H

#include <jansson.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "api/api.h"
#include "proc/peer.h"
#include "proc/privileges.h"
#include "store/machine.h"

struct broker;
struct conf;
struct conf_listener;
struct err;
struct listener;
struct queue;
struct server;
struct shared;
struct slot;
struct store;

enum child_kind { CHILD_READ, CHILD_WORK, CHILD_REVOKER };

/* What the master hands down. Everything is borrowed and as it was at the fork. */
struct orders {
	enum child_kind kind;
	const struct conf *conf;
	const json_t *environment;
	struct identity identity;
	struct board board;
	pid_t master;
	struct shared *shared;
	struct queue *queue;
	struct slot *slot;

	/* Of workers only. */
	const struct listener *listener;
	const struct peers *peers;
	enum api_pool pool;
	bool handed_on;     /* its requests come by way of a read pool */
	bool trusted;       /* its listener believes identities */
	const char *prefix; /* that the web server takes off the path */
	bool keepalive;
	unsigned backlog;
	unsigned number, workers; /* which of how many at this listener */
	_Atomic uint32_t *held;   /* connections that each of them has open; shared memory */
};

/* What a child owns. */
struct child {
	const struct orders *orders;
	struct store *store;
	struct broker *broker;
	struct api *api; /* NULL in the revoker */
};

/* "read", "work" or "revoker". */
const char *child_name(enum child_kind kind);

/* The way of a child after the fork: signals, rights, store and broker, then its loop until it is
 * told to end. Reports itself ready by its first heartbeat. Returns its exit status; what failed was
 * logged. */
int child_run(const struct orders *orders);

/* How it serves requests. */
void child_server(const struct child *child, int64_t time_ms, struct server *server_out);

/* The loops. They return when the child was told to end, or LH_E… with a sentence in err. */
int worker_read(const struct child *child, struct err *err);
int worker_work(const struct child *child, struct err *err);
int worker_revoker(const struct child *child, struct err *err);

#endif
