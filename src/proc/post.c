/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/post.h"

#include <stddef.h>

#include "util/shared.h"

#define START_MS     30000 /* to the first heartbeat */
#define SILENCE_MS   10000 /* between two of an idle child, which beats each second */
#define WRITE_MS     10000 /* in one write of the store: others wait for it, and it takes some ms */
#define PAST_MS      2000  /* after the deadline of the request in hand */
#define EARLY_MS     10000 /* a life shorter than this is a failure to start */
#define PAUSE_MS     100   /* after the first failure; doubled with each further one, */
#define PAUSE_MAX_MS 10000 /* up to this */

static bool is_unused(const struct slot *slot)
{
	return atomic_load(&slot->pid) == 0 && atomic_load(&slot->phase) == SLOT_FREE;
}

struct slot *slot_take(struct shared *shared)
{
	for (size_t i = 0; i < SHARED_SLOTS; i++) {
		struct slot *slot = &shared->slots[i];

		if (!is_unused(slot))
			continue;
		atomic_store(&slot->heartbeat, 0);
		atomic_store(&slot->deadline, 0);
		atomic_store(&slot->writing, 0);
		return slot;
	}
	return NULL;
}

size_t slots_free(struct shared *shared)
{
	size_t count = 0;

	for (size_t i = 0; i < SHARED_SLOTS; i++)
		count += is_unused(&shared->slots[i]);
	return count;
}

void post_filled(struct post *post, pid_t pid, struct slot *slot, int64_t now)
{
	atomic_store(&slot->pid, pid);
	post->pid = pid;
	post->slot = slot;
	post->started = now;
	post->killed = false;
}

static int64_t pause_after(unsigned failures)
{
	int64_t pause = PAUSE_MS;

	while (--failures > 0 && pause < PAUSE_MAX_MS)
		pause *= 2;
	return pause < PAUSE_MAX_MS ? pause : PAUSE_MAX_MS;
}

void post_vacated(struct post *post, int status, int64_t now)
{
	bool early = status != 0 && now - post->started < EARLY_MS;

	if (post->kind == CHILD_REVOKER) {
		atomic_store(&post->slot->phase, SLOT_FREE);
		atomic_store(&post->slot->pid, 0);
	} else {
		atomic_store(&post->slot->pid, -post->pid);
	}
	post->failures = early ? post->failures + 1 : 0;
	post->not_before = early ? now + pause_after(post->failures) : now;
	post->pid = 0;
	post->slot = NULL;
}

void post_leave(struct post *post, int64_t end_by)
{
	post->leaving = true;
	post->end_by = end_by;
}

bool post_is_vacant(const struct post *post, int64_t now)
{
	return post->pid == 0 && !post->leaving && now >= post->not_before;
}

bool post_is_ready(const struct post *post)
{
	return post->pid != 0 && atomic_load(&post->slot->heartbeat) != 0;
}

const char *post_overdue(const struct post *post, int64_t now)
{
	int64_t heartbeat, deadline, writing;

	if (post->pid == 0)
		return NULL;
	if (post->leaving && now > post->end_by)
		return "it did not end in time";
	/* In this order: a child clears its deadline after it has beaten. */
	writing = atomic_load(&post->slot->writing);
	deadline = atomic_load(&post->slot->deadline);
	heartbeat = atomic_load(&post->slot->heartbeat);
	if (heartbeat == 0)
		return now - post->started > START_MS ? "it does not come to its work" : NULL;
	if (writing != 0 && now - writing > WRITE_MS)
		return "it does not come to the end of a write of the store";
	if (deadline != 0)
		return now - deadline > PAST_MS ? "its request is past the deadline" : NULL;
	return now - heartbeat > SILENCE_MS ? "it shows no sign of life" : NULL;
}
