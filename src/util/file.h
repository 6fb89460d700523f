/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files, small ones. */
#ifndef UTIL_FILE_H
#define UTIL_FILE_H

#include <stddef.h>

struct buf;
struct err;

/* Appends the whole file to out. Refuses files over max bytes and anything but regular files.
 * 0, LH_ENOENT, LH_ENOMEM, LH_ERANGE or LH_EIO, with the path and reason in err. */
int file_read(const char *path, size_t max, struct buf *out, struct err *err);

/* As file_read, and refuses with LH_EPERM a file that group or others may read or write, or that
 * belongs to anybody but root or the process's own user. For keys. */
int file_read_private(const char *path, size_t max, struct buf *out, struct err *err);

/* Writes a new file with mode 0600, synced with its folder: there is all of it or none.
 * 0, LH_EEXIST (there is one), LH_ERANGE (the path is too long), LH_ENOMEM or LH_EIO, with the path and
 * reason in err. */
int file_create_private(const char *path, const void *data, size_t size, struct err *err);

#endif
