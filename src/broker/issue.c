/* SPDX-License-Identifier: Apache-2.0 */
/* Issuing: plan, durable record, rounds of calls, durable record, reply, durable record.
 *
 * The record that names everything is committed before the first call. What fails after that, in any
 * way, is one and the same: a lease that must be revoked. */
#include <stdlib.h>
#include <string.h>

#include "auth/token.h"
#include "broker/broker_priv.h"
#include "broker/failure.h"
#include "crypto/crypto.h"
#include "lease/ttl.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/json.h"
#include "util/log.h"
#include "util/shared.h"
#include "util/wipe.h"

#define PLANS_MAX    3  /* new plans after a name was found taken */
#define LEASE_RANDOM 24 /* characters of a lease id that nobody guesses */

#define CALL_ATTEMPTS 3

/* One issue under way. */
struct issue {
	struct broker *broker;
	const struct issue_request *request;
	struct issue_reply *reply;
	struct err *err;
	struct root root;
	json_t *plan;
	bool lasting;
	struct lease *lease; /* as recorded last, without its revision */
	struct lease_key key;

	/* What the conversation ended with. */
	bool ended;
	enum verdict verdict;
	bool unsure;
	json_t *data, *facts;
	json_t *role; /* with what the cloud told about it; NULL: as it was */
	int64_t expires_at;
};

void issue_reply_clear(struct issue_reply *reply)
{
	wipe_free(reply->lease_id);
	json_decref(reply->data);
	memset(reply, 0, sizeof(*reply));
}

static int fail(struct issue *issue, int ret, enum broker_failure failure)
{
	issue->reply->failure = failure;
	return ret;
}

static bool client_gone(const struct issue *issue)
{
	return issue->request->gone && issue->request->gone(issue->request->context);
}

/* ---- Root credentials ---- */

static int get_root(struct issue *issue)
{
	const struct mount *mount = issue->request->mount;
	struct answer answer;
	int ret = root_wait(issue->broker, mount->uuid, mount->engine, issue->request->deadline,
			    &issue->root, &answer, issue->err);

	if (ret == LH_ETIMEOUT)
		return fail(issue, ret, FAILURE_SLOW);
	if (ret == LH_EINVAL)
		return fail(issue, ret, FAILURE_INPUT);
	if (ret == LH_ECLOUD)
		return fail(issue, ret, failure_of(&answer));
	return ret ? fail(issue, err_set(issue->err, ret, "root credentials: %s", err_name(ret)),
			  FAILURE_INTERNAL)
		   : 0;
}

/* ---- The lease ---- */

static int make_plan(struct issue *issue)
{
	const struct issue_request *request = issue->request;
	char random[33];
	struct plan_request plan = {
		.role_name = request->role_name,
		.display_name = request->caller->display_name,
		.role = request->role,
		.fields = request->fields,
		.random = random,
	};
	int ret;

	json_decref(issue->plan);
	issue->plan = NULL;
	random_hex(random, 16);
	ret = request->mount->engine->plan(&plan, &issue->plan, &issue->lasting, issue->err);
	return ret ? fail(issue, ret, FAILURE_INPUT) : 0;
}

static char *make_id(const char *path)
{
	char random[LEASE_RANDOM + 1];
	struct buf id = BUF_INIT;
	char *text;

	random_base62(random, LEASE_RANDOM);
	buf_printf(&id, "%s/%s", path, random);
	text = buf_take(&id);
	buf_free(&id);
	return text;
}

static int make_lease(struct issue *issue)
{
	const struct issue_request *request = issue->request;
	const struct engine *engine = request->mount->engine;
	struct lease *lease = calloc(1, sizeof(*lease));

	lease_free(issue->lease);
	issue->lease = lease;
	if (!lease)
		return LH_ENOMEM;
	lease->state = LEASE_PENDING;
	lease->lasting = issue->lasting;
	lease->renewable = engine->renewable(issue->plan);
	memcpy(lease->mount, request->mount->uuid, sizeof(lease->mount));
	memcpy(lease->owner.name, request->caller->token, sizeof(lease->owner.name));
	lease->issued_ns = clock_now_ns();
	lease->due = orphan_time(issue->request->deadline);
	lease->id = make_id(request->path);
	lease->plan = json_text(issue->plan);
	if (!lease->id || !lease->plan || lease_set(&lease->engine, engine->type) ||
	    lease_set(&lease->role, request->role_name) ||
	    lease_set(&lease->account, issue->root.account) || lease_set(&lease->facts, "") ||
	    lease_set(&lease->error, ""))
		return LH_ENOMEM;
	return lease_key(issue->broker->options.store, lease->id, &issue->key);
}

static int store_failure(struct issue *issue, int ret)
{
	const struct mount *mount = issue->request->mount;

	switch (ret) {
	case LH_ECONFLICT:
		err_set(issue->err, ret, "%s or the caller's token was revoked meanwhile",
			mount->path);
		return fail(issue, ret, FAILURE_INPUT);
	case LH_EFULL:
		err_set(issue->err, ret,
			"store: the lease cannot be recorded: map or disk is more than 90 %% full; "
			"make room or raise storage.map_size and restart");
		return fail(issue, ret, FAILURE_FULL);
	default:
		err_set(issue->err, ret, "store: the lease cannot be recorded: %s", err_name(ret));
		return fail(issue, ret, FAILURE_INTERNAL);
	}
}

/* Commits while the caller lives: as the orphan that it may have become since it was looked up, where
 * an ancestor was revoked alone. */
static int change_owned(struct issue *issue, enum store_urgency urgency, const struct lease *old,
			const struct lease *new)
{
	struct broker *broker = issue->broker;
	const struct caller *caller = issue->request->caller;
	struct caller fresh;
	int ret = change_lease(broker, urgency, old, new, caller);

	if (ret != LH_ECONFLICT || token_find_name(broker->options.store, caller->token, &fresh))
		return ret;
	if (fresh.ancestor_count < caller->ancestor_count)
		ret = change_lease(broker, urgency, old, new, &fresh);
	caller_clear(&fresh);
	return ret;
}

/* tx 1: before any call, everything that may come to be is written down. */
static int record_intent(struct issue *issue)
{
	struct slot *slot = issue->broker->options.slot;
	int ret;

	slot_hold(slot, issue->key.name, SLOT_PENDING);
	ret = change_owned(issue, STORE_NORMAL, NULL, issue->lease);
	if (!ret)
		return 0;
	slot_phase_set(slot, SLOT_FREE);
	return store_failure(issue, ret);
}

/* Gives the lease to the revoker. When not even that can be written, the lease is still due at its
 * deadline: nothing is lost, it only takes longer. */
static void abandon(struct issue *issue)
{
	struct broker *broker = issue->broker;
	int64_t unsure = issue->unsure ? unsure_until(broker, issue->lease) : 0;
	int ret = mark_revoking(broker, &issue->key, unsure, false);

	if (ret)
		log_warn("issue: %s cannot be given back now (%s); it is taken back after its "
			 "deadline",
			 issue->lease->plan, err_name(ret));
	slot_phase_set(broker->options.slot, SLOT_FREE);
	shared_wake_revoker(broker->options.shared);
}

/* ---- The conversation ---- */

static enum verdict advance(void *context, struct step *step)
{
	const struct issue *issue = context;

	return issue->request->mount->engine->issue(step);
}

static void explain(struct issue *issue, const struct talk_end *end)
{
	const struct engine *engine = issue->request->mount->engine;
	const struct answer *culprit = end->step->culprit;
	struct issue_reply *reply = issue->reply;

	if (culprit) {
		failure_text(issue->err->text, sizeof(issue->err->text), engine, culprit,
			     issue->root.key.id);
		reply->failure = failure_of(culprit);
		reply->retry_after = (culprit->retry_after_ms + 999) / 1000;
	} else {
		err_set(issue->err, 0, "%s: %s", engine->type, end->step->reason);
		reply->failure = end->step->mistake ? FAILURE_INPUT : FAILURE_UNREACHABLE;
	}
	/* What the cloud did is the reason, also when it took until the deadline. */
	if (end->slow && reply->failure == FAILURE_UNREACHABLE &&
	    (!culprit || culprit->kind == ANSWER_UNSENT))
		reply->failure = FAILURE_SLOW;
}

static void done(void *context, const struct talk_end *end)
{
	struct issue *issue = context;

	issue->ended = true;
	issue->verdict = end->verdict;
	issue->unsure = end->unsure;
	if (end->verdict == STEP_FAILED)
		explain(issue, end);
	if (end->verdict != STEP_DONE)
		return;
	issue->data = json_incref(end->step->data);
	issue->facts = json_incref(end->step->facts_out);
	issue->role = json_incref(end->step->role_out);
	issue->expires_at = end->step->expires_at;
}

static int talk(struct issue *issue)
{
	struct broker *broker = issue->broker;
	const struct mount *mount = issue->request->mount;
	struct talk_terms terms = {
		.engine = mount->engine,
		.conf = conf_engine(broker->options.conf, mount->engine->type),
		.key = &issue->root.key,
		.role = issue->request->role,
		.plan = issue->plan,
		.account = issue->root.account,
		.use = BUCKET_ISSUE,
		.deadline = issue->request->deadline,
		.attempts = CALL_ATTEMPTS,
		.advance = advance,
		.done = done,
		.context = issue,
	};
	int ret;

	issue->ended = issue->unsure = false;
	ret = talk_start(broker->talker, &terms);
	while (!ret && !issue->ended) {
		slot_beat(broker->options.slot);
		ret = talker_run(broker->talker, 1000, NULL, 0);
		if (ret) {
			/* Nobody hears the answer of what is under way. */
			talk_drop(broker->talker, issue);
			issue->unsure = true;
		}
	}
	if (!ret)
		return 0;
	issue->verdict = STEP_FAILED;
	err_set(issue->err, ret, "%s: %s", mount->engine->type, err_name(ret));
	return fail(issue, ret, FAILURE_INTERNAL);
}

/* ---- The outcome ---- */

static int grant_ttl(struct issue *issue, struct lease *lease)
{
	const struct issue_request *request = issue->request;
	int64_t now_ns = clock_now_ns();
	struct ttl_terms terms = {
		.mount_default = mount_default_ttl(issue->broker, request->mount),
		.mount_max = mount_max_ttl(issue->broker, request->mount),
		.start = now_ns / NS_PER_SECOND,
		.now = now_ns / NS_PER_SECOND,
	};
	char warning[256];
	int ret;

	request->mount->engine->role_ttl(request->role, &terms.role_ttl, &terms.role_max);
	if (issue->expires_at) {
		/* The cloud has decided; the lease may only be shorter. */
		terms.role_max = 0;
		terms.role_ttl = issue->expires_at - terms.now;
		terms.role_ttl = terms.role_ttl > 0 ? terms.role_ttl : 1;
	}
	cap_by_owner(&terms, request->caller);
	ret = ttl_grant(&terms, &lease->ttl, warning, sizeof(warning), issue->err);
	if (ret)
		return ret;
	if (warning[0])
		warnings_add(&issue->reply->warnings, "%s", warning);
	lease->issued_ns = now_ns;
	lease->expires_ns = now_ns + lease->ttl * NS_PER_SECOND;
	return 0;
}

static int set_facts(struct issue *issue, struct lease *lease)
{
	char *facts = issue->facts ? json_text(issue->facts) : wipe_copy("", 0);

	if (!facts)
		return LH_ENOMEM;
	wipe_free(lease->facts);
	lease->facts = facts;
	return 0;
}

static int fill_reply(struct issue *issue, const struct lease *lease)
{
	struct issue_reply *reply = issue->reply;

	reply->lease_id = wipe_copy(lease->id, strlen(lease->id));
	reply->data = json_incref(issue->data);
	reply->ttl = lease->ttl;
	reply->renewable = lease->renewable;
	return reply->lease_id ? 0 : LH_ENOMEM;
}

/* tx 2: what was made, under the condition that nobody has begun to take it back. */
static int record_issued(struct issue *issue)
{
	struct broker *broker = issue->broker;
	struct lease *old = NULL, *new = NULL;
	int ret;

	ret = lease_get_key(broker->options.store, &issue->key, &old);
	if (!ret && old->state != LEASE_PENDING)
		ret = LH_ECONFLICT;
	if (!ret && !(new = lease_copy(old)))
		ret = LH_ENOMEM;
	if (ret)
		goto cleanup;
	new->state = LEASE_ISSUED;
	new->due = orphan_time(issue->request->deadline);
	if (issue->unsure)
		new->unsure_until = unsure_until(broker, new);
	ret = set_facts(issue, new);
	if (!ret)
		ret = grant_ttl(issue, new);
	if (!ret)
		ret = change_owned(issue, STORE_REVOKE, old, new);
	if (!ret)
		ret = fill_reply(issue, new);
	if (!ret)
		slot_phase_set(broker->options.slot, SLOT_ISSUED);
cleanup:
	lease_free(new);
	lease_free(old);
	return ret == LH_ENOENT ? LH_ECONFLICT : ret;
}

/* A session has nothing to be taken back: one record, before the reply. */
static int record_session(struct issue *issue)
{
	struct lease *lease = issue->lease;
	int ret;

	lease->state = LEASE_ACTIVE;
	ret = set_facts(issue, lease);
	if (!ret)
		ret = grant_ttl(issue, lease);
	if (ret)
		return ret;
	lease->due = lease->expires_ns / NS_PER_SECOND + 1;
	ret = change_owned(issue, STORE_NORMAL, NULL, lease);
	return ret ? ret : fill_reply(issue, lease);
}

static int finish(struct issue *issue)
{
	struct in_hand *in_hand = &issue->broker->in_hand;
	int ret = issue->lasting ? record_issued(issue) : record_session(issue);

	if (ret) {
		issue_reply_clear(issue->reply);
		store_failure(issue, ret);
		if (issue->lasting)
			abandon(issue);
		return ret;
	}
	*in_hand = (struct in_hand){ .held = true };
	in_hand->lasting = issue->lasting;
	in_hand->lease = issue->key;
	slot_count(issue->broker->options.slot, COUNT_ISSUED);
	return 0;
}

/* A memory of the cloud's answers, so that the next issue need not ask: whoever writes the role
 * meanwhile is right. */
static void remember_role(struct issue *issue)
{
	const struct issue_request *request = issue->request;

	if (issue->role)
		mount_role_put(issue->broker, request->mount, request->role_name, issue->role,
			       request->role_revision, NULL);
}

/* One plan from its choice to its end. LH_EEXIST: a name was taken, the plan is given up. */
static int try_plan(struct issue *issue)
{
	int ret = make_plan(issue);

	if (!ret)
		ret = make_lease(issue);
	if (ret)
		return ret == LH_EINVAL ? ret : store_failure(issue, ret);
	if (client_gone(issue)) {
		err_set(issue->err, 0, "the client has left");
		return fail(issue, LH_ETIMEOUT, FAILURE_SLOW);
	}
	if (issue->lasting)
		ret = record_intent(issue);
	if (!ret)
		ret = talk(issue);
	else
		return ret;
	if (!ret && issue->verdict == STEP_DONE)
		return finish(issue);
	if (issue->lasting)
		abandon(issue);
	if (ret)
		return ret;
	return issue->verdict == STEP_TAKEN ? LH_EEXIST : LH_ECLOUD;
}

int broker_issue(struct broker *broker, const struct issue_request *request,
		 struct issue_reply *reply, struct err *err)
{
	struct issue issue = { .broker = broker, .request = request, .reply = reply, .err = err };
	int ret;

	memset(reply, 0, sizeof(*reply));
	ret = get_root(&issue);
	if (ret)
		return ret;
	ret = LH_EEXIST;
	for (int plans = 0; ret == LH_EEXIST && plans < PLANS_MAX; plans++)
		ret = try_plan(&issue);
	if (ret == LH_EEXIST) {
		err_set(err, ret, "%s: every planned name is in use already",
			request->mount->engine->type);
		reply->failure = FAILURE_UNREACHABLE;
	}
	if (!ret)
		remember_role(&issue);
	root_clear(&issue.root);
	json_decref(issue.role);
	json_decref(issue.plan);
	json_decref(issue.data);
	json_decref(issue.facts);
	lease_free(issue.lease);
	return ret;
}
