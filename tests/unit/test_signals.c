/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proc/signals.h"
#include "under_valgrind.h"

static const struct {
	int number;
	enum signal_event event;
} master_signals[] = {
	{ SIGTERM, SIGNAL_STOP },  { SIGINT, SIGNAL_STOP },    { SIGQUIT, SIGNAL_STOP },
	{ SIGHUP, SIGNAL_RELOAD }, { SIGUSR1, SIGNAL_REOPEN },
};

static void the_master_sees_each_once(void **state)
{
	(void)state;
	signals_master();
	for (size_t i = 0; i < sizeof(master_signals) / sizeof(master_signals[0]); i++) {
		raise(master_signals[i].number);
		assert_false(signals_seen(master_signals[i].event)); /* it is blocked */
		signals_deliver();
		assert_true(signals_take(master_signals[i].event));
		assert_false(signals_take(master_signals[i].event));
	}
}

static void a_child_forgets_and_ignores(void **state)
{
	(void)state;
	SKIP_UNDER_VALGRIND();
	signals_master();
	raise(SIGHUP);
	signals_deliver();
	signals_child();
	assert_false(signals_seen(SIGNAL_RELOAD));
	raise(SIGHUP);
	raise(SIGINT);
	raise(SIGQUIT);
	raise(SIGUSR1);
	signals_deliver();
	for (int event = 0; event < SIGNAL_EVENTS; event++)
		assert_false(signals_seen((enum signal_event)event));
	raise(SIGUSR2);
	raise(SIGTERM);
	signals_deliver();
	assert_true(signals_seen(SIGNAL_RETIRE));
	assert_true(signals_seen(SIGNAL_RETIRE));
	assert_true(signals_seen(SIGNAL_STOP));
}

static void a_broken_pipe_kills_nobody(void **state)
{
	int ends[2];

	(void)state;
	signals_child();
	assert_int_equal(pipe(ends), 0);
	close(ends[0]);
	assert_int_equal(write(ends[1], "x", 1), -1);
	close(ends[1]);
}

/* A worker under load, or at a listener that was shut down, always has an event. */
static void a_signal_comes_in_beside_events(void **state)
{
	struct epoll_event event = { .events = EPOLLIN };
	int epoll = epoll_create1(EPOLL_CLOEXEC), ready = eventfd(1, EFD_CLOEXEC);

	(void)state;
	SKIP_UNDER_VALGRIND();
	signals_child();
	assert_int_equal(epoll_ctl(epoll, EPOLL_CTL_ADD, ready, &event), 0);
	assert_int_equal(signals_epoll(epoll, &event, 1, 0), 1);
	assert_false(signals_seen(SIGNAL_STOP));
	raise(SIGTERM);
	assert_int_equal(signals_epoll(epoll, &event, 1, 0), 1);
	assert_true(signals_seen(SIGNAL_STOP));
	close(ready);
	close(epoll);
}

static void a_signal_ends_the_wait(void **state)
{
	struct epoll_event event;
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	(void)state;
	signals_child();
	raise(SIGTERM);
	assert_int_equal(signals_epoll(epoll, &event, 1, 20000), -1);
	assert_true(signals_seen(SIGNAL_STOP));
	close(epoll);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_master_sees_each_once),
		cmocka_unit_test(a_child_forgets_and_ignores),
		cmocka_unit_test(a_broken_pipe_kills_nobody),
		cmocka_unit_test(a_signal_comes_in_beside_events),
		cmocka_unit_test(a_signal_ends_the_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
