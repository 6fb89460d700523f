/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/broker.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "auth/token.h"
#include "broker/broker_priv.h"
#include "crypto/crypto.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/shared.h"
#include "util/wipe.h"

#define OVERTAKEN_MAX 100 /* about 11 s of waiting in all */
#define PAUSE_TRIES   16  /* after which a pause is 0 to 255 ms, and shorter before */

/* Seconds past the deadline of its request after which a worker is surely dead: it may send for four
 * more (proc/serve.c), and the master waits for two and looks each second (proc/post.c). A lease that
 * is due earlier could be taken from somebody who has just received it. */
#define DEADLINE_SLACK 10

#define CONFLICTS_MAX 16 /* repetitions before somebody else is called the winner for good */

int broker_new(const struct broker_options *options, struct broker **broker_out, struct err *err)
{
	struct broker *broker = calloc(1, sizeof(*broker));
	int ret;

	*broker_out = NULL;
	if (!broker)
		return err_set(err, LH_ENOMEM, "memory is out");
	broker->options = *options;
	ret = talker_new(options->connections, options->shared, options->slot, &broker->talker,
			 err);
	if (!ret && roots_new(broker, &broker->roots))
		ret = err_set(err, LH_ENOMEM, "memory is out");
	if (ret) {
		broker_free(broker);
		return ret;
	}
	*broker_out = broker;
	return 0;
}

void broker_free(struct broker *broker)
{
	if (!broker)
		return;
	talker_free(broker->talker);
	roots_free(broker->roots);
	mount_table_free(broker);
	free(broker);
}

struct store *broker_store(struct broker *broker)
{
	return broker->options.store;
}

const struct conf *broker_conf(const struct broker *broker)
{
	return broker->options.conf;
}

struct shared *broker_shared(const struct broker *broker)
{
	return broker->options.shared;
}

void broker_count(const struct broker *broker, enum slot_counter counter)
{
	slot_count(broker->options.slot, counter);
}

void broker_pause(struct broker *broker, int64_t ms)
{
	struct timespec wait = { ms / 1000, ms % 1000 * 1000000 };

	slot_beat(broker->options.slot);
	nanosleep(&wait, NULL);
}

/* Whoever waits for the store's write lock is overtaken by all who wait before it. Waits of random
 * length that grow well beyond a commit keep the lock free for one at a time. */
bool broker_again(struct broker *broker, int code, int64_t deadline, unsigned *tries)
{
	unsigned factor = *tries < PAUSE_TRIES ? *tries + 1 : PAUSE_TRIES;
	unsigned char dice;

	if (code != LH_ECONFLICT || *tries == OVERTAKEN_MAX || clock_boot_ms() >= deadline)
		return false;
	(*tries)++;
	random_bytes(&dice, sizeof(dice));
	broker_pause(broker, dice * factor / PAUSE_TRIES);
	return true;
}

/* ---- Changes of leases that several files need ---- */

int lease_set(char **member, const char *text)
{
	char *copy = wipe_copy(text, strlen(text));

	if (!copy)
		return LH_ENOMEM;
	wipe_free(*member);
	*member = copy;
	return 0;
}

int change_lease(struct broker *broker, enum store_urgency urgency, const struct lease *old,
		 const struct lease *new, const struct caller *owner)
{
	struct store_batch batch = { 0 };
	int ret;

	ret = lease_change(broker->options.store, &batch, old, new);
	if (!ret && owner) {
		lease_expect_alive(&batch, new);
		token_expect_alive(&batch, owner);
		ret = token_trace(&batch, owner);
	}
	if (!ret)
		ret = store_apply(broker->options.store, urgency, &batch, NULL);
	store_batch_free(&batch);
	return ret;
}

int64_t unsure_until(const struct broker *broker, const struct lease *lease)
{
	const struct conf_engine *conf = conf_engine(broker->options.conf, lease->engine);

	if (!conf || !conf->sweep_count)
		return 0;
	return clock_now() + conf->sweep_after[conf->sweep_count - 1];
}

/* Reads a lease, lets `edit` change a copy, and commits it; again when somebody was faster.
 * edit returns 0 to commit, 1 to leave the lease as it is, or an error. */
typedef int (*lease_edit)(struct broker *broker, struct lease *lease, void *context);

static int edit_lease(struct broker *broker, const struct lease_key *key, lease_edit edit,
		      void *context)
{
	int ret = LH_ECONFLICT;

	for (int tries = 0; ret == LH_ECONFLICT && tries < CONFLICTS_MAX; tries++) {
		struct lease *old, *new;

		ret = lease_get_key(broker->options.store, key, &old);
		if (ret)
			return ret == LH_ENOENT ? 0 : ret;
		new = lease_copy(old);
		ret = new ? edit(broker, new, context) : LH_ENOMEM;
		if (!ret)
			ret = change_lease(broker, STORE_REVOKE, old, new, NULL);
		lease_free(new);
		lease_free(old);
	}
	return ret == 1 ? 0 : ret;
}

struct marking {
	int64_t unsure_until;
	bool forced;
};

static int edit_revoking(struct broker *broker, struct lease *lease, void *context)
{
	const struct marking *marking = context;
	int64_t now = clock_now();

	(void)broker;
	if (lease->state == LEASE_SWEEPING)
		return 1;
	if (lease->state == LEASE_REVOKING && lease->due <= now &&
	    lease->forced >= marking->forced && !lease->error[0])
		return 1;                 /* under way already */
	if (lease_set(&lease->error, "")) /* whoever asks now waits for the attempts from now on */
		return LH_ENOMEM;
	lease->state = LEASE_REVOKING;
	lease->forced |= marking->forced;
	lease->due = now;
	if (marking->unsure_until > lease->unsure_until)
		lease->unsure_until = marking->unsure_until;
	return 0;
}

int mark_revoking(struct broker *broker, const struct lease_key *key, int64_t unsure, bool forced)
{
	struct marking marking = { unsure, forced };

	return edit_lease(broker, key, edit_revoking, &marking);
}

int add_marking(struct broker *broker, struct store_batch *batch, const struct lease_key *key,
		bool forced)
{
	struct marking marking = { 0, forced };
	struct lease *old, *new;
	int ret;

	ret = lease_get_key(broker->options.store, key, &old);
	if (ret)
		return ret == LH_ENOENT ? 0 : ret;
	/* Its worker may be in the middle of a call and notices only at its next commit. */
	if (old->state == LEASE_PENDING)
		marking.unsure_until = unsure_until(broker, old);
	new = lease_copy(old);
	ret = new ? edit_revoking(broker, new, &marking) : LH_ENOMEM;
	if (!ret)
		ret = lease_change(broker->options.store, batch, old, new);
	lease_free(new);
	lease_free(old);
	return ret == 1 ? 0 : ret;
}

static int mark_in_one(struct broker *broker, const struct lease_key *keys, size_t count,
		       bool forced)
{
	struct store_batch batch = { 0 };
	int ret = 0;

	for (size_t i = 0; !ret && i < count; i++)
		ret = add_marking(broker, &batch, &keys[i], forced);
	if (!ret && (batch.count || batch.failed))
		ret = store_apply(broker->options.store, STORE_REVOKE, &batch, NULL);
	store_batch_free(&batch);
	return ret;
}

int mark_all_revoking(struct broker *broker, const struct lease_key *keys, size_t count,
		      bool forced)
{
	int ret = mark_in_one(broker, keys, count, forced);

	if (ret != LH_ECONFLICT)
		return ret;
	ret = 0;
	for (size_t i = 0; !ret && i < count; i++)
		ret = mark_in_one(broker, &keys[i], 1, forced);
	return ret;
}

int64_t orphan_time(int64_t deadline)
{
	int64_t left = deadline - clock_boot_ms();

	return clock_now() + (left > 0 ? left / 1000 : 0) + DEADLINE_SLACK;
}

static int edit_confirmed(struct broker *broker, struct lease *lease, void *context)
{
	(void)broker;
	(void)context;
	if (lease->state != LEASE_ISSUED)
		return 1;
	lease->state = LEASE_ACTIVE;
	lease->due = clock_seconds_up(lease->expires_ns);
	return 0;
}

int confirm_lease(struct broker *broker, const struct lease_key *key)
{
	return edit_lease(broker, key, edit_confirmed, NULL);
}
