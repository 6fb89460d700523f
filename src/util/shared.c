/* SPDX-License-Identifier: Apache-2.0 */
#include "util/shared.h"

#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "util/clock.h"

struct shared *shared_new(void)
{
	int wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	struct shared *shared;

	if (wake < 0)
		return NULL;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED) {
		close(wake);
		return NULL;
	}
	shared->revoker_wake = wake;
	return shared;
}

void shared_free(struct shared *shared)
{
	if (!shared)
		return;
	close(shared->revoker_wake);
	munmap(shared, sizeof(*shared));
}

/* The descriptor does not block: when its counter is full the revoker has been woken long ago. */
void shared_wake_revoker(struct shared *shared)
{
	const uint64_t one = 1;
	ssize_t written = write(shared->revoker_wake, &one, sizeof(one));

	(void)written;
}

/* A word: 40 bits of the name, then 24 of the minute in which it was told. */
bool shared_tell(struct shared *shared, const unsigned char name[16], int64_t now_ms)
{
	_Atomic uint64_t *word = &shared->told[(name[0] << 8 | name[1]) % SHARED_TOLD];
	uint64_t now = 0, before = atomic_load(word);

	for (int i = 2; i < 7; i++)
		now = now << 8 | name[i];
	now = now << 24 | (((uint64_t)now_ms / 60000 + 1) & 0xffffff);
	return before != now && atomic_compare_exchange_strong(word, &before, now);
}

void slot_beat(struct slot *slot)
{
	atomic_store(&slot->heartbeat, clock_boot_ms());
}

bool slots_hold(const struct shared *shared, const unsigned char lease[16], enum slot_phase phase)
{
	for (size_t i = 0; i < SHARED_SLOTS; i++) {
		const struct slot *slot = &shared->slots[i];

		if (atomic_load(&slot->pid) >= 0 && atomic_load(&slot->phase) == phase &&
		    !memcmp(slot->lease, lease, sizeof(slot->lease)))
			return true;
	}
	return false;
}

bool slots_work_on(const struct shared *shared, const unsigned char lease[16], int64_t now_ms)
{
	for (size_t i = 0; i < SHARED_SLOTS; i++) {
		const struct slot *slot = &shared->slots[i];

		if (atomic_load(&slot->pid) >= 0 && atomic_load(&slot->phase) != SLOT_FREE &&
		    now_ms < atomic_load(&slot->deadline) &&
		    !memcmp(slot->lease, lease, sizeof(slot->lease)))
			return true;
	}
	return false;
}

void slot_count(struct slot *slot, enum slot_counter counter)
{
	atomic_fetch_add_explicit(&slot->counters[counter], 1, memory_order_relaxed);
}

uint64_t shared_sum(const struct shared *shared, enum slot_counter counter)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < SHARED_SLOTS; i++)
		sum += atomic_load_explicit(&shared->slots[i].counters[counter],
					    memory_order_relaxed);
	return sum;
}

/* Whoever looks after this process's death sees no lease at all while the name is half written. */
void slot_hold(struct slot *slot, const unsigned char lease[16], enum slot_phase phase)
{
	atomic_store(&slot->phase, SLOT_FREE);
	memcpy(slot->lease, lease, sizeof(slot->lease));
	atomic_store(&slot->phase, phase);
}

void slot_phase_set(struct slot *slot, enum slot_phase phase)
{
	atomic_store(&slot->phase, phase);
}
