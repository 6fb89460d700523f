/* SPDX-License-Identifier: Apache-2.0 */
/* What a storage driver must do: an ordered key-value store of plain bytes.
 *
 * Keys are 1 to 511 bytes, compared as unsigned bytes. Each record has a revision, a number that
 * the caller chooses anew at every put; conditions compare it. No cursor and no transaction
 * outlives a call, so that a networked store can fit the same struct. The functions are called
 * through store/store.h, which seals the values and owns the rules. */
#ifndef STORE_DRIVER_H
#define STORE_DRIVER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;
struct queue;

#define STORE_KEY_MAX   511
#define STORE_BATCH_MAX 128 /* operations in one batch: what networked stores take */

struct bytes {
	const void *data;
	size_t size;
};

/* No value at all. */
#define NO_BYTES ((struct bytes){ "", 0 })

enum store_op_kind { STORE_PUT, STORE_DELETE, STORE_EXPECT };

enum store_condition {
	STORE_ANY,      /* whatever is there */
	STORE_ABSENT,   /* no such key */
	STORE_PRESENT,  /* some revision */
	STORE_REVISION, /* exactly the given revision */
};

/* One step of an atomic batch. Everything is borrowed. EXPECT changes nothing, it only tests. */
struct driver_op {
	enum store_op_kind kind;
	enum store_condition condition;
	uint64_t expected; /* for STORE_REVISION */
	struct bytes key;
	struct bytes value; /* for STORE_PUT */
	uint64_t revision;  /* for STORE_PUT: the new one */
};

/* Called for each record of a scan in key order; a non-zero return ends the scan and is returned.
 * key and value are borrowed until the function returns; it must not call the store. */
typedef int (*driver_visit)(void *context, struct bytes key, struct bytes value, uint64_t revision);

struct driver_usage {
	uint64_t used_bytes;  /* pages in use */
	uint64_t limit_bytes; /* the map */
	uint64_t disk_free;   /* bytes that this user may still write; UINT64_MAX if unknown */
	uint64_t disk_size;   /* bytes that this user could ever use of it; 0 if unknown */
	uint64_t records;
};

/* What a copy of the store's file does not share with it; 0 where unknown. */
struct driver_identity {
	uint64_t inode;
	uint64_t born_ns; /* when the file was made, since 1970 */
};

struct store_driver {
	const char *name; /* "lmdb" */

	/* Mandatory. Opens the store in folder `path` for this process; after a fork, each
	 * process opens its own. With create, makes an empty one; LH_EEXIST if there is one,
	 * LH_ENOENT without create if there is none. One that never got a record counts as none,
	 * so that a killed creation can be repeated. limit is the map's size in bytes. */
	int (*open)(const char *path, uint64_t limit, int create, void **handle_out,
		    struct err *err);

	/* Mandatory. NULL is allowed. */
	void (*close)(void *handle);

	/* Mandatory. Appends the value to out; out may be NULL, to learn the revision alone.
	 * 0, LH_ENOENT, LH_ERANGE (key too long or empty), LH_EIO, LH_ENOMEM. */
	int (*get)(void *handle, struct bytes key, struct buf *out, uint64_t *revision_out);

	/* Mandatory. Visits at most max records with from <= key < end in one snapshot, beginning
	 * behind `after` when its size is not 0. An empty end means: to the last key.
	 * LH_ERANGE when one of the three is too long. */
	int (*scan)(void *handle, struct bytes from, struct bytes end, struct bytes after,
		    size_t max, driver_visit visit, void *context);

	/* Mandatory. All of it, durably, or nothing. Conditions are judged against the state
	 * before the batch; of two changes of one key the later one stays. LH_ECONFLICT: a
	 * condition did not hold, and *failed_out is the index of the first such operation;
	 * LH_EFULL: no room, nothing changed. A batch that only deletes or shrinks must get
	 * through a full map and a full disk. */
	int (*apply)(void *handle, const struct driver_op *ops, size_t count, size_t *failed_out);

	/* Mandatory. How full the store is, cheap enough for once a second in each process: while
	 * the file is under half of the limit, its free pages may count as used. */
	int (*usage)(void *handle, struct driver_usage *usage_out);

	/* Mandatory. Frees what dead processes hold (reader slots), and tells exactly how full the
	 * store is. */
	int (*maintain)(void *handle, struct driver_usage *usage_out);

	/* Optional. From now on *since is the boot time in ms since which this process holds the
	 * lock that all writers wait for, 0 while it does not. Borrowed until close. */
	void (*watch)(void *handle, _Atomic int64_t *since);

	/* Optional. From now on what this process applies may be committed together with what
	 * others apply (queue.h); with QUEUE_NO_PLACE it only minds what others do. Every process
	 * that writes to the store meanwhile must share the queue. Borrowed until close. */
	void (*share)(void *handle, struct queue *queue, unsigned place);

	/* Optional. When it returns 0, nothing that the process with this place, which is dead, has
	 * left will be committed any more, and what it had committed can be read. */
	int (*withdraw)(void *handle, unsigned place);

	/* Optional. */
	void (*identify)(void *handle, struct driver_identity *identity_out);
};

extern const struct store_driver store_lmdb;

/* For tests: `path` is only a name, by which the store is found again within the process. */
extern const struct store_driver store_mem;

/* Frees what was kept under that name; nobody has it open. */
void store_mem_forget(const char *path);

/* What all drivers judge alike. */
bool driver_key_is_valid(struct bytes key);
bool driver_range_is_valid(struct bytes from, struct bytes end, struct bytes after);
int driver_compare(struct bytes a, struct bytes b); /* as memcmp, then the shorter first */
bool driver_holds(const struct driver_op *op, bool present, uint64_t revision);

/* 0, or LH_ERANGE for too many operations or an invalid key. */
int driver_check_batch(const struct driver_op *ops, size_t count);

#endif
