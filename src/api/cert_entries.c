/* SPDX-License-Identifier: Apache-2.0 */
/* auth/cert/certs/: which certificates log in, and what their tokens are to be. */
#include <string.h>

#include "api/context.h"
#include "api/page.h"
#include "api/token.h"
#include "api/token_fields.h"
#include "auth/cert_entry.h"
#include "crypto/certificate.h"
#include "util/err.h"
#include "util/json.h"
#include "util/shared.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* ---- Reading ---- */

int cert_entries_list(struct context *context)
{
	struct page page;
	int ret;

	if (!page_start(context, &page))
		return 0;
	ret = cert_entry_list(context_store(context), page.after, page_ask(&page), page_add, &page);
	return page_end(context, &page, ret);
}

/* Old names are shown only when they were used. */
static void drop_unset(json_t *entry)
{
	static const char *const numbers[] = { "ttl", "max_ttl", "period" };
	static const char *const lists[] = { "policies", "bound_cidrs" };

	for (size_t i = 0; i < LENGTH(numbers); i++)
		if (!json_get_int(entry, numbers[i], 0))
			json_object_del(entry, numbers[i]);
	for (size_t i = 0; i < LENGTH(lists); i++)
		if (!json_array_size(json_object_get(entry, lists[i])))
			json_object_del(entry, lists[i]);
}

int cert_entry_read(struct context *context)
{
	json_t *entry;
	int ret = cert_entry_get(context_store(context), context->match->capture, &entry, NULL);

	if (ret)
		return ret == LH_ENOENT ? 0 : ret;
	json_object_del(entry, "id");
	json_object_del(entry, "marks");
	drop_unset(entry);
	return outcome_data(&context->outcome, entry);
}

int cert_entry_exists(struct context *context, bool *exists_out)
{
	json_t *entry;
	int ret = cert_entry_get(context_store(context), context->match->capture, &entry, NULL);

	*exists_out = !ret;
	if (!ret)
		json_decref(entry);
	return ret == LH_ENOENT ? 0 : ret;
}

/* ---- Writing ---- */

static const char *const plain[] = {
	"certificate",
	"display_name",
	"allowed_names",
	"allowed_common_names",
	"allowed_dns_sans",
	"allowed_email_sans",
	"allowed_uri_sans",
	"allowed_organizational_units",
	"token_explicit_max_ttl",
	"token_num_uses",
	"token_no_default_policy",
};

static const struct token_field_names renamed[] = {
	{ "token_policies", "policies" },       { "token_ttl", "ttl" },
	{ "token_max_ttl", "max_ttl" },         { "token_period", "period" },
	{ "token_bound_cidrs", "bound_cidrs" },
};

static int clean_policies(json_t *entry)
{
	static const char *const lists[] = { "token_policies", "policies" };
	int lost = 0;

	for (size_t i = 0; i < LENGTH(lists); i++)
		lost |= json_object_set_new(
			entry, lists[i], policies_clean(json_object_get(entry, lists[i]), false));
	return lost ? LH_ENOMEM : 0;
}

/* Who writes them believes that they are obeyed. */
static int check_unkept(const json_t *fields, struct err *err)
{
	if (json_array_size(json_object_get(fields, "required_extensions")))
		return err_set(err, LH_EINVAL,
			       "required_extensions: extensions are not looked at; use names");
	if (json_get_true(fields, "ocsp_enabled"))
		return err_set(
			err, LH_EINVAL,
			"ocsp_enabled: revocation is the web server's to check, with ssl_ocsp "
			"or ssl_crl");
	return 0;
}

static int take(struct context *context, json_t *entry, struct err *err)
{
	int ret = check_unkept(context->fields, err);

	if (!ret)
		ret = token_fields_take(context->fields, plain, LENGTH(plain), entry);
	if (!ret)
		ret = token_fields_take_renamed(context, renamed, LENGTH(renamed), entry);
	if (!ret)
		ret = token_fields_take_type(context->fields, "default", entry, err);
	if (!ret)
		ret = clean_policies(entry);
	if (!ret && !json_get_text(entry, "display_name")[0] &&
	    json_object_set_new(entry, "display_name", json_string(context->match->capture)))
		ret = LH_ENOMEM;
	return ret;
}

#define NO_BATCH "'token_type' cannot be 'batch' or 'default_batch' when set to generate "

static int check_batch(const json_t *entry, struct err *err)
{
	const char *type = json_get_text(entry, "token_type");

	if (strcmp(type, "batch") != 0 && strcmp(type, "default-batch") != 0)
		return 0;
	if (json_get_int(entry, "token_period", 0))
		return err_set(err, LH_EINVAL, NO_BATCH "periodic tokens");
	if (json_get_int(entry, "token_num_uses", 0))
		return err_set(err, LH_EINVAL, NO_BATCH "tokens with limited use count");
	return 0;
}

static int check(const json_t *entry, struct err *err)
{
	int64_t ttl = json_get_int(entry, "token_ttl", 0);
	int64_t max = json_get_int(entry, "token_max_ttl", 0);
	int ret;

	if (json_get_int(entry, "token_num_uses", 0) < 0)
		return err_set(err, LH_EINVAL, "'token_num_uses' cannot be negative");
	if (max && ttl > max)
		return err_set(err, LH_EINVAL,
			       "'token_ttl' cannot be greater than 'token_max_ttl'");
	ret = token_fields_check_cidrs(entry, "token_bound_cidrs", err);
	if (!ret)
		ret = token_fields_check_policies(json_object_get(entry, "token_policies"),
						  "a certificate", err);
	return ret ? ret : check_batch(entry, err);
}

static int store_checked(struct context *context, json_t *entry, uint64_t revision, struct err *err)
{
	const char *pem = json_get_text(entry, "certificate");
	struct anchors *anchors;
	int ret = anchors_read(pem, strlen(pem), &anchors, err);

	if (ret)
		return ret;
	ret = cert_entry_put(context_store(context), context->match->capture, entry, revision,
			     anchors);
	anchors_free(anchors);
	return ret == LH_ERANGE
		       ? err_set(err, LH_EINVAL, "the entry has more than %d bytes", CERT_ENTRY_MAX)
		       : ret;
}

/* Only what is sent changes. */
static int write_once(struct context *context, struct err *err)
{
	uint64_t revision = 0;
	json_t *entry;
	int ret = cert_entry_get(context_store(context), context->match->capture, &entry,
				 &revision);

	if (ret == LH_ENOENT) {
		entry = cert_entry_new();
		ret = entry ? 0 : LH_ENOMEM;
	}
	if (!ret)
		ret = take(context, entry, err);
	if (!ret)
		ret = check(entry, err);
	if (!ret)
		ret = store_checked(context, entry, revision, err);
	json_decref(entry);
	return ret;
}

int cert_entry_write(struct context *context)
{
	struct err err = { "" };
	unsigned tries = 0;
	int ret;

	do {
		json_decref(context->outcome.warnings);
		context->outcome.warnings = NULL;
		ret = write_once(context, &err);
	} while (broker_again(context->broker, ret, context->request->raw->deadline, &tries));
	if (ret == LH_ECONFLICT)
		err_set(&err, ret, "the entry was changed by others all the time: try again");
	if (ret == LH_EFULL)
		err_set(&err, ret, "the store is full");
	if (ret)
		return context_failure(context, ret, &err);
	return context->outcome.warnings ? outcome_no_data(&context->outcome, 0) : 0;
}

int cert_entry_remove(struct context *context)
{
	unsigned tries = 0;
	int ret;

	do
		ret = cert_entry_delete(context_store(context), context->match->capture);
	while (broker_again(context->broker, ret, context->request->raw->deadline, &tries));
	if (!ret)
		shared_wake_revoker(broker_shared(context->broker));
	return ret;
}
