/* SPDX-License-Identifier: Apache-2.0 */
/* Conversations with a model of RAM about one plan: the user u with the policies u-1 and u-2 of its own
 * and the remote policy Read. */
#ifndef TESTS_ALICLOUD_SCENE_H
#define TESTS_ALICLOUD_SCENE_H

#include "alicloud_model.h"
#include "engine/alicloud/alicloud.h"

#define PLAN                                                                                       \
	"{\"kind\":\"ram\",\"user\":\"u\",\"inline\":[{\"name\":\"u-1\"},{\"name\":\"u-2\"}],"     \
	"\"remote\":[{\"name\":\"Read\",\"type\":\"System\"}]}"
#define ROLE                                                                                       \
	"{\"role_arn\":\"\",\"inline_policies\":[{\"hash\":\"1\",\"policy_document\":{\"a\":1}},"  \
	"{\"hash\":\"2\",\"policy_document\":{\"b\":2}}],"                                         \
	"\"remote_policies\":[{\"name\":\"Read\",\"type\":\"System\"}]}"
#define FACTS "{\"access_key_id\":\"LTAI1\"}"
/* What a revocation calls. */
#define DETACH                                                                                     \
	"DetachPolicyFromUser Custom u-1, DetachPolicyFromUser Custom u-2, "                       \
	"DetachPolicyFromUser System Read"
#define CLEAR "DeleteAccessKey LTAI1, " DETACH
#define CLOSE "DeletePolicy u-1, DeletePolicy u-2, DeleteUser"
#define LOOK  "ListAccessKeys, ListPoliciesForUser"

#define ISSUE_CALLS  7 /* of an issue without faults */
#define REVOKE_CALLS 7 /* of a revocation without faults */

struct scene {
	struct model model;
	struct play play;
	json_t *role, *plan, *facts;
	bool others; /* there are somebody else's things, which must stay */
};

/* A cloud in which there is nothing but the remote policy. */
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
