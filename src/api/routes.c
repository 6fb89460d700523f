/* SPDX-License-Identifier: Apache-2.0 */
/* The table of routes. What writes, calls a cloud or may answer much is the work pool's. */
#include "api/context.h"
#include "api/page.h"

static const struct field metrics_fields[] = {
	{ "format", FIELD_STRING, "\"prometheus\" for text; else the Accept header decides.", false,
	  false },
	{ .name = NULL },
};

static const struct field enable_fields[] = {
	{ "type", FIELD_STRING, "The type of the engine, for example \"alicloud\".", true, false },
	{ "description", FIELD_STRING, "For people.", false, false },
	{ "config", FIELD_MAP, "default_lease_ttl, max_lease_ttl and further settings.", false,
	  false },
	{ "options", FIELD_PAIRS, "Stored and shown.", false, false },
	{ "local", FIELD_BOOL, "Stored and shown.", false, false },
	{ "seal_wrap", FIELD_BOOL, "Stored and shown.", false, false },
	{ "external_entropy_access", FIELD_BOOL, "Stored and shown.", false, false },
	{ "plugin_name", FIELD_STRING, "The engine's type where type is \"plugin\".", false,
	  false },
	{ "plugin_version", FIELD_STRING, "Must be empty: engines are built in.", false, false },
	{ .name = NULL },
};

static const struct field tune_fields[] = {
	{ "default_lease_ttl", FIELD_STRING, "Duration, or \"system\".", false, false },
	{ "max_lease_ttl", FIELD_STRING, "Duration, or \"system\".", false, false },
	{ "description", FIELD_STRING, "For people.", false, false },
	{ "force_no_cache", FIELD_BOOL, "Stored and shown.", false, false },
	{ "listing_visibility", FIELD_STRING, "\"\", \"hidden\" or \"unauth\".", false, false },
	{ "audit_non_hmac_request_keys", FIELD_COMMA_STRINGS, "Kept readable in audit entries.",
	  false, false },
	{ "audit_non_hmac_response_keys", FIELD_COMMA_STRINGS, "Kept readable in audit entries.",
	  false, false },
	{ "passthrough_request_headers", FIELD_COMMA_STRINGS, "Stored and shown.", false, false },
	{ "allowed_response_headers", FIELD_COMMA_STRINGS, "Stored and shown.", false, false },
	{ "options", FIELD_PAIRS, "Merged into the stored ones; an empty value deletes.", false,
	  false },
	{ "token_type", FIELD_STRING, "For auth mounts only.", false, false },
	{ "plugin_version", FIELD_STRING, "Must be empty: engines are built in.", false, false },
	{ .name = NULL },
};

static const struct field lookup_fields[] = {
	{ "lease_id", FIELD_STRING, "The lease.", true, false },
	{ .name = NULL },
};

static const struct field renew_fields[] = {
	{ "lease_id", FIELD_STRING, "The lease, unless it is in the path.", false, false },
	{ "increment", FIELD_DURATION, "The wanted time from now on.", false, false },
	{ .name = NULL },
};

static const struct field revoke_fields[] = {
	{ "lease_id", FIELD_STRING, "The lease, unless it is in the path.", false, false },
	{ "sync", FIELD_BOOL, "Whether to wait until it is revoked; default true.", false, false },
	{ .name = NULL },
};

static const struct field prefix_fields[] = {
	{ "sync", FIELD_BOOL, "Whether to wait until all are revoked; default true.", false,
	  false },
	{ .name = NULL },
};

#define PATHS_FIELDS                                                                               \
	{ "paths", FIELD_COMMA_STRINGS, "The paths.", true, false },                               \
		{ "path", FIELD_COMMA_STRINGS, "The same, as older clients say it.", false,        \
		  false },                                                                         \
	{                                                                                          \
		.name = NULL                                                                       \
	}

static const struct field capabilities_fields[] = {
	{ "token", FIELD_STRING, "The token.", true, true },
	PATHS_FIELDS,
};

static const struct field capabilities_accessor_fields[] = {
	{ "accessor", FIELD_STRING, "The accessor of the token.", true, false },
	PATHS_FIELDS,
};

static const struct field capabilities_self_fields[] = {
	PATHS_FIELDS,
};

static const struct field policy_fields[] = {
	{ "policy", FIELD_STRING, "The text: HCL or JSON, or either in base64.", true, false },
	{ .name = NULL },
};

static const struct field old_policy_fields[] = {
	{ "policy", FIELD_STRING, "The text: HCL or JSON, or either in base64.", true, false },
	{ "rules", FIELD_STRING, "The same, as older clients say it.", false, false },
	{ .name = NULL },
};

static const struct field count_fields[] = {
	{ "type", FIELD_STRING, "Must be \"irrevocable\".", true, false },
	{ "include_child_namespaces", FIELD_BOOL, "Accepted; there are none.", false, false },
	{ .name = NULL },
};

static const struct field irrevocable_fields[] = {
	{ "type", FIELD_STRING, "Must be \"irrevocable\".", true, false },
	{ "include_child_namespaces", FIELD_BOOL, "Accepted; there are none.", false, false },
	{ "limit", FIELD_STRING, "How many at most, or \"none\" for as many as one answer holds.",
	  false, false },
	{ .name = NULL },
};

static const struct field wrapping_fields[] = {
	{ "token", FIELD_STRING, "The wrapping token, unless it is the token that asks.", false,
	  true },
	{ .name = NULL },
};

#define OPEN(pattern_, operations_, handle_, help_)                                                \
	{                                                                                          \
		.pattern = pattern_, .operations = operations_, .capability = CAPABILITY_NONE,     \
		.pool = API_READ, .flags = ROUTE_BARE, .handle = handle_, .help = help_            \
	}

#define RENEW(pattern_)                                                                            \
	{                                                                                          \
		.pattern = pattern_, .operations = OPERATION_WRITE,                                \
		.capability = CAPABILITY_UPDATE, .pool = API_WORK, .fields = renew_fields,         \
		.handle = leases_renew, .help = "Renews a lease."                                  \
	}

#define REVOKE(pattern_)                                                                           \
	{                                                                                          \
		.pattern = pattern_, .operations = OPERATION_WRITE,                                \
		.capability = CAPABILITY_UPDATE, .pool = API_WORK, .fields = revoke_fields,        \
		.handle = leases_revoke, .help = "Revokes a lease at once."                        \
	}

#define REVOKE_PREFIX(pattern_, handle_, help_)                                                    \
	{                                                                                          \
		.pattern = pattern_, .operations = OPERATION_WRITE,                                \
		.capability = CAPABILITY_UPDATE, .pool = API_WORK, .flags = ROUTE_SUDO,            \
		.fields = prefix_fields, .handle = handle_, .help = help_                          \
	}

#define CAPABILITIES(pattern_, fields_, handle_, help_)                                            \
	{                                                                                          \
		.pattern = pattern_, .operations = OPERATION_WRITE,                                \
		.capability = CAPABILITY_UPDATE, .pool = API_READ, .flags = ROUTE_INJECT,          \
		.fields = fields_, .handle = handle_, .help = help_                                \
	}

/* The rows of one policy. */
#define POLICY(pattern_, flags_, fields_, read_)                                                   \
	{ .pattern = pattern_,                                                                     \
	  .operations = OPERATION_READ,                                                            \
	  .capability = CAPABILITY_READ,                                                           \
	  .pool = API_READ,                                                                        \
	  .flags = ROUTE_LOWER | (flags_),                                                         \
	  .handle = read_,                                                                         \
	  .help = "Shows a policy." },                                                             \
		{ .pattern = pattern_,                                                             \
		  .operations = OPERATION_WRITE,                                                   \
		  .capability = CAPABILITY_UPDATE,                                                 \
		  .pool = API_WORK,                                                                \
		  .flags = ROUTE_LOWER,                                                            \
		  .fields = fields_,                                                               \
		  .handle = policy_write,                                                          \
		  .help = "Makes a policy, or puts another text in its place." },                  \
	{                                                                                          \
		.pattern = pattern_, .operations = OPERATION_DELETE,                               \
		.capability = CAPABILITY_DELETE, .pool = API_WORK, .flags = ROUTE_LOWER,           \
		.handle = policy_delete, .help = "Deletes a policy."                               \
	}

#define PREFIX_HELP "Revokes all leases under a prefix."
#define FORCE_HELP  "Forgets all leases under a prefix after one attempt to revoke each."

const struct route routes_system[] = {
	OPEN("sys/health", OPERATION_READ | OPERATION_HEAD, health_read,
	     "Tells whether the server can be used."),
	OPEN("sys/seal-status", OPERATION_READ, seal_status_read, "Tells the state of the seal."),
	OPEN("sys/init", OPERATION_READ, init_read, "Tells whether the store is initialized."),
	OPEN("sys/init", OPERATION_WRITE, init_write, "Refuses: the server starts initialized."),
	OPEN("sys/leader", OPERATION_READ, leader_read, "Tells who leads the cluster."),

	{ .pattern = "sys/metrics",
	  .operations = OPERATION_READ,
	  .capability = CAPABILITY_READ,
	  .pool = API_READ,
	  .fields = metrics_fields,
	  .handle = metrics_read,
	  .help = "Shows what the server counts." },

	{ .pattern = "sys/mounts",
	  .operations = OPERATION_READ,
	  .capability = CAPABILITY_READ,
	  .pool = API_READ,
	  .flags = ROUTE_INJECT,
	  .handle = mounts_list,
	  .help = "Shows all mounts." },
	{ .pattern = "sys/mounts/:path+/tune",
	  .operations = OPERATION_READ,
	  .capability = CAPABILITY_READ,
	  .pool = API_READ,
	  .flags = ROUTE_INJECT,
	  .handle = tune_read,
	  .help = "Shows the settings of a mount." },
	{ .pattern = "sys/mounts/:path+/tune",
	  .operations = OPERATION_WRITE,
	  .capability = CAPABILITY_UPDATE,
	  .pool = API_WORK,
	  .flags = ROUTE_INJECT,
	  .fields = tune_fields,
	  .handle = tune_write,
	  .help = "Changes the settings of a mount." },
	{ .pattern = "sys/mounts/:path+",
	  .operations = OPERATION_READ,
	  .capability = CAPABILITY_READ,
	  .pool = API_READ,
	  .flags = ROUTE_INJECT,
	  .handle = mounts_read,
	  .help = "Shows a mount." },
	{ .pattern = "sys/mounts/:path+",
	  .operations = OPERATION_WRITE,
	  .capability = CAPABILITY_UPDATE,
	  .pool = API_WORK,
	  .flags = ROUTE_INJECT,
	  .fields = enable_fields,
	  .handle = mounts_enable,
	  .help = "Enables an engine at a path." },
	{ .pattern = "sys/mounts/:path+",
	  .operations = OPERATION_DELETE,
	  .capability = CAPABILITY_DELETE,
	  .pool = API_WORK,
	  .handle = mounts_disable,
	  .help = "Disables a mount: revokes its leases, then removes it." },
	{ .pattern = "sys/auth",
	  .operations = OPERATION_READ,
	  .capability = CAPABILITY_READ,
	  .pool = API_READ,
	  .flags = ROUTE_INJECT,
	  .handle = auth_mounts_list,
	  .help = "Shows all auth mounts." },
	{ .pattern = "sys/internal/ui/mounts",
	  .operations = OPERATION_READ,
	  .capability = CAPABILITY_NONE,
	  .pool = API_READ,
	  .handle = ui_mounts_list,
	  .help = "Shows the mounts that the token can use; without one, those with "
		  "listing_visibility \"unauth\"." },
	{ .pattern = "sys/internal/ui/mounts/:path+",
	  .operations = OPERATION_READ,
	  .capability = CAPABILITY_SELF,
	  .pool = API_READ,
	  .handle = ui_mounts_read,
	  .help = "Shows the mount that a path leads to." },

	{ .pattern = "sys/internal/ui/resultant-acl",
	  .operations = OPERATION_READ,
	  .capability = CAPABILITY_READ,
	  .pool = API_READ,
	  .flags = ROUTE_TOKENLESS,
	  .handle = resultant_acl,
	  .help = "Shows all that the token may do." },

	CAPABILITIES("sys/capabilities", capabilities_fields, capabilities_of_token,
		     "Tells what a token may do at some paths."),
	CAPABILITIES("sys/capabilities-accessor", capabilities_accessor_fields,
		     capabilities_of_accessor,
		     "Tells what the token of an accessor may do at some paths."),
	CAPABILITIES("sys/capabilities-self", capabilities_self_fields, capabilities_self,
		     "Tells what the token that asks may do at some paths."),

	{ .pattern = "sys/policies/acl/?",
	  .operations = OPERATION_LIST,
	  .capability = CAPABILITY_LIST,
	  .pool = API_WORK,
	  .fields = page_fields,
	  .handle = policy_list,
	  .help = "Lists the policies." },
	POLICY("sys/policies/acl/:name+", 0, policy_fields, policy_read),
	{ .pattern = "sys/policy/?",
	  .operations = OPERATION_LIST,
	  .capability = CAPABILITY_LIST,
	  .pool = API_WORK,
	  .flags = ROUTE_INJECT,
	  .fields = page_fields,
	  .handle = old_policy_list,
	  .help = "Lists the policies." },
	{ .pattern = "sys/policy/?",
	  .operations = OPERATION_READ,
	  .capability = CAPABILITY_READ,
	  .pool = API_WORK,
	  .flags = ROUTE_INJECT,
	  .fields = page_fields,
	  .handle = old_policy_list,
	  .help = "Lists the policies." },
	POLICY("sys/policy/:name+", ROUTE_INJECT, old_policy_fields, old_policy_read),

	{ .pattern = "cubbyhole/:path*",
	  .operations = OPERATION_READ,
	  .capability = CAPABILITY_READ,
	  .pool = API_READ,
	  .flags = ROUTE_ANY,
	  .handle = cubbyhole_read,
	  .help = "Shows what the token keeps at a path." },
	{ .pattern = "cubbyhole/:path*",
	  .operations = OPERATION_LIST,
	  .capability = CAPABILITY_LIST,
	  .pool = API_READ,
	  .flags = ROUTE_ANY,
	  .handle = cubbyhole_names,
	  .help = "Lists what the token keeps, folder by folder." },
	{ .pattern = "cubbyhole/:path*",
	  .operations = OPERATION_WRITE,
	  .capability = CAPABILITY_UPDATE,
	  .pool = API_WORK,
	  .flags = ROUTE_ANY,
	  .handle = cubbyhole_write,
	  .exists = cubbyhole_exists,
	  .help = "Keeps whatever is sent, for this token alone and as long as it lives." },
	{ .pattern = "cubbyhole/:path*",
	  .operations = OPERATION_DELETE,
	  .capability = CAPABILITY_DELETE,
	  .pool = API_WORK,
	  .flags = ROUTE_ANY,
	  .handle = cubbyhole_remove,
	  .help = "Deletes what the token keeps at a path." },

	{ .pattern = "sys/wrapping/wrap",
	  .operations = OPERATION_WRITE,
	  .capability = CAPABILITY_UPDATE,
	  .pool = API_WORK,
	  .flags = ROUTE_ANY,
	  .handle = wrapping_wrap,
	  .help = "Wraps whatever is sent." },
	{ .pattern = "sys/wrapping/unwrap",
	  .operations = OPERATION_WRITE,
	  .capability = CAPABILITY_UPDATE,
	  .pool = API_WORK,
	  .flags = ROUTE_WRAPPER,
	  .fields = wrapping_fields,
	  .handle = wrapping_unwrap,
	  .help = "Answers with a wrapped response, once." },
	{ .pattern = "sys/wrapping/rewrap",
	  .operations = OPERATION_WRITE,
	  .capability = CAPABILITY_UPDATE,
	  .pool = API_WORK,
	  .flags = ROUTE_WRAPPER,
	  .fields = wrapping_fields,
	  .handle = wrapping_rewrap,
	  .help = "Wraps a wrapped response anew, for as long again." },
	{ .pattern = "sys/wrapping/lookup",
	  .operations = OPERATION_READ | OPERATION_WRITE,
	  .capability = CAPABILITY_NONE,
	  .pool = API_READ,
	  .flags = ROUTE_WRAPPER,
	  .fields = wrapping_fields,
	  .handle = wrapping_lookup,
	  .help = "Shows when and by which request a response was wrapped." },

	{ .pattern = "sys/leases/lookup",
	  .operations = OPERATION_WRITE,
	  .capability = CAPABILITY_UPDATE,
	  .pool = API_READ,
	  .fields = lookup_fields,
	  .handle = leases_lookup,
	  .help = "Shows a lease." },
	{ .pattern = "sys/leases/lookup/:prefix*",
	  .operations = OPERATION_LIST,
	  .capability = CAPABILITY_LIST,
	  .pool = API_WORK,
	  .flags = ROUTE_SUDO,
	  .fields = page_fields,
	  .handle = leases_list,
	  .help = "Lists the leases under a prefix, folder by folder." },
	RENEW("sys/leases/renew/:url_lease_id*"),
	REVOKE("sys/leases/revoke/:url_lease_id*"),
	REVOKE_PREFIX("sys/leases/revoke-prefix/:prefix+", leases_revoke_prefix, PREFIX_HELP),
	REVOKE_PREFIX("sys/leases/revoke-force/:prefix+", leases_revoke_force, FORCE_HELP),
	{ .pattern = "sys/leases/tidy",
	  .operations = OPERATION_WRITE,
	  .capability = CAPABILITY_UPDATE,
	  .pool = API_WORK,
	  .handle = leases_tidy,
	  .help = "Wakes the revoker." },
	{ .pattern = "sys/leases/count",
	  .operations = OPERATION_READ,
	  .capability = CAPABILITY_READ,
	  .pool = API_READ,
	  .fields = count_fields,
	  .handle = leases_count,
	  .help = "Counts the leases whose revocation failed again and again." },
	{ .pattern = "sys/leases",
	  .operations = OPERATION_READ,
	  .capability = CAPABILITY_READ,
	  .pool = API_WORK,
	  .flags = ROUTE_SUDO,
	  .fields = irrevocable_fields,
	  .handle = leases_irrevocable,
	  .help = "Lists the leases whose revocation failed again and again." },

	/* As clients before sys/leases/ know them. */
	RENEW("sys/renew/:url_lease_id*"),
	REVOKE("sys/revoke/:url_lease_id*"),
	REVOKE_PREFIX("sys/revoke-prefix/:prefix+", leases_revoke_prefix, PREFIX_HELP),
	REVOKE_PREFIX("sys/revoke-force/:prefix+", leases_revoke_force, FORCE_HELP),
	{ .pattern = NULL },
};

const struct route routes_engine[] = {
	{ .pattern = "config",
	  .operations = OPERATION_READ,
	  .capability = CAPABILITY_READ,
	  .pool = API_READ,
	  .handle = config_read,
	  .help = "Shows the root credentials without their secret." },
	{ .pattern = "config",
	  .operations = OPERATION_WRITE,
	  .capability = CAPABILITY_UPDATE,
	  .pool = API_WORK,
	  .fields_of = FIELDS_CONFIG,
	  .flags = ROUTE_MERGED,
	  .handle = config_write,
	  .exists = config_exists,
	  .help = "Stores the root credentials." },
	{ .pattern = "config",
	  .operations = OPERATION_DELETE,
	  .capability = CAPABILITY_DELETE,
	  .pool = API_WORK,
	  .handle = config_delete,
	  .help = "Forgets the root credentials." },
	{ .pattern = "role/?",
	  .operations = OPERATION_LIST,
	  .capability = CAPABILITY_LIST,
	  .pool = API_WORK,
	  .fields = page_fields,
	  .handle = roles_list,
	  .help = "Lists the roles." },
	{ .pattern = "role/:name",
	  .operations = OPERATION_READ,
	  .capability = CAPABILITY_READ,
	  .pool = API_READ,
	  .flags = ROUTE_LOWER,
	  .handle = role_read,
	  .help = "Shows a role." },
	{ .pattern = "role/:name",
	  .operations = OPERATION_WRITE,
	  .capability = CAPABILITY_UPDATE,
	  .pool = API_WORK,
	  .flags = ROUTE_LOWER,
	  .fields_of = FIELDS_ROLE,
	  .handle = role_write,
	  .exists = role_exists,
	  .help = "Makes or changes a role: only what is sent changes." },
	{ .pattern = "role/:name",
	  .operations = OPERATION_DELETE,
	  .capability = CAPABILITY_DELETE,
	  .pool = API_WORK,
	  .flags = ROUTE_LOWER,
	  .handle = role_delete,
	  .help = "Deletes a role." },
	{ .pattern = "creds/:name",
	  .operations = OPERATION_READ,
	  .capability = CAPABILITY_READ,
	  .pool = API_WORK,
	  .flags = ROUTE_LOWER,
	  .fields_of = FIELDS_CREDS,
	  .handle = creds_read,
	  .help = "Issues a credential of a role." },
	{ .pattern = NULL },
};
