/* SPDX-License-Identifier: Apache-2.0 */
/* How much of a copy-on-write map a batch may take.
 *
 * Such a map copies every page that it changes, so even a deletion needs free pages. A batch
 * that makes the store grow must therefore leave a reserve for the deletions that come after it. */
#ifndef STORE_ROOM_H
#define STORE_ROOM_H

#include <stddef.h>

#include "store/driver.h"

struct room {
	size_t limit;     /* pages of the map */
	size_t used;      /* pages before the file's end; free ones among them */
	size_t page_size; /* bytes */
	size_t depth;     /* levels of the tree */
};

/* How many pages a batch takes at most. */
size_t room_pages(const struct room *room, const struct driver_op *ops, size_t count);

/* How many pages must be free inside the file before something that takes so many, and makes the
 * store grow, may be written; 0 while the map behind the file's end has room enough. */
size_t room_missing(const struct room *room, size_t pages);

#endif
