/* SPDX-License-Identifier: Apache-2.0 */
/* cubbyhole/: what a token keeps for itself. */
#include "auth/cubbyhole.h"

#include <string.h>

#include "api/context.h"
#include "api/wrapping.h"
#include "store/store.h"
#include "util/err.h"

static struct cubbyhole_owner owner_of(const struct context *context)
{
	return (struct cubbyhole_owner){
		.caller = context->caller,
		.token = context->request->token,
	};
}

int cubbyhole_read(struct context *context)
{
	const struct cubbyhole_owner owner = owner_of(context);
	const char *path = context->match->capture;
	json_t *data;
	int ret;

	if (context->caller->wrapping && !strcmp(path, "response"))
		return wrapping_response(context);
	ret = cubbyhole_get(context_store(context), &owner, path, &data);
	if (ret)
		return ret == LH_ENOENT ? 0 : ret;
	return outcome_data(&context->outcome, data);
}

int cubbyhole_exists(struct context *context, bool *exists_out)
{
	const struct cubbyhole_owner owner = owner_of(context);
	json_t *data;
	int ret = cubbyhole_get(context_store(context), &owner, context->match->capture, &data);

	*exists_out = !ret;
	if (!ret)
		json_decref(data);
	return ret == LH_ENOENT ? 0 : ret;
}

int cubbyhole_names(struct context *context)
{
	const struct cubbyhole_owner owner = owner_of(context);
	json_t *names;
	int ret = cubbyhole_list(context_store(context), &owner, context->match->capture, &names);

	return ret ? ret : outcome_data(&context->outcome, json_pack("{s:o}", "keys", names));
}

/* A batch token is stored nowhere, and so would be what is its own. */
static int refuse_batch(struct context *context)
{
	return outcome_error(&context->outcome, 400,
			     "cubbyhole operations are only supported by \"service\" type tokens");
}

/* Whose owner died meanwhile is refused as if it had come later. */
static int say_failure(struct context *context, int ret, const struct err *err)
{
	if (ret == LH_EPERM)
		return outcome_error(&context->outcome, 403, "permission denied");
	if (ret == LH_ECONFLICT)
		return outcome_error(&context->outcome, 409,
				     "too many others want the same at once; try again");
	return ret == LH_EINVAL ? context_failure(context, ret, err) : ret;
}

int cubbyhole_write(struct context *context)
{
	const struct cubbyhole_owner owner = owner_of(context);
	const char *path = context->match->capture;
	const json_t *data = context->request->body;
	struct err err = { "" };
	unsigned tries = 0;
	int ret;

	if (context->caller->type == TOKEN_BATCH)
		return refuse_batch(context);
	if (!path[0])
		return outcome_error(&context->outcome, 400, "missing path");
	if (!json_object_size(data))
		return outcome_error(&context->outcome, 400, "missing data fields");
	do
		ret = cubbyhole_put(context_store(context), &owner, path, data, &err);
	while (broker_again(context->broker, ret, context->request->raw->deadline, &tries));
	return say_failure(context, ret, &err);
}

int cubbyhole_remove(struct context *context)
{
	const struct cubbyhole_owner owner = owner_of(context);
	const struct err err = { "" };
	unsigned tries = 0;
	int ret;

	do
		ret = cubbyhole_delete(context_store(context), &owner, context->match->capture);
	while (broker_again(context->broker, ret, context->request->raw->deadline, &tries));
	return say_failure(context, ret, &err);
}
