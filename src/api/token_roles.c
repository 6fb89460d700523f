/* SPDX-License-Identifier: Apache-2.0 */
/* auth/token/roles: what tokens may be made by way of a name. */
#include <string.h>

#include "api/context.h"
#include "api/page.h"
#include "api/token.h"
#include "auth/token.h"
#include "auth/token_role.h"
#include "util/err.h"
#include "util/json.h"
#include "util/text.h"

static struct store *store_of(const struct context *context)
{
	return broker_store(context->broker);
}

/* ---- Reading ---- */

int token_roles_list(struct context *context)
{
	struct page page;
	int ret;

	if (!page_start(context, &page))
		return 0;
	ret = token_role_list(store_of(context), page.after, page_ask(&page), page_add, &page);
	if (!ret)
		return page_say(context, &page);
	json_decref(page.keys);
	return ret == LH_ERANGE ? outcome_error(&context->outcome, 400, "after is too long") : ret;
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
	int ret = token_role_get(store_of(context), context->match->capture, &role, NULL);

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
	int ret = token_role_get(store_of(context), context->match->capture, &role, NULL);

	*exists_out = !ret;
	if (!ret)
		json_decref(role);
	return ret == LH_ENOENT ? 0 : ret;
}

/* ---- Writing ---- */

static const char *const policy_lists[] = { "allowed_policies", "disallowed_policies",
					    "allowed_policies_glob", "disallowed_policies_glob" };

static const char *const plain[] = { "orphan", "renewable", "path_suffix", "token_num_uses",
				     "token_no_default_policy" };

/* A member and the name that it had once. */
static const struct {
	const char *name, *old;
} renamed[] = {
	{ "token_period", "period" },
	{ "token_explicit_max_ttl", "explicit_max_ttl" },
	{ "token_bound_cidrs", "bound_cidrs" },
};

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static int take_lists(const json_t *fields, json_t *role)
{
	int lost = 0;

	for (size_t i = 0; i < LENGTH(policy_lists); i++) {
		const json_t *sent = json_object_get(fields, policy_lists[i]);

		if (sent)
			lost |= json_object_set_new(role, policy_lists[i],
						    policies_clean(sent, false));
	}
	return lost;
}

static int take_plain(const json_t *fields, json_t *role)
{
	int lost = 0;

	for (size_t i = 0; i < LENGTH(plain); i++) {
		const json_t *sent = json_object_get(fields, plain[i]);

		if (sent)
			lost |= json_object_set_new(role, plain[i], json_deep_copy(sent));
	}
	return lost;
}

static json_t *nothing_like(const json_t *value)
{
	return json_is_array(value) ? json_array() : json_integer(0);
}

/* The old name sets both; the new one alone clears what the old one had said. */
static int take_renamed(struct context *context, json_t *role)
{
	int lost = 0;

	for (size_t i = 0; i < LENGTH(renamed); i++) {
		const json_t *sent = json_object_get(context->fields, renamed[i].name);
		const json_t *old = json_object_get(context->fields, renamed[i].old);

		if (sent) {
			lost |= json_object_set_new(role, renamed[i].name, json_deep_copy(sent));
			lost |= json_object_set_new(role, renamed[i].old, nothing_like(sent));
		} else if (old) {
			lost |= json_object_set_new(role, renamed[i].name, json_deep_copy(old));
			lost |= json_object_set_new(role, renamed[i].old, json_deep_copy(old));
		}
		if (sent && old)
			outcome_warn(&context->outcome,
				     "Both '%s' and deprecated '%s' value supplied, ignoring the "
				     "deprecated value",
				     renamed[i].name, renamed[i].old);
	}
	return lost;
}

static int take_type(const json_t *fields, json_t *role, struct err *err)
{
	static const char *const types[] = { "service", "batch", "default-service",
					     "default-batch" };
	const json_t *sent = json_object_get(fields, "token_type");
	const char *type = json_string_value(sent);

	if (!sent)
		return 0;
	if (!type[0] || !strcmp(type, "default"))
		type = "default-service";
	for (size_t i = 0; i < LENGTH(types); i++)
		if (!strcmp(type, types[i]))
			return json_object_set_new(role, "token_type", json_string(type))
				       ? LH_ENOMEM
				       : 0;
	return err_set(err, LH_EINVAL, "invalid 'token_type' value \"%s\"", type);
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

static int check_cidrs(const json_t *role, struct err *err)
{
	const json_t *cidr;
	size_t i;

	json_array_foreach(json_object_get(role, "token_bound_cidrs"), i, cidr) if (
		!cidr_is_valid(json_string_value(
			cidr))) return err_set(err, LH_EINVAL,
					       "token_bound_cidrs: \"%s\" must be an address or a "
					       "block "
					       "of addresses, as 10.0.0.0/8 or 2001:db8::/32",
					       json_string_value(cidr));
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
	ret = check_cidrs(role, err);
	return ret ? ret : check_batch(role, err);
}

/* Only what is sent changes. */
static int write_once(struct context *context, struct err *err)
{
	const char *name = context->match->capture;
	uint64_t revision = 0;
	json_t *role;
	int ret = token_role_get(store_of(context), name, &role, &revision);

	if (ret == LH_ENOENT) {
		role = token_role_new();
		ret = role ? 0 : LH_ENOMEM;
	}
	if (!ret && (take_lists(context->fields, role) || take_plain(context->fields, role) ||
		     take_renamed(context, role)))
		ret = LH_ENOMEM;
	if (!ret)
		ret = take_type(context->fields, role, err);
	if (!ret)
		ret = check(role, err);
	if (!ret)
		ret = token_role_put(store_of(context), name, role, revision);
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
	return token_role_delete(store_of(context), context->match->capture);
}
