/* SPDX-License-Identifier: Apache-2.0 */
#include "nginx/guard.h"

#include <string.h>
#include <strings.h>

#include "nginx/goal.h"
#include "nginx/tree.h"
#include "nginx/value.h"
#include "nginx/writers.h"
#include "util/err.h"

/* A realm may be a variable, and that may say "off"; a client that chooses among files of users takes
 * the one in which it stands. */
static bool has_basic(const struct tree *tree, const struct block *block)
{
	const char *realm = block_setting(block, "auth_basic", "off");
	json_t *users = block_nearest(block, "auth_basic_user_file");

	return strcmp(realm, "off") != 0 && !strchr(realm, '$') && users &&
	       !(value_origins(tree, directive_word(users, 1)) & (VALUE_SAID | VALUE_ASKED));
}

bool request_is_asked(const struct block *block)
{
	return strcmp(block_setting(block, "auth_request", "off"), "off") != 0;
}

/* A location that answers 2xx by itself says yes to everybody. */
static bool says_yes(const struct block *location)
{
	json_t *answer = block_find(location, "return");

	return answer && directive_word(answer, 1)[0] == '2';
}

/* The path may end in a location for all that has no other, say where the service is misspelled. */
static bool has_request(const struct tree *tree, const struct block *block)
{
	const struct block *server = block_server(block);
	struct goal goal;

	if (!request_is_asked(block))
		return false;
	goal = goal_make(tree, server, block_setting(block, "auth_request", ""));
	for (size_t i = server->number; i < server->end; i++) {
		const struct block *location = &tree->blocks[i];

		if (location->kind == BLOCK_LOCATION && block_server(location) == server &&
		    says_yes(location) && goal_meets(&goal, location))
			return false;
	}
	return true;
}

static const struct block *block_with_addresses(const struct block *block)
{
	while (block && !block_find(block, "allow") && !block_find(block, "deny"))
		block = block->above;
	return block;
}

static bool is_everybody(const char *address)
{
	const char *slash = strchr(address, '/');

	return strcmp(address, "all") == 0 || (slash && strcmp(slash, "/0") == 0);
}

/* The first that fits decides: `allow all`, `deny all`, or NULL if strangers meet neither. */
static json_t *rule_of_strangers(const struct block *list)
{
	json_t *directive;
	size_t i;

	json_array_foreach(list ? list->body : NULL, i, directive)
	{
		bool allow = directive_is(directive, "allow");

		if (allow && is_everybody(directive_word(directive, 1)))
			return directive;
		if (directive_is(directive, "deny") &&
		    strcmp(directive_word(directive, 1), "all") == 0)
			return directive;
	}
	return NULL;
}

static bool has_addresses(const struct block *block)
{
	json_t *rule = rule_of_strangers(block_with_addresses(block));

	return rule && directive_is(rule, "deny");
}

unsigned guards_at(const struct tree *tree, const struct block *block)
{
	return (has_basic(tree, block) ? GUARD_BASIC : 0) |
	       (has_request(tree, block) ? GUARD_REQUEST : 0) |
	       (has_addresses(block) ? GUARD_ADDRESS : 0);
}

/* Included recipes are the same lines of the same file. */
static bool same_addresses(const struct block *one, const struct block *other)
{
	return json_equal(rule_of_strangers(block_with_addresses(one)),
			  rule_of_strangers(block_with_addresses(other)));
}

bool guards_shared(const struct tree *tree, const struct block *one, const struct block *other)
{
	unsigned both = guards_at(tree, one) & guards_at(tree, other);

	if ((both & GUARD_BASIC) && strcmp(block_setting(one, "auth_basic_user_file", ""),
					   block_setting(other, "auth_basic_user_file", "")) == 0)
		return true;
	if ((both & GUARD_REQUEST) && strcmp(block_setting(one, "auth_request", ""),
					     block_setting(other, "auth_request", "")) == 0)
		return true;
	return (both & GUARD_ADDRESS) && same_addresses(one, other);
}

json_t *guard_off(const struct tree *tree, const struct block *block)
{
	json_t *basic = block_nearest(block, "auth_basic");
	json_t *request = block_nearest(block, "auth_request");
	json_t *rule = rule_of_strangers(block_with_addresses(block));

	if (basic && !has_basic(tree, block))
		return basic;
	if (request && !has_request(tree, block))
		return request;
	return rule && directive_is(rule, "allow") ? rule : NULL;
}

/* ---- certificates ---- */

static bool takes_plain(const struct block *server)
{
	bool listens = false;
	json_t *directive;
	size_t i;

	json_array_foreach(server->body, i, directive)
	{
		bool tls = false;

		if (!directive_is(directive, "listen"))
			continue;
		listens = true;
		for (size_t j = 2; j < directive_size(directive); j++)
			tls |= strcmp(directive_word(directive, j), "ssl") == 0 ||
			       strcmp(directive_word(directive, j), "quic") == 0;
		if (!tls)
			return true;
	}
	return !listens;
}

bool server_wants_certificate(const struct block *server)
{
	return strcasecmp(block_setting(server, "ssl_verify_client", "off"), "on") == 0 &&
	       (!takes_plain(server) || strcasecmp(block_setting(server, "ssl", "off"), "on") == 0);
}

bool server_verifies(const struct block *server)
{
	const char *how = block_setting(server, "ssl_verify_client", "off");

	return strcasecmp(how, "on") == 0 || strcasecmp(how, "optional") == 0;
}

/* ---- conditions ---- */

static enum condition_of_strangers holds(const struct condition *condition, const char *value)
{
	bool same = strcmp(value, condition->value) == 0;

	if (!condition->sign[0])
		return *value && strcmp(value, "0") != 0 ? STRANGERS_TRUE : STRANGERS_FALSE;
	if (strcmp(condition->sign, "=") == 0)
		return same ? STRANGERS_TRUE : STRANGERS_FALSE;
	if (strcmp(condition->sign, "!=") == 0)
		return same ? STRANGERS_FALSE : STRANGERS_TRUE;
	return STRANGERS_EITHER;
}

/* Without TLS it is empty; with optional_no_ca a certificate of nobody's has failed. */
static enum condition_of_strangers of_certificate(const struct condition *condition)
{
	enum condition_of_strangers none = holds(condition, "NONE");

	if (none != holds(condition, "") || none != holds(condition, "FAILED"))
		return STRANGERS_EITHER;
	if (strstr(condition->value, "FAILED"))
		return STRANGERS_EITHER;
	return none;
}

/* Only what a proof picks tells strangers from others. */
static bool is_proof(unsigned origins)
{
	return origins && (origins & ~(unsigned)(VALUE_TEXT | VALUE_TOKEN | VALUE_ADDRESS)) == 0 &&
	       origins != VALUE_TEXT;
}

static bool has_everybody(json_t *map)
{
	json_t *entry;
	size_t i;

	json_array_foreach(json_object_get(map, "body"), i, entry)
	{
		if (is_everybody(directive_word(entry, 0)))
			return true;
	}
	return false;
}

/* One map or geo whose default is a text of the site's own. */
static bool has_value_for_strangers(const struct tree *tree, const char *name, json_t **writer_out)
{
	json_t *writers = json_object_get(tree->writers, name);

	*writer_out = json_array_get(writers, 0);
	return json_array_size(writers) == 1 &&
	       (directive_is(*writer_out, "map") || directive_is(*writer_out, "geo")) &&
	       strcmp(variable_name(directive_last(*writer_out)), name) == 0 &&
	       !strchr(map_default(*writer_out), '$') && !has_everybody(*writer_out);
}

enum guard condition_guard(json_t *directive)
{
	struct condition condition;

	condition_read(directive, &condition);
	return strcmp(condition.variable, "ssl_client_verify") == 0 ? GUARD_CERTIFICATE
								    : GUARD_CONDITION;
}

enum condition_of_strangers condition_of_strangers(const struct tree *tree, json_t *directive)
{
	struct condition condition;
	char text[sizeof(condition.variable) + 1];
	json_t *writer;

	condition_read(directive, &condition);
	err_text(text, sizeof(text), "$%s", condition.variable);
	if (condition_guard(directive) == GUARD_CERTIFICATE)
		return of_certificate(&condition);
	if (!has_value_for_strangers(tree, condition.variable, &writer) ||
	    !is_proof(value_origins(tree, text)))
		return STRANGERS_EITHER;
	return holds(&condition, map_default(writer));
}
