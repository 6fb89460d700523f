/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/role.h"

#include <inttypes.h>

#include "util/err.h"
#include "util/json.h"

static json_t *empty_role(void)
{
	return json_pack("{s:n, s:i, s:n, s:s, s:i}", "inline_policies", "max_ttl", 0,
			 "remote_policies", "role_arn", "", "ttl", 0);
}

static int set(json_t *role, const char *name, json_t *value)
{
	return json_object_set_new(role, name, value) ? LH_ENOMEM : 0;
}

static int merge_arn(const struct role_rules *rules, json_t *role, const json_t *input,
		     struct err *err)
{
	const char *arn = json_get_text(input, "role_arn");

	if (!json_object_get(input, "role_arn"))
		return 0;
	if (arn[0] && !rules->is_arn(arn))
		return err_set(err, LH_EINVAL, "role_arn: must look like %s", rules->arn_form);
	return set(role, "role_arn", json_string(arn));
}

static int merge_policies(const struct role_rules *rules, json_t *role, const json_t *input,
			  const char *random, struct err *err)
{
	const json_t *documents = json_object_get(input, "inline_policies");
	const json_t *texts = json_object_get(input, "remote_policies");
	json_t *policies;
	int ret = 0;

	if (documents) {
		ret = policies_inline(rules->document, json_get_text(input, "inline_policies"),
				      random, &policies, err);
		if (!ret)
			ret = set(role, "inline_policies", policies);
	}
	if (!ret && texts) {
		ret = policies_remote(rules->remote, texts, &policies, err);
		if (!ret)
			ret = set(role, "remote_policies", policies);
	}
	return ret;
}

static int merge_ttl(json_t *role, const json_t *input, const char *name)
{
	json_t *value = json_object_get(input, name);

	return value ? set(role, name, json_incref(value)) : 0;
}

static int merge(const struct role_rules *rules, json_t *role, const json_t *input,
		 const char *random, struct err *err)
{
	int ret = merge_arn(rules, role, input, err);

	if (!ret)
		ret = merge_policies(rules, role, input, random, err);
	if (!ret)
		ret = merge_ttl(role, input, "ttl");
	if (!ret)
		ret = merge_ttl(role, input, "max_ttl");
	return ret;
}

/* Order and words are those of Vault's engines. */
static int check_whole(const json_t *role, struct err *err)
{
	bool inlined = json_array_size(json_object_get(role, "inline_policies")) > 0;
	bool remote = json_array_size(json_object_get(role, "remote_policies")) > 0;
	int64_t ttl, max_ttl;

	role_ttl(role, &ttl, &max_ttl);
	if (max_ttl > 0 && ttl > max_ttl)
		return err_set(err, LH_EINVAL, "ttl exceeds max_ttl");
	if (json_get_text(role, "role_arn")[0]) {
		if (remote)
			return err_set(err, LH_EINVAL,
				       "remote_policies must be blank when an arn is present");
		if (inlined)
			return err_set(err, LH_EINVAL,
				       "inline_policies must be blank when an arn is present");
	} else if (!inlined && !remote) {
		return err_set(err, LH_EINVAL,
			       "must include an arn, or at least one of inline_policies or "
			       "remote_policies");
	}
	return 0;
}

static void warn(const struct role_rules *rules, const json_t *role,
		 const struct role_limits *limits, struct warnings *warnings)
{
	int64_t ttl, max_ttl;

	role_ttl(role, &ttl, &max_ttl);
	if (json_get_text(role, "role_arn")[0] && (ttl > 0 || max_ttl > 0))
		warnings_add(warnings, "role_arn is set so ttl and max_ttl will be ignored because "
				       "they're not editable on STS tokens");
	if (ttl > limits->max_ttl)
		warnings_add(warnings,
			     "ttl of %" PRId64 " exceeds the system max ttl of %" PRId64
			     ", the latter will be used during login",
			     ttl, limits->max_ttl);
	if (rules->warn)
		rules->warn(role, warnings);
}

/* Only what was sent changes; a list that was sent replaces the old one. */
int role_check(const struct role_rules *rules, const json_t *stored, const json_t *input,
	       const struct role_limits *limits, const char *random, json_t **role_out,
	       struct warnings *warnings, struct err *err)
{
	json_t *role = stored ? role_show(stored) : empty_role();
	int ret = role ? 0 : LH_ENOMEM;

	*role_out = NULL;
	if (!ret)
		ret = merge(rules, role, input, random, err);
	if (!ret)
		ret = check_whole(role, err);
	if (ret == LH_ENOMEM)
		err_set(err, ret, "memory is out");
	if (ret) {
		json_decref(role);
		return ret;
	}
	warn(rules, role, limits, warnings);
	*role_out = role;
	return 0;
}

json_t *role_show(const json_t *role)
{
	int64_t ttl, max_ttl;

	role_ttl(role, &ttl, &max_ttl);
	return json_pack("{s:O?, s:I, s:O?, s:s, s:I}", "inline_policies",
			 json_object_get(role, "inline_policies"), "max_ttl", (json_int_t)max_ttl,
			 "remote_policies", json_object_get(role, "remote_policies"), "role_arn",
			 json_get_text(role, "role_arn"), "ttl", (json_int_t)ttl);
}

void role_ttl(const json_t *role, int64_t *ttl_out, int64_t *max_ttl_out)
{
	*ttl_out = json_get_int(role, "ttl", 0);
	*max_ttl_out = json_get_int(role, "max_ttl", 0);
}
