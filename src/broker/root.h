/* SPDX-License-Identifier: Apache-2.0 */
/* The root credentials of a mount, and whose they are.
 *
 * Order: the mount's own configuration, the environment, a profile file (where the cloud's tools have
 * one), federated login, instance metadata. Stored ones are read at every use; temporary ones are
 * kept until 15 minutes before they end. The account is asked of the cloud once for each key and
 * remembered in the store.
 *
 * Nothing here waits, except root_wait: what needs the cloud starts a conversation and is asked for
 * again. */
#ifndef BROKER_ROOT_H
#define BROKER_ROOT_H

#include <stdint.h>

#include "engine/engine.h"
#include "lease/lease.h"

struct broker;
struct err;
struct roots;

/* broker: borrowed, outlives them. 0 or LH_ENOMEM. */
int roots_new(struct broker *broker, struct roots **roots_out);
void roots_free(struct roots *roots);

/* A key that may be used, and the account that it belongs to. Clear with root_clear. */
struct root {
	struct root_key key;
	char account[64];
};

void root_clear(struct root *root);

/* 0: *root_out is filled. LH_EBUSY: being fetched; run the talker and ask again.
 * LH_EINVAL: there are no credentials; LH_ECLOUD: they cannot be fetched, or the cloud does not say
 * whose they are; *answer_out is then the answer that decided, without its body. The
 * sentence is in err. LH_ENOMEM and LH_EIO have none. */
int root_get(struct broker *broker, const unsigned char mount[LEASE_UUID_SIZE],
	     const struct engine *engine, struct root *root_out, struct answer *answer_out,
	     struct err *err);

/* The same, waiting for what is being fetched. LH_ETIMEOUT when the deadline (boot ms) comes first;
 * LH_EIO. */
int root_wait(struct broker *broker, const unsigned char mount[LEASE_UUID_SIZE],
	      const struct engine *engine, int64_t deadline, struct root *root_out,
	      struct answer *answer_out, struct err *err);

#endif
