/* SPDX-License-Identifier: Apache-2.0 */
/* What changes a process for ever is tried in a child of the test. As another user than root less can
 * be tried, and those cases are skipped. */
#include "config.h"
#include "under_valgrind.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proc/privileges.h"
#include "util/err.h"

#define NOBODY 65534

/* The exit status of work() in a child; 0 means that all it looked at was right. */
static int in_child(int (*work)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(work());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}

static void a_user_that_does_not_exist_is_an_error(void **state)
{
	struct identity identity;
	struct err err = { "" };
	uid_t uid;
	gid_t gid;

	(void)state;
	assert_int_equal(user_find("no-such-user-here", &uid, &err), LH_ENOENT);
	assert_non_null(strstr(err.text, "no-such-user-here"));
	assert_int_equal(group_find("no-such-group-here", &gid, &err), LH_ENOENT);
	assert_non_null(strstr(err.text, "no-such-group-here"));
	if (geteuid() != 0)
		skip();
	assert_int_equal(identity_find("no-such-user-here", NULL, &identity, &err), LH_ENOENT);
	assert_int_equal(identity_find("nobody", "no-such-group-here", &identity, &err), LH_ENOENT);
}

static void without_a_user_nothing_changes(void **state)
{
	struct identity identity;
	struct err err = { "" };

	(void)state;
	assert_int_equal(identity_find(NULL, NULL, &identity, &err), 0);
	assert_false(identity.change);
	assert_int_equal(identity.uid, geteuid());
	assert_int_equal(privileges_drop(&identity, &err), 0);
}

static int ask_as_nobody(void)
{
	struct identity identity;
	struct err err = { "" };

	if (setresuid(NOBODY, NOBODY, NOBODY) != 0)
		return 1;
	/* Even a user that does not exist: who is not root cannot choose. */
	if (identity_find("no-such-user-here", NULL, &identity, &err) != 0)
		return 2;
	return identity.change || identity.uid != NOBODY ? 3 : 0;
}

static void who_is_not_root_stays_who_he_is(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(in_child(ask_as_nobody), 0);
}

static int drop_all(void)
{
	struct identity identity;
	struct err err = { "" };
	gid_t group;
	uid_t real, effective, saved;

	if (identity_find("nobody", "daemon", &identity, &err) != 0 || !identity.change)
		return 1;
	if (privileges_drop(&identity, &err) != 0)
		return 2;
	if (getresuid(&real, &effective, &saved) != 0 || real != NOBODY || effective != NOBODY ||
	    saved != NOBODY)
		return 3;
	if (getgroups(1, &group) != 1 || group != identity.gid || getegid() != identity.gid)
		return 4;
	if (setuid(0) == 0 || setgid(0) == 0)
		return 5;
	return 0;
}

static void dropping_leaves_no_way_back(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(in_child(drop_all), 0);
}

static int drop_without_right(void)
{
	const struct identity root = { .change = true };
	struct err err = { "" };

	if (geteuid() == 0 && setresuid(NOBODY, NOBODY, NOBODY) != 0)
		return 1;
	return privileges_drop(&root, &err) == LH_EPERM && err.text[0] ? 0 : 2;
}

static void dropping_without_the_right_is_an_error(void **state)
{
	(void)state;
	assert_int_equal(in_child(drop_without_right), 0);
}

static int harden_shows(void)
{
	struct rlimit core;

	if (umask(0) != 077)
		return 3;
	if (getrlimit(RLIMIT_CORE, &core) != 0 || core.rlim_max != 0)
		return 4;
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return 5;
#ifndef LH_SANITIZERS
	if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
		return 6;
#endif
	return 0;
}

static int harden(void)
{
	struct err err = { "" };

	return privileges_harden(&err) ? 1 : harden_shows();
}

static void a_hardened_process_shows_it(void **state)
{
	(void)state;
	assert_int_equal(in_child(harden), 0);
}

/* Who stays who it is has keys to guard as well. */
static int become(void)
{
	const struct identity myself = { .uid = geteuid(), .gid = getegid() };
	const struct identity nobody = { .change = true, .uid = NOBODY, .gid = NOBODY };
	const struct identity *identity = geteuid() == 0 ? &nobody : &myself;
	struct err err = { "" };

	if (privileges_become(identity, &err) != 0)
		return 1;
	if (geteuid() != identity->uid)
		return 2;
	return harden_shows();
}

static void who_becomes_somebody_is_hardened(void **state)
{
	(void)state;
	assert_int_equal(in_child(become), 0);
}

#ifndef LH_SANITIZERS
static int eat(void)
{
	struct err err = { "" };
	void *volatile memory;

	if (privileges_limit_memory((size_t)64 * 1024 * 1024, &err) != 0)
		return 1;
	memory = malloc((size_t)1024 * 1024 * 1024);
	if (memory)
		return 2;
	memory = malloc((size_t)16 * 1024 * 1024);
	return memory ? 0 : 3;
}

static void memory_is_limited(void **state)
{
	(void)state;
	SKIP_UNDER_VALGRIND();
	assert_int_equal(in_child(eat), 0);
}
#endif

/* The child of a child, which must go when the child goes. */
static int die_together(void)
{
	struct err err = { "" };
	pid_t parent = getpid();
	int ends[2];
	pid_t pid;

	if (pipe(ends) != 0)
		return 1;
	pid = fork();
	if (pid == 0) {
		int ret = privileges_die_with(parent, &err);

		if (write(ends[1], &ret, sizeof(ret)) < 0)
			_exit(1);
		raise(SIGSTOP); /* not even this protects it */
		for (;;)
			pause();
	}
	int ret = 1;
	return read(ends[0], &ret, sizeof(ret)) == sizeof(ret) ? ret : 2;
}

static void a_child_dies_with_its_parent(void **state)
{
	int status = -1, ends[2];
	char byte;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		_exit(die_together()); /* its child holds the pipe's end, too */
	}
	close(ends[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(read(ends[0], &byte, 1), 0); /* nobody is left to hold it */
	close(ends[0]);
}

static int outlive(void)
{
	struct err err = { "" };

	return privileges_die_with(getppid() + 1, &err) == LH_EPERM ? 0 : 1;
}

static void a_parent_that_is_gone_already_is_noticed(void **state)
{
	(void)state;
	assert_int_equal(in_child(outlive), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_user_that_does_not_exist_is_an_error),
		cmocka_unit_test(without_a_user_nothing_changes),
		cmocka_unit_test(who_is_not_root_stays_who_he_is),
		cmocka_unit_test(dropping_leaves_no_way_back),
		cmocka_unit_test(dropping_without_the_right_is_an_error),
		cmocka_unit_test(a_hardened_process_shows_it),
		cmocka_unit_test(who_becomes_somebody_is_hardened),
#ifndef LH_SANITIZERS
		cmocka_unit_test(memory_is_limited),
#endif
		cmocka_unit_test(a_child_dies_with_its_parent),
		cmocka_unit_test(a_parent_that_is_gone_already_is_noticed),
	};

	alarm(30); /* a child that does not die must not hang the test */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
