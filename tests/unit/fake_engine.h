/* SPDX-License-Identifier: Apache-2.0 */
/* An engine without a cloud, in place of the real array: what its steps return is set by the test.
 * It proves the seam from above: the broker knows nothing but the struct. */
#ifndef TESTS_FAKE_ENGINE_H
#define TESTS_FAKE_ENGINE_H

#include "engine/engine.h"

#define FAKE_ACCOUNT "1000000000000001"

extern struct fake {
	enum verdict issue, revoke; /* STEP_MORE: there is one call, each time */
	struct answer culprit;      /* of a failed step; action NULL: none */
	bool lasting;
	int64_t ttl, max_ttl;
	int64_t expires_at;
	unsigned plans, issues, revokes; /* how often it was asked */
	unsigned parts[3];               /* the same of `revokes` by how much was asked for */
	bool keys_after_rest;       /* keys were to be removed although the rest of others was */
	void (*during_issue)(void); /* called inside `issue`; may be NULL */
	bool asks;                  /* resolve_role has a question; then it ends with: */
	enum verdict resolve;
	bool mistake;
	const char *answer; /* with STEP_DONE: the role has this member "answer", from issue too */
	unsigned resolves;
} fake;

extern const struct engine engine_fake;

/* A new lasting credential is issued and revoked in one step; nothing was asked yet. */
void fake_reset(void);

#endif
