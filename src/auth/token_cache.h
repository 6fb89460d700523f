/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens as this process has looked them up: one cache lives in each process that answers requests.
 *
 * What is kept of a token is its record, read and taken apart, under its keyed name. At each use the
 * store is asked for revisions and tombstones of the token and of its ancestors, which opens nothing:
 * whatever was changed, used, renewed or revoked since is read anew. Counted tokens and batch tokens
 * are never kept, nor are large ones. */
#ifndef AUTH_TOKEN_CACHE_H
#define AUTH_TOKEN_CACHE_H

struct caller;
struct store;
struct token_cache;

/* store: borrowed, outlives it. 0 or LH_ENOMEM. */
int token_cache_new(struct store *store, struct token_cache **cache_out);
void token_cache_free(struct token_cache *cache);

/* As auth_lookup. What the caller holds is its own, but for lists and objects, which are shared: they
 * are not to be changed. */
int token_cache_lookup(struct token_cache *cache, const char *token, struct caller *caller_out);

#endif
