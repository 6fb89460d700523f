/* SPDX-License-Identifier: Apache-2.0 */
/* How a policy's text becomes one rule: started with its path, then set member by member. */
#ifndef AUTH_RULE_H
#define AUTH_RULE_H

#include <jansson.h>

#include "auth/policy.h"

struct err;

/* The path as it was written. LH_EINVAL: a wildcard or a template that cannot be one. */
int rule_start(struct rule *rule, const char *path, unsigned line, struct err *err);

/* One member. 0, LH_ENOMEM, or LH_EINVAL with `path "x": …` in err. */
int rule_set(struct rule *rule, const char *key, unsigned line, const json_t *value,
	     struct err *err);

/* What can be judged when all members are there. 0 or LH_EINVAL. */
int rule_finish(struct rule *rule, struct err *err);

void rule_clear(struct rule *rule);

/* Makes one rule of two for the same path. 0 or LH_ENOMEM. */
int rule_merge(struct rule *rule, const struct rule *other);

/* Text as an error may show it: quotes and control characters escaped, cut when it is long. */
#define RULE_SHOWN 128
const char *rule_show(const char *text, char shown[RULE_SHOWN]);

#endif
