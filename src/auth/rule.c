/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/rule.h"

#include <stdio.h>
#include <string.h>

#include "util/clock.h"
#include "util/duration.h"
#include "util/err.h"
#include "util/json.h"
#include "util/text.h"
#include "util/wipe.h"

void rule_clear(struct rule *rule)
{
	wipe_free(rule->path);
	json_decref(rule->allowed);
	json_decref(rule->denied);
	json_decref(rule->required);
	memset(rule, 0, sizeof(*rule));
}

const char *rule_show(const char *text, char shown[RULE_SHOWN])
{
	size_t used = 0;

	while (*text && used + 8 < RULE_SHOWN) {
		unsigned char c = (unsigned char)*text;
		size_t step = text_utf8(text, strlen(text));

		if (c == '"' || c == '\\') {
			used += (size_t)snprintf(shown + used, RULE_SHOWN - used, "\\%c", c);
		} else if (c < ' ' || c == 0x7f) {
			used += (size_t)snprintf(shown + used, RULE_SHOWN - used, "\\x%02x", c);
		} else {
			memcpy(shown + used, text, step);
			used += step;
		}
		text += step;
	}
	shown[used] = '\0';
	return shown;
}

static int no_memory(struct err *err)
{
	return err_set(err, LH_ENOMEM, "memory is out");
}

/* ---- The path ---- */

/* Every "{{" must have its "}}" before the next one. */
static int check_template(struct rule *rule, struct err *err)
{
	const char *at = rule->path;
	char shown[RULE_SHOWN];

	while (at && (strstr(at, "{{") || strstr(at, "}}"))) {
		const char *begin = strstr(at, "{{");
		const char *end = strstr(at, "}}");
		const char *again = begin ? strstr(begin + 2, "{{") : NULL;

		if (!begin || !end || end < begin || (again && again < end))
			return err_set(err, LH_EINVAL,
				       "path \"%s\" on line %u: unbalanced templating characters, "
				       "expected {{…}}",
				       rule_show(rule->path, shown), rule->line);
		rule->templated = true;
		at = end + 2;
	}
	return 0;
}

/* A `+` counts only as a whole part. */
static bool has_wild_part(const char *path)
{
	for (const char *at = strchr(path, '+'); at; at = strchr(at + 1, '+'))
		if ((at == path || at[-1] == '/') && (at[1] == '/' || !at[1]))
			return true;
	return false;
}

int rule_start(struct rule *rule, const char *path, unsigned line, struct err *err)
{
	char shown[RULE_SHOWN];
	size_t size;

	memset(rule, 0, sizeof(*rule));
	rule->line = line;
	if (strstr(path, "+*"))
		return err_set(err, LH_EINVAL,
			       "path \"%s\": invalid use of wildcards ('+*' is forbidden) on line "
			       "%u, expected `+` to be a whole part",
			       rule_show(path, shown), line);
	path += path[0] == '/';
	size = strlen(path);
	rule->open = size && path[size - 1] == '*';
	rule->path = wipe_copy(path, size - rule->open);
	if (!rule->path)
		return no_memory(err);
	rule->kind = has_wild_part(rule->path) ? RULE_PARTS : rule->open ? RULE_PREFIX : RULE_EXACT;
	return check_template(rule, err);
}

/* ---- The members ---- */

/* `path "x": sentence on line n, expected …` */
static int fail(const struct rule *rule, unsigned line, struct err *err, const char *sentence,
		const char *value, const char *expected)
{
	char path[RULE_SHOWN], shown[RULE_SHOWN];

	return err_set(err, LH_EINVAL, "path \"%s%s\": %s \"%s\" on line %u, expected %s",
		       rule_show(rule->path, path), rule->open ? "*" : "", sentence,
		       rule_show(value, shown), line, expected);
}

static int set_capabilities(struct rule *rule, const char *key, unsigned line, const json_t *value,
			    struct err *err)
{
	const json_t *name;
	size_t i;

	if (!json_is_array(value))
		return fail(rule, line, err, "invalid value of", key, "a list of texts");
	json_array_foreach(value, i, name)
	{
		enum capability capability;

		if (!json_is_string(name))
			return fail(rule, line, err, "invalid value of", key, "a list of texts");
		capability = capability_find(json_string_value(name));
		if (capability == CAPABILITY_NONE)
			return fail(rule, line, err, "invalid capability", json_string_value(name),
				    "create, read, update, delete, list, patch, sudo or deny");
		rule->capabilities |= CAPABILITY_BIT(capability);
	}
	return 0;
}

#define READS (CAPABILITY_BIT(CAPABILITY_READ) | CAPABILITY_BIT(CAPABILITY_LIST))
#define WRITES                                                                                     \
	(READS | CAPABILITY_BIT(CAPABILITY_CREATE) | CAPABILITY_BIT(CAPABILITY_UPDATE) |           \
	 CAPABILITY_BIT(CAPABILITY_DELETE))

/* The shorthand that came before capabilities. */
static int set_policy(struct rule *rule, const char *key, unsigned line, const json_t *value,
		      struct err *err)
{
	static const struct {
		const char *name;
		unsigned capabilities;
	} words[] = {
		{ "deny", CAPABILITY_BIT(CAPABILITY_DENY) },
		{ "read", READS },
		{ "write", WRITES },
		{ "sudo", WRITES | CAPABILITY_BIT(CAPABILITY_SUDO) },
	};
	const char *word = json_string_value(value);

	if (!word)
		return fail(rule, line, err, "invalid value of", key, "a text");
	if (rule->has_policy)
		return fail(rule, line, err, "second value of", key, "one");
	rule->has_policy = true;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!strcmp(word, words[i].name)) {
			rule->capabilities |= words[i].capabilities;
			return 0;
		}
	}
	return fail(rule, line, err, "invalid policy", word, "deny, read, write or sudo");
}

/* Names of parameters are compared in lower case. NULL if memory is out; to be released with
 * wipe_free. */
static char *lower_copy(const char *text)
{
	char *copy = wipe_copy(text, strlen(text));

	for (char *c = copy; c && *c; c++)
		*c = text_lower(*c);
	return copy;
}

/* Adds the values of a parameter to those that are there: any value (an empty list) stays any. */
static int add_values(json_t *all, const char *name, const json_t *values)
{
	json_t *known = json_object_get(all, name);
	json_t *list;
	int ret;

	if (!known)
		return json_object_set_new(all, name, json_deep_copy(values)) ? LH_ENOMEM : 0;
	if (!json_array_size(known))
		return 0;
	if (!json_array_size(values))
		return json_array_clear(known) ? LH_ENOMEM : 0;
	list = json_deep_copy(values);
	ret = list && !json_array_extend(known, list) ? 0 : LH_ENOMEM;
	json_decref(list);
	return ret;
}

/* The parameters of one object. */
static int add_parameters(const struct rule *rule, const char *key, unsigned line,
			  const json_t *object, json_t *all, struct err *err)
{
	const char *name;
	json_t *values;
	char *lower;
	int ret = 0;

	json_object_foreach((json_t *)(uintptr_t)object, name, values)
	{
		if (!json_is_array(values))
			return fail(rule, line, err, "invalid value of", key,
				    "a list of values for each parameter");
		lower = lower_copy(name);
		ret = lower ? add_values(all, lower, values) : LH_ENOMEM;
		wipe_free(lower);
		if (ret)
			return no_memory(err);
	}
	return 0;
}

/* An object, or, as JSON is flattened, a list of objects. */
static int set_parameters(struct rule *rule, const char *key, unsigned line, const json_t *value,
			  struct err *err)
{
	json_t **all = text_starts_with(key, "allowed") ? &rule->allowed : &rule->denied;
	const json_t *object;
	size_t i;
	int ret = 0;

	if (*all)
		return fail(rule, line, err, "second value of", key, "one");
	*all = json_object();
	if (!*all)
		return no_memory(err);
	if (json_is_object(value))
		return add_parameters(rule, key, line, value, *all, err);
	json_array_foreach(value, i, object)
	{
		if (!json_is_object(object))
			break;
		ret = add_parameters(rule, key, line, object, *all, err);
		if (ret)
			return ret;
	}
	if (i == 0 || i < json_array_size(value))
		return fail(rule, line, err, "invalid value of", key,
			    "an object of parameters, each with a list of values");
	return 0;
}

static int set_required(struct rule *rule, const char *key, unsigned line, const json_t *value,
			struct err *err)
{
	const json_t *name;
	size_t i;

	if (!json_is_array(value))
		return fail(rule, line, err, "invalid value of", key, "a list of texts");
	if (!rule->required)
		rule->required = json_object();
	json_array_foreach(value, i, name)
	{
		char *lower;
		int failed;

		if (!json_is_string(name))
			return fail(rule, line, err, "invalid value of", key, "a list of texts");
		lower = lower_copy(json_string_value(name));
		failed = !lower || json_object_set_new(rule->required, lower, json_true());
		wipe_free(lower);
		if (failed)
			return no_memory(err);
	}
	return rule->required ? 0 : no_memory(err);
}

/* Seconds. A part of a second would be cut to "no limit". */
static int set_wrap(struct rule *rule, const char *key, unsigned line, const json_t *value,
		    struct err *err)
{
	int64_t *ttl = text_starts_with(key, "min") ? &rule->min_wrap : &rule->max_wrap;
	const char *text = json_string_value(value);
	char path[RULE_SHOWN];
	struct err cause = { "" };
	int ret = 0;

	if (json_is_integer(value))
		*ttl = json_integer_value(value);
	else if (text)
		ret = duration_parse(text, ttl, &cause);
	else
		return fail(rule, line, err, "invalid value of", key, "a duration");
	if (ret)
		return err_set(err, LH_EINVAL,
			       "error parsing %s: %s in path \"%s%s\" on line %u, expected a "
			       "duration such as 90s or 5m",
			       key, cause.text, rule_show(rule->path, path), rule->open ? "*" : "",
			       line);
	if (*ttl < 0 || (*ttl == 0 && text && strpbrk(text, "123456789")))
		return err_set(err, LH_EINVAL,
			       "error parsing %s: on line %u, expected whole seconds, 0 or more",
			       key, line);
	return 0;
}

static int set_expiration(struct rule *rule, const char *key, unsigned line, const json_t *value,
			  struct err *err)
{
	const char *text = json_string_value(value);

	if (!text || clock_parse(text, &rule->expires))
		return fail(rule, line, err, "invalid value of", key,
			    "a time such as 2030-01-02T03:04:05Z");
	rule->expires += rule->expires == 0;
	return 0;
}

static int ignore(struct rule *rule, const char *key, unsigned line, const json_t *value,
		  struct err *err)
{
	(void)rule;
	(void)key;
	(void)line;
	(void)value;
	(void)err;
	return 0;
}

/* Accepted, as by servers without the means; whoever writes the policy is told. */
static int leave(struct rule *rule, const char *key, unsigned line, const json_t *value,
		 struct err *err)
{
	(void)line;
	(void)value;
	(void)err;
	rule->unkept = text_starts_with(key, "mfa") ? "mfa_methods" : "control_group";
	return 0;
}

static const struct {
	const char *key;
	int (*set)(struct rule *rule, const char *key, unsigned line, const json_t *value,
		   struct err *err);
} members[] = {
	{ "capabilities", set_capabilities },
	{ "policy", set_policy },
	{ "allowed_parameters", set_parameters },
	{ "denied_parameters", set_parameters },
	{ "required_parameters", set_required },
	{ "min_wrapping_ttl", set_wrap },
	{ "max_wrapping_ttl", set_wrap },
	{ "expiration", set_expiration },
	{ "comment", ignore },
	{ "mfa_methods", leave },
	{ "control_group", leave },
};

int rule_set(struct rule *rule, const char *key, unsigned line, const json_t *value,
	     struct err *err)
{
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		if (!strcmp(members[i].key, key))
			return members[i].set(rule, key, line, value, err);
	return fail(rule, line, err, "invalid key", key,
		    "capabilities, policy, allowed_parameters, denied_parameters, "
		    "required_parameters, min_wrapping_ttl, max_wrapping_ttl, expiration or "
		    "comment");
}

/* Nothing else counts any more. */
static void become_denial(struct rule *rule)
{
	rule->capabilities = CAPABILITY_BIT(CAPABILITY_DENY);
	json_decref(rule->allowed);
	json_decref(rule->denied);
	json_decref(rule->required);
	rule->allowed = rule->denied = rule->required = NULL;
	rule->min_wrap = rule->max_wrap = 0;
}

int rule_finish(struct rule *rule, struct err *err)
{
	char path[RULE_SHOWN];

	if (rule->min_wrap && rule->max_wrap && rule->max_wrap < rule->min_wrap)
		return err_set(err, LH_EINVAL,
			       "max_wrapping_ttl cannot be less than min_wrapping_ttl in path "
			       "\"%s%s\" on line %u, expected at least %lld s",
			       rule_show(rule->path, path), rule->open ? "*" : "", rule->line,
			       (long long)rule->min_wrap);
	if (rule->capabilities & CAPABILITY_BIT(CAPABILITY_DENY))
		become_denial(rule);
	return 0;
}

/* ---- Two rules of one path ---- */

/* A side without parameters has no say: a rule with limits wins over one without. */
static int merge_parameters(json_t **all, const json_t *other)
{
	const char *name;
	json_t *values;

	if (!json_object_size(other))
		return 0;
	if (!*all)
		*all = json_object();
	json_object_foreach((json_t *)(uintptr_t)other, name, values)
	{
		if (add_values(*all, name, values))
			return LH_ENOMEM;
	}
	return *all ? 0 : LH_ENOMEM;
}

static int merge_required(json_t **all, const json_t *other)
{
	if (!other)
		return 0;
	if (!*all)
		*all = json_object();
	return json_object_update(*all, (json_t *)(uintptr_t)other) ? LH_ENOMEM : 0;
}

/* The smaller one of those that are limits. */
static int64_t smaller(int64_t a, int64_t b)
{
	return !a || (b && b < a) ? b : a;
}

int rule_merge(struct rule *rule, const struct rule *other)
{
	const unsigned deny = CAPABILITY_BIT(CAPABILITY_DENY);
	int ret;

	if ((rule->capabilities | other->capabilities) & deny) {
		become_denial(rule);
		return 0;
	}
	rule->capabilities |= other->capabilities;
	rule->min_wrap = smaller(rule->min_wrap, other->min_wrap);
	rule->max_wrap = smaller(rule->max_wrap, other->max_wrap);
	ret = merge_parameters(&rule->allowed, other->allowed);
	if (!ret)
		ret = merge_parameters(&rule->denied, other->denied);
	return ret ? ret : merge_required(&rule->required, other->required);
}
