/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conf/conf.h"
#include "proc/listen.h"
#include "proc/notify.h"
#include "proc/peer.h"
#include "util/err.h"

struct fixture {
	char folder[32];
	char path[64];
	struct conf_listener conf;
	struct listener *listener;
	struct err err;
};

static int set_up(void **state)
{
	static struct fixture fixture;

	memset(&fixture, 0, sizeof(fixture));
	strcpy(fixture.folder, "/tmp/lh-listen-XXXXXX");
	if (!mkdtemp(fixture.folder))
		return -1;
	snprintf(fixture.path, sizeof(fixture.path), "%s/read.sock", fixture.folder);
	fixture.conf = (struct conf_listener){
		.name = fixture.path,
		.address = fixture.path,
		.backlog = 4,
		.socket_mode = 0640,
	};
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	listener_release(fixture->listener);
	unlink(fixture->path);
	return rmdir(fixture->folder);
}

static int open_it(struct fixture *fixture)
{
	return listener_open(&fixture->conf, -1, &fixture->listener, &fixture->err);
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -1;
}

/* A socket at the path; listening or, as after a crash, not. */
static int stand_in(const char *path, bool listening)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	if (listening)
		assert_int_equal(listen(fd, 1), 0);
	return fd;
}

static mode_t mode_of(const char *path)
{
	struct stat stat;

	assert_int_equal(lstat(path, &stat), 0);
	return stat.st_mode;
}

static void a_new_socket_has_its_mode(void **state)
{
	struct fixture *fixture = *state;
	const struct peers anybody = { .count = 0 };
	int web, fd;

	umask(077);
	assert_int_equal(open_it(fixture), 0);
	assert_int_equal(mode_of(fixture->path), S_IFSOCK | 0640);
	assert_true(fcntl(fixture->listener->fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(peer_accept(fixture->listener->fd, &anybody, &fd, &fixture->err),
			 LH_ENOENT);
	web = connect_to(fixture->path);
	assert_true(web >= 0);
	assert_int_equal(peer_accept(fixture->listener->fd, &anybody, &fd, &fixture->err), 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_false(fcntl(fd, F_GETFL) & O_NONBLOCK);
	close(fd);
	close(web);
}

static void a_new_socket_has_its_group(void **state)
{
	struct fixture *fixture = *state;
	const struct group *own = getgrgid(getegid());
	struct stat stat;
	char name[64];

	assert_non_null(own);
	snprintf(name, sizeof(name), "%s", geteuid() == 0 ? "daemon" : own->gr_name);
	fixture->conf.socket_group = name;
	assert_int_equal(open_it(fixture), 0);
	assert_int_equal(lstat(fixture->path, &stat), 0);
	assert_int_equal(stat.st_gid, getgrnam(name)->gr_gid);
}

static void an_unknown_group_leaves_nothing_behind(void **state)
{
	struct fixture *fixture = *state;
	char name[] = "no-such-group-here";

	fixture->conf.socket_group = name;
	assert_int_equal(open_it(fixture), LH_ENOENT);
	assert_non_null(strstr(fixture->err.text, name));
	assert_int_equal(access(fixture->path, F_OK), -1);
}

static void what_is_no_socket_is_not_touched(void **state)
{
	struct fixture *fixture = *state;
	int fd = open(fixture->path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	assert_int_equal(write(fd, "precious", 8), 8);
	close(fd);
	assert_int_equal(open_it(fixture), LH_EEXIST);
	assert_int_equal(listener_check(&fixture->conf, &fixture->err), LH_EEXIST);
	assert_non_null(strstr(fixture->err.text, fixture->path));
	assert_int_equal(mode_of(fixture->path), S_IFREG | 0600);
}

static void a_link_to_a_socket_is_no_socket(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(symlink("/nowhere", fixture->path), 0);
	assert_int_equal(open_it(fixture), LH_EEXIST);
	assert_true(S_ISLNK(mode_of(fixture->path)));
}

static void a_stale_socket_is_replaced(void **state)
{
	struct fixture *fixture = *state;

	close(stand_in(fixture->path, true));
	assert_int_equal(listener_check(&fixture->conf, &fixture->err), 0);
	assert_int_equal(open_it(fixture), 0);
	close(connect_to(fixture->path));
}

static void a_socket_that_answers_is_left_alone(void **state)
{
	struct fixture *fixture = *state;
	int other = stand_in(fixture->path, true);
	int web = connect_to(fixture->path);

	assert_true(web >= 0);
	assert_int_equal(open_it(fixture), LH_EBUSY);
	assert_non_null(strstr(fixture->err.text, fixture->path));
	/* The queue is full now, by that client and the first try: still somebody's. */
	assert_int_equal(open_it(fixture), LH_EBUSY);
	close(web);
	close(other);
}

/* A server that was killed has children, which die a moment later. */
static void a_socket_that_still_answers_once_is_waited_for(void **state)
{
	struct fixture *fixture = *state;
	int other = stand_in(fixture->path, true), status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(accept(other, NULL, NULL) < 0);
	close(other);
	assert_int_equal(open_it(fixture), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(connect_to(fixture->path));
}

static void a_path_that_is_too_long_is_refused(void **state)
{
	struct fixture *fixture = *state;
	char path[200];

	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	fixture->conf.address = path;
	assert_int_equal(open_it(fixture), LH_EINVAL);
	assert_int_equal(listener_check(&fixture->conf, &fixture->err), LH_EINVAL);
}

static void a_folder_that_is_missing_is_told(void **state)
{
	struct fixture *fixture = *state;
	char path[] = "/tmp/lh-no-such-folder/read.sock";

	fixture->conf.address = path;
	assert_int_equal(open_it(fixture), LH_EIO);
	assert_int_equal(listener_check(&fixture->conf, &fixture->err), LH_EIO);
	assert_non_null(strstr(fixture->err.text, "/tmp/lh-no-such-folder"));
}

/* What the master relies on when it ends: the promise of a queue is kept. */
static void what_waits_is_served_after_a_shut_down(void **state)
{
	struct fixture *fixture = *state;
	const struct peers anybody = { .count = 0 };
	int web[2], fd;

	assert_int_equal(open_it(fixture), 0);
	for (int i = 0; i < 2; i++)
		web[i] = connect_to(fixture->path);
	listener_shut_down(fixture->listener);
	assert_int_equal(access(fixture->path, F_OK), -1);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(peer_accept(fixture->listener->fd, &anybody, &fd, &fixture->err),
				 0);
		assert_int_equal(send(web[i], "x", 1, MSG_NOSIGNAL), 1);
		close(fd);
		close(web[i]);
	}
	assert_int_equal(peer_accept(fixture->listener->fd, &anybody, &fd, &fixture->err),
			 LH_ENOENT);
}

static void a_successors_socket_is_not_removed(void **state)
{
	struct fixture *fixture = *state;
	int other;

	assert_int_equal(open_it(fixture), 0);
	unlink(fixture->path);
	other = stand_in(fixture->path, true);
	listener_release(fixture->listener);
	fixture->listener = NULL;
	assert_int_equal(mode_of(fixture->path) & S_IFMT, S_IFSOCK);
	close(other);
}

static void the_last_holder_closes(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(open_it(fixture), 0);
	assert_ptr_equal(listener_hold(fixture->listener), fixture->listener);
	listener_release(fixture->listener);
	close(connect_to(fixture->path));
	assert_int_equal(access(fixture->path, F_OK), 0);
	listener_release(fixture->listener);
	fixture->listener = NULL;
	assert_int_equal(access(fixture->path, F_OK), -1);
}

static void a_new_mode_is_applied(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(open_it(fixture), 0);
	fixture->conf.socket_mode = 0600;
	assert_int_equal(listener_apply(fixture->listener, &fixture->conf, NO_GROUP, &fixture->err),
			 0);
	assert_int_equal(mode_of(fixture->path), S_IFSOCK | 0600);
}

/* ---- TCP ---- */

static const struct {
	const char *address;
	int ret;
} addresses[] = {
	{ "127.0.0.1:0", 0 },
	{ "[::1]:0", 0 },
	{ "localhost:9000", LH_EINVAL },
	{ "127.0.0.1", LH_EINVAL },
	{ "127.0.0.1:http", LH_EINVAL },
	{ ":", LH_EINVAL },
	{ "[", LH_EINVAL },
	{ "[::1", LH_EINVAL },
	{ "", LH_EINVAL },
};

static void tcp_addresses_are_numbers(void **state)
{
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		char address[32];
		int ret;

		strcpy(address, addresses[i].address);
		fixture->conf.address = address;
		ret = listener_check(&fixture->conf, &fixture->err);
		if (ret != addresses[i].ret)
			fail_msg("%s: check: %d", address, ret);
		ret = open_it(fixture);
		/* A machine may have no IPv6. */
		if (ret != addresses[i].ret && !(ret == LH_EIO && address[0] == '['))
			fail_msg("%s: %d", address, ret);
		listener_release(fixture->listener);
		fixture->listener = NULL;
	}
}

/* ---- Passed by the service manager ---- */

static void a_passed_socket_is_used_and_kept(void **state)
{
	struct fixture *fixture = *state;
	int fd = stand_in(fixture->path, true);

	assert_int_equal(listener_open(&fixture->conf, fd, &fixture->listener, &fixture->err), 0);
	assert_int_equal(fixture->listener->fd, fd);
	assert_true(fixture->listener->passed);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	listener_shut_down(fixture->listener);
	close(connect_to(fixture->path));
	assert_int_equal(access(fixture->path, F_OK), 0);
	listener_release(fixture->listener);
	fixture->listener = NULL;
	assert_int_equal(access(fixture->path, F_OK), 0);
}

static void what_does_not_listen_is_not_taken(void **state)
{
	struct fixture *fixture = *state;
	int fd = stand_in(fixture->path, false);

	assert_int_equal(listener_open(&fixture->conf, fd, &fixture->listener, &fixture->err),
			 LH_EINVAL);
	close(fd);
}

static const struct {
	const char *name;
	bool other_pid;
	const char *count, *names;
	int fd; /* of "work" */
} passed_cases[] = {
	{ "nothing was passed", false, NULL, NULL, -1 },
	{ "the second of two", false, "2", "read:work", 4 },
	{ "the only one", false, "1", "work", 3 },
	{ "meant for another process", true, "1", "work", -1 },
	{ "named but not passed", false, "1", "read:work", -1 },
	{ "a name that only begins like it", false, "2", "workers:wor", -1 },
	{ "without names", false, "2", NULL, -1 },
	{ "a count that is no number", false, "x", "work", -1 },
	{ "a count far beyond the names", false, "9223372036854775807", "read", -1 },
};

static void passed_sockets_are_found_by_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(passed_cases) / sizeof(passed_cases[0]); i++) {
		json_t *environment = json_object();
		char pid[16];

		snprintf(pid, sizeof(pid), "%d", (int)getpid() + passed_cases[i].other_pid);
		json_object_set_new(environment, "LISTEN_PID", json_string(pid));
		if (passed_cases[i].count)
			json_object_set_new(environment, "LISTEN_FDS",
					    json_string(passed_cases[i].count));
		if (passed_cases[i].names)
			json_object_set_new(environment, "LISTEN_FDNAMES",
					    json_string(passed_cases[i].names));
		if (notify_passed(environment, "work") != passed_cases[i].fd)
			fail_msg("%s", passed_cases[i].name);
		json_decref(environment);
	}
}

static void readiness_is_told(void **state)
{
	struct fixture *fixture = *state;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	json_t *environment = json_object();
	char text[32] = "";

	strcpy(address.sun_path, fixture->path);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	notify_send(environment, "READY=1"); /* nowhere */
	assert_int_equal(recv(fd, text, sizeof(text), MSG_DONTWAIT), -1);
	json_object_set_new(environment, "NOTIFY_SOCKET", json_string(fixture->path));
	notify_send(environment, "READY=1");
	assert_int_equal(recv(fd, text, sizeof(text), MSG_DONTWAIT), 7);
	assert_string_equal(text, "READY=1");
	json_decref(environment);
	close(fd);
}

/* ---- Peers ---- */

static void only_known_peers_are_let_in(void **state)
{
	struct fixture *fixture = *state;
	struct peers peers = { .uids = { geteuid() + 1 }, .count = 1 };
	int web, fd;
	char byte;

	assert_int_equal(open_it(fixture), 0);
	web = connect_to(fixture->path);
	assert_int_equal(peer_accept(fixture->listener->fd, &peers, &fd, &fixture->err), LH_EPERM);
	assert_int_equal(fd, -1);
	assert_int_equal(read(web, &byte, 1), 0);
	close(web);

	peers.uids[peers.count++] = geteuid();
	web = connect_to(fixture->path);
	assert_int_equal(peer_accept(fixture->listener->fd, &peers, &fd, &fixture->err), 0);
	close(fd);
	close(web);
}

static void peers_are_found_by_name(void **state)
{
	struct fixture *fixture = *state;
	char root[] = "root", nobody[] = "no-such-user-here";
	char *good[] = { root, NULL }, *bad[] = { root, nobody, NULL };
	char *many[PEERS_MAX + 2] = { NULL };
	struct peers peers;

	assert_int_equal(peers_find(&fixture->conf, &peers, &fixture->err), 0);
	assert_int_equal(peers.count, 0);
	fixture->conf.peer_users = good;
	assert_int_equal(peers_find(&fixture->conf, &peers, &fixture->err), 0);
	assert_int_equal(peers.count, 1);
	assert_int_equal(peers.uids[0], 0);
	fixture->conf.peer_users = bad;
	assert_int_equal(peers_find(&fixture->conf, &peers, &fixture->err), LH_ENOENT);
	assert_non_null(strstr(fixture->err.text, nobody));
	for (size_t i = 0; i < PEERS_MAX + 1; i++)
		many[i] = root;
	fixture->conf.peer_users = many;
	assert_int_equal(peers_find(&fixture->conf, &peers, &fixture->err), LH_ERANGE);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_new_socket_has_its_mode),
		CASE(a_new_socket_has_its_group),
		CASE(an_unknown_group_leaves_nothing_behind),
		CASE(what_is_no_socket_is_not_touched),
		CASE(a_link_to_a_socket_is_no_socket),
		CASE(a_stale_socket_is_replaced),
		CASE(a_socket_that_answers_is_left_alone),
		CASE(a_socket_that_still_answers_once_is_waited_for),
		CASE(a_path_that_is_too_long_is_refused),
		CASE(a_folder_that_is_missing_is_told),
		CASE(what_waits_is_served_after_a_shut_down),
		CASE(a_successors_socket_is_not_removed),
		CASE(the_last_holder_closes),
		CASE(a_new_mode_is_applied),
		CASE(tcp_addresses_are_numbers),
		CASE(a_passed_socket_is_used_and_kept),
		CASE(what_does_not_listen_is_not_taken),
		CASE(passed_sockets_are_found_by_name),
		CASE(readiness_is_told),
		CASE(only_known_peers_are_let_in),
		CASE(peers_are_found_by_name),
	};

	alarm(30); /* what waits for ever must not hang the test */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
