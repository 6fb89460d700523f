/* SPDX-License-Identifier: Apache-2.0 */
/* The policies of a role: documents of its own, and names of policies that exist in the cloud. */
#include "engine/alicloud/alicloud_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/err.h"
#include "util/json.h"
#include "util/text.h"
#include "util/wipe.h"

/* Limits of the cloud; the last two are defaults that it raises on demand. */
#define DOCUMENT_MAX        6144
#define POLICY_NAME_MAX     128
#define CUSTOM_PER_USER_MAX 10
#define SYSTEM_PER_USER_MAX 20

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

static bool has_statement(const json_t *document)
{
	const json_t *statement = json_object_get(document, "Statement");

	return json_array_size(statement) > 0 || json_object_size(statement) > 0;
}

static int check_document(const json_t *document, size_t number, struct err *err)
{
	char *text;
	size_t size;

	if (!json_is_object(document))
		return err_set(err, LH_EINVAL, "inline_policies: document %zu must be an object",
			       number);
	if (!json_get_text(document, "Version")[0])
		return err_set(err, LH_EINVAL,
			       "inline_policies: document %zu must have a Version, the text \"1\"",
			       number);
	if (!has_statement(document))
		return err_set(err, LH_EINVAL,
			       "inline_policies: document %zu must have a Statement that is not "
			       "empty",
			       number);
	text = json_text(document);
	if (!text)
		return LH_ENOMEM;
	size = strlen(text);
	wipe_free(text);
	if (size > DOCUMENT_MAX)
		return err_set(err, LH_EINVAL,
			       "inline_policies: document %zu has %zu bytes, more than %d", number,
			       size, DOCUMENT_MAX);
	return 0;
}

static int add_document(json_t *policies, json_t *document, const char *random, struct err *err)
{
	size_t index = json_array_size(policies);
	char hash[HASH_SIZE + 1];
	int ret = check_document(document, index + 1, err);

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
	else if (json_array_size(documents) > ALICLOUD_POLICIES_MAX)
		ret = err_set(err, LH_EINVAL, "inline_policies: more than %d documents",
			      ALICLOUD_POLICIES_MAX);
	if (ret) {
		json_decref(documents);
		return ret;
	}
	*documents_out = documents;
	return 0;
}

int alicloud_inline_policies(const char *text, const char *random, json_t **policies_out,
			     struct err *err)
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
		ret = add_document(policies, json_array_get(documents, i), random, err);
	json_decref(documents);
	if (ret) {
		json_decref(policies);
		return ret;
	}
	*policies_out = policies;
	return 0;
}

/* ---- Remote policies ---- */

/* One "key:value" of an element; exactly one colon, nothing is trimmed. */
static int read_pair(json_t *policy, const char *pair, size_t size, struct err *err)
{
	const char *colon = memchr(pair, ':', size), *value;
	const char *key = NULL;
	size_t key_size, value_size;

	if (!colon || memchr(colon + 1, ':', size - (size_t)(colon + 1 - pair)))
		return err_set(err, LH_EINVAL, "unable to recognize pair in %s",
			       excerpt_of(pair, size).text);
	key_size = (size_t)(colon - pair);
	value = colon + 1;
	value_size = size - key_size - 1;
	if (key_size == 4 && memcmp(pair, "name", 4) == 0)
		key = "name";
	else if (key_size == 4 && memcmp(pair, "type", 4) == 0)
		key = "type";
	else
		return err_set(err, LH_EINVAL, "invalid key: %s", excerpt_of(pair, key_size).text);
	return json_object_set_new(policy, key, json_stringn(value, value_size)) ? LH_ENOMEM : 0;
}

static int check_policy(const json_t *policy, const char *text, size_t number, struct err *err)
{
	const char *name = json_get_text(policy, "name"), *type = json_get_text(policy, "type");

	if (!name[0])
		return err_set(err, LH_EINVAL, "policy name is required in %s",
			       excerpt_of(text, strlen(text)).text);
	if (!type[0])
		return err_set(err, LH_EINVAL, "policy type is required in %s",
			       excerpt_of(text, strlen(text)).text);
	if (!alicloud_is_word(name, "-", POLICY_NAME_MAX))
		return err_set(err, LH_EINVAL,
			       "remote_policies: element %zu: name must be 1 to %d letters, digits "
			       "and '-'",
			       number, POLICY_NAME_MAX);
	if (strcmp(type, "System") != 0 && strcmp(type, "Custom") != 0)
		return err_set(err, LH_EINVAL,
			       "remote_policies: element %zu: type must be System or Custom",
			       number);
	return 0;
}

static int read_policy(json_t *policy, const char *text, struct err *err)
{
	int ret = 0;

	for (;;) {
		size_t size = strcspn(text, ",");

		ret = read_pair(policy, text, size, err);
		if (ret || !text[size])
			return ret;
		text += size + 1;
	}
}

static int add_policy(json_t *policies, const char *text, struct err *err)
{
	json_t *policy = json_pack("{s:s, s:s}", "name", "", "type", "");
	int ret = policy ? read_policy(policy, text, err) : LH_ENOMEM;

	if (!ret)
		ret = check_policy(policy, text, json_array_size(policies) + 1, err);
	if (!ret && json_array_append(policies, policy))
		ret = LH_ENOMEM;
	json_decref(policy);
	return ret;
}

int alicloud_remote_policies(const json_t *texts, json_t **policies_out, struct err *err)
{
	json_t *policies;
	int ret = 0;

	*policies_out = NULL;
	if (json_array_size(texts) > ALICLOUD_POLICIES_MAX)
		return err_set(err, LH_EINVAL, "remote_policies: more than %d elements",
			       ALICLOUD_POLICIES_MAX);
	policies = json_array();
	if (!policies)
		return LH_ENOMEM;
	for (size_t i = 0; !ret && i < json_array_size(texts); i++) {
		const char *text = json_string_value(json_array_get(texts, i));

		ret = add_policy(policies, text ? text : "", err);
	}
	if (ret) {
		json_decref(policies);
		return ret;
	}
	*policies_out = policies;
	return 0;
}

/* ---- Both ---- */

void alicloud_policy_warnings(const json_t *role, struct warnings *warnings)
{
	size_t custom = json_array_size(json_object_get(role, "inline_policies")), system = 0, i;
	const json_t *policy;

	json_array_foreach(json_object_get(role, "remote_policies"), i, policy)
	{
		if (strcmp(json_get_text(policy, "type"), "System") == 0)
			system++;
		else
			custom++;
	}
	if (custom > CUSTOM_PER_USER_MAX)
		warnings_add(warnings,
			     "%zu inline and custom policies are more than the %d that the cloud "
			     "attaches to a user unless the quota was raised",
			     custom, CUSTOM_PER_USER_MAX);
	if (system > SYSTEM_PER_USER_MAX)
		warnings_add(warnings,
			     "%zu system policies are more than the %d that the cloud attaches to "
			     "a user unless the quota was raised",
			     system, SYSTEM_PER_USER_MAX);
}
