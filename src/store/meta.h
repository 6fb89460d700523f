/* SPDX-License-Identifier: Apache-2.0 */
/* The meta record: what must be known before anything can be opened. It is the only record that is
 * not sealed; the keyring inside it is, under the master key. */
#ifndef STORE_META_H
#define STORE_META_H

#include <stdbool.h>
#include <stdint.h>

#include "store/driver.h"
#include "store/machine.h"
#include "util/buf.h"

#define META_FORMAT  1
#define META_ID_SIZE 37 /* a UUID and its NUL */

/* Zero-initialise; free with meta_free. */
struct meta {
	uint32_t format;
	char id[META_ID_SIZE];
	struct machine machine;
	struct buf keyring; /* wrapped, bound to id */
	uint64_t revision;  /* of the record as read */
};

struct bytes meta_key(void);
bool meta_is_key(struct bytes key);

/* Appends the record. 0 or LH_ENOMEM. */
int meta_encode(const struct meta *meta, struct buf *out);

/* Reads the record from the store. 0; LH_EVERSION (format is set); LH_ECORRUPT; LH_ENOMEM; or an
 * error of the driver. */
int meta_read(const struct store_driver *driver, void *handle, struct meta *meta_out);

/* Writes it in the place of the one with meta->revision, and sets the new one.
 * 0, LH_ECONFLICT, LH_ENOMEM or an error of the driver. */
int meta_write(const struct store_driver *driver, void *handle, struct meta *meta);

void meta_free(struct meta *meta);

#endif
