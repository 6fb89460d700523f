/* SPDX-License-Identifier: Apache-2.0 */
/* Exact rules are found by bisection. So is the longest prefix: the last rule that is not behind the
 * path either begins it, or shares its beginning with one that does, which is on the chain of shorter
 * ones. Rules with `+` stand in the order of their priority: the first that matches is the best. */
#include "auth/acl.h"

#include <stdlib.h>
#include <string.h>

#include "auth/parameters.h"
#include "auth/rule.h"
#include "util/err.h"
#include "util/text.h"

struct entry {
	struct rule *rule;
	size_t order;                /* in which the rules came */
	size_t size;                 /* of the rule's path */
	size_t first;                /* where its first wildcard stands */
	size_t wild;                 /* how many parts are `+` */
	const struct entry *shorter; /* prefix rules: the longest other one that begins this one */
};

struct entries {
	struct entry *all;
	size_t count;
};

struct acl {
	struct policy **policies;
	size_t policy_count;
	struct entry *entries; /* exact rules, prefixes, rules with `+` */
	size_t count;
	struct entries exact, prefixes, parts; /* borrowed from entries */
	int64_t expires;
};

int acl_new(struct acl **acl_out)
{
	*acl_out = calloc(1, sizeof(**acl_out));
	return *acl_out ? 0 : LH_ENOMEM;
}

void acl_free(struct acl *acl)
{
	if (!acl)
		return;
	for (size_t i = 0; i < acl->policy_count; i++)
		policy_free(acl->policies[i]);
	free(acl->policies);
	free(acl->entries);
	free(acl);
}

size_t acl_count(const struct acl *acl)
{
	return acl->count;
}

int64_t acl_expires(const struct acl *acl)
{
	return acl->expires;
}

/* ---- Building ---- */

int acl_add(struct acl *acl, struct policy *policy)
{
	struct policy **grown;

	grown = realloc(acl->policies, (acl->policy_count + 1) * sizeof(struct policy *));
	if (!grown) {
		policy_free(policy);
		return LH_ENOMEM;
	}
	acl->policies = grown;
	grown[acl->policy_count++] = policy;
	return 0;
}

static size_t count_rules(const struct acl *acl)
{
	size_t count = 0;

	for (size_t i = 0; i < acl->policy_count; i++)
		count += acl->policies[i]->count;
	return count;
}

/* Where the first `+` stands that is a whole part, and how many there are. */
static void measure_parts(struct entry *entry)
{
	const char *path = entry->rule->path;

	entry->first = entry->size;
	for (const char *at = path; at; at = strchr(at, '/')) {
		at += *at == '/';
		if (at[0] != '+' || (at[1] && at[1] != '/'))
			continue;
		if (!entry->wild++)
			entry->first = (size_t)(at - path);
	}
}

/* Unless it is none (any more). */
static void collect_rule(struct acl *acl, struct rule *rule, int64_t now)
{
	struct entry *entry = &acl->entries[acl->count];

	if (rule->templated || (rule->expires && rule->expires <= now))
		return;
	if (rule->expires && rule->expires < acl->expires)
		acl->expires = rule->expires;
	*entry = (struct entry){ .rule = rule, .order = acl->count, .size = strlen(rule->path) };
	measure_parts(entry);
	acl->count++;
}

static int compare_rules(const void *left, const void *right)
{
	const struct entry *a = left, *b = right;
	int order = strcmp(a->rule->path, b->rule->path);

	if (a->rule->kind != b->rule->kind)
		return a->rule->kind < b->rule->kind ? -1 : 1;
	if (order)
		return order;
	if (a->rule->open != b->rule->open)
		return a->rule->open ? 1 : -1;
	return a->order < b->order ? -1 : 1;
}

static bool is_same_path(const struct rule *a, const struct rule *b)
{
	return a->kind == b->kind && a->open == b->open && !strcmp(a->path, b->path);
}

/* Of sorted entries those of one path become one. */
static int merge_entries(struct acl *acl)
{
	struct rule *last = NULL; /* merged so far: what it was made of is chained behind it */
	struct rule *tail = NULL;
	size_t kept = 0;

	for (size_t i = 0; i < acl->count; i++) {
		struct rule *rule = acl->entries[i].rule;

		if (last && is_same_path(last, rule)) {
			tail->same = rule;
			tail = rule;
			if (rule_merge(last, rule))
				return LH_ENOMEM;
			continue;
		}
		last = tail = rule;
		acl->entries[kept++] = acl->entries[i];
	}
	acl->count = kept;
	return 0;
}

/* Above 0: a is the better rule for a path that both match. */
static int compare_priority(const struct entry *a, const struct entry *b)
{
	if (a->first != b->first)
		return a->first > b->first ? 1 : -1;
	if (a->rule->open != b->rule->open)
		return a->rule->open ? -1 : 1;
	if (a->wild != b->wild)
		return a->wild < b->wild ? 1 : -1;
	if (a->size != b->size)
		return a->size > b->size ? 1 : -1;
	return strcmp(a->rule->path, b->rule->path);
}

static int best_first(const void *left, const void *right)
{
	return compare_priority(right, left);
}

static struct entries take_kind(struct acl *acl, size_t *at, enum rule_kind kind)
{
	struct entries entries = { acl->entries + *at, 0 };

	while (*at < acl->count && acl->entries[*at].rule->kind == kind) {
		entries.count++;
		++*at;
	}
	return entries;
}

static bool begins(const struct entry *entry, const char *path)
{
	return !strncmp(path, entry->rule->path, entry->size);
}

/* What begins an entry begins its predecessor too, or is it. */
static void chain_prefixes(struct entries *prefixes)
{
	for (size_t i = 1; i < prefixes->count; i++) {
		const struct entry *shorter = &prefixes->all[i - 1];

		while (shorter && !begins(shorter, prefixes->all[i].rule->path))
			shorter = shorter->shorter;
		prefixes->all[i].shorter = shorter;
	}
}

int acl_build(struct acl *acl, int64_t now)
{
	size_t at = 0;
	int ret;

	acl->expires = INT64_MAX;
	acl->entries = calloc(count_rules(acl) + 1, sizeof(*acl->entries));
	if (!acl->entries)
		return LH_ENOMEM;
	for (size_t i = 0; i < acl->policy_count; i++)
		for (size_t k = 0; k < acl->policies[i]->count; k++)
			collect_rule(acl, &acl->policies[i]->rules[k], now);
	qsort(acl->entries, acl->count, sizeof(*acl->entries), compare_rules);
	ret = merge_entries(acl);
	if (ret)
		return ret;
	acl->exact = take_kind(acl, &at, RULE_EXACT);
	acl->prefixes = take_kind(acl, &at, RULE_PREFIX);
	acl->parts = take_kind(acl, &at, RULE_PARTS);
	chain_prefixes(&acl->prefixes);
	qsort(acl->parts.all, acl->parts.count, sizeof(*acl->parts.all), best_first);
	return 0;
}

/* ---- Choosing ---- */

/* As strcmp, of a path of `size` bytes. */
static int compare_path(const struct entry *entry, const char *path, size_t size)
{
	int order = strncmp(entry->rule->path, path, size);

	return order ? order : entry->size > size;
}

/* How many entries are not behind the path. */
static size_t bisect(const struct entries *entries, const char *path, size_t size)
{
	size_t low = 0, high = entries->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_path(&entries->all[middle], path, size) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static const struct entry *find_exact(const struct acl *acl, const char *path, size_t size)
{
	size_t count = bisect(&acl->exact, path, size);
	const struct entry *entry = count ? &acl->exact.all[count - 1] : NULL;

	return entry && compare_path(entry, path, size) == 0 ? entry : NULL;
}

static const struct entry *find_prefix(const struct acl *acl, const char *path, size_t size)
{
	size_t count = bisect(&acl->prefixes, path, size);
	const struct entry *entry = count ? &acl->prefixes.all[count - 1] : NULL;

	while (entry && (entry->size > size || !begins(entry, path)))
		entry = entry->shorter;
	return entry;
}

static size_t part_size(const char *at, const char *end)
{
	const char *slash = memchr(at, '/', (size_t)(end - at));

	return (size_t)((slash ? slash : end) - at);
}

/* Whether a rule with `+` matches a path, or, for MATCH_BENEATH, one that begins so. */
enum match { MATCH_WHOLE, MATCH_BENEATH };

static bool match_parts(const struct entry *entry, const char *path, size_t size, enum match match)
{
	const char *rule = entry->rule->path, *rule_end = rule + entry->size;
	const char *end = path + size;

	for (;;) {
		size_t want = part_size(rule, rule_end), have = part_size(path, end);
		bool last = rule + want == rule_end, open = last && entry->rule->open;

		if (match == MATCH_BENEATH && path == end)
			return true;
		if (!(want == 1 && rule[0] == '+') &&
		    !((open ? want <= have : want == have) && !memcmp(rule, path, want)))
			return false;
		if (open)
			return true;
		rule += want;
		path += have;
		if (last || path == end)
			return last && path == end;
		rule++;
		path++;
	}
}

static const struct entry *find_parts(const struct acl *acl, const char *path, size_t size)
{
	for (size_t i = 0; i < acl->parts.count; i++)
		if (match_parts(&acl->parts.all[i], path, size, MATCH_WHOLE))
			return &acl->parts.all[i];
	return NULL;
}

static const struct entry *find_wild(const struct acl *acl, const char *path, size_t size)
{
	const struct entry *prefix = find_prefix(acl, path, size);
	const struct entry *parts = find_parts(acl, path, size);

	if (!prefix || !parts)
		return prefix ? prefix : parts;
	return compare_priority(prefix, parts) > 0 ? prefix : parts;
}

const struct rule *acl_find(const struct acl *acl, const char *path, enum acl_question question)
{
	const struct entry *entry;
	size_t size;
	bool trims;

	path += strspn(path, "/");
	size = strlen(path);
	trims = question == ACL_LIST && size && path[size - 1] == '/';
	entry = find_exact(acl, path, size);
	if (!entry && trims)
		entry = find_exact(acl, path, size - 1);
	if (!entry)
		entry = find_wild(acl, path, size);
	if (!entry && trims)
		entry = find_wild(acl, path, size - 1);
	return entry ? entry->rule : NULL;
}

/* ---- What it means ---- */

bool acl_allows(const struct acl *acl, const struct access *access)
{
	const struct rule *rule;
	unsigned needed = CAPABILITY_BIT(access->capability);

	if (access->sudo)
		needed |= CAPABILITY_BIT(CAPABILITY_SUDO);
	rule = acl_find(acl, access->path,
			access->capability == CAPABILITY_LIST ? ACL_LIST : ACL_PLAIN);
	return rule && (rule->capabilities & needed) == needed && wrap_allowed(rule, access) &&
	       parameters_allowed(rule, access);
}

unsigned acl_capabilities(const struct acl *acl, const char *path)
{
	const struct rule *rule = acl_find(acl, path, ACL_LIST);

	return rule ? rule->capabilities : 0;
}

static bool grants(const struct rule *rule)
{
	return rule->capabilities & ~CAPABILITY_BIT(CAPABILITY_DENY);
}

bool acl_reaches(const struct acl *acl, const char *path)
{
	const struct rule *rule = acl_find(acl, path, ACL_LIST);
	size_t size = strlen(path);

	if (rule && grants(rule))
		return true;
	for (size_t i = 0; i < acl->exact.count; i++)
		if (grants(acl->exact.all[i].rule) &&
		    text_starts_with(acl->exact.all[i].rule->path, path))
			return true;
	for (size_t i = 0; i < acl->prefixes.count; i++)
		if (grants(acl->prefixes.all[i].rule) &&
		    text_starts_with(acl->prefixes.all[i].rule->path, path))
			return true;
	for (size_t i = 0; i < acl->parts.count; i++)
		if (grants(acl->parts.all[i].rule) &&
		    match_parts(&acl->parts.all[i], path, size, MATCH_BENEATH))
			return true;
	return false;
}

int acl_each(const struct acl *acl, acl_visit visit, void *context)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < acl->count; i++)
		ret = visit(context, acl->entries[i].rule);
	return ret;
}
