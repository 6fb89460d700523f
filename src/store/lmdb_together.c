/* SPDX-License-Identifier: Apache-2.0 */
/* The LMDB driver: one commit for the batches of several processes (queue.h).
 *
 * They are judged and written in turn, in one transaction: each sees what those before it changed. One
 * whose conditions do not hold is left out. When anything else fails, all are: each of them tries it
 * alone, and what one batch asks too much of the store costs the others no more than time. */
#include "store/lmdb_priv.h"
#include "store/queue.h"
#include "util/err.h"

struct together {
	struct lmdb *lmdb;
	MDB_txn *txn;
	uint64_t number;  /* of the transaction */
	struct room room; /* before it */
	size_t pages;     /* at most, for batches that make the store grow */
	size_t batches;
};

/* Adds what waits in a place. Not 0: the transaction must be aborted. */
static int add(struct together *all, unsigned place)
{
	struct driver_op ops[QUEUE_OPS_MAX];
	const struct lmdb *lmdb = all->lmdb;
	size_t failed, count = queue_take(lmdb->queue, place, all->number, ops);
	int64_t growth;

	if (count == 0)
		return 0;
	if (lmdb_judge(lmdb, all->txn, ops, count, &failed, &growth)) {
		queue_refuse(lmdb->queue, place, all->number);
		return 0;
	}
	all->batches++;
	if (growth > 0)
		all->pages += room_pages(&all->room, ops, count);
	return lmdb_change(lmdb, all->txn, ops, count);
}

/* The leader's own comes first: nobody keeps it from being committed. */
static int add_all(struct together *all)
{
	unsigned own = all->lmdb->place;
	int ret = add(all, own);

	for (unsigned i = 1; !ret && i < QUEUE_PLACES; i++)
		ret = add(all, (own + i) % QUEUE_PLACES);
	if (!ret && all->pages)
		ret = lmdb_check_room(all->lmdb, &all->room, all->pages);
	return ret;
}

/* Of a transaction that failed, only the next holder of the lock can tell for certain what became of
 * it: the caller leads once more, and thereby settles it. */
static int lead(struct lmdb *lmdb)
{
	struct together all = { .lmdb = lmdb };
	int ret = lmdb_begin_write(lmdb, &all.txn);

	if (ret)
		return ret;
	all.number = mdb_txn_id(all.txn);
	all.room = lmdb_room(lmdb, all.txn);
	ret = add_all(&all);
	if (ret || !all.batches)
		lmdb_abort_write(lmdb, all.txn);
	else if (!lmdb_commit(lmdb, all.txn))
		queue_commit(lmdb->queue, all.number);
	return 0;
}

int lmdb_apply_together(struct lmdb *lmdb, const struct driver_op *ops, size_t count)
{
	int ret = 0;

	if (!queue_put(lmdb->queue, lmdb->place, ops, count))
		return LH_ECONFLICT;
	while (!ret && queue_is_pending(lmdb->queue, lmdb->place)) {
		if (!queue_may_lead(lmdb->queue, lmdb->place))
			continue;
		ret = lead(lmdb);
		queue_lead_end(lmdb->queue);
	}
	if (ret && !queue_give_up(lmdb->queue, lmdb->place) &&
	    queue_is_pending(lmdb->queue, lmdb->place))
		return ret;
	return queue_claim(lmdb->queue, lmdb->place) ? 0 : LH_ECONFLICT;
}
