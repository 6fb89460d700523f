/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "proc/privileges.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/err.h"

/* Answers of the user database are static memory of libc: used at once, one at a time. */
static const struct passwd *find_user(const char *name, struct err *err)
{
	const struct passwd *entry = getpwnam(name);

	if (!entry)
		err_set(err, LH_ENOENT, "there is no user \"%s\" on this machine", name);
	return entry;
}

int user_find(const char *name, uid_t *uid_out, struct err *err)
{
	const struct passwd *entry = find_user(name, err);

	if (!entry)
		return LH_ENOENT;
	*uid_out = entry->pw_uid;
	return 0;
}

int group_find(const char *name, gid_t *gid_out, struct err *err)
{
	const struct group *entry = getgrnam(name);

	if (!entry)
		return err_set(err, LH_ENOENT, "there is no group \"%s\" on this machine", name);
	*gid_out = entry->gr_gid;
	return 0;
}

int identity_find(const char *user, const char *group, struct identity *identity_out,
		  struct err *err)
{
	struct identity identity = { .uid = geteuid(), .gid = getegid() };
	const struct passwd *entry;
	int ret = 0;

	*identity_out = identity;
	if (identity.uid != 0 || !user)
		return 0;
	entry = find_user(user, err);
	if (!entry)
		return LH_ENOENT;
	identity.change = true;
	identity.uid = entry->pw_uid;
	identity.gid = entry->pw_gid;
	if (strlen(entry->pw_dir) < sizeof(identity.home))
		memcpy(identity.home, entry->pw_dir, strlen(entry->pw_dir));
	if (group)
		ret = group_find(group, &identity.gid, err);
	if (ret == 0)
		*identity_out = identity;
	return ret;
}

int privileges_drop(const struct identity *identity, struct err *err)
{
	if (!identity->change)
		return 0;
	if (setgroups(1, &identity->gid) != 0 ||
	    setresgid(identity->gid, identity->gid, identity->gid) != 0 ||
	    setresuid(identity->uid, identity->uid, identity->uid) != 0)
		return err_set(err, LH_EPERM, "cannot become user %lu, group %lu: %s",
			       (unsigned long)identity->uid, (unsigned long)identity->gid,
			       strerror(errno));
	/* Believed only when there is no way back. */
	if (identity->uid != 0 && (setuid(0) == 0 || setgid(0) == 0))
		return err_set(err, LH_EPERM, "root's privileges could be taken again");
	return 0;
}

int privileges_harden(struct err *err)
{
	const struct rlimit none = { 0, 0 };

	umask(077);
	if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return err_set(err, LH_EIO, "cannot harden the process: %s", strerror(errno));
#ifndef LH_SANITIZERS
	/* The leak checker of the sanitizers looks at its process as a debugger does. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return err_set(err, LH_EIO, "cannot harden the process: %s", strerror(errno));
#endif
	return 0;
}

int privileges_become(const struct identity *identity, struct err *err)
{
	int ret = privileges_drop(identity, err);

	return ret ? ret : privileges_harden(err);
}

#ifdef LH_SANITIZERS
int privileges_limit_memory(size_t bytes, struct err *err)
{
	(void)bytes;
	(void)err;
	return 0;
}
#else
int privileges_limit_memory(size_t bytes, struct err *err)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_DATA, &limit) != 0)
		return err_set(err, LH_EIO, "cannot read the memory limit: %s", strerror(errno));
	if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < bytes)
		return 0; /* somebody asked for less */
	limit.rlim_cur = limit.rlim_max = bytes;
	if (setrlimit(RLIMIT_DATA, &limit) != 0)
		return err_set(err, LH_EIO, "cannot limit the memory: %s", strerror(errno));
	return 0;
}
#endif

int privileges_die_with(pid_t parent, struct err *err)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
		return err_set(err, LH_EIO, "cannot be bound to the master: %s", strerror(errno));
	if (getppid() != parent)
		return err_set(err, LH_EPERM, "the master is gone");
	return 0;
}
