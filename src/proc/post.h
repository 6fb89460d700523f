/* SPDX-License-Identifier: Apache-2.0 */
/* A post is a place in the server that the master keeps filled with a child, and what the master
 * knows about that child. No process is started or ended here. All times are boot ms. */
#ifndef PROC_POST_H
#define PROC_POST_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "proc/child.h"

struct post {
	enum child_kind kind;
	unsigned gate;   /* index of its listener in the generation; workers only */
	unsigned number; /* among the workers of that listener */
	pid_t pid;       /* 0: vacant */
	struct slot *slot;
	int64_t started;
	int64_t not_before; /* a vacant post is not filled earlier */
	unsigned failures;  /* early deaths in a row */
	bool leaving;       /* told to end, and not to be filled again */
	int64_t end_by;     /* of a child that is leaving */
	bool killed;
};

/* An unused slot, cleared for its next owner; NULL if there is none. A slot whose child died waits
 * for the revoker, and is not one of them. */
struct slot *slot_take(struct shared *shared);

/* How many slots could be taken. */
size_t slots_free(struct shared *shared);

/* Notes that the child pid has taken the post and the slot. */
void post_filled(struct post *post, pid_t pid, struct slot *slot, int64_t now);

/* Notes that the child has ended, `status` as waitpid gives it, and says so in its slot: the revoker
 * looks after what it had in hand and then frees the slot. The revoker itself has nothing in hand. A
 * child that failed early is followed by its successor after a pause, which grows. */
void post_vacated(struct post *post, int status, int64_t now);

/* Notes that the child was told to end, and that no other is to follow. */
void post_leave(struct post *post, int64_t end_by);

/* Whether a child is to be started. */
bool post_is_vacant(const struct post *post, int64_t now);

/* Whether the child has come to its loop. */
bool post_is_ready(const struct post *post);

/* Why the child must be killed: stopped, or caught in an endless loop or system call, or not willing
 * to leave. NULL: it need not. */
const char *post_overdue(const struct post *post, int64_t now);

#endif
