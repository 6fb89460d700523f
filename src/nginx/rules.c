/* SPDX-License-Identifier: Apache-2.0 */
#include "nginx/rules.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "nginx/parse.h"
#include "util/err.h"

/* A directive and the blocks around it. */
struct place {
	const struct place *above; /* NULL: the whole site */
	json_t *directive;         /* NULL: the whole site */
	json_t *body;              /* what stands in it; NULL unless it is a block */
	json_t *findings;
};

static const char *word(json_t *directive, size_t i)
{
	const char *text = json_string_value(
		json_array_get(json_object_get(directive, "words"), i));

	return text ? text : "";
}

static bool is(json_t *directive, const char *verb)
{
	return strcmp(word(directive, 0), verb) == 0;
}

/* The first in this block alone with that verb and, unless NULL, that first argument. */
static json_t *own(json_t *body, const char *verb, const char *argument)
{
	json_t *directive;
	size_t i;

	json_array_foreach(body, i, directive)
	{
		if (is(directive, verb) && (!argument || strcmp(word(directive, 1), argument) == 0))
			return directive;
	}
	return NULL;
}

/* As nginx inherits: what stands nearest counts. */
static json_t *nearest(const struct place *place, const char *verb)
{
	json_t *found = NULL;

	for (; place && !found; place = place->above)
		found = own(place->body, verb, NULL);
	return found;
}

static int find(const struct place *place, json_t *directive, const char *sentence)
{
	json_t *text = json_sprintf("%s:%d: %s: %s",
				    json_string_value(json_object_get(directive, "file")),
				    (int)json_integer_value(json_object_get(directive, "line")),
				    word(directive, 0), sentence);

	return json_array_append_new(place->findings, text) ? LH_ENOMEM : 0;
}

static bool asserts(const struct place *place)
{
	return own(place->body, "set", "$lh_auth_name") ||
	       own(place->body, "set", "$lh_auth_method");
}

static bool names_any(const char *text, const char *const *names)
{
	for (; *names; names++) {
		if (strstr(text, *names))
			return true;
	}
	return false;
}

/* ---- the rules ---- */

static int any_is_enough(const struct place *place)
{
	json_t *satisfy = asserts(place) ? nearest(place, "satisfy") : NULL;

	if (!satisfy || strcmp(word(satisfy, 1), "any") != 0)
		return 0;
	return find(place, satisfy,
		    "with \"any\" whoever passes one of the checks becomes the identity of this "
		    "location, also without its password; say `satisfy all`");
}

static int switched_off(const struct place *place)
{
	static const char *const guards[] = { "auth_basic", "auth_request", NULL };

	for (size_t i = 0; asserts(place) && guards[i]; i++) {
		json_t *guard = own(place->body, guards[i], NULL);

		if (guard && strcmp(word(guard, 1), "off") == 0)
			return find(place, guard,
				    "\"off\" beside an identity lets anybody have it; remove the "
				    "line, or the identity");
	}
	return 0;
}

static int set_twice(const struct place *place)
{
	json_t *directive;
	size_t i;

	json_array_foreach(place->body, i, directive)
	{
		const char *name = word(directive, 1);

		if (is(directive, "set") && strncmp(name, "$lh_auth_", 9) == 0 &&
		    own(place->body, "set", name) != directive)
			return find(place, directive,
				    "the identity of this location is set already, by another "
				    "guard; only the last counts: one recipe for each location");
	}
	return 0;
}

static int said_by_the_client(const struct place *place)
{
	static const char *const theirs[] = { "$http_", "${http_",       "$arg_",
					      "${arg_", "$cookie_",      "${cookie_",
					      "$args",  "$query_string", NULL };
	json_t *directive = place->directive;
	bool set = directive && is(directive, "set") &&
		   strncmp(word(directive, 1), "$lh_auth_", 9) == 0;
	bool passed = directive && is(directive, "fastcgi_param") &&
		      strncmp(word(directive, 1), "LH_AUTH_", 8) == 0;

	if ((!set && !passed) || !names_any(word(directive, 2), theirs))
		return 0;
	return find(place, directive,
		    "the client writes this value and can be anybody; take it from what nginx has "
		    "verified");
}

static int logged(const struct place *place)
{
	static const char *const secrets[] = { "$http_x_vault_token", "$http_authorization",
					       "$request_body",       "$lh_authorization",
					       "$lh_caller",          "$lh_token",
					       "$lh_auth_secret",     NULL };
	json_t *directive = place->directive;
	size_t count = json_array_size(json_object_get(directive, "words"));

	for (size_t i = 2; directive && is(directive, "log_format") && i < count; i++) {
		if (names_any(word(directive, i), secrets))
			return find(place, directive,
				    "writes tokens or other secrets into the log; use the format "
				    "\"leasehold\"");
	}
	return 0;
}

static int believes_everybody(const struct place *place)
{
	json_t *directive = place->directive;
	const char *slash;

	if (!directive || !is(directive, "set_real_ip_from"))
		return 0;
	slash = strchr(word(directive, 1), '/');
	if (!slash || strtol(slash + 1, NULL, 10) > 7)
		return 0;
	return find(place, directive,
		    "whoever is in a range this wide may claim any address, and pass rules on "
		    "addresses; name the proxies in front");
}

static bool is_passed_on(const struct place *place)
{
	json_t *pass = own(place->body, "fastcgi_pass", NULL);

	return pass && strncmp(word(pass, 1), "leasehold_", 10) == 0;
}

/* nginx inherits a list of parameters only where there is none. */
static int without_parameters(const struct place *place)
{
	const struct place *from = place;

	if (!is_passed_on(place))
		return 0;
	while (from && !own(from->body, "fastcgi_param", NULL))
		from = from->above;
	if (from && own(from->body, "fastcgi_param", "LH_END"))
		return 0;
	return find(place, own(place->body, "fastcgi_pass", NULL),
		    "the list of parameters is not leasehold's; include leasehold-params.conf in "
		    "this location and add no fastcgi_param");
}

static int sent_twice(const struct place *place)
{
	json_t *next = is_passed_on(place) ? nearest(place, "fastcgi_next_upstream") : NULL;

	if (!is_passed_on(place) || (next && strcmp(word(next, 1), "off") == 0))
		return 0;
	return find(place, next ? next : own(place->body, "fastcgi_pass", NULL),
		    "a request that fails is sent again, and may issue a second credential; say "
		    "`fastcgi_next_upstream off`");
}

static int (*const rules[])(const struct place *place) = {
	any_is_enough, switched_off,       set_twice,          said_by_the_client,
	logged,        believes_everybody, without_parameters, sent_twice,
};

static int walk(const struct place *place)
{
	json_t *directive;
	int ret = 0;
	size_t i;

	for (i = 0; ret == 0 && i < sizeof(rules) / sizeof(*rules); i++)
		ret = rules[i](place);
	if (ret)
		return ret;
	json_array_foreach(place->body, i, directive)
	{
		const struct place below = { place, directive, json_object_get(directive, "body"),
					     place->findings };

		ret = walk(&below);
		if (ret)
			return ret;
	}
	return 0;
}

int nginx_rules(json_t *site, json_t *findings)
{
	const struct place whole = { NULL, NULL, site, findings };

	return walk(&whole);
}
