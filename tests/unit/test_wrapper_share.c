/* SPDX-License-Identifier: Apache-2.0 */
/* What a token may have wrapped at the same time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "store/key.h"
#include "util/err.h"
#include "wrapper_fixture.h"

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
	size_t before = temp_records(temp.store);

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_true(prepare('a' + i, LARGE, &batches[i]));
	assert_int_equal(commit(&batches[1]), 0);
	assert_int_equal(commit(&batches[0]), LH_ECONFLICT);
	assert_int_equal(commit(&batches[2]), LH_ECONFLICT);
	assert_int_equal(temp_records(temp.store), before + 4);
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
	size_t before = temp_records(temp.store);

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct store_batch batch = { 0 };

		assert_true(prepare('a' + i, LARGE, &batch));
		assert_int_equal(commit(&batch), 0);
	}
	take('a');
	assert_int_equal(temp_records(temp.store), before + 4);
	take('b');
	assert_int_equal(temp_records(temp.store), before);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		WRAPPER_TEST(a_token_may_wrap_so_many_bytes),
		WRAPPER_TEST(of_many_large_ones_that_found_room_at_once_one_gets_in),
		WRAPPER_TEST(small_ones_are_not_in_each_others_way),
		WRAPPER_TEST(beyond_half_of_the_share_small_ones_come_one_by_one),
		WRAPPER_TEST(the_last_one_of_a_token_leaves_nothing_of_its_share),
		WRAPPER_TEST(who_comes_while_the_last_one_goes_is_not_lost),
		WRAPPER_TEST(paths_count_as_well),
		WRAPPER_TEST(a_token_may_wrap_so_many_responses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
