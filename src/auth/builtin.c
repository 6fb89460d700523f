/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/builtin.h"

#include <stddef.h>
#include <string.h>

#include "auth/token.h"

static const char default_text[] =
	"# What every token may do, unless it was made without this policy.\n"
	"\n"
	"# With itself: see, renew and revoke itself, ask what it may do.\n"
	"path \"auth/token/lookup-self\"        { capabilities = [\"read\"] }\n"
	"path \"auth/token/renew-self\"         { capabilities = [\"update\"] }\n"
	"path \"auth/token/revoke-self\"        { capabilities = [\"update\"] }\n"
	"path \"sys/capabilities-self\"         { capabilities = [\"update\"] }\n"
	"path \"sys/internal/ui/resultant-acl\" { capabilities = [\"read\"] }\n"
	"\n"
	"# With leases whose id it knows: see and renew them. Revoking is not granted.\n"
	"path \"sys/leases/lookup\" { capabilities = [\"update\"] }\n"
	"path \"sys/leases/renew\"  { capabilities = [\"update\"] }\n"
	"path \"sys/renew\"         { capabilities = [\"update\"] }\n"
	"\n"
	"# With its own cubbyhole: everything.\n"
	"path \"cubbyhole/*\" { capabilities = [\"create\", \"read\", \"update\", \"delete\", "
	"\"list\"] }\n"
	"\n"
	"# With wrapped replies: make, look at and open them.\n"
	"path \"sys/wrapping/wrap\"   { capabilities = [\"update\"] }\n"
	"path \"sys/wrapping/lookup\" { capabilities = [\"update\"] }\n"
	"path \"sys/wrapping/unwrap\" { capabilities = [\"update\"] }\n"
	"\n"
	"# Tools that know no secret.\n"
	"path \"sys/tools/hash\"            { capabilities = [\"update\"] }\n"
	"path \"sys/tools/hash/*\"          { capabilities = [\"update\"] }\n"
	"path \"sys/control-group/request\" { capabilities = [\"update\"] }\n"
	"\n"
	"# Its own identity, where there is one.\n"
	"path \"identity/entity/id/{{identity.entity.id}}\"     { capabilities = [\"read\"] }\n"
	"path \"identity/entity/name/{{identity.entity.name}}\" { capabilities = [\"read\"] }\n"
	"path \"identity/oidc/provider/+/authorize\"            { capabilities = [\"read\", "
	"\"update\"] }\n";

static const char wrapping_text[] =
	"# What a token may do that wraps a reply: give it out, once.\n"
	"path \"cubbyhole/response\"  { capabilities = [\"create\", \"read\"] }\n"
	"path \"sys/wrapping/unwrap\" { capabilities = [\"update\"] }\n";

static const struct builtin_policy builtins[] = {
	{ BUILTIN_DEFAULT, true, default_text },
	{ BUILTIN_ROOT, false, "" },
	{ TOKEN_WRAPPING_POLICY, false, wrapping_text },
};

const struct builtin_policy *builtin_policy_find(const char *name)
{
	for (size_t i = 0; i < sizeof(builtins) / sizeof(builtins[0]); i++)
		if (!strcmp(builtins[i].name, name))
			return &builtins[i];
	return NULL;
}
