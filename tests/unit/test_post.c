/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proc/post.h"
#include "util/shared.h"

#define NOW    1000000
#define KILLED 9 /* as waitpid tells it */

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

static const struct {
	const char *name;
	int64_t heartbeat, deadline, started; /* before NOW; 0: not set */
	int64_t leaving;                      /* end_by, before NOW; 0: stays */
	bool overdue;
	int64_t writing; /* before NOW; 0: not set */
} overdue_cases[] = {
	{ "beats each second", 900, 0, 90000, 0, false, 0 },
	{ "was silent for 10 s", 10000, 0, 90000, 0, false, 0 },
	{ "was silent for longer", 10001, 0, 90000, 0, true, 0 },
	{ "is starting", 0, 0, 30000, 0, false, 0 },
	{ "does not come to its loop", 0, 0, 30001, 0, true, 0 },
	{ "has a request with time left", 40000, -5000, 90000, 0, false, 0 },
	{ "has a request, just past its deadline", 40000, 2000, 90000, 0, false, 0 },
	{ "has a request, long past its deadline", 40000, 2001, 90000, 0, true, 0 },
	{ "is leaving and has time", 10, 0, 90000, -10, false, 0 },
	{ "is leaving and has none", 10, 0, 90000, 10, true, 0 },
	{ "is leaving in the middle of a request", 40000, -5000, 90000, 10, true, 0 },
	{ "has written for 10 s", 900, -5000, 90000, 0, false, 10000 },
	{ "does not come to the end of a write", 900, -5000, 90000, 0, true, 10001 },
};

static void a_child_is_overdue_when(void **state)
{
	struct shared *shared = *state;

	for (size_t i = 0; i < sizeof(overdue_cases) / sizeof(overdue_cases[0]); i++) {
		struct post post = { .kind = CHILD_WORK };
		struct slot *slot = slot_take(shared);

		post_filled(&post, 100, slot, NOW - overdue_cases[i].started);
		if (overdue_cases[i].heartbeat)
			atomic_store(&slot->heartbeat, NOW - overdue_cases[i].heartbeat);
		if (overdue_cases[i].deadline)
			atomic_store(&slot->deadline, NOW - overdue_cases[i].deadline);
		if (overdue_cases[i].writing)
			atomic_store(&slot->writing, NOW - overdue_cases[i].writing);
		if (overdue_cases[i].leaving)
			post_leave(&post, NOW - overdue_cases[i].leaving);
		if ((post_overdue(&post, NOW) != NULL) != overdue_cases[i].overdue)
			fail_msg("a child that %s", overdue_cases[i].name);
		if (post_is_ready(&post) != (overdue_cases[i].heartbeat != 0))
			fail_msg("ready: a child that %s", overdue_cases[i].name);
		atomic_store(&slot->pid, 0);
	}
}

static void a_vacant_post_is_not_overdue(void **state)
{
	struct post post = { .kind = CHILD_WORK };

	(void)state;
	assert_null(post_overdue(&post, NOW));
	assert_false(post_is_ready(&post));
	assert_true(post_is_vacant(&post, NOW));
	post_leave(&post, NOW);
	assert_false(post_is_vacant(&post, NOW));
}

static void a_dead_workers_slot_waits_for_the_revoker(void **state)
{
	struct shared *shared = *state;
	struct post post = { .kind = CHILD_READ };
	struct slot *slot = slot_take(shared);

	post_filled(&post, 77, slot, NOW);
	assert_int_equal(atomic_load(&slot->pid), 77);
	assert_int_equal(slots_free(shared), SHARED_SLOTS - 1);
	slot_count(slot, COUNT_REQUESTS);
	post_vacated(&post, KILLED, NOW);
	assert_int_equal(atomic_load(&slot->pid), -77);
	assert_ptr_not_equal(slot_take(shared), slot);
	assert_int_equal(slots_free(shared), SHARED_SLOTS - 1);

	atomic_store(&slot->pid, 0); /* the revoker has been here */
	assert_ptr_equal(slot_take(shared), slot);
	assert_int_equal(atomic_load(&slot->counters[COUNT_REQUESTS]), 1);
}

static void a_slot_that_names_a_lease_is_not_taken(void **state)
{
	struct shared *shared = *state;

	slot_phase_set(&shared->slots[0], SLOT_ISSUED);
	assert_ptr_equal(slot_take(shared), &shared->slots[1]);
}

static void the_revokers_slot_is_free_at_once(void **state)
{
	struct shared *shared = *state;
	struct post post = { .kind = CHILD_REVOKER };
	struct slot *slot = slot_take(shared);

	post_filled(&post, 78, slot, NOW);
	post_vacated(&post, KILLED, NOW);
	assert_ptr_equal(slot_take(shared), slot);
}

static void a_new_owner_finds_no_old_times(void **state)
{
	struct shared *shared = *state;
	struct slot *slot = slot_take(shared);

	atomic_store(&slot->heartbeat, 5);
	atomic_store(&slot->deadline, 6);
	assert_ptr_equal(slot_take(shared), slot);
	assert_int_equal(atomic_load(&slot->heartbeat), 0);
	assert_int_equal(atomic_load(&slot->deadline), 0);
}

static void all_slots_may_be_taken(void **state)
{
	struct shared *shared = *state;

	for (size_t i = 0; i < SHARED_SLOTS; i++)
		atomic_store(&slot_take(shared)->pid, 1);
	assert_null(slot_take(shared));
	assert_int_equal(slots_free(shared), 0);
}

/* Fills the post and vacates it again after `life` ms; when may it be filled, from then on? */
static int64_t pause_after(struct shared *shared, struct post *post, int status, int64_t life)
{
	struct slot *slot = slot_take(shared);

	post_filled(post, 79, slot, NOW - life);
	post_vacated(post, status, NOW);
	atomic_store(&slot->pid, 0);
	return post->not_before - NOW;
}

static void early_failures_make_longer_pauses(void **state)
{
	struct post post = { .kind = CHILD_WORK };

	assert_int_equal(pause_after(*state, &post, KILLED, 10000), 0);
	assert_int_equal(pause_after(*state, &post, KILLED, 10), 100);
	assert_false(post_is_vacant(&post, NOW + 99));
	assert_true(post_is_vacant(&post, NOW + 100));
	assert_int_equal(pause_after(*state, &post, KILLED, 10), 200);
	for (int i = 0; i < 40; i++)
		pause_after(*state, &post, KILLED, 10);
	assert_int_equal(pause_after(*state, &post, KILLED, 10), 10000);
	assert_int_equal(pause_after(*state, &post, KILLED, 10000), 0);
	assert_int_equal(pause_after(*state, &post, KILLED, 10), 100);
}

static void a_child_that_was_told_to_end_is_no_failure(void **state)
{
	struct post post = { .kind = CHILD_WORK };

	assert_int_equal(pause_after(*state, &post, 0, 10), 0);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_child_is_overdue_when),
		CASE(a_vacant_post_is_not_overdue),
		CASE(a_dead_workers_slot_waits_for_the_revoker),
		CASE(a_slot_that_names_a_lease_is_not_taken),
		CASE(the_revokers_slot_is_free_at_once),
		CASE(a_new_owner_finds_no_old_times),
		CASE(all_slots_may_be_taken),
		CASE(early_failures_make_longer_pauses),
		CASE(a_child_that_was_told_to_end_is_no_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
