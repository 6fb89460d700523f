/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proc/handover.h"
#include "util/err.h"

static int set_up(void **state)
{
	static int ends[2];

	*state = ends;
	return handover_new(ends);
}

static int tear_down(void **state)
{
	int *ends = *state;

	close(ends[0]);
	close(ends[1]);
	return 0;
}

static void a_connection_arrives_open(void **state)
{
	const int *ends = *state;
	int connection[2], fd;
	char byte = 0;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, connection), 0);
	assert_int_equal(handover_send(ends[1], connection[0]), 0);
	close(connection[0]);
	assert_int_equal(send(connection[1], "x", 1, MSG_NOSIGNAL), 1); /* on its way */
	assert_int_equal(handover_receive(ends[0], &fd), 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(read(fd, &byte, 1), 1);
	assert_int_equal(byte, 'x');
	close(fd);
	close(connection[1]);
}

static void nothing_there_is_no_wait(void **state)
{
	const int *ends = *state;
	int fd;

	assert_int_equal(handover_receive(ends[0], &fd), LH_ENOENT);
}

/* As many as a worker may hold wait for their next one, each once. */
static void many_wait_in_order(void **state)
{
	const int *ends = *state;
	int fd, count = 0;

	while (count < 100 && handover_send(ends[1], ends[1]) == 0)
		count++;
	assert_int_equal(count, 100);
	while (handover_receive(ends[0], &fd) == 0) {
		close(fd);
		count--;
	}
	assert_int_equal(count, 0);
}

static void what_cannot_be_sent_is_an_error(void **state)
{
	int *ends = *state;

	assert_int_equal(handover_send(ends[1], -1), LH_EIO);
	close(ends[0]);
	ends[0] = -1;
	assert_int_equal(handover_send(ends[1], ends[1]), LH_EIO);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_connection_arrives_open),
		CASE(nothing_there_is_no_wait),
		CASE(many_wait_in_order),
		CASE(what_cannot_be_sent_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
