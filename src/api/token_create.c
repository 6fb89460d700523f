/* SPDX-License-Identifier: Apache-2.0 */
/* auth/token/create: a new token, child of the one that asks or an orphan. */
#include <string.h>

#include "api/context.h"
#include "api/reach.h"
#include "api/token.h"
#include "auth/policies.h"
#include "auth/token.h"
#include "auth/token_role.h"
#include "conf/conf.h"
#include "lease/ttl.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/duration.h"
#include "util/err.h"
#include "util/json.h"
#include "util/text.h"

#define ID_MAX 512 /* bytes of an id of one's own */

/* A token on its way; what it holds is what the terms borrow. */
struct making {
	struct context *context;
	struct err *err;
	bool sudo;
	json_t *role; /* NULL: none */
	json_t *policies;
	struct buf display_name, path;
	struct token_terms terms;
};

static const char *text_field(const struct making *making, const char *name)
{
	return json_get_text(making->context->fields, name);
}

static int refuse(struct making *making, const char *why)
{
	return err_set(making->err, LH_EINVAL, "%s", why);
}

/* ---- Who asks, and by way of what ---- */

static int read_role(struct making *making)
{
	const char *name = making->context->match->capture;
	int ret;

	if (!name[0])
		return 0;
	ret = token_role_get(context_store(making->context), name, &making->role, NULL);
	if (ret == LH_ENOENT || ret == LH_ERANGE)
		return err_set(making->err, LH_EINVAL, "unknown role %s", name);
	making->terms.role = name;
	return ret;
}

static int check_parent(struct making *making)
{
	const struct caller *parent = making->context->caller;

	if (parent->type == TOKEN_BATCH)
		return refuse(making, "batch tokens cannot create more tokens");
	if (parent->type == TOKEN_IDENTITY)
		return refuse(making, "an identity has no token to create others with: log in at "
				      "auth/proxy/login first");
	if (parent->num_uses)
		return refuse(making, "restricted use token cannot generate child tokens");
	return reach_sudo(making->context, &making->sudo);
}

/* There are no entities to which an alias could lead. */
static int check_alias(struct making *making)
{
	if (!text_field(making, "entity_alias")[0])
		return 0;
	return refuse(making, making->role ? "invalid 'entity_alias' value"
					   : "'entity_alias' is only allowed in combination with "
					     "token role");
}

static int choose_type(struct making *making)
{
	const char *type = text_field(making, "type");
	const char *ruled = json_get_text(making->role, "token_type");

	if (!strcmp(ruled, "service") || !strcmp(ruled, "batch"))
		type = ruled;
	else if (!strcmp(ruled, "default-batch") && !type[0])
		type = "batch";
	if (!strcmp(type, "batch"))
		making->terms.type = TOKEN_BATCH;
	else if (type[0] && strcmp(type, "service") != 0)
		return refuse(making, "invalid 'token_type' value");
	return 0;
}

/* ---- What it is to be ---- */

static int choose_uses(struct making *making)
{
	int64_t asked = json_get_int(making->context->fields, "num_uses", 0);
	int64_t ruled = json_get_int(making->role, "token_num_uses", 0);

	if (asked < 0)
		return refuse(making, "number of uses cannot be negative");
	making->terms.num_uses = ruled && (!asked || ruled < asked) ? ruled : asked;
	return 0;
}

static bool is_header_text(const char *text)
{
	for (; *text; text++)
		if (*text <= ' ' || *text > '~')
			return false;
	return true;
}

static int choose_id(struct making *making)
{
	const char *id = text_field(making, "id");

	if (!id[0])
		return 0;
	if (!making->sudo)
		return refuse(making, "root or sudo privileges required to specify token id");
	if (text_starts_with(id, "hvs."))
		return refuse(making, "custom token ID cannot have the 'hvs.' prefix");
	if (strchr(id, '.'))
		return refuse(making, "custom token ID cannot have the '.' in the value");
	if (strlen(id) > ID_MAX || !is_header_text(id))
		return refuse(making, "custom token ID must be at most 512 characters that a "
				      "header can carry, without spaces");
	making->terms.id = id;
	return 0;
}

/* A hyphen at the end, which stands for a character that cannot be shown, is left out. */
static int choose_display_name(struct making *making)
{
	struct buf *name = &making->display_name;

	buf_add_text(name, "token");
	if (text_field(making, "display_name")[0])
		buf_add_char(name, '-');
	token_add_display_name(name, text_field(making, "display_name"));
	if (buf_error(name))
		return LH_ENOMEM;
	if (name->data[name->size - 1] == '-')
		name->data[--name->size] = '\0';
	making->terms.display_name = buf_text(name);
	return 0;
}

static int choose_path(struct making *making)
{
	const char *suffix = json_get_text(making->role, "path_suffix");

	buf_printf(&making->path, "%s%s%s", making->context->request->path, suffix[0] ? "/" : "",
		   suffix);
	making->terms.path = buf_text(&making->path);
	return buf_error(&making->path);
}

static int choose_policies(struct making *making)
{
	const json_t *fields = making->context->fields;
	struct policies_wanted wanted = {
		.parent = making->context->caller,
		.role = making->role,
		.names = json_object_get(fields, "policies"),
		.sudo = making->sudo,
		.no_default = json_get_true(fields, "no_default_policy"),
	};
	int ret = policies_choose(&wanted, &making->policies, making->err);

	making->terms.policies = making->policies;
	return ret;
}

static bool is_root(const struct making *making)
{
	const char *first = json_string_value(json_array_get(making->policies, 0));

	return first && !strcmp(first, "root");
}

static int choose_parent(struct making *making, bool orphan)
{
	making->terms.parent = making->terms.asker = making->context->caller;
	if (making->role) {
		if (json_get_true(making->role, "orphan"))
			making->terms.parent = NULL;
		return 0;
	}
	if (json_get_true(making->context->fields, "no_parent") && !orphan && !making->sudo)
		return refuse(making, "root or sudo privileges required to create orphan token");
	if (orphan || json_get_true(making->context->fields, "no_parent"))
		making->terms.parent = NULL;
	return 0;
}

/* ---- How long ---- */

/* A duration in a text field; 0 when it is absent, empty or nothing. What is there but less than a
 * second is refused, not taken for "as long as possible". */
static int read_duration(struct making *making, const char *name, int64_t *seconds_out)
{
	const char *text = text_field(making, name);
	int ret = 0;

	*seconds_out = 0;
	if (text[0])
		ret = duration_parse(text, seconds_out, making->err);
	if (ret)
		return LH_EINVAL;
	if (*seconds_out < 0)
		return err_set(making->err, LH_EINVAL, "%s must be positive", name);
	if (!*seconds_out && strpbrk(text, "123456789"))
		return err_set(making->err, LH_EINVAL, "%s must be at least a second", name);
	return 0;
}

/* The lesser of what is asked for and what the role rules. */
static int64_t choose_lesser(struct making *making, int64_t asked, const char *member,
			     const char *what)
{
	int64_t ruled = json_get_int(making->role, member, 0);

	if (!ruled)
		return asked;
	if (!asked)
		return ruled;
	asked = ruled < asked ? ruled : asked;
	outcome_warn(&making->context->outcome,
		     "%s specified both during creation call and in role; using the lesser value "
		     "of %lld seconds",
		     what, (long long)asked);
	return asked;
}

static int choose_limits(struct making *making)
{
	struct token_terms *terms = &making->terms;
	int ret;

	ret = read_duration(making, "explicit_max_ttl", &terms->explicit_max);
	if (!ret)
		ret = read_duration(making, "period", &terms->period);
	if (ret)
		return ret;
	if (terms->type == TOKEN_BATCH) {
		const char *odd = terms->explicit_max ? "explicit_max_ttl"
				  : terms->num_uses   ? "num_uses"
				  : terms->period     ? "period"
				  : terms->id         ? "id"
						      : NULL;

		return odd ? err_set(making->err, LH_EINVAL, "batch tokens cannot have \"%s\" set",
				     odd)
			   : 0;
	}
	if (terms->period && !making->sudo)
		return refuse(making, "root or sudo privileges required to create periodic token");
	terms->explicit_max = choose_lesser(making, terms->explicit_max, "token_explicit_max_ttl",
					    "Explicit max TTL");
	terms->period = choose_lesser(making, terms->period, "token_period", "Period");
	return 0;
}

/* A batch token keeps no maximum, as it cannot be renewed; but its role's holds for it too. */
static int64_t longest(const struct making *making)
{
	if (making->terms.type == TOKEN_BATCH)
		return json_get_int(making->role, "token_explicit_max_ttl", 0);
	return making->terms.explicit_max;
}

static int grant(struct making *making, int64_t asked)
{
	const struct conf *conf = broker_conf(making->context->broker);
	struct token_terms *terms = &making->terms;
	struct ttl_terms ttl = {
		.role_ttl = asked,
		.mount_default = conf->default_lease_ttl,
		.mount_max = conf->max_lease_ttl,
		.explicit_max = longest(making),
		.period = terms->period,
	};
	char warning[256];
	int ret = ttl_grant(&ttl, &terms->ttl, warning, sizeof(warning), making->err);

	if (!ret && warning[0])
		outcome_warn(&making->context->outcome, "%s", warning);
	return ret == LH_ERANGE ? LH_EINVAL : ret;
}

/* A root token without any limit never ends; then it is neither renewed nor bound to addresses. */
static int choose_life(struct making *making)
{
	const json_t *renewable = json_object_get(making->context->fields, "renewable");
	struct token_terms *terms = &making->terms;
	int64_t asked;
	int ret;

	ret = read_duration(making, "ttl", &asked);
	if (!ret && !text_field(making, "ttl")[0])
		ret = read_duration(making, "lease", &asked);
	if (!ret && !asked && is_root(making))
		asked = terms->explicit_max;
	if (!ret && (terms->period || asked || !is_root(making)))
		ret = grant(making, asked);
	if (ret)
		return ret;
	if (!terms->ttl && making->context->caller->expires_ns)
		return refuse(making,
			      "expiring root tokens cannot create non-expiring root tokens");
	terms->renewable = terms->ttl && terms->type == TOKEN_SERVICE &&
			   (!renewable || json_is_true(renewable)) &&
			   (!making->role || json_get_true(making->role, "renewable"));
	if (terms->ttl && json_array_size(json_object_get(making->role, "token_bound_cidrs")))
		terms->bound_cidrs = json_object_get(making->role, "token_bound_cidrs");
	return 0;
}

/* ---- The whole ---- */

static int choose(struct making *making, bool orphan)
{
	int ret = read_role(making);

	if (!json_is_null(json_object_get(making->context->request->input, "meta")))
		making->terms.metadata = json_object_get(making->context->fields, "meta");
	if (!ret)
		ret = check_parent(making);
	if (!ret)
		ret = check_alias(making);
	if (!ret)
		ret = choose_type(making);
	if (!ret)
		ret = choose_uses(making);
	if (!ret)
		ret = choose_id(making);
	if (!ret)
		ret = choose_display_name(making);
	if (!ret)
		ret = choose_path(making);
	if (!ret)
		ret = choose_policies(making);
	if (!ret && is_root(making) && making->terms.type == TOKEN_BATCH)
		ret = refuse(making, "batch tokens cannot be root tokens");
	if (!ret)
		ret = choose_parent(making, orphan);
	if (!ret)
		ret = choose_limits(making);
	return ret ? ret : choose_life(making);
}

static int explain(struct making *making, int ret)
{
	const struct caller *parent = making->terms.parent;

	switch (ret) {
	case LH_EEXIST: return refuse(making, "cannot create a token with a duplicate ID");
	case LH_ECONFLICT: return refuse(making, "parent token lookup failed: no parent found");
	case LH_ERANGE:
		if (parent && parent->ancestor_count == TOKEN_ANCESTORS_MAX)
			return refuse(making, "the token has 16 ancestors already: a deeper tree "
					      "is not kept; create an orphan");
		return refuse(making, "the token's policies and metadata are too long");
	default: return ret;
	}
}

/* Whether they do not fit into a record, so that nobody looks at each of them first. */
static bool is_too_long(const json_t *policies)
{
	const json_t *policy;
	size_t size = 0, i;

	json_array_foreach(policies, i, policy)
	{
		size += json_string_length(policy);
	}
	return size > TOKEN_RECORD_MAX;
}

/* A policy may come later; until then it grants nothing. */
static int warn_missing(struct making *making)
{
	struct context *context = making->context;
	const json_t *policy;
	int ret = 0;
	size_t i;

	json_array_foreach(making->policies, i, policy)
	{
		struct buf text = BUF_INIT;

		ret = policies_get(context->policies, json_string_value(policy), &text);
		buf_free(&text);
		if (ret == LH_ENOENT || ret == LH_ERANGE)
			outcome_warn(&context->outcome, "Policy \"%s\" does not exist",
				     json_string_value(policy));
		else if (ret)
			return ret;
	}
	return 0;
}

static int make(struct making *making)
{
	struct context *context = making->context;
	struct token_made made;
	struct caller caller;
	int ret;

	ret = is_too_long(making->policies) ? LH_ERANGE : warn_missing(making);
	if (!ret)
		ret = token_create(context_store(context), &making->terms, &made);
	if (ret)
		return explain(making, ret);
	caller = (struct caller){
		.type = making->terms.type,
		.accessor = made.accessor,
		.policies = making->policies,
		.metadata = (json_t *)(uintptr_t)making->terms.metadata,
		.ancestor_count = making->terms.parent ? 1 : 0,
		.renewable = making->terms.renewable,
		.num_uses = making->terms.num_uses,
	};
	outcome_auth(&context->outcome, token_auth(&caller, made.token, making->terms.ttl));
	context->made = making->terms.type == TOKEN_SERVICE;
	memcpy(context->made_name, made.name, sizeof(context->made_name));
	token_made_clear(&made);
	return 0;
}

static int create(struct context *context, bool orphan)
{
	struct err err = { "" };
	struct making making = { .context = context, .err = &err };
	int ret = choose(&making, orphan);

	if (!ret)
		ret = make(&making);
	json_decref(making.role);
	json_decref(making.policies);
	buf_free(&making.display_name);
	buf_free(&making.path);
	return ret ? context_failure(context, ret, &err) : 0;
}

int token_create_child(struct context *context)
{
	return create(context, false);
}

int token_create_orphan(struct context *context)
{
	return create(context, true);
}
