/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conf/conf.h"
#include "proc/privileges.h"
#include "store/store.h"
#include "util/err.h"

#define PATIENCE_MS 20000

struct finding {
	int ret;
	struct err err;
};

/* A pipe takes so much in one piece, and holds it when its writer is gone. */
_Static_assert(sizeof(struct finding) <= 4096, "a finding must fit into a pipe's atomic write");

static void look(const struct conf *conf, const struct board *board,
		 const struct identity *identity, struct finding *finding)
{
	const struct store_options options = {
		.driver = &store_lmdb,
		.path = conf->store_path,
		.map_size = conf->map_size,
		.key_file = conf->seal_key_file,
		.board = *board,
	};
	struct store *store = NULL;

	finding->ret = privileges_become(identity, &finding->err);
	if (finding->ret == 0)
		finding->ret = conf_check_files(conf, &finding->err);
	if (finding->ret == 0)
		finding->ret = store_open(&options, &store, &finding->err);
	store_close(store);
}

/* _exit: what the parent has prepared for its own exit is not ours. */
static void report(int fd, const struct conf *conf, const struct board *board,
		   const struct identity *identity)
{
	struct finding finding = { 0, { "" } };

	look(conf, board, identity, &finding);
	_exit(write(fd, &finding, sizeof(finding)) == (ssize_t)sizeof(finding) ? 0 : 1);
}

static int hear(int fd, struct err *err)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	struct finding finding;

	if (poll(&ready, 1, PATIENCE_MS) <= 0)
		return err_set(err, LH_ETIMEOUT, "the store could not be opened within %d s",
			       PATIENCE_MS / 1000);
	if (read(fd, &finding, sizeof(finding)) != (ssize_t)sizeof(finding))
		return err_set(err, LH_EIO, "the process that tried to open the store died");
	*err = finding.err;
	return finding.ret;
}

int probe_store(const struct conf *conf, const struct board *board, const struct identity *identity,
		struct err *err)
{
	int fds[2], ret;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) != 0)
		return err_set(err, LH_EIO, "cannot make a pipe: %s", strerror(errno));
	pid = fork();
	if (pid == 0)
		report(fds[1], conf, board, identity);
	close(fds[1]);
	if (pid < 0) {
		ret = err_set(err, LH_EIO, "cannot start a process: %s", strerror(errno));
	} else {
		ret = hear(fds[0], err);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	close(fds[0]);
	return ret;
}
