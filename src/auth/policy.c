/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/policy.h"

#include <stdlib.h>
#include <string.h>

#include "auth/rule.h"
#include "hcl/hcl.h"
#include "util/err.h"
#include "util/json.h"
#include "util/wipe.h"

void policy_free(struct policy *policy)
{
	if (!policy)
		return;
	for (size_t i = 0; i < policy->count; i++)
		rule_clear(&policy->rules[i]);
	free(policy->rules);
	wipe_free(policy->name);
	free(policy);
}

static int no_memory(struct err *err)
{
	return err_set(err, LH_ENOMEM, "memory is out");
}

static int fail(unsigned line, struct err *err, const char *found, const char *expected)
{
	return err_set(err, LH_EINVAL, "line %u: %s, expected %s", line, found, expected);
}

static unsigned line_of(const json_t *item)
{
	return (unsigned)json_get_int(item, "line", 1);
}

/* ---- One rule ---- */

static int new_rule(struct policy *policy, const char *path, unsigned line, struct rule **rule_out,
		    struct err *err)
{
	struct rule *grown;

	if (policy->count == policy->capacity) {
		size_t capacity = policy->capacity ? 2 * policy->capacity : 8;

		grown = realloc(policy->rules, capacity * sizeof(*grown));
		if (!grown)
			return no_memory(err);
		policy->rules = grown;
		policy->capacity = capacity;
	}
	*rule_out = &policy->rules[policy->count++];
	return rule_start(*rule_out, path, line, err);
}

/* `key { a = … }` is written as `key = { a = … }` as well. *value_out is new. */
static int block_value(const json_t *item, json_t **value_out, struct err *err)
{
	const json_t *member;
	size_t i;

	*value_out = NULL;
	if (json_array_size(json_object_get(item, "labels")))
		return fail(line_of(item), err, "found a label behind a key of a path",
			    "\"=\" or \"{\"");
	*value_out = json_object();
	json_array_foreach(json_object_get(item, "body"), i, member)
	{
		const char *key = json_get_text(member, "key");
		json_t *value = json_object_get(member, "value");

		if (!value)
			return fail(line_of(member), err, "found a block", "\"=\" and a list");
		if (json_object_get(*value_out, key))
			return fail(line_of(member), err, "found a parameter a second time", "one");
		if (json_object_set(*value_out, key, value))
			return no_memory(err);
	}
	return *value_out ? 0 : no_memory(err);
}

static int set_block(struct rule *rule, const json_t *item, struct err *err)
{
	const char *key = json_get_text(item, "key");
	json_t *value = NULL;
	int ret = 0;

	/* Its factors have labels; nobody looks into it. */
	if (strcmp(key, "control_group") != 0)
		ret = block_value(item, &value, err);
	if (!ret)
		ret = rule_set(rule, key, line_of(item), value, err);
	json_decref(value);
	return ret;
}

/* path "x" { … } */
static int read_block(struct policy *policy, const json_t *item, struct err *err)
{
	const json_t *labels = json_object_get(item, "labels"), *member;
	struct rule *rule;
	size_t i;
	int ret;

	if (json_array_size(labels) != 1)
		return fail(line_of(item), err, "found no path, or several, behind \"path\"",
			    "path \"…\" { … }");
	ret = new_rule(policy, json_string_value(json_array_get(labels, 0)), line_of(item), &rule,
		       err);
	if (ret)
		return ret;
	json_array_foreach(json_object_get(item, "body"), i, member)
	{
		const json_t *value = json_object_get(member, "value");

		ret = value ? rule_set(rule, json_get_text(member, "key"), line_of(member), value,
				       err)
			    : set_block(rule, member, err);
		if (ret)
			return ret;
	}
	return rule_finish(rule, err);
}

/* ---- As JSON is flattened ---- */

/* Where an object stands. */
struct place {
	const char *path; /* NULL: it holds the paths */
	unsigned line;
	const json_t *lines; /* of the paths, as far as they are known */
};

static int read_members(struct policy *policy, const struct place *place, json_t *object,
			struct err *err)
{
	struct rule *rule;
	const char *key;
	json_t *value;
	int ret;

	ret = new_rule(policy, place->path, place->line, &rule, err);
	if (ret)
		return ret;
	json_object_foreach(object, key, value)
	{
		ret = rule_set(rule, key, place->line, value, err);
		if (ret)
			return ret;
	}
	return rule_finish(rule, err);
}

typedef int (*object_visit)(struct policy *policy, const struct place *place, json_t *object,
			    struct err *err);

/* An object, or a list of some. */
static int each_object(struct policy *policy, const struct place *place, json_t *value,
		       object_visit visit, const char *expected, struct err *err)
{
	json_t *object;
	size_t i;
	int ret;

	if (json_is_object(value))
		return visit(policy, place, value, err);
	if (!json_array_size(value))
		return fail(place->line, err, "found no object behind \"path\"", expected);
	json_array_foreach(value, i, object)
	{
		if (!json_is_object(object))
			return fail(place->line, err, "found no object behind \"path\"", expected);
		ret = visit(policy, place, object, err);
		if (ret)
			return ret;
	}
	return 0;
}

/* {"x": {…}, "y": {…}} */
static int read_paths(struct policy *policy, const struct place *place, json_t *object,
		      struct err *err)
{
	const char *path;
	json_t *value;
	int ret;

	json_object_foreach(object, path, value)
	{
		struct place below = {
			.path = path,
			.line = (unsigned)json_get_int(place->lines, path, place->line),
		};

		ret = each_object(policy, &below, value, read_members,
				  "an object of a path's capabilities", err);
		if (ret)
			return ret;
	}
	return 0;
}

/* ---- The whole ---- */

static int read_item(struct policy *policy, const json_t *item, struct err *err)
{
	const char *key = json_get_text(item, "key");
	json_t *value = json_object_get(item, "value");
	struct place place = { .line = line_of(item), .lines = json_object_get(item, "lines") };
	char shown[RULE_SHOWN];

	if (!strcmp(key, "path"))
		return value ? each_object(policy, &place, value, read_paths,
					   "path \"…\" { … }, or an object of paths", err)
			     : read_block(policy, item, err);
	if (strcmp(key, "name") != 0)
		return err_set(err, LH_EINVAL, "invalid key \"%s\" on line %u, expected path",
			       rule_show(key, shown), line_of(item));
	return json_is_string(value)
		       ? 0
		       : fail(line_of(item), err, "found no text behind \"name\"", "name = \"…\"");
}

static int read_items(struct policy *policy, const char *text, size_t size, struct err *err)
{
	json_t *items = NULL, *item;
	size_t i;
	int ret;

	ret = hcl_read(text, size, &items, err);
	json_array_foreach(items, i, item)
	{
		ret = read_item(policy, item, err);
		if (ret)
			break;
	}
	json_decref(items);
	return ret;
}

int policy_parse(const char *name, const char *text, size_t size, struct policy **policy_out,
		 struct err *err)
{
	struct policy *policy = calloc(1, sizeof(*policy));
	int ret;

	*policy_out = NULL;
	if (!policy)
		return no_memory(err);
	policy->name = wipe_copy(name, strlen(name));
	ret = policy->name ? read_items(policy, text, size, err) : no_memory(err);
	if (ret) {
		policy_free(policy);
		return ret;
	}
	for (size_t i = 0; i < policy->count; i++)
		policy->rules[i].policy = policy->name;
	*policy_out = policy;
	return 0;
}
