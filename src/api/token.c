/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens as clients see them. */
#include "api/token.h"

#include <string.h>

#include "api/context.h"
#include "api/page.h"
#include "api/reach.h"
#include "auth/token.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/json.h"
#include "util/shared.h"

/* ---- What is shown ---- */

/* Seconds that are left of a token; 0 when it never ends. */
static int64_t time_left(const struct caller *caller)
{
	int64_t left_ns = caller->expires_ns - clock_now_ns();

	return caller->expires_ns && left_ns > 0 ? left_ns / NS_PER_SECOND : 0;
}

static const char *type_name(const struct caller *caller)
{
	return caller->type == TOKEN_BATCH      ? "batch"
	       : caller->type == TOKEN_IDENTITY ? "identity"
						: "service";
}

json_t *token_auth(const struct caller *caller, const char *token, int64_t ttl)
{
	json_t *own = json_array_size(caller->policies) ? caller->policies : NULL;

	return json_pack("{s:s, s:s, s:O, s:O*, s:O?, s:I, s:b, s:s, s:s, s:b, s:n, s:I}",
			 "client_token", token, "accessor", caller->accessor, "policies",
			 caller->policies, "token_policies", own, "metadata", caller->metadata,
			 "lease_duration", (json_int_t)ttl, "renewable", caller->renewable,
			 "entity_id", "", "token_type", type_name(caller), "orphan",
			 !caller->ancestor_count, "mfa_requirement", "num_uses",
			 (json_int_t)caller->num_uses);
}

static int set_time(json_t *data, const char *name, int64_t ns)
{
	char text[40];

	clock_format_ns(ns, text);
	return json_object_set_new(data, name, ns ? json_string(text) : json_null());
}

/* What a token has that can end, and what it has only where it was given. */
static int add_optional(json_t *data, const struct caller *caller)
{
	int lost = 0;

	if (strcmp(caller->path, TOKEN_ROOT_PATH) != 0) {
		lost |= json_object_set_new(data, "renewable", json_boolean(caller->renewable));
		lost |= set_time(data, "issue_time", caller->issued_ns);
	}
	if (caller->renewed_ns) {
		lost |= set_time(data, "last_renewal", caller->renewed_ns);
		lost |= json_object_set_new(data, "last_renewal_time",
					    json_integer(caller->renewed_ns / NS_PER_SECOND));
	}
	if (caller->role[0])
		lost |= json_object_set_new(data, "role", json_string(caller->role));
	if (caller->period)
		lost |= json_object_set_new(data, "period", json_integer(caller->period));
	if (json_array_size(caller->bound_cidrs))
		lost |= json_object_set(data, "bound_cidrs", caller->bound_cidrs);
	return lost;
}

/* id: "" where only the accessor is known. */
static int show(struct context *context, const struct caller *caller, const char *id)
{
	json_t *data = json_pack(
		"{s:s, s:s, s:O, s:s, s:O?, s:s, s:I, s:b, s:I, s:I, s:I, s:I, s:s, s:s}", "id", id,
		"accessor", caller->accessor, "policies", caller->policies, "path", caller->path,
		"meta", caller->metadata, "display_name", caller->display_name, "num_uses",
		(json_int_t)caller->num_uses, "orphan", !caller->ancestor_count, "creation_time",
		(json_int_t)caller->created, "creation_ttl", (json_int_t)caller->creation_ttl,
		"ttl", (json_int_t)time_left(caller), "explicit_max_ttl",
		(json_int_t)caller->explicit_max, "entity_id", "", "type", type_name(caller));

	if (set_time(data, "expire_time", caller->expires_ns) || add_optional(data, caller)) {
		json_decref(data);
		data = NULL;
	}
	return outcome_data(&context->outcome, data);
}

/* ---- Lookup ---- */

int token_lookup_self(struct context *context)
{
	return show(context, context->caller, context->request->token);
}

/* Whoever holds a token may see it. */
int token_lookup(struct context *context)
{
	const char *token = json_get_text(context->fields, "token");
	struct caller caller;
	int ret;

	if (!token[0])
		return token_lookup_self(context);
	ret = auth_lookup(context_store(context), token, &caller);
	if (ret == LH_EPERM)
		return outcome_error(&context->outcome, 403, "bad token");
	if (ret)
		return ret;
	ret = show(context, &caller, token);
	caller_clear(&caller);
	return ret;
}

int token_of_accessor(struct context *context, struct caller *caller_out)
{
	const char *accessor = json_get_text(context->fields, "accessor");
	bool reaches = false;
	int ret, reached;

	memset(caller_out, 0, sizeof(*caller_out));
	if (!accessor[0]) {
		outcome_error(&context->outcome, 400, "missing accessor");
		return LH_EPERM;
	}
	ret = token_find_accessor(context_store(context), accessor, caller_out);
	if (ret && ret != LH_ENOENT)
		return ret;
	reached = reach_owned(context, ret ? NULL : caller_out, accessor, &reaches);
	if (!reached && reaches)
		return ret;
	caller_clear(caller_out);
	if (reached)
		return reached;
	outcome_error(&context->outcome, 403, OUTCOME_DENIED);
	return LH_EPERM;
}

int token_lookup_accessor(struct context *context)
{
	struct caller caller;
	int ret = token_of_accessor(context, &caller);

	if (ret == LH_ENOENT)
		return outcome_error(&context->outcome, 400,
				     "1 error occurred:\n\t* invalid accessor\n\n");
	if (!ret)
		ret = show(context, &caller, "");
	caller_clear(&caller);
	return ret == LH_EPERM ? 0 : ret;
}

/* ---- All of them ---- */

int token_accessors(struct context *context)
{
	struct page page;
	int ret;

	if (!page_start(context, &page))
		return 0;
	ret = token_list_accessors(context_store(context), page.after, page_ask(&page), page_add,
				   &page);
	return page_end(context, &page, ret);
}

/* Nothing of a dead token is ever left lying about; asked, the revoker looks at once. */
int token_tidy(struct context *context)
{
	shared_wake_revoker(broker_shared(context->broker));
	outcome_warn(&context->outcome,
		     "Tidy operation successfully started. Any information from the operation "
		     "will be printed to the server's log.");
	return outcome_no_data(&context->outcome, 202);
}
