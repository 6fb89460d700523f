/* SPDX-License-Identifier: Apache-2.0 */
/* How many durable commits a second LMDB itself makes in a folder: one writer, and in each
 * transaction a record of 800 bytes and an index entry of one of 64 leases, as renewals write them:
 * again and again, so that the file stops growing.
 *
 *   commits FOLDER SECONDS       prints the rate
 *
 * The flags are those of the store's driver. What is left in the folder is the caller's to remove. */
#include <errno.h>
#include <lmdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto/crypto.h"

#define MAP_SIZE    ((size_t)4 * 1024 * 1024 * 1024)
#define RECORD_SIZE 800
#define RECORDS     64
#define KEY_SIZE    17 /* a letter and a keyed name */

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int put(MDB_txn *txn, MDB_dbi dbi, char family, const unsigned char *name, void *data,
	       size_t size)
{
	unsigned char bytes[KEY_SIZE];
	MDB_val key = { sizeof(bytes), bytes }, value = { size, data };

	bytes[0] = (unsigned char)family;
	memcpy(bytes + 1, name, KEY_SIZE - 1);
	return mdb_put(txn, dbi, &key, &value, 0);
}

static int commit(MDB_env *env, MDB_dbi dbi, unsigned char name[KEY_SIZE - 1])
{
	unsigned char record[RECORD_SIZE];
	MDB_txn *txn;
	int code;

	random_bytes(record, sizeof(record));
	code = mdb_txn_begin(env, NULL, 0, &txn);
	if (code)
		return code;
	code = put(txn, dbi, 'l', name, record, sizeof(record));
	if (!code)
		code = put(txn, dbi, 'd', name, NULL, 0);
	if (!code)
		return mdb_txn_commit(txn);
	mdb_txn_abort(txn);
	return code;
}

static int open_env(const char *folder, MDB_env **env_out, MDB_dbi *dbi_out)
{
	MDB_txn *txn;
	int code = mdb_env_create(env_out);

	if (!code)
		code = mdb_env_set_mapsize(*env_out, MAP_SIZE);
	if (!code)
		code = mdb_env_open(*env_out, folder, MDB_NOTLS | MDB_NORDAHEAD, 0600);
	if (!code)
		code = mdb_txn_begin(*env_out, NULL, 0, &txn);
	if (code)
		return code;
	code = mdb_dbi_open(txn, NULL, 0, dbi_out);
	if (!code)
		return mdb_txn_commit(txn);
	mdb_txn_abort(txn);
	return code;
}

int main(int argc, char **argv)
{
	double seconds = argc == 3 ? strtod(argv[2], NULL) : 0, start;
	unsigned char names[RECORDS][KEY_SIZE - 1];
	MDB_env *env = NULL;
	uint64_t count = 0;
	MDB_dbi dbi;
	int code;

	if (seconds <= 0) {
		fprintf(stderr, "usage: commits FOLDER SECONDS\n");
		return 2;
	}
	code = open_env(argv[1], &env, &dbi);
	random_bytes(names, sizeof(names));
	start = now();
	while (!code && now() < start + seconds)
		code = commit(env, dbi, names[count++ % RECORDS]);
	if (code)
		fprintf(stderr, "commits: %s: %s\n", argv[1], mdb_strerror(code));
	else
		printf("%.1f\n", (double)count / (now() - start));
	mdb_env_close(env);
	return code ? 1 : 0;
}
