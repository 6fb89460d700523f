/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/shared.h"

static const unsigned char name[16] = "0123456789abcde";

static int set_up(void **state)
{
	*state = shared_new();
	return *state ? 0 : -1;
}

static int tear_down(void **state)
{
	shared_free(*state);
	return 0;
}

/* Runs in a child, whose writes the parent must see. */
static void in_child(struct shared *shared, void (*work)(struct shared *shared))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		work(shared);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static bool is_woken(const struct shared *shared)
{
	struct pollfd ready = { .fd = shared->revoker_wake, .events = POLLIN };

	return poll(&ready, 1, 0) == 1;
}

static void it_starts_empty(void **state)
{
	static const struct slot unused;
	struct shared *shared = *state;

	for (size_t i = 0; i < SHARED_SLOTS; i++)
		assert_memory_equal(&shared->slots[i], &unused, sizeof(unused));
	assert_false(is_woken(shared));
}

static void hold(struct shared *shared)
{
	slot_hold(&shared->slots[7], name, SLOT_PENDING);
	slot_beat(&shared->slots[7]);
	slot_count(&shared->slots[7], COUNT_ISSUED);
	slot_count(&shared->slots[7], COUNT_ISSUED);
}

static void what_a_child_had_in_hand_outlives_it(void **state)
{
	struct shared *shared = *state;
	struct slot *slot = &shared->slots[7];
	int64_t before = clock_boot_ms();

	in_child(shared, hold);
	assert_int_equal(atomic_load(&slot->phase), SLOT_PENDING);
	assert_memory_equal(slot->lease, name, sizeof(name));
	assert_in_range(atomic_load(&slot->heartbeat), before, clock_boot_ms());
	assert_int_equal(atomic_load(&slot->counters[COUNT_ISSUED]), 2);
	assert_int_equal(atomic_load(&slot->counters[COUNT_REVOKED]), 0);
	assert_int_equal(atomic_load(&shared->slots[6].phase), SLOT_FREE);
	slot_phase_set(slot, SLOT_DELIVERED);
	assert_int_equal(atomic_load(&slot->phase), SLOT_DELIVERED);
	assert_memory_equal(slot->lease, name, sizeof(name));
}

static void a_lease_is_in_the_hand_of_a_living_child(void **state)
{
	static const unsigned char other[16] = { 1 };
	struct shared *shared = *state;
	struct slot *slot = &shared->slots[7];

	assert_false(slots_hold(shared, name, SLOT_PENDING));
	slot_hold(slot, name, SLOT_PENDING);
	assert_true(slots_hold(shared, name, SLOT_PENDING));
	assert_false(slots_hold(shared, name, SLOT_ISSUED));
	assert_false(slots_hold(shared, other, SLOT_PENDING));
	atomic_store(&slot->pid, -100);
	assert_false(slots_hold(shared, name, SLOT_PENDING));
}

static void it_is_at_work_on_it_until_its_deadline(void **state)
{
	static const unsigned char other[16] = { 1 };
	struct shared *shared = *state;
	struct slot *slot = &shared->slots[7];

	slot_hold(slot, name, SLOT_ISSUED);
	assert_false(slots_work_on(shared, name, 999)); /* whatever it was left with, it is idle */
	atomic_store(&slot->deadline, 1000);
	assert_true(slots_work_on(shared, name, 999));
	assert_false(slots_work_on(shared, name, 1000));
	assert_false(slots_work_on(shared, other, 999));
	slot_phase_set(slot, SLOT_FREE);
	assert_false(slots_work_on(shared, name, 999));
	slot_phase_set(slot, SLOT_PENDING);
	atomic_store(&slot->pid, -100);
	assert_false(slots_work_on(shared, name, 999));
}

static void waking_never_blocks(void **state)
{
	struct shared *shared = *state;
	uint64_t count = UINT64_MAX - 1;

	in_child(shared, shared_wake_revoker);
	assert_true(is_woken(shared));
	assert_int_equal(read(shared->revoker_wake, &count, sizeof(count)), sizeof(count));
	assert_int_equal(count, 1);
	assert_false(is_woken(shared));

	count = UINT64_MAX - 1; /* full */
	assert_int_equal(write(shared->revoker_wake, &count, sizeof(count)), sizeof(count));
	shared_wake_revoker(shared);
	assert_true(is_woken(shared));
}

static void a_thing_is_told_once_a_minute(void **state)
{
	static const unsigned char other[16] = { 1, 2, 3 }, same_word[16] = { 1, 2, 4 };
	struct shared *shared = *state;

	assert_true(shared_tell(shared, other, 0));
	assert_false(shared_tell(shared, other, 0));
	assert_false(shared_tell(shared, other, 59999));
	assert_true(shared_tell(shared, name, 59999));
	assert_true(shared_tell(shared, other, 60000));
	assert_false(shared_tell(shared, other, 60001));
	assert_true(shared_tell(shared, same_word, 60001));
	assert_true(shared_tell(shared, other, 60001)); /* rather too often than not at all */
}

static void freeing_nothing_is_allowed(void **state)
{
	(void)state;
	shared_free(NULL);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(it_starts_empty),
		CASE(what_a_child_had_in_hand_outlives_it),
		CASE(a_lease_is_in_the_hand_of_a_living_child),
		CASE(it_is_at_work_on_it_until_its_deadline),
		CASE(waking_never_blocks),
		CASE(a_thing_is_told_once_a_minute),
		cmocka_unit_test(freeing_nothing_is_allowed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
