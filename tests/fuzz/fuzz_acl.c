/* SPDX-License-Identifier: Apache-2.0 */
/* Two policies and a request: whatever they are, some things hold. The input is the path, a line; the
 * fields, a line of JSON; a policy up to the byte 1; another one. */
#include "auth/acl.h"
#include "auth/policy.h"
#include "fuzz.h"
#include "util/json.h"

static struct acl *build(const char *first, const char *second)
{
	const char *texts[] = { first, second };
	struct policy *policy;
	struct acl *acl;

	MUST(!acl_new(&acl));
	for (int i = 0; i < 2; i++)
		if (!policy_parse("p", texts[i], strlen(texts[i]), &policy, NULL))
			MUST(!acl_add(acl, policy));
	MUST(!acl_build(acl, 1000000000));
	return acl;
}

static void check_grants(const struct acl *acl, const char *path, const json_t *input)
{
	unsigned deny = CAPABILITY_BIT(CAPABILITY_DENY);

	for (int c = CAPABILITY_CREATE; c <= CAPABILITY_PATCH; c++) {
		enum acl_question question = c == CAPABILITY_LIST ? ACL_LIST : ACL_PLAIN;
		const struct rule *rule = acl_find(acl, path, question);
		struct access access = {
			.path = path,
			.capability = (enum capability)c,
			.input = input,
			.wrap_ttl = 60,
		};
		bool allowed = acl_allows(acl, &access);

		MUST(!rule || !(rule->capabilities & deny) || rule->capabilities == deny);
		MUST(!allowed || (rule && rule->capabilities & CAPABILITY_BIT(c)));
		access.sudo = true;
		MUST(!acl_allows(acl, &access) ||
		     (allowed && rule->capabilities & CAPABILITY_BIT(CAPABILITY_SUDO)));
	}
}

/* The order of policies does not matter, nor do slashes in front. */
static void check_equal(const struct acl *acl, const struct acl *turned, const char *path)
{
	char *slashed = malloc(strlen(path) + 2);

	MUST(slashed);
	slashed[0] = '/';
	strcpy(slashed + 1, path);
	MUST(acl_count(acl) == acl_count(turned));
	MUST(acl_expires(acl) == acl_expires(turned));
	MUST(acl_capabilities(acl, path) == acl_capabilities(turned, path));
	MUST(acl_capabilities(acl, path) == acl_capabilities(acl, slashed));
	free(slashed);
}

/* What is granted at a path is reached there. */
static void check_reach(const struct acl *acl, const char *path)
{
	unsigned capabilities = acl_capabilities(acl, path);

	if (capabilities && capabilities != CAPABILITY_BIT(CAPABILITY_DENY))
		MUST(acl_reaches(acl, path));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *path = fuzz_piece(&data, &size, '\n');
	char *fields = fuzz_piece(&data, &size, '\n');
	char *first = fuzz_piece(&data, &size, '\1');
	char *second = fuzz_piece(&data, &size, '\1');
	struct acl *acl = build(first, second), *turned = build(second, first);
	json_t *input = NULL;

	json_read(fields, strlen(fields), &input, NULL);
	check_grants(acl, path, json_is_object(input) ? input : NULL);
	check_equal(acl, turned, path);
	check_reach(acl, path);
	json_decref(input);
	acl_free(acl);
	acl_free(turned);
	free(path);
	free(fields);
	free(first);
	free(second);
	return 0;
}
