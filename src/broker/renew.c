/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/broker_priv.h"

#include <string.h>

#include "auth/token.h"
#include "lease/ttl.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/json.h"
#include "util/shared.h"

#define CONFLICTS_MAX 16

/* What stands in the way of a renewal, in the words that clients know. */
static int check_renewable(const struct lease *lease, int64_t now_ns, struct err *err)
{
	if (!lease_visible(lease))
		return err_set(err, LH_ENOENT, "lease not found");
	if (lease->state == LEASE_REVOKING && lease->tries >= LEASE_TRIES_LISTED)
		return err_set(err, LH_EINVAL,
			       "lease is expired and has failed previous revocation attempts");
	if (lease->state == LEASE_REVOKING || now_ns >= lease->expires_ns)
		return err_set(err, LH_EINVAL, "lease expired");
	if (!lease->renewable)
		return err_set(err, LH_EINVAL, "lease is not renewable");
	if (lease->state == LEASE_WRAPPED) /* its end is that of the wrapper */
		return err_set(err, LH_EINVAL,
			       "lease is not renewable before its response was unwrapped");
	return 0;
}

/* The terms of today: role and mount may have changed since the lease was issued. */
static int read_terms(struct broker *broker, const struct lease *lease, struct ttl_terms *terms,
		      struct err *err)
{
	const struct mount *mount;
	json_t *role = NULL;
	int ret;

	ret = mount_find(broker, lease->id, &mount);
	if (!ret && (!mount || memcmp(mount->uuid, lease->mount, sizeof(lease->mount))))
		return err_set(err, LH_ENOENT, "lease not found");
	if (!ret)
		ret = mount_role_get(broker, mount, lease->role, &role, NULL);
	if (ret == LH_ENOENT)
		return err_set(err, LH_EINVAL,
			       "failed to renew entry: resp: (*logical.Response)(nil) err: role %s "
			       "has been deleted so no further renewals are allowed",
			       lease->role);
	if (ret)
		return err_set(err, ret, "the lease's role cannot be read: %s", err_name(ret));
	mount->engine->role_ttl(role, &terms->role_ttl, &terms->role_max);
	json_decref(role);
	if (terms->role_ttl <= 0)
		terms->role_ttl = lease->ttl; /* as Vault does: what was granted last */
	terms->mount_default = mount_default_ttl(broker, mount);
	terms->mount_max = mount_max_ttl(broker, mount);
	return 0;
}

void cap_by_owner(struct ttl_terms *terms, const struct caller *owner)
{
	int64_t most = owner->expires_ns / NS_PER_SECOND - terms->start;

	if (owner->type == TOKEN_BATCH && owner->expires_ns && most < terms->mount_max)
		terms->mount_max = most;
}

static int grant(struct broker *broker, const struct caller *owner, struct lease *lease,
		 int64_t increment, struct renew_reply *reply, struct err *err)
{
	int64_t now_ns = clock_now_ns();
	struct ttl_terms terms = {
		.increment = increment,
		.start = lease->issued_ns / NS_PER_SECOND,
		.now = now_ns / NS_PER_SECOND,
	};
	char warning[256];
	int ret;

	ret = check_renewable(lease, now_ns, err);
	if (!ret)
		ret = read_terms(broker, lease, &terms, err);
	cap_by_owner(&terms, owner);
	if (!ret)
		ret = ttl_grant(&terms, &lease->ttl, warning, sizeof(warning), err);
	if (ret)
		return ret == LH_ERANGE ? LH_EINVAL : ret;
	if (warning[0])
		warnings_add(&reply->warnings, "%s", warning);
	lease->state = LEASE_ACTIVE; /* whoever knows the id has received the reply */
	lease->renewed_ns = now_ns;
	lease->expires_ns = now_ns + lease->ttl * NS_PER_SECOND;
	lease->due = clock_seconds_up(lease->expires_ns);
	reply->ttl = lease->ttl;
	return 0;
}

/* A lease whose owner is dead is as good as revoked, even if nobody has come to it yet. */
static int find_owner(struct broker *broker, const struct lease *lease, struct caller *owner,
		      struct err *err)
{
	int ret = token_find_name(broker->options.store, lease->owner.name, owner);

	if (ret == LH_ENOENT)
		return err_set(err, LH_EINVAL, "lease expired");
	return ret ? err_set(err, ret, "the lease's owner cannot be read: %s", err_name(ret)) : 0;
}

static int renew_once(struct broker *broker, const char *lease_id, int64_t increment,
		      struct renew_reply *reply, struct err *err)
{
	struct caller owner = { .accessor = NULL };
	struct lease *old = NULL, *new = NULL;
	int ret;

	memset(reply, 0, sizeof(*reply));
	ret = lease_get(broker->options.store, lease_id, &old);
	if (ret == LH_ENOENT)
		return err_set(err, ret, "lease not found");
	if (!ret && !(new = lease_copy(old)))
		ret = LH_ENOMEM;
	if (ret)
		err_set(err, ret, "the lease cannot be read: %s", err_name(ret));
	else
		ret = find_owner(broker, old, &owner, err);
	if (!ret)
		ret = grant(broker, &owner, new, increment, reply, err);
	if (!ret) {
		ret = change_lease(broker, STORE_NORMAL, old, new, &owner);
		if (ret)
			err_set(err, ret, "store: the renewal cannot be recorded: %s",
				err_name(ret));
	}
	caller_clear(&owner);
	lease_free(new);
	lease_free(old);
	return ret;
}

int broker_renew(struct broker *broker, const char *lease_id, int64_t increment,
		 struct renew_reply *reply, struct err *err)
{
	int ret = LH_ECONFLICT;

	for (int tries = 0; ret == LH_ECONFLICT && tries < CONFLICTS_MAX; tries++)
		ret = renew_once(broker, lease_id, increment, reply, err);
	if (!ret)
		slot_count(broker->options.slot, COUNT_RENEWED);
	return ret;
}
