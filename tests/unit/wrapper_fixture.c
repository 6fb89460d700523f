/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wrapper_fixture.h"

struct wrapper *new_wrapper(int name, int maker, int64_t ttl)
{
	struct wrapper *wrapper = wrapper_new();

	if (!wrapper)
		return NULL;
	memset(wrapper->name, name, sizeof(wrapper->name));
	memset(wrapper->maker, maker, sizeof(wrapper->maker));
	memset(wrapper->lease, 'l', sizeof(wrapper->lease));
	wrapper->has_lease = true;
	wrapper->rewraps = 7;
	wrapper->created_ns = CREATED;
	wrapper->ttl = ttl;
	if (!wrapper_set(&wrapper->path, "alicloud/creds/app") &&
	    !wrapper_set(&wrapper->accessor, "an-accessor") &&
	    !wrapper_seal(temp.store, wrapper, TOKEN, RESPONSE, strlen(RESPONSE)))
		return wrapper;
	wrapper_free(wrapper);
	return NULL;
}

int change(const struct wrapper *old, const struct wrapper *new)
{
	struct store_batch batch = { 0 };
	int ret = wrapper_change(&batch, old, new);

	assert_true(batch.count <= WRAPPER_BATCH_OPS);
	if (!ret)
		ret = store_apply(temp.store, STORE_NORMAL, &batch, NULL);
	store_batch_free(&batch);
	return ret;
}

void add(int name, int maker, int64_t ttl)
{
	struct wrapper *wrapper = new_wrapper(name, maker, ttl);

	assert_non_null(wrapper);
	assert_int_equal(change(NULL, wrapper), 0);
	wrapper_free(wrapper);
}

struct wrapper *get(int name)
{
	unsigned char bytes[KEYRING_NAME_SIZE];
	struct wrapper *wrapper;

	memset(bytes, name, sizeof(bytes));
	assert_int_equal(wrapper_get(temp.store, bytes, &wrapper), 0);
	return wrapper;
}
