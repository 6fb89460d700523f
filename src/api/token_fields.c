/* SPDX-License-Identifier: Apache-2.0 */
#include "api/token_fields.h"

#include <string.h>

#include "api/context.h"
#include "auth/policies.h"
#include "auth/token.h"
#include "util/err.h"
#include "util/json.h"

int token_fields_take(const json_t *fields, const char *const *members, size_t count,
		      json_t *target)
{
	int lost = 0;

	for (size_t i = 0; i < count; i++) {
		const json_t *sent = json_object_get(fields, members[i]);

		if (sent)
			lost |= json_object_set_new(target, members[i], json_deep_copy(sent));
	}
	return lost ? LH_ENOMEM : 0;
}

static json_t *nothing_like(const json_t *value)
{
	return json_is_array(value) ? json_array() : json_integer(0);
}

int token_fields_take_renamed(struct context *context, const struct token_field_names *members,
			      size_t count, json_t *target)
{
	int lost = 0;

	for (size_t i = 0; i < count; i++) {
		const json_t *sent = json_object_get(context->fields, members[i].name);
		const json_t *old = json_object_get(context->fields, members[i].old);

		if (sent) {
			lost |= json_object_set_new(target, members[i].name, json_deep_copy(sent));
			lost |= json_object_set_new(target, members[i].old, nothing_like(sent));
		} else if (old) {
			lost |= json_object_set_new(target, members[i].name, json_deep_copy(old));
			lost |= json_object_set_new(target, members[i].old, json_deep_copy(old));
		}
		if (sent && old)
			outcome_warn(&context->outcome,
				     "Both '%s' and deprecated '%s' value supplied, ignoring the "
				     "deprecated value",
				     members[i].name, members[i].old);
	}
	return lost ? LH_ENOMEM : 0;
}

int token_fields_take_type(const json_t *fields, const char *usual, json_t *target, struct err *err)
{
	static const char *const types[] = { "service", "batch", "default-service",
					     "default-batch" };
	const json_t *sent = json_object_get(fields, "token_type");
	const char *type = json_string_value(sent);
	bool known;

	if (!sent)
		return 0;
	known = !type[0] || !strcmp(type, "default");
	if (known)
		type = usual;
	for (size_t i = 0; !known && i < sizeof(types) / sizeof(types[0]); i++)
		known = !strcmp(type, types[i]);
	if (!known)
		return err_set(err, LH_EINVAL, "invalid 'token_type' value \"%s\"", type);
	return json_object_set_new(target, "token_type", json_string(type)) ? LH_ENOMEM : 0;
}

int token_fields_check_cidrs(const json_t *target, const char *member, struct err *err)
{
	const json_t *cidr;
	size_t i;

	json_array_foreach(json_object_get(target, member), i, cidr)
	{
		const char *text = json_string_value(cidr);

		if (!cidr_is_valid(text))
			return err_set(err, LH_EINVAL,
				       "%s: \"%.64s\" must be an address or a block of addresses, "
				       "as 10.0.0.0/8 or 2001:db8::/32",
				       member, text);
	}
	return 0;
}

int token_fields_check_policies(const json_t *policies, const char *owner, struct err *err)
{
	const json_t *policy;
	size_t i;

	json_array_foreach(policies, i, policy)
	{
		const char *name = json_string_value(policy);

		if (!strcmp(name, "root") || !strcmp(name, TOKEN_WRAPPING_POLICY))
			return err_set(err, LH_EINVAL, "%s cannot have the policy \"%s\"", owner,
				       name);
		if (!policy_name_is_valid(name))
			return err_set(err, LH_EINVAL,
				       "policies: a name has 1 to %d printable characters",
				       POLICY_NAME_MAX);
	}
	return 0;
}
