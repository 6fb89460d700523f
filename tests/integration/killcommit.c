/* SPDX-License-Identifier: Apache-2.0 */
/* Preloaded by the crash tests: sends a process a signal at a commit of the store, or while it reads.
 *
 * LMDB commits by writing one of its two meta pages, which are the first of data.mdb and written with
 * less than a page; whatever was written before belongs to no transaction yet. So "before" that
 * write is before the commit, and "after" it is after.
 *
 * "reading" is inside of a transaction, at a look for one record.
 *
 * The file that $KILLCOMMIT names says who, when, at which commit from now on, and which signal:
 * "lh-work before 2 9". It is replaced at each commit that is counted, and removed before the signal
 * is sent: whoever reads it finds a whole order. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE 4096

struct order {
	char name[32], when[8];
	int count, signal;
};

/* The master wipes its environment after it was read, so this is kept from the start. */
static char path[4096];

__attribute__((constructor)) static void remember(void)
{
	const char *text = getenv("KILLCOMMIT");

	snprintf(path, sizeof(path), "%s", text ? text : "");
}

static int read_order(struct order *order)
{
	char name[16] = "";
	FILE *file = path[0] ? fopen(path, "re") : NULL;
	int fields;

	if (!file)
		return 0;
	fields = fscanf(file, "%31s %7s %d %d", order->name, order->when, &order->count,
			&order->signal);
	fclose(file);
	prctl(PR_GET_NAME, name, 0, 0, 0);
	return fields == 4 && strcmp(order->name, name) == 0;
}

static void write_order(const struct order *order)
{
	char next[sizeof(path) + 8];
	FILE *file;

	snprintf(next, sizeof(next), "%s.next", path);
	file = fopen(next, "we");
	if (!file)
		return;
	fprintf(file, "%s %s %d %d\n", order->name, order->when, order->count, order->signal);
	fclose(file);
	rename(next, path);
}

static void strike(const char *when)
{
	struct order order;

	if (!read_order(&order) || strcmp(order.when, when) != 0)
		return;
	if (--order.count > 0) {
		write_order(&order);
		return;
	}
	unlink(path);
	raise(order.signal);
}

static int is_commit(int fd, size_t size, off_t offset)
{
	char link[64], file[4096];
	ssize_t length;

	if (size >= PAGE || offset >= 2 * PAGE)
		return 0;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, file, sizeof(file) - 1);
	if (length < 0)
		return 0;
	file[length] = '\0';
	return strstr(file, "/data.mdb") != NULL;
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
	ssize_t (*real)(int, const void *, size_t, off_t);
	int commit = is_commit(fd, size, offset);
	ssize_t written;

	*(void **)&real = dlsym(RTLD_NEXT, "pwrite");
	if (commit)
		strike("before");
	written = real(fd, data, size, offset);
	if (commit)
		strike("after");
	return written;
}

int mdb_get(void *txn, unsigned dbi, void *key, void *data)
{
	int (*real)(void *, unsigned, void *, void *);

	*(void **)&real = dlsym(RTLD_NEXT, "mdb_get");
	strike("reading");
	return real(txn, dbi, key, data);
}
