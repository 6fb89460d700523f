/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/access.h"

#include "auth/policies.h"

int auth_allows(struct policies *policies, const struct caller *caller, const struct access *access,
		bool *allowed_out)
{
	(void)policies;
	*allowed_out = access->capability == CAPABILITY_NONE ||
		       access->capability == CAPABILITY_SELF || caller->root;
	return 0;
}
