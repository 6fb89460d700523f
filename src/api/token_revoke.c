/* SPDX-License-Identifier: Apache-2.0 */
/* auth/token/revoke: a token dies at once, and all that it owned ends soon. */
#include "api/context.h"
#include "api/reach.h"
#include "api/token.h"
#include "auth/token.h"
#include "store/store.h"
#include "util/err.h"
#include "util/json.h"

static int end(struct context *context, const struct caller *token,
	       enum token_revocation revocation)
{
	if (token->type == TOKEN_BATCH)
		return outcome_error(&context->outcome, 400, "batch tokens cannot be revoked");
	return broker_end_token(context->broker, token->token, revocation);
}

/* LH_EPERM: there is no such token. */
static int find_and_end(struct context *context, const char *text, enum token_revocation revocation)
{
	struct caller token;
	int ret = auth_lookup(context_store(context), text, &token);

	if (!ret)
		ret = end(context, &token, revocation);
	caller_clear(&token);
	return ret;
}

/* Whoever holds a token may end it. */
int token_revoke_given(struct context *context)
{
	const char *text = json_get_text(context->fields, "token");
	int ret;

	if (!text[0])
		return outcome_error(&context->outcome, 400, "missing token ID");
	ret = find_and_end(context, text, TOKEN_REVOKE_TREE);
	return ret == LH_EPERM ? 0 : ret;
}

int token_revoke_self(struct context *context)
{
	return end(context, context->caller, TOKEN_REVOKE_TREE);
}

int token_revoke_orphan(struct context *context)
{
	const char *text = json_get_text(context->fields, "token");
	bool sudo;
	int ret;

	if (!text[0])
		return outcome_error(&context->outcome, 400, "missing token ID");
	ret = reach_sudo(context, &sudo);
	if (ret)
		return ret;
	if (!sudo)
		return outcome_error(&context->outcome, 400,
				     "root or sudo privileges required to revoke and orphan");
	ret = find_and_end(context, text, TOKEN_REVOKE_ORPHAN);
	if (ret == LH_EPERM)
		return outcome_error(&context->outcome, 400, "token to revoke not found");
	return ret;
}

int token_revoke_accessor(struct context *context)
{
	struct caller token;
	int ret = token_of_accessor(context, &token);

	if (ret == LH_ENOENT) {
		outcome_warn(&context->outcome, "No token found with this accessor");
		return outcome_no_data(&context->outcome, 0);
	}
	if (!ret)
		ret = end(context, &token, TOKEN_REVOKE_TREE);
	caller_clear(&token);
	return ret == LH_EPERM ? 0 : ret;
}
