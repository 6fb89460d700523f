/* SPDX-License-Identifier: Apache-2.0 */
/* Root credentials in a file of the cloud's tools. */
#ifndef BROKER_PROFILE_H
#define BROKER_PROFILE_H

#include <jansson.h>

#include "engine/engine.h"

struct err;

/* Reads the profile file of an engine: the one that the environment names, else the one at home, else
 * the machine's. It must belong to root or the server's user, who alone may read it.
 * 0: *key_out is filled. LH_ENOENT: there is none, or the engine knows none; LH_ENOMEM; LH_EINVAL: it
 * cannot be used, the sentence is in err. */
int profile_key(const struct engine *engine, const json_t *environment, struct root_key *key_out,
		struct err *err);

#endif
