/* SPDX-License-Identifier: Apache-2.0 */
/* Rules about maps from what a client shows, a secret or a subject, to a name. Only such a map's keys
 * stand between others and the identity; so does the expression of an `if`. */
#include <string.h>

#include "nginx/asserted.h"
#include "nginx/finding.h"
#include "nginx/guard.h"
#include "nginx/rules_priv.h"
#include "nginx/value.h"
#include "nginx/writers.h"
#include "util/err.h"

/* ---- which maps decide ---- */

static int add_proofs(const struct judging *judging, const char *text);

static int add_proofs_of_map(const struct judging *judging, json_t *map)
{
	json_t *entry;
	int ret = add_proofs(judging, directive_word(map, 1));
	size_t i;

	json_array_foreach(json_object_get(map, "body"), i, entry)
	{
		ret = ret ? ret : add_proofs(judging, directive_word(entry, 1));
	}
	return ret;
}

static int add_proof(const struct judging *judging, const char *name)
{
	json_t *writer;
	int ret = 0;
	size_t i;

	if (json_object_get(judging->proofs, name))
		return 0;
	if (json_object_set_new(judging->proofs, name, json_true()))
		return LH_ENOMEM;
	json_array_foreach(json_object_get(judging->tree->writers, name), i, writer)
	{
		if (directive_is(writer, "map"))
			ret = add_proofs_of_map(judging, writer);
		if (directive_is(writer, "set"))
			ret = add_proofs(judging, directive_word(writer, 2));
		if (ret)
			return ret;
	}
	return 0;
}

static int add_proofs(const struct judging *judging, const char *text)
{
	char name[64];

	while ((text = next_variable(text, name, sizeof(name)))) {
		int ret = add_proof(judging, name);

		if (ret)
			return ret;
	}
	return 0;
}

/* An `if` that strangers do not pass decides, too: it answers them, or ends the rewriting for them, or
 * names the others. */
static bool decides(const struct judging *judging, const struct block *block)
{
	enum condition_of_strangers strangers;
	json_t *directive;
	size_t i;

	if (block->kind != BLOCK_IF)
		return false;
	strangers = condition_of_strangers(judging->tree, block->directive);
	json_array_foreach(block->body, i, directive)
	{
		if (strangers == STRANGERS_TRUE &&
		    (directive_is(directive, "return") || directive_is(directive, "break")))
			return true;
		if (strangers == STRANGERS_FALSE && asserted_is_set(judging->tree, directive))
			return true;
	}
	return false;
}

static int add_condition(const struct judging *judging, const struct block *block)
{
	struct condition condition;

	if (!decides(judging, block) || !block_reaches(judging->tree, block_server(block)))
		return 0;
	condition_read(block->directive, &condition);
	return add_proof(judging, condition.variable);
}

int rule_find_proofs(const struct judging *judging)
{
	json_t *const roots[] = { judging->tree->methods, judging->tree->names };
	int ret = 0;

	for (size_t i = 0; i < 2; i++) {
		const char *name;
		json_t *value;

		json_object_foreach(roots[i], name, value)
		{
			ret = ret ? ret : add_proof(judging, name);
		}
	}
	for (size_t i = 0; ret == 0 && i < judging->tree->count; i++)
		ret = add_condition(judging, &judging->tree->blocks[i]);
	return ret;
}

/* The origins of what the map looks at, if it decides about an identity; else 0. */
static unsigned decisive_source(const struct judging *judging, const struct block *block)
{
	json_t *map = block->directive;

	if (!map || !directive_is(map, "map") ||
	    !json_object_get(judging->proofs, variable_name(directive_word(map, 2))))
		return 0;
	return value_origins(judging->tree, directive_word(map, 1));
}

/* An entry that gives a name of the site's own, and not a part of what the client said. */
static bool is_grant(json_t *entry)
{
	const char *value = directive_word(entry, 1);

	return *value && !strchr(value, '$') && map_has_key(entry);
}

static int find_in(const struct judging *judging, const struct block *block, unsigned sources,
		   bool (*is_bad)(json_t *entry), const char *sentence)
{
	json_t *entry;
	int ret = 0;
	size_t i;

	if (!(decisive_source(judging, block) & sources))
		return 0;
	json_array_foreach(block->body, i, entry)
	{
		if (is_bad(entry))
			ret = finding_add_as(judging->findings, entry, "map", sentence);
		if (ret)
			return ret;
	}
	return 0;
}

/* ---- the rules ---- */

#define SHOWN ((unsigned)(VALUE_SAID | VALUE_TLS))

static bool is_open(json_t *entry)
{
	const char *value = directive_word(entry, 1);

	return directive_is(entry, "default") && *value && strcmp(value, "0") != 0 &&
	       !strchr(value, '$');
}

int rule_open_map(const struct judging *judging, const struct block *block)
{
	return find_in(
		judging, block, VALUE_SAID, is_open,
		"whoever shows no secret at all is somebody by this map; say `default \"\"`");
}

/* Text compares without case in a map, and so does "~*". */
static bool is_blind(json_t *entry)
{
	const char *key = directive_word(entry, 0);

	return is_grant(entry) && (key[0] != '~' || key[1] == '*' || strstr(key, "(?i)"));
}

int rule_blind_map(const struct judging *judging, const struct block *block)
{
	return find_in(judging, block, SHOWN, is_blind,
		       "this key fits in capital and small letters alike: two names become one, "
		       "and a secret is quicker guessed; write it as \"~^…$\"");
}

/* An alternative outside of brackets ends what ^ and $ hold. */
static bool has_alternatives(const char *regex)
{
	int depth = 0;

	for (; *regex; regex++) {
		if (*regex == '\\' && regex[1])
			regex++;
		else if (*regex == '(')
			depth++;
		else if (*regex == ')')
			depth--;
		else if (*regex == '|' && depth == 0)
			return true;
	}
	return false;
}

static bool is_loose_key(const char *key)
{
	const char *regex = key + (key[1] == '*' ? 2 : 1);
	size_t size = strlen(key);

	return *regex != '^' || key[size - 1] != '$' || key[size - 2] == '\\' ||
	       has_alternatives(regex) || strstr(regex, ".*") || strstr(regex, ".+");
}

/* The end of what stands for many characters: "[0-9]", "\\w" or "."; regex itself if it does not. */
static const char *skip_class(const char *regex)
{
	if (*regex == '.')
		return regex + 1;
	if (*regex == '\\')
		return regex[1] && strchr("dDNSwW", regex[1]) ? regex + 2 : regex;
	if (*regex != '[')
		return regex;
	regex += strcspn(regex, "]");
	return regex + strspn(regex, "]");
}

/* A secret of which a part may be anything is no secret. */
static bool is_any(json_t *entry)
{
	const char *at = directive_word(entry, 0);

	if (!is_grant(entry) || *at != '~')
		return false;
	while (*at) {
		const char *end = skip_class(at);

		if (end > at && *end && strchr("+*{", *end))
			return true;
		if (end == at)
			end += *at == '\\' && at[1] ? 2 : 1;
		at = end;
	}
	return false;
}

static bool is_loose(json_t *entry)
{
	const char *key = directive_word(entry, 0);

	return is_grant(entry) && key[0] == '~' && is_loose_key(key);
}

/* A part of a subject that may begin or end within another part. */
static bool is_loose_capture(json_t *entry)
{
	const char *key = directive_word(entry, 0);

	return strchr(directive_word(entry, 1), '$') && key[0] == '~' && is_loose_key(key);
}

int rule_loose_map(const struct judging *judging, const struct block *block)
{
	static const char sentence[] =
		"this key fits longer and other secrets or subjects than the one that is meant; "
		"let it begin with ^ and end with $, and be exact between them";
	int ret = find_in(judging, block, SHOWN, is_loose, sentence);

	if (ret == 0)
		ret = find_in(judging, block, VALUE_SAID, is_any, sentence);
	return ret ? ret : find_in(judging, block, VALUE_TLS, is_loose_capture, sentence);
}

/* Whether the condition keeps out whom it does not fit, or names whom it fits. */
static bool picks(const struct judging *judging, const struct block *block, const char *sign)
{
	json_t *directive;
	size_t i;

	json_array_foreach(block->body, i, directive)
	{
		if (*sign == '!'
			    ? directive_is(directive, "return") || directive_is(directive, "break")
			    : rule_names_somebody(judging, directive))
			return true;
	}
	return false;
}

/* The words of $ssl_client_verify are nginx's own. */
static bool is_about_somebody(const struct judging *judging, const struct condition *condition)
{
	char text[sizeof(condition->variable) + 1];

	err_text(text, sizeof(text), "$%s", condition->variable);
	return strcmp(condition->variable, "ssl_client_verify") != 0 &&
	       (value_origins(judging->tree, text) & (VALUE_TLS | VALUE_USER));
}

int rule_loose_condition(const struct judging *judging, const struct block *block)
{
	struct condition condition;
	char key[sizeof(condition.value) + 1];

	if (block->kind != BLOCK_IF)
		return 0;
	condition_read(block->directive, &condition);
	err_text(key, sizeof(key), "~%s", condition.value);
	if (!strchr(condition.sign, '~') || !is_about_somebody(judging, &condition) ||
	    !picks(judging, block, condition.sign) ||
	    !block_reaches(judging->tree, block_location(block)))
		return 0;
	if (!strchr(condition.sign, '*') && !strstr(key, "(?i)") && !is_loose_key(key))
		return 0;
	return finding_add(judging->findings, block->directive,
			   "this fits longer and other subjects or names than the one that is "
			   "meant; let it begin with ^ and end with $, be exact between them, and "
			   "write ~ without *");
}
