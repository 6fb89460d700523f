/* SPDX-License-Identifier: Apache-2.0 */
/* Conversations with clouds: the loop between an engine's step function and the network.
 *
 * A talker lives in each process and holds its HTTP client; any number of conversations go on in it
 * side by side. It signs each attempt anew, repeats what may be repeated, keeps deadlines and quotas.
 * What waits for the same quota goes in the order in which the conversations began, but shares take
 * turns: one that has little to do does not wait for all that another has. */
#ifndef BROKER_TALK_H
#define BROKER_TALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/pace.h"
#include "engine/engine.h"
#include "util/err.h"

struct conf_engine;
struct pollfd;
struct shared;
struct slot;
struct talk;
struct talker;

/* shared and slot are borrowed and outlive it. 0, LH_ENOMEM or LH_EIO, with a sentence. */
int talker_new(size_t connections, struct shared *shared, struct slot *slot,
	       struct talker **talker_out, struct err *err);

/* Drops all conversations without a word. */
void talker_free(struct talker *talker);

/* How a conversation ended; borrowed by `done`, which may take data and facts_out from step. */
struct talk_end {
	enum verdict verdict;
	struct step *step;
	bool unsure; /* a creating call was not answered: it may still take effect */
	bool slow;   /* with STEP_FAILED: the deadline ended it */
};

struct talk_terms {
	const struct engine *engine;       /* borrowed, for ever */
	const struct conf_engine *conf;    /* borrowed, for ever */
	const struct root_key *key;        /* copied; NULL: plain calls only */
	const json_t *role, *plan, *facts; /* references are taken */
	enum revoke_part part;             /* of a revocation */
	const char *account; /* whose quota it uses; borrowed until the end, or NULL */
	enum bucket_use use; /* of that quota */
	struct share *share; /* borrowed until the end, or NULL */
	int64_t deadline;    /* boot ms: no call begins after it */
	unsigned attempts;   /* of a call that is not answered, at most */
	enum verdict (*advance)(void *context, struct step *step);
	void (*done)(void *context, const struct talk_end *end);
	void *context; /* for both */
};

/* Begins; `done` is called once, from a later talker_run. 0 or LH_ENOMEM. */
int talk_start(struct talker *talker, const struct talk_terms *terms);

/* Drops the conversations of a context without a word: for whoever goes before they have ended. */
void talk_drop(struct talker *talker, const void *context);

/* Moves everything on, waiting at most timeout_ms for the network, a timer or an extra descriptor.
 * 0 or LH_EIO. */
int talker_run(struct talker *talker, int64_t timeout_ms, struct pollfd *extra, size_t count);

#endif
