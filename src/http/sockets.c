/* SPDX-License-Identifier: Apache-2.0 */
/* The sockets of a client's connections. libcurl looks once a second at most for idle connections
 * that the server has closed, and a request sent on such a one counts as perhaps executed. So we look
 * ourselves, at the last moment before a request is sent. libcurl names the connection by its ports
 * only, hence the list. */
#include "http/http_priv.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static bool grow(struct http_sockets *sockets)
{
	size_t capacity = sockets->capacity ? 2 * sockets->capacity : 8;
	int *fds;

	if (sockets->count < sockets->capacity)
		return true;
	fds = realloc(sockets->fds, capacity * sizeof(*fds));
	if (!fds)
		return false;
	sockets->fds = fds;
	sockets->capacity = capacity;
	return true;
}

curl_socket_t http_socket_open(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct http_sockets *sockets = context;
	int fd;

	(void)purpose;
	if (!grow(sockets))
		return CURL_SOCKET_BAD;
	fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
	if (fd >= 0)
		sockets->fds[sockets->count++] = fd;
	return fd >= 0 ? fd : CURL_SOCKET_BAD;
}

int http_socket_close(void *context, curl_socket_t fd)
{
	struct http_sockets *sockets = context;

	for (size_t i = 0; i < sockets->count; i++) {
		if (sockets->fds[i] == fd) {
			sockets->fds[i] = sockets->fds[--sockets->count];
			break;
		}
	}
	return close(fd);
}

static int port_of(const struct sockaddr_storage *address)
{
	if (address->ss_family == AF_INET)
		return ntohs(((const struct sockaddr_in *)(const void *)address)->sin_port);
	if (address->ss_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *)(const void *)address)->sin6_port);
	return -1;
}

static bool has_ports(int fd, int own_port, int port)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);

	if (getsockname(fd, (struct sockaddr *)&address, &size) || port_of(&address) != own_port)
		return false;
	size = sizeof(address);
	return getpeername(fd, (struct sockaddr *)&address, &size) == 0 &&
	       port_of(&address) == port;
}

/* On an idle connection there is nothing to read: what comes unasked is a farewell. */
static bool is_closed(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 ||
	       (errno != EAGAIN && errno != EINTR);
}

bool http_sockets_closed(const struct http_sockets *sockets, int own_port, int port)
{
	for (size_t i = 0; i < sockets->count; i++) {
		if (has_ports(sockets->fds[i], own_port, port))
			return is_closed(sockets->fds[i]);
	}
	return false;
}

void http_sockets_free(struct http_sockets *sockets)
{
	free(sockets->fds);
	*sockets = (struct http_sockets){ 0 };
}
