/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that the files of this folder share. */
#ifndef LEASE_LEASE_PRIV_H
#define LEASE_LEASE_PRIV_H

struct due;
struct key;

/* An entry of the due index: store/key.h, families d and D. */
void key_due_entry(struct key *key, const struct due *due);

#endif
