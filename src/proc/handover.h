/* SPDX-License-Identifier: Apache-2.0 */
/* Passing a connection from one process to another.
 *
 * A worker that leaves cannot close what the web server keeps without a risk: a request may be on
 * its way. So it passes such connections to whoever polls the same listener next. */
#ifndef PROC_HANDOVER_H
#define PROC_HANDOVER_H

/* Makes both ends: what is sent on ends[1] is received on ends[0], by one of those who wait there.
 * Neither blocks. 0 or LH_EIO. */
int handover_new(int ends[2]);

/* Passes a copy of fd; the caller closes its own. 0, or LH_EIO if it cannot be passed now. */
int handover_send(int end, int fd);

/* *fd_out is the caller's. 0, or LH_ENOENT if there is nothing. */
int handover_receive(int end, int *fd_out);

#endif
