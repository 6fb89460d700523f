/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>

#include "conf/conf.h"
#include "engine/engine.h"
#include "proc/generation.h"
#include "proc/master_priv.h"
#include "proc/notify.h"
#include "proc/probe.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"
#include "util/shared.h"

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

void master_announce(struct master *master)
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

void master_free_ended(struct master *master)
{
	struct generation **link = &master->newest;

	while (*link) {
		struct generation *generation = *link;

		if (generation->leaving)
			generation_leave_on(generation);
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

int master_add_generation(struct master *master, struct conf *conf, struct err *err)
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
	int ret = conf_load(old->path, engine_conf_type, conf_out, err);

	if (ret == 0)
		ret = conf_check_reload(old, *conf_out, err);
	if (ret == 0)
		ret = probe_store(*conf_out, master->board, &master->identity, err);
	return ret;
}

void master_reload(struct master *master)
{
	struct err err = { "" };
	struct conf *conf = NULL;
	int ret;

	if (master->stopping || !master->newest)
		return;
	ret = read_again(master, &conf, &err);
	if (ret == 0)
		ret = master_add_generation(master, conf, &err);
	if (ret) {
		log_error("server: the configuration was not read again, the old one stays: %s",
			  err.text);
		conf_free(conf);
		return;
	}
	log_setup(conf->log_level, conf->log_format, "master");
	log_info("server: the configuration was read again");
}

void master_leave_all(struct master *master)
{
	for (struct generation *g = master->newest; g; g = g->older)
		if (!g->leaving)
			generation_leave(g, NULL, drain_end(g));
}
