/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/policies.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "util/err.h"
#include "util/json.h"
#include "util/text.h"
#include "util/wipe.h"

#define HASH_SIZE 32

/* Enough of a text to recognise it in a message, cut between characters. */
struct excerpt {
	char text[128];
};

static struct excerpt excerpt_of(const char *text, size_t size)
{
	struct excerpt excerpt = { "" };
	size_t used = 0, step;

	while (used < size && (step = text_utf8(text + used, size - used)) > 0 &&
	       used + step < sizeof(excerpt.text))
		used += step;
	memcpy(excerpt.text, text, used);
	return excerpt;
}

/* ---- Inline policies ---- */

/* Replaces the last four digits of random by something that differs for each index. */
static void make_hash(const char *random, size_t index, char out[HASH_SIZE + 1])
{
	const char *tail = random + HASH_SIZE - 4;
	unsigned mixed = (unsigned)strtoul(tail, NULL, 16) ^ (unsigned)index;

	err_text(out, HASH_SIZE + 1, "%.*s%04x", HASH_SIZE - 4, random, mixed & 0xffff);
}

static bool has_statement(const struct document_rules *rules, const json_t *document)
{
	const json_t *statement = json_object_get(document, rules->statement);

	return json_array_size(statement) > 0 || json_object_size(statement) > 0;
}

static int check_document(const struct document_rules *rules, const json_t *document, size_t number,
			  struct err *err)
{
	char *text;
	size_t size;

	if (!json_is_object(document))
		return err_set(err, LH_EINVAL, "inline_policies: document %zu must be an object",
			       number);
	if (!json_get_text(document, rules->version)[0])
		return err_set(err, LH_EINVAL,
			       "inline_policies: document %zu must have a %s, the text \"%s\"",
			       number, rules->version, rules->language);
	if (!has_statement(rules, document))
		return err_set(err, LH_EINVAL,
			       "inline_policies: document %zu must have a %s that is not empty",
			       number, rules->statement);
	text = json_text(document);
	if (!text)
		return LH_ENOMEM;
	size = strlen(text);
	wipe_free(text);
	if (size > rules->max)
		return err_set(err, LH_EINVAL,
			       "inline_policies: document %zu has %zu bytes, more than %zu", number,
			       size, rules->max);
	return 0;
}

static int add_document(const struct document_rules *rules, json_t *policies, json_t *document,
			const char *random, struct err *err)
{
	size_t index = json_array_size(policies);
	char hash[HASH_SIZE + 1];
	int ret = check_document(rules, document, index + 1, err);

	if (ret)
		return ret;
	make_hash(random, index, hash);
	ret = json_array_append_new(
		policies, json_pack("{s:s, s:O}", "hash", hash, "policy_document", document));
	return ret ? LH_ENOMEM : 0;
}

static int read_documents(const char *text, json_t **documents_out, struct err *err)
{
	json_t *documents;
	int ret = json_read(text, strlen(text), &documents, err);

	*documents_out = NULL;
	if (ret)
		return err_prefix(err, ret, "inline_policies");
	if (!json_is_array(documents))
		ret = err_set(err, LH_EINVAL,
			      "inline_policies: must be a JSON array of policy documents");
	else if (json_array_size(documents) > POLICIES_MAX)
		ret = err_set(err, LH_EINVAL, "inline_policies: more than %d documents",
			      POLICIES_MAX);
	if (ret) {
		json_decref(documents);
		return ret;
	}
	*documents_out = documents;
	return 0;
}

int policies_inline(const struct document_rules *rules, const char *text, const char *random,
		    json_t **policies_out, struct err *err)
{
	json_t *documents = NULL, *policies = NULL;
	int ret;

	*policies_out = NULL;
	ret = read_documents(text, &documents, err);
	if (ret)
		return ret;
	policies = json_array();
	ret = policies ? 0 : LH_ENOMEM;
	for (size_t i = 0; !ret && i < json_array_size(documents); i++)
		ret = add_document(rules, policies, json_array_get(documents, i), random, err);
	json_decref(documents);
	if (ret) {
		json_decref(policies);
		return ret;
	}
	*policies_out = policies;
	return 0;
}

/* ---- Remote policies ---- */

static bool is_key(const char *key, const char *text, size_t size)
{
	return strlen(key) == size && memcmp(key, text, size) == 0;
}

/* One "key:value" of an element; exactly one colon, nothing is trimmed. */
static int read_pair(const struct remote_rules *rules, json_t *policy, const char *pair,
		     size_t size, struct err *err)
{
	const char *colon = memchr(pair, ':', size), *value, *key;
	size_t key_size, value_size;

	if (!colon || memchr(colon + 1, ':', size - (size_t)(colon + 1 - pair)))
		return err_set(err, LH_EINVAL, "unable to recognize pair in %s",
			       excerpt_of(pair, size).text);
	key_size = (size_t)(colon - pair);
	value = colon + 1;
	value_size = size - key_size - 1;
	if (is_key(rules->name, pair, key_size))
		key = rules->name;
	else if (is_key(rules->scope, pair, key_size))
		key = rules->scope;
	else
		return err_set(err, LH_EINVAL, "invalid key: %s", excerpt_of(pair, key_size).text);
	return json_object_set_new(policy, key, json_stringn(value, value_size)) ? LH_ENOMEM : 0;
}

static int read_policy(const struct remote_rules *rules, json_t *policy, const char *text,
		       struct err *err)
{
	int ret = 0;

	for (;;) {
		size_t size = strcspn(text, ",");

		ret = read_pair(rules, policy, text, size, err);
		if (ret || !text[size])
			return ret;
		text += size + 1;
	}
}

static bool is_scope(const struct remote_rules *rules, const char *scope)
{
	for (size_t i = 0; rules->scopes[i]; i++) {
		if (strcmp(rules->scopes[i], scope) == 0)
			return true;
	}
	return false;
}

static int check_policy(const struct remote_rules *rules, const json_t *policy, const char *text,
			size_t number, struct err *err)
{
	const char *name = json_get_text(policy, rules->name);
	const char *scope = json_get_text(policy, rules->scope);

	if (!name[0])
		return err_set(err, LH_EINVAL, "policy name is required in %s",
			       excerpt_of(text, strlen(text)).text);
	if (!scope[0])
		return err_set(err, LH_EINVAL, "policy %s is required in %s", rules->scope_word,
			       excerpt_of(text, strlen(text)).text);
	if (!text_is_word(name, rules->more, (size_t)rules->max))
		return err_set(err, LH_EINVAL,
			       "remote_policies: element %zu: %s must be 1 to %d %s", number,
			       rules->name, rules->max, rules->characters);
	if (!is_scope(rules, scope))
		return err_set(err, LH_EINVAL, "remote_policies: element %zu: %s must be %s",
			       number, rules->scope, rules->scopes_words);
	return 0;
}

static int add_policy(const struct remote_rules *rules, json_t *policies, const char *text,
		      struct err *err)
{
	json_t *policy = json_pack("{s:s, s:s}", rules->name, "", rules->scope, "");
	int ret = policy ? read_policy(rules, policy, text, err) : LH_ENOMEM;

	if (!ret)
		ret = check_policy(rules, policy, text, json_array_size(policies) + 1, err);
	if (!ret && rules->id && json_object_set_new(policy, rules->id, json_integer(0)))
		ret = LH_ENOMEM;
	if (!ret && json_array_append(policies, policy))
		ret = LH_ENOMEM;
	json_decref(policy);
	return ret;
}

int policies_remote(const struct remote_rules *rules, const json_t *texts, json_t **policies_out,
		    struct err *err)
{
	json_t *policies;
	int ret = 0;

	*policies_out = NULL;
	if (json_array_size(texts) > POLICIES_MAX)
		return err_set(err, LH_EINVAL, "remote_policies: more than %d elements",
			       POLICIES_MAX);
	policies = json_array();
	if (!policies)
		return LH_ENOMEM;
	for (size_t i = 0; !ret && i < json_array_size(texts); i++) {
		const char *text = json_string_value(json_array_get(texts, i));

		ret = add_policy(rules, policies, text ? text : "", err);
	}
	if (ret) {
		json_decref(policies);
		return ret;
	}
	*policies_out = policies;
	return 0;
}
