/* SPDX-License-Identifier: Apache-2.0 */
/* Taking away what dead tokens owned: leases, cubbyholes, children, at last themselves.
 *
 * A tombstone has made the whole tree useless before any of this begins, so nothing is born to it
 * any more, and order matters only for crashes: a token goes when all that it owned has gone or
 * stands in an index of its own. Each step is one commit; trees take turns. */
#include <string.h>

#include "auth/cubbyhole.h"
#include "auth/tree.h"
#include "broker/revoker_priv.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"
#include "util/shared.h"

#define LEAVES     10    /* tokens that go in one commit */
#define WARN_EVERY 60000 /* ms */

/* ---- Leases ---- */

static struct marked *marked_of(struct revoker *revoker, const struct lease_key *owner)
{
	for (size_t i = 0; i < MARKED_MAX; i++) {
		struct marked *marked = &revoker->marked[i];

		if (marked->seen && !memcmp(marked->owner.name, owner->name, sizeof(owner->name)))
			return marked;
	}
	return NULL;
}

_Static_assert(MARKED_MAX >= TOKEN_DUES * LEAVES,
	       "else what one look comes by pushes itself out, and none of it gets on");

/* An unused one, or that of the token that was not come by for the longest time. */
static struct marked *oldest_marked(struct revoker *revoker)
{
	struct marked *oldest = &revoker->marked[0];

	for (size_t i = 1; i < MARKED_MAX; i++)
		if (revoker->marked[i].seen < oldest->seen)
			oldest = &revoker->marked[i];
	return oldest;
}

static void remember(struct revoker *revoker, const struct lease_key *owner,
		     const struct lease_key *after)
{
	struct marked *marked = marked_of(revoker, owner);

	if (!marked)
		marked = oldest_marked(revoker);
	marked->seen = ++revoker->marked_seen;
	marked->owner = *owner;
	marked->after = *after;
}

/* Gives one page of the token's leases to the revoker's other half. LH_EBUSY: there are more. */
static int mark_leases(struct revoker *revoker, const struct token_name *token)
{
	struct broker *broker = revoker->broker;
	struct lease_key owner, page[LEASES_MARKED];
	struct marked *marked;
	size_t count;
	int ret;

	memcpy(owner.name, token->name, sizeof(owner.name));
	marked = marked_of(revoker, &owner);
	ret = lease_scan_owner(broker->options.store, &owner, marked ? &marked->after : NULL, page,
			       LEASES_MARKED, &count);
	if (!ret)
		ret = mark_all_revoking(broker, page, count, false);
	if (ret)
		return ret;
	if (count == LEASES_MARKED) {
		remember(revoker, &owner, &page[count - 1]);
		return LH_EBUSY;
	}
	if (marked)
		marked->seen = 0;
	return 0;
}

/* ---- Leaves ---- */

/* A token without children; it was found below `parent`, or by its entry `due`. Borrowed. */
struct leaf {
	const struct token_name *token, *parent;
	const struct token_due *due;
};

/* What else goes with a token, in the same commit. */
static int forget(struct store *store, struct store_batch *batch, const struct leaf *leaf)
{
	cubbyhole_forget(batch, leaf->token->name);
	return token_forget(store, batch, leaf->token, leaf->parent, leaf->due);
}

/* Takes those away whose leases are all marked, at most LEAVES. LH_EBUSY or LH_ECONFLICT: not all of
 * them went. */
static int take_leaves(struct revoker *revoker, const struct leaf *leaves, size_t count)
{
	struct store *store = revoker->broker->options.store;
	struct store_batch batch = { 0 };
	int ret = 0, left = 0;

	for (size_t i = 0; !ret && i < count; i++) {
		ret = mark_leases(revoker, leaves[i].token);
		if (!ret)
			ret = forget(store, &batch, &leaves[i]);
		if (ret == LH_EBUSY || ret == LH_ECONFLICT) {
			left = ret;
			ret = 0;
		}
	}
	if (!ret && (batch.count || batch.failed))
		ret = store_apply(store, STORE_REVOKE, &batch, NULL);
	store_batch_free(&batch);
	return ret ? ret : left;
}

static int take_children(struct revoker *revoker, const struct token_name *parent,
			 const struct token_name *children, size_t count)
{
	struct leaf leaves[LEAVES];

	for (size_t i = 0; i < count; i++)
		leaves[i] = (struct leaf){ &children[i], parent, NULL };
	return take_leaves(revoker, leaves, count);
}

/* ---- Trees ---- */

/* Children of a token that died alone are cut off, but for batch tokens. */
static int cut_children(struct revoker *revoker, const struct token_name *parent,
			const struct token_name *children, size_t count)
{
	struct token_name left[LEAVES];
	size_t left_count;
	int ret;

	ret = token_cut(revoker->broker->options.store, parent, children, count, left, &left_count);
	return ret ? ret : take_children(revoker, parent, left, left_count);
}

/* The first of the tokens that has children. *found_out NULL: none has. */
static int find_parent(struct store *store, const struct token_name *tokens, size_t count,
		       const struct token_name **found_out)
{
	struct token_name child;
	size_t children = 0;
	int ret = 0;

	*found_out = NULL;
	for (size_t i = 0; !ret && !*found_out && i < count; i++) {
		ret = token_children(store, &tokens[i], &child, 1, &children);
		if (!ret && children)
			*found_out = &tokens[i];
	}
	return ret;
}

/* One step at a token that has children. 0: *node is now a child that has children itself. */
static int step_down(struct revoker *revoker, struct token_name *node,
		     const struct token_name *children, size_t count)
{
	struct store *store = revoker->broker->options.store;
	const struct token_name *deeper = NULL;
	enum token_death death;
	int ret = token_death(store, node, &death);

	if (!ret && death == TOKEN_DEAD_ALONE) {
		ret = cut_children(revoker, node, children, count);
		return ret ? ret : LH_EBUSY;
	}
	if (!ret)
		ret = find_parent(store, children, count, &deeper);
	if (ret)
		return ret;
	if (deeper) {
		*node = *deeper;
		return 0;
	}
	ret = take_children(revoker, node, children, count);
	return ret ? ret : LH_EBUSY;
}

/* One step in one tree. 0: its root has no children, and nothing was done. */
static int step(struct revoker *revoker, const struct token_name *root)
{
	struct store *store = revoker->broker->options.store;
	struct token_name node = *root, children[LEAVES];
	size_t count;
	int ret = 0;

	for (int depth = 0; !ret && depth <= TOKEN_ANCESTORS_MAX; depth++) {
		ret = token_children(store, &node, children, LEAVES, &count);
		if (!ret && !count && !depth)
			return 0;
		if (!ret)
			ret = step_down(revoker, &node, children, count);
	}
	return ret ? ret : LH_ECORRUPT; /* no tree is that deep */
}

/* ---- All that is due ---- */

/* What one look has found; roots without children go together. */
struct draining {
	struct revoker *revoker;
	struct leaf roots[LEAVES];
	size_t count;
	bool more;
};

/* A failure is tried again in every turn, but not told in every one. */
static void warn(struct revoker *revoker, const char *what, int ret)
{
	int64_t now = clock_boot_ms();

	if (revoker->warned_at && now - revoker->warned_at < WARN_EVERY)
		return;
	revoker->warned_at = now;
	log_warn("revoker: %s now: %s", what, err_name(ret));
}

/* Whether there is more to do at once. */
static void note(struct draining *draining, int ret)
{
	if (ret == LH_EBUSY || ret == LH_ECONFLICT)
		draining->more = true;
	else if (ret)
		warn(draining->revoker, "what a dead token owned cannot be taken away", ret);
}

static void take_roots(struct draining *draining)
{
	if (draining->count)
		note(draining, take_leaves(draining->revoker, draining->roots, draining->count));
	draining->count = 0;
}

static void drain_due(struct draining *draining, const struct token_due *due)
{
	struct revoker *revoker = draining->revoker;
	enum token_death death;
	int ret;

	slot_beat(revoker->broker->options.slot);
	ret = token_death(revoker->broker->options.store, &due->token, &death);
	if (!ret && death == TOKEN_ALIVE)
		return;
	if (!ret)
		ret = step(revoker, &due->token);
	if (ret) {
		note(draining, ret);
		return;
	}
	draining->roots[draining->count++] = (struct leaf){ &due->token, NULL, due };
	if (draining->count == LEAVES)
		take_roots(draining);
}

/* Of an unwrapped token whose reply was sent, only the worker has not come to write that down: it, or
 * the whole machine, was stopped for so long. */
static bool was_delivered(struct revoker *revoker, const struct token_due *due)
{
	const struct broker_options *options = &revoker->broker->options;
	int ret;

	if (!slots_hold(options->shared, due->token.name, SLOT_TOKEN_DELIVERED))
		return false;
	ret = token_release(options->store, due->token.name);
	if (ret)
		warn(revoker, "that an unwrapped token has arrived cannot be recorded", ret);
	return true;
}

/* Leaves out those that are not to end. */
static void keep_delivered(struct revoker *revoker, struct token_due *dues, size_t *count)
{
	size_t kept = 0;

	for (size_t i = 0; i < *count; i++)
		if (!dues[i].time || !was_delivered(revoker, &dues[i]))
			dues[kept++] = dues[i];
	*count = kept;
}

bool tokens_drain(struct revoker *revoker)
{
	struct store *store = revoker->broker->options.store;
	struct draining draining = { .revoker = revoker };
	struct token_due dues[TOKEN_DUES];
	bool careful = dates_disagree(revoker->broker->options.shared);
	size_t found, count;
	int ret;

	ret = token_due_scan(store, clock_now(), dues, TOKEN_DUES, &found);
	count = ret ? 0 : found;
	keep_delivered(revoker, dues, &count);
	/* What ends by a clock that is wrong takes all its leases along. */
	if (!ret && count && !careful)
		ret = token_bury_due(store, dues, count);
	if (ret)
		warn(revoker, "the end of tokens cannot be recorded", ret);
	for (size_t i = 0; !ret && i < count; i++)
		drain_due(&draining, &dues[i]);
	take_roots(&draining);
	return draining.more || (!ret && !careful && found == TOKEN_DUES);
}
