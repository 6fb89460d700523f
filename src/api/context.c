/* SPDX-License-Identifier: Apache-2.0 */
#include "api/context.h"

#include "api/assertion.h"
#include "auth/token.h"
#include "util/err.h"
#include "util/log.h"

/* What the store refuses has no sentence of its own everywhere. */
static const char *text_or(const struct err *err, const char *otherwise)
{
	return err->text[0] ? err->text : otherwise;
}

int context_failure(struct context *context, int code, const struct err *err)
{
	switch (code) {
	case LH_EINVAL:
	case LH_EEXIST:
	case LH_ENOENT:
	case LH_ECLOUD: return outcome_error(&context->outcome, 400, "%s", err->text);
	case LH_ECONFLICT:
		return outcome_error(&context->outcome, 409, "%s",
				     text_or(err, "others changed the same at once: try again"));
	case LH_ETIMEOUT: return outcome_error(&context->outcome, 504, "%s", err->text);
	case LH_EFULL:
		return outcome_error(&context->outcome, 507, "%s",
				     text_or(err, "the store is full"));
	default: break;
	}
	if (err->text[0])
		log_error("api: %s", err->text);
	return code;
}

/* Neither a token nor somebody for whom the web server vouches. */
static bool is_nobody(const struct request *request)
{
	return !request->token[0] && !assertion_is_made(request->raw);
}

bool context_is_open(const struct context *context)
{
	const struct route *route = context->match->route;

	if (context->match->miss != ROUTE_FOUND || context->request->help)
		return false;
	return route->capability == CAPABILITY_NONE ||
	       (route->flags & ROUTE_TOKENLESS && is_nobody(context->request));
}

int context_bearer(struct context *context, struct caller *caller_out, bool *known_out)
{
	const struct request *request = context->request;
	int ret;

	*known_out = false;
	if (!request->token[0]) {
		ret = assertion_caller(context, caller_out);
		*known_out = !ret;
		return ret == LH_EPERM ? 0 : ret;
	}
	ret = auth_lookup(context_store(context), request->token, caller_out);
	if (ret)
		return ret == LH_EPERM ? 0 : ret;
	/* What is counted is let in only where a use is taken, and an open route takes none. */
	*known_out = !caller_out->num_uses &&
		     token_allows_address(caller_out, request->raw->remote_address);
	if (!*known_out)
		caller_clear(caller_out);
	return 0;
}
