/* SPDX-License-Identifier: Apache-2.0 */
/* The binary form of a lease record. Leases are read on every renewal and revocation, and JSON would
 * cost ten times what the store itself does. */
#include <stdlib.h>
#include <string.h>

#include "lease/lease.h"
#include "util/buf.h"
#include "util/err.h"
#include "util/reader.h"

#define CODEC_VERSION 1

enum { FLAG_RENEWABLE = 1, FLAG_FORCED = 2, FLAG_LASTING = 4, FLAG_KEYLESS = 8, FLAGS_ALL = 15 };

static void add_text(struct buf *out, const char *text)
{
	buf_add_string(out, text ? text : "", text ? strlen(text) : 0);
}

static uint8_t flags_of(const struct lease *lease)
{
	return (uint8_t)((lease->renewable ? FLAG_RENEWABLE : 0) |
			 (lease->forced ? FLAG_FORCED : 0) | (lease->lasting ? FLAG_LASTING : 0) |
			 (lease->keyless ? FLAG_KEYLESS : 0));
}

void lease_encode(const struct lease *lease, struct buf *out)
{
	buf_add_u8(out, CODEC_VERSION);
	buf_add_u8(out, (uint8_t)lease->state);
	buf_add_u8(out, flags_of(lease));
	buf_add_string(out, lease->mount, sizeof(lease->mount));
	buf_add_string(out, lease->owner.name, sizeof(lease->owner.name));
	add_text(out, lease->id);
	add_text(out, lease->engine);
	add_text(out, lease->role);
	add_text(out, lease->account);
	add_text(out, lease->plan);
	add_text(out, lease->facts);
	buf_add_u64(out, (uint64_t)lease->issued_ns);
	buf_add_u64(out, (uint64_t)lease->renewed_ns);
	buf_add_u64(out, (uint64_t)lease->expires_ns);
	buf_add_u64(out, (uint64_t)lease->ttl);
	buf_add_u64(out, (uint64_t)lease->due);
	buf_add_u64(out, (uint64_t)lease->unsure_until);
	buf_add_u32(out, lease->tries);
	buf_add_u32(out, lease->sweeps);
	add_text(out, lease->error);
}

static bool read_head(struct reader *reader, struct lease *lease)
{
	uint8_t version = reader_u8(reader), state = reader_u8(reader), flags = reader_u8(reader);

	if (version != CODEC_VERSION || state < LEASE_PENDING || state > LEASE_WRAPPED ||
	    (flags & ~FLAGS_ALL))
		return false;
	lease->state = (enum lease_state)state;
	lease->renewable = flags & FLAG_RENEWABLE;
	lease->forced = flags & FLAG_FORCED;
	lease->lasting = flags & FLAG_LASTING;
	lease->keyless = flags & FLAG_KEYLESS;
	reader_fixed(reader, lease->mount, sizeof(lease->mount));
	reader_fixed(reader, lease->owner.name, sizeof(lease->owner.name));
	return true;
}

static void read_texts(struct reader *reader, struct lease *lease)
{
	lease->id = reader_text(reader);
	lease->engine = reader_text(reader);
	lease->role = reader_text(reader);
	lease->account = reader_text(reader);
	lease->plan = reader_text(reader);
	lease->facts = reader_text(reader);
}

static void read_numbers(struct reader *reader, struct lease *lease)
{
	lease->issued_ns = (int64_t)reader_u64(reader);
	lease->renewed_ns = (int64_t)reader_u64(reader);
	lease->expires_ns = (int64_t)reader_u64(reader);
	lease->ttl = (int64_t)reader_u64(reader);
	lease->due = (int64_t)reader_u64(reader);
	lease->unsure_until = (int64_t)reader_u64(reader);
	lease->tries = reader_u32(reader);
	lease->sweeps = reader_u32(reader);
}

static int read_lease(struct reader *reader, struct lease *lease)
{
	if (!read_head(reader, lease))
		return LH_ECORRUPT;
	read_texts(reader, lease);
	read_numbers(reader, lease);
	lease->error = reader_text(reader);
	return reader_end(reader);
}

int lease_decode(const void *data, size_t size, struct lease **lease_out)
{
	struct lease *lease = calloc(1, sizeof(*lease));
	struct reader reader;
	int ret;

	*lease_out = NULL;
	if (!lease)
		return LH_ENOMEM;
	reader_init(&reader, data, size);
	ret = read_lease(&reader, lease);
	if (ret)
		lease_free(lease);
	else
		*lease_out = lease;
	return ret;
}
