/* SPDX-License-Identifier: Apache-2.0 */
/* Response wrapping: an answer is put behind a token that opens it once.
 *
 * What the answer brought into the world, a lease or a token, waits with it: the lease is WRAPPED, and
 * taken back at the wrapper's end unless somebody opened it before. Wrapper, wrapping token and lease
 * change in one commit, so that of many who open at once exactly one succeeds. */
#ifndef BROKER_WRAPPING_H
#define BROKER_WRAPPING_H

#include <stddef.h>
#include <stdint.h>

#include "auth/token.h"
#include "auth/wrapper.h"

struct broker;
struct buf;
struct err;

/* An answer that is to be wrapped; all borrowed. When it is that of broker_issue, whose lease is in
 * hand, the wrapper names the lease. */
struct wrap_request {
	const struct caller *caller; /* who asked for it */
	const char *path;            /* of the request */
	int64_t ttl;                 /* seconds; cut to the server's longest */
	const void *response;
	size_t size;
	const char *accessor;       /* of a token in the response; "" */
	const unsigned char *token; /* keyed name of a token made for the response; NULL: none */
	int64_t deadline;           /* boot ms */
};

/* What the client gets instead. Release with wrap_reply_clear, which wipes. */
struct wrap_reply {
	struct token_made made;
	int64_t created_ns;
	int64_t ttl;
	char *path;
	char *accessor; /* of the token in the response; "" */
};

void wrap_reply_clear(struct wrap_reply *reply);

/* Whether the caller may wrap one more answer, before anything is done for it; whoever wraps is
 * asked again. 0; LH_EINVAL with a sentence; LH_EIO. */
int broker_wrap_room(struct broker *broker, const struct caller *caller, struct err *err);

/* Wraps. 0; LH_EINVAL: no room; LH_ECONFLICT: the lease in hand, or the caller, is being revoked
 * already, or others wrap for it all the time; LH_EFULL, LH_EIO, LH_ENOMEM. The sentence is set.
 * broker_delivered must be told how the reply fares, as for what was wrapped. */
int broker_wrap(struct broker *broker, const struct wrap_request *request, struct wrap_reply *reply,
		struct err *err);

/* Who opens a wrapper; all borrowed. */
struct opening {
	const char *token;           /* the wrapping token */
	const char *address;         /* of the client, for the record and the log */
	int64_t deadline;            /* boot ms */
	const struct caller *caller; /* who asks, and must be alive then, unless with that token */
};

/* Finds the wrapper of a wrapping token that is alive and was not opened; that it was opened before
 * is logged, once a minute. *wrapper_out is new. LH_ENOENT: it is not such a token; LH_EIO,
 * LH_ENOMEM, LH_ECORRUPT. */
int broker_wrapper_find(struct broker *broker, const struct opening *opening,
			struct wrapper **wrapper_out);

/* Opens a wrapper, once: the response is appended to response_out, the wrapping token is dead. When
 * it holds a lease or a token, that is in hand: *issued_out tells that broker_delivered must be
 * told how the reply fares. Whether the token is alive has been checked by the caller. LH_ENOENT:
 * somebody else was first; LH_EPERM: who asks was revoked meanwhile; LH_EFULL, LH_EIO, LH_ENOMEM,
 * LH_ECORRUPT. */
int broker_unwrap(struct broker *broker, const struct opening *opening, struct buf *response_out,
		  bool *issued_out);

/* Opens a wrapper and puts its response into a new one, for the same time (ttl 0) or another, in one
 * commit. It stands in the share of who asks from now on; only what a wrapping token asks for stays
 * where it stood, WRAPPER_REWRAPS_MAX times. LH_EINVAL: no room, or too often; the sentence is set. The
 * rest as broker_unwrap. */
int broker_rewrap(struct broker *broker, const struct opening *opening, int64_t ttl,
		  struct wrap_reply *reply, bool *issued_out, struct err *err);

#endif
