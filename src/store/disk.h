/* SPDX-License-Identifier: Apache-2.0 */
/* The folder and the disk under a store that lives in files. */
#ifndef STORE_DISK_H
#define STORE_DISK_H

#include <stddef.h>
#include <stdint.h>

struct driver_identity;
struct err;

/* What is allocated behind the end of the data file, so that a full disk still takes deletions. */
#define DISK_AHEAD (1024 * 1024)

/* Looks at the folder of a store in which LMDB keeps data.mdb and lock.mdb: it must be this
 * process's user's (root may use anybody's) and closed to everybody else. With create, lock.mdb
 * is made and its lock_size bytes are allocated: LMDB maps it and writes to it, and a write into
 * a hole of a full disk would kill the process. 0, LH_ENOENT (no folder, or no data file and not
 * create), LH_EPERM, LH_ERANGE, LH_EFULL or LH_EIO, with a sentence. */
int disk_prepare(const char *path, int create, size_t lock_size, struct err *err);

/* Sees to it that about DISK_AHEAD bytes behind the file's end, and everything before it, have
 * their place on the disk. Costs one fstat when they have. What the disk refuses is left undone. */
void disk_keep_ahead(int fd);

/* free_out: UINT64_MAX if unknown; size_out: 0 if unknown. */
void disk_usage(int fd, uint64_t *free_out, uint64_t *size_out);

void disk_identify(int fd, struct driver_identity *identity_out);

#endif
