/* SPDX-License-Identifier: Apache-2.0 */
/* What a rule asks of a request beside its path. */
#ifndef AUTH_PARAMETERS_H
#define AUTH_PARAMETERS_H

#include <stdbool.h>

#include "auth/access.h"
#include "auth/policy.h"

/* Whether the reply is to be wrapped for as long as the rule wants. */
bool wrap_allowed(const struct rule *rule, const struct access *access);

/* Whether the fields that were sent are those that the rule requires and allows. Only what reads,
 * creates, updates or patches is asked for fields. Texts of a rule may begin and end in `*`; any
 * other value must be equal, also in type. */
bool parameters_allowed(const struct rule *rule, const struct access *access);

#endif
