/* SPDX-License-Identifier: Apache-2.0 */
/* The table of routes below auth/proxy/. */
#include "api/context.h"
#include "api/page.h"

static const struct field entry_fields[] = {
	{ "policies", FIELD_COMMA_STRINGS, "What it may do; without any it is refused.", false,
	  false },
	{ "ttl", FIELD_DURATION, "How long the token of a login lives; default 1h.", false, false },
	{ "max_ttl", FIELD_DURATION, "How long it lives at most, whatever the renewals.", false,
	  false },
	{ "bound_cidrs", FIELD_COMMA_STRINGS, "From where it may come; default: anywhere.", false,
	  false },
	{ "metadata", FIELD_PAIRS, "Shown with the identity and its tokens.", false, false },
	{ "rate", FIELD_INT,
	  "Requests a second that each name may make, also with tokens of its logins; 0: any "
	  "number.",
	  false, false },
	{ .name = NULL },
};

const struct route routes_identity[] = {
	{ .pattern = "auth/proxy/login",
	  .operations = OPERATION_WRITE,
	  .capability = CAPABILITY_SELF,
	  .pool = API_WORK,
	  .handle = identity_login,
	  .help = "Gives a token to whom the web server vouches for." },
	{ .pattern = "auth/proxy/identity/:path*",
	  .operations = OPERATION_LIST,
	  .capability = CAPABILITY_LIST,
	  .pool = API_WORK,
	  .fields = page_fields,
	  .handle = identity_names,
	  .help = "Lists the methods, or the names and globs of one." },
	{ .pattern = "auth/proxy/identity/:path*",
	  .operations = OPERATION_READ,
	  .capability = CAPABILITY_READ,
	  .pool = API_READ,
	  .handle = identity_read,
	  .help = "Shows an entry." },
	{ .pattern = "auth/proxy/identity/:path*",
	  .operations = OPERATION_WRITE,
	  .capability = CAPABILITY_UPDATE,
	  .pool = API_WORK,
	  .fields = entry_fields,
	  .handle = identity_write,
	  .exists = identity_exists,
	  .help = "Makes or changes an entry: only what is sent changes." },
	{ .pattern = "auth/proxy/identity/:path*",
	  .operations = OPERATION_DELETE,
	  .capability = CAPABILITY_DELETE,
	  .pool = API_WORK,
	  .handle = identity_remove,
	  .help = "Deletes an entry, and revokes the leases and tokens that it gave." },
	{ .pattern = NULL },
};
