/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/master.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conf/conf.h"
#include "crypto/crypto.h"
#include "proc/generation.h"
#include "proc/listen.h"
#include "proc/notify.h"
#include "proc/privileges.h"
#include "proc/probe.h"
#include "proc/signals.h"
#include "store/store.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"
#include "util/shared.h"

#define TURN_MS         1000  /* of a quiet server */
#define BUSY_TURN_MS    20    /* while something is starting or ending */
#define GAP_MS          5000  /* a turn that took so long: we were stopped, or the machine was */
#define REVOKER_LAST_MS 10000 /* for the revoker, after the last worker has gone */

struct master {
	const json_t *environment;
	struct identity identity;
	pid_t pid;
	int lock;
	struct shared *shared;
	struct generation *newest;       /* the older ones hang on it; NULL when all have ended */
	struct post revoker;             /* one for all generations */
	const struct conf *revoker_conf; /* borrowed: what the revoker was last told to use */
	int64_t last_turn, trust_after;
	bool was_ready, stopping, failed;
};

/* ---- Starting children ---- */

/* A child keeps only the listener that it serves: the others must end when the master ends them. */
static void close_other_listeners(const struct master *master, const struct listener *own)
{
	for (const struct generation *g = master->newest; g; g = g->older)
		for (size_t i = 0; i < g->gate_count; i++)
			if (g->gates[i].listener != own)
				listener_close_copy(g->gates[i].listener);
	close(master->lock);
}

static void run_child(const struct master *master, const struct orders *orders)
{
	close_other_listeners(master, orders->listener);
	exit(child_run(orders));
}

static void start(struct master *master, struct post *post, struct orders *orders, int64_t now)
{
	pid_t pid;

	orders->kind = post->kind;
	orders->environment = master->environment;
	orders->identity = master->identity;
	orders->master = master->pid;
	orders->shared = master->shared;
	orders->slot = slot_take(master->shared);
	if (!orders->slot) {
		/* Dead children's slots, which the revoker has not come to yet. */
		post->not_before = now + TURN_MS;
		return;
	}
	pid = fork();
	if (pid == 0)
		run_child(master, orders);
	if (pid < 0) {
		log_error("server: cannot start a process: %s", strerror(errno));
		post->not_before = now + TURN_MS;
		return;
	}
	post_filled(post, pid, orders->slot, now);
}

/* The revoker is needed as long as there is a worker. */
static void fill_posts(struct master *master, int64_t now)
{
	if (post_is_vacant(&master->revoker, now) && master->newest) {
		struct orders orders = { .conf = master->newest->conf };

		master->revoker_conf = master->newest->conf;
		start(master, &master->revoker, &orders, now);
	}
	for (struct generation *g = master->newest; g; g = g->older)
		for (size_t i = 0; i < g->post_count; i++) {
			struct orders orders = { 0 };

			if (!post_is_vacant(&g->posts[i], now))
				continue;
			generation_orders(g, &g->posts[i], &orders);
			atomic_store(&orders.held[orders.number], 0);
			start(master, &g->posts[i], &orders, now);
		}
}

/* ---- Children that end ---- */

static struct post *find_post(struct master *master, pid_t pid)
{
	if (master->revoker.pid == pid)
		return &master->revoker;
	for (struct generation *g = master->newest; g; g = g->older)
		for (size_t i = 0; i < g->post_count; i++)
			if (g->posts[i].pid == pid)
				return &g->posts[i];
	return NULL;
}

static void log_end(const struct post *post, int status)
{
	const char *name = child_name(post->kind);
	int pid = (int)post->pid;

	if (WIFSIGNALED(status))
		log_warn("server: %s[%d] was killed by signal %d (%s)", name, pid, WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status) != 0)
		log_warn("server: %s[%d] ended with status %d", name, pid, WEXITSTATUS(status));
	else
		log_debug("server: %s[%d] ended", name, pid);
}

/* Before the server was ready once, a child that cannot live is no accident: nothing would become
 * better by trying for ever. */
static void reap(struct master *master, int64_t now)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct post *post = find_post(master, pid);

		if (!post)
			continue;
		log_end(post, status);
		if (!master->was_ready && !master->stopping)
			master->failed = true;
		post_vacated(post, status, now);
		shared_wake_revoker(master->shared);
	}
}

static void judge(struct post *post, int64_t now)
{
	const char *why = post_overdue(post, now);

	if (!why || post->killed)
		return;
	log_warn("server: killing %s[%d]: %s", child_name(post->kind), (int)post->pid, why);
	kill(post->pid, SIGKILL);
	post->killed = true;
}

/* When the whole machine slept, or we were stopped, everybody looks dead: they get time to show that
 * they are not. */
static void supervise(struct master *master, int64_t now)
{
	if (now - master->last_turn > GAP_MS)
		master->trust_after = now + GAP_MS;
	master->last_turn = now;
	if (now < master->trust_after)
		return;
	judge(&master->revoker, now);
	for (struct generation *g = master->newest; g; g = g->older)
		for (size_t i = 0; i < g->post_count; i++)
			judge(&g->posts[i], now);
}

/* ---- Generations ---- */

static int64_t drain_end(const struct generation *generation)
{
	return clock_boot_ms() + generation->conf->drain_timeout * 1000;
}

/* One revoker at most: the next one is started when the old one is reaped. */
static void renew_revoker(struct master *master)
{
	if (master->revoker.pid == 0 || master->revoker_conf == master->newest->conf)
		return;
	kill(master->revoker.pid, SIGTERM);
	shared_wake_revoker(master->shared);
	master->revoker_conf = master->newest->conf;
}

static void announce(struct master *master)
{
	struct generation *newest = master->newest;

	if (!newest || newest->announced || master->stopping || !generation_ready(newest) ||
	    !post_is_ready(&master->revoker))
		return;
	newest->announced = true;
	master->was_ready = true;
	log_info("server: ready, %zu listeners, %zu workers", newest->gate_count,
		 newest->post_count);
	notify_send(master->environment, "READY=1");
	for (struct generation *g = newest->older; g; g = g->older)
		if (!g->leaving)
			generation_leave(g, newest, drain_end(g));
	renew_revoker(master);
}

static void free_ended(struct master *master)
{
	struct generation **link = &master->newest;

	while (*link) {
		struct generation *generation = *link;

		if (!generation->leaving || !generation_empty(generation)) {
			link = &generation->older;
			continue;
		}
		*link = generation->older;
		generation_free(generation);
	}
}

/* Workers of two generations live side by side for a while, each in a slot of its own. */
static int check_slots(const struct master *master, const struct conf *conf, struct err *err)
{
	size_t wanted = master->newest ? 0 : 1; /* the revoker's */
	size_t there = slots_free(master->shared);

	for (size_t i = 0; i < conf->listener_count; i++)
		wanted += conf->listeners[i].workers;
	if (wanted <= there)
		return 0;
	return err_set(err, LH_ERANGE,
		       "there is room for %zu processes now, and %zu are asked for; the listeners' "
		       "`workers` are too many",
		       there, wanted);
}

static int add_generation(struct master *master, struct conf *conf, struct err *err)
{
	struct generation *generation;
	int ret = check_slots(master, conf, err);

	if (ret == 0)
		ret = generation_new(conf, master->environment, master->newest, &generation, err);
	if (ret == 0)
		master->newest = generation;
	return ret;
}

static int read_again(struct master *master, struct conf **conf_out, struct err *err)
{
	const struct conf *old = master->newest->conf;
	int ret = conf_load(old->path, conf_out, err);

	if (ret == 0)
		ret = conf_check_reload(old, *conf_out, err);
	if (ret == 0)
		ret = probe_store(*conf_out, &master->identity, err);
	return ret;
}

static void reload(struct master *master)
{
	struct err err = { "" };
	struct conf *conf = NULL;
	int ret;

	if (master->stopping || !master->newest)
		return;
	ret = read_again(master, &conf, &err);
	if (ret == 0)
		ret = add_generation(master, conf, &err);
	if (ret) {
		log_error("server: the configuration was not read again, the old one stays: %s",
			  err.text);
		conf_free(conf);
		return;
	}
	log_setup(conf->log_level, conf->log_format, "master");
	log_info("server: the configuration was read again");
}

/* ---- The end ---- */

static void stop(struct master *master)
{
	if (master->stopping)
		return;
	master->stopping = true;
	log_info("server: stopping");
	notify_send(master->environment, "STOPPING=1");
	for (struct generation *g = master->newest; g; g = g->older)
		if (!g->leaving)
			generation_leave(g, NULL, drain_end(g));
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

	reap(master, now);
	if (signals_take(SIGNAL_STOP) || master->failed)
		stop(master);
	if (signals_take(SIGNAL_RELOAD))
		reload(master);
	if (signals_take(SIGNAL_REOPEN))
		log_debug("server: the log goes to standard error, there is nothing to reopen");
	supervise(master, now);
	free_ended(master);
	stop_revoker(master, now);
	fill_posts(master, now);
	announce(master);
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
	if (!master->shared)
		return err_set(err, LH_ENOMEM, "memory is out");
	random_bytes(master->shared->run_id, sizeof(master->shared->run_id));
	master->shared->started = clock_now();
	return 0;
}

static int begin(struct master *master, const struct conf *conf, struct err *err)
{
	int ret;

	log_setup(conf->log_level, conf->log_format, "master");
	raise_descriptors();
	ret = privileges_harden(err);
	if (ret == 0)
		ret = identity_find(conf->user, conf->group, &master->identity, err);
	if (ret == 0)
		ret = probe_store(conf, &master->identity, err);
	if (ret == 0)
		ret = lock_store(master, conf, err);
	if (ret == 0)
		ret = make_shared(master, err);
	signals_master();
	return ret;
}

int master_run(struct conf *conf, const json_t *environment, struct err *err)
{
	struct master master = {
		.environment = environment,
		.pid = getpid(),
		.lock = -1,
		.revoker = { .kind = CHILD_REVOKER },
	};
	int ret = begin(&master, conf, err);

	if (ret == 0)
		ret = add_generation(&master, conf, err);
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
	if (master.lock >= 0)
		close(master.lock);
	return ret;
}
