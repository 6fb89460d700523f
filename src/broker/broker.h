/* SPDX-License-Identifier: Apache-2.0 */
/* The broker joins engine, lease, http, sign and store: it issues, renews and revokes.
 * One lives in each process that has a store. */
#ifndef BROKER_BROKER_H
#define BROKER_BROKER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/token.h"
#include "broker/mount.h"
#include "lease/lease.h"
#include "util/shared.h"

struct broker;
struct caller;
struct conf;
struct err;
struct shared;
struct slot;
struct store;

/* All borrowed and outliving the broker. */
struct broker_options {
	const struct conf *conf;
	struct store *store;
	struct shared *shared;
	struct slot *slot;         /* of this process */
	const json_t *environment; /* what the engines may read of it */
	size_t connections;        /* to clouds, at most */
};

/* *broker_out is new. 0, LH_ENOMEM or LH_EIO, with a sentence. */
int broker_new(const struct broker_options *options, struct broker **broker_out, struct err *err);
void broker_free(struct broker *broker);

struct store *broker_store(struct broker *broker);
const struct conf *broker_conf(const struct broker *broker);
struct shared *broker_shared(const struct broker *broker);

/* Adds one to a counter of this process (util/shared.h). */
void broker_count(const struct broker *broker, enum slot_counter counter);

/* ---- What the API asks for ---- */

/* Why something failed, for the HTTP status. */
enum broker_failure {
	FAILURE_NONE,
	FAILURE_INPUT,       /* 400: a configuration mistake, ours or found by the cloud */
	FAILURE_THROTTLED,   /* 429 with Retry-After: still throttled at the deadline */
	FAILURE_UNREACHABLE, /* 502 */
	FAILURE_SLOW,        /* 504 */
	FAILURE_FULL,        /* 507: the store */
	FAILURE_INTERNAL,    /* 500 */
};

struct issue_request {
	const struct mount *mount;
	const char *role_name;
	const json_t *role; /* as stored, */
	uint64_t role_revision;
	const char *path; /* of the request, relative to /v1/: the lease id begins with it */
	const struct caller *caller;
	const json_t *fields;        /* of creds_fields, coerced */
	int64_t deadline;            /* boot ms */
	bool (*gone)(void *context); /* whether the client has left; NULL: cannot be known */
	void *context;
};

struct issue_reply {
	char *lease_id; /* new */
	int64_t ttl;    /* seconds */
	bool renewable;
	json_t *data; /* the credential; new */
	struct warnings warnings;
	enum broker_failure failure;
	int64_t retry_after; /* seconds, with FAILURE_THROTTLED */
};

void issue_reply_clear(struct issue_reply *reply);

/* Issues a credential. When it returns 0 the lease is ISSUED (or ACTIVE, for sessions) and the
 * caller must end with broker_delivered, whatever happens to the reply. Otherwise nothing stays
 * behind that the revoker does not know of. Errors: LH_E…, failure and sentence set. */
int broker_issue(struct broker *broker, const struct issue_request *request,
		 struct issue_reply *reply, struct err *err);

/* Says that the reply of the last issue or unwrapping was flushed, before anything else happens: if
 * the process dies now, the revoker confirms the lease, or token. No-op when nothing is in hand. */
void broker_sent(struct broker *broker);

/* Says what became of that reply: flushed, the lease, or token, is confirmed; not flushed, nobody has
 * it and it is revoked at once. No-op when nothing is in hand. */
void broker_delivered(struct broker *broker, bool flushed);

/* Asks the cloud what a role that is about to be stored only names (engine->resolve_role).
 * *role_out is new: what to store instead; NULL: nothing, for there are no root credentials at hand,
 * or the cloud cannot be reached (a warning says so); an issue will ask again.
 * 0; LH_EINVAL: the role cannot be used, the sentence is in err; LH_ENOMEM, LH_EIO. */
int broker_resolve_role(struct broker *broker, const struct mount *mount, const json_t *role,
			int64_t deadline, json_t **role_out, struct warnings *warnings,
			struct err *err);

struct renew_reply {
	int64_t ttl;
	struct warnings warnings;
};

/* Renews. LH_ENOENT (unknown), LH_EINVAL with the contract's words in err, LH_EFULL, LH_EIO. */
int broker_renew(struct broker *broker, const char *lease_id, int64_t increment,
		 struct renew_reply *reply, struct err *err);

enum revoke_mode {
	REVOKE_SYNC,  /* wait until it is gone */
	REVOKE_ASYNC, /* durable, then return */
	REVOKE_FORCE, /* one attempt, then it is forgotten; waits */
};

/* Revokes one lease. 0 also when it is unknown; LH_ECLOUD with the detail of the failed attempt in
 * err (it is retried on); LH_ETIMEOUT: it goes on after the deadline (boot ms). */
int broker_revoke(struct broker *broker, const char *lease_id, enum revoke_mode mode,
		  int64_t deadline, struct err *err);

/* Revokes all leases under a prefix by a durable job; the prefix ends in a slash. */
int broker_revoke_prefix(struct broker *broker, const char *prefix, enum revoke_mode mode,
			 int64_t deadline, struct err *err);

/* ---- Tokens ---- */

/* Takes one use of a counted token that was looked up (auth/token.h), before `deadline` (boot ms):
 * the last one is followed by broker_end_token, whatever becomes of the request. The caller is
 * looked up again where somebody else was faster. LH_EPERM: none is left; LH_ECONFLICT: others were
 * faster until the deadline; LH_EFULL, LH_EIO, LH_ENOMEM. */
int broker_use_token(struct broker *broker, struct caller *caller, int64_t deadline);

/* Kills a token in one commit; the revoker takes away what it owned. 0 also when it is dead, but
 * LH_EPERM where its children shall live on. Errors as token_revoke. */
int broker_end_token(struct broker *broker, const unsigned char name[KEYRING_NAME_SIZE],
		     enum token_revocation revocation);

/* Whether to repeat a write that ended with `code`: another writer overtook it (LH_ECONFLICT), not
 * too often yet, and the deadline (boot ms) has not come. Waits a little first; *tries begins with
 * 0. */
bool broker_again(struct broker *broker, int code, int64_t deadline, unsigned *tries);

/* ---- The revoker: the only process that takes anything back ---- */

struct revoker;

/* broker: borrowed, outlives it. 0 or LH_ENOMEM, with a sentence. */
int revoker_new(struct broker *broker, struct revoker **revoker_out, struct err *err);
void revoker_free(struct revoker *revoker);

/* One turn: cleans up dead slots, drains jobs, starts what is due, moves conversations on, and waits
 * at most timeout_ms for something to happen (a wake-up through shared->revoker_wake included).
 * 0, or an error after which the process should end and be started again. */
int revoker_turn(struct revoker *revoker, int64_t timeout_ms, struct err *err);

/* How many revocations are in flight. */
size_t revoker_in_flight(const struct revoker *revoker);

#endif
