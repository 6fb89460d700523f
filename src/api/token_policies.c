/* SPDX-License-Identifier: Apache-2.0 */
/* Which policies a new token gets. */
#include <stdlib.h>
#include <string.h>

#include "api/token.h"
#include "auth/token.h"
#include "util/buf.h"
#include "util/err.h"
#include "util/json.h"
#include "util/text.h"

/* ---- Lists of names ---- */

static bool holds(const json_t *names, const char *name)
{
	const json_t *each;
	size_t i;

	json_array_foreach(names, i, each)
	{
		if (json_is_string(each) && !strcmp(json_string_value(each), name))
			return true;
	}
	return false;
}

static bool holds_glob(const json_t *globs, const char *name)
{
	const json_t *each;
	size_t i;

	json_array_foreach(globs, i, each)
	{
		if (json_is_string(each) && text_matches(json_string_value(each), name))
			return true;
	}
	return false;
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static json_t *clean_name(const char *name)
{
	struct buf clean = BUF_INIT;
	size_t size;
	json_t *text;

	while (is_space(*name))
		name++;
	size = strlen(name);
	while (size && is_space(name[size - 1]))
		size--;
	for (size_t i = 0; i < size; i++)
		buf_add_char(&clean, text_lower(name[i]));
	text = buf_error(&clean) ? NULL : json_string(buf_text(&clean));
	buf_free(&clean);
	return text;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(json_string_value(*(json_t *const *)a),
		      json_string_value(*(json_t *const *)b));
}

/* Those of the names that are not empty, once each and in their order. New. By sorting: whoever may
 * make tokens may send as many names as a body holds. */
static json_t *sort_names(const json_t *names)
{
	size_t size = json_array_size(names), count = 0;
	json_t **sorted = calloc(size + 1, sizeof(*sorted)), *out = json_array(), *name;
	int lost = !sorted || !out;
	size_t i;

	json_array_foreach(names, i, name)
	{
		if (!lost && json_string_length(name))
			sorted[count++] = name;
	}
	if (!lost)
		qsort(sorted, count, sizeof(*sorted), compare_names);
	for (i = 0; !lost && i < count; i++)
		if (!i || compare_names(&sorted[i - 1], &sorted[i]) != 0)
			lost = json_array_append(out, sorted[i]);
	free(sorted);
	if (!lost)
		return out;
	json_decref(out);
	return NULL;
}

json_t *names_clean(const json_t *names, const char *more)
{
	json_t *clean = json_array(), *sorted = NULL;
	int lost = !clean;
	const json_t *name;
	size_t i;

	json_array_foreach(names, i, name)
	{
		if (!lost && json_is_string(name))
			lost = json_array_append_new(clean, clean_name(json_string_value(name)));
	}
	if (!lost && more)
		lost = json_array_append_new(clean, json_string(more));
	if (!lost)
		sorted = sort_names(clean);
	json_decref(clean);
	return sorted;
}

json_t *policies_clean(const json_t *names, bool add_default)
{
	json_t *clean = names_clean(names, add_default ? "default" : NULL);

	if (!clean || !holds(clean, "root"))
		return clean;
	json_decref(clean);
	return json_pack("[s]", "root");
}

/* ["a" "b"], as the messages have it. */
static void add_list(struct buf *text, const json_t *names)
{
	const json_t *name;
	size_t i;

	buf_add_char(text, '[');
	json_array_foreach(names, i, name)
		buf_printf(text, "%s\"%s\"", i ? " " : "", json_string_value(name));
	buf_add_char(text, ']');
}

/* ---- By way of a role ---- */

static const json_t *list_of(const json_t *role, const char *member)
{
	return json_object_get(role, member);
}

static bool has_lists(const json_t *role)
{
	return json_array_size(list_of(role, "allowed_policies")) ||
	       json_array_size(list_of(role, "allowed_policies_glob")) ||
	       json_array_size(list_of(role, "disallowed_policies")) ||
	       json_array_size(list_of(role, "disallowed_policies_glob"));
}

static bool role_adds_default(const struct policies_wanted *wanted)
{
	const json_t *role = wanted->role;

	return !wanted->no_default && !json_get_true(role, "token_no_default_policy") &&
	       !holds(list_of(role, "disallowed_policies"), "default") &&
	       !holds_glob(list_of(role, "disallowed_policies_glob"), "default");
}

static int refuse_outside(const json_t *policies, const json_t *allowed, const json_t *globs,
			  struct err *err)
{
	struct buf text = BUF_INIT;

	buf_add_text(&text, "token policies (");
	add_list(&text, policies);
	buf_add_text(&text, ") must be subset of the role's allowed policies (");
	add_list(&text, allowed);
	buf_add_text(&text, ") or glob policies (");
	add_list(&text, globs);
	buf_add_text(&text, ")");
	err_set(err, 0, "%s", buf_text(&text));
	buf_free(&text);
	return LH_EINVAL;
}

static int check_allowed(const json_t *policies, const json_t *allowed, const json_t *globs,
			 struct err *err)
{
	const json_t *policy;
	size_t i;

	json_array_foreach(policies, i, policy)
	{
		const char *name = json_string_value(policy);

		if (!holds(allowed, name) && !holds_glob(globs, name))
			return refuse_outside(policies, allowed, globs, err);
	}
	return 0;
}

static int check_disallowed(const json_t *policies, const json_t *role, struct err *err)
{
	const json_t *policy;
	size_t i;

	json_array_foreach(policies, i, policy)
	{
		const char *name = json_string_value(policy);

		if (holds(list_of(role, "disallowed_policies"), name) ||
		    holds_glob(list_of(role, "disallowed_policies_glob"), name))
			return err_set(err, LH_EINVAL,
				       "token policy \"%s\" is disallowed by this role", name);
	}
	return 0;
}

/* The lists of a role stand by themselves: what the parent has does not matter, unless there is
 * nothing else to go by. */
static int choose_by_role(const struct policies_wanted *wanted, json_t **policies_out,
			  struct err *err)
{
	const json_t *role = wanted->role, *globs = list_of(role, "allowed_policies_glob");
	bool asked = json_array_size(wanted->names), add = role_adds_default(wanted);
	bool limited = json_array_size(list_of(role, "allowed_policies")) || json_array_size(globs);
	json_t *allowed = policies_clean(list_of(role, "allowed_policies"), add);
	json_t *policies = policies_clean(wanted->names, asked && add);
	int ret = 0;

	/* Nothing but blanks was asked for, if anything. */
	if (policies && !json_array_size(policies)) {
		json_decref(policies);
		policies = limited ? json_incref(allowed)
				   : policies_clean(wanted->parent->policies, add);
		asked = false;
	}
	if (!allowed || !policies)
		ret = LH_ENOMEM;
	if (!ret && limited && asked)
		ret = check_allowed(policies, allowed, globs, err);
	if (!ret)
		ret = check_disallowed(policies, role, err);
	json_decref(allowed);
	if (ret)
		json_decref(policies);
	else
		*policies_out = policies;
	return ret;
}

/* ---- Without lists of a role ---- */

static bool is_subset(const json_t *names, const json_t *of)
{
	const json_t *name;
	size_t i;

	json_array_foreach(names, i, name)
	{
		if (!holds(of, json_string_value(name)))
			return false;
	}
	return true;
}

static int choose_freely(const struct policies_wanted *wanted, json_t **policies_out,
			 struct err *err)
{
	const json_t *parents = wanted->parent->policies;
	bool asked = json_array_size(wanted->names), add = false;
	json_t *policies = policies_clean(asked ? wanted->names : parents, false);
	json_t *more;

	if (!policies)
		return LH_ENOMEM;
	if (asked && !wanted->sudo && !is_subset(policies, parents)) {
		json_decref(policies);
		return err_set(err, LH_EINVAL, "child policies must be subset of parent");
	}
	if (asked && !wanted->no_default)
		add = wanted->sudo || holds(parents, "default");
	more = policies_clean(policies, add);
	json_decref(policies);
	*policies_out = more;
	return more ? 0 : LH_ENOMEM;
}

/* ---- The end ---- */

static void drop(json_t *names, const char *name)
{
	const json_t *each;
	size_t i;

	json_array_foreach(names, i, each)
	{
		if (strcmp(json_string_value(each), name) != 0)
			continue;
		json_array_remove(names, i);
		return;
	}
}

static int check_special(const struct policies_wanted *wanted, const json_t *policies,
			 struct err *err)
{
	if (holds(policies, TOKEN_WRAPPING_POLICY))
		return err_set(err, LH_EINVAL,
			       "cannot assign policy \"" TOKEN_WRAPPING_POLICY "\"");
	if (holds(policies, "root") && !wanted->parent->root)
		return err_set(err, LH_EINVAL,
			       "root tokens may not be created without parent token being root");
	return 0;
}

int policies_choose(const struct policies_wanted *wanted, json_t **policies_out, struct err *err)
{
	json_t *policies = NULL;
	int ret;

	*policies_out = NULL;
	ret = wanted->role && has_lists(wanted->role) ? choose_by_role(wanted, &policies, err)
						      : choose_freely(wanted, &policies, err);
	if (ret)
		return ret;
	if (wanted->no_default)
		drop(policies, "default");
	ret = check_special(wanted, policies, err);
	if (ret)
		json_decref(policies);
	else
		*policies_out = policies;
	return ret;
}
