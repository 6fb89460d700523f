/* SPDX-License-Identifier: Apache-2.0 */
/* Preloaded by tests of name servers that do not answer: whoever asks for this one name waits for
 * ever, and cannot be woken. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
		struct addrinfo **list)
{
	static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

	while (node && strcmp(node, "deaf.invalid") == 0)
		pause();
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
	return real(node, service, hints, list);
}
