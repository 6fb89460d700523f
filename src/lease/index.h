/* SPDX-License-Identifier: Apache-2.0 */
/* Leases in the orders in which they are asked for. Every function costs O(what it returns). */
#ifndef LEASE_INDEX_H
#define LEASE_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lease/lease.h"
#include "store/driver.h"

/* An entry of the due index, oldest first. */
struct due {
	int64_t time;
	bool keyless; /* no key of it works any more: whatever has one goes first */
	unsigned char mount[LEASE_UUID_SIZE];
	struct lease_key lease;
};

/* At most max entries due at or before now, behind *after (NULL: from the start). *count_out of them
 * are written to out. due_scan gives those that have keys, due_scan_keyless the others. 0 or LH_EIO. */
int due_scan(struct store *store, int64_t now, const struct due *after, struct due *out, size_t max,
	     size_t *count_out);
int due_scan_keyless(struct store *store, int64_t now, const struct due *after, struct due *out,
		     size_t max, size_t *count_out);

/* Whether the entry is still there; and taking it out by force, when its lease is not. */
bool due_exists(struct store *store, const struct due *due);
int due_remove(struct store *store, const struct due *due);

/* Bytes of a prefix that can be looked for: the index has a letter in front (store/key.h). */
#define LEASE_PREFIX_MAX (STORE_KEY_MAX - 1)

/* At most max leases whose path lies under prefix ("alicloud/", "alicloud/creds/app/"; it ends in a
 * slash or is empty), behind *after (NULL: from the start; updated for the next page).
 * SWEEPING ones are not among them. 0, LH_ERANGE (a prefix beyond LEASE_PREFIX_MAX), LH_ECORRUPT or
 * LH_EIO. */
struct path_cursor {
	char path[300];
	struct lease_key lease;
};
int lease_scan_prefix(struct store *store, const char *prefix, struct path_cursor *cursor,
		      struct lease_key *out, size_t max, size_t *count_out);

/* At most max leases of one owner, behind *after (NULL: from the start); those that are being swept
 * are not among them. */
int lease_scan_owner(struct store *store, const struct lease_key *owner,
		     const struct lease_key *after, struct lease_key *out, size_t max,
		     size_t *count_out);

/* Folder-like listing under prefix: children ("deploy/") or bare last parts of ids, through `add`.
 * Stops when max names were given. `after`: only names behind this one; NULL: all. Names of leases
 * come in no order. A non-zero return of add ends it and is returned. LH_ERANGE: `after` is too
 * long. */
typedef int (*lease_name_visit)(void *context, const char *name);
int lease_list(struct store *store, const char *prefix, const char *after, size_t max,
	       lease_name_visit add, void *context);

/* At most max leases that failed LEASE_TRIES_LISTED times, of one mount or of all (NULL); *total_out
 * counts them all, up to 10,000. */
int lease_scan_irrevocable(struct store *store, const unsigned char *mount, struct lease_key *out,
			   size_t max, size_t *count_out, size_t *total_out);

/* Whether any lease of the mount is still being swept. */
int lease_sweeping(struct store *store, const unsigned char mount[LEASE_UUID_SIZE], bool *any_out);

#endif
