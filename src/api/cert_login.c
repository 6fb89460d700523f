/* SPDX-License-Identifier: Apache-2.0 */
/* auth/cert/login: a token for who has shown a certificate, to the web server and through it to us. */
#include "api/cert_login.h"

#include <string.h>

#include "api/assertion.h"
#include "api/context.h"
#include "api/token.h"
#include "api/wrapping.h"
#include "auth/cert_entry.h"
#include "auth/token.h"
#include "conf/conf.h"
#include "crypto/certificate.h"
#include "lease/ttl.h"
#include "store/store.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/json.h"
#include "util/log.h"
#include "util/text.h"
#include "util/wipe.h"

#define NO_CERTIFICATE "client certificate must be supplied"

/* ---- Which certificate ---- */

/* *fault_out: why there is none, literal; NULL: there is one, new. 0, LH_ENOMEM. */
static int read_certificate(const struct api_request *raw, struct certificate **certificate_out,
			    const char **fault_out)
{
	struct buf pem = BUF_INIT;
	int ret;

	*certificate_out = NULL;
	*fault_out = "no certificate came along";
	if (!raw->tls_cert[0])
		return 0;
	ret = text_percent_decode(&pem, raw->tls_cert, strlen(raw->tls_cert));
	if (!ret)
		ret = certificate_read(buf_text(&pem), pem.size, certificate_out);
	buf_free(&pem);
	if (ret == LH_ENOMEM)
		return ret;
	*fault_out = ret ? "what came along is no certificate, or too long a one" : NULL;
	return 0;
}

static const char *peer_fault(const struct context *context)
{
	return assertion_peer_fault(context->request->raw,
				    keyring_web_secret(store_keyring(context_store(context))));
}

/* ---- Which entry ---- */

/* A login on its way. */
struct login {
	struct context *context;
	struct certificate *certificate;
	const char *fault; /* why the last entry did not let it in; literal */
	json_t *entry;     /* that does; NULL: none yet */
	char name[API_PATH_MAX + 2];
};

static int try_entry(struct login *login, const char *name)
{
	json_t *entry;
	int ret = cert_entry_get(context_store(login->context), name, &entry, NULL);

	if (ret)
		return ret == LH_ENOENT ? 0 : ret;
	ret = cert_entry_judge(entry, login->certificate, login->context->vouched, clock_now(),
			       &login->fault);
	if (ret || login->fault) {
		json_decref(entry);
		return ret;
	}
	login->entry = entry;
	err_text(login->name, sizeof(login->name), "%s", name);
	return 0;
}

static int add_name(void *names, const char *name)
{
	return json_array_append_new(names, json_string(name)) ? LH_ENOMEM : 0;
}

static int try_names(struct login *login, const json_t *names)
{
	const json_t *name;
	int ret = 0;
	size_t i;

	if (json_array_size(names) > CERT_CANDIDATES_MAX) {
		login->fault = "too many entries have its authority: log in with a name";
		return 0;
	}
	json_array_foreach(names, i, name)
	{
		if (ret || login->entry)
			break;
		ret = try_entry(login, json_string_value(name));
	}
	return ret;
}

static int try_mark(struct login *login, const struct certificate_mark *mark)
{
	json_t *names = json_array();
	int ret = LH_ENOMEM;

	if (names)
		ret = cert_entry_candidates(context_store(login->context), mark,
					    CERT_CANDIDATES_MAX + 1, add_name, names);
	if (!ret)
		ret = try_names(login, names);
	json_decref(names);
	return ret;
}

/* As in all bodies, a name may be written in capitals. What is too long to be one is of no entry. */
static int try_named(struct login *login, const char *name)
{
	char lower[129];
	size_t i;

	if (strlen(name) >= sizeof(lower))
		return 0;
	for (i = 0; name[i]; i++)
		lower[i] = text_lower(name[i]);
	lower[i] = '\0';
	return try_entry(login, lower);
}

/* Those that mean the very certificate come first. */
static int find_entry(struct login *login)
{
	const char *name = json_get_text(login->context->fields, "name");
	struct certificate_mark itself, signer;
	int ret;

	login->fault = name[0] ? "there is no entry of this name" : "no entry has its authority";
	if (name[0])
		return try_named(login, name);
	ret = certificate_marks(login->certificate, &itself, &signer);
	if (!ret)
		ret = try_mark(login, &itself);
	if (!ret && !login->entry)
		ret = try_mark(login, &signer);
	return ret;
}

/* ---- Which token ---- */

/* A token on its way; what it holds is what the terms borrow. */
struct giving {
	struct buf display_name;
	struct caller root; /* of the entry */
	unsigned char identity[KEYRING_NAME_SIZE];
	json_t *policies, *metadata;
	struct token_terms terms;
};

static void giving_clear(struct giving *giving)
{
	buf_free(&giving->display_name);
	json_decref(giving->policies);
	json_decref(giving->metadata);
}

static json_t *policies_of(const json_t *entry)
{
	return policies_clean(json_object_get(entry, "token_policies"),
			      !json_get_true(entry, "token_no_default_policy"));
}

static json_t *describe(const struct login *login)
{
	const struct certificate *certificate = login->certificate;
	json_t *names = certificate_names(certificate, CERTIFICATE_COMMON_NAME);
	const char *common = json_string_value(json_array_get(names, 0));
	struct buf serial = BUF_INIT, subject = BUF_INIT, authority = BUF_INIT;
	json_t *metadata = NULL;

	certificate_add_serial(certificate, &serial);
	certificate_add_subject_key(certificate, &subject);
	certificate_add_authority_key(certificate, &authority);
	if (names && !buf_error(&serial) && !buf_error(&subject) && !buf_error(&authority))
		metadata = json_pack("{s:s, s:s, s:s, s:s, s:s}", "cert_name", login->name,
				     "common_name", common ? common : "", "serial_number",
				     buf_text(&serial), "subject_key_id", buf_text(&subject),
				     "authority_key_id", buf_text(&authority));
	buf_free(&authority);
	buf_free(&subject);
	buf_free(&serial);
	json_decref(names);
	return metadata;
}

static void set_limits(struct context *context, const json_t *entry, struct ttl_terms *terms)
{
	const struct conf *conf = broker_conf(context->broker);

	terms->role_ttl = json_get_int(entry, "token_ttl", 0);
	terms->role_max = json_get_int(entry, "token_max_ttl", 0);
	terms->explicit_max = json_get_int(entry, "token_explicit_max_ttl", 0);
	terms->period = json_get_int(entry, "token_period", 0);
	terms->mount_default = conf->default_lease_ttl;
	terms->mount_max = conf->max_lease_ttl;
}

static int choose_life(const struct login *login, struct token_terms *terms, struct err *err)
{
	const char *type = json_get_text(login->entry, "token_type");
	struct ttl_terms limits = { 0 };
	char warning[256];
	int ret;

	set_limits(login->context, login->entry, &limits);
	terms->type = strstr(type, "batch") ? TOKEN_BATCH : TOKEN_SERVICE;
	terms->renewable = terms->type == TOKEN_SERVICE;
	if (terms->type == TOKEN_SERVICE) {
		terms->explicit_max = limits.explicit_max;
		terms->period = limits.period;
		terms->num_uses = json_get_int(login->entry, "token_num_uses", 0);
	}
	ret = ttl_grant(&limits, &terms->ttl, warning, sizeof(warning), err);
	if (!ret && warning[0])
		outcome_warn(&login->context->outcome, "%s", warning);
	return ret == LH_ERANGE ? LH_EINVAL : ret;
}

static int choose(const struct login *login, struct giving *giving, struct err *err)
{
	const json_t *cidrs = json_object_get(login->entry, "token_bound_cidrs");
	struct token_terms *terms = &giving->terms;

	giving->policies = policies_of(login->entry);
	giving->metadata = describe(login);
	buf_add_text(&giving->display_name, "cert-");
	token_add_display_name(&giving->display_name, json_get_text(login->entry, "display_name"));
	if (!giving->policies || !giving->metadata || buf_error(&giving->display_name))
		return LH_ENOMEM;
	terms->parent = &giving->root;
	terms->path = CERT_PATH;
	terms->display_name = buf_text(&giving->display_name);
	terms->policies = giving->policies;
	terms->metadata = giving->metadata;
	terms->identity = giving->identity;
	terms->bound_cidrs = json_array_size(cidrs) ? cidrs : NULL;
	return choose_life(login, terms, err);
}

/* ---- The whole ---- */

static int deny(struct context *context, const char *reason)
{
	log_warn("cert: a login is refused: %s", reason);
	return outcome_error(&context->outcome, 403, "permission denied");
}

static int refuse(struct login *login)
{
	const char *name = json_get_text(login->context->fields, "name");

	log_warn("cert: a login%s%.128s is refused: %s", name[0] ? " as " : "", name, login->fault);
	if (!login->context->request->raw->tls_cert[0])
		return outcome_error(&login->context->outcome, 400, NO_CERTIFICATE);
	return outcome_error(&login->context->outcome, 403, "permission denied");
}

/* What stands between an accepted certificate and its token. */
static const char *find_hindrance(const struct login *login, const struct giving *giving)
{
	const struct caller caller = { .bound_cidrs = json_object_get(login->entry,
								      "token_bound_cidrs") };

	if (!token_allows_address(&caller, login->context->request->raw->remote_address))
		return "token_bound_cidrs do not hold its address";
	if (!json_array_size(giving->policies))
		return "its entry has no policies";
	return NULL;
}

static int explain(struct context *context, int ret, struct err *err)
{
	switch (ret) {
	case LH_ECONFLICT: return deny(context, "its entry was deleted at this moment");
	case LH_ERANGE:
		return outcome_error(&context->outcome, 400,
				     "the token's policies and metadata are too long");
	case LH_EFULL: err_set(err, ret, "the store is full"); break;
	default: break;
	}
	return context_failure(context, ret, err);
}

static void say(struct context *context, const struct giving *giving, const struct token_made *made)
{
	struct caller caller = {
		.type = giving->terms.type,
		.accessor = (char *)(uintptr_t)made->accessor,
		.policies = giving->policies,
		.metadata = giving->metadata,
		.ancestor_count = 1,
		.renewable = giving->terms.renewable,
		.num_uses = giving->terms.num_uses,
	};

	log_info("cert: %s logged in by entry %s for %lld s",
		 json_get_text(giving->metadata, "common_name"),
		 json_get_text(giving->metadata, "cert_name"), (long long)giving->terms.ttl);
	outcome_auth(&context->outcome, token_auth(&caller, made->token, giving->terms.ttl));
	context->made = giving->terms.type == TOKEN_SERVICE;
	memcpy(context->made_name, made->name, sizeof(context->made_name));
}

static int make(struct login *login, struct giving *giving)
{
	struct context *context = login->context;
	struct token_made made = { .token = NULL };
	struct err err = { "" };
	const char *hindrance;
	int ret = choose(login, giving, &err);

	if (ret)
		return explain(context, ret, &err);
	hindrance = find_hindrance(login, giving);
	if (hindrance)
		return deny(context, hindrance);
	ret = token_create(context_store(context), &giving->terms, &made);
	if (ret)
		return explain(context, ret, &err);
	say(context, giving, &made);
	token_made_clear(&made);
	return 0;
}

/* Nobody has asked yet who could have a wrapper: it is made for the entry, and stands in its share. */
static int make_wrapped(struct login *login, struct giving *giving)
{
	struct context *context = login->context;
	const struct caller *nobody = context->caller;
	struct caller entry = giving->root;
	char name[] = "cert";
	int ret;

	entry.display_name = name;
	context->caller = &entry;
	ret = wrapping_check_room(context);
	if (!ret)
		ret = make(login, giving);
	if (!ret)
		ret = wrapping_finish(context);
	context->caller = nobody;
	return ret == LH_EINVAL ? 0 : ret; /* there is no room, and that was said */
}

static int give(struct login *login)
{
	struct giving giving = { .display_name = BUF_INIT, .root = { .type = TOKEN_SERVICE } };
	int ret = cert_entry_owner(context_store(login->context), login->entry, login->certificate,
				   giving.identity, giving.root.token);

	if (!ret)
		ret = login->context->request->wrap_ttl > 0 ? make_wrapped(login, &giving)
							    : make(login, &giving);
	giving_clear(&giving);
	return ret;
}

/* A token that comes along is not looked at, as with Vault: who logs in may have an old one. */
int cert_log_in(struct context *context)
{
	struct login login = { .context = context };
	const char *fault = peer_fault(context);
	int ret;

	if (fault)
		return deny(context, fault);
	ret = read_certificate(context->request->raw, &login.certificate, &login.fault);
	if (!ret && login.certificate)
		ret = find_entry(&login);
	if (!ret)
		ret = login.entry ? give(&login) : refuse(&login);
	json_decref(login.entry);
	certificate_free(login.certificate);
	return ret;
}

/* ---- Renewing ---- */

bool cert_login_made(const struct caller *token)
{
	return token->identified && !strcmp(token->path, CERT_PATH);
}

static int get_entry(struct context *context, const struct caller *token, json_t **entry_out)
{
	return cert_entry_get(context_store(context), json_get_text(token->metadata, "cert_name"),
			      entry_out, NULL);
}

/* *fault_out: why the certificate does not renew the token. */
static int compare(struct context *context, const struct caller *token,
		   const struct certificate *certificate, const char **fault_out)
{
	unsigned char identity[KEYRING_NAME_SIZE], root[KEYRING_NAME_SIZE];
	json_t *entry;
	int ret = get_entry(context, token, &entry);

	*fault_out = "its entry is gone";
	if (ret)
		return ret == LH_ENOENT ? 0 : ret;
	ret = cert_entry_judge(entry, certificate, context->vouched, clock_now(), fault_out);
	if (!ret)
		ret = cert_entry_owner(context_store(context), entry, certificate, identity, root);
	if (!ret && !*fault_out && !wipe_equal(identity, token->identity, sizeof(identity)))
		*fault_out = "the certificate is not for the key that logged in";
	json_decref(entry);
	return ret;
}

int cert_login_renews(struct context *context, const struct caller *token)
{
	const char *fault = peer_fault(context);
	struct certificate *certificate = NULL;
	int ret = 0;

	if (!fault)
		ret = read_certificate(context->request->raw, &certificate, &fault);
	if (!ret && certificate)
		ret = compare(context, token, certificate, &fault);
	certificate_free(certificate);
	if (ret || !fault)
		return ret;
	log_warn("cert: a token is not renewed: %s", fault);
	return LH_EPERM;
}

int cert_login_limits(struct context *context, const struct caller *token, struct ttl_terms *terms,
		      struct err *err)
{
	int64_t promised = token->explicit_max;
	json_t *entry, *policies;
	int ret = get_entry(context, token, &entry);

	if (ret == LH_ENOENT)
		return err_set(err, LH_EINVAL, "the entry of auth/cert is gone, not renewing");
	if (ret)
		return ret;
	set_limits(context, entry, terms);
	/* What lookups show holds, whatever the entry says now. */
	if (promised && (!terms->explicit_max || promised < terms->explicit_max))
		terms->explicit_max = promised;
	policies = policies_of(entry);
	if (!policies)
		ret = LH_ENOMEM;
	else if (!json_equal(policies, token->policies))
		ret = err_set(err, LH_EINVAL, "policies have changed, not renewing");
	json_decref(policies);
	json_decref(entry);
	return ret;
}
