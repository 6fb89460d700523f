/* SPDX-License-Identifier: Apache-2.0 */
/* Making a planned user: its name and its policies in one round, what ties them together in a second
 * one. Whatever fails is taken back by `revoke`; nothing is undone here. */
#ifndef ENGINE_ISSUE_H
#define ENGINE_ISSUE_H

#include "engine/engine.h"
#include "engine/step.h"

/* How a cloud does it. Calls are marked with tag_of(kind, index). */
struct maker {
	/* Mandatory. Whether the plan names everything it must. */
	bool (*is_sound)(const json_t *plan);

	/* Optional. Adds calls that find out what must be known before anything is made. */
	void (*prepare)(struct step *step);

	/* Mandatory with prepare or mend. Takes the answer of a look, may add more calls. False: it
	 * failed, with culprit or reason set. */
	bool (*hear)(struct step *step, const struct answer *answer);

	/* Mandatory. Round 1: things under planned names. */
	void (*create_user)(struct step *step);
	void (*create_policy)(struct step *step, size_t index, const char *name,
			      const char *document);

	/* Mandatory. Whether a refusal says that a planned name is in use and cannot be ours. */
	bool (*is_taken)(const struct answer *answer);

	/* Optional. Whether a refusal says that what was asked for stands already, and may be used. */
	bool (*is_so)(const struct answer *answer);

	/* Mandatory. Keeps what the answer of a call that succeeded tells; false if it lacks what it
	 * must hold. */
	bool (*learn)(struct step *step, const struct answer *answer);

	/* Mandatory. Round 2: attaches a policy of the plan: KIND_ATTACH_INLINE or _REMOTE. */
	void (*attach)(struct step *step, enum call_kind kind, size_t index);

	/* Optional. Round 2: the key, if the user does not come with one. */
	void (*create_key)(struct step *step);

	/* Mandatory. Whether a refusal only means that the cloud does not see everywhere yet what was
	 * made in round 1. */
	bool (*is_early)(const struct answer *answer);

	/* Optional. Adds calls after which a refused attachment can be tried again; false if there is
	 * nothing to be done. */
	bool (*mend)(struct step *step, const struct answer *answer);

	/* Mandatory. Sets data and facts_out from what was learned. False if memory is out. */
	bool (*deliver)(struct step *step);
};

/* Adds CreatePolicy with the parameters that every cloud so far takes: for create_policy. */
void issue_create_policy(struct step *step, const struct service *service, size_t index,
			 const char *name, const char *document);

/* What struct engine says about issue, for a user. */
enum verdict issue_user(const struct maker *maker, struct step *step);

#endif
