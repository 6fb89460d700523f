/* SPDX-License-Identifier: Apache-2.0 */
/* auth/proxy/: whom the web server may vouch for, and the token that they can have instead. */
#include <string.h>

#include "api/context.h"
#include "api/page.h"
#include "api/token.h"
#include "api/token_fields.h"
#include "auth/identity.h"
#include "auth/token.h"
#include "conf/conf.h"
#include "lease/ttl.h"
#include "util/bucket.h"
#include "util/err.h"
#include "util/json.h"
#include "util/log.h"
#include "util/shared.h"

/* ---- Which entry ---- */

/* Takes "method/name" apart; name is borrowed from the path. LH_EINVAL: the refusal is in the
 * outcome. */
static int split_path(struct context *context, enum identity_method *method_out,
		      const char **name_out)
{
	const char *path = context->match->capture;
	const char *slash = strchr(path, '/');
	char method[16] = "";

	*method_out = IDENTITY_METHODS;
	*name_out = slash ? slash + 1 : "";
	if (slash && (size_t)(slash - path) < sizeof(method)) {
		memcpy(method, path, (size_t)(slash - path));
		*method_out = identity_method_find(method);
	}
	if (*method_out == IDENTITY_METHODS)
		outcome_error(&context->outcome, 400,
			      "the path must be auth/proxy/identity/<method>/<name>, with one of "
			      "the methods cert, basic, request, address, map");
	else if (context->request->operation != OPERATION_LIST &&
		 !identity_name_is_valid(*name_out))
		outcome_error(&context->outcome, 400, "a name has 1 to %d bytes of printable UTF-8",
			      IDENTITY_NAME_MAX);
	else
		return 0;
	return LH_EINVAL;
}

/* ---- Reading ---- */

static int list_methods(struct context *context)
{
	json_t *keys = json_array();
	int lost = !keys;

	for (int method = 0; method < IDENTITY_METHODS; method++)
		lost |= json_array_append_new(
			keys,
			json_sprintf("%s/", identity_method_name((enum identity_method)method)));
	if (lost) {
		json_decref(keys);
		return LH_ENOMEM;
	}
	return outcome_data(&context->outcome, json_pack("{s:o}", "keys", keys));
}

int identity_names(struct context *context)
{
	enum identity_method method;
	const char *rest;
	struct page page;
	int ret;

	if (!context->match->capture[0])
		return list_methods(context);
	if (split_path(context, &method, &rest))
		return 0;
	if (rest[0])
		return outcome_error(&context->outcome, 400, "names have no folders to list");
	if (!page_start(context, &page))
		return 0;
	ret = identity_list(context_store(context), method, page.after, page_ask(&page), page_add,
			    &page);
	return page_end(context, &page, ret);
}

int identity_read(struct context *context)
{
	enum identity_method method;
	const char *name;
	json_t *entry;
	int ret;

	if (split_path(context, &method, &name))
		return 0;
	ret = identity_get(context_store(context), method, name, &entry, NULL);
	if (ret)
		return ret == LH_ENOENT ? 0 : ret;
	json_object_del(entry, "id");
	return outcome_data(&context->outcome, entry);
}

/* What has no valid path does not exist; the handler says the rest. */
int identity_exists(struct context *context, bool *exists_out)
{
	const char *path = context->match->capture;
	enum identity_method method;
	const char *name;
	json_t *entry;
	int ret;

	*exists_out = false;
	if (!strchr(path, '/') || split_path(context, &method, &name)) {
		outcome_clear(&context->outcome);
		return 0;
	}
	ret = identity_get(context_store(context), method, name, &entry, NULL);
	*exists_out = !ret;
	if (!ret)
		json_decref(entry);
	return ret == LH_ENOENT ? 0 : ret;
}

/* ---- Writing ---- */

static const char *const plain[] = { "ttl", "max_ttl", "bound_cidrs", "metadata", "rate" };

static json_t *new_entry(void)
{
	return json_pack("{s:[], s:i, s:i, s:[], s:{}, s:i}", "policies", "ttl", 0, "max_ttl", 0,
			 "bound_cidrs", "metadata", "rate", 0);
}

static int take_policies(const json_t *fields, json_t *entry, struct err *err)
{
	const json_t *sent = json_object_get(fields, "policies");
	json_t *clean;

	if (!sent)
		return 0;
	clean = policies_clean(sent, json_array_size(sent) > 0);
	if (!clean || json_object_set_new(entry, "policies", clean))
		return LH_ENOMEM;
	return token_fields_check_policies(clean, "an identity", err);
}

static int check(const json_t *entry, struct err *err)
{
	const json_t *metadata = json_object_get(entry, "metadata");
	int64_t ttl = json_get_int(entry, "ttl", 0), max = json_get_int(entry, "max_ttl", 0);
	int64_t rate = json_get_int(entry, "rate", 0);

	if (rate < 0 || rate > BUCKET_RATE_MAX)
		return err_set(err, LH_EINVAL, "rate must be 0 (no limit) to %d requests a second",
			       BUCKET_RATE_MAX);
	if (max && ttl > max)
		return err_set(err, LH_EINVAL, "ttl must not be longer than max_ttl");
	if (json_object_get(metadata, "method") || json_object_get(metadata, "name"))
		return err_set(err, LH_EINVAL,
			       "metadata: \"method\" and \"name\" are set to who it is; choose "
			       "other names");
	return token_fields_check_cidrs(entry, "bound_cidrs", err);
}

static int check_room(struct context *context, struct err *err)
{
	bool room;
	int ret = identities_have_room(context->identities, &room);

	if (ret || room)
		return ret;
	return err_set(err, LH_EINVAL, "there are %d entries already; use a glob for several names",
		       IDENTITY_ENTRIES_MAX);
}

static int store_entry(struct context *context, enum identity_method method, const char *name,
		       json_t *entry, uint64_t revision, struct err *err)
{
	int ret = identity_put(context_store(context), method, name, entry, revision);

	return ret == LH_ERANGE ? err_set(err, LH_EINVAL, "the entry has more than %d bytes",
					  IDENTITY_ENTRY_MAX)
				: ret;
}

/* Only what is sent changes. */
static int write_once(struct context *context, enum identity_method method, const char *name,
		      struct err *err)
{
	uint64_t revision = 0;
	json_t *entry;
	int ret = identity_get(context_store(context), method, name, &entry, &revision);

	if (ret == LH_ENOENT) {
		ret = check_room(context, err);
		entry = new_entry();
		if (!ret && !entry)
			ret = LH_ENOMEM;
	}
	if (!ret)
		ret = take_policies(context->fields, entry, err);
	if (!ret)
		ret = token_fields_take(context->fields, plain, sizeof(plain) / sizeof(plain[0]),
					entry);
	if (!ret)
		ret = check(entry, err);
	if (!ret)
		ret = store_entry(context, method, name, entry, revision, err);
	json_decref(entry);
	return ret;
}

int identity_write(struct context *context)
{
	enum identity_method method;
	const char *name;
	struct err err = { "" };
	unsigned tries = 0;
	int ret;

	if (split_path(context, &method, &name))
		return 0;
	do
		ret = write_once(context, method, name, &err);
	while (broker_again(context->broker, ret, context->request->raw->deadline, &tries));
	if (ret == LH_ECONFLICT)
		err_set(&err, ret, "the entry was changed by others all the time: try again");
	if (ret == LH_EFULL && !err.text[0])
		err_set(&err, ret, "the store is full");
	return ret ? context_failure(context, ret, &err) : 0;
}

int identity_remove(struct context *context)
{
	enum identity_method method;
	const char *name;
	unsigned tries = 0;
	int ret;

	if (split_path(context, &method, &name))
		return 0;
	do
		ret = identity_delete(context_store(context), method, name);
	while (broker_again(context->broker, ret, context->request->raw->deadline, &tries));
	if (!ret)
		shared_wake_revoker(broker_shared(context->broker));
	return ret;
}

/* ---- Logging in ---- */

static int choose_ttl(struct context *context, const struct caller *identity, int64_t *ttl_out,
		      struct err *err)
{
	const struct conf *conf = broker_conf(context->broker);
	const struct ttl_terms terms = {
		.role_ttl = identity->ttl ? identity->ttl : IDENTITY_LOGIN_TTL,
		.mount_default = conf->default_lease_ttl,
		.mount_max = conf->max_lease_ttl,
		.explicit_max = identity->explicit_max,
	};

	return ttl_grant(&terms, ttl_out, NULL, 0, err);
}

static int log_in(struct context *context, const struct caller *identity)
{
	struct token_terms terms = { .path = IDENTITY_PATH,
				     .explicit_max = identity->explicit_max,
				     .renewable = true };
	struct token_made made = { .token = NULL };
	struct caller caller = *identity;
	struct err err = { "" };
	int ret = choose_ttl(context, identity, &terms.ttl, &err);

	if (!ret)
		ret = identity_log_in(context_store(context), identity, &terms, &made);
	if (ret == LH_ECONFLICT) /* its entry was deleted at this moment */
		return outcome_error(&context->outcome, 403, "permission denied");
	if (ret == LH_ERANGE)
		return outcome_error(&context->outcome, 400,
				     "the token's policies and metadata are too long");
	if (ret)
		return context_failure(context, ret, &err);
	log_info("api: logged in for %lld s", (long long)terms.ttl);
	caller.type = TOKEN_SERVICE;
	caller.accessor = made.accessor;
	caller.renewable = true;
	outcome_auth(&context->outcome, token_auth(&caller, made.token, terms.ttl));
	context->made = true;
	memcpy(context->made_name, made.name, sizeof(context->made_name));
	token_made_clear(&made);
	return 0;
}

/* Where a token comes along it decides alone, and no token may log in for somebody. */
int identity_login(struct context *context)
{
	if (context->caller->type == TOKEN_IDENTITY)
		return log_in(context, context->caller);
	log_warn("identity: a login is refused: a token came along, which decides alone");
	return outcome_error(&context->outcome, 403, "permission denied");
}
