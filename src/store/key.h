/* SPDX-License-Identifier: Apache-2.0 */
/* The key space. One letter, then parts; numbers big-endian, so that byte order is number order.
 *
 *   m                                        meta: format, store id, machine, sealed keyring (plain)
 *   g/NAME                                   generation: its revision changes when NAME changes
 *   M/PATH                                   mount (path with its final slash)
 *   c/UUID                                   configuration of a mount
 *   r/UUID/NAME                              role of a mount
 *   P/NAME                                   policy: its text
 *   t/TOKEN                                  token (16 bytes, keyed name)
 *   A/ACCESSOR                               token of an accessor (keyed name)
 *   k/TOKEN/CHILD                            children of a token
 *   e/TIME/TOKEN                             when the revoker must look at a token: its end
 *   R/NAME                                   token role
 *   I/METHOD/NAME                            whom the web server may vouch for, and what for
 *   N/NAME                                   entry of auth/cert
 *   n/MARK/NAME                              entries of auth/cert by what their certificates are
 *   C/TOKEN                                  cubbyhole of a token
 *   w/WRAPPER                                wrapped response (keyed name of the wrapping token)
 *   W/MAKER/SIZE/WRAPPER                     wrapped responses by the token that asked for them
 *   W/MAKER                                  changes when its share of them fills up
 *   E/TIME/WRAPPER                           when a wrapped response ends
 *   x/KIND/ID                                tombstone: the owner may have no new leases
 *   l/LEASE                                  lease (16 bytes, keyed name of the lease id)
 *   d/TIME/MOUNT/LEASE                       due: 8 bytes seconds, 16 bytes mount uuid, lease
 *   D/TIME/MOUNT/LEASE                       the same of leases whose keys are gone: they can wait
 *   p/REQUEST PATH/\0/LEASE                  leases by the path that made them
 *   o/OWNER/LEASE                            leases by the token that owns them
 *   i/MOUNT/LEASE                            leases that failed six times and are still retried
 *   s/MOUNT/LEASE                            leases that are being swept
 *   a/KEYID                                  cloud account of an access key (keyed name)
 *   j/TIME/ID                                job
 *
 * Lease ids, tokens and access key ids appear only as keyed names. */
#ifndef STORE_KEY_H
#define STORE_KEY_H

#include <stddef.h>
#include <stdint.h>

#include "store/driver.h"

/* A key under construction; it can never grow past STORE_KEY_MAX: `overflow` then makes every use
 * of it fail with LH_ERANGE, instead of naming another record. */
struct key {
	unsigned char data[STORE_KEY_MAX];
	size_t size;
	int overflow;
};

void key_start(struct key *key, char family);
void key_add(struct key *key, const void *data, size_t size);
void key_add_text(struct key *key, const char *text);
void key_add_u64(struct key *key, uint64_t value);

/* The first key behind everything that begins with key: the end of a range. */
void key_after_prefix(struct key *key);

struct bytes key_bytes(const struct key *key);

#endif
