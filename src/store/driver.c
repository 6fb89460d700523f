/* SPDX-License-Identifier: Apache-2.0 */
#include "store/driver.h"

#include <string.h>

#include "util/err.h"

bool driver_key_is_valid(struct bytes key)
{
	return key.size > 0 && key.size <= STORE_KEY_MAX;
}

bool driver_range_is_valid(struct bytes from, struct bytes end, struct bytes after)
{
	return from.size <= STORE_KEY_MAX && end.size <= STORE_KEY_MAX &&
	       after.size <= STORE_KEY_MAX;
}

int driver_compare(struct bytes a, struct bytes b)
{
	size_t size = a.size < b.size ? a.size : b.size;
	int order = size ? memcmp(a.data, b.data, size) : 0;

	return order ? order : (a.size > b.size) - (a.size < b.size);
}

bool driver_holds(const struct driver_op *op, bool present, uint64_t revision)
{
	switch (op->condition) {
	case STORE_ANY: return true;
	case STORE_ABSENT: return !present;
	case STORE_PRESENT: return present;
	case STORE_REVISION: return present && revision == op->expected;
	}
	return false;
}

int driver_check_batch(const struct driver_op *ops, size_t count)
{
	size_t i;

	if (count > STORE_BATCH_MAX)
		return LH_ERANGE;
	for (i = 0; i < count; i++) {
		if (!driver_key_is_valid(ops[i].key))
			return LH_ERANGE;
	}
	return 0;
}
