/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/handover.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "util/err.h"

/* Aligned as the kernel wants it. */
union passage {
	char room[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

int handover_new(int ends[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0
		       ? 0
		       : LH_EIO;
}

int handover_send(int end, int fd)
{
	union passage passage = { "" };
	char byte = 0;
	struct iovec data = { &byte, 1 };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1 };
	struct cmsghdr *header;

	message.msg_control = passage.room;
	message.msg_controllen = sizeof(passage.room);
	header = CMSG_FIRSTHDR(&message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	return sendmsg(end, &message, MSG_NOSIGNAL) == 1 ? 0 : LH_EIO;
}

int handover_receive(int end, int *fd_out)
{
	union passage passage = { "" };
	char byte;
	struct iovec data = { &byte, 1 };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1 };
	struct cmsghdr *header;

	message.msg_control = passage.room;
	message.msg_controllen = sizeof(passage.room);
	if (recvmsg(end, &message, MSG_CMSG_CLOEXEC) != 1)
		return LH_ENOENT;
	header = CMSG_FIRSTHDR(&message);
	if (!header || header->cmsg_type != SCM_RIGHTS || header->cmsg_len != CMSG_LEN(sizeof(int)))
		return LH_ENOENT;
	memcpy(fd_out, CMSG_DATA(header), sizeof(*fd_out));
	return 0;
}
