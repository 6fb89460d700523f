/* SPDX-License-Identifier: Apache-2.0 */
#include "api/reach.h"

#include "api/context.h"
#include "auth/access.h"
#include "auth/token.h"
#include "util/buf.h"

static int may_update(struct context *context, const char *path, bool sudo, bool *allowed_out)
{
	const struct access access = {
		.path = path,
		.capability = CAPABILITY_UPDATE,
		.sudo = sudo,
		.input = context->request->input,
		.wrap_ttl = context->request->wrap_ttl,
	};

	return auth_allows(context->policies, context->caller, &access, allowed_out);
}

int reach_sudo(struct context *context, bool *sudo_out)
{
	return may_update(context, context->request->path, true, sudo_out);
}

int reach_owned(struct context *context, const struct caller *owner, const char *name,
		bool *reaches_out)
{
	struct buf path = BUF_INIT;
	int ret;

	*reaches_out = owner && token_is_within(owner, context->caller);
	if (*reaches_out)
		return 0;
	ret = reach_sudo(context, reaches_out);
	if (ret || *reaches_out)
		return ret;
	buf_printf(&path, "%s/%s", context->request->path, name);
	ret = buf_error(&path);
	if (!ret)
		ret = may_update(context, buf_text(&path), false, reaches_out);
	buf_free(&path);
	return ret;
}
