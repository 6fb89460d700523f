/* SPDX-License-Identifier: Apache-2.0 */
/* What every handler receives: one request, its caller, and the place for what there is to say. */
#ifndef API_CONTEXT_H
#define API_CONTEXT_H

#include <jansson.h>
#include <stdbool.h>

#include "api/reply.h"
#include "api/request.h"
#include "api/route.h"
#include "auth/auth.h"
#include "auth/identity.h"
#include "broker/broker.h"

struct err;
struct identities;
struct policies;
struct vouched;

struct context {
	/* Borrowed. */
	struct broker *broker;
	struct policies *policies;
	struct identities *identities;
	struct vouched *vouched;
	const struct request *request;
	const struct route_match *match; /* match->capture: the captured part of the path */
	const json_t *fields;            /* what was sent and is known, coerced */
	const struct caller *caller;     /* zeroed on open routes */
	const char *wrapping_token;      /* that the request is about; NULL: it is about none */

	struct outcome outcome;
	/* The identity that asks or whose token it is, "cert/svc-one", for the log; "": none. */
	char identity[IDENTITY_NAME_MAX + 16];

	bool served; /* as an identity, without a token */
	bool issued; /* set by the handler: broker_delivered must be told how the reply fares */
	bool made;   /* set by the handler: the reply gives a new token, that of the name */
	unsigned char made_name[KEYRING_NAME_SIZE];
};

/* The store that everything of a request lies in. Borrowed. */
static inline struct store *context_store(const struct context *context)
{
	return broker_store(context->broker);
}

/* For handlers whose callee failed with a code and a sentence: LH_EINVAL, LH_EEXIST and LH_ENOENT
 * are the client's to mend (400), LH_ECLOUD too; LH_ETIMEOUT is 504, LH_EFULL 507, LH_ECONFLICT 409.
 * Anything else is returned, to be told as "internal error". */
int context_failure(struct context *context, int code, const struct err *err);

/* Whether nobody has to be known for the request: then there is no caller. */
bool context_is_open(const struct context *context);

/* On an open route, the bearer of the token that came along, who may use it from where they are, or
 * without a token the identity: *known_out is false, and there is nobody to release, if there is
 * neither. Nor does a counted token say who asks: no use of it is taken here. Release with
 * caller_clear. 0, LH_ECORRUPT, LH_EIO, LH_ENOMEM. */
int context_bearer(struct context *context, struct caller *caller_out, bool *known_out);

/* ---- Handlers, one file per resource ---- */

/* health.c */
int health_read(struct context *context);
int seal_status_read(struct context *context);
int init_read(struct context *context);
int init_write(struct context *context);
int leader_read(struct context *context);

/* metrics.c */
int metrics_read(struct context *context);

/* token.c */
int token_lookup(struct context *context);
int token_lookup_self(struct context *context);
int token_lookup_accessor(struct context *context);
int token_accessors(struct context *context);
int token_tidy(struct context *context);

/* token_create.c */
int token_create_child(struct context *context);
int token_create_orphan(struct context *context);

/* token_renew.c */
int token_renew_given(struct context *context);
int token_renew_self(struct context *context);
int token_renew_accessor(struct context *context);

/* token_revoke.c */
int token_revoke_given(struct context *context);
int token_revoke_self(struct context *context);
int token_revoke_orphan(struct context *context);
int token_revoke_accessor(struct context *context);

/* token_roles.c */
int token_roles_list(struct context *context);
int token_role_read(struct context *context);
int token_role_exists(struct context *context, bool *exists_out);
int token_role_write(struct context *context);
int token_role_remove(struct context *context);

/* mounts.c */
int mounts_list(struct context *context);
int mounts_read(struct context *context);
int mounts_enable(struct context *context);
int mounts_disable(struct context *context);

/* tune.c */
int tune_read(struct context *context);
int tune_write(struct context *context);

/* ui.c */
int ui_mounts_list(struct context *context);
int ui_mounts_read(struct context *context);
int auth_mounts_list(struct context *context);

/* policies.c */
int policy_list(struct context *context);
int policy_read(struct context *context);
int policy_write(struct context *context);
int policy_delete(struct context *context);
int old_policy_list(struct context *context);
int old_policy_read(struct context *context);

/* capabilities.c */
int capabilities_self(struct context *context);
int capabilities_of_token(struct context *context);
int capabilities_of_accessor(struct context *context);
int resultant_acl(struct context *context);

/* cubbyhole.c */
int cubbyhole_read(struct context *context);
int cubbyhole_exists(struct context *context, bool *exists_out);
int cubbyhole_names(struct context *context);
int cubbyhole_write(struct context *context);
int cubbyhole_remove(struct context *context);

/* wrapping.c */
int wrapping_wrap(struct context *context);
int wrapping_unwrap(struct context *context);
int wrapping_rewrap(struct context *context);
int wrapping_lookup(struct context *context);

/* identities.c */
int identity_names(struct context *context);
int identity_read(struct context *context);
int identity_exists(struct context *context, bool *exists_out);
int identity_write(struct context *context);
int identity_remove(struct context *context);
int identity_login(struct context *context);

/* cert_entries.c */
int cert_entries_list(struct context *context);
int cert_entry_read(struct context *context);
int cert_entry_exists(struct context *context, bool *exists_out);
int cert_entry_write(struct context *context);
int cert_entry_remove(struct context *context);

/* cert_login.c */
int cert_log_in(struct context *context);

/* leases.c */
int leases_lookup(struct context *context);
int leases_renew(struct context *context);
int leases_revoke(struct context *context);
int leases_revoke_prefix(struct context *context);
int leases_revoke_force(struct context *context);
int leases_tidy(struct context *context);

/* lease_lists.c */
int leases_list(struct context *context);
int leases_count(struct context *context);
int leases_irrevocable(struct context *context);

/* engine.c */
int config_read(struct context *context);
int config_write(struct context *context);
int config_delete(struct context *context);
int roles_list(struct context *context);
int role_read(struct context *context);
int config_exists(struct context *context, bool *exists_out);
int role_exists(struct context *context, bool *exists_out);
int role_write(struct context *context);
int role_delete(struct context *context);
int creds_read(struct context *context);

#endif
