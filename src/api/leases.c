/* SPDX-License-Identifier: Apache-2.0 */
/* sys/leases: one lease, or all under a prefix. */
#include <stdlib.h>
#include <string.h>

#include "api/context.h"
#include "api/reach.h"
#include "auth/token.h"
#include "store/store.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/json.h"
#include "util/shared.h"
#include "util/wipe.h"

#define FAILED_ENTRY "failed to revoke entry: resp: (*logical.Response)(nil) err"

/* ---- What is shown ---- */

static int set_time(json_t *data, const char *name, int64_t ns)
{
	char text[40];

	clock_format_ns(ns, text);
	return json_object_set_new(data, name, ns ? json_string(text) : json_null());
}

static json_t *show_lease(const struct lease *lease)
{
	int64_t left_ns = lease->expires_ns - clock_now_ns();
	size_t path_size;
	const char *path = lease_path(lease, &path_size);
	json_t *data;

	data = json_pack("{s:s, s:s%, s:b, s:I}", "id", lease->id, "path", path, path_size,
			 "renewable", lease->renewable && lease->state != LEASE_REVOKING, "ttl",
			 (json_int_t)((left_ns + NS_PER_SECOND / 2) / NS_PER_SECOND));
	if (set_time(data, "issue_time", lease->issued_ns) ||
	    set_time(data, "expire_time", lease->expires_ns) ||
	    set_time(data, "last_renewal", lease->renewed_ns) ||
	    (lease->tries &&
	     json_object_set_new(data, "revoke_error", json_string(lease->error)))) {
		json_decref(data);
		return NULL;
	}
	return data;
}

/* ---- Which lease is meant, and whose it is ---- */

/* The lease's id from the path or the body; NULL: the refusal is in the outcome. */
static const char *meant_lease(struct context *context)
{
	const char *sent = json_get_text(context->fields, "lease_id");
	const char *captured = context->match->capture;

	if (!sent[0] && !captured[0])
		outcome_error(&context->outcome, 400, "lease_id must be specified");
	else if (sent[0] && captured[0] && strcmp(sent, captured) != 0)
		outcome_error(&context->outcome, 400,
			      "lease_id in the body and in the path differ");
	else
		return sent[0] ? sent : captured;
	return NULL;
}

/* A grant on the path form is a grant on that very lease; the body form reaches what api/reach.h
 * says. */
static int check_owner(struct context *context, const char *id, bool *reaches_out)
{
	struct store *store = context_store(context);
	struct caller owner = { .accessor = NULL };
	struct lease *lease;
	int ret;

	*reaches_out = true;
	if (context->match->capture[0])
		return 0;
	ret = lease_get(store, id, &lease);
	if (!ret) {
		ret = token_find_name(store, lease->owner.name, &owner);
		lease_free(lease);
	}
	if (!ret || ret == LH_ENOENT)
		ret = reach_owned(context, ret ? NULL : &owner, id, reaches_out);
	caller_clear(&owner);
	return ret;
}

/* The lease that is meant and may be reached, in *id_out; NULL there: the refusal is said. */
static int reach_lease(struct context *context, const char **id_out)
{
	const char *id = meant_lease(context);
	bool reaches = false;
	int ret = 0;

	*id_out = NULL;
	if (id)
		ret = check_owner(context, id, &reaches);
	if (id && !ret && !reaches)
		outcome_error(&context->outcome, 403, OUTCOME_DENIED);
	if (!ret && reaches)
		*id_out = id;
	return ret;
}

int leases_lookup(struct context *context)
{
	struct lease *lease = NULL;
	const char *id;
	int ret;

	ret = reach_lease(context, &id);
	if (ret || !id)
		return ret;
	ret = lease_get(context_store(context), id, &lease);
	if (ret && ret != LH_ENOENT)
		return ret;
	if (ret || !lease_visible(lease))
		outcome_error(&context->outcome, 400, "invalid lease");
	else
		outcome_data(&context->outcome, show_lease(lease));
	lease_free(lease);
	return 0;
}

/* ---- Renew ---- */

int leases_renew(struct context *context)
{
	struct outcome *outcome = &context->outcome;
	struct renew_reply reply;
	struct err err = { "" };
	const char *id;
	int ret;

	ret = reach_lease(context, &id);
	if (ret || !id)
		return ret;
	ret = broker_renew(context->broker, id, json_get_int(context->fields, "increment", 0),
			   &reply, &err);
	if (ret)
		return context_failure(context, ret, &err);
	outcome->lease_id = wipe_copy(id, strlen(id));
	outcome->failed |= !outcome->lease_id;
	outcome->renewable = true;
	outcome->lease_duration = reply.ttl;
	for (size_t i = 0; i < reply.warnings.count; i++)
		outcome_warn(outcome, "%s", reply.warnings.text[i]);
	return outcome_no_data(outcome, 0);
}

/* ---- Revoke ---- */

static enum revoke_mode wanted_mode(const struct context *context)
{
	const json_t *sync = json_object_get(context->fields, "sync");

	return sync && !json_is_true(sync) ? REVOKE_ASYNC : REVOKE_SYNC;
}

/* 204 when it is done, 202 when it is only begun. */
static int say_revoked(struct context *context, enum revoke_mode mode)
{
	return mode == REVOKE_ASYNC ? outcome_status(&context->outcome, 202) : 0;
}

static int revoke_one(struct context *context, const char *id, enum revoke_mode mode)
{
	struct err err = { "" };
	int ret;

	ret = broker_revoke(context->broker, id, mode, context->request->raw->deadline, &err);
	if (ret == LH_ECLOUD && mode == REVOKE_FORCE)
		ret = 0;
	if (ret == LH_ECLOUD)
		err_prefix(&err, ret, FAILED_ENTRY);
	return ret ? context_failure(context, ret, &err) : say_revoked(context, mode);
}

int leases_revoke(struct context *context)
{
	const char *id;
	int ret;

	ret = reach_lease(context, &id);
	return ret || !id ? ret : revoke_one(context, id, wanted_mode(context));
}

/* Whether the text is not a prefix but names one lease. */
static int is_lease(struct context *context, const char *text, bool *is_lease_out)
{
	struct lease *lease;
	int ret;

	ret = lease_get(context_store(context), text, &lease);
	*is_lease_out = !ret && lease_visible(lease);
	if (!ret)
		lease_free(lease);
	return ret == LH_ENOENT ? 0 : ret;
}

static int revoke_under(struct context *context, enum revoke_mode mode)
{
	const char *text = context->match->capture;
	struct buf prefix = BUF_INIT;
	struct err err = { "" };
	bool one;
	int ret;

	ret = is_lease(context, text, &one);
	if (ret)
		return ret;
	if (one)
		return revoke_one(context, text, mode);
	buf_printf(&prefix, "%s/", text);
	ret = buf_error(&prefix);
	if (!ret)
		ret = broker_revoke_prefix(context->broker, buf_text(&prefix), mode,
					   context->request->raw->deadline, &err);
	buf_free(&prefix);
	if (ret == LH_ECLOUD && mode == REVOKE_FORCE)
		ret = 0;
	return ret ? context_failure(context, ret, &err) : say_revoked(context, mode);
}

int leases_revoke_prefix(struct context *context)
{
	return revoke_under(context, wanted_mode(context));
}

/* Always waits, whatever `sync` says: who forgets leases wants to know when they are forgotten. */
int leases_revoke_force(struct context *context)
{
	return revoke_under(context, REVOKE_FORCE);
}

/* The revoker tidies all the time; asked, it looks at everything at once. */
int leases_tidy(struct context *context)
{
	shared_wake_revoker(broker_shared(context->broker));
	outcome_warn(&context->outcome,
		     "Tidy operation successfully started. Any information from the operation "
		     "will be printed to the server's log.");
	return outcome_no_data(&context->outcome, 202);
}
