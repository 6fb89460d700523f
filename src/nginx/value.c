/* SPDX-License-Identifier: Apache-2.0 */
#include "nginx/value.h"

#include <ctype.h>
#include <string.h>

#include "nginx/tree.h"
#include "nginx/writers.h"
#include "util/err.h"

/* Variables of variables; a site that needs more is taken for one that the client decides. */
#define STEPS_MAX 10000

/* What nginx sets by itself; a name that ends in "_" stands for all that begin so. */
static const struct {
	const char *name;
	enum value_origin origin;
} built_in[] = {
	{ "http_", VALUE_SAID },
	{ "arg_", VALUE_SAID },
	{ "cookie_", VALUE_SAID },
	{ "args", VALUE_SAID },
	{ "query_string", VALUE_SAID },
	{ "request_body", VALUE_SAID },
	{ "content_type", VALUE_SAID },
	{ "proxy_add_x_forwarded_for", VALUE_SAID },
	{ "proxy_protocol_addr", VALUE_SAID },
	{ "proxy_protocol_tlv_", VALUE_SAID },
	{ "is_args", VALUE_ASKED },
	{ "content_length", VALUE_ASKED },
	{ "request", VALUE_ASKED },
	{ "request_uri", VALUE_ASKED },
	{ "request_method", VALUE_ASKED },
	{ "request_filename", VALUE_ASKED },
	{ "uri", VALUE_ASKED },
	{ "document_uri", VALUE_ASKED },
	{ "fastcgi_script_name", VALUE_ASKED },
	{ "fastcgi_path_info", VALUE_ASKED },
	{ "host", VALUE_ASKED },
	{ "ssl_server_name", VALUE_ASKED },
	{ "remote_addr", VALUE_ADDRESS },
	{ "binary_remote_addr", VALUE_ADDRESS },
	{ "realip_remote_addr", VALUE_ADDRESS },
	{ "geoip_", VALUE_ADDRESS },
	{ "geoip2_", VALUE_ADDRESS },
	{ "remote_user", VALUE_USER },
	{ "ssl_client_", VALUE_TLS },
	{ "upstream_http_", VALUE_REQUEST },
	{ "upstream_cookie_", VALUE_REQUEST },
};

struct reading {
	const struct tree *tree;
	const char *const *names; /* whose text is looked for */
	bool unset;               /* set and auth_request_set do not count */
	unsigned captured;        /* the origins of $1, $2 … */
	unsigned *steps;
	const struct reading *outer; /* what is being read meanwhile … */
	const char *name;            /* … and is the value of this variable; NULL at first */
};

/* `set $a "${a}b"` is usual. What it began with is found by the reading that is under way. */
static bool is_being_read(const struct reading *reading, const char *name)
{
	for (; reading; reading = reading->outer) {
		if (reading->name && strcmp(reading->name, name) == 0)
			return true;
	}
	return false;
}

static bool stands_for(const char *pattern, const char *name)
{
	size_t size = strlen(pattern);

	return pattern[size - 1] == '_' ? strncmp(pattern, name, size) == 0
					: strcmp(pattern, name) == 0;
}

static unsigned origins(const struct reading *reading, const char *text);

static unsigned origin_of_built_in(const char *name)
{
	for (size_t i = 0; i < sizeof(built_in) / sizeof(*built_in); i++) {
		if (stands_for(built_in[i].name, name))
			return built_in[i].origin;
	}
	return VALUE_TEXT;
}

/* Of a text of the site's own that a value from there has picked. */
static unsigned picked_by(unsigned source)
{
	unsigned proof = source & ~(unsigned)(VALUE_TEXT | VALUE_SAID | VALUE_ASKED);

	if (source & VALUE_SAID)
		proof |= VALUE_TOKEN;
	if (proof)
		return proof;
	return source & VALUE_ASKED ? VALUE_ASKED : VALUE_TEXT;
}

const char *map_default(json_t *map)
{
	json_t *entry = body_find(json_object_get(map, "body"), "default");

	return entry ? directive_word(entry, 1) : "";
}

bool map_has_key(json_t *entry)
{
	static const char *const parameters[] = { "hostnames", "volatile", "proxy", "delete",
						  "ranges",    "default",  NULL };

	for (size_t i = 0; parameters[i]; i++) {
		if (directive_is(entry, parameters[i]))
			return false;
	}
	return true;
}

static unsigned origins_of_map(const struct reading *reading, json_t *map)
{
	struct reading within = *reading;
	unsigned found = origins(reading, map_default(map));
	json_t *entry;
	size_t i;

	within.captured = origins(reading, directive_word(map, 1));
	json_array_foreach(json_object_get(map, "body"), i, entry)
	{
		const char *value = directive_word(entry, 1);

		if (!map_has_key(entry) || !*value)
			continue;
		found |= strchr(value, '$') ? origins(&within, value) & ~(unsigned)VALUE_TEXT
					    : picked_by(within.captured);
	}
	return found;
}

/* An address that the client writes proves nothing, unlike a secret. */
static unsigned origins_of_geo(const struct reading *reading, json_t *geo)
{
	unsigned source = directive_size(geo) > 2 ? origins(reading, directive_word(geo, 1))
						  : (unsigned)VALUE_ADDRESS;
	unsigned found = *map_default(geo) ? VALUE_TEXT : 0;
	json_t *entry;
	size_t i;

	json_array_foreach(json_object_get(geo, "body"), i, entry)
	{
		const char *slash = strchr(directive_word(entry, 0), '/');

		if (map_has_key(entry) && *directive_word(entry, 1))
			found |= slash && strcmp(slash, "/0") == 0 ? (unsigned)VALUE_TEXT : source;
	}
	return found;
}

static const struct block *block_around(const struct tree *tree, json_t *directive)
{
	for (size_t i = 0; i < tree->count; i++) {
		json_t *other;
		size_t j;

		json_array_foreach(tree->blocks[i].body, j, other)
		{
			if (other == directive)
				return &tree->blocks[i];
		}
	}
	return NULL;
}

void condition_read(json_t *directive, struct condition *condition_out)
{
	char *const parts[] = { condition_out->variable, condition_out->sign,
				condition_out->value };
	const size_t sizes[] = { sizeof(condition_out->variable), sizeof(condition_out->sign),
				 sizeof(condition_out->value) };
	size_t part = 0;

	memset(condition_out, 0, sizeof(*condition_out));
	for (size_t i = 1; i < directive_size(directive) && part < 3; i++) {
		const char *word = directive_word(directive, i);
		size_t size;

		word += i == 1 && *word == '(';
		size = strlen(word);
		size -= size && i + 1 == directive_size(directive) && word[size - 1] == ')';
		if (!size && i + 1 == directive_size(directive))
			break;
		if (size || part == 2) {
			err_text(parts[part], sizes[part], "%.*s", (int)size, word);
			part++;
		}
	}
	if (condition_out->variable[0] == '$')
		memmove(condition_out->variable, condition_out->variable + 1,
			strlen(condition_out->variable));
	else
		condition_out->variable[0] = '\0';
}

static unsigned origins_of_condition(const struct reading *reading, json_t *directive)
{
	struct condition condition;
	char text[sizeof(condition.variable) + 1];

	condition_read(directive, &condition);
	err_text(text, sizeof(text), "$%s", condition.variable);
	return origins(reading, text);
}

/* In an `if`, $1 is what that captured. */
static unsigned origins_of_set(const struct reading *reading, json_t *set)
{
	struct reading within = *reading;
	const char *value = directive_word(set, 2), *dollar = strchr(value, '$');
	const struct block *block;

	within.captured = VALUE_ASKED;
	if (dollar && isdigit((unsigned char)dollar[1])) {
		block = block_around(reading->tree, set);
		if (block && block->kind == BLOCK_IF)
			within.captured = origins_of_condition(reading, block->directive);
	}
	return origins(&within, value);
}

/* Everybody has some share, and whoever writes what is divided finds a text for each. */
static unsigned origins_of_shares(const struct reading *reading, json_t *shares)
{
	unsigned source = origins(reading, directive_word(shares, 1));

	return source & (VALUE_SAID | VALUE_ASKED) ? VALUE_ASKED : VALUE_TEXT;
}

static unsigned origins_by(const struct reading *reading, json_t *writer, const char *name)
{
	if (directive_is(writer, "set") || directive_is(writer, "auth_request_set"))
		return reading->unset ? 0 : origins_of_set(reading, writer);
	if (directive_is(writer, "map") &&
	    strcmp(variable_name(directive_word(writer, 2)), name) == 0)
		return origins_of_map(reading, writer);
	if (directive_is(writer, "map"))
		return origins(reading, directive_word(writer, 1));
	if (directive_is(writer, "geo"))
		return origins_of_geo(reading, writer);
	if (directive_is(writer, "if"))
		return origins_of_condition(reading, writer);
	return directive_is(writer, "split_clients") ? origins_of_shares(reading, writer)
						     : (unsigned)VALUE_ASKED;
}

static unsigned origins_of_variable(const struct reading *reading, const char *name)
{
	json_t *writers = json_object_get(reading->tree->writers, name), *writer;
	struct reading within = *reading;
	unsigned found = 0;
	size_t i;

	if (isdigit((unsigned char)name[0]))
		return reading->captured;
	if (!writers)
		return origin_of_built_in(name);
	if (is_being_read(reading, name))
		return 0;
	within.outer = reading;
	within.name = name;
	json_array_foreach(writers, i, writer)
	{
		found |= origins_by(&within, writer, name);
	}
	return found;
}

/* Whether anything but variables is in it. */
static bool has_text(const char *text)
{
	while (*text == '$') {
		text += text[1] == '{' ? 2 : 1;
		while (isalnum((unsigned char)*text) || *text == '_')
			text++;
		text += *text == '}';
	}
	return *text != '\0';
}

static unsigned origins(const struct reading *reading, const char *text)
{
	unsigned found = has_text(text) ? VALUE_TEXT : 0;
	char name[64];

	if (++*reading->steps > STEPS_MAX)
		return VALUE_SAID;
	while ((text = next_variable(text, name, sizeof(name))))
		found |= origins_of_variable(reading, name);
	return found;
}

unsigned value_origins(const struct tree *tree, const char *text)
{
	unsigned steps = 0;
	const struct reading reading = { .tree = tree, .captured = VALUE_ASKED, .steps = &steps };

	return origins(&reading, text);
}

unsigned value_origins_set(const struct tree *tree, json_t *set)
{
	unsigned steps = 0;
	const struct reading reading = { .tree = tree, .captured = VALUE_ASKED, .steps = &steps };

	return origins_of_set(&reading, set);
}

unsigned value_origins_unset(const struct tree *tree, const char *text)
{
	unsigned steps = 0;
	const struct reading reading = {
		.tree = tree, .unset = true, .captured = VALUE_ASKED, .steps = &steps
	};

	return origins(&reading, text);
}

/* ---- whose text it may be ---- */

static bool carries(const struct reading *reading, const char *text);

static bool map_carries(const struct reading *reading, json_t *map)
{
	json_t *entry;
	size_t i;

	if (strcmp(variable_name(directive_word(map, 2)), reading->name) != 0)
		return carries(reading, directive_word(map, 1));
	json_array_foreach(json_object_get(map, "body"), i, entry)
	{
		if (carries(reading, directive_word(entry, 1)))
			return true;
	}
	return false;
}

static bool variable_carries(const struct reading *reading, const char *name)
{
	struct reading within = *reading;
	json_t *writer;
	size_t i;

	for (i = 0; reading->names[i]; i++) {
		if (stands_for(reading->names[i], name))
			return true;
	}
	if (is_being_read(reading, name))
		return false;
	within.outer = reading;
	within.name = name;
	json_array_foreach(json_object_get(reading->tree->writers, name), i, writer)
	{
		if (directive_is(writer, "map")
			    ? map_carries(&within, writer)
			    : (directive_is(writer, "set") ||
			       directive_is(writer, "auth_request_set")) &&
				      carries(&within, directive_word(writer, 2)))
			return true;
	}
	return false;
}

static bool carries(const struct reading *reading, const char *text)
{
	char name[64];

	if (++*reading->steps > STEPS_MAX)
		return true;
	while ((text = next_variable(text, name, sizeof(name)))) {
		if (variable_carries(reading, name))
			return true;
	}
	return false;
}

bool value_carries(const struct tree *tree, const char *text, const char *const *names)
{
	unsigned steps = 0;
	const struct reading reading = { .tree = tree, .names = names, .steps = &steps };

	return carries(&reading, text);
}
