/* SPDX-License-Identifier: Apache-2.0 */
/* A small model of RAM: users, keys, policies, attachments and the rules between them. Answers go
 * through the engine's own read_answer, as those of the real cloud do. */
#ifndef TESTS_ALICLOUD_MODEL_H
#define TESTS_ALICLOUD_MODEL_H

#include "model.h"
#include "play.h"

/* A play_cloud. */
void model_answer(void *model, const struct call *call, struct answer *answer);

/* A check of each call: one about a user names that of the plan. */
void model_check_user(const struct play *play, const struct call *call);

#endif
