/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/wrapping.h"

#include <string.h>

#include "broker/broker_priv.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"
#include "util/shared.h"
#include "util/wipe.h"

/* One commit: a wrapper is made, or opened, or both. */
struct change {
	struct broker *broker;
	struct store_batch batch;
	struct wrapper *closed, *opened; /* before and after; NULL: none is opened */
	struct wrapper *made;            /* NULL: none is made */
	struct token_made token;         /* that opens it */
	size_t token_from, token_end;    /* the operations that kill the opened one's token */
	size_t asker_from, asker_end;    /* those that expect who asks alive */
	struct lease_key key;
	struct lease *lease;  /* that waits with the response; NULL: none is left */
	struct lease *waited; /* what becomes of it; NULL: it stays as it is */
	bool holds_token;     /* that was in the opened wrapper, until it has arrived */
};

static struct store *store_of(const struct change *change)
{
	return change->broker->options.store;
}

static void change_clear(struct change *change)
{
	store_batch_free(&change->batch);
	wrapper_free(change->closed);
	wrapper_free(change->opened);
	wrapper_free(change->made);
	token_made_clear(&change->token);
	lease_free(change->lease);
	lease_free(change->waited);
	*change = (struct change){ .broker = change->broker };
}

void wrap_reply_clear(struct wrap_reply *reply)
{
	token_made_clear(&reply->made);
	wipe_free(reply->path);
	wipe_free(reply->accessor);
	memset(reply, 0, sizeof(*reply));
}

/* ---- The lease that waits with the response ---- */

static int find_lease(struct change *change, const unsigned char name[KEYRING_NAME_SIZE])
{
	int ret;

	memcpy(change->key.name, name, sizeof(change->key.name));
	ret = lease_get_key(store_of(change), &change->key, &change->lease);
	return ret == LH_ENOENT ? 0 : ret;
}

/* Adds to the batch that the lease waits on, in this state and until then. */
static int let_wait(struct change *change, enum lease_state state, int64_t due)
{
	change->waited = lease_copy(change->lease);
	if (!change->waited)
		return LH_ENOMEM;
	change->waited->state = state;
	change->waited->due = due;
	return lease_change(store_of(change), &change->batch, change->lease, change->waited);
}

/* Until the wrapper or the lease ends, whichever is first. */
static int let_wait_wrapped(struct change *change)
{
	int64_t end = wrapper_end(change->made),
		expiry = clock_seconds_up(change->lease->expires_ns);

	return let_wait(change, LEASE_WRAPPED, end < expiry ? end : expiry);
}

/* ---- Making a wrapper ---- */

static int add_token(struct change *change, const struct wrap_request *request, int64_t ttl)
{
	json_t *policies = json_pack("[s]", TOKEN_WRAPPING_POLICY);
	struct token_terms terms = {
		.type = TOKEN_SERVICE,
		.display_name = request->caller->display_name,
		.path = request->path,
		.policies = policies,
		.ttl = ttl,
		.explicit_max = ttl,
		.num_uses = 1,
	};
	int ret = LH_ENOMEM;

	if (policies)
		ret = token_add(store_of(change), &change->batch, &terms, &change->token);
	json_decref(policies);
	return ret;
}

static void name_what_waits(struct change *change, const struct wrap_request *request)
{
	struct wrapper *made = change->made;

	if (change->lease) {
		made->has_lease = true;
		memcpy(made->lease, change->key.name, sizeof(made->lease));
	}
	if (request->token) {
		made->has_token = true;
		memcpy(made->token, request->token, sizeof(made->token));
	}
}

/* What a wrapping token has wrapped anew stays in the share of whoever had it wrapped at first: a
 * chain of wrapping tokens, each with a share of its own, would fill the store. Nor may its bearer
 * fill that share. LH_EEXIST: it was wrapped so too often. */
static int choose_maker(struct change *change, const struct caller *caller)
{
	const struct wrapper *closed = change->closed;
	bool stays = caller->wrapping && closed;

	memcpy(change->made->maker, stays ? closed->maker : caller->token, KEYRING_NAME_SIZE);
	change->made->rewraps = stays ? closed->rewraps + 1 : 0;
	return change->made->rewraps > WRAPPER_REWRAPS_MAX ? LH_EEXIST : 0;
}

/* LH_EINVAL: there is no room. */
static int take_room(struct change *change)
{
	bool room;
	int ret = wrapper_take_room(store_of(change), &change->batch, change->made, &room);

	return ret || room ? ret : LH_EINVAL;
}

/* LH_EINVAL: there is no room for it; LH_EEXIST as above. */
static int add_wrapper(struct change *change, const struct wrap_request *request)
{
	int64_t longest = change->broker->options.conf->max_lease_ttl;
	int64_t ttl = request->ttl < longest ? request->ttl : longest;
	struct wrapper *made = wrapper_new();
	int ret;

	change->made = made;
	if (!made)
		return LH_ENOMEM;
	ret = choose_maker(change, request->caller);
	if (!ret)
		ret = add_token(change, request, ttl);
	if (ret)
		return ret;
	memcpy(made->name, change->token.name, sizeof(made->name));
	made->created_ns = change->token.issued_ns;
	made->ttl = ttl;
	name_what_waits(change, request);
	if (wrapper_set(&made->path, request->path) ||
	    wrapper_set(&made->accessor, request->accessor))
		return LH_ENOMEM;
	ret = wrapper_seal(store_of(change), made, change->token.token, request->response,
			   request->size);
	if (!ret)
		ret = take_room(change);
	return ret ? ret : wrapper_change(&change->batch, NULL, made);
}

static int fill_reply(struct change *change, struct wrap_reply *reply)
{
	reply->created_ns = change->made->created_ns;
	reply->ttl = change->made->ttl;
	if (wrapper_set(&reply->path, change->made->path) ||
	    wrapper_set(&reply->accessor, change->made->accessor))
		return LH_ENOMEM;
	reply->made = change->token;
	memset(&change->token, 0, sizeof(change->token));
	return 0;
}

static int no_room(struct err *err)
{
	return err_set(err, LH_EINVAL,
		       "too many wrapped responses: a token may have %d at a time, and %d bytes of "
		       "them; wait until some have ended",
		       WRAPPERS_MAX, WRAPPERS_SIZE_MAX);
}

int broker_wrap_room(struct broker *broker, const struct caller *caller, struct err *err)
{
	bool room;
	int ret = wrapper_has_room(broker->options.store, caller->token, &room);

	if (ret)
		return err_set(err, ret, "wrapping: the store cannot be read: %s", err_name(ret));
	return room ? 0 : no_room(err);
}

/* Nothing is wrapped for a token that was revoked meanwhile. But a wrapping token that has its own
 * response wrapped anew dies of opening it. */
static void expect_asker(struct change *change, const struct caller *caller)
{
	change->asker_from = change->batch.count;
	if (!caller->wrapping)
		token_expect_alive(&change->batch, caller);
	change->asker_end = change->batch.count;
}

/* LH_EPERM: who asks was revoked meanwhile; LH_ENOENT: the token of the opened wrapper was. */
static int commit(struct change *change, enum store_urgency urgency)
{
	size_t failed = 0;
	int ret = store_apply(store_of(change), urgency, &change->batch, &failed);

	if (ret != LH_ECONFLICT)
		return ret;
	if (failed >= change->asker_from && failed < change->asker_end)
		return LH_EPERM;
	return failed >= change->token_from && failed < change->token_end ? LH_ENOENT : ret;
}

/* The lease in hand, if one is, must be as broker_issue left it. */
static int wrap_once(struct change *change, const struct wrap_request *request,
		     struct wrap_reply *reply)
{
	const struct in_hand *in_hand = &change->broker->in_hand;
	bool waits = in_hand->held && in_hand->lasting;
	int ret = 0;

	if (in_hand->held && !in_hand->is_token)
		ret = find_lease(change, in_hand->lease.name);
	if (!ret && waits && (!change->lease || change->lease->state != LEASE_ISSUED))
		ret = LH_ENOENT;
	if (!ret)
		ret = add_wrapper(change, request);
	if (!ret && waits)
		ret = let_wait_wrapped(change);
	if (!ret)
		ret = fill_reply(change, reply);
	if (ret)
		return ret;
	expect_asker(change, request->caller);
	return commit(change, STORE_NORMAL);
}

static int explain(int ret, struct err *err)
{
	switch (ret) {
	case 0: return 0;
	case LH_EINVAL: return no_room(err);
	case LH_ENOENT:
		return err_set(err, LH_ECONFLICT,
			       "the response cannot be wrapped: its lease was revoked meanwhile");
	case LH_ECONFLICT:
		return err_set(err, ret,
			       "the response cannot be wrapped: too many others are wrapped for "
			       "the same token at once; try again");
	case LH_EPERM:
		return err_set(err, LH_ECONFLICT,
			       "the response cannot be wrapped: the token that asks was revoked "
			       "meanwhile");
	case LH_EFULL:
		return err_set(err, ret,
			       "store: the wrapped response cannot be recorded: map or disk is "
			       "more than 90 %% full; make room or raise storage.map_size and "
			       "restart");
	default:
		return err_set(err, ret, "store: the wrapped response cannot be recorded: %s",
			       err_name(ret));
	}
}

int broker_wrap(struct broker *broker, const struct wrap_request *request, struct wrap_reply *reply,
		struct err *err)
{
	struct change change = { .broker = broker };
	unsigned tries = 0;
	int ret;

	memset(reply, 0, sizeof(*reply));
	do {
		wrap_reply_clear(reply);
		change_clear(&change);
		ret = wrap_once(&change, request, reply);
	} while (broker_again(broker, ret, request->deadline, &tries));
	change_clear(&change);
	if (ret)
		wrap_reply_clear(reply);
	return explain(ret, err);
}

/* ---- Opening one ---- */

static const char *or_unknown(const char *address)
{
	return address[0] ? address : "an unknown address";
}

/* Whoever comes too late may be the one for whom it was meant: somebody should look. But whoever has
 * the token may come again and again. */
static void tell_of_second(struct broker *broker, const struct wrapper *wrapper,
			   const struct opening *opening)
{
	char when[40];

	if (!shared_tell(broker->options.shared, wrapper->name, clock_boot_ms()))
		return;
	clock_format_ns(wrapper->opened_ns, when);
	log_warn("wrapping: a response of %s was to be unwrapped again, from %s: it was unwrapped "
		 "at %s from %s",
		 wrapper->path, or_unknown(opening->address), when, or_unknown(wrapper->opened_by));
}

int broker_wrapper_find(struct broker *broker, const struct opening *opening,
			struct wrapper **wrapper_out)
{
	struct store *store = broker->options.store;
	unsigned char name[KEYRING_NAME_SIZE];
	struct wrapper *wrapper;
	int ret;

	*wrapper_out = NULL;
	ret = keyring_name(store_keyring(store), KEYRING_TOKEN, opening->token, name);
	if (!ret)
		ret = wrapper_get(store, name, &wrapper);
	if (ret)
		return ret;
	if (wrapper->opened_ns || clock_now() >= wrapper_end(wrapper)) {
		if (wrapper->opened_ns)
			tell_of_second(broker, wrapper, opening);
		wrapper_free(wrapper);
		return LH_ENOENT;
	}
	*wrapper_out = wrapper;
	return 0;
}

/* Adds to the batch that the wrapper is open and its token dead. */
static int open_wrapper(struct change *change, const struct opening *opening, struct buf *response)
{
	int ret = broker_wrapper_find(change->broker, opening, &change->closed);

	if (!ret)
		ret = wrapper_open(store_of(change), change->closed, opening->token, response);
	if (!ret && !(change->opened = wrapper_copy(change->closed)))
		ret = LH_ENOMEM;
	if (!ret)
		ret = wrapper_mark_opened(change->opened, clock_now_ns(), opening->address);
	if (!ret)
		ret = wrapper_change(&change->batch, change->closed, change->opened);
	if (ret)
		return ret;
	change->token_from = change->batch.count;
	token_revoke_add(&change->batch, change->closed->name, TOKEN_REVOKE_TREE);
	change->token_end = change->batch.count;
	return change->closed->has_lease ? find_lease(change, change->closed->lease) : 0;
}

/* Killed before the commit, the lease waits on in its wrapper; killed after it, before the slot says
 * so, the revoker sees that the lease waits for nobody any more. */
static int commit_opening(struct change *change)
{
	struct slot *slot = change->broker->options.slot;
	int ret;

	if (change->waited)
		slot_hold(slot, change->key.name, SLOT_OPENING);
	ret = commit(change, STORE_REVOKE);
	if (change->waited)
		slot_phase_set(slot, ret ? SLOT_FREE : SLOT_ISSUED);
	if (!ret && change->holds_token)
		slot_hold(slot, change->closed->token, SLOT_TOKEN);
	return ret;
}

/* A token waits to be confirmed as a lease does. A session has nothing to be confirmed, but is
 * given back as well when nobody received it. */
static bool take_in_hand(const struct change *change)
{
	const struct lease *lease = change->lease;
	struct in_hand *in_hand = &change->broker->in_hand;

	if (change->holds_token) {
		*in_hand = (struct in_hand){ .held = true, .is_token = true };
		memcpy(in_hand->token, change->closed->token, sizeof(in_hand->token));
		return true;
	}
	if (!change->waited && (!lease || lease->lasting || lease->state != LEASE_ACTIVE))
		return false;
	*in_hand = (struct in_hand){ .held = true };
	in_hand->lasting = lease->lasting;
	in_hand->lease = change->key;
	return true;
}

static int unwrap_once(struct change *change, const struct opening *opening, struct buf *response)
{
	int ret = open_wrapper(change, opening, response);

	if (!ret && change->lease && change->lease->state == LEASE_WRAPPED)
		ret = let_wait(change, LEASE_ISSUED, orphan_time(opening->deadline));
	if (!ret && change->closed->has_token)
		ret = token_hold(store_of(change), &change->batch, change->closed->token,
				 change->closed->accessor, orphan_time(opening->deadline),
				 &change->holds_token);
	if (ret)
		return ret;
	expect_asker(change, opening->caller);
	return commit_opening(change);
}

int broker_unwrap(struct broker *broker, const struct opening *opening, struct buf *response_out,
		  bool *issued_out)
{
	struct change change = { .broker = broker };
	struct buf response = BUF_INIT;
	unsigned tries = 0;
	int ret;

	*issued_out = false;
	do {
		buf_clear(&response);
		change_clear(&change);
		ret = unwrap_once(&change, opening, &response);
	} while (broker_again(broker, ret, opening->deadline, &tries));
	if (!ret) {
		*issued_out = take_in_hand(&change);
		buf_add(response_out, response.data, response.size);
		ret = buf_error(response_out);
	}
	change_clear(&change);
	buf_free(&response);
	return ret;
}

/* ---- From one wrapper into another ---- */

static int rewrap_once(struct change *change, const struct opening *opening,
		       struct wrap_request *request, int64_t ttl, struct wrap_reply *reply)
{
	struct buf response = BUF_INIT;
	int ret = open_wrapper(change, opening, &response);

	if (ret)
		goto cleanup;
	request->path = change->closed->path;
	request->ttl = ttl ? ttl : change->closed->ttl;
	request->response = response.data;
	request->size = response.size;
	request->accessor = change->closed->accessor;
	request->token = change->closed->has_token ? change->closed->token : NULL;
	ret = add_wrapper(change, request);
	if (!ret && change->lease && change->lease->state == LEASE_WRAPPED)
		ret = let_wait_wrapped(change);
	if (!ret)
		ret = fill_reply(change, reply);
	if (!ret) {
		expect_asker(change, request->caller);
		ret = commit_opening(change);
	}
cleanup:
	buf_free(&response);
	return ret;
}

int broker_rewrap(struct broker *broker, const struct opening *opening, int64_t ttl,
		  struct wrap_reply *reply, bool *issued_out, struct err *err)
{
	struct change change = { .broker = broker };
	struct wrap_request request = { .caller = opening->caller };
	unsigned tries = 0;
	int ret;

	*issued_out = false;
	memset(reply, 0, sizeof(*reply));
	do {
		wrap_reply_clear(reply);
		change_clear(&change);
		ret = rewrap_once(&change, opening, &request, ttl, reply);
	} while (broker_again(broker, ret, opening->deadline, &tries));
	if (ret)
		wrap_reply_clear(reply);
	else
		*issued_out = take_in_hand(&change);
	change_clear(&change);
	if (ret == LH_EEXIST)
		return err_set(err, LH_EINVAL,
			       "the response was wrapped anew by its own wrapping token %d times: "
			       "unwrap it",
			       WRAPPER_REWRAPS_MAX);
	return ret == LH_EINVAL ? no_room(err) : ret;
}
