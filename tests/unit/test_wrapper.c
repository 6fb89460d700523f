/* SPDX-License-Identifier: Apache-2.0 */
/* Wrapped responses: kept, opened, ended. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fail_alloc.h"
#include "util/buf.h"
#include "util/err.h"
#include "wrapper_fixture.h"

static size_t count_ended(int64_t now)
{
	unsigned char names[4][KEYRING_NAME_SIZE];
	size_t count;

	assert_int_equal(wrapper_scan_ended(temp.store, now, names, 4, &count), 0);
	return count;
}

static void a_wrapper_is_found_as_it_was_kept(void **state)
{
	struct buf response = BUF_INIT;
	struct wrapper *wrapper;

	(void)state;
	add('n', 'm', 60);
	wrapper = get('n');
	assert_string_equal(wrapper->path, "alicloud/creds/app");
	assert_string_equal(wrapper->accessor, "an-accessor");
	assert_true(wrapper->has_lease);
	assert_false(wrapper->has_token);
	assert_int_equal(wrapper->rewraps, 7);
	assert_int_equal(wrapper->lease[3], 'l');
	assert_int_equal(wrapper->maker[3], 'm');
	assert_int_equal(wrapper->created_ns, CREATED);
	assert_int_equal(wrapper->ttl, 60);
	assert_int_equal(wrapper_end(wrapper), 1700000061);
	assert_int_equal(wrapper->opened_ns, 0);
	assert_int_equal(wrapper_open(temp.store, wrapper, TOKEN, &response), 0);
	assert_string_equal(buf_text(&response), RESPONSE);
	buf_free(&response);
	assert_int_equal(wrapper_open(temp.store, wrapper, TOKEN "x", &response), LH_ECORRUPT);
	assert_int_equal(response.size, 0);
	buf_free(&response);
	wrapper_free(wrapper);
}

static void its_record_does_not_show_the_response(void **state)
{
	unsigned char key[1 + KEYRING_NAME_SIZE];
	struct buf value = BUF_INIT;

	(void)state;
	add('n', 'm', 60);
	memset(key, 'n', sizeof(key));
	key[0] = 'w';
	assert_int_equal(store_get(temp.store, (struct bytes){ key, sizeof(key) }, &value, NULL),
			 0);
	assert_non_null(memmem(value.data, value.size, "creds/app", 9));
	assert_null(memmem(value.data, value.size, "secret", 6));
	buf_free(&value);
}

static void an_opened_one_only_tells_of_it(void **state)
{
	struct wrapper *old, *new;
	struct buf response = BUF_INIT;

	(void)state;
	add('n', 'm', 60);
	old = get('n');
	new = wrapper_copy(old);
	assert_int_equal(wrapper_mark_opened(new, CREATED + 5, "192.0.2.7"), 0);
	assert_int_equal(change(old, new), 0);
	assert_int_equal(change(old, new), LH_ECONFLICT);
	wrapper_free(old);
	wrapper_free(new);
	old = get('n');
	assert_int_equal(old->opened_ns, CREATED + 5);
	assert_string_equal(old->opened_by, "192.0.2.7");
	assert_null(old->sealed);
	assert_int_equal(wrapper_open(temp.store, old, TOKEN, &response), LH_ENOENT);
	assert_int_equal(count_ended(1700000061), 1);
	wrapper_free(old);
}

static void what_goes_leaves_nothing(void **state)
{
	unsigned char name[KEYRING_NAME_SIZE];
	size_t before = temp_records(temp.store);
	struct wrapper *wrapper;

	(void)state;
	add('n', 'm', 60);
	assert_int_equal(temp_records(temp.store), before + 3);
	wrapper = get('n');
	assert_int_equal(change(wrapper, NULL), 0);
	wrapper_free(wrapper);
	assert_int_equal(temp_records(temp.store), before);
	memset(name, 'n', sizeof(name));
	assert_int_equal(wrapper_get(temp.store, name, &wrapper), LH_ENOENT);
	assert_null(wrapper);
}

static void they_end_in_their_order(void **state)
{
	unsigned char names[4][KEYRING_NAME_SIZE];
	size_t count;

	(void)state;
	add('b', 'm', 60);
	add('a', 'm', 120);
	add('c', 'm', 30);
	assert_int_equal(count_ended(1700000030), 0);
	assert_int_equal(count_ended(1700000031), 1);
	assert_int_equal(count_ended(1700000060), 1);
	assert_int_equal(wrapper_scan_ended(temp.store, 1700000121, names, 2, &count), 0);
	assert_int_equal(count, 2);
	assert_int_equal(names[0][0], 'c');
	assert_int_equal(names[1][0], 'b');
}

static void a_broken_record_is_refused(void **state)
{
	unsigned char key[1 + KEYRING_NAME_SIZE];
	struct buf value = BUF_INIT;
	struct wrapper *wrapper;

	(void)state;
	add('n', 'm', 60);
	memset(key, 'n', sizeof(key));
	key[0] = 'w';
	assert_int_equal(store_get(temp.store, (struct bytes){ key, sizeof(key) }, &value, NULL),
			 0);
	for (size_t size = 0; size < value.size; size++) {
		struct store_batch batch = { 0 };

		store_batch_put(&batch, STORE_ANY, 0, (struct bytes){ key, sizeof(key) },
				(struct bytes){ value.data, size });
		assert_int_equal(store_apply(temp.store, STORE_NORMAL, &batch, NULL), 0);
		store_batch_free(&batch);
		assert_int_not_equal(wrapper_get(temp.store, key + 1, &wrapper), 0);
		assert_null(wrapper);
	}
	buf_free(&value);
}

static int do_all(void)
{
	unsigned char name[KEYRING_NAME_SIZE];
	struct wrapper *wrapper = new_wrapper('n', 'm', 60), *read = NULL, *opened = NULL;
	struct buf response = BUF_INIT;
	int ret = wrapper ? change(NULL, wrapper) : LH_ENOMEM;

	memset(name, 'n', sizeof(name));
	if (!ret)
		ret = wrapper_get(temp.store, name, &read);
	if (!ret)
		ret = wrapper_open(temp.store, read, TOKEN, &response);
	if (!ret && !(opened = wrapper_copy(read)))
		ret = LH_ENOMEM;
	if (!ret)
		ret = wrapper_mark_opened(opened, CREATED, "192.0.2.7");
	if (!ret)
		ret = change(read, opened);
	buf_free(&response);
	wrapper_free(wrapper);
	wrapper_free(read);
	wrapper_free(opened);
	return ret;
}

static void forget(void)
{
	unsigned char name[KEYRING_NAME_SIZE];
	struct wrapper *wrapper;

	memset(name, 'n', sizeof(name));
	if (wrapper_get(temp.store, name, &wrapper))
		return;
	assert_int_equal(change(wrapper, NULL), 0);
	wrapper_free(wrapper);
}

static void every_failing_allocation_is_reported(void **state)
{
	bool failed = true;

	(void)state;
	for (unsigned n = 1; failed; n++) {
		int ret;

		fail_alloc_at(n);
		ret = do_all();
		failed = fail_alloc_stop();
		if (ret != (failed ? LH_ENOMEM : 0))
			fail_msg("allocation %u: %s", n, err_name(ret));
		assert_true(n < 1000);
		forget();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WRAPPER_TEST(a_wrapper_is_found_as_it_was_kept),
		WRAPPER_TEST(its_record_does_not_show_the_response),
		WRAPPER_TEST(an_opened_one_only_tells_of_it),
		WRAPPER_TEST(what_goes_leaves_nothing),
		WRAPPER_TEST(they_end_in_their_order),
		WRAPPER_TEST(a_broken_record_is_refused),
		WRAPPER_TEST(every_failing_allocation_is_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
