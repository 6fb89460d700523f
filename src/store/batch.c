/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"
#include "crypto/keyring.h"
#include "store/store.h"
#include "store/store_priv.h"
#include "util/err.h"
#include "util/wipe.h"

static int grow(struct store_batch *batch)
{
	size_t capacity = batch->capacity ? 2 * batch->capacity : 8;
	struct batch_op *ops;

	if (batch->count == STORE_BATCH_MAX)
		return LH_ERANGE;
	if (batch->count < batch->capacity)
		return 0;
	ops = realloc(batch->ops, capacity * sizeof(*ops));
	if (!ops)
		return LH_ENOMEM;
	batch->ops = ops;
	batch->capacity = capacity;
	return 0;
}

/* Copies key and value behind each other into one block. */
static int add(struct store_batch *batch, const struct batch_op *op, struct bytes key,
	       struct bytes value)
{
	struct batch_op *copy;
	int ret;

	if (!driver_key_is_valid(key))
		return LH_ERANGE;
	ret = grow(batch);
	if (ret)
		return ret;
	copy = &batch->ops[batch->count];
	*copy = *op;
	copy->bytes = malloc(key.size + value.size);
	if (!copy->bytes)
		return LH_ENOMEM;
	copy->key_size = key.size;
	copy->value_size = value.size;
	memcpy(copy->bytes, key.data, key.size);
	if (value.size)
		memcpy(copy->bytes + key.size, value.data, value.size);
	batch->count++;
	return 0;
}

static void add_or_fail(struct store_batch *batch, enum store_op_kind kind,
			enum store_condition condition, uint64_t expected, struct bytes key,
			struct bytes value)
{
	const struct batch_op op = { .kind = kind, .condition = condition, .expected = expected };

	if (!batch->failed)
		batch->failed = add(batch, &op, key, value);
}

void store_batch_put(struct store_batch *batch, enum store_condition condition, uint64_t expected,
		     struct bytes key, struct bytes value)
{
	add_or_fail(batch, STORE_PUT, condition, expected, key, value);
}

void store_batch_delete(struct store_batch *batch, enum store_condition condition,
			uint64_t expected, struct bytes key)
{
	add_or_fail(batch, STORE_DELETE, condition, expected, key, NO_BYTES);
}

void store_batch_expect(struct store_batch *batch, enum store_condition condition,
			uint64_t expected, struct bytes key)
{
	add_or_fail(batch, STORE_EXPECT, condition, expected, key, NO_BYTES);
}

void store_batch_free(struct store_batch *batch)
{
	size_t i;

	for (i = 0; i < batch->count; i++) {
		wipe(batch->ops[i].bytes, batch->ops[i].key_size + batch->ops[i].value_size);
		free(batch->ops[i].bytes);
	}
	free(batch->ops);
	*batch = (struct store_batch){ NULL, 0, 0, 0 };
}

uint64_t new_revision(void)
{
	uint64_t revision;

	do
		random_bytes(&revision, sizeof(revision));
	while (!revision);
	return revision;
}

void binding_make(const char *store_id, struct bytes key, uint64_t revision,
		  struct binding *binding_out)
{
	unsigned char *at = binding_out->data;
	size_t i;

	memcpy(at, store_id, META_ID_SIZE - 1);
	at += META_ID_SIZE - 1;
	memcpy(at, key.data, key.size);
	at += key.size;
	for (i = 0; i < sizeof(revision); i++)
		*at++ = (unsigned char)(revision >> (56 - 8 * i));
	binding_out->size = (size_t)(at - binding_out->data);
}

/* Appends the sealed value; op.value has its size; the place is known when the buffer has grown. */
static int seal_one(const struct batch_op *from, const struct keyring *keyring,
		    const char *store_id, struct driver_op *op, struct buf *sealed)
{
	struct binding binding;
	size_t start = sealed->size;
	int ret;

	*op = (struct driver_op){
		.kind = from->kind,
		.condition = from->condition,
		.expected = from->expected,
		.key = { from->bytes, from->key_size },
	};
	if (meta_is_key(op->key))
		return LH_EINVAL;
	if (from->kind != STORE_PUT)
		return 0;
	op->revision = new_revision();
	binding_make(store_id, op->key, op->revision, &binding);
	ret = keyring_seal(keyring, binding.data, binding.size, from->bytes + from->key_size,
			   from->value_size, sealed);
	op->value.size = sealed->size - start;
	return ret;
}

int batch_seal(const struct store_batch *batch, const struct keyring *keyring, const char *store_id,
	       struct driver_op *ops, struct buf *sealed)
{
	const char *at;
	size_t i;
	int ret;

	ret = batch->failed;
	for (i = 0; !ret && i < batch->count; i++)
		ret = seal_one(&batch->ops[i], keyring, store_id, &ops[i], sealed);
	if (ret)
		return ret;
	at = sealed->data;
	for (i = 0; i < batch->count; i++) {
		if (ops[i].kind == STORE_PUT) {
			ops[i].value.data = at;
			at += ops[i].value.size;
		}
	}
	return 0;
}
