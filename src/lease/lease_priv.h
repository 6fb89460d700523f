/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that the files of this folder share. */
#ifndef LEASE_LEASE_PRIV_H
#define LEASE_LEASE_PRIV_H

#include "lease/lease.h"

struct key;

/* The record of a lease: store/key.h, family l. */
void key_lease(struct key *key, const struct lease_key *lease);

#endif
