/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens as clients see them. There is one kind: the root token, which never ends. */
#include "api/context.h"

int token_lookup_self(struct context *context)
{
	const struct caller *caller = context->caller;

	return outcome_data(
		&context->outcome,
		json_pack("{s:s, s:s, s:I, s:i, s:s, s:s, s:n, s:i, s:n, s:i, s:b, s:s, s:O, s:i, "
			  "s:s}",
			  "id", context->request->token, "accessor", caller->accessor,
			  "creation_time", (json_int_t)caller->created, "creation_ttl", 0,
			  "display_name", caller->display_name, "entity_id", "", "expire_time",
			  "explicit_max_ttl", 0, "meta", "num_uses", 0, "orphan", 1, "path",
			  "auth/token/root", "policies", caller->policies, "ttl", 0, "type",
			  "service"));
}
