/* SPDX-License-Identifier: Apache-2.0 */
/* Wrapped responses: what is kept behind a wrapping token.
 *
 *   w/WRAPPER              the record
 *   W/MAKER/SIZE/WRAPPER   by the token that asked for it, so that its share has a limit
 *   W/MAKER                while it has many: what keeps the limit among processes (wrapper_room.c)
 *   E/TIME/WRAPPER         when it ends
 *
 * The response is sealed for the bearer of the wrapping token (crypto/bearer.h). The rest names what
 * must be taken back should nobody open it: a lease, or a token. Once it was opened the response is
 * gone, and until its end the record tells when and from where that was. Record and
 * entries change in one batch. */
#ifndef AUTH_WRAPPER_H
#define AUTH_WRAPPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/keyring.h"

struct buf;
struct store;
struct store_batch;

/* What one token may have wrapped at a time. Those that were opened count until their end. */
#define WRAPPERS_MAX      10000
#define WRAPPERS_SIZE_MAX (4 * 1024 * 1024) /* bytes of sealed responses and of paths */

/* How often a wrapping token may have its own response wrapped anew, one after the other: each one
 * that it opens so stays in the share of whoever had it wrapped at first. */
#define WRAPPER_REWRAPS_MAX 15

struct wrapper {
	unsigned char name[KEYRING_NAME_SIZE];  /* keyed name of the wrapping token */
	unsigned char maker[KEYRING_NAME_SIZE]; /* of the token that asked for it */
	bool has_lease, has_token;
	unsigned rewraps; /* by wrapping tokens, that led to it: 0 to WRAPPER_REWRAPS_MAX */
	unsigned char lease[KEYRING_NAME_SIZE]; /* keyed name of the wrapped lease */
	unsigned char token[KEYRING_NAME_SIZE]; /* of the wrapped token */
	int64_t created_ns;                     /* wall clock */
	int64_t ttl;                            /* seconds */
	char *path;                             /* of the request that was answered */
	char *accessor;                         /* of the token in the response; "" */
	int64_t opened_ns;                      /* 0: nobody has opened it */
	char *opened_by;                        /* address; "" */
	void *sealed;                           /* the response; NULL once it was opened */
	size_t sealed_size;

	uint64_t revision; /* of the record as read; 0 for a new one. Not stored. */
};

/* Seconds since 1970 when it ends. */
int64_t wrapper_end(const struct wrapper *wrapper);

/* Reads the record of a wrapping token by its keyed name, opened or not, ended or not. *wrapper_out
 * is new. 0, LH_ENOENT, LH_ENOMEM, LH_ECORRUPT, LH_EIO. */
int wrapper_get(struct store *store, const unsigned char name[KEYRING_NAME_SIZE],
		struct wrapper **wrapper_out);

/* Seals a response for the bearer of the token into the wrapper. 0, LH_ENOMEM, LH_EIO. */
int wrapper_seal(struct store *store, struct wrapper *wrapper, const char *token,
		 const void *response, size_t size);

/* Appends the response to out. LH_ENOENT: it was opened already; LH_ECORRUPT: another token's. */
int wrapper_open(struct store *store, const struct wrapper *wrapper, const char *token,
		 struct buf *out);

/* New and empty; NULL if memory is out. */
struct wrapper *wrapper_new(void);
struct wrapper *wrapper_copy(const struct wrapper *wrapper);
void wrapper_free(struct wrapper *wrapper);

/* Sets path, accessor or opened_by. 0 or LH_ENOMEM. */
int wrapper_set(char **member, const char *text);

/* Takes the response out: what is left tells when and from where it was opened. 0 or LH_ENOMEM. */
int wrapper_mark_opened(struct wrapper *wrapper, int64_t now_ns, const char *address);

/* Adds to a batch what turns `old` into `new`, under the condition that the record still has old's
 * revision. old NULL: there must be none yet; new NULL: it goes. 0 or LH_ENOMEM; at most
 * WRAPPER_BATCH_OPS operations. */
#define WRAPPER_BATCH_OPS 5
int wrapper_change(struct store_batch *batch, const struct wrapper *old, const struct wrapper *new);

/* Whether the token may wrap one more response; the last one may pass WRAPPERS_SIZE_MAX. 0, LH_EIO. */
int wrapper_has_room(struct store *store, const unsigned char maker[KEYRING_NAME_SIZE],
		     bool *room_out);

/* The same for a wrapper whose path and response are set, as a part of the batch that adds it, which
 * fails with LH_ECONFLICT when others were added meanwhile, so that there may be no room any more. One
 * operation; none without room. */
int wrapper_take_room(struct store *store, struct store_batch *batch, const struct wrapper *wrapper,
		      bool *room_out);

/* Adds to the batch that takes a wrapper away what only a token with wrapped responses needs, if it
 * is the last of them. LH_ECONFLICT from the batch: one was added meanwhile. At most one operation. */
int wrapper_close_gate(struct store *store, struct store_batch *batch,
		       const unsigned char maker[KEYRING_NAME_SIZE]);

/* The keyed names of at most max wrappers that ended at or before now, oldest first. 0 or LH_EIO. */
int wrapper_scan_ended(struct store *store, int64_t now, unsigned char (*out)[KEYRING_NAME_SIZE],
		       size_t max, size_t *count_out);

#endif
