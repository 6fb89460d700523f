/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/policies.h"

#include <stdlib.h>

#include "util/err.h"

struct policies {
	struct store *store;
};

int policies_new(struct store *store, struct policies **policies_out)
{
	struct policies *policies = calloc(1, sizeof(*policies));

	*policies_out = policies;
	if (!policies)
		return LH_ENOMEM;
	policies->store = store;
	return 0;
}

void policies_free(struct policies *policies)
{
	free(policies);
}
