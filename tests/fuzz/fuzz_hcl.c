/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as HCL or JSON, and as a policy: read or refused in words, and never half. */
#include <stdint.h>
#include <stdlib.h>

#include "auth/policy.h"
#include "fuzz.h"
#include "hcl/hcl.h"
#include "util/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = { "" }, policy_err = { "" };
	struct policy *policy;
	json_t *items;
	int ret;

	ret = hcl_read((const char *)data, size, &items, &err);
	MUST(ret == 0 ? json_is_array(items) : ret == LH_EINVAL && !items && err.text[0]);
	json_decref(items);
	if (policy_parse("p", (const char *)data, size, &policy, &policy_err)) {
		MUST(!policy && policy_err.text[0]);
		return 0;
	}
	MUST(ret == 0);
	for (size_t i = 0; i < policy->count; i++)
		MUST(policy->rules[i].path && policy->rules[i].line > 0);
	policy_free(policy);
	return 0;
}
