/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/policies.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "auth/acl.h"
#include "auth/built.h"
#include "auth/builtin.h"
#include "auth/policy.h"
#include "store/key.h"
#include "store/store.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"

struct policies {
	struct store *store;
	struct built_cache built;
};

static void key_generation(struct key *key)
{
	key_start(key, 'g');
	key_add_text(key, "policies");
}

static void key_policy(struct key *key, const char *name)
{
	key_start(key, 'P');
	key_add_text(key, name);
}

int policies_new(struct store *store, struct policies **policies_out)
{
	struct policies *policies = calloc(1, sizeof(*policies));

	*policies_out = policies;
	if (!policies)
		return LH_ENOMEM;
	policies->store = store;
	return 0;
}

void policies_free(struct policies *policies)
{
	if (policies)
		built_free_all(&policies->built);
	free(policies);
}

bool policy_name_is_valid(const char *name)
{
	size_t size = strlen(name);

	for (size_t i = 0; i < size; i++)
		if (name[i] < ' ' || name[i] > '~')
			return false;
	return size > 0 && size <= POLICY_NAME_MAX;
}

/* ---- Building ---- */

static int add_policy(struct policies *policies, const char *name, struct acl *acl)
{
	struct buf text = BUF_INIT;
	struct policy *policy;
	struct err err = { "" };
	int ret;

	ret = policies_get(policies, name, &text);
	if (!ret)
		ret = policy_parse(name, buf_text(&text), text.size, &policy, &err);
	buf_free(&text);
	if (ret == LH_EINVAL) {
		log_error("policy %s: cannot be read: %s", name, err.text);
		return LH_ECORRUPT;
	}
	if (ret) /* a name that is too long is nobody's */
		return ret == LH_ENOENT || ret == LH_ERANGE ? 0 : ret;
	return acl_add(acl, policy);
}

static int build(struct policies *policies, const json_t *names, struct acl **acl_out)
{
	struct acl *acl;
	const json_t *name;
	size_t i;
	int ret;

	*acl_out = NULL;
	ret = acl_new(&acl);
	json_array_foreach(names, i, name)
	{
		if (!ret && json_is_string(name))
			ret = add_policy(policies, json_string_value(name), acl);
	}
	if (!ret)
		ret = acl_build(acl, clock_now());
	if (ret) {
		acl_free(acl);
		return ret;
	}
	*acl_out = acl;
	return 0;
}

/* The revisions of the policies' records. *revisions_out is new. */
static int read_revisions(struct policies *policies, const json_t *names, uint64_t **revisions_out)
{
	uint64_t *revisions = calloc(json_array_size(names) + 1, sizeof(*revisions));
	const json_t *name;
	size_t i;
	int ret = revisions ? 0 : LH_ENOMEM;

	*revisions_out = NULL;
	json_array_foreach(names, i, name)
	{
		struct key key;

		if (ret)
			break;
		key_policy(&key, json_is_string(name) ? json_string_value(name) : "");
		ret = store_revision(policies->store, key_bytes(&key), &revisions[i]);
		if (ret == LH_ERANGE)
			ret = 0;
	}
	if (ret) {
		free(revisions);
		return ret;
	}
	*revisions_out = revisions;
	return 0;
}

static int build_and_keep(struct policies *policies, json_t *names, uint64_t *revisions,
			  uint64_t generation)
{
	struct acl *acl;
	int ret = build(policies, names, &acl);

	if (!ret)
		return built_keep(&policies->built, names, acl, revisions, generation);
	free(revisions);
	return ret;
}

/* Makes what is kept for the names right again, or keeps it at all. What changed may have been
 * other policies: then only the stamp is renewed. */
static int refresh(struct policies *policies, json_t *names, struct built *built,
		   uint64_t generation)
{
	size_t size = json_array_size(names) * sizeof(uint64_t);
	uint64_t *revisions;
	int ret;

	ret = read_revisions(policies, names, &revisions);
	if (ret)
		return ret;
	if (built && acl_expires(built->acl) > clock_now() &&
	    !memcmp(built->revisions, revisions, size)) {
		built->generation = generation;
		free(revisions);
		return 0;
	}
	if (built)
		built_drop(&policies->built, built);
	return build_and_keep(policies, names, revisions, generation);
}

/* Generation before revisions, revisions before texts: what changes in between is seen next time. */
int policies_acl(struct policies *policies, json_t *names, const struct acl **acl_out)
{
	struct built *built;
	struct key key;
	uint64_t generation;
	int ret;

	*acl_out = NULL;
	key_generation(&key);
	ret = store_revision(policies->store, key_bytes(&key), &generation);
	if (ret)
		return ret;
	built = built_find(&policies->built, names);
	if (!built || built->generation != generation || acl_expires(built->acl) <= clock_now()) {
		ret = refresh(policies, names, built, generation);
		if (ret)
			return ret;
		built = built_find(&policies->built, names);
	}
	*acl_out = built->acl;
	return 0;
}

/* ---- The records ---- */

int policies_get(struct policies *policies, const char *name, struct buf *text)
{
	const struct builtin_policy *builtin = builtin_policy_find(name);
	struct key key;
	int ret = LH_ENOENT;

	key_policy(&key, name);
	if (!builtin || builtin->changeable)
		ret = store_get(policies->store, key_bytes(&key), text, NULL);
	if (ret != LH_ENOENT || !builtin)
		return ret;
	buf_add_text(text, builtin->text);
	return buf_error(text);
}

/* Two changes at once are no conflict: the generation only has to become another one. */
static int apply(struct policies *policies, enum store_urgency urgency, struct store_batch *batch)
{
	struct key key;
	int ret;

	key_generation(&key);
	store_batch_put(batch, STORE_ANY, 0, key_bytes(&key), NO_BYTES);
	ret = store_apply(policies->store, urgency, batch, NULL);
	store_batch_free(batch);
	return ret;
}

/* Whether it is a policy. */
static int check_text(const char *name, struct bytes text, const char **unkept_out, struct err *err)
{
	struct policy *policy;
	int ret;

	if (text.size > POLICY_SIZE_MAX)
		return err_set(err, LH_EINVAL, "a policy has at most %d bytes, this one has %zu",
			       POLICY_SIZE_MAX, text.size);
	ret = policy_parse(name, text.data, text.size, &policy, err);
	if (ret)
		return err_prefix(err, ret, "failed to parse policy");
	for (size_t i = 0; i < policy->count && !*unkept_out; i++)
		*unkept_out = policy->rules[i].unkept;
	policy_free(policy);
	return 0;
}

int policies_put(struct policies *policies, const char *name, struct bytes text,
		 const char **unkept_out, struct err *err)
{
	const struct builtin_policy *builtin = builtin_policy_find(name);
	struct store_batch batch = { 0 };
	struct key key;
	int ret;

	*unkept_out = NULL;
	if (builtin && !builtin->changeable)
		return err_set(err, LH_EINVAL, "cannot update \"%s\" policy", name);
	ret = check_text(name, text, unkept_out, err);
	if (ret)
		return ret;
	key_policy(&key, name);
	store_batch_put(&batch, STORE_ANY, 0, key_bytes(&key), text);
	ret = apply(policies, STORE_NORMAL, &batch);
	return ret ? err_set(err, ret, "policy %s cannot be stored: %s", name, err_name(ret)) : 0;
}

int policies_delete(struct policies *policies, const char *name, struct err *err)
{
	const struct builtin_policy *builtin = builtin_policy_find(name);
	struct store_batch batch = { 0 };
	struct key key;
	int ret;

	if (builtin)
		return err_set(err, LH_EINVAL,
			       builtin->changeable ? "cannot delete %s policy"
						   : "cannot delete \"%s\" policy",
			       name);
	key_policy(&key, name);
	store_batch_delete(&batch, STORE_ANY, 0, key_bytes(&key));
	ret = apply(policies, STORE_REVOKE, &batch);
	return ret ? err_set(err, ret, "policy %s cannot be deleted: %s", name, err_name(ret)) : 0;
}

/* ---- Listing ---- */

struct listing {
	const char *after;
	size_t left;
	bool told; /* "default", stored or not */
	policy_name_visit add;
	void *context;
};

static int tell(struct listing *listing, const char *name)
{
	if (!listing->left || strcmp(name, listing->after) <= 0)
		return 0;
	listing->left--;
	return listing->add(listing->context, name);
}

/* "default" stands in its place whether it is stored or not. */
static int tell_default(struct listing *listing)
{
	if (listing->told)
		return 0;
	listing->told = true;
	return tell(listing, BUILTIN_DEFAULT);
}

static int take_name(void *context, const struct store_record *record)
{
	struct listing *listing = context;
	size_t size = record->key.size - 1;
	char name[STORE_KEY_MAX + 1];
	int ret = 0;

	memcpy(name, (const char *)record->key.data + 1, size);
	name[size] = '\0';
	if (strcmp(name, BUILTIN_DEFAULT) >= 0)
		ret = tell_default(listing);
	if (ret || !strcmp(name, BUILTIN_DEFAULT))
		return ret;
	return tell(listing, name);
}

/* "root" has no record and stands behind them all, so whoever asks for what is behind it has them
 * all. */
int policies_list(struct policies *policies, const char *after, size_t max, policy_name_visit add,
		  void *context)
{
	struct listing listing = { .after = after, .left = max, .add = add, .context = context };
	struct key from, end, behind;
	int ret;

	if (!strcmp(after, BUILTIN_ROOT))
		return 0;
	key_policy(&from, "");
	end = from;
	key_after_prefix(&end);
	key_policy(&behind, after);
	ret = store_scan(policies->store, STORE_SCAN_KEYS, key_bytes(&from), key_bytes(&end),
			 after[0] ? key_bytes(&behind) : NO_BYTES, max, take_name, &listing);
	if (!ret)
		ret = tell_default(&listing);
	if (!ret && listing.left)
		ret = add(context, BUILTIN_ROOT);
	return ret;
}
