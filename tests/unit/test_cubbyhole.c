/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/cubbyhole.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "auth/auth.h"
#include "fail_alloc.h"
#include "store/key.h"
#include "temp_store.h"
#include "util/buf.h"
#include "util/err.h"
#include "util/json.h"
#include "util/wipe.h"

static char token[32], other[32];

static void make_token(char *out)
{
	struct store_batch batch = { 0 };

	assert_int_equal(auth_new_root(store_keyring(temp.store), &batch, out), 0);
	assert_int_equal(store_apply(temp.store, STORE_NORMAL, &batch, NULL), 0);
	store_batch_free(&batch);
}

static int set_up(void **state)
{
	(void)state;
	temp_store_open(&temp);
	make_token(token);
	make_token(other);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	temp_store_close(&temp);
	return 0;
}

static const struct cubbyhole_owner *of(const char *text)
{
	static struct caller caller;
	static struct cubbyhole_owner owner = { .caller = &caller };

	assert_int_equal(keyring_name(store_keyring(temp.store), KEYRING_TOKEN, text, caller.token),
			 0);
	owner.token = text;
	return &owner;
}

static int put(const char *path, const char *text)
{
	json_t *data = json_pack("{s:s}", "value", text);
	struct err err = { "" };
	int ret = cubbyhole_put(temp.store, of(token), path, data, &err);

	assert_int_equal(ret == LH_EINVAL, err.text[0] != '\0');
	json_decref(data);
	return ret;
}

static void assert_holds(const char *owner, const char *path, const char *text)
{
	json_t *data = NULL;
	int ret = cubbyhole_get(temp.store, of(owner), path, &data);

	assert_int_equal(ret, text ? 0 : LH_ENOENT);
	if (text)
		assert_string_equal(json_get_text(data, "value"), text);
	json_decref(data);
}

static void assert_lists(const char *prefix, const char *expected)
{
	json_t *names;
	char *text;

	assert_int_equal(cubbyhole_list(temp.store, of(token), prefix, &names), 0);
	text = json_text(names);
	assert_string_equal(text, expected);
	wipe_free(text);
	json_decref(names);
}

/* Whether there is a record of the token's cubbyhole; appends it to out as the store's readers get
 * it. */
static bool has_record(const char *owner, struct buf *out)
{
	unsigned char name[KEYRING_NAME_SIZE];
	struct key key;

	assert_int_equal(keyring_name(store_keyring(temp.store), KEYRING_TOKEN, owner, name), 0);
	key_start(&key, 'C');
	key_add(&key, name, sizeof(name));
	return store_get(temp.store, key_bytes(&key), out, NULL) == 0;
}

static void what_is_kept_is_found_again(void **state)
{
	(void)state;
	assert_holds(token, "a", NULL);
	assert_int_equal(put("a", "one"), 0);
	assert_int_equal(put("a/b", "two"), 0);
	assert_holds(token, "a", "one");
	assert_holds(token, "a/b", "two");
	assert_int_equal(put("a", "three"), 0);
	assert_holds(token, "a", "three");
	assert_holds(token, "a/b", "two");
	assert_holds(token, "a/", NULL);
}

static void each_token_has_its_own(void **state)
{
	(void)state;
	assert_int_equal(put("a", "one"), 0);
	assert_holds(other, "a", NULL);
	assert_int_equal(cubbyhole_delete(temp.store, of(other), "a"), 0);
	assert_holds(token, "a", "one");
}

static void names_are_listed_folder_by_folder(void **state)
{
	static const char *const paths[] = { "z", "a/y/1", "a", "a/x", "a/y/2", "a-b", "b/c" };

	(void)state;
	assert_lists("", "[]");
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		assert_int_equal(put(paths[i], "x"), 0);
	assert_lists("", "[\"a\",\"a-b\",\"a/\",\"b/\",\"z\"]");
	assert_lists("a/", "[\"x\",\"y/\"]");
	assert_lists("a/y/", "[\"1\",\"2\"]");
	assert_lists("z/", "[]");
}

static void what_is_deleted_is_gone(void **state)
{
	(void)state;
	assert_int_equal(cubbyhole_delete(temp.store, of(token), "a"), 0);
	assert_int_equal(put("a", "one"), 0);
	assert_int_equal(put("b", "two"), 0);
	assert_int_equal(cubbyhole_delete(temp.store, of(token), "a"), 0);
	assert_holds(token, "a", NULL);
	assert_holds(token, "b", "two");
}

static void an_empty_cubbyhole_leaves_no_record(void **state)
{
	struct buf record = BUF_INIT;

	(void)state;
	assert_int_equal(put("a", "one"), 0);
	assert_true(has_record(token, &record));
	assert_int_equal(cubbyhole_delete(temp.store, of(token), "a"), 0);
	assert_false(has_record(token, &record));
	buf_free(&record);
}

static void whoever_reads_the_store_learns_nothing(void **state)
{
	struct buf record = BUF_INIT;

	(void)state;
	assert_int_equal(put("the-path", "the-value"), 0);
	assert_true(has_record(token, &record));
	assert_null(memmem(record.data, record.size, "the-path", 8));
	assert_null(memmem(record.data, record.size, "the-value", 9));
	buf_free(&record);
}

static void a_record_of_another_token_is_no_use(void **state)
{
	unsigned char name[KEYRING_NAME_SIZE];
	struct store_batch batch = { 0 };
	struct buf record = BUF_INIT;
	struct key key;
	json_t *data;

	(void)state;
	assert_int_equal(put("a", "one"), 0);
	assert_true(has_record(token, &record));
	assert_int_equal(keyring_name(store_keyring(temp.store), KEYRING_TOKEN, other, name), 0);
	key_start(&key, 'C');
	key_add(&key, name, sizeof(name));
	store_batch_put(&batch, STORE_ANY, 0, key_bytes(&key),
			(struct bytes){ record.data, record.size });
	assert_int_equal(store_apply(temp.store, STORE_NORMAL, &batch, NULL), 0);
	store_batch_free(&batch);
	buf_free(&record);
	assert_int_equal(cubbyhole_get(temp.store, of(other), "a", &data), LH_ECORRUPT);
	assert_null(data);
}

static void there_is_room_for_so_much(void **state)
{
	static char text[CUBBYHOLE_SIZE_MAX + 1];
	size_t overhead = strlen("{\"a\":{\"value\":\"\"}}");

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[CUBBYHOLE_SIZE_MAX - overhead] = '\0';
	assert_int_equal(put("a", text), 0);
	assert_int_equal(put("b", ""), LH_EINVAL);
	text[CUBBYHOLE_SIZE_MAX - overhead] = 'x';
	assert_int_equal(put("a", text), LH_EINVAL);
	assert_holds(token, "b", NULL);
	assert_int_equal(put("a", "less"), 0);
	assert_int_equal(put("b", "now"), 0);
}

static void there_is_room_for_so_many(void **state)
{
	char path[16];

	(void)state;
	for (int i = 0; i < CUBBYHOLE_ENTRIES_MAX; i++) {
		snprintf(path, sizeof(path), "p%d", i);
		assert_int_equal(put(path, ""), 0);
	}
	assert_int_equal(put("more", ""), LH_EINVAL);
	assert_int_equal(put("p7", "instead"), 0);
	assert_int_equal(cubbyhole_delete(temp.store, of(token), "p8"), 0);
	assert_int_equal(put("more", ""), 0);
}

static void nothing_is_kept_for_a_token_that_is_gone(void **state)
{
	unsigned char name[KEYRING_NAME_SIZE];
	struct store_batch batch = { 0 };
	struct buf record = BUF_INIT;
	struct key key;

	(void)state;
	assert_int_equal(put("a", "one"), 0);
	assert_int_equal(keyring_name(store_keyring(temp.store), KEYRING_TOKEN, token, name), 0);
	key_start(&key, 't');
	key_add(&key, name, sizeof(name));
	store_batch_delete(&batch, STORE_PRESENT, 0, key_bytes(&key));
	cubbyhole_forget(&batch, name);
	assert_int_equal(store_apply(temp.store, STORE_REVOKE, &batch, NULL), 0);
	store_batch_free(&batch);
	assert_false(has_record(token, &record));
	assert_int_equal(put("a", "two"), LH_EPERM);
	assert_false(has_record(token, &record));
	buf_free(&record);
}

static int do_all(void)
{
	json_t *data = NULL, *names = NULL;
	int ret = put("a/b", "one");

	if (!ret)
		ret = cubbyhole_get(temp.store, of(token), "a/b", &data);
	if (!ret)
		ret = cubbyhole_list(temp.store, of(token), "a/", &names);
	if (!ret)
		ret = put("a/c", "two");
	if (!ret)
		ret = cubbyhole_delete(temp.store, of(token), "a/c");
	if (!ret)
		ret = cubbyhole_delete(temp.store, of(token), "a/b");
	json_decref(data);
	json_decref(names);
	return ret;
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
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(what_is_kept_is_found_again),
		TEST(each_token_has_its_own),
		TEST(names_are_listed_folder_by_folder),
		TEST(what_is_deleted_is_gone),
		TEST(an_empty_cubbyhole_leaves_no_record),
		TEST(whoever_reads_the_store_learns_nothing),
		TEST(a_record_of_another_token_is_no_use),
		TEST(there_is_room_for_so_much),
		TEST(there_is_room_for_so_many),
		TEST(nothing_is_kept_for_a_token_that_is_gone),
		TEST(every_failing_allocation_is_reported),
	};

	fail_alloc_jansson();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
