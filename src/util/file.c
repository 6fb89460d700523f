/* SPDX-License-Identifier: Apache-2.0 */
#include "util/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/buf.h"
#include "util/err.h"
#include "util/wipe.h"

static int fail(const char *path, int code, struct err *err)
{
	return err_set(err, errno == ENOMEM ? LH_ENOMEM : code, "%s: %s", path, strerror(errno));
}

/* O_NONBLOCK so that a pipe without a writer is refused instead of waited for. */
static int open_regular(const char *path, struct stat *stat_out, int *fd_out, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int ret;

	*fd_out = -1;
	if (fd < 0)
		return fail(path, errno == ENOENT ? LH_ENOENT : LH_EIO, err);
	if (fstat(fd, stat_out) != 0) {
		ret = fail(path, LH_EIO, err);
	} else if (!S_ISREG(stat_out->st_mode)) {
		ret = err_set(err, LH_EIO, "%s: not a regular file", path);
	} else {
		*fd_out = fd;
		return 0;
	}
	close(fd);
	return ret;
}

static int read_all(const char *path, int fd, size_t max, struct buf *out, struct err *err)
{
	char block[4096];
	size_t total = 0;
	ssize_t size;
	int ret = 0;

	while ((size = read(fd, block, sizeof(block))) != 0) {
		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0) {
			ret = fail(path, LH_EIO, err);
			break;
		}
		if ((size_t)size > max - total) {
			ret = err_set(err, LH_ERANGE, "%s: larger than %zu bytes", path, max);
			break;
		}
		total += (size_t)size;
		buf_add(out, block, (size_t)size);
	}
	wipe(block, sizeof(block));
	if (ret == 0 && buf_error(out))
		ret = err_set(err, LH_ENOMEM, "%s: memory is out", path);
	return ret;
}

int file_read(const char *path, size_t max, struct buf *out, struct err *err)
{
	struct stat stat;
	int fd, ret;

	ret = open_regular(path, &stat, &fd, err);
	if (ret)
		return ret;
	ret = read_all(path, fd, max, out, err);
	close(fd);
	return ret;
}

static int check_private(const char *path, const struct stat *stat, struct err *err)
{
	if (stat->st_mode & (S_IRGRP | S_IWGRP | S_IROTH | S_IWOTH))
		return err_set(
			err, LH_EPERM,
			"%s: group or others may read or write it (mode %04o); chmod 0600 it", path,
			(unsigned)stat->st_mode & 07777);
	if (stat->st_uid != 0 && stat->st_uid != geteuid())
		return err_set(err, LH_EPERM,
			       "%s: belongs to user %lu; it must be root's or user %lu's", path,
			       (unsigned long)stat->st_uid, (unsigned long)geteuid());
	return 0;
}

int file_read_private(const char *path, size_t max, struct buf *out, struct err *err)
{
	struct stat stat;
	int fd, ret;

	ret = open_regular(path, &stat, &fd, err);
	if (ret)
		return ret;
	ret = check_private(path, &stat, err);
	if (ret == 0)
		ret = read_all(path, fd, max, out, err);
	close(fd);
	return ret;
}

static int write_all(int fd, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t written = write(fd, data, size);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -1;
		data += written;
		size -= (size_t)written;
	}
	return 0;
}

/* Without this the new name may be gone after a power loss, however well the file was synced. */
static int sync_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash ? wipe_copy(path, (size_t)(slash - path) + 1) : wipe_copy(".", 1);
	int fd, ret;

	if (!folder)
		return -1;
	fd = open(folder, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
	free(folder);
	if (fd < 0)
		return -1;
	ret = fsync(fd);
	close(fd);
	return ret;
}

static int write_file(const char *path, const void *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	int ret;

	if (fd < 0)
		return -1;
	ret = fchmod(fd, 0600) != 0 || write_all(fd, data, size) != 0 || fsync(fd) != 0 ? -1 : 0;
	close(fd);
	return ret;
}

/* Under another name first: whoever is killed in between leaves no file of that name, rather than an
 * empty one. */
int file_create_private(const char *path, const void *data, size_t size, struct err *err)
{
	char part[PATH_MAX];
	int ret = 0;

	if (snprintf(part, sizeof(part), "%s.new", path) >= (int)sizeof(part))
		return err_set(err, LH_ERANGE, "%s: the path is too long", path);
	unlink(part);
	if (write_file(part, data, size) != 0)
		ret = fail(path, LH_EIO, err);
	else if (renameat2(AT_FDCWD, part, AT_FDCWD, path, RENAME_NOREPLACE) != 0)
		ret = fail(path, errno == EEXIST ? LH_EEXIST : LH_EIO, err);
	if (ret) {
		unlink(part);
		return ret;
	}
	if (sync_folder(path) == 0)
		return 0;
	ret = fail(path, LH_EIO, err);
	unlink(path);
	return ret;
}
