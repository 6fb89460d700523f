/* SPDX-License-Identifier: Apache-2.0 */
/* The order of checks: request, route, token, whether it may, which pool, fields, handler. */
#include "api/api.h"

#include <stdlib.h>
#include <string.h>

#include "api/assertion.h"
#include "api/context.h"
#include "api/fields.h"
#include "api/help.h"
#include "api/wrapping.h"
#include "auth/access.h"
#include "auth/identity.h"
#include "auth/policies.h"
#include "auth/token.h"
#include "auth/token_cache.h"
#include "auth/vouched.h"
#include "store/store.h"
#include "util/err.h"
#include "util/log.h"
#include "util/text.h"

#define INVALID_TOKEN "2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n"
#define NO_OPERATION  "1 error occurred:\n\t* unsupported operation\n\n"

/* What nginx keeps in memory of one answer of the read pool: a longer one would make a worker wait
 * for a slow reader. */
#define READ_REPLY_MAX (128 * 1024)

struct api {
	struct broker *broker;
	struct policies *policies;
	struct token_cache *tokens;
	struct identities *identities;
	struct vouched *vouched;
	enum api_pool pool;
	bool issued;  /* the last reply holds a credential: api_settle passes on how it fared */
	bool flushed; /* nobody can say that it was not received */
};

int api_new(struct broker *broker, enum api_pool pool, struct api **api_out)
{
	struct api *api = calloc(1, sizeof(*api));
	int ret;

	*api_out = NULL;
	if (!api)
		return LH_ENOMEM;
	api->broker = broker;
	api->pool = pool;
	ret = policies_new(broker_store(broker), &api->policies);
	if (!ret)
		ret = token_cache_new(broker_store(broker), &api->tokens);
	if (!ret)
		ret = identities_new(broker_store(broker), &api->identities);
	if (!ret)
		ret = vouched_new(&api->vouched);
	if (ret) {
		api_free(api);
		return ret;
	}
	*api_out = api;
	return 0;
}

void api_free(struct api *api)
{
	if (api) {
		policies_free(api->policies);
		token_cache_free(api->tokens);
		identities_free(api->identities);
		vouched_free(api->vouched);
	}
	free(api);
}

/* ---- Faults ---- */

/* The client learns nothing but that; the log has the rest. */
static void say_fault(struct outcome *outcome, const struct api_request *raw, int code)
{
	log_error("api: %s %s: %s", raw->method, raw->path, err_name(code));
	if (code == LH_EFULL)
		outcome_error(outcome, 507, "the store is full");
	else
		outcome_error(outcome, 500, "internal error");
}

/* ---- Who asks, and whether that is allowed ---- */

/* A token decides alone, valid or not, whoever the web server says asks. LH_EPERM, LH_ERANGE: the
 * refusal is in the outcome. */
static int find_caller(const struct api *api, struct context *context, struct caller *caller)
{
	int ret;

	if (!context->request->token[0])
		return assertion_serve(context, caller);
	ret = token_cache_lookup(api->tokens, context->request->token, caller);
	if (ret == LH_EPERM) {
		outcome_error(&context->outcome, 403, INVALID_TOKEN);
		wrapping_tell_refused(context);
	}
	if (ret)
		return ret;
	if (token_allows_address(caller, context->request->raw->remote_address))
		return assertion_check_rate(context, caller);
	outcome_error(&context->outcome, 403, "permission denied");
	return LH_EPERM;
}

/* Takes a use of a counted token, whatever becomes of the request: also one that is denied counts.
 * LH_EBUSY: it is the work pool's, for it is written down. LH_EPERM: the refusal is in the outcome. */
static int take_use(const struct api *api, struct context *context, struct caller *caller)
{
	int ret;

	if (!caller->num_uses)
		return 0;
	if (api->pool == API_READ)
		return LH_EBUSY;
	if (wrapping_is_opening(context, caller))
		return 0;
	ret = broker_use_token(api->broker, caller, context->request->raw->deadline);
	if (ret == LH_EPERM)
		outcome_error(&context->outcome, 403, INVALID_TOKEN);
	if (ret != LH_ECONFLICT)
		return ret;
	outcome_error(&context->outcome, 503, "too many requests use this token at once");
	return LH_EPERM;
}

/* After its last use a token is dead. When that cannot be written now, the revoker sees to it: until
 * then nobody is let in by a token without uses. */
static void end_used_up(const struct api *api, const struct caller *caller)
{
	int ret;

	if (caller->num_uses != TOKEN_USED_UP)
		return;
	ret = broker_end_token(api->broker, caller->token, TOKEN_REVOKE_TREE);
	if (ret)
		log_warn("api: a token without uses cannot be revoked now (%s); it is revoked soon",
			 err_name(ret));
}

static enum capability natural_capability(enum operation operation)
{
	switch (operation) {
	case OPERATION_READ:
	case OPERATION_HEAD: return CAPABILITY_READ;
	case OPERATION_LIST: return CAPABILITY_LIST;
	case OPERATION_DELETE: return CAPABILITY_DELETE;
	case OPERATION_PATCH: return CAPABILITY_PATCH;
	case OPERATION_WRITE: return CAPABILITY_UPDATE;
	}
	return CAPABILITY_UPDATE;
}

/* What a request needs, also one that leads nowhere: strangers do not learn what exists. */
static int needed_capability(struct context *context, enum capability *capability_out)
{
	const struct route_match *match = context->match;
	bool exists = true;
	int ret = 0;

	*capability_out = natural_capability(context->request->operation);
	if (match->miss != ROUTE_FOUND)
		return 0;
	*capability_out = context_is_open(context) ? CAPABILITY_NONE : match->route->capability;
	if (route_creates(match->route, match->engine))
		ret = match->route->exists(context, &exists);
	if (!exists)
		*capability_out = CAPABILITY_CREATE;
	return ret;
}

/* A final slash leads to the same mount or list of policies, so what is refused without it is refused
 * with it: a rule is not passed by writing one. In a cubbyhole a name with it is another name. */
static int check_without_slash(struct context *context, struct access access, bool *allowed)
{
	const struct route_match *match = context->match;
	size_t size = strlen(access.path);
	char path[API_PATH_MAX + 2];

	if (!*allowed || match->miss != ROUTE_FOUND || (match->route->flags & ROUTE_ANY) ||
	    access.capability == CAPABILITY_LIST || !text_ends_with(access.path, "/"))
		return 0;
	memcpy(path, access.path, size - 1);
	path[size - 1] = '\0';
	access.path = path;
	return auth_allows(context->policies, context->caller, &access, allowed);
}

static int check_allowed(struct context *context)
{
	const struct route_match *match = context->match;
	struct access access = {
		.path = context->request->path,
		.sudo = match->miss == ROUTE_FOUND && (match->route->flags & ROUTE_SUDO),
		.input = context->request->input,
		.wrap_ttl = context->request->wrap_ttl,
	};
	bool allowed = false;
	int ret;

	ret = needed_capability(context, &access.capability);
	if (!ret)
		ret = auth_allows(context->policies, context->caller, &access, &allowed);
	if (!ret)
		ret = check_without_slash(context, access, &allowed);
	if (ret || allowed)
		return ret;
	outcome_error(&context->outcome, 403, OUTCOME_DENIED);
	return LH_EPERM;
}

/* ---- Where it leads ---- */

/* LH_ENOENT: the refusal is in the outcome. */
static int check_route(struct context *context)
{
	struct outcome *outcome = &context->outcome;
	const char *path = context->request->path;

	switch (context->match->miss) {
	case ROUTE_FOUND: return 0;
	case ROUTE_NO_MOUNT:
		outcome_error(outcome, 404, "no handler for route \"%s\". route entry not found.",
			      path);
		break;
	case ROUTE_TAINTED:
		outcome_error(outcome, 404, "no handler for route \"%s\". route entry is tainted.",
			      path);
		break;
	case ROUTE_NO_PATH: outcome_error(outcome, 404, OUTCOME_NO_PATH); break;
	case ROUTE_NO_OPERATION:
		outcome_error(outcome, 405,
			      context->match->route->flags & ROUTE_BARE ? NULL : NO_OPERATION);
		break;
	}
	return LH_ENOENT;
}

/* Names are stored in lower case. Another spelling is refused, not folded: whoever reads a policy
 * must be able to read it literally. */
static int check_name(struct context *context)
{
	const char *name = context->match->capture;
	char lower[API_PATH_MAX + 2];
	size_t i;

	if (!(context->match->route->flags & ROUTE_LOWER))
		return 0;
	for (i = 0; name[i]; i++)
		lower[i] = text_lower(name[i]);
	lower[i] = '\0';
	if (!strcmp(name, lower))
		return 0;
	outcome_error(&context->outcome, 400,
		      "names are stored in lower case: write \"%s\" instead of \"%s\"", lower,
		      name);
	return LH_EINVAL;
}

/* ---- Fields ---- */

static int read_fields(struct context *context, json_t **fields_out)
{
	const struct route *route = context->match->route;
	const struct field *fields = route_fields(route, context->match->engine);
	const char *secret = fields_secret_in(fields, context->request->query);
	struct err err = { "" };
	int ret;

	*fields_out = NULL;
	if (secret) {
		outcome_error(&context->outcome, 400,
			      "query parameter \"%s\" is a secret: send it in the body", secret);
		return LH_EINVAL;
	}
	ret = fields_read(fields, context->request->input, fields_out, &err);
	if (ret == LH_EINVAL)
		outcome_error(&context->outcome, 400, "%s%s",
			      route_creates(route, context->match->engine)
				      ? ""
				      : "Field validation failed: ",
			      err.text);
	return ret;
}

static int handle(struct context *context)
{
	const struct route *route = context->match->route;
	const struct request *request = context->request;
	json_t *fields;
	const char *capture;
	size_t capture_size;
	int ret;

	ret = read_fields(context, &fields);
	if (ret)
		return ret;
	context->fields = fields;
	ret = route->handle(context);
	context->fields = NULL;
	json_decref(fields);
	if (ret || context->outcome.kind != OUTCOME_DATA || (route->flags & ROUTE_ANY))
		return ret;
	capture = route_capture(route->pattern, &capture_size);
	fields_warn(route_fields(route, context->match->engine), request->input, capture,
		    capture_size, &context->outcome);
	return 0;
}

/* ---- The whole ---- */

/* What is wrapped is written down. */
static bool is_for_work_pool(const struct context *context)
{
	return context->match->route->pool == API_WORK || wrapping_is_wanted(context);
}

static int handle_wrapped(struct context *context)
{
	int ret = wrapping_check_room(context);

	if (!ret)
		ret = handle(context);
	return ret ? ret : wrapping_finish(context);
}

/* LH_EBUSY: the work pool must answer. Any other code: outcome, or a fault. */
static int serve_route(struct api *api, struct context *context)
{
	int ret = check_allowed(context);

	if (!ret)
		ret = check_route(context);
	if (!ret && api->pool == API_READ && is_for_work_pool(context))
		return LH_EBUSY;
	if (!ret)
		ret = check_name(context);
	if (ret)
		return ret;
	return wrapping_is_wanted(context) ? handle_wrapped(context) : handle(context);
}

/* Help of what is always there is for every valid token. Whether anything is mounted at a path is
 * learned by those alone who may do something there. */
static int serve_help(struct context *context)
{
	const struct route_match *match = context->match;
	bool built_in = match->table && !match->engine, reaches = true;
	int ret = 0;

	if (!built_in)
		ret = auth_reaches(context->policies, context->caller, context->request->path,
				   &reaches);
	if (!ret && !reaches)
		outcome_error(&context->outcome, 403, OUTCOME_DENIED);
	if (ret || !reaches)
		return ret;
	if (match->miss == ROUTE_NO_MOUNT || match->miss == ROUTE_TAINTED)
		return check_route(context);
	return help_say(match, &context->outcome);
}

static int serve_request(struct api *api, struct context *context, struct route_match *match)
{
	const struct request *request = context->request;
	struct caller caller = { .accessor = NULL };
	int ret;

	ret = route_find(api->broker, request->operation, request->path, match);
	if (ret)
		return ret;
	context->match = match;
	context->caller = &caller;
	if (match->miss == ROUTE_FOUND && (match->route->flags & ROUTE_WRAPPER) && !request->help)
		ret = wrapping_find(context);
	if (!ret && !context_is_open(context))
		ret = find_caller(api, context, &caller);
	assertion_show(context, &caller);
	if (!ret)
		ret = take_use(api, context, &caller);
	if (!ret)
		ret = request->help ? serve_help(context) : serve_route(api, context);
	context->caller = NULL;
	end_used_up(api, &caller);
	caller_clear(&caller);
	return ret;
}

static int write_reply(const struct context *context, const struct api_request *raw,
		       struct api_reply *reply)
{
	const struct route_match *match = context->match;
	const struct route *route = match && match->miss == ROUTE_FOUND ? match->route : NULL;
	struct reply_terms terms = {
		.request_id = raw->request_id,
		.operation = context->request->operation,
		.mount_type = "",
		.inject = route && (route->flags & ROUTE_INJECT),
	};

	if (route && route->capability != CAPABILITY_NONE)
		terms.mount_type = match->mount_type;
	if (raw->namespace[0] && strlen(raw->namespace) < sizeof(reply->headers[0].value))
		reply_header(reply, "X-Vault-Namespace", raw->namespace);
	return reply_write(&context->outcome, &terms, reply);
}

/* Whether a read worker must leave the answer to the work pool after all. Reading twice is harmless:
 * nothing that changes anything is read here. */
static bool is_too_long(const struct api *api, const struct api_reply *reply)
{
	return api->pool == API_READ && reply->body.size > READ_REPLY_MAX;
}

static void hand_on(const struct api_request *raw, struct api_reply *reply)
{
	api_reply_clear(reply);
	if (raw->handed_on) {
		log_error("api: a request was handed on to the read pool: "
			  "check the web server's configuration");
		api_reply_error(reply, 500, "internal error");
		return;
	}
	reply->hand_on = true;
}

/* A reply that cannot be written delivers no credential. */
static void give_up(struct api *api, struct context *context, const struct api_request *raw,
		    struct api_reply *reply)
{
	if (context->issued)
		broker_delivered(api->broker, false);
	context->issued = false;
	log_error("api: %s %s: %s", raw->method, raw->path, err_name(LH_ENOMEM));
	api_reply_error(reply, 500, "internal error");
}

void api_serve(struct api *api, const struct api_request *raw, struct api_reply *reply)
{
	struct context context = { .broker = api->broker,
				   .policies = api->policies,
				   .identities = api->identities,
				   .vouched = api->vouched };
	struct route_match match;
	struct request request;
	int ret;

	memset(reply, 0, sizeof(*reply));
	context.request = &request;
	ret = request_read(raw, &request, &context.outcome);
	if (!ret)
		ret = serve_request(api, &context, &match);
	if (ret && ret != LH_EBUSY && context.outcome.kind != OUTCOME_ERRORS)
		say_fault(&context.outcome, raw, ret);
	if (ret != LH_EBUSY && write_reply(&context, raw, reply))
		give_up(api, &context, raw, reply);
	if (ret == LH_EBUSY || is_too_long(api, reply))
		hand_on(raw, reply);
	else if (context.served)
		assertion_count(&context);
	api->issued = context.issued;
	api->flushed = false;
	log_set_identity(NULL);
	outcome_clear(&context.outcome);
	request_clear(&request);
}

void api_sent(struct api *api, bool flushed)
{
	api->flushed = flushed;
	if (api->issued && flushed)
		broker_sent(api->broker);
}

void api_settle(struct api *api)
{
	if (api->issued)
		broker_delivered(api->broker, api->flushed);
	api->issued = false;
}
