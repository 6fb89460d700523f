/* SPDX-License-Identifier: Apache-2.0 */
/* Preloaded by tests of a clock that is set: moves the wall clock of the daemon and of all its
 * children by as many nanoseconds as the first eight bytes of the file $SETCLOCK say.
 *
 * The file is mapped once, before the daemon wipes its environment and forks: what the test writes
 * there is seen by every process at its next look at the clock. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *moved;

__attribute__((constructor)) static void map_file(void)
{
	const char *path = getenv("SETCLOCK");
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *mapping = fd < 0 ? MAP_FAILED : mmap(NULL, 8, PROT_READ, MAP_SHARED, fd, 0);

	if (mapping != MAP_FAILED)
		moved = mapping;
	if (fd >= 0)
		close(fd);
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
	static int (*real)(clockid_t, struct timespec *);
	int64_t ns;
	int ret;

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
	ret = real(clock, time);
	if (ret || clock != CLOCK_REALTIME || !moved)
		return ret;
	ns = time->tv_sec * INT64_C(1000000000) + time->tv_nsec + *moved;
	time->tv_sec = ns / 1000000000;
	time->tv_nsec = ns % 1000000000;
	return 0;
}
