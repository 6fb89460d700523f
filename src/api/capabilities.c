/* SPDX-License-Identifier: Apache-2.0 */
/* What a token may do: sys/capabilities…, sys/internal/ui/resultant-acl. */
#include "api/context.h"
#include "api/token.h"
#include "auth/access.h"
#include "auth/acl.h"
#include "auth/policies.h"
#include "auth/token.h"
#include "store/store.h"
#include "util/err.h"
#include "util/json.h"

/* Paths in one request: each costs a search, and a read worker serves others as well. */
#define PATHS_MAX 1000

/* ---- At some paths ---- */

/* What a token may do at one path, as a new array; NULL if memory is out. */
static json_t *show_path(const struct caller *caller, const struct acl *acl, const char *path)
{
	return caller->root ? json_pack("[s]", "root")
			    : capability_names(acl_capabilities(acl, path));
}

static int say_paths(struct context *context, const struct caller *caller, const json_t *paths)
{
	const struct acl *acl = NULL;
	json_t *data = json_object(), *capabilities = NULL;
	const json_t *path;
	size_t i;
	int ret = data ? 0 : LH_ENOMEM;

	if (!ret && !caller->root)
		ret = policies_acl(context->policies, caller->policies, &acl);
	json_array_foreach(paths, i, path)
	{
		if (ret)
			break;
		capabilities = show_path(caller, acl, json_string_value(path));
		if (json_object_set_new(data, json_string_value(path), capabilities))
			ret = LH_ENOMEM;
	}
	if (!ret && i == 1 && json_object_set(data, "capabilities", capabilities))
		ret = LH_ENOMEM;
	if (ret) {
		json_decref(data);
		return ret;
	}
	return outcome_data(&context->outcome, data);
}

/* The paths that are asked about; NULL: the refusal is in the outcome. */
static const json_t *find_paths(struct context *context)
{
	const json_t *paths = json_object_get(context->fields, "paths");

	if (!json_array_size(paths))
		paths = json_object_get(context->fields, "path");
	if (json_array_size(paths) > PATHS_MAX)
		outcome_error(&context->outcome, 400,
			      "paths: at most %d may be asked about at once", PATHS_MAX);
	else if (!json_array_size(paths))
		outcome_error(&context->outcome, 400, "paths must be supplied");
	else
		return paths;
	return NULL;
}

int capabilities_self(struct context *context)
{
	const json_t *paths = find_paths(context);

	return paths ? say_paths(context, context->caller, paths) : 0;
}

/* Somebody else's. */
static int say_found(struct context *context, int found, struct caller *caller, const char *what)
{
	const json_t *paths;
	int ret = 0;

	if (found == LH_EPERM || found == LH_ENOENT)
		return outcome_error(&context->outcome, 400,
				     "1 error occurred:\n\t* invalid %s\n\n", what);
	if (found)
		return found;
	paths = find_paths(context);
	if (paths)
		ret = say_paths(context, caller, paths);
	caller_clear(caller);
	return ret;
}

int capabilities_of_token(struct context *context)
{
	struct caller caller;
	int found = auth_lookup(context_store(context), json_get_text(context->fields, "token"),
				&caller);

	return say_found(context, found, &caller, "token");
}

/* Whoever holds a token may ask about it; an accessor is only a name, and names what it may reach. */
int capabilities_of_accessor(struct context *context)
{
	struct caller caller;
	int found = token_of_accessor(context, &caller);

	return found == LH_EPERM ? 0 : say_found(context, found, &caller, "accessor");
}

/* ---- Everywhere ---- */

/* Both borrowed. */
struct shown {
	json_t *exact, *glob;
};

static int show_rule(void *context, const struct rule *rule)
{
	struct shown *shown = context;
	json_t *capabilities = json_pack("{s:o}", "capabilities",
					 capability_names(rule->capabilities));

	return json_object_set_new(rule->open ? shown->glob : shown->exact, rule->path,
				   capabilities)
		       ? LH_ENOMEM
		       : 0;
}

static int say_rules(struct context *context, const struct caller *caller)
{
	struct shown shown = { json_object(), json_object() };
	const struct acl *acl;
	json_t *data;
	int ret;

	data = json_pack("{s:b, s:o, s:o}", "root", 0, "exact_paths", shown.exact, "glob_paths",
			 shown.glob);
	ret = data ? policies_acl(context->policies, caller->policies, &acl) : LH_ENOMEM;
	if (!ret)
		ret = acl_each(acl, show_rule, &shown);
	if (ret) {
		json_decref(data);
		return ret;
	}
	return outcome_data(&context->outcome, data);
}

/* Who is nobody learns that there is nothing to tell. */
int resultant_acl(struct context *context)
{
	const struct caller *caller = context->caller;

	if (context_is_open(context))
		return outcome_status(&context->outcome, 204);
	return caller->root ? outcome_data(&context->outcome, json_pack("{s:b}", "root", 1))
			    : say_rules(context, caller);
}
