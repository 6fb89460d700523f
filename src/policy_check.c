/* SPDX-License-Identifier: Apache-2.0 */
/* leasehold policy check: what policies grant, without a server. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/acl.h"
#include "auth/policy.h"
#include "cli.h"
#include "command.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/file.h"
#include "util/json.h"
#include "util/text.h"
#include "util/wipe.h"

static int add_file(struct acl *acl, const char *path, struct err *err)
{
	struct buf text = BUF_INIT;
	struct policy *policy;
	int ret;

	ret = file_read(path, POLICY_SIZE_MAX, &text, err);
	if (!ret) {
		ret = policy_parse(path, buf_text(&text), text.size, &policy, err);
		if (ret)
			err_prefix(err, ret, "%s", path);
	}
	buf_free(&text);
	if (!ret && acl_add(acl, policy))
		return err_set(err, LH_ENOMEM, "memory is out");
	return ret;
}

static int build(const struct cli *cli, struct acl **acl_out, struct err *err)
{
	struct acl *acl;
	int ret;

	*acl_out = NULL;
	ret = acl_new(&acl);
	if (ret)
		return err_set(err, ret, "memory is out");
	for (size_t i = 0; !ret && i < cli->policy_count; i++)
		ret = add_file(acl, cli->policies[i], err);
	if (!ret && acl_build(acl, clock_now()))
		ret = err_set(err, LH_ENOMEM, "memory is out");
	if (ret) {
		acl_free(acl);
		return ret;
	}
	*acl_out = acl;
	return 0;
}

static int print_value(const char *name, const json_t *value)
{
	char *text = json_text_sorted(value);

	if (!text)
		return LH_ENOMEM;
	printf("  %s: %s\n", name, text);
	wipe_free(text);
	return 0;
}

static int print_json(const char *name, const json_t *value)
{
	return json_object_size(value) ? print_value(name, value) : 0;
}

/* A set of names is shown as it was written. */
static int print_names(const char *name, json_t *set)
{
	json_t *names = json_array();
	const char *each;
	json_t *value;
	int ret = names ? 0 : LH_ENOMEM;

	json_object_foreach(set, each, value)
	{
		if (!ret && json_array_append_new(names, json_string(each)))
			ret = LH_ENOMEM;
	}
	if (!ret && json_array_size(names))
		ret = print_value(name, names);
	json_decref(names);
	return ret;
}

static void print_ttl(const char *name, int64_t seconds)
{
	if (seconds)
		printf("  %s: %lld s\n", name, (long long)seconds);
}

/* Where the rule stands: several places if it was merged. */
static void print_origin(const struct rule *rule)
{
	printf("  path \"%s%s\"", rule->path, rule->open ? "*" : "");
	for (const struct rule *part = rule; part; part = part->same)
		printf("%s %s:%u", part == rule ? "," : " +", part->policy, part->line);
	putchar('\n');
}

static int print_rule(const struct rule *rule)
{
	int ret;

	print_origin(rule);
	ret = print_json("allowed_parameters", rule->allowed);
	if (!ret)
		ret = print_json("denied_parameters", rule->denied);
	if (!ret)
		ret = print_names("required_parameters", rule->required);
	print_ttl("min_wrapping_ttl", rule->min_wrap);
	print_ttl("max_wrapping_ttl", rule->max_wrap);
	return ret;
}

static int print_path(const struct acl *acl, const char *path)
{
	const struct rule *rule = acl_find(acl, path, ACL_LIST);
	json_t *names = capability_names(rule ? rule->capabilities : 0), *name;
	size_t i;

	if (!names)
		return LH_ENOMEM;
	printf("%s:", path);
	json_array_foreach(names, i, name)
	{
		printf("%s %s", i ? "," : "", json_string_value(name));
	}
	putchar('\n');
	json_decref(names);
	if (rule)
		return print_rule(rule);
	puts(text_starts_with(path + strspn(path, "/"), "v1/")
		     ? "  no rule matches; rules and paths stand without /v1/"
		     : "  no rule matches");
	return 0;
}

int command_policy_check(const struct cli *cli, struct err *err)
{
	struct acl *acl;
	int ret;

	ret = build(cli, &acl, err);
	if (ret)
		return ret;
	for (size_t i = 0; !ret && i < cli->path_count; i++)
		ret = print_path(acl, cli->paths[i]);
	acl_free(acl);
	return ret ? err_set(err, ret, "memory is out") : 0;
}
