/* SPDX-License-Identifier: Apache-2.0 */
/* Capabilities by their names. */
#include <string.h>

#include "auth/policy.h"

static const char *const names[] = {
	[CAPABILITY_NONE] = "",     [CAPABILITY_SELF] = "",         [CAPABILITY_CREATE] = "create",
	[CAPABILITY_READ] = "read", [CAPABILITY_UPDATE] = "update", [CAPABILITY_DELETE] = "delete",
	[CAPABILITY_LIST] = "list", [CAPABILITY_PATCH] = "patch",   [CAPABILITY_SUDO] = "sudo",
	[CAPABILITY_DENY] = "deny",
};

enum capability capability_find(const char *name)
{
	for (size_t i = CAPABILITY_CREATE; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(names[i], name))
			return (enum capability)i;
	return CAPABILITY_NONE;
}

const char *capability_name(enum capability capability)
{
	return names[capability];
}

json_t *capability_names(unsigned capabilities)
{
	static const enum capability sorted[] = {
		CAPABILITY_CREATE, CAPABILITY_DELETE, CAPABILITY_DENY, CAPABILITY_LIST,
		CAPABILITY_PATCH,  CAPABILITY_READ,   CAPABILITY_SUDO, CAPABILITY_UPDATE,
	};
	json_t *list = json_array();
	int failed = !list;

	if (!capabilities)
		capabilities = CAPABILITY_BIT(CAPABILITY_DENY);
	for (size_t i = 0; !failed && i < sizeof(sorted) / sizeof(sorted[0]); i++)
		if (capabilities & CAPABILITY_BIT(sorted[i]))
			failed = json_array_append_new(list,
						       json_string(capability_name(sorted[i])));
	if (!failed)
		return list;
	json_decref(list);
	return NULL;
}
