/* SPDX-License-Identifier: Apache-2.0 */
/* A sorted array of records. For tests: nothing survives the process, nothing is shared with
 * another one, and a put costs O(n). All else is as the driver's contract says. */
#include <stdlib.h>
#include <string.h>

#include "store/driver.h"
#include "util/buf.h"
#include "util/err.h"

struct record {
	uint64_t revision;
	size_t key_size, value_size;
	unsigned char bytes[]; /* key, value */
};

struct mem {
	struct mem *next;
	char *path;
	struct record **records;
	size_t count, capacity;
	uint64_t used, limit;
};

/* Stores by name. They must outlive their handles, for else nothing that was created could be
 * opened; a file would be no less global. */
static struct mem *stores;

static struct bytes key_of(const struct record *record)
{
	return (struct bytes){ record->bytes, record->key_size };
}

static struct bytes value_of(const struct record *record)
{
	return (struct bytes){ record->bytes + record->key_size, record->value_size };
}

static uint64_t size_of(const struct record *record)
{
	return sizeof(*record) + record->key_size + record->value_size;
}

static struct mem **find_store(const char *path)
{
	struct mem **link = &stores;

	while (*link && strcmp((*link)->path, path) != 0)
		link = &(*link)->next;
	return link;
}

static struct mem *new_store(const char *path)
{
	struct mem *mem = calloc(1, sizeof(*mem));
	size_t size = strlen(path) + 1;

	if (!mem)
		return NULL;
	mem->path = malloc(size);
	if (!mem->path) {
		free(mem);
		return NULL;
	}
	memcpy(mem->path, path, size);
	mem->next = stores;
	stores = mem;
	return mem;
}

static int mem_open(const char *path, uint64_t limit, int create, void **handle_out,
		    struct err *err)
{
	struct mem *mem = *find_store(path);

	*handle_out = NULL;
	if (create && mem && mem->count)
		return err_set(err, LH_EEXIST, "%s: there already is a store", path);
	if (!create && (!mem || !mem->count))
		return err_set(err, LH_ENOENT, "%s: there is no store", path);
	if (!mem)
		mem = new_store(path);
	if (!mem)
		return err_set(err, LH_ENOMEM, "%s: memory is out", path);
	mem->limit = limit;
	*handle_out = mem;
	return 0;
}

static void mem_close(void *handle)
{
	(void)handle;
}

void store_mem_forget(const char *path)
{
	struct mem **link = find_store(path), *mem = *link;
	size_t i;

	if (!mem)
		return;
	*link = mem->next;
	for (i = 0; i < mem->count; i++)
		free(mem->records[i]);
	free(mem->records);
	free(mem->path);
	free(mem);
}

/* The index of the first record whose key is not below key. */
static size_t lower_bound(const struct mem *mem, struct bytes key)
{
	size_t low = 0, high = mem->count, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (driver_compare(key_of(mem->records[middle]), key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct record *find(const struct mem *mem, struct bytes key, size_t *index_out)
{
	size_t index = lower_bound(mem, key);

	*index_out = index;
	if (index == mem->count || driver_compare(key_of(mem->records[index]), key) != 0)
		return NULL;
	return mem->records[index];
}

static int mem_get(void *handle, struct bytes key, struct buf *out, uint64_t *revision_out)
{
	const struct record *record;
	struct bytes value;
	size_t index;

	*revision_out = 0;
	if (!driver_key_is_valid(key))
		return LH_ERANGE;
	record = find(handle, key, &index);
	if (!record)
		return LH_ENOENT;
	*revision_out = record->revision;
	value = value_of(record);
	if (out)
		buf_add(out, value.data, value.size);
	return out ? buf_error(out) : 0;
}

static int mem_scan(void *handle, struct bytes from, struct bytes end, struct bytes after,
		    size_t max, driver_visit visit, void *context)
{
	const struct mem *mem = handle;
	const struct record *record;
	size_t index;
	int ret = 0;

	if (!driver_range_is_valid(from, end, after))
		return LH_ERANGE;
	if (!after.size || driver_compare(after, from) < 0)
		index = lower_bound(mem, from);
	else if (find(mem, after, &index))
		index++;
	for (; !ret && max > 0 && index < mem->count; index++, max--) {
		record = mem->records[index];
		if (end.size && driver_compare(key_of(record), end) >= 0)
			break;
		ret = visit(context, key_of(record), value_of(record), record->revision);
	}
	return ret;
}

static int judge(const struct mem *mem, const struct driver_op *ops, size_t count,
		 size_t *failed_out)
{
	const struct record *record;
	uint64_t after = mem->used;
	size_t i, index;

	for (i = 0; i < count; i++) {
		record = find(mem, ops[i].key, &index);
		if (!driver_holds(&ops[i], record, record ? record->revision : 0)) {
			*failed_out = i;
			return LH_ECONFLICT;
		}
		if (ops[i].kind == STORE_PUT)
			after += sizeof(*record) + ops[i].key.size + ops[i].value.size;
		if (ops[i].kind != STORE_EXPECT && record)
			after -= size_of(record) < after ? size_of(record) : after;
	}
	return after > mem->used && after > mem->limit ? LH_EFULL : 0;
}

static struct record *new_record(const struct driver_op *op)
{
	struct record *record = malloc(sizeof(*record) + op->key.size + op->value.size);

	if (!record)
		return NULL;
	record->revision = op->revision;
	record->key_size = op->key.size;
	record->value_size = op->value.size;
	memcpy(record->bytes, op->key.data, op->key.size);
	if (op->value.size)
		memcpy(record->bytes + op->key.size, op->value.data, op->value.size);
	return record;
}

/* Gets all the memory that the batch needs, so that nothing can fail once it changes the store. */
static int prepare(struct mem *mem, const struct driver_op *ops, size_t count, struct record **new)
{
	size_t capacity = 2 * (mem->count + count), i;
	struct record **records;

	if (mem->count + count > mem->capacity) {
		records = realloc(mem->records, capacity * sizeof(struct record *));
		if (!records)
			return LH_ENOMEM;
		mem->records = records;
		mem->capacity = capacity;
	}
	for (i = 0; i < count; i++) {
		if (ops[i].kind == STORE_PUT) {
			new[i] = new_record(&ops[i]);
			if (!new[i])
				return LH_ENOMEM;
		}
	}
	return 0;
}

/* Puts record in the key's place; NULL takes away what is there. */
static void place(struct mem *mem, struct bytes key, struct record *record)
{
	size_t index, behind;
	struct record *old = find(mem, key, &index), **at = mem->records + index;

	behind = (mem->count - index) * sizeof(struct record *);
	if (old)
		mem->used -= size_of(old);
	if (record)
		mem->used += size_of(record);
	if (record && old) {
		*at = record;
	} else if (record) {
		memmove(at + 1, at, behind);
		*at = record;
		mem->count++;
	} else if (old) {
		memmove(at, at + 1, behind - sizeof(struct record *));
		mem->count--;
	}
	free(old);
}

static int mem_apply(void *handle, const struct driver_op *ops, size_t count, size_t *failed_out)
{
	struct record *new[STORE_BATCH_MAX] = { NULL };
	struct mem *mem = handle;
	size_t i;
	int ret;

	*failed_out = 0;
	ret = driver_check_batch(ops, count);
	if (!ret)
		ret = judge(mem, ops, count, failed_out);
	if (!ret)
		ret = prepare(mem, ops, count, new);
	for (i = 0; !ret && i < count; i++) {
		if (ops[i].kind != STORE_EXPECT)
			place(mem, ops[i].key, new[i]);
		new[i] = NULL;
	}
	for (i = 0; ret && i < count && i < STORE_BATCH_MAX; i++)
		free(new[i]);
	return ret;
}

static int mem_usage(void *handle, struct driver_usage *usage_out)
{
	const struct mem *mem = handle;

	*usage_out = (struct driver_usage){
		.used_bytes = mem->used,
		.limit_bytes = mem->limit,
		.disk_free = UINT64_MAX,
		.records = mem->count,
	};
	return 0;
}

const struct store_driver store_mem = {
	.name = "mem",
	.open = mem_open,
	.close = mem_close,
	.get = mem_get,
	.scan = mem_scan,
	.apply = mem_apply,
	.usage = mem_usage,
	.maintain = mem_usage,
};
