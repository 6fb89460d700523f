/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "auth/auth.h"
#include "fail_alloc.h"
#include "store/key.h"
#include "temp_store.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/text.h"

static char token[32];

static int set_up(void **state)
{
	struct store_batch batch = { 0 };

	(void)state;
	temp_store_open(&temp);
	assert_int_equal(auth_new_root(store_keyring(temp.store), &batch, token), 0);
	assert_int_equal(store_apply(temp.store, STORE_NORMAL, &batch, NULL), 0);
	store_batch_free(&batch);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	temp_store_close(&temp);
	return 0;
}

static void a_token_looks_as_clients_know_it(void **state)
{
	(void)state;
	assert_true(text_starts_with(token, "hvs."));
	assert_int_equal(strlen(token), 28);
	for (const char *c = token + 4; *c; c++)
		assert_non_null(
			strchr("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwx"
			       "yz",
			       *c));
}

static void its_owner_is_root(void **state)
{
	struct caller caller;

	(void)state;
	assert_int_equal(auth_lookup(temp.store, token, &caller), 0);
	assert_true(caller.root);
	assert_string_equal(caller.display_name, "root");
	assert_int_equal(strlen(caller.accessor), 24);
	assert_string_equal(json_string_value(json_array_get(caller.policies, 0)), "root");
	assert_int_equal(json_array_size(caller.policies), 1);
	assert_in_range(caller.created, clock_now() - 60, clock_now());
	caller_clear(&caller);
	assert_null(caller.accessor);
	assert_false(caller.root);
}

static void a_token_that_is_not_ours_is_unknown(void **state)
{
	static const char *const others[] = { "hvs.AAAAAAAAAAAAAAAAAAAAAAAA", "root", "",
					      "hvs.\xff\xff" };
	struct caller caller;
	char longer[40], shorter[32];

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_int_equal(auth_lookup(temp.store, others[i], &caller), LH_EPERM);
	strcpy(longer, token);
	strcat(longer, "x");
	assert_int_equal(auth_lookup(temp.store, longer, &caller), LH_EPERM);
	strcpy(shorter, token);
	shorter[strlen(shorter) - 1] = '\0';
	assert_int_equal(auth_lookup(temp.store, shorter, &caller), LH_EPERM);
	assert_null(caller.accessor);
}

/* The record's key, as the key space has it. */
static void key_token(struct key *key)
{
	unsigned char name[KEYRING_NAME_SIZE];

	assert_int_equal(keyring_name(store_keyring(temp.store), KEYRING_TOKEN, token, name), 0);
	key_start(key, 't');
	key_add(key, name, sizeof(name));
}

static void the_token_itself_is_stored_nowhere(void **state)
{
	struct buf value = BUF_INIT;
	struct key key;

	(void)state;
	key_token(&key);
	assert_int_equal(store_get(temp.store, key_bytes(&key), &value, NULL), 0);
	assert_null(strstr(buf_text(&value), token));
	assert_null(strstr(buf_text(&value), token + 4));
	buf_free(&value);
}

static void a_broken_record_lets_nobody_in(void **state)
{
	static const char *const records[] = { "", "{", "[]", "{}", "{\"policies\":\"root\"}" };
	struct caller caller;
	struct key key;

	(void)state;
	key_token(&key);
	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		struct store_batch batch = { 0 };

		store_batch_put(&batch, STORE_ANY, 0, key_bytes(&key),
				(struct bytes){ records[i], strlen(records[i]) });
		assert_int_equal(store_apply(temp.store, STORE_NORMAL, &batch, NULL), 0);
		store_batch_free(&batch);
		assert_int_equal(auth_lookup(temp.store, token, &caller), LH_ECORRUPT);
	}
}

static void lost_memory_is_told(void **state)
{
	int ret = LH_ENOMEM;

	(void)state;
	for (unsigned n = 1; ret; n++) {
		struct store_batch batch = { 0 };
		struct caller caller;
		char drawn[32];

		fail_alloc_at(n);
		ret = auth_new_root(store_keyring(temp.store), &batch, drawn);
		if (!ret)
			ret = batch.failed;
		if (!ret)
			ret = auth_lookup(temp.store, token, &caller);
		if (fail_alloc_stop())
			assert_int_not_equal(ret, 0);
		else
			assert_int_equal(ret, 0);
		if (!ret)
			caller_clear(&caller);
		store_batch_free(&batch);
		assert_true(n < 1000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_token_looks_as_clients_know_it),
		cmocka_unit_test(its_owner_is_root),
		cmocka_unit_test(a_token_that_is_not_ours_is_unknown),
		cmocka_unit_test(the_token_itself_is_stored_nowhere),
		cmocka_unit_test(lost_memory_is_told),
		cmocka_unit_test(a_broken_record_lets_nobody_in),
	};

	fail_alloc_jansson();
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
