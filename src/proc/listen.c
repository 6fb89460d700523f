/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "conf/conf.h"
#include "proc/handover.h"
#include "proc/privileges.h"
#include "util/err.h"

/* Pauses between questions whether an old socket is still used, each twice the one before. */
#define LEAVE_FIRST_MS 20
#define LEAVE_LAST_MS  640

static int fail(const char *address, const char *what, struct err *err)
{
	return err_set(err, errno == ENOMEM ? LH_ENOMEM : LH_EIO, "%s: %s: %s", address, what,
		       strerror(errno));
}

/* ---- Socket paths ---- */

static int path_address(const char *path, struct sockaddr_un *address_out, struct err *err)
{
	memset(address_out, 0, sizeof(*address_out));
	address_out->sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(address_out->sun_path))
		return err_set(err, LH_EINVAL, "%s: a socket path has at most %zu characters", path,
			       sizeof(address_out->sun_path) - 1);
	strcpy(address_out->sun_path, path);
	return 0;
}

/* A full queue (EAGAIN) has an owner as much as an answer has. */
static bool somebody_answers(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool answers;

	if (fd < 0)
		return true; /* cannot tell: leave it alone */
	answers = connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
		  (errno != ECONNREFUSED && errno != ENOENT);
	close(fd);
	return answers;
}

/* What stands at the path: nothing (*there_out false), a socket, or something that is not ours. */
static int look_at_path(const char *path, bool *there_out, struct err *err)
{
	struct stat stat;

	*there_out = false;
	if (lstat(path, &stat) != 0)
		return errno == ENOENT ? 0 : fail(path, "cannot look at it", err);
	if (!S_ISSOCK(stat.st_mode))
		return err_set(err, LH_EEXIST,
			       "%s: something stands here that is not a socket; it was not touched",
			       path);
	*there_out = true;
	return 0;
}

/* The children of a master that was killed die with it, but not before it: a server that starts at
 * once after it may still meet them here. Asked seldom: each question stands in somebody's queue. */
static bool somebody_stays(const struct sockaddr_un *address)
{
	for (long ms = LEAVE_FIRST_MS; somebody_answers(address); ms *= 2) {
		const struct timespec pause = { 0, ms * 1000000L };

		if (ms > LEAVE_LAST_MS)
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

static int make_room(const char *path, const struct sockaddr_un *address, struct err *err)
{
	bool there;
	int ret = look_at_path(path, &there, err);

	if (ret || !there)
		return ret;
	if (somebody_stays(address))
		return err_set(err, LH_EBUSY, "%s: another process answers on this socket", path);
	if (unlink(path) != 0)
		return fail(path, "cannot remove the old socket", err);
	return 0;
}

/* Whoever owns the folder may put something else here meanwhile, and root must not be led to it. */
static int open_own(const struct listener *listener, int *fd_out, struct err *err)
{
	const char *path = listener->address;
	int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat stat;

	*fd_out = -1;
	if (fd < 0)
		return fail(path, "cannot find the socket", err);
	if (fstat(fd, &stat) != 0 || !S_ISSOCK(stat.st_mode) || stat.st_dev != listener->device ||
	    stat.st_ino != listener->inode) {
		close(fd);
		return err_set(err, LH_EEXIST, "%s: is not the socket that was made here", path);
	}
	*fd_out = fd;
	return 0;
}

static int set_rights(int fd, const char *path, gid_t group, mode_t mode, struct err *err)
{
	char name[32];

	if (group != NO_GROUP && fchownat(fd, "", (uid_t)-1, group, AT_EMPTY_PATH) != 0)
		return fail(path, "cannot give the socket to its group", err);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd); /* fchmod takes no such descriptor */
	if (chmod(name, mode) != 0)
		return fail(path, "cannot set socket_mode", err);
	return 0;
}

/* The mode is set after the group: nobody of a wrong group could connect in between, because the
 * umask makes a new socket private. */
static int apply_to_path(const struct listener *listener, const struct conf_listener *conf,
			 gid_t own, struct err *err)
{
	gid_t group = own;
	int fd, ret;

	if (conf->socket_group) {
		ret = group_find(conf->socket_group, &group, err);
		if (ret)
			return err_prefix(err, ret, "%s", listener->address);
	}
	ret = open_own(listener, &fd, err);
	if (ret)
		return ret;
	ret = set_rights(fd, listener->address, group, conf->socket_mode, err);
	close(fd);
	return ret;
}

static int bind_path(struct listener *listener, const struct conf_listener *conf, struct err *err)
{
	const char *path = listener->address;
	struct sockaddr_un address;
	struct stat stat;
	mode_t mask;
	int ret;

	ret = path_address(path, &address, err);
	if (ret == 0)
		ret = make_room(path, &address, err);
	if (ret)
		return ret;
	listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (listener->fd < 0)
		return fail(path, "cannot make a socket", err);
	mask = umask(0177);
	ret = bind(listener->fd, (const struct sockaddr *)&address, sizeof(address));
	umask(mask);
	if (ret != 0 || lstat(path, &stat) != 0)
		return fail(path, "cannot make the socket", err);
	listener->device = stat.st_dev;
	listener->inode = stat.st_ino;
	return apply_to_path(listener, conf, NO_GROUP, err);
}

static void remove_path(struct listener *listener)
{
	struct stat stat;

	if (listener->local && !listener->passed && listener->inode != 0 &&
	    lstat(listener->address, &stat) == 0 && stat.st_dev == listener->device &&
	    stat.st_ino == listener->inode)
		unlink(listener->address);
	listener->inode = 0;
}

/* ---- TCP ---- */

/* "127.0.0.1:9000" or "[::1]:9000". *info_out is new, for freeaddrinfo. */
static int resolve(const char *text, struct addrinfo **info_out, struct err *err)
{
	const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
					.ai_socktype = SOCK_STREAM };
	const char *colon = strrchr(text, ':');
	const char *start = text[0] == '[' ? text + 1 : text;
	const char *end = text[0] == '[' && colon && colon > start ? colon - 1 : colon;
	char *host = colon ? strndup(start, (size_t)(end - start)) : NULL;
	int failed = host ? getaddrinfo(host, colon + 1, &hints, info_out) : EAI_NONAME;

	free(host);
	if (failed)
		return err_set(err, LH_EINVAL,
			       "%s: is neither a socket path nor a numeric address with a port",
			       text);
	return 0;
}

static int bind_tcp(struct listener *listener, struct err *err)
{
	struct addrinfo *info;
	const int on = 1;
	int ret = resolve(listener->address, &info, err);

	if (ret)
		return ret;
	listener->fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (listener->fd < 0 ||
	    setsockopt(listener->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
	    bind(listener->fd, info->ai_addr, info->ai_addrlen) != 0)
		ret = fail(listener->address, "cannot make the socket", err);
	freeaddrinfo(info);
	return ret;
}

/* ---- Either ---- */

static int take_passed(struct listener *listener, int fd, struct err *err)
{
	int listening = 0, domain = 0, flags = fcntl(fd, F_GETFL);
	socklen_t size = sizeof(int);

	if (flags < 0 || getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0 || !listening)
		return err_set(err, LH_EINVAL, "descriptor %d: is not a listening socket", fd);
	if (fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
		return fail(listener->address, "cannot set up the passed socket", err);
	listener->fd = fd;
	listener->passed = true;
	listener->local = domain == AF_UNIX;
	return 0;
}

static int open_any(struct listener *listener, const struct conf_listener *conf, int passed,
		    struct err *err)
{
	int ret;

	if (passed >= 0)
		return take_passed(listener, passed, err);
	if (listener->local)
		ret = bind_path(listener, conf, err);
	else
		ret = bind_tcp(listener, err);
	if (ret == 0 && listen(listener->fd, (int)conf->backlog) != 0)
		ret = fail(listener->address, "cannot listen", err);
	return ret;
}

int listener_open(const struct conf_listener *conf, int passed, struct listener **listener_out,
		  struct err *err)
{
	struct listener *listener = calloc(1, sizeof(*listener));
	int ret;

	*listener_out = NULL;
	if (!listener)
		return err_set(err, LH_ENOMEM, "memory is out");
	listener->fd = listener->handover[0] = listener->handover[1] = -1;
	listener->holders = 1;
	listener->address = strdup(conf->address);
	listener->local = conf->address[0] == '/';
	if (!listener->address)
		ret = err_set(err, LH_ENOMEM, "memory is out");
	else if (handover_new(listener->handover) != 0)
		ret = fail(conf->address, "cannot make a pair of sockets", err);
	else
		ret = open_any(listener, conf, passed, err);
	if (ret)
		listener_release(listener);
	else
		*listener_out = listener;
	return ret;
}

int listener_apply(struct listener *listener, const struct conf_listener *conf, gid_t own,
		   struct err *err)
{
	if (listener->passed)
		return 0;
	if (listen(listener->fd, (int)conf->backlog) != 0)
		return fail(listener->address, "cannot set the backlog", err);
	return listener->local ? apply_to_path(listener, conf, own, err) : 0;
}

static int check_path(const struct conf_listener *conf, struct err *err)
{
	const char *slash = strrchr(conf->address, '/');
	struct sockaddr_un address;
	char *folder;
	bool there;
	int ret;

	ret = path_address(conf->address, &address, err);
	if (ret == 0)
		ret = look_at_path(conf->address, &there, err);
	if (ret)
		return ret;
	folder = strndup(conf->address, (size_t)(slash - conf->address) + 1);
	if (!folder)
		return err_set(err, LH_ENOMEM, "memory is out");
	if (access(folder, W_OK | X_OK) != 0)
		ret = fail(folder, "no socket can be made in this folder", err);
	free(folder);
	return ret;
}

int listener_check(const struct conf_listener *conf, struct err *err)
{
	struct addrinfo *info;
	gid_t group;
	int ret;

	if (conf->address[0] == '/') {
		ret = check_path(conf, err);
	} else {
		ret = resolve(conf->address, &info, err);
		if (ret == 0)
			freeaddrinfo(info);
	}
	if (ret || !conf->socket_group)
		return ret;
	ret = group_find(conf->socket_group, &group, err);
	return ret ? err_prefix(err, ret, "%s", conf->address) : 0;
}

struct listener *listener_hold(struct listener *listener)
{
	listener->holders++;
	return listener;
}

void listener_shut_down(struct listener *listener)
{
	if (listener->passed || !listener->local)
		return;
	remove_path(listener);
	shutdown(listener->fd, SHUT_RDWR);
	listener->down = true;
}

void listener_close_copy(const struct listener *listener)
{
	const int fds[] = { listener->fd, listener->handover[0], listener->handover[1] };

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

void listener_release(struct listener *listener)
{
	if (!listener || --listener->holders > 0)
		return;
	remove_path(listener);
	listener_close_copy(listener);
	free(listener->address);
	free(listener);
}
