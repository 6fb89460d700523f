/* SPDX-License-Identifier: Apache-2.0 */
/* The yardstick for reads: the least that a FastCGI program with our pool of readers can do.
 *
 *   hello SOCKET       serves until it is told to end
 *
 * Four processes wait at one listener (EPOLLEXCLUSIVE) and at the connections that the web server
 * keeps, each with a libfcgi request of its own, as src/proc/worker_read.c does; but they look at no
 * parameter, and the answer is a constant. */
#include <errno.h>
#include <fcgiapp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORKERS 4
#define BACKLOG 64
#define EVENTS  64
#define TURN_MS 10

static const char answer[] = "Content-Type: application/json\r\n"
			     "Cache-Control: no-store\r\n"
			     "\r\n"
			     "{\"data\":{\"hello\":\"world\"}}\n";

struct worker {
	int listener, epoll;
	unsigned number;
	bool listening;
	_Atomic uint32_t *held; /* connections of each worker; shared memory */
};

static int watch(const struct worker *worker, int change, int fd, uint32_t events, void *tag)
{
	struct epoll_event event = { .events = events, .data.ptr = tag };

	return epoll_ctl(worker->epoll, change, fd, &event);
}

static void hold(const struct worker *worker)
{
	int fd = accept4(worker->listener, NULL, NULL, SOCK_CLOEXEC);
	FCGX_Request *request;

	if (fd < 0)
		return;
	request = calloc(1, sizeof(*request));
	if (!request)
		abort();
	FCGX_InitRequest(request, -1, 0);
	request->ipcFd = fd;
	request->keepConnection = 1; /* else FCGX_Accept_r would begin by closing it */
	if (watch(worker, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLRDHUP, request) != 0)
		abort();
	atomic_fetch_add(&worker->held[worker->number], 1);
}

static void drop(const struct worker *worker, FCGX_Request *request)
{
	FCGX_Free(request, 1);
	free(request);
	atomic_fetch_sub(&worker->held[worker->number], 1);
}

static void serve(const struct worker *worker, FCGX_Request *request)
{
	char byte;

	if (recv(request->ipcFd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0 ||
	    FCGX_Accept_r(request) != 0) {
		drop(worker, request);
		return;
	}
	FCGX_PutStr(answer, (int)sizeof(answer) - 1, request->out);
	FCGX_Finish_r(request);
	if (request->ipcFd < 0)
		drop(worker, request);
}

/* A worker that holds more than its share leaves the listener to the others. */
static bool over_share(const struct worker *worker)
{
	uint64_t total = 0;

	for (unsigned i = 0; i < WORKERS; i++)
		total += atomic_load(&worker->held[i]);
	return (uint64_t)worker->held[worker->number] * WORKERS > total + WORKERS;
}

static void listen_or_stand_back(struct worker *worker)
{
	bool listen = !over_share(worker);

	if (listen == worker->listening)
		return;
	if (watch(worker, listen ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, worker->listener,
		  EPOLLIN | EPOLLEXCLUSIVE, NULL) != 0)
		abort();
	worker->listening = listen;
}

static _Noreturn void work(struct worker *worker)
{
	struct epoll_event events[EVENTS];

	worker->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (worker->epoll < 0 || FCGX_Init() != 0)
		abort();
	signal(SIGTERM, SIG_DFL);
	for (;;) {
		int count;

		listen_or_stand_back(worker);
		count = epoll_wait(worker->epoll, events, EVENTS, TURN_MS);
		for (int i = 0; i < count; i++) {
			if (events[i].data.ptr)
				serve(worker, events[i].data.ptr);
			else
				hold(worker);
		}
	}
}

static int open_listener(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (strlen(path) >= sizeof(address.sun_path))
		return -1;
	strcpy(address.sun_path, path);
	umask(0177);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
	    listen(fd, BACKLOG) != 0)
		return -1;
	return fd;
}

static pid_t start(const struct worker *model, unsigned number, pid_t parent, const sigset_t *mask)
{
	struct worker worker = *model;
	pid_t pid = fork();

	if (pid < 0)
		abort();
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigprocmask(SIG_UNBLOCK, mask, NULL);
	if (getppid() != parent)
		exit(1);
	worker.number = number;
	work(&worker);
}

/* Serves until a signal of the mask comes. */
static void run(const struct worker *model)
{
	pid_t pids[WORKERS];
	sigset_t mask;
	int number;

	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGINT);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	for (unsigned i = 0; i < WORKERS; i++)
		pids[i] = start(model, i, getpid(), &mask);
	sigwait(&mask, &number);
	for (unsigned i = 0; i < WORKERS; i++) {
		kill(pids[i], SIGTERM);
		waitpid(pids[i], NULL, 0);
	}
}

int main(int argc, char **argv)
{
	struct worker worker = { 0 };

	if (argc != 2) {
		fprintf(stderr, "usage: hello SOCKET\n");
		return 2;
	}
	worker.listener = open_listener(argv[1]);
	worker.held = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (worker.listener < 0 || worker.held == MAP_FAILED) {
		fprintf(stderr, "hello: %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	run(&worker);
	return 0;
}
