/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/generation.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "proc/listen.h"
#include "proc/notify.h"
#include "proc/privileges.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"

#define HAND_ON_MS 250 /* in which the web server takes to the work pool what it was told to */

/* ---- Listeners ---- */

static struct listener *find_listener(const struct generation *generation, const char *address,
				      int passed)
{
	for (; generation; generation = generation->older)
		for (size_t i = 0; i < generation->gate_count; i++) {
			struct listener *listener = generation->gates[i].listener;

			if (listener->down)
				continue;
			if (passed >= 0 ? listener->fd == passed
					: strcmp(listener->address, address) == 0)
				return listener;
		}
	return NULL;
}

static int open_gate(struct gate *gate, const struct conf_listener *conf, int passed,
		     const struct generation *older, struct err *err)
{
	size_t size = conf->workers * sizeof(*gate->held);
	struct listener *known = find_listener(older, conf->address, passed);
	int ret = peers_find(conf, &gate->peers, err);

	if (ret)
		return ret;
	gate->conf = conf;
	gate->held = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (gate->held == MAP_FAILED)
		return err_set(err, LH_ENOMEM, "memory is out");
	if (known)
		gate->listener = listener_hold(known);
	else
		ret = listener_open(conf, passed, &gate->listener, err);
	if (ret)
		munmap(gate->held, size);
	return ret;
}

static void close_gate(struct gate *gate)
{
	listener_release(gate->listener);
	munmap(gate->held, gate->conf->workers * sizeof(*gate->held));
}

static int open_gates(struct generation *generation, const json_t *environment, struct err *err)
{
	for (size_t i = 0; i < generation->conf->listener_count; i++) {
		const struct conf_listener *conf = &generation->conf->listeners[i];
		int ret = open_gate(&generation->gates[i], conf,
				    notify_passed(environment, conf->name), generation->older, err);

		if (ret)
			return err_prefix(err, ret, "listener \"%s\"", conf->name);
		generation->gate_count++;
	}
	return 0;
}

/* What root makes is root's own: without socket_group, only root could connect to a server that has
 * become somebody else. */
static gid_t own_group(const struct conf *conf)
{
	struct identity identity;

	if (identity_find(conf->user, conf->group, &identity, NULL) || !identity.change)
		return NO_GROUP;
	return identity.gid;
}

/* A listener that stays may have a new mode or backlog. That it could not be set is no reason to
 * throw away a configuration which is good and half in use. */
static void apply_gates(const struct generation *generation)
{
	gid_t own = own_group(generation->conf);
	struct err err = { "" };

	for (size_t i = 0; i < generation->gate_count; i++) {
		const struct gate *gate = &generation->gates[i];

		if (listener_apply(gate->listener, gate->conf, own, &err))
			log_warn("server: %s", err.text);
	}
}

/* ---- Posts ---- */

static int make_posts(struct generation *generation, struct err *err)
{
	size_t count = 0;

	for (size_t i = 0; i < generation->gate_count; i++)
		count += generation->gates[i].conf->workers;
	generation->posts = calloc(count ? count : 1, sizeof(*generation->posts));
	if (!generation->posts)
		return err_set(err, LH_ENOMEM, "memory is out");
	for (unsigned i = 0; i < generation->gate_count; i++) {
		const struct conf_listener *conf = generation->gates[i].conf;

		for (unsigned number = 0; number < conf->workers; number++)
			generation->posts[generation->post_count++] = (struct post){
				.kind = conf->pool == CONF_POOL_READ ? CHILD_READ : CHILD_WORK,
				.gate = i,
				.number = number,
			};
	}
	return 0;
}

static bool has_pool(const struct generation *generation, enum conf_pool pool)
{
	for (size_t i = 0; i < generation->gate_count; i++)
		if (generation->gates[i].conf->pool == pool)
			return true;
	return false;
}

/* With one pool alone there is nobody to hand a request on to. */
static enum api_pool api_pool_of(const struct generation *generation, enum conf_pool pool)
{
	bool both = has_pool(generation, CONF_POOL_READ) && has_pool(generation, CONF_POOL_WORK);

	if (!both)
		return API_BOTH;
	return pool == CONF_POOL_READ ? API_READ : API_WORK;
}

/* ---- The whole ---- */

int generation_new(struct conf *conf, const json_t *environment, struct generation *older,
		   struct generation **generation_out, struct err *err)
{
	struct generation *generation = calloc(1, sizeof(*generation));
	int ret;

	*generation_out = NULL;
	if (!generation)
		return err_set(err, LH_ENOMEM, "memory is out");
	generation->conf = conf;
	generation->older = older;
	ret = open_gates(generation, environment, err);
	if (ret == 0)
		ret = make_posts(generation, err);
	if (ret) {
		generation->conf = NULL;
		generation_free(generation);
		return ret;
	}
	apply_gates(generation);
	*generation_out = generation;
	return 0;
}

void generation_orders(const struct generation *generation, const struct post *post,
		       struct orders *orders)
{
	const struct gate *gate = &generation->gates[post->gate];

	orders->conf = generation->conf;
	orders->listener = gate->listener;
	orders->peers = &gate->peers;
	orders->pool = api_pool_of(generation, gate->conf->pool);
	orders->handed_on = orders->pool == API_WORK;
	orders->trusted = gate->conf->trust_identity;
	orders->prefix = gate->conf->identity_prefix;
	orders->keepalive = gate->conf->keepalive;
	orders->backlog = gate->conf->backlog;
	orders->number = post->number;
	orders->workers = gate->conf->workers;
	orders->held = gate->held;
}

bool generation_ready(const struct generation *generation)
{
	for (size_t i = 0; i < generation->post_count; i++)
		if (!post_is_ready(&generation->posts[i]))
			return false;
	return true;
}

bool generation_empty(const struct generation *generation)
{
	for (size_t i = 0; i < generation->post_count; i++)
		if (generation->posts[i].pid != 0)
			return false;
	return true;
}

static bool uses(const struct generation *generation, const struct listener *listener)
{
	for (size_t i = 0; generation && i < generation->gate_count; i++)
		if (generation->gates[i].listener == listener)
			return true;
	return false;
}

static void leave_gate(struct generation *generation, size_t i)
{
	struct gate *gate = &generation->gates[i];

	gate->told = true;
	if (!gate->goes_on)
		listener_shut_down(gate->listener);
	for (size_t k = 0; k < generation->post_count; k++) {
		const struct post *post = &generation->posts[k];

		if (post->gate == i && post->pid != 0)
			kill(post->pid, gate->goes_on ? SIGUSR2 : SIGTERM);
	}
}

static bool has_reader(const struct generation *generation)
{
	for (size_t i = 0; i < generation->post_count; i++)
		if (generation->posts[i].kind == CHILD_READ && generation->posts[i].pid != 0)
			return true;
	return false;
}

void generation_leave_on(struct generation *generation)
{
	int64_t now = clock_boot_ms();

	if (has_reader(generation))
		generation->last = now + HAND_ON_MS;
	if (now < generation->last)
		return;
	for (size_t i = 0; i < generation->gate_count; i++)
		if (!generation->gates[i].told)
			leave_gate(generation, i);
}

void generation_leave(struct generation *generation, const struct generation *newer, int64_t until)
{
	bool both = has_pool(generation, CONF_POOL_READ);

	generation->leaving = true;
	generation->last = clock_boot_ms() + HAND_ON_MS;
	for (size_t i = 0; i < generation->post_count; i++)
		post_leave(&generation->posts[i], until);
	for (size_t i = 0; i < generation->gate_count; i++) {
		struct gate *gate = &generation->gates[i];

		gate->goes_on = gate->listener->passed || uses(newer, gate->listener);
		if (!both || gate->goes_on || gate->conf->pool == CONF_POOL_READ)
			leave_gate(generation, i);
	}
}

void generation_free(struct generation *generation)
{
	if (!generation)
		return;
	for (size_t i = 0; i < generation->gate_count; i++)
		close_gate(&generation->gates[i]);
	free(generation->posts);
	conf_free(generation->conf);
	free(generation);
}
