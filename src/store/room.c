/* SPDX-License-Identifier: Apache-2.0 */
#include "store/room.h"

#define RESERVE_MIN 32   /* pages: some deletions in a row */
#define RESERVE_MAX 4096 /* pages: some batches of the largest size */

static size_t reserve_of(size_t limit)
{
	size_t reserve = limit / 32;

	if (reserve < RESERVE_MIN)
		return RESERVE_MIN;
	return reserve < RESERVE_MAX ? reserve : RESERVE_MAX;
}

/* At most: for each change a way through the tree and a split, and what a large value needs for
 * itself. */
static size_t pages_of(const struct driver_op *op, const struct room *room)
{
	if (op->kind == STORE_EXPECT)
		return 0;
	if (op->kind == STORE_DELETE)
		return room->depth + 2;
	return room->depth + 2 + op->value.size / room->page_size + 1;
}

size_t room_pages(const struct room *room, const struct driver_op *ops, size_t count)
{
	size_t pages = 0;

	for (size_t i = 0; i < count; i++)
		pages += pages_of(&ops[i], room);
	return pages;
}

size_t room_missing(const struct room *room, size_t pages)
{
	size_t needed = room->used + reserve_of(room->limit) + pages;

	return needed > room->limit ? needed - room->limit : 0;
}
