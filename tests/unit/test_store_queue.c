/* SPDX-License-Identifier: Apache-2.0 */
/* One commit for several processes, and what becomes of it when one of them dies. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "driver_fixture.h"
#include "store/queue.h"
#include "under_valgrind.h"
#include "util/err.h"

#define OWN    7 /* the place of the process that runs the tests */
#define FIRST  3 /* places of others */
#define SECOND 20
#define LAST   (QUEUE_PLACES - 1)
#define SMALL  (1024 * 1024) /* bytes of a map */

static unsigned syncs;
static bool dies_in_commit, dies_after_commit;

/* Both stand before libc's own: a commit waits for the disk with the one, and looks at the file with
 * the other when it is done. */
int fdatasync(int fd)
{
	syncs++;
	if (dies_in_commit)
		kill(getpid(), SIGKILL);
	return (int)syscall(SYS_fdatasync, fd);
}

int fstat(int fd, struct stat *status)
{
	if (dies_after_commit)
		kill(getpid(), SIGKILL);
	return fstatat(fd, "", status, AT_EMPTY_PATH);
}

static struct queue *queue;
static pid_t parent; /* of all workers */

static int set_up(void **state)
{
	static struct fixture fixture;

	fixture = (struct fixture){ .driver = &store_lmdb };
	open_fixture(&fixture, LIMIT);
	queue = queue_new();
	assert_non_null(queue);
	store_lmdb.share(fixture.handle, queue, OWN);
	/* A store is not open before it holds something. */
	assert_int_equal(put_one(&fixture, "first", "record", 1), 0);
	syncs = 0;
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	queue_free(queue);
	close_fixture(*state);
	return 0;
}

static struct driver_op put_new(const char *key, const char *value, uint64_t revision)
{
	struct driver_op op = put(text(key), text(value), revision);

	op.condition = STORE_ABSENT;
	return op;
}

/* Another process has this ready. */
static void let_wait(unsigned place, const char *key)
{
	struct driver_op op = put_new(key, "waited", place);

	assert_true(queue_put(queue, place, &op, 1));
}

static void check_outcome(unsigned place, bool committed)
{
	assert_false(queue_is_pending(queue, place));
	assert_int_equal(queue_claim(queue, place), committed);
}

static void what_waits_is_committed_with_the_leaders_own(void **state)
{
	let_wait(FIRST, "a");
	let_wait(SECOND, "b");
	let_wait(LAST, "c");
	assert_int_equal(put_one(*state, "own", "value", 9), 0);
	assert_int_equal(syncs, 1);
	check_record(*state, "own", "value@9");
	check_record(*state, "a", "waited@3");
	check_record(*state, "b", "waited@20");
	check_record(*state, "c", "waited@319");
	check_outcome(FIRST, true);
	check_outcome(SECOND, true);
	check_outcome(LAST, true);
}

static void a_batch_whose_condition_does_not_hold_is_left_out_alone(void **state)
{
	let_wait(FIRST, "first");
	let_wait(SECOND, "b");
	assert_int_equal(put_one(*state, "own", "value", 9), 0);
	check_record(*state, "first", "record@1");
	check_record(*state, "b", "waited@20");
	check_outcome(FIRST, false);
	check_outcome(SECOND, true);
}

static void of_two_that_want_the_same_one_gets_it(void **state)
{
	let_wait(FIRST, "same");
	let_wait(SECOND, "same");
	assert_int_equal(put_one(*state, "own", "value", 9), 0);
	check_record(*state, "same", "waited@20"); /* nearer behind the leader's place */
	check_outcome(FIRST, false);
	check_outcome(SECOND, true);
}

static void a_leader_learns_which_of_its_own_conditions_did_not_hold(void **state)
{
	const struct driver_op ops[] = { put_new("own", "value", 9), put_new("first", "x", 10) };
	struct fixture *fixture = *state;
	size_t failed = 0;

	let_wait(FIRST, "a");
	assert_int_equal(store_lmdb.apply(fixture->handle, ops, LENGTH(ops), &failed),
			 LH_ECONFLICT);
	assert_int_equal(failed, 1);
	check_record(fixture, "own", "-");
	check_record(fixture, "a", "waited@3");
	check_outcome(FIRST, true);
}

static void a_batch_that_is_too_large_does_not_wait(void **state)
{
	static char large[QUEUE_SIZE_MAX + 1];
	struct driver_op ops[QUEUE_OPS_MAX + 1];
	struct fixture *fixture = *state;
	char keys[QUEUE_OPS_MAX + 1][16];
	struct driver_op op = put(text("large"), (struct bytes){ large, sizeof(large) }, 2);

	for (size_t i = 0; i < LENGTH(ops); i++) {
		snprintf(keys[i], sizeof(keys[i]), "many%zu", i);
		ops[i] = put(text(keys[i]), text("value"), 3);
	}
	assert_false(queue_put(queue, FIRST, &op, 1));
	assert_false(queue_put(queue, FIRST, ops, LENGTH(ops)));
	assert_false(queue_put(queue, FIRST, ops, 0));
	assert_int_equal(apply(fixture, &op, 1), 0);
	assert_int_equal(apply(fixture, ops, LENGTH(ops)), 0);
	check_record(fixture, "many64", "value@3");
}

static void what_fits_exactly_waits(void **state)
{
	static char value[QUEUE_SIZE_MAX - 1];
	struct driver_op op = put(text("k"), (struct bytes){ value, sizeof(value) }, 2);
	uint64_t revision;

	assert_true(queue_put(queue, FIRST, &op, 1));
	assert_false(queue_put(queue, FIRST, &op, 1));
	assert_int_equal(put_one(*state, "own", "value", 9), 0);
	check_outcome(FIRST, true);
	assert_int_equal(
		store_lmdb.get(((struct fixture *)*state)->handle, text("k"), NULL, &revision), 0);
	assert_int_equal(revision, 2);
}

/* So many, each with as much as may wait, against a map of SMALL bytes. */
static void let_too_much_wait(struct fixture *fixture, unsigned count)
{
	static char value[QUEUE_SIZE_MAX - 16];
	struct driver_op op = put(text(""), (struct bytes){ value, sizeof(value) }, 2);
	char key[16];

	store_lmdb.close(fixture->handle);
	forget(fixture);
	rmdir(fixture->path);
	open_fixture(fixture, SMALL);
	store_lmdb.share(fixture->handle, queue, OWN);
	for (unsigned place = OWN + 1; place <= OWN + count; place++) {
		snprintf(key, sizeof(key), "g%u", place);
		op.key = text(key);
		assert_true(queue_put(queue, place, &op, 1));
	}
}

static void a_group_that_may_not_fit_is_left_to_each_of_them(void **state)
{
	struct fixture *fixture = *state;

	let_too_much_wait(fixture, 60);
	assert_int_equal(put_one(fixture, "own", "value", 9), 0);
	check_record(fixture, "own", "value@9");
	check_record(fixture, "g8", "-");
	for (unsigned place = OWN + 1; place <= OWN + 60; place++)
		check_outcome(place, false);
}

/* The map fills up in the middle: those behind it wait for the next leader. */
static void a_group_that_does_not_fit_is_left_to_each_of_them(void **state)
{
	struct fixture *fixture = *state;

	let_too_much_wait(fixture, 200);
	assert_int_equal(put_one(fixture, "own", "value", 9), 0);
	check_record(fixture, "own", "value@9");
	check_record(fixture, "g8", "-");
	check_outcome(OWN + 1, false);
	assert_true(queue_is_pending(queue, OWN + 200));
}

static void nothing_of_the_dead_is_committed_once_it_is_withdrawn(void **state)
{
	struct fixture *fixture = *state;

	let_wait(FIRST, "a");
	assert_int_equal(store_lmdb.withdraw(fixture->handle, FIRST), 0);
	assert_int_equal(put_one(fixture, "own", "value", 9), 0);
	check_record(fixture, "a", "-");
	check_outcome(FIRST, false);
}

/* Whoever was to lead has died before it got the lock. */
static void who_waits_in_vain_leads_itself(void **state)
{
	assert_true(queue_may_lead(queue, FIRST));
	assert_int_equal(put_one(*state, "own", "value", 9), 0);
	check_record(*state, "own", "value@9");
	/* And nobody is thought to lead now. */
	assert_true(queue_may_lead(queue, SECOND));
	queue_lead_end(queue);
}

static void a_leader_is_not_woken_later_by_what_it_did_itself(void **state)
{
	for (uint64_t i = 0; i < 3; i++)
		assert_int_equal(put_one(*state, "own", "value", i + 9), 0);
	assert_true(queue_may_lead(queue, FIRST));
	let_wait(OWN, "a");
	assert_true(queue_may_lead(queue, OWN)); /* for it has waited in vain */
}

static void who_comes_too_late_for_a_leader_is_called_next(void **state)
{
	(void)state;
	assert_true(queue_may_lead(queue, FIRST));
	let_wait(SECOND, "b");
	queue_lead_end(queue);
	assert_true(queue_may_lead(queue, FIRST)); /* another one was quicker */
	assert_false(queue_may_lead(queue, SECOND));
	queue_lead_end(queue);
	assert_true(queue_may_lead(queue, SECOND));
	queue_lead_end(queue);
}

/* ---- Deaths ---- */

/* In a child: a store of its own, opened after the fork. */
static void open_as(struct fixture *fixture, unsigned place)
{
	struct err err = { "" };

	if (store_lmdb.open(fixture->path, LIMIT, 0, &fixture->handle, &err))
		_exit(1);
	store_lmdb.share(fixture->handle, queue, place);
}

static void wait_for_death(pid_t child)
{
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* A leader that takes what waits, and dies at the chosen instant. */
static void die_leading(struct fixture *fixture, bool *instant)
{
	pid_t child = fork();

	if (child == 0) {
		open_as(fixture, SECOND);
		*instant = true;
		put_one(fixture, "leader", "value", 8);
		_exit(1);
	}
	wait_for_death(child);
}

static void a_leader_that_dies_before_its_commit_has_committed_nothing(void **state)
{
	let_wait(FIRST, "a");
	die_leading(*state, &dies_in_commit);
	assert_true(queue_is_pending(queue, FIRST));
	assert_int_equal(put_one(*state, "own", "value", 9), 0);
	check_record(*state, "a", "-");
	check_record(*state, "leader", "-");
	check_outcome(FIRST, false);
}

static void a_leader_that_dies_after_its_commit_has_committed_all(void **state)
{
	let_wait(FIRST, "a");
	die_leading(*state, &dies_after_commit);
	assert_true(queue_is_pending(queue, FIRST));
	assert_int_equal(put_one(*state, "own", "value", 9), 0);
	check_record(*state, "a", "waited@3");
	check_record(*state, "leader", "value@8");
	check_outcome(FIRST, true);
}

/* The same when the next one to get the lock does not lead. */
static void whoever_gets_the_lock_settles_what_was_left(void **state)
{
	struct fixture *fixture = *state;

	let_wait(FIRST, "a");
	die_leading(fixture, &dies_in_commit);
	store_lmdb.share(fixture->handle, queue, QUEUE_NO_PLACE);
	assert_int_equal(put_one(fixture, "own", "value", 9), 0);
	check_outcome(FIRST, false);
	let_wait(FIRST, "a");
	die_leading(fixture, &dies_after_commit);
	assert_int_equal(store_lmdb.withdraw(fixture->handle, SECOND), 0);
	check_outcome(FIRST, true);
	check_record(fixture, "a", "waited@3");
}

/* ---- Many at once ---- */

#define WORKERS 6
#define EACH    60
#define ROUNDS  40

static _Atomic unsigned *answered; /* by each worker: so many of its records are said to be there */

static const char *key_of(char key[32], unsigned worker, unsigned number)
{
	snprintf(key, 32, "w%u-%u", worker, number);
	return key;
}

static bool exists(struct fixture *fixture, const char *key)
{
	uint64_t revision;

	return store_lmdb.get(fixture->handle, text(key), NULL, &revision) == 0;
}

/* Of the first one nobody knows whether a predecessor has committed it. */
static void work(struct fixture *fixture, unsigned worker, unsigned last)
{
	unsigned first = answered[worker];

	open_as(fixture, worker);
	for (unsigned i = first; i < last; i++) {
		char key[32];
		struct driver_op op = put_new(key_of(key, worker, i), "value", i + 1);
		int ret = apply(fixture, &op, 1);

		if (ret && !(ret == LH_ECONFLICT && i == first))
			_exit(1);
		answered[worker] = i + 1;
	}
	_exit(0);
}

static pid_t start(struct fixture *fixture, unsigned worker, unsigned last)
{
	pid_t child = fork();

	if (child == 0) {
		/* A test that fails must not leave it behind. */
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
			_exit(1);
		work(fixture, worker, last);
	}
	return child;
}

static int share_answers(void **state)
{
	answered = mmap(NULL, WORKERS * sizeof(*answered), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return set_up(state);
}

static int tear_down_answers(void **state)
{
	munmap(answered, WORKERS * sizeof(*answered));
	return tear_down(state);
}

static void many_commit_at_once(void **state)
{
	pid_t children[WORKERS];
	char key[32];
	int status;

	SKIP_UNDER_VALGRIND();
	for (unsigned i = 0; i < WORKERS; i++)
		children[i] = start(*state, i, EACH);
	for (unsigned i = 0; i < WORKERS; i++) {
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	for (unsigned i = 0; i < WORKERS * EACH; i++)
		assert_true(exists(*state, key_of(key, i / EACH, i % EACH)));
}

/* What it was told of is there; of what it was not told, nothing comes any more. */
static void check_remains(struct fixture *fixture, unsigned worker, unsigned told, bool *more_out)
{
	char key[32];

	for (unsigned i = 0; i < told; i++)
		assert_true(exists(fixture, key_of(key, worker, i)));
	*more_out = exists(fixture, key_of(key, worker, told));
}

static void whoever_is_killed_loses_nothing_and_adds_nothing(void **state)
{
	struct timespec pause = { 0, 0 };
	struct fixture *fixture = *state;
	pid_t children[WORKERS];
	bool more, later;

	for (unsigned i = 0; i < WORKERS; i++)
		children[i] = start(fixture, i, UINT32_MAX);
	for (unsigned round = 0; round < ROUNDS; round++) {
		unsigned worker = round % WORKERS, told;

		pause.tv_nsec = (round * 37 % 64 + 1) * 100000;
		nanosleep(&pause, NULL);
		kill(children[worker], SIGKILL);
		wait_for_death(children[worker]);
		assert_int_equal(store_lmdb.withdraw(fixture->handle, worker), 0);
		told = answered[worker];
		check_remains(fixture, worker, told, &more);
		assert_int_equal(put_one(fixture, "own", "value", round + 2), 0);
		check_remains(fixture, worker, told, &later);
		assert_int_equal(more, later);
		children[worker] = start(fixture, worker, UINT32_MAX);
	}
	for (unsigned i = 0; i < WORKERS; i++) {
		kill(children[i], SIGKILL);
		wait_for_death(children[i]);
	}
}

#define TEST(name)      cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define TEST_MANY(name) cmocka_unit_test_setup_teardown(name, share_answers, tear_down_answers)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_waits_is_committed_with_the_leaders_own),
		TEST(a_batch_whose_condition_does_not_hold_is_left_out_alone),
		TEST(of_two_that_want_the_same_one_gets_it),
		TEST(a_leader_learns_which_of_its_own_conditions_did_not_hold),
		TEST(a_batch_that_is_too_large_does_not_wait),
		TEST(what_fits_exactly_waits),
		TEST(a_group_that_may_not_fit_is_left_to_each_of_them),
		TEST(a_group_that_does_not_fit_is_left_to_each_of_them),
		TEST(nothing_of_the_dead_is_committed_once_it_is_withdrawn),
		TEST(who_waits_in_vain_leads_itself),
		TEST(a_leader_is_not_woken_later_by_what_it_did_itself),
		TEST(who_comes_too_late_for_a_leader_is_called_next),
		TEST(a_leader_that_dies_before_its_commit_has_committed_nothing),
		TEST(a_leader_that_dies_after_its_commit_has_committed_all),
		TEST(whoever_gets_the_lock_settles_what_was_left),
		TEST_MANY(many_commit_at_once),
		TEST_MANY(whoever_is_killed_loses_nothing_and_adds_nothing),
	};

	parent = getpid();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
