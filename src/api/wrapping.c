/* SPDX-License-Identifier: Apache-2.0 */
/* sys/wrapping/, and how any answer is wrapped. */
#include "api/wrapping.h"

#include <string.h>

#include "api/context.h"
#include "broker/wrapping.h"
#include "store/store.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/json.h"
#include "util/log.h"

#define INVALID    "wrapping token is not valid or does not exist"
#define CANNOT_SAY "error validating wrapping token: "

/* ---- Any answer ---- */

bool wrapping_is_wanted(const struct context *context)
{
	const struct route *route = context->match->route;

	return context->request->wrap_ttl > 0 && !context_is_open(context) &&
	       !(route->flags & (ROUTE_BARE | ROUTE_WRAPPER));
}

/* A wrapping token has nothing wrapped but its own response anew. Each new one would have a share of
 * its own, and could do the same. */
int wrapping_check_room(struct context *context)
{
	struct err err = { "" };
	int ret;

	if (context->caller->wrapping && !wrapping_is_opening(context, context->caller)) {
		outcome_error(&context->outcome, 403, OUTCOME_DENIED);
		return LH_EINVAL;
	}
	ret = broker_wrap_room(context->broker, context->caller, &err);
	if (ret == LH_EINVAL)
		outcome_error(&context->outcome, 400, "%s", err.text);
	return ret;
}

static json_t *wrap_info(const struct wrap_reply *reply)
{
	char created[40];
	json_t *info;

	clock_format_ns(reply->created_ns, created);
	info = json_pack("{s:s, s:s, s:I, s:s, s:s}", "token", reply->made.token, "accessor",
			 reply->made.accessor, "ttl", (json_int_t)reply->ttl, "creation_time",
			 created, "creation_path", reply->path);
	if (reply->accessor[0] &&
	    json_object_set_new(info, "wrapped_accessor", json_string(reply->accessor))) {
		json_decref(info);
		return NULL;
	}
	return info;
}

/* What nobody will receive is taken back at once. */
static void give_back(struct context *context)
{
	int ret = 0;

	if (context->issued)
		broker_delivered(context->broker, false);
	if (context->made)
		ret = broker_end_token(context->broker, context->made_name, TOKEN_REVOKE_TREE);
	if (ret)
		log_warn("wrapping: a token that nobody received cannot be revoked (%s); it lives "
			 "until its end",
			 err_name(ret));
	context->issued = context->made = false;
}

/* The answer as it would have been sent. */
static int write_answer(struct context *context, struct api_reply *answer)
{
	struct reply_terms terms = {
		.request_id = context->request->raw->request_id,
		.operation = context->request->operation,
		.mount_type = context->match->mount_type,
	};

	return reply_write(&context->outcome, &terms, answer);
}

static int wrap_answer(struct context *context, const struct buf *answer)
{
	struct wrap_request request = {
		.caller = context->caller,
		.path = context->request->path,
		.ttl = context->request->wrap_ttl,
		.response = answer->data,
		.size = answer->size,
		.accessor = json_get_text(context->outcome.auth, "accessor"),
		.token = context->made ? context->made_name : NULL,
		.deadline = context->request->raw->deadline,
	};
	struct wrap_reply reply;
	struct err err = { "" };
	int ret = broker_wrap(context->broker, &request, &reply, &err);

	if (ret)
		return context_failure(context, ret, &err);
	outcome_wrapped(&context->outcome, wrap_info(&reply));
	wrap_reply_clear(&reply);
	return 0;
}

int wrapping_finish(struct context *context)
{
	struct api_reply answer = { 0 };
	int ret;

	if (context->outcome.kind != OUTCOME_DATA || context->outcome.wrap_info)
		return 0;
	ret = write_answer(context, &answer);
	if (!ret && answer.status < 300 && answer.body.size)
		ret = wrap_answer(context, &answer.body);
	if (ret || context->outcome.kind == OUTCOME_ERRORS)
		give_back(context);
	api_reply_clear(&answer);
	return ret;
}

int wrapping_wrap(struct context *context)
{
	if (!context->request->wrap_ttl)
		return outcome_error(&context->outcome, 400,
				     "endpoint requires response wrapping to be used");
	return outcome_data(&context->outcome, json_incref(context->request->body));
}

/* ---- One wrapping token ---- */

static int refuse(struct context *context, int status, const char *text)
{
	outcome_error(&context->outcome, status, "%s", text);
	return LH_EINVAL;
}

static int choose_token(struct context *context)
{
	const json_t *sent = json_object_get(context->request->input, "token");
	bool in_body = sent && !json_is_null(sent);

	if (in_body && !json_is_string(sent))
		return refuse(context, 403, CANNOT_SAY "could not decode token in request body");
	context->wrapping_token = in_body ? json_string_value(sent) : context->request->token;
	if (context->wrapping_token[0])
		return 0;
	return refuse(context, 403,
		      in_body ? CANNOT_SAY "empty token in request body"
			      : CANNOT_SAY "token is empty");
}

static struct opening opening_of(const struct context *context)
{
	return (struct opening){
		.token = context->wrapping_token,
		.address = context->request->raw->remote_address,
		.deadline = context->request->raw->deadline,
		.caller = context->caller,
	};
}

/* LH_ENOENT: it opens nothing, or nothing any more. */
static int check_token(const struct context *context)
{
	struct opening opening = opening_of(context);
	struct wrapper *wrapper = NULL;
	struct caller bearer = { .accessor = NULL };
	int ret;

	ret = broker_wrapper_find(context->broker, &opening, &wrapper);
	wrapper_free(wrapper);
	if (!ret)
		ret = auth_lookup(context_store(context), opening.token, &bearer);
	caller_clear(&bearer);
	return ret == LH_EPERM ? LH_ENOENT : ret;
}

int wrapping_find(struct context *context)
{
	int ret = choose_token(context);

	if (!ret)
		ret = check_token(context);
	return ret == LH_ENOENT ? refuse(context, 400, INVALID) : ret;
}

int wrapping_lookup(struct context *context)
{
	struct opening opening = opening_of(context);
	struct wrapper *wrapper;
	char created[40];
	int ret = broker_wrapper_find(context->broker, &opening, &wrapper);

	if (ret)
		return ret == LH_ENOENT ? outcome_error(&context->outcome, 400, INVALID) : ret;
	clock_format_ns(wrapper->created_ns, created);
	outcome_data(&context->outcome,
		     json_pack("{s:s, s:s, s:I}", "creation_path", wrapper->path, "creation_time",
			       created, "creation_ttl", (json_int_t)wrapper->ttl));
	wrapper_free(wrapper);
	return 0;
}

static int say_failure(struct context *context, int ret)
{
	give_back(context);
	if (ret == LH_ECONFLICT)
		return outcome_error(&context->outcome, 409,
				     "too many others want the same at once; try again");
	if (ret == LH_EPERM) /* as if it had come after its revocation */
		return outcome_error(&context->outcome, 403, "permission denied");
	return ret == LH_ENOENT ? outcome_error(&context->outcome, 400, INVALID) : ret;
}

/* ttl: seconds; 0: as it was wrapped before. */
static int rewrap(struct context *context, int64_t ttl)
{
	struct opening opening = opening_of(context);
	struct wrap_reply reply;
	struct err err = { "" };
	int ret = broker_rewrap(context->broker, &opening, ttl, &reply, &context->issued, &err);

	if (ret == LH_EINVAL)
		return context_failure(context, ret, &err);
	if (ret)
		return say_failure(context, ret);
	outcome_wrapped(&context->outcome, wrap_info(&reply));
	wrap_reply_clear(&reply);
	return 0;
}

int wrapping_rewrap(struct context *context)
{
	return rewrap(context, 0);
}

/* Whoever wants it wrapped gets it wrapped anew. */
int wrapping_unwrap(struct context *context)
{
	struct opening opening = opening_of(context);
	struct buf response = BUF_INIT;
	int ret;

	if (context->request->wrap_ttl)
		return rewrap(context, context->request->wrap_ttl);
	ret = broker_unwrap(context->broker, &opening, &response, &context->issued);
	if (ret)
		ret = say_failure(context, ret);
	else
		ret = outcome_text(&context->outcome, &response, NULL);
	buf_free(&response);
	return ret;
}

/* ---- The old way: cubbyhole/response ---- */

static bool is_old_way(const struct context *context)
{
	return context->match->miss == ROUTE_FOUND &&
	       context->match->route->handle == cubbyhole_read &&
	       !strcmp(context->request->path, "cubbyhole/response");
}

bool wrapping_is_opening(const struct context *context, const struct caller *caller)
{
	const struct route_match *match = context->match;
	const struct request *request = context->request;

	if (!caller->wrapping || match->miss != ROUTE_FOUND || request->help)
		return false;
	if (match->route->handle == wrapping_unwrap)
		return !strcmp(context->wrapping_token, request->token);
	return is_old_way(context);
}

void wrapping_tell_refused(struct context *context)
{
	struct wrapper *wrapper = NULL;
	struct opening opening;

	if (!is_old_way(context))
		return;
	context->wrapping_token = context->request->token;
	opening = opening_of(context);
	broker_wrapper_find(context->broker, &opening, &wrapper);
	wrapper_free(wrapper);
}

int wrapping_response(struct context *context)
{
	struct buf response = BUF_INIT;
	struct opening opening;
	int ret;

	context->wrapping_token = context->request->token;
	if (context->request->wrap_ttl)
		return rewrap(context, context->request->wrap_ttl);
	opening = opening_of(context);
	ret = broker_unwrap(context->broker, &opening, &response, &context->issued);
	if (ret) {
		buf_free(&response);
		return say_failure(context, ret);
	}
	outcome_data(&context->outcome,
		     json_pack("{s:s%}", "response", buf_text(&response), response.size));
	outcome_warn(&context->outcome,
		     "Reading from 'cubbyhole/response' is deprecated. Please use "
		     "sys/wrapping/unwrap to unwrap responses, as it provides additional security "
		     "checks and other benefits.");
	buf_free(&response);
	return 0;
}
