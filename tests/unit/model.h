/* SPDX-License-Identifier: Apache-2.0 */
/* What a small model of a cloud keeps, whichever it is: users, keys, policies, attachments, and the
 * faults that its calls have. */
#ifndef TESTS_MODEL_H
#define TESTS_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
	unsigned user_numbers[MODEL_MAX], policy_numbers[MODEL_MAX]; /* each is given once */
	struct model_pair keys[MODEL_MAX];
	struct model_pair attached[MODEL_MAX];
	char grouped[160];     /* a user that is in a group */
	const char *denied[4]; /* actions, perhaps with "Type name", that the caller may not do */
	unsigned next_key, next_number;

	/* The call with this ordinal (1 is the first) ends so, with or without its effect. */
	size_t calls, fault_at;
	enum answer_kind fault;
	bool fault_has_effect;
	const char *fault_code; /* with ANSWER_REFUSED */
	/* So many calls that need what was just made, and deletions, see the state of before. */
	unsigned late;
};

struct policy_name {
	char text[160];
};

struct policy_name policy_name(const char *type, const char *name);

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

/* One way in which a call can fail: see the members of the model. */
struct model_fault {
	const char *name;
	enum answer_kind kind;
	bool has_effect;
	const char *code;
};

/* The call with this ordinal fails so. */
void model_fail(struct model *model, size_t at, const struct model_fault *fault);

/* Somebody else's things, to be added first: the user other with a key, the policy foreign, and the
 * policy Read of the cloud. Fails the test unless they are all there. */
void model_add_others(struct model *model);
void model_check_others(const struct model *model);

/* A number below `below`; the same seed draws the same ones. */
unsigned model_draw(uint64_t *seed, unsigned below);

/* ---- For the clouds themselves ---- */

/* The place of a text, -1 if there is none. */
int model_find(char (*table)[160], const char *text);
struct model_pair *model_find_pair(struct model_pair *table, const char *of, const char *name);
void model_add_pair(struct model_pair *table, const char *of, const char *name);
size_t model_count_pairs(const struct model_pair *table, const char *of, const char *name);

/* Gives a user a key with the next id. */
const char *model_new_key(struct model *model, const char *user);

/* Whether the caller may not do it; policy is "Type name" or "". */
bool model_denies(const struct model *model, const char *action, const char *policy);

/* Counts a call. Whether it fails before it has an effect: the answer says how then. Else
 * *faulty_out tells that the answer gets lost, for which model_lose stands. give writes an answer
 * with a code. */
typedef void (*model_give)(struct answer *answer, const char *code, json_t *body);
bool model_fails(struct model *model, struct answer *answer, model_give give, bool *faulty_out);
void model_lose(const struct model *model, struct answer *answer, json_t *body);

/* Whether this call still sees the state of before. */
bool model_is_late(struct model *model);

#endif
