/* SPDX-License-Identifier: Apache-2.0 */
/* Signals become flags that a loop looks at between two pieces of work.
 *
 * They are blocked everywhere but in the one call of each loop that waits (ppoll, epoll_pwait), so
 * that no system call of a library is ever interrupted. */
#ifndef PROC_SIGNALS_H
#define PROC_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

enum signal_event {
	SIGNAL_STOP,   /* TERM; INT and QUIT to the master: end in order */
	SIGNAL_RETIRE, /* USR2, to a worker: end, others serve what waits at the listener */
	SIGNAL_RELOAD, /* HUP, to the master */
	SIGNAL_REOPEN, /* USR1, to the master */
	SIGNAL_CHILD,  /* CHLD, to the master */
	SIGNAL_EVENTS,
};

/* Blocks the signals, then installs the handlers of the master or of a child. A child forgets what
 * its parent had seen, and ignores what a terminal sends to all: the master tells it what to do. */
void signals_master(void);
void signals_child(void);

/* The mask for the call that waits. Borrowed. */
const sigset_t *signals_open(void);

struct epoll_event;

/* Waits as epoll_wait does, and lets signals come in, also when there is always an event: the number
 * of events, or -1. */
int signals_epoll(int epoll, struct epoll_event *events, int max, int timeout_ms);

/* Lets waiting signals come in, for a loop whose waiting is done by a library. */
void signals_deliver(void);

/* Whether it came since the start. */
bool signals_seen(enum signal_event event);

/* Whether it came since the last call. */
bool signals_take(enum signal_event event);

#endif
