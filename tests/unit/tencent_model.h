/* SPDX-License-Identifier: Apache-2.0 */
/* A small model of CAM: users, keys, policies, attachments and the rules between them. Answers go
 * through the engine's own read_answer, as those of the real cloud do. The cloud's own policies are of
 * the model's type "System", those of the account of "Custom". */
#ifndef TESTS_TENCENT_MODEL_H
#define TESTS_TENCENT_MODEL_H

#include "model.h"
#include "play.h"

struct tencent_model {
	struct model model;
	bool keywords_refused; /* ListPolicies does not take any */
	bool attaches_once;    /* a second time is refused, without a code of its own */
	bool detaches;         /* users and policies are deleted with their attachments */
	bool bare_codes;       /* "ResourceNotFound" comes without a detail */
	const char *conflict;  /* code for what holds policies or is held; NULL: FailedOperation */
	bool disables_first;   /* a key is not deleted unless it is one of these: */
	struct model_pair disabled[MODEL_MAX];
};

/* A play_cloud. */
void tencent_answer(void *model, const struct call *call, struct answer *answer);

/* A check of each call: a name is that of the plan, a number is never missing. */
void tencent_check(const struct play *play, const struct call *call);

/* The number of a policy, "Type" and name; 0 if there is none. */
unsigned tencent_policy(const struct tencent_model *model, const char *type, const char *name);

#endif
