/* SPDX-License-Identifier: Apache-2.0 */
/* A role session: one call, and nothing stays in the cloud that could be taken back. */
#ifndef ENGINE_SESSION_H
#define ENGINE_SESSION_H

#include "engine/engine.h"

/* A temporary credential as the cloud hands it out, borrowed from the answer. */
struct session {
	const char *id, *secret, *token;
	int64_t expires_at;
};

/* The cloud's names of its parts. The end is a number of seconds since 1970 or a text of RFC 3339. */
struct session_names {
	const char *id, *secret, *token, *end;
};

/* Reads a credential; the end may stand beside it, in `around`. All parts must be there.
 * 0 or LH_EINVAL. */
int session_read(const struct session_names *names, const json_t *credentials, const json_t *around,
		 struct session *session_out);

struct session_rules {
	const struct service *service;
	const struct session_names *names;
	/* Names in the data for the caller, and of the id in the facts. */
	const char *id, *secret, *token, *fact;
	/* Optional. Adds parameters to the call. */
	void (*more)(const struct step *step, struct call *call);
};

/* What struct engine says about issue, for a session: AssumeRole. */
enum verdict session_assume(const struct session_rules *rules, struct step *step);

/* Copies a session into an empty key; a token that is NULL or "" is none. 0 or LH_ENOMEM. */
int session_fill_key(const struct session *session, struct root_key *key);

/* Ends a conversation that logged in: what struct engine says about fetch_key. */
enum verdict session_take_key(const struct session_names *names, struct step *step,
			      struct root_key *key);

#endif
