/* SPDX-License-Identifier: Apache-2.0 */
/* auth/token/renew: a token gets more time, from now on. */
#include <string.h>

#include "api/assertion.h"
#include "api/cert_login.h"
#include "api/context.h"
#include "api/token.h"
#include "auth/token.h"
#include "auth/token_role.h"
#include "conf/conf.h"
#include "lease/ttl.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/json.h"
#include "util/log.h"
#include "util/wipe.h"

static int check_renewable(const struct caller *token, struct err *err)
{
	if (token->type == TOKEN_BATCH)
		return err_set(err, LH_EINVAL, "batch tokens cannot be renewed");
	if (!strcmp(token->path, TOKEN_ROOT_PATH))
		return err_set(err, LH_EINVAL, "invalid lease ID");
	if (!token->renewable || !token->expires_ns)
		return err_set(err, LH_EINVAL, "lease is not renewable");
	return 0;
}

static int64_t lesser(int64_t own, int64_t ruled)
{
	return ruled && (!own || ruled < own) ? ruled : own;
}

/* Its role may have become narrower since; a role that is gone rules nothing out any more. */
static int apply_role(struct context *context, const struct caller *token, struct ttl_terms *terms,
		      struct err *err)
{
	json_t *role;
	int ret;

	if (!token->role[0])
		return 0;
	ret = token_role_get(context_store(context), token->role, &role, NULL);
	if (ret == LH_ENOENT)
		return err_set(err, LH_EINVAL,
			       "original token role \"%s\" could not be found, not renewing",
			       token->role);
	if (ret)
		return ret;
	terms->explicit_max = lesser(terms->explicit_max,
				     json_get_int(role, "token_explicit_max_ttl", 0));
	terms->period = lesser(terms->period, json_get_int(role, "token_period", 0));
	json_decref(role);
	return 0;
}

/* One attempt. max: of the identity's entry, 0: none. warning: of ttl_grant. */
static int renew_once(struct context *context, struct caller *token, int64_t max, char *warning,
		      size_t size, struct err *err)
{
	const struct conf *conf = broker_conf(context->broker);
	struct ttl_terms terms = {
		.increment = json_get_int(context->fields, "increment", 0),
		.role_ttl = token->ttl,
		.mount_default = conf->default_lease_ttl,
		.mount_max = conf->max_lease_ttl,
		.start = token->issued_ns / NS_PER_SECOND,
		.now = clock_now(),
		.explicit_max = lesser(token->explicit_max, max),
		.period = token->period,
	};
	int64_t ttl = 0;
	int ret;

	ret = check_renewable(token, err);
	if (!ret)
		ret = apply_role(context, token, &terms, err);
	if (!ret && cert_login_made(token))
		ret = cert_login_limits(context, token, &terms, err);
	if (!ret)
		ret = ttl_grant(&terms, &ttl, warning, size, err);
	if (ret == LH_ERANGE)
		return err_set(err, LH_EINVAL,
			       "1 error occurred:\n\t* past the max TTL, cannot renew\n\n");
	return ret ? ret : token_renew(context_store(context), token, ttl);
}

/* Looks the token up again, when somebody else has changed it. LH_ENOENT: it is dead by now. */
static int again(struct context *context, struct caller *token)
{
	struct caller fresh;
	int ret = token_find_name(context_store(context), token->token, &fresh);

	if (ret)
		return ret;
	caller_clear(token);
	*token = fresh;
	return 0;
}

/* A token of an identity lives on only while the web server vouches for the same one: who has merely
 * got hold of it cannot; and while its entry grants what the token may do. LH_EPERM: it is not vouched
 * for now; the log has the reason. LH_EINVAL with a sentence: the policies are others. *max_out: how
 * long the entry lets its tokens live at most by now. */
static int check_identity(struct context *context, const struct caller *token, int64_t *max_out,
			  struct err *err)
{
	struct caller asserted;
	int ret;

	*max_out = 0;
	if (!token->identified)
		return 0;
	if (cert_login_made(token))
		return cert_login_renews(context, token);
	ret = assertion_caller(context, &asserted);
	if (!ret && !wipe_equal(asserted.identity, token->identity, sizeof(token->identity)))
		ret = LH_EPERM;
	if (!ret && !json_equal(asserted.policies, token->policies))
		ret = err_set(err, LH_EINVAL, "policies have changed, not renewing");
	if (ret == LH_EPERM)
		log_warn("identity: a token is not renewed: the web server does not vouch for its "
			 "identity now");
	*max_out = asserted.explicit_max;
	caller_clear(&asserted);
	return ret;
}

/* text: of the token; "" where only its accessor is known. */
static int renew(struct context *context, struct caller *token, const char *text)
{
	struct err err = { "" };
	char warning[256] = "";
	unsigned tries = 0;
	int64_t max;
	int ret = check_identity(context, token, &max, &err);

	if (ret == LH_EPERM)
		return outcome_error(&context->outcome, 403, "permission denied");
	if (ret)
		return context_failure(context, ret, &err);
	for (;;) {
		ret = renew_once(context, token, max, warning, sizeof(warning), &err);
		if (!broker_again(context->broker, ret, context->request->raw->deadline, &tries))
			break;
		ret = again(context, token);
		if (ret == LH_ENOENT)
			return outcome_error(&context->outcome, 400, "token not found");
		if (ret)
			break;
	}
	if (ret)
		return context_failure(context, ret, &err);
	if (warning[0])
		outcome_warn(&context->outcome, "%s", warning);
	return outcome_auth(&context->outcome, token_auth(token, text, token->ttl));
}

static int find_and_renew(struct context *context, const char *text)
{
	struct caller token;
	int ret = auth_lookup(context_store(context), text, &token);

	if (ret == LH_EPERM)
		return outcome_error(&context->outcome, 400, "token not found");
	if (!ret)
		ret = renew(context, &token, text);
	caller_clear(&token);
	return ret;
}

int token_renew_given(struct context *context)
{
	const char *text = json_get_text(context->fields, "token");

	if (!text[0])
		return outcome_error(&context->outcome, 400, "missing token ID");
	return find_and_renew(context, text);
}

int token_renew_self(struct context *context)
{
	if (context->caller->type == TOKEN_IDENTITY)
		return outcome_error(&context->outcome, 400,
				     "an identity has no token to renew, and needs none");
	return find_and_renew(context, context->request->token);
}

int token_renew_accessor(struct context *context)
{
	struct caller token;
	int ret = token_of_accessor(context, &token);

	if (ret == LH_ENOENT)
		return outcome_error(&context->outcome, 400,
				     "1 error occurred:\n\t* invalid accessor\n\n");
	if (!ret)
		ret = renew(context, &token, "");
	caller_clear(&token);
	return ret == LH_EPERM ? 0 : ret;
}
