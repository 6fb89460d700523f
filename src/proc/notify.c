/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/notify.h"

#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "util/json.h"
#include "util/text.h"

#define FIRST_PASSED 3 /* SD_LISTEN_FDS_START */

void notify_send(const json_t *environment, const char *state)
{
	const char *path = json_get_text(environment, "NOTIFY_SOCKET");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t size = strlen(path);
	int fd;

	if (size == 0 || size >= sizeof(address.sun_path))
		return;
	memcpy(address.sun_path, path, size);
	if (path[0] == '@') /* an abstract name */
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&address,
	       (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size));
	close(fd);
}

int notify_passed(const json_t *environment, const char *name)
{
	const char *names = json_get_text(environment, "LISTEN_FDNAMES");
	int64_t pid, count;

	if (text_int64(json_get_text(environment, "LISTEN_PID"), &pid) != 0 || pid != getpid() ||
	    text_int64(json_get_text(environment, "LISTEN_FDS"), &count) != 0)
		return -1;
	for (int64_t i = 0; i < count && *names; i++) {
		size_t size = strcspn(names, ":");

		if (size == strlen(name) && memcmp(names, name, size) == 0)
			return FIRST_PASSED + (int)i;
		names += size + (names[size] == ':');
	}
	return -1;
}
