/* SPDX-License-Identifier: Apache-2.0 */
/* The master: owns the sockets and the store's lock, keeps the posts filled, and nothing else. It
 * opens no store and no cloud, and parses nothing that comes from outside. */
#ifndef PROC_MASTER_H
#define PROC_MASTER_H

#include <jansson.h>

struct board;
struct conf;
struct err;

/* Runs the server until it is told to end. conf is the master's from here on. `environment` is
 * borrowed, as environment_take made it, and gets the home of whom the children become; `board` is as
 * board_read made it. 0 after an orderly end; otherwise what kept the server from starting, with a
 * sentence in err. */
int master_run(struct conf *conf, json_t *environment, const struct board *board, struct err *err);

#endif
