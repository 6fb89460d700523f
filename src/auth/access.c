/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/access.h"

#include "auth/acl.h"
#include "auth/policies.h"
#include "util/buf.h"
#include "util/text.h"

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

int auth_reaches(struct policies *policies, const struct caller *caller, const char *path,
		 bool *reaches_out)
{
	struct buf folder = BUF_INIT;
	const struct acl *acl;
	int ret;

	*reaches_out = caller->root;
	if (caller->root)
		return 0;
	buf_printf(&folder, "%s%s", path, text_ends_with(path, "/") ? "" : "/");
	ret = buf_error(&folder);
	if (!ret)
		ret = policies_acl(policies, caller->policies, &acl);
	if (!ret)
		*reaches_out = acl_reaches(acl, buf_text(&folder));
	buf_free(&folder);
	return ret;
}
