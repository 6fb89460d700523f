/* SPDX-License-Identifier: Apache-2.0 */
/* Rules about what leasehold is told, and how often. */
#include <string.h>

#include "nginx/finding.h"
#include "nginx/rules_priv.h"
#include "nginx/value.h"
#include "util/buf.h"
#include "util/err.h"

#define WHAT_TO_DO "include leasehold-params.conf in this location and add no fastcgi_param"

/* Those of leasehold-params.conf. */
static const char *const parameters[] = {
	"REQUEST_METHOD",   "DOCUMENT_URI",     "REQUEST_URI",    "QUERY_STRING",
	"CONTENT_TYPE",     "CONTENT_LENGTH",   "REMOTE_ADDR",    "REMOTE_PORT",
	"LH_TOKEN",         "LH_AUTHORIZATION", "LH_NAMESPACE",   "LH_WRAP_TTL",
	"LH_VAULT_REQUEST", "LH_REQUEST_ID",    "LH_TLS_VERIFY",  "LH_TLS_CERT",
	"LH_AUTH_METHOD",   "LH_AUTH_NAME",     "LH_AUTH_SECRET", "LH_ACCEPT",
};

/* nginx inherits a list of parameters only where there is none. */
int rule_missing_parameters(const struct judging *judging, const struct block *block)
{
	json_t *pass = rule_pass(judging, block);
	struct buf missing = BUF_INIT;
	int ret = 0;

	if (!pass)
		return 0;
	if (!block_parameter(block, "LH_END"))
		return finding_add(
			judging->findings, pass,
			"the list of parameters is not leasehold's, or not whole; " WHAT_TO_DO);
	for (size_t i = 0; i < sizeof(parameters) / sizeof(*parameters); i++) {
		if (!block_parameter(block, parameters[i]))
			buf_printf(&missing, "%s%s", missing.size ? ", " : "", parameters[i]);
	}
	if (buf_error(&missing) || missing.size)
		ret = buf_error(&missing)
			      ? LH_ENOMEM
			      : finding_add(judging->findings, pass,
					    "leasehold decides without knowing %s; " WHAT_TO_DO,
					    buf_text(&missing));
	buf_free(&missing);
	return ret;
}

static bool speaks_to_leasehold(const struct block *block)
{
	json_t *directive;
	size_t i;

	json_array_foreach(block->body, i, directive)
	{
		if (directive_is(directive, "fastcgi_param") &&
		    strncmp(directive_word(directive, 1), "LH_", 3) == 0)
			return true;
	}
	return false;
}

static json_t *first_of_name(const struct block *block, const char *name)
{
	json_t *directive;
	size_t i;

	json_array_foreach(block->body, i, directive)
	{
		if (directive_is(directive, "fastcgi_param") &&
		    strcmp(directive_word(directive, 1), name) == 0)
			return directive;
	}
	return NULL;
}

int rule_parameter_twice(const struct judging *judging, const struct block *block)
{
	json_t *directive;
	int ret = 0;
	size_t i;

	if (!speaks_to_leasehold(block))
		return 0;
	json_array_foreach(block->body, i, directive)
	{
		const char *name = directive_word(directive, 1);

		if (directive_is(directive, "fastcgi_param") &&
		    first_of_name(block, name) != directive)
			ret = finding_add(judging->findings, directive,
					  "%s is passed already; leasehold refuses a request in "
					  "which a parameter occurs twice",
					  name);
		if (ret)
			return ret;
	}
	return 0;
}

/* What must be what it says, and what another value would undo. */
static const struct {
	const char *name, *value, *other, *why;
	unsigned origin; /* any value of this origin alone will do, too; 0: none */
} fixed[] = {
	{ "REQUEST_METHOD", "$request_method", NULL,
	  "leasehold would do another thing than the one that nginx has let through", 0 },
	{ "DOCUMENT_URI", "$document_uri", "$uri",
	  "leasehold would act on another path than the one whose location nginx has guarded", 0 },
	{ "REQUEST_URI", "$request_uri", NULL,
	  "leasehold could not tell that a rewrite has led an identity to another path", 0 },
	{ "REMOTE_ADDR", "$remote_addr", "$realip_remote_addr",
	  "tokens and identities are bound to addresses; behind a proxy use set_real_ip_from", 0 },
	{ "LH_VAULT_REQUEST", "$http_x_vault_request", NULL,
	  "any web page could make a browser use its user's identity", 0 },
	{ "LH_TLS_VERIFY", "$ssl_client_verify", NULL,
	  "leasehold would take any certificate for a verified one", 0 },
	{ "LH_TLS_CERT", "$ssl_client_escaped_cert", NULL,
	  "this must be the certificate whose key the client has shown", VALUE_TLS },
};

static int find_other_value(const struct judging *judging, json_t *directive)
{
	const char *value = directive_word(directive, 2);

	for (size_t i = 0; i < sizeof(fixed) / sizeof(*fixed); i++) {
		if (strcmp(directive_word(directive, 1), fixed[i].name) != 0 ||
		    strcmp(value, fixed[i].value) == 0 ||
		    (fixed[i].other && strcmp(value, fixed[i].other) == 0) ||
		    (fixed[i].origin && value_origins(judging->tree, value) == fixed[i].origin))
			continue;
		return finding_add(judging->findings, directive, "%s must be %s: %s", fixed[i].name,
				   fixed[i].value, fixed[i].why);
	}
	return 0;
}

int rule_other_value(const struct judging *judging, const struct block *block)
{
	json_t *directive;
	int ret = 0;
	size_t i;

	if (!speaks_to_leasehold(block))
		return 0;
	json_array_foreach(block->body, i, directive)
	{
		if (directive_is(directive, "fastcgi_param"))
			ret = find_other_value(judging, directive);
		if (ret)
			return ret;
	}
	return 0;
}

/* ---- how it is asked ---- */

int rule_headers(const struct judging *judging, const struct block *block)
{
	json_t *pass = rule_pass(judging, block);
	json_t *line = block_nearest(block, "fastcgi_pass_request_headers");

	if (!pass || (line && strcmp(directive_word(line, 1), "off") == 0))
		return 0;
	return finding_add(judging->findings, line ? line : pass,
			   "every header becomes a parameter, as many as the client likes; say "
			   "`fastcgi_pass_request_headers off`");
}

int rule_sent_twice(const struct judging *judging, const struct block *block)
{
	json_t *pass = rule_pass(judging, block);
	json_t *next = block_nearest(block, "fastcgi_next_upstream");

	if (!pass || (next && strcmp(directive_word(next, 1), "off") == 0))
		return 0;
	return finding_add(judging->findings, next ? next : pass,
			   "a request that fails is sent again, and may issue a second credential; "
			   "say `fastcgi_next_upstream off`");
}
