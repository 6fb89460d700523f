/* SPDX-License-Identifier: Apache-2.0 */
/* The table of routes below auth/token/. */
#include "api/context.h"
#include "api/page.h"

static const struct field create_fields[] = {
	{ "id", FIELD_STRING, "The token, instead of a random one; needs sudo.", false, true },
	{ "policies", FIELD_STRINGS, "Its policies; default: those of the token that asks.", false,
	  false },
	{ "meta", FIELD_PAIRS, "Shown with the token.", false, false },
	{ "no_parent", FIELD_BOOL, "Makes an orphan; needs sudo.", false, false },
	{ "no_default_policy", FIELD_BOOL, "Leaves the policy \"default\" out.", false, false },
	{ "ttl", FIELD_STRING, "How long it lives, a duration.", false, false },
	{ "lease", FIELD_STRING, "The old name of ttl.", false, false },
	{ "explicit_max_ttl", FIELD_STRING, "How long it lives at most, whatever the renewals.",
	  false, false },
	{ "period", FIELD_STRING, "Each renewal grants this much, for ever; needs sudo.", false,
	  false },
	{ "renewable", FIELD_BOOL, "Whether it can be renewed; default true.", false, false },
	{ "display_name", FIELD_STRING, "For people, and for names in the cloud.", false, false },
	{ "num_uses", FIELD_INT, "How often it can be used; 0: without limit.", false, false },
	{ "type", FIELD_STRING, "\"service\" or \"batch\".", false, false },
	{ "entity_alias", FIELD_STRING, "Refused: there are no entities.", false, false },
	{ .name = NULL },
};

static const struct field token_fields[] = {
	{ "token", FIELD_STRING, "The token.", false, true },
	{ .name = NULL },
};

static const struct field accessor_fields[] = {
	{ "accessor", FIELD_STRING, "The accessor of the token.", true, false },
	{ .name = NULL },
};

static const struct field renew_fields[] = {
	{ "token", FIELD_STRING, "The token.", true, true },
	{ "increment", FIELD_DURATION, "The wanted time from now on.", false, false },
	{ .name = NULL },
};

static const struct field renew_self_fields[] = {
	{ "token", FIELD_STRING, "Accepted and not needed.", false, true },
	{ "increment", FIELD_DURATION, "The wanted time from now on.", false, false },
	{ .name = NULL },
};

static const struct field renew_accessor_fields[] = {
	{ "accessor", FIELD_STRING, "The accessor of the token.", true, false },
	{ "increment", FIELD_DURATION, "The wanted time from now on.", false, false },
	{ .name = NULL },
};

static const struct field role_fields[] = {
	{ "allowed_policies", FIELD_COMMA_STRINGS, "The policies that a token may have.", false,
	  false },
	{ "disallowed_policies", FIELD_COMMA_STRINGS, "The policies that it may not have.", false,
	  false },
	{ "allowed_policies_glob", FIELD_COMMA_STRINGS, "The same, with * for any text.", false,
	  false },
	{ "disallowed_policies_glob", FIELD_COMMA_STRINGS, "The same, with * for any text.", false,
	  false },
	{ "orphan", FIELD_BOOL, "Whether its tokens are orphans.", false, false },
	{ "renewable", FIELD_BOOL, "Whether its tokens can be renewed; default true.", false,
	  false },
	{ "path_suffix", FIELD_STRING, "Added to the path of its tokens.", false, false },
	{ "period", FIELD_DURATION, "The old name of token_period.", false, false },
	{ "explicit_max_ttl", FIELD_DURATION, "The old name of token_explicit_max_ttl.", false,
	  false },
	{ "bound_cidrs", FIELD_COMMA_STRINGS, "The old name of token_bound_cidrs.", false, false },
	{ "token_period", FIELD_DURATION, "What each renewal grants, for ever.", false, false },
	{ "token_explicit_max_ttl", FIELD_DURATION, "How long its tokens live at most.", false,
	  false },
	{ "token_bound_cidrs", FIELD_COMMA_STRINGS, "From where its tokens may be used.", false,
	  false },
	{ "token_num_uses", FIELD_INT, "How often its tokens can be used.", false, false },
	{ "token_no_default_policy", FIELD_BOOL, "Leaves the policy \"default\" out.", false,
	  false },
	{ "token_type", FIELD_STRING,
	  "\"service\", \"batch\", \"default-service\" or \"default-batch\".", false, false },
	{ "allowed_entity_aliases", FIELD_COMMA_STRINGS, "Ignored: there are no entities.", false,
	  false },
	{ .name = NULL },
};

#define WRITE(pattern_, fields_, handle_, help_)                                                   \
	{                                                                                          \
		.pattern = pattern_, .operations = OPERATION_WRITE,                                \
		.capability = CAPABILITY_UPDATE, .pool = API_WORK, .fields = fields_,              \
		.handle = handle_, .help = help_                                                   \
	}

#define LOOKUP(pattern_, fields_, handle_, help_)                                                  \
	{ .pattern = pattern_,                                                                     \
	  .operations = OPERATION_READ,                                                            \
	  .capability = CAPABILITY_READ,                                                           \
	  .pool = API_READ,                                                                        \
	  .fields = fields_,                                                                       \
	  .handle = handle_,                                                                       \
	  .help = help_ },                                                                         \
	{                                                                                          \
		.pattern = pattern_, .operations = OPERATION_WRITE,                                \
		.capability = CAPABILITY_UPDATE, .pool = API_READ, .fields = fields_,              \
		.handle = handle_, .help = help_                                                   \
	}

#define LIST(pattern_, flags_, handle_, help_)                                                     \
	{                                                                                          \
		.pattern = pattern_, .operations = OPERATION_LIST, .capability = CAPABILITY_LIST,  \
		.pool = API_WORK, .flags = flags_, .fields = page_fields, .handle = handle_,       \
		.help = help_                                                                      \
	}

const struct route routes_token[] = {
	WRITE("auth/token/create", create_fields, token_create_child, "Makes a child token."),
	WRITE("auth/token/create-orphan", create_fields, token_create_orphan,
	      "Makes a token without parent."),
	WRITE("auth/token/create/:role_name", create_fields, token_create_child,
	      "Makes a token by way of a token role."),

	LOOKUP("auth/token/lookup", token_fields, token_lookup, "Shows a token."),
	LOOKUP("auth/token/lookup-self", token_fields, token_lookup_self,
	       "Shows the token that asks."),
	{ .pattern = "auth/token/lookup-accessor",
	  .operations = OPERATION_WRITE,
	  .capability = CAPABILITY_UPDATE,
	  .pool = API_READ,
	  .fields = accessor_fields,
	  .handle = token_lookup_accessor,
	  .help = "Shows the token of an accessor." },

	WRITE("auth/token/renew", renew_fields, token_renew_given, "Renews a token."),
	WRITE("auth/token/renew-self", renew_self_fields, token_renew_self,
	      "Renews the token that asks."),
	WRITE("auth/token/renew-accessor", renew_accessor_fields, token_renew_accessor,
	      "Renews the token of an accessor."),

	WRITE("auth/token/revoke", token_fields, token_revoke_given,
	      "Revokes a token with all of its descendants and leases."),
	WRITE("auth/token/revoke-self", NULL, token_revoke_self, "Revokes the token that asks."),
	WRITE("auth/token/revoke-orphan", token_fields, token_revoke_orphan,
	      "Revokes a token; its children become orphans."),
	WRITE("auth/token/revoke-accessor", accessor_fields, token_revoke_accessor,
	      "Revokes the token of an accessor."),

	LIST("auth/token/accessors/?", ROUTE_SUDO, token_accessors, "Lists all accessors."),
	LIST("auth/token/roles/?", 0, token_roles_list, "Lists the token roles."),
	{ .pattern = "auth/token/roles/:role_name",
	  .operations = OPERATION_READ,
	  .capability = CAPABILITY_READ,
	  .pool = API_READ,
	  .handle = token_role_read,
	  .help = "Shows a token role." },
	{ .pattern = "auth/token/roles/:role_name",
	  .operations = OPERATION_WRITE,
	  .capability = CAPABILITY_UPDATE,
	  .pool = API_WORK,
	  .fields = role_fields,
	  .handle = token_role_write,
	  .exists = token_role_exists,
	  .help = "Makes or changes a token role: only what is sent changes." },
	{ .pattern = "auth/token/roles/:role_name",
	  .operations = OPERATION_DELETE,
	  .capability = CAPABILITY_DELETE,
	  .pool = API_WORK,
	  .handle = token_role_remove,
	  .help = "Deletes a token role." },
	WRITE("auth/token/tidy", NULL, token_tidy, "Wakes the revoker."),
	{ .pattern = NULL },
};
