/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the store share. */
#ifndef STORE_STORE_PRIV_H
#define STORE_STORE_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/driver.h"
#include "store/meta.h"
#include "util/buf.h"

struct store_batch;

struct store {
	const struct store_driver *driver;
	void *handle;
	struct keyring *keyring;
	char id[META_ID_SIZE];
	struct buf sealed;  /* kept between calls, so that a lookup allocates nothing */
	bool full;          /* above the limit for ordinary writes, at checked_ms */
	int64_t checked_ms; /* boot time */
};

/* One operation of a batch; bytes holds key, then value. */
struct batch_op {
	enum store_op_kind kind;
	enum store_condition condition;
	uint64_t expected;
	size_t key_size, value_size;
	unsigned char *bytes;
};

/* Reads how full the store is, for the limit of ordinary writes. Any error of the driver. */
int store_look(struct store *store);

/* Random and not 0, which stands for "no such record". */
uint64_t new_revision(void);

/* Seals a batch into ops, which has room for each operation; sealed holds the values and must
 * outlive ops. 0, the batch's own error, LH_EINVAL (it touches the meta record), LH_ENOMEM or
 * LH_EIO. */
int batch_seal(const struct store_batch *batch, const struct keyring *keyring, const char *store_id,
	       struct driver_op *ops, struct buf *sealed);

/* What a sealed value is bound to: store id | key | revision. id and revision have fixed sizes,
 * so no two triples give the same bytes. */
struct binding {
	unsigned char data[META_ID_SIZE - 1 + STORE_KEY_MAX + sizeof(uint64_t)];
	size_t size;
};

void binding_make(const char *store_id, struct bytes key, uint64_t revision,
		  struct binding *binding_out);

#endif
