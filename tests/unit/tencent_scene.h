/* SPDX-License-Identifier: Apache-2.0 */
/* Conversations with a model of CAM about one plan: the user u with the policies u-1 and u-2 of its own
 * and the remote policy Read. */
#ifndef TESTS_TENCENT_SCENE_H
#define TESTS_TENCENT_SCENE_H

#include "engine/tencentcloud/tencentcloud.h"
#include "tencent_model.h"

/* id: the number of the remote policy, 0 if it is not known. */
#define REMOTE(id) "[{\"policy_name\":\"Read\",\"scope\":\"QCS\",\"policy_id\":" #id "}]"
#define PLAN(id)                                                                                   \
	"{\"kind\":\"cam\",\"user\":\"u\",\"inline\":[{\"name\":\"u-1\"},{\"name\":\"u-2\"}],"     \
	"\"remote\":" REMOTE(id) "}"
#define ROLE(id)                                                                                   \
	"{\"role_arn\":\"\",\"inline_policies\":[{\"hash\":\"1\",\"policy_document\":{\"a\":1}},"  \
	"{\"hash\":\"2\",\"policy_document\":{\"b\":2}}],\"remote_policies\":" REMOTE(id) "}"

/* Of the scene of a revocation, where numbers are given in the order in which its things are made. */
#define FACTS_BUT "\"uin\":1004,\"secret_id\":\"LTAI1\",\"inline\":[5,6],\"remote\":[1]"
#define FACTS     "{" FACTS_BUT ",\"repeated\":false}"
#define REPEATED  "{" FACTS_BUT ",\"repeated\":true}"

/* What a revocation calls. */
#define DETACH       "DetachUserPolicy 5, DetachUserPolicy 6, DetachUserPolicy 1"
#define CLEAR        "DeleteAccessKey LTAI1, " DETACH
#define CLOSE        "DeletePolicy [5,6], DeleteUser"
#define FIND         "GetUser, " FIND_OWN
#define FIND_OWN     "ListPolicies 1 Local u-1, ListPolicies 1 Local u-2"
#define LIST         "ListAccessKeys, ListAttachedUserPolicies 1"
#define UNAUTHORIZED "AuthFailure.UnauthorizedOperation"

#define ISSUE_CALLS  6 /* of an issue without faults */
#define REVOKE_CALLS 6 /* of a revocation without faults, with facts */

struct scene {
	struct tencent_model world;
	struct play play;
	json_t *role, *plan, *facts;
	bool others; /* there are somebody else's things, which must stay */
};

/* The ways in which a call of a revocation can fail. */
#define REVOKE_FAULTS 8
extern const struct model_fault revoke_faults[REVOKE_FAULTS];

/* A cloud in which there is nothing but the remote policy: it has number 1; what is made gets numbers
 * from 2 on, users from 1002. */
void scene_of_issue(struct scene *scene, const char *plan, const char *role);

/* A cloud in which the plan was carried out, beside somebody else's things. facts: NULL for none. */
void scene_of_revocation(struct scene *scene, const char *facts);

/* Another conversation in the same cloud, which begins anew. */
void scene_again(struct scene *scene, enum revoke_part part);

/* Revokes: these calls in these rounds, and nothing of the plan is left. */
void scene_expect_gone(struct scene *scene, const char *log);

/* Takes back what an issue left, as the broker would, and looks whether anything remains. */
void scene_clean_up(struct scene *scene, const json_t *facts);

/* Fails the test if somebody else's things were touched. */
void scene_close(struct scene *scene);

#endif
