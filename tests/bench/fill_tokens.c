/* SPDX-License-Identifier: Apache-2.0 */
/* Fills a store with tokens that nobody knows, made as the server makes them.
 *
 *   fill_tokens STORE MAP-BYTES KEY-FILE COUNT
 *
 * No server may be running on it. They live for 30 days. */
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "auth/token.h"
#include "store/store.h"
#include "util/err.h"

#define TTL (30 * 86400)

/* As many as one batch has room for. */
static int add_some(struct store *store, const struct token_terms *terms, size_t *left)
{
	struct store_batch batch = { 0 };
	struct token_made made;
	int ret = 0;

	while (!ret && *left && batch.count + TOKEN_ADD_OPS <= STORE_BATCH_MAX) {
		ret = token_add(store, &batch, terms, &made);
		if (!ret)
			token_made_clear(&made);
		(*left)--;
	}
	if (!ret)
		ret = store_apply(store, STORE_NORMAL, &batch, NULL);
	store_batch_free(&batch);
	return ret;
}

static int fill(struct store *store, size_t count)
{
	json_t *policies = json_pack("[s]", "default");
	const struct token_terms terms = {
		.display_name = "token-bench",
		.path = "auth/token/create",
		.policies = policies,
		.ttl = TTL,
		.renewable = true,
	};
	size_t left = count;
	int ret = policies ? 0 : LH_ENOMEM;

	while (!ret && left) {
		ret = add_some(store, &terms, &left);
		if (left % 1024 < 32)
			fprintf(stderr, "\rfill: %zu of %zu tokens", count - left, count);
	}
	fputc('\n', stderr);
	json_decref(policies);
	return ret;
}

int main(int argc, char **argv)
{
	struct store_options options = { .driver = &store_lmdb };
	struct store *store = NULL;
	struct err err = { "" };
	int ret;

	if (argc != 5) {
		fprintf(stderr, "usage: fill_tokens STORE MAP-BYTES KEY-FILE COUNT\n");
		return 2;
	}
	options.path = argv[1];
	options.map_size = strtoull(argv[2], NULL, 10);
	options.key_file = argv[3];
	ret = store_open(&options, &store, &err);
	if (!ret) {
		ret = fill(store, strtoull(argv[4], NULL, 10));
		if (ret)
			err_set(&err, ret, "%s", err_name(ret));
	}
	if (ret)
		fprintf(stderr, "fill_tokens: %s\n", err.text);
	store_close(store);
	return ret ? 1 : 0;
}
