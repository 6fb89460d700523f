/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/access.h"

#include "auth/acl.h"
#include "auth/policies.h"

int auth_allows(struct policies *policies, const struct caller *caller, const struct access *access,
		bool *allowed_out)
{
	const struct acl *acl;
	int ret;

	*allowed_out = access->capability == CAPABILITY_NONE ||
		       access->capability == CAPABILITY_SELF || caller->root;
	if (*allowed_out)
		return 0;
	ret = policies_acl(policies, caller->policies, &acl);
	if (!ret)
		*allowed_out = acl_allows(acl, access);
	return ret;
}
