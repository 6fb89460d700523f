/* SPDX-License-Identifier: Apache-2.0 */
/* The service manager's side: what it hands down and what it is told (sd_listen_fds(3),
 * sd_notify(3)), without its library. */
#ifndef PROC_NOTIFY_H
#define PROC_NOTIFY_H

#include <jansson.h>

/* Sends a state such as "READY=1" to NOTIFY_SOCKET of the environment; nothing happens without one.
 * A manager that does not listen is no reason to fail. */
void notify_send(const json_t *environment, const char *state);

/* The descriptor that was passed to this process under `name`, or -1. */
int notify_passed(const json_t *environment, const char *name);

#endif
