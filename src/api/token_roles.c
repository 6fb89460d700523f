/* SPDX-License-Identifier: Apache-2.0 */
/* auth/token/roles: what tokens may be made by way of a name. */
#include <string.h>

#include "api/context.h"
#include "api/page.h"
#include "api/token.h"
#include "api/token_fields.h"
#include "auth/token_role.h"
#include "util/err.h"
#include "util/json.h"
#include "util/text.h"

/* ---- Reading ---- */

int token_roles_list(struct context *context)
{
	struct page page;
	int ret;

	if (!page_start(context, &page))
		return 0;
	ret = token_role_list(context_store(context), page.after, page_ask(&page), page_add, &page);
	return page_end(context, &page, ret);
}

/* Shown only when they are set. */
static void drop_unset(json_t *role)
{
	static const char *const lists[] = { "bound_cidrs", "token_bound_cidrs" };

	for (size_t i = 0; i < 2; i++)
		if (!json_array_size(json_object_get(role, lists[i])))
			json_object_del(role, lists[i]);
	if (!json_get_int(role, "token_num_uses", 0))
		json_object_del(role, "token_num_uses");
}

int token_role_read(struct context *context)
{
	json_t *role;
	int ret = token_role_get(context_store(context), context->match->capture, &role, NULL);

	if (ret)
		return ret == LH_ENOENT ? 0 : ret;
	drop_unset(role);
	if (json_object_set_new(role, "name", json_string(context->match->capture))) {
		json_decref(role);
		role = NULL;
	}
	return outcome_data(&context->outcome, role);
}

int token_role_exists(struct context *context, bool *exists_out)
{
	json_t *role;
	int ret = token_role_get(context_store(context), context->match->capture, &role, NULL);

	*exists_out = !ret;
	if (!ret)
		json_decref(role);
	return ret == LH_ENOENT ? 0 : ret;
}

/* ---- Writing ---- */

static const char *const allowed[] = { "allowed_policies", "allowed_policies_glob" };

static const char *const disallowed[] = { "disallowed_policies", "disallowed_policies_glob" };

static const char *const plain[] = { "orphan", "renewable", "path_suffix", "token_num_uses",
				     "token_no_default_policy" };

static const struct token_field_names renamed[] = {
	{ "token_period", "period" },
	{ "token_explicit_max_ttl", "explicit_max_ttl" },
	{ "token_bound_cidrs", "bound_cidrs" },
};

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* "root" makes the others needless where something is allowed, not where it is disallowed. */
static int take_lists(const json_t *fields, json_t *role)
{
	int lost = 0;

	for (size_t i = 0; i < LENGTH(allowed); i++) {
		const json_t *sent = json_object_get(fields, allowed[i]);

		if (sent)
			lost |= json_object_set_new(role, allowed[i], policies_clean(sent, false));
	}
	for (size_t i = 0; i < LENGTH(disallowed); i++) {
		const json_t *sent = json_object_get(fields, disallowed[i]);

		if (sent)
			lost |= json_object_set_new(role, disallowed[i], names_clean(sent, NULL));
	}
	return lost;
}

/* ---- Checking ---- */

#define NO_BATCH "'token_type' cannot be 'batch' when role is set to generate "

static int check_batch(const json_t *role, struct err *err)
{
	if (strcmp(json_get_text(role, "token_type"), "batch") != 0)
		return 0;
	if (!json_get_true(role, "orphan"))
		return err_set(err, LH_EINVAL, NO_BATCH "non-orphan tokens");
	if (json_get_int(role, "token_period", 0))
		return err_set(err, LH_EINVAL, NO_BATCH "periodic tokens");
	if (json_get_true(role, "renewable"))
		return err_set(err, LH_EINVAL, NO_BATCH "renewable tokens");
	if (json_get_int(role, "token_explicit_max_ttl", 0))
		return err_set(err, LH_EINVAL, NO_BATCH "tokens with an explicit max TTL");
	return 0;
}

static int check(const json_t *role, struct err *err)
{
	const char *suffix = json_get_text(role, "path_suffix");
	int ret;

	if (suffix[0] && !text_is_name(suffix))
		return err_set(err, LH_EINVAL,
			       "given role path suffix contains invalid characters; must match "
			       "\\w(([\\w-.]+)?\\w)?");
	if (json_get_int(role, "token_num_uses", 0) < 0)
		return err_set(err, LH_EINVAL, "'token_num_uses' cannot be negative");
	ret = token_fields_check_cidrs(role, "token_bound_cidrs", err);
	return ret ? ret : check_batch(role, err);
}

/* Only what is sent changes. */
static int write_once(struct context *context, struct err *err)
{
	const char *name = context->match->capture;
	uint64_t revision = 0;
	json_t *role;
	int ret = token_role_get(context_store(context), name, &role, &revision);

	if (ret == LH_ENOENT) {
		role = token_role_new();
		ret = role ? 0 : LH_ENOMEM;
	}
	if (!ret && take_lists(context->fields, role))
		ret = LH_ENOMEM;
	if (!ret)
		ret = token_fields_take(context->fields, plain, LENGTH(plain), role);
	if (!ret)
		ret = token_fields_take_renamed(context, renamed, LENGTH(renamed), role);
	if (!ret)
		ret = token_fields_take_type(context->fields, "default-service", role, err);
	if (!ret)
		ret = check(role, err);
	if (!ret)
		ret = token_role_put(context_store(context), name, role, revision);
	json_decref(role);
	return ret;
}

int token_role_write(struct context *context)
{
	struct err err = { "" };
	unsigned tries = 0;
	int ret;

	do {
		json_decref(context->outcome.warnings);
		context->outcome.warnings = NULL;
		ret = write_once(context, &err);
	} while (broker_again(context->broker, ret, context->request->raw->deadline, &tries));
	if (ret == LH_ECONFLICT)
		err_set(&err, ret, "role %s was changed by others all the time: try again",
			context->match->capture);
	if (ret)
		return context_failure(context, ret, &err);
	return context->outcome.warnings ? outcome_no_data(&context->outcome, 0) : 0;
}

int token_role_remove(struct context *context)
{
	return token_role_delete(context_store(context), context->match->capture);
}
