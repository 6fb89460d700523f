/* SPDX-License-Identifier: Apache-2.0 */
/* What a person is told when a cloud says no. */
#ifndef BROKER_FAILURE_H
#define BROKER_FAILURE_H

#include <stddef.h>

#include "broker/broker.h"
#include "engine/engine.h"

/* The kind of failure that an answer stands for. */
enum broker_failure failure_of(const struct answer *answer);

/* `alicloud: CreateUser as LTAI…cret: NoPermission (request 3F2A…): advice`. Never what the cloud
 * wrote, which may hold what it was sent. key_id may be NULL. */
void failure_text(char *out, size_t size, const struct engine *engine, const struct answer *answer,
		  const char *key_id);

#endif
