/* SPDX-License-Identifier: Apache-2.0 */
/* A cloud in which a plan was carried out, beside somebody else's things, and a revocation of it. */
#ifndef TESTS_TENCENT_SCENE_H
#define TESTS_TENCENT_SCENE_H

#include "tencent_model.h"

/* Numbers are given in the order in which the model's things are made: see scene_open. */
#define PLAN                                                                                       \
	"{\"kind\":\"cam\",\"user\":\"u\",\"inline\":[{\"name\":\"u-1\"},{\"name\":\"u-2\"}],"     \
	"\"remote\":[{\"policy_name\":\"Read\",\"scope\":\"QCS\",\"policy_id\":1}]}"
#define FACTS_BUT "\"uin\":1004,\"secret_id\":\"LTAI1\",\"inline\":[5,6],\"remote\":[1]"
#define FACTS     "{" FACTS_BUT ",\"repeated\":false}"
#define REPEATED  "{" FACTS_BUT ",\"repeated\":true}"
#define CALLS     6 /* of a revocation without faults, with facts */

#define DETACH       "DetachUserPolicy 5, DetachUserPolicy 6, DetachUserPolicy 1"
#define CLEAR        "DeleteAccessKey LTAI1, " DETACH
#define CLOSE        "DeletePolicy [5,6], DeleteUser"
#define FIND         "GetUser, " FIND_OWN
#define FIND_OWN     "ListPolicies 1 Local u-1, ListPolicies 1 Local u-2"
#define LIST         "ListAccessKeys, ListAttachedUserPolicies 1"
#define UNAUTHORIZED "AuthFailure.UnauthorizedOperation"

struct scene {
	struct tencent_model world;
	struct play play;
	json_t *plan, *facts;
};

/* facts: of the lease; NULL: the issue never ended. */
void scene_open(struct scene *scene, const char *facts);

/* Also checks that what is not ours was not touched. */
void scene_close(struct scene *scene);

/* Makes what is not ours in a cloud that is empty. */
void scene_others(struct model *model);

/* Begins another revocation in the same cloud. */
void scene_again(struct scene *scene, enum revoke_part part);

/* Plays it to its end: these calls are made, and nothing of the plan is left. */
void scene_done(struct scene *scene, const char *log);

#endif
