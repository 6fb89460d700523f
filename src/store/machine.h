/* SPDX-License-Identifier: Apache-2.0 */
/* The machine that a store lives on.
 *
 * A copy of a store that wakes up elsewhere (a restored backup, a cloned disk) would take back what
 * the original lent. So the store remembers marks that a copy does not share: of the machine
 * (/etc/machine-id, the board's UUID) and of its own data file. A restart or a reboot changes none
 * of them; a mark that cannot be read, then or now, is not compared. */
#ifndef STORE_MACHINE_H
#define STORE_MACHINE_H

#include "store/driver.h"

#define MACHINE_MARK_SIZE 16

/* Identifiers of a machine are not for everybody's eyes: only their keyed digests are kept.
 * All zero: unknown. */
struct board {
	unsigned char mark[MACHINE_MARK_SIZE];
};

struct machine {
	unsigned char id[MACHINE_MARK_SIZE];
	struct board board;
	struct driver_identity file;
};

/* Reads the board's mark below the folder root, which is "" but for tests. The kernel shows the UUID
 * to root alone: to be called before a process gives up its rights. Whoever starts us without them
 * can hand over a copy, the file "board" in the folder that CREDENTIALS_DIRECTORY names
 * (systemd.exec(5)); it counts more. 0, LH_ENOMEM or LH_EIO. */
int board_read(const char *root, struct board *board_out);

/* Completes the board's mark with the others; file is what the driver says of its file, NULL if
 * nothing. 0, LH_ENOMEM or LH_EIO. */
int machine_read(const char *root, const struct board *board, const struct driver_identity *file,
		 struct machine *machine_out);

/* What differs, in words ("the machine id"); NULL if nothing does. */
const char *machine_difference(const struct machine *recorded, const struct machine *here);

#endif
