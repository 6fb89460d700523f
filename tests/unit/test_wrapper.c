/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/wrapper.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fail_alloc.h"
#include "store/key.h"
#include "temp_store.h"
#include "util/buf.h"
#include "util/err.h"

#define TOKEN    "hvs.3tYqv8KcW0aX9LmPzR1sBn2D"
#define RESPONSE "{\"data\":{\"secret_key\":\"very-secret\"}}\n"
#define CREATED  INT64_C(1700000000500000000)

/* With names of one repeated letter; 0: memory is out. */
static struct wrapper *new_wrapper(int name, int maker, int64_t ttl)
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

static int change(const struct wrapper *old, const struct wrapper *new)
{
	struct store_batch batch = { 0 };
	int ret = wrapper_change(&batch, old, new);

	assert_true(batch.count <= WRAPPER_BATCH_OPS);
	if (!ret)
		ret = store_apply(temp.store, STORE_NORMAL, &batch, NULL);
	store_batch_free(&batch);
	return ret;
}

static void add(int name, int maker, int64_t ttl)
{
	struct wrapper *wrapper = new_wrapper(name, maker, ttl);

	assert_non_null(wrapper);
	assert_int_equal(change(NULL, wrapper), 0);
	wrapper_free(wrapper);
}

static struct wrapper *get(int name)
{
	unsigned char bytes[KEYRING_NAME_SIZE];
	struct wrapper *wrapper;

	memset(bytes, name, sizeof(bytes));
	assert_int_equal(wrapper_get(temp.store, bytes, &wrapper), 0);
	return wrapper;
}

static size_t count_ended(int64_t now)
{
	unsigned char names[4][KEYRING_NAME_SIZE];
	size_t count;

	assert_int_equal(wrapper_scan_ended(temp.store, now, names, 4, &count), 0);
	return count;
}

static int visit(void *context, const struct store_record *record)
{
	size_t *count = context;

	(void)record;
	++*count;
	return 0;
}

static size_t count_records(void)
{
	size_t count = 0;

	assert_int_equal(store_scan(temp.store, STORE_SCAN_KEYS, (struct bytes){ "", 0 },
				    (struct bytes){ "", 0 }, (struct bytes){ "", 0 }, SIZE_MAX,
				    visit, &count),
			 0);
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
	size_t before = count_records();
	struct wrapper *wrapper;

	(void)state;
	add('n', 'm', 60);
	assert_int_equal(count_records(), before + 3);
	wrapper = get('n');
	assert_int_equal(change(wrapper, NULL), 0);
	wrapper_free(wrapper);
	assert_int_equal(count_records(), before);
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

static bool has_room(int maker)
{
	unsigned char name[KEYRING_NAME_SIZE];
	bool room;

	memset(name, maker, sizeof(name));
	assert_int_equal(wrapper_has_room(temp.store, name, &room), 0);
	return room;
}

static void a_token_may_wrap_so_many_bytes(void **state)
{
	static char response[WRAPPERS_SIZE_MAX / 2];
	struct wrapper *wrapper, *opened;

	(void)state;
	for (int name = 'a'; name <= 'b'; name++) {
		assert_true(has_room('m'));
		wrapper = new_wrapper(name, 'm', 60);
		assert_int_equal(
			wrapper_seal(temp.store, wrapper, TOKEN, response, sizeof(response)), 0);
		assert_int_equal(change(NULL, wrapper), 0);
		wrapper_free(wrapper);
	}
	assert_false(has_room('m'));
	assert_true(has_room('o'));
	wrapper = get('a');
	opened = wrapper_copy(wrapper);
	assert_int_equal(wrapper_mark_opened(opened, CREATED, ""), 0);
	assert_int_equal(change(wrapper, opened), 0);
	assert_true(has_room('m'));
	wrapper_free(wrapper);
	wrapper_free(opened);
}

/* Adds to a batch a wrapper of the maker "m" with so many bytes, if there is room. */
static bool prepare(int name, size_t size, struct store_batch *batch)
{
	static char response[5000];
	struct wrapper *wrapper = new_wrapper(name, 'm', 60);
	bool room;

	assert_int_equal(wrapper_seal(temp.store, wrapper, TOKEN, response, size), 0);
	assert_int_equal(wrapper_take_room(temp.store, batch, wrapper, &room), 0);
	if (room)
		assert_int_equal(wrapper_change(batch, NULL, wrapper), 0);
	wrapper_free(wrapper);
	return room;
}

static int commit(struct store_batch *batch)
{
	int ret = store_apply(temp.store, STORE_NORMAL, batch, NULL);

	store_batch_free(batch);
	return ret;
}

#define LARGE 5000
#define TINY  100

static void of_many_large_ones_that_found_room_at_once_one_gets_in(void **state)
{
	struct store_batch batches[3] = { { 0 } };
	size_t before = count_records();

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_true(prepare('a' + i, LARGE, &batches[i]));
	assert_int_equal(commit(&batches[1]), 0);
	assert_int_equal(commit(&batches[0]), LH_ECONFLICT);
	assert_int_equal(commit(&batches[2]), LH_ECONFLICT);
	assert_int_equal(count_records(), before + 4);
	memset(batches, 0, sizeof(batches));
	assert_true(prepare('a', LARGE, &batches[0]));
	assert_int_equal(commit(&batches[0]), 0);
}

static void small_ones_are_not_in_each_others_way(void **state)
{
	struct store_batch batches[4] = { { 0 } };

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_true(prepare('a' + i, TINY, &batches[i]));
	assert_int_equal(commit(&batches[1]), 0);
	assert_int_equal(commit(&batches[0]), 0);
	/* A large one may be what leaves no room for the next. */
	assert_true(prepare('d', LARGE, &batches[3]));
	assert_int_equal(commit(&batches[3]), 0);
	assert_int_equal(commit(&batches[2]), LH_ECONFLICT);
}

static void beyond_half_of_the_share_small_ones_come_one_by_one(void **state)
{
	static char response[WRAPPERS_SIZE_MAX / 2];
	struct store_batch batches[2] = { { 0 } };
	struct wrapper *wrapper = new_wrapper('x', 'm', 60);

	(void)state;
	assert_int_equal(wrapper_seal(temp.store, wrapper, TOKEN, response, sizeof(response)), 0);
	assert_int_equal(change(NULL, wrapper), 0);
	wrapper_free(wrapper);
	for (int i = 0; i < 2; i++)
		assert_true(prepare('a' + i, TINY, &batches[i]));
	assert_int_equal(commit(&batches[0]), 0);
	assert_int_equal(commit(&batches[1]), LH_ECONFLICT);
}

static void take(int name)
{
	struct store_batch batch = { 0 };
	struct wrapper *wrapper = get(name);

	assert_int_equal(wrapper_change(&batch, wrapper, NULL), 0);
	assert_int_equal(wrapper_close_gate(temp.store, &batch, wrapper->maker), 0);
	assert_int_equal(commit(&batch), 0);
	wrapper_free(wrapper);
}

static void the_last_one_of_a_token_leaves_nothing_of_its_share(void **state)
{
	size_t before = count_records();

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct store_batch batch = { 0 };

		assert_true(prepare('a' + i, LARGE, &batch));
		assert_int_equal(commit(&batch), 0);
	}
	take('a');
	assert_int_equal(count_records(), before + 4);
	take('b');
	assert_int_equal(count_records(), before);
}

static void who_comes_while_the_last_one_goes_is_not_lost(void **state)
{
	struct store_batch batch = { 0 }, going = { 0 };
	struct wrapper *wrapper;

	(void)state;
	assert_true(prepare('a', LARGE, &batch));
	assert_int_equal(commit(&batch), 0);
	wrapper = get('a');
	assert_int_equal(wrapper_change(&going, wrapper, NULL), 0);
	assert_int_equal(wrapper_close_gate(temp.store, &going, wrapper->maker), 0);
	memset(&batch, 0, sizeof(batch));
	assert_true(prepare('b', LARGE, &batch));
	assert_int_equal(commit(&batch), 0);
	assert_int_equal(commit(&going), LH_ECONFLICT);
	wrapper_free(wrapper);
}

/* Nobody fills the store with long paths, opened or not. */
static void paths_count_as_well(void **state)
{
	static char path[WRAPPERS_SIZE_MAX + 1];
	struct wrapper *wrapper, *opened;

	(void)state;
	memset(path, 'p', sizeof(path) - 1);
	wrapper = new_wrapper('a', 'm', 60);
	assert_int_equal(wrapper_set(&wrapper->path, path), 0);
	assert_int_equal(change(NULL, wrapper), 0);
	wrapper_free(wrapper);
	assert_false(has_room('m'));
	wrapper = get('a');
	opened = wrapper_copy(wrapper);
	assert_int_equal(wrapper_mark_opened(opened, CREATED, ""), 0);
	assert_int_equal(change(wrapper, opened), 0);
	assert_false(has_room('m'));
	wrapper_free(wrapper);
	wrapper_free(opened);
}

/* Adds entries of the index alone, a batch at a time. */
static void a_token_may_wrap_so_many_responses(void **state)
{
	int left = WRAPPERS_MAX;

	(void)state;
	while (left > 0) {
		struct store_batch batch = { 0 };

		for (int i = 0; i < STORE_BATCH_MAX && left > 0; i++, left--) {
			struct key key;

			key_start(&key, 'W');
			key_add(&key, "mmmmmmmmmmmmmmmm", 16);
			key_add_u64(&key, 0);
			key_add_u64(&key, 0);
			key_add_u64(&key, (uint64_t)left);
			store_batch_put(&batch, STORE_ANY, 0, key_bytes(&key),
					(struct bytes){ "", 0 });
		}
		assert_true(has_room('m'));
		assert_int_equal(store_apply(temp.store, STORE_NORMAL, &batch, NULL), 0);
		store_batch_free(&batch);
	}
	assert_false(has_room('m'));
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
#define TEST(name) cmocka_unit_test_setup_teardown(name, temp_set_up, temp_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_wrapper_is_found_as_it_was_kept),
		TEST(its_record_does_not_show_the_response),
		TEST(an_opened_one_only_tells_of_it),
		TEST(what_goes_leaves_nothing),
		TEST(they_end_in_their_order),
		TEST(a_token_may_wrap_so_many_bytes),
		TEST(of_many_large_ones_that_found_room_at_once_one_gets_in),
		TEST(small_ones_are_not_in_each_others_way),
		TEST(beyond_half_of_the_share_small_ones_come_one_by_one),
		TEST(the_last_one_of_a_token_leaves_nothing_of_its_share),
		TEST(who_comes_while_the_last_one_goes_is_not_lost),
		TEST(paths_count_as_well),
		TEST(a_token_may_wrap_so_many_responses),
		TEST(a_broken_record_is_refused),
		TEST(every_failing_allocation_is_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
