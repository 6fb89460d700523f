/* SPDX-License-Identifier: Apache-2.0 */
/* A small model of RAM: users, keys, policies, attachments and the rules between them. Answers go
 * through the engine's own read_answer, as those of the real cloud do. */
#ifndef TESTS_ALICLOUD_MODEL_H
#define TESTS_ALICLOUD_MODEL_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/engine.h"

#define MODEL_MAX 32

struct model_pair {
	char of[160]; /* a user */
	char name[160];
};

/* Texts of a table; "" is a free place. A policy is named "Type name". */
struct model {
	char users[MODEL_MAX][160];
	char policies[MODEL_MAX][160];
	struct model_pair keys[MODEL_MAX];
	struct model_pair attached[MODEL_MAX];
	char grouped[160];     /* a user that is in a group */
	const char *denied[4]; /* actions, perhaps with "Type name", that the caller may not do */
	unsigned next_key;

	/* The call with this ordinal (1 is the first) ends so, with or without its effect. */
	size_t calls, fault_at;
	enum answer_kind fault;
	bool fault_has_effect;
	const char *fault_code; /* with ANSWER_REFUSED */
	/* So many calls that need what was just made, and deletions, see the state of before. */
	unsigned late;
};

void model_add_user(struct model *model, const char *user);
void model_add_policy(struct model *model, const char *type, const char *name);
void model_add_key(struct model *model, const char *user, const char *id);
void model_attach(struct model *model, const char *user, const char *type, const char *name);

bool model_has_user(const struct model *model, const char *user);
bool model_has_policy(const struct model *model, const char *type, const char *name);
bool model_is_attached(const struct model *model, const char *user, const char *type,
		       const char *name);
size_t model_keys_of(const struct model *model, const char *user);
size_t model_attachments_of(const struct model *model, const char *user);

/* Whether anything that a plan names exists: the user, a key or an attachment of it, its own
 * policies. */
bool model_holds(const struct model *model, const json_t *plan);

/* A play_cloud. */
void model_answer(void *model, const struct call *call, struct answer *answer);

#endif
