/* SPDX-License-Identifier: Apache-2.0 */
/* What the revoker does with dead tokens: it takes trees of them away, leaf by leaf.
 *
 * The index e/TIME/TOKEN names every token that ends at its time, and a revoked one at time 0. An
 * entry is an intention, not a position: whoever is killed in between starts over, and what is done
 * already costs a look. Only one process does all this. */
#ifndef AUTH_TREE_H
#define AUTH_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/keyring.h"

struct store;
struct store_batch;

struct token_name {
	unsigned char name[KEYRING_NAME_SIZE];
};

struct token_due {
	int64_t time; /* seconds since 1970; 0: revoked */
	struct token_name token;
};

/* At most max entries due by now, oldest first, into out. 0, LH_ECORRUPT or LH_EIO. */
int token_due_scan(struct store *store, int64_t now, struct token_due *out, size_t max,
		   size_t *count_out);

/* Writes the tombstones of those that are due but not dead yet, in one commit or, where somebody
 * renews one of them meanwhile, each in its own; entries that mean nothing any more go. At most
 * TOKEN_DUES of them. 0, or what stands in the way. */
#define TOKEN_DUES 32
int token_bury_due(struct store *store, const struct token_due *dues, size_t count);

/* How a token died; TOKEN_ALIVE: it has no tombstone of its own. */
enum token_death { TOKEN_ALIVE, TOKEN_DEAD_TREE, TOKEN_DEAD_ALONE };
int token_death(struct store *store, const struct token_name *token, enum token_death *death_out);

/* At most max children into out, the first ones. */
int token_children(struct store *store, const struct token_name *token, struct token_name *out,
		   size_t max, size_t *count_out);

/* Makes orphans of children of a token that died alone, in one commit; the batch tokens among them,
 * which die all the same, stay and are given in left (room for all of them). At most TOKEN_ORPHANS. */
#define TOKEN_ORPHANS 32
int token_cut(struct store *store, const struct token_name *parent,
	      const struct token_name *children, size_t count, struct token_name *left,
	      size_t *left_out);

/* Adds to a batch that a token goes which owns nothing any more: record, indexes and tombstone, at
 * most TOKEN_FORGET_OPS operations. It was found below `parent`, or by the entry `due`; the other is
 * NULL. Another entry that it may have is then one that means nothing. 0, LH_EIO, LH_ENOMEM. */
#define TOKEN_FORGET_OPS 7
int token_forget(struct store *store, struct store_batch *batch, const struct token_name *token,
		 const struct token_name *parent, const struct token_due *due);

#endif
