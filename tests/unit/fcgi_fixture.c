/* SPDX-License-Identifier: Apache-2.0 */
#include "fcgi_fixture.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

int fcgi_set_up(void **state)
{
	static struct fixture fixture;
	const struct timeval patience = { .tv_usec = 300000 };
	int ends[2];

	memset(&fixture, 0, sizeof(fixture));
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		return -1;
	setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	fixture.web = ends[1];
	fixture.fcgi = fcgi_new(ends[0]);
	*state = &fixture;
	return fixture.fcgi ? 0 : -1;
}

int fcgi_tear_down(void **state)
{
	struct fixture *fixture = *state;

	fcgi_free(fixture->fcgi);
	if (fixture->web >= 0)
		close(fixture->web);
	buf_free(&fixture->bytes);
	return 0;
}

enum fcgi_outcome deliver(struct fixture *fixture)
{
	web_send(fixture->web, &fixture->bytes);
	buf_clear(&fixture->bytes);
	return fcgi_read(fixture->fcgi, &fixture->request, &fixture->refusal);
}
