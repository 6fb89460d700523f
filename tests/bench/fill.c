/* SPDX-License-Identifier: Apache-2.0 */
/* Fills a store with copies of one lease, under ids of their own, due in 30 days or in so many seconds.
 *
 *   fill STORE MAP-BYTES KEY-FILE LEASE-ID COUNT [SECONDS]
 *
 * No server may be running on it. The copies are written as the server itself writes a lease, record
 * and indexes together; each thousand of them is due a second later than the one before. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"
#include "lease/lease.h"
#include "store/store.h"
#include "util/clock.h"
#include "util/err.h"

#define DAYS       30    /* until the first is due */
#define RANDOM     24    /* characters of a lease id behind its path */
#define CHUNK      65536 /* leases that are sorted together: they then change neighbouring pages */
#define PER_SECOND 1000
#define NS         INT64_C(1000000000)

struct copy {
	struct lease_key key;
	char random[RANDOM + 1];
};

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct lease_key));
}

static char *make_id(const struct lease *model, const char *random)
{
	size_t size;
	const char *path = lease_path(model, &size);
	char *id = malloc(size + 1 + RANDOM + 1);

	if (id)
		snprintf(id, size + 1 + RANDOM + 1, "%.*s/%s", (int)size, path, random);
	return id;
}

static int draw(const struct store *store, const struct lease *model, struct copy *copies,
		size_t count)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < count; i++) {
		char *id;

		random_base62(copies[i].random, RANDOM);
		id = make_id(model, copies[i].random);
		ret = id ? lease_key(store, id, &copies[i].key) : LH_ENOMEM;
		free(id);
	}
	qsort(copies, count, sizeof(*copies), compare);
	return ret;
}

static int add(struct store *store, struct store_batch *batch, const struct lease *model,
	       const struct copy *copy, int64_t due)
{
	struct lease lease = *model;
	int ret;

	lease.id = make_id(model, copy->random);
	lease.due = due;
	lease.expires_ns = due * NS;
	lease.revision = 0;
	ret = lease.id ? lease_change(store, batch, NULL, &lease) : LH_ENOMEM;
	free(lease.id);
	return ret;
}

static int flush(struct store *store, struct store_batch *batch)
{
	int ret = store_apply(store, STORE_NORMAL, batch, NULL);

	store_batch_free(batch);
	return ret;
}

/* Writes copies[0..count), of which `before` were written before. */
static int write_copies(struct store *store, const struct lease *model, const struct copy *copies,
			size_t count, int64_t first, size_t before)
{
	struct store_batch batch = { 0 };
	int ret = 0;

	for (size_t i = 0; !ret && i < count; i++) {
		ret = add(store, &batch, model, &copies[i],
			  first + (int64_t)((before + i) / PER_SECOND));
		if (!ret && batch.count + LEASE_BATCH_OPS > STORE_BATCH_MAX)
			ret = flush(store, &batch);
	}
	if (!ret && batch.count)
		ret = flush(store, &batch);
	store_batch_free(&batch);
	return ret;
}

static int fill(struct store *store, const struct lease *model, size_t count, int64_t first)
{
	struct copy *copies = calloc(CHUNK, sizeof(*copies));
	int ret = copies ? 0 : LH_ENOMEM;

	for (size_t done = 0; !ret && done < count;) {
		size_t chunk = count - done < CHUNK ? count - done : CHUNK;

		ret = draw(store, model, copies, chunk);
		if (!ret)
			ret = write_copies(store, model, copies, chunk, first, done);
		done += chunk;
		fprintf(stderr, "\rfill: %zu of %zu leases", done, count);
	}
	fputc('\n', stderr);
	free(copies);
	return ret;
}

int main(int argc, char **argv)
{
	struct store_options options = { .driver = &store_lmdb };
	struct store *store = NULL;
	struct lease *model = NULL;
	struct err err = { "" };
	int64_t first;
	int ret;

	if (argc != 6 && argc != 7) {
		fprintf(stderr, "usage: fill STORE MAP-BYTES KEY-FILE LEASE-ID COUNT [SECONDS]\n");
		return 2;
	}
	first = clock_now() + (argc > 6 ? strtoll(argv[6], NULL, 10) : DAYS * 86400);
	options.path = argv[1];
	options.map_size = strtoull(argv[2], NULL, 10);
	options.key_file = argv[3];
	ret = store_open(&options, &store, &err);
	if (!ret) {
		ret = lease_get(store, argv[4], &model);
		if (!ret)
			ret = fill(store, model, strtoull(argv[5], NULL, 10), first);
		if (ret)
			err_set(&err, ret, "%s", err_name(ret));
	}
	if (ret)
		fprintf(stderr, "fill: %s\n", err.text);
	lease_free(model);
	store_close(store);
	return ret ? 1 : 0;
}
