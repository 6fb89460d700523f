/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "store/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "store/driver.h"
#include "util/err.h"

#define BLOCK 512 /* the unit of st_blocks */

static int no_store(const char *path, struct err *err)
{
	return err_set(err, LH_ENOENT, "%s: there is no store yet: run `leasehold init`", path);
}

static int check_folder(const char *path, struct err *err)
{
	struct stat status;

	if (stat(path, &status))
		return errno == ENOENT ? no_store(path, err)
				       : err_set(err, LH_EIO, "%s: %s", path, strerror(errno));
	if (!S_ISDIR(status.st_mode))
		return err_set(err, LH_EPERM, "%s: is not a folder", path);
	if (status.st_mode & 077)
		return err_set(err, LH_EPERM,
			       "%s: group or others may enter the store's folder (mode %04o); "
			       "set it to 0700",
			       path, (unsigned int)status.st_mode & 07777);
	if (status.st_uid != geteuid() && geteuid() != 0)
		return err_set(
			err, LH_EPERM,
			"%s: belongs to user %u, this process is user %u: start it as that one, "
			"or give it the store with `chown -R`",
			path, (unsigned int)status.st_uid, (unsigned int)geteuid());
	return 0;
}

static int allocate_file(const char *path, size_t size)
{
	int fd, failure;

	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return errno;
	failure = posix_fallocate(fd, 0, (off_t)size);
	close(fd);
	return failure;
}

/* The lock file is closed again before LMDB opens it: a process's locks on a file go with the
 * first of its descriptors that is closed. */
int disk_prepare(const char *path, int create, size_t lock_size, struct err *err)
{
	char file[PATH_MAX];
	struct stat status;
	int ret, failure = 0;

	ret = check_folder(path, err);
	if (ret)
		return ret;
	if (snprintf(file, sizeof(file), "%s/%s", path, create ? "lock.mdb" : "data.mdb") >=
	    (int)sizeof(file))
		return err_set(err, LH_ERANGE, "%s: the path is too long", path);
	if (create)
		failure = allocate_file(file, lock_size);
	else if (stat(file, &status))
		failure = errno;
	else if (status.st_size == 0)
		failure = ENOENT; /* LMDB would make a store of an empty file */
	if (!failure)
		return 0;
	if (failure == ENOENT)
		return no_store(path, err);
	return err_set(err, failure == ENOSPC ? LH_EFULL : LH_EIO, "%s: %s", file,
		       strerror(failure));
}

/* From the beginning, because a page that was freed before it was ever written leaves a hole.
 * What is allocated already costs nothing. */
void disk_keep_ahead(int fd)
{
	struct stat status;

	if (fstat(fd, &status))
		return;
	if (status.st_blocks * BLOCK >= status.st_size + DISK_AHEAD / 2)
		return;
	(void)fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, status.st_size + DISK_AHEAD);
}

void disk_usage(int fd, uint64_t *free_out, uint64_t *size_out)
{
	struct statvfs status;

	*free_out = UINT64_MAX;
	*size_out = 0;
	if (fstatvfs(fd, &status) || !status.f_blocks)
		return;
	*free_out = (uint64_t)status.f_bavail * status.f_frsize;
	*size_out = (uint64_t)(status.f_blocks - (status.f_bfree - status.f_bavail)) *
		    status.f_frsize;
}

void disk_identify(int fd, struct driver_identity *identity_out)
{
	struct statx status;

	*identity_out = (struct driver_identity){ 0, 0 };
	if (statx(fd, "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &status))
		return;
	if (status.stx_mask & STATX_INO)
		identity_out->inode = status.stx_ino;
	if (status.stx_mask & STATX_BTIME)
		identity_out->born_ns = (uint64_t)status.stx_btime.tv_sec * 1000000000 +
					status.stx_btime.tv_nsec;
}
