/* SPDX-License-Identifier: Apache-2.0 */
/* The lock of a server on a store's folder. A record lock, because it goes with its process,
 * whatever kills that, and because the kernel tells who holds it. It is not inherited: the
 * master keeps it. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store/disk.h"
#include "store/store.h"
#include "util/err.h"

static int held(const char *path, int fd, struct err *err)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (!fcntl(fd, F_GETLK, &lock) && lock.l_type != F_UNLCK)
		return err_set(
			err, LH_EBUSY,
			"%s: the store is in use by process %ld; stop that one first: `kill %ld`",
			path, (long)lock.l_pid, (long)lock.l_pid);
	return err_set(err, LH_EBUSY, "%s: the store was in use just now; try again", path);
}

int store_lock(const char *path, int *fd_out, struct err *err)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char file[PATH_MAX];
	int fd, ret;

	*fd_out = -1;
	ret = disk_prepare(path, 0, 0, err);
	if (ret)
		return ret;
	if (snprintf(file, sizeof(file), "%s/lock", path) >= (int)sizeof(file))
		return err_set(err, LH_ERANGE, "%s: the path is too long", path);
	fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_set(err, LH_EIO, "%s: %s", file, strerror(errno));
	if (!fcntl(fd, F_SETLK, &lock)) {
		*fd_out = fd;
		return 0;
	}
	if (errno == EACCES || errno == EAGAIN)
		ret = held(path, fd, err);
	else
		ret = err_set(err, LH_EIO, "%s: %s", file, strerror(errno));
	close(fd);
	return ret;
}

bool store_exists(const char *path)
{
	return disk_prepare(path, 0, 0, NULL) != LH_ENOENT;
}
