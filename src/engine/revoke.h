/* SPDX-License-Identifier: Apache-2.0 */
/* Taking back a planned user, whatever of it exists.
 *
 *   clear   the key and all attachments of the plan, or one of the two alone
 *   close   the plan's policies and the user; if both are gone, so is everything
 *   look    the cloud will not let go of the user: list what else is on it, clear that, close again
 *
 * Keys go first, and a call that fails keeps nothing else alive: all that can be done is done, then
 * the first failure is reported. Only policies of the plan are deleted; others are just detached.
 * The user and the policies are the judges: once they are gone, earlier failures do not matter. */
#ifndef ENGINE_REVOKE_H
#define ENGINE_REVOKE_H

#include "engine/engine.h"
#include "engine/step.h"

/* How a cloud does it. Calls are marked with tag_of(kind, index). */
struct remover {
	/* Mandatory. Whether the plan names everything it must. */
	bool (*is_sound)(const json_t *plan);

	/* Mandatory. Add the calls that clear, or those that find out what there is to be cleared:
	 * the keys first, then attachments. One of the two is left out when only a part is asked
	 * for. */
	void (*clear_keys)(struct step *step);
	void (*clear_rest)(struct step *step);

	/* Mandatory. Adds the calls that list what is on a user who cannot be deleted. */
	void (*look)(struct step *step);

	/* Mandatory. Takes the answer of a look: adds removals, and further looks. */
	void (*hear)(struct step *step, const struct answer *answer);

	/* Optional. Appends the tags of what must be deleted before the user, at last. 0, or anything
	 * else if memory is out. */
	int (*left)(const struct step *step, json_t *left);

	/* Mandatory. Adds the deletion of one of them. */
	void (*close)(struct step *step, int tag);

	/* Optional. A deletion of many things was refused because of one of them: adds the tags of
	 * single ones to left. False if it was no such refusal. */
	bool (*divide)(struct step *step, const struct answer *answer, json_t *left);

	/* Optional. Another way to what a removal could not do: adds the calls that lead there, and
	 * those that follow when they are answered. False: there is none. */
	bool (*mend)(struct step *step, const struct answer *answer);

	/* Mandatory. Whether there is no such thing (any more), */
	bool (*is_gone)(const struct answer *answer);
	/* and whether the cloud will not delete it before something else is removed from it that we
	 * know how to take away. */
	bool (*is_conflict)(const struct answer *answer);
};

/* Deletes the keys of a list: [{"AccessKeyId"}]. */
void revoke_keys(struct step *step, const json_t *keys,
		 void (*delete_key)(struct step *step, const char *id, size_t index));

/* At most so many things of one list are removed in one round; the rest is found by the next look. */
#define REVOKE_FOUND_MAX 100

/* Remembers that something cannot be deleted in this conversation. */
void revoke_lost(struct step *step);

/* What struct engine says about revoke. */
enum verdict revoke_user(const struct remover *remover, struct step *step);

#endif
