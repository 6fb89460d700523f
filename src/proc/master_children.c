/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proc/generation.h"
#include "proc/listen.h"
#include "proc/master_priv.h"
#include "util/err.h"
#include "util/log.h"
#include "util/shared.h"

#define GAP_MS 5000 /* a turn that took so long: we were stopped, or the machine was */

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
	orders->board = *master->board;
	orders->master = master->pid;
	orders->shared = master->shared;
	orders->queue = master->queue;
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
void master_fill_posts(struct master *master, int64_t now)
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

/* Whether it failed before it came to its loop. Somebody else's SIGKILL is an accident. */
static bool could_not_start(const struct post *post, int status)
{
	bool accident = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && !post->killed;

	return !post_is_ready(post) && !accident;
}

/* Before the server was ready once, nothing would become better by trying for ever. */
void master_reap(struct master *master, int64_t now)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct post *post = find_post(master, pid);

		if (!post)
			continue;
		log_end(post, status);
		if (!master->was_ready && !master->stopping && could_not_start(post, status))
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
void master_supervise(struct master *master, int64_t now)
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
