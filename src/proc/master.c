/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/master.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "conf/conf.h"
#include "proc/generation.h"
#include "proc/master_priv.h"
#include "proc/notify.h"
#include "proc/probe.h"
#include "proc/signals.h"
#include "store/queue.h"
#include "store/store.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"
#include "util/shared.h"

#define BUSY_TURN_MS    20    /* while something is starting or ending */
#define REVOKER_LAST_MS 10000 /* for the revoker, after the last worker has gone */

/* ---- The end ---- */

static void stop(struct master *master)
{
	if (master->stopping)
		return;
	master->stopping = true;
	log_info("server: stopping");
	notify_send(master->environment, "STOPPING=1");
	master_leave_all(master);
}

/* Last, so that it takes back what the workers left behind. */
static void stop_revoker(struct master *master, int64_t now)
{
	struct post *revoker = &master->revoker;

	if (!master->stopping || master->newest || revoker->leaving)
		return;
	post_leave(revoker, now + REVOKER_LAST_MS);
	if (revoker->pid == 0)
		return;
	kill(revoker->pid, SIGTERM);
	shared_wake_revoker(master->shared);
}

static bool has_ended(const struct master *master)
{
	return master->stopping && !master->newest && master->revoker.pid == 0;
}

/* ---- The loop ---- */

static int turn_ms(const struct master *master)
{
	const struct generation *newest = master->newest;
	bool quiet = newest && newest->announced && !newest->older && !master->stopping &&
		     generation_ready(newest);

	return quiet ? TURN_MS : BUSY_TURN_MS;
}

static void wait_for_work(const struct master *master)
{
	int ms = turn_ms(master);
	const struct timespec limit = { ms / 1000, (ms % 1000) * 1000000L };

	ppoll(NULL, 0, &limit, signals_open());
}

/* The order is fixed: who has ended is known before anybody is judged or replaced. */
static void turn(struct master *master)
{
	int64_t now = clock_boot_ms();

	master_reap(master, now);
	if (signals_take(SIGNAL_STOP) || master->failed)
		stop(master);
	if (signals_take(SIGNAL_RELOAD))
		master_reload(master);
	if (signals_take(SIGNAL_REOPEN))
		log_debug("server: the log goes to standard error, there is nothing to reopen");
	master_supervise(master, now);
	master_free_ended(master);
	stop_revoker(master, now);
	master_fill_posts(master, now);
	master_announce(master);
}

static void loop(struct master *master)
{
	master->last_turn = clock_boot_ms();
	turn(master);
	while (!has_ended(master)) {
		wait_for_work(master);
		turn(master);
	}
}

/* ---- The beginning ---- */

/* For the kept connections of a worker, and LMDB beside them. More is no harm. */
static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* A lock file of root's would be in the way of a server that is started as the user. */
static int lock_store(struct master *master, const struct conf *conf, struct err *err)
{
	int ret = store_lock(conf->store_path, &master->lock, err);

	if (ret == 0 && master->identity.change &&
	    fchown(master->lock, master->identity.uid, master->identity.gid) != 0)
		log_warn("server: the store's lock file stays root's: %s", strerror(errno));
	return ret;
}

static int make_shared(struct master *master, struct err *err)
{
	master->shared = shared_new();
	master->queue = queue_new();
	if (!master->shared || !master->queue)
		return err_set(err, LH_ENOMEM, "memory is out");
	master->shared->started = clock_now();
	return 0;
}

/* Root's home is closed to whom the children become, and what lies there is not theirs. */
static void move_home(const struct identity *identity, json_t *environment)
{
	if (!identity->change)
		return;
	if (json_object_set_new(environment, "HOME", json_string(identity->home)))
		json_object_del(environment, "HOME");
}

static int begin(struct master *master, const struct conf *conf, json_t *environment,
		 struct err *err)
{
	int ret;

	log_setup(conf->log_level, conf->log_format, "master");
	raise_descriptors();
	ret = privileges_harden(err);
	if (ret == 0)
		ret = identity_find(conf->user, conf->group, &master->identity, err);
	if (ret == 0)
		move_home(&master->identity, environment);
	if (ret == 0)
		ret = probe_store(conf, master->board, &master->identity, err);
	if (ret == 0)
		ret = lock_store(master, conf, err);
	if (ret == 0)
		ret = make_shared(master, err);
	signals_master();
	return ret;
}

int master_run(struct conf *conf, json_t *environment, const struct board *board, struct err *err)
{
	struct master master = {
		.environment = environment,
		.board = board,
		.pid = getpid(),
		.lock = -1,
		.revoker = { .kind = CHILD_REVOKER },
	};
	int ret = begin(&master, conf, environment, err);

	if (ret == 0)
		ret = master_add_generation(&master, conf, err);
	if (ret) {
		conf_free(conf);
	} else {
		loop(&master);
		log_info("server: stopped");
		if (master.failed)
			ret = err_set(err, LH_EIO,
				      "a process of the server could not start; the log says why");
	}
	shared_free(master.shared);
	queue_free(master.queue);
	if (master.lock >= 0)
		close(master.lock);
	return ret;
}
