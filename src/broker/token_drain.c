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

#define LEAVES 10 /* tokens that go in one commit */

/* ---- Leases ---- */

static struct marked *marked_of(struct revoker *revoker, const struct lease_key *owner)
{
	for (size_t i = 0; i < MARKED_MAX; i++) {
		struct marked *marked = &revoker->marked[i];

		if (marked->used && !memcmp(marked->owner.name, owner->name, sizeof(owner->name)))
			return marked;
	}
	return NULL;
}

static void remember(struct revoker *revoker, const struct lease_key *owner,
		     const struct lease_key *after)
{
	struct marked *marked = marked_of(revoker, owner);

	if (!marked)
		marked = &revoker->marked[revoker->marked_next++ % MARKED_MAX];
	marked->used = true;
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
		ret = mark_all_revoking(broker, page, count);
	if (ret)
		return ret;
	if (count == LEASES_MARKED) {
		remember(revoker, &owner, &page[count - 1]);
		return LH_EBUSY;
	}
	if (marked)
		marked->used = false;
	return 0;
}

/* ---- Leaves ---- */

/* What else goes with a token, in the same commit. */
static int forget(struct store *store, struct store_batch *batch, const struct token_name *token,
		  const struct token_name *parent, const struct token_due *due)
{
	cubbyhole_forget(batch, token->name);
	return token_forget(store, batch, token, parent, due);
}

/* Tokens without children, at most LEAVES; a root was found by its entry, others below a parent. */
static int take_leaves(struct revoker *revoker, const struct token_name *tokens, size_t count,
		       const struct token_name *parent, const struct token_due *due)
{
	struct store *store = revoker->broker->options.store;
	struct store_batch batch = { 0 };
	int ret = 0;

	for (size_t i = 0; !ret && i < count; i++)
		ret = mark_leases(revoker, &tokens[i]);
	for (size_t i = 0; !ret && i < count; i++)
		ret = forget(store, &batch, &tokens[i], parent, due);
	if (!ret && count)
		ret = store_apply(store, STORE_REVOKE, &batch, NULL);
	store_batch_free(&batch);
	return ret;
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
	return ret ? ret : take_leaves(revoker, left, left_count, parent, NULL);
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
	ret = take_leaves(revoker, children, count, node, NULL);
	return ret ? ret : LH_EBUSY;
}

/* One step in one tree. LH_EBUSY: it has more; 0: it is gone. */
static int drain_tree(struct revoker *revoker, const struct token_due *due)
{
	struct store *store = revoker->broker->options.store;
	struct token_name node = due->token, children[LEAVES];
	size_t count;
	int ret = 0;

	for (int depth = 0; !ret && depth <= TOKEN_ANCESTORS_MAX; depth++) {
		ret = token_children(store, &node, children, LEAVES, &count);
		if (!ret && !count)
			return take_leaves(revoker, &due->token, 1, NULL, due);
		if (!ret)
			ret = step_down(revoker, &node, children, count);
	}
	return ret ? ret : LH_ECORRUPT; /* no tree is that deep */
}

/* LH_EBUSY: there is more. */
static int drain_due(struct revoker *revoker, const struct token_due *due)
{
	enum token_death death;
	int ret;

	slot_beat(revoker->broker->options.slot);
	ret = token_death(revoker->broker->options.store, &due->token, &death);
	if (!ret && death != TOKEN_ALIVE)
		ret = drain_tree(revoker, due);
	if (ret && ret != LH_EBUSY && ret != LH_ECONFLICT)
		log_warn("revoker: what a dead token owned cannot be taken away now: %s",
			 err_name(ret));
	return ret;
}

bool tokens_drain(struct revoker *revoker)
{
	struct store *store = revoker->broker->options.store;
	struct token_due dues[TOKEN_DUES];
	bool more = false, careful = dates_disagree(revoker->broker->options.shared);
	size_t count;
	int ret;

	ret = token_due_scan(store, clock_now(), dues, TOKEN_DUES, &count);
	/* What ends by a clock that is wrong takes all its leases along. */
	if (!ret && count && !careful)
		ret = token_bury_due(store, dues, count);
	if (ret)
		log_warn("revoker: the end of tokens cannot be recorded: %s", err_name(ret));
	for (size_t i = 0; !ret && i < count; i++) {
		int each = drain_due(revoker, &dues[i]);

		more |= (!each && !careful) || each == LH_EBUSY || each == LH_ECONFLICT;
	}
	return more;
}
