/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/signals.h"

#include <poll.h>
#include <stddef.h>
#include <sys/epoll.h>

/* The only way out of a handler is a global. */
static volatile sig_atomic_t seen[SIGNAL_EVENTS];

static void note(int number)
{
	switch (number) {
	case SIGTERM:
	case SIGINT:
	case SIGQUIT: seen[SIGNAL_STOP] = 1; break;
	case SIGUSR2: seen[SIGNAL_RETIRE] = 1; break;
	case SIGHUP: seen[SIGNAL_RELOAD] = 1; break;
	case SIGUSR1: seen[SIGNAL_REOPEN] = 1; break;
	case SIGCHLD: seen[SIGNAL_CHILD] = 1; break;
	default: break;
	}
}

static const struct {
	int number;
	void (*master)(int number), (*child)(int number);
} actions[] = {
	{ SIGTERM, note, note },
	{ SIGINT, note, SIG_IGN },
	{ SIGQUIT, note, SIG_IGN },
	{ SIGHUP, note, SIG_IGN },
	{ SIGUSR1, note, SIG_IGN },
	{ SIGUSR2, SIG_IGN, note },
	{ SIGCHLD, note, SIG_DFL },
	/* A web server that has gone is an error of write, not a death. */
	{ SIGPIPE, SIG_IGN, SIG_IGN },
};

#define ACTIONS (sizeof(actions) / sizeof(actions[0]))

static void block(void)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ACTIONS; i++)
		sigaddset(&set, actions[i].number);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

static void install(int number, void (*handler)(int number))
{
	struct sigaction action = { .sa_handler = handler };

	/* A handler blocks no other signal: all that wait come in during one call. */
	sigemptyset(&action.sa_mask);
	sigaction(number, &action, NULL);
}

void signals_master(void)
{
	block();
	for (size_t i = 0; i < ACTIONS; i++)
		install(actions[i].number, actions[i].master);
}

void signals_child(void)
{
	block();
	for (size_t i = 0; i < SIGNAL_EVENTS; i++)
		seen[i] = 0;
	for (size_t i = 0; i < ACTIONS; i++)
		install(actions[i].number, actions[i].child);
}

const sigset_t *signals_open(void)
{
	/* The same each time: static only so that callers need no room for it. */
	static sigset_t open;

	sigemptyset(&open);
	return &open;
}

void signals_deliver(void)
{
	const struct timespec none = { 0, 0 };

	ppoll(NULL, 0, &none, signals_open());
}

/* epoll_pwait closes the mask again before any signal comes in when an event is ready at once. */
int signals_epoll(int epoll, struct epoll_event *events, int max, int timeout_ms)
{
	int count = epoll_pwait(epoll, events, max, timeout_ms, signals_open());

	if (count > 0)
		signals_deliver();
	return count;
}

bool signals_seen(enum signal_event event)
{
	return seen[event];
}

bool signals_take(enum signal_event event)
{
	bool came = seen[event];

	seen[event] = 0;
	return came;
}
