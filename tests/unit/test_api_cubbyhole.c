/* SPDX-License-Identifier: Apache-2.0 */
/* cubbyhole/ as clients see it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "api_fixture.h"
#include "auth/cubbyhole.h"
#include "util/err.h"
#include "util/json.h"

static void anything_is_kept_and_shown_as_it_was(void **state)
{
	const char *data = "{\"k\":1,\"deep\":{\"list\":[true,null,\"x\"]}}";

	(void)state;
	expect(&f, "GET", "cubbyhole/x", NULL, 404, NOT_FOUND);
	expect(&f, "POST", "cubbyhole/x", data, 204, "");
	expect_data(&f, "GET", "cubbyhole/x", NULL, data);
	assert_string_equal(json_get_text(f.body, "mount_type"), "cubbyhole");
	assert_true(json_is_null(json_object_get(f.body, "warnings")));
	expect(&f, "PUT", "cubbyhole/x", "{\"k\":2}", 204, "");
	expect_data(&f, "GET", "cubbyhole/x", NULL, "{\"k\":2}");
	expect(&f, "DELETE", "cubbyhole/x", NULL, 204, "");
	expect(&f, "DELETE", "cubbyhole/x", NULL, 204, "");
	expect(&f, "GET", "cubbyhole/x", NULL, 404, NOT_FOUND);
}

/* The deepest that a body can be. Kept beside something else, which it must not take along. */
static void the_deepest_is_kept_and_shown(void **state)
{
	char data[6 * JSON_DEPTH_MAX + 2] = "";

	(void)state;
	for (size_t i = 0; i < JSON_DEPTH_MAX; i++)
		strcat(data, "{\"k\":");
	strcat(data, "1");
	for (size_t i = 0; i < JSON_DEPTH_MAX; i++)
		strcat(data, "}");
	expect(&f, "POST", "cubbyhole/y", "{\"k\":1}", 204, "");
	expect(&f, "POST", "cubbyhole/x", data, 204, "");
	expect_data(&f, "GET", "cubbyhole/x", NULL, data);
	expect_data(&f, "GET", "cubbyhole/y", NULL, "{\"k\":1}");
	expect(&f, "DELETE", "cubbyhole/x", NULL, 204, "");
}

static void what_is_kept_is_listed(void **state)
{
	(void)state;
	expect(&f, "LIST", "cubbyhole", NULL, 404, NOT_FOUND);
	expect(&f, "POST", "cubbyhole/x", "{\"k\":1}", 204, "");
	expect(&f, "POST", "cubbyhole/a/B", "{\"k\":1}", 204, "");
	expect_data(&f, "LIST", "cubbyhole", NULL, "{\"keys\":[\"a/\",\"x\"]}");
	expect_data(&f, "GET", "cubbyhole/a?list=true", NULL, "{\"keys\":[\"B\"]}");
	expect(&f, "LIST", "cubbyhole/b", NULL, 404, NOT_FOUND);
}

static void what_cannot_be_kept_is_refused(void **state)
{
	(void)state;
	expect(&f, "POST", "cubbyhole/x", "{}", 400, "missing data fields");
	expect(&f, "POST", "cubbyhole/x", NULL, 400, "missing data fields");
	expect(&f, "POST", "cubbyhole", "{\"k\":1}", 400, "missing path");
	expect(&f, "POST", "cubbyhole/x/", "{\"k\":1}", 400,
	       "cannot write to a path ending in '/'");
}

static void a_full_cubbyhole_says_so(void **state)
{
	static char body[CUBBYHOLE_SIZE_MAX + 10];

	(void)state;
	memset(body, 'x', sizeof(body) - 1);
	memcpy(body, "{\"k\":\"", 6);
	memcpy(body + sizeof(body) - 3, "\"}", 2);
	expect(&f, "POST", "cubbyhole/x", body, 400,
	       "the cubbyhole of a token holds 65536 bytes in all");
}

static void a_full_store_lets_a_cubbyhole_shrink(void **state)
{
	(void)state;
	expect(&f, "POST", "cubbyhole/x", "{\"k\":1}", 204, "");
	expect(&f, "POST", "cubbyhole/y", "{\"k\":2}", 204, "");
	temp_fill(f.temp.store);
	expect(&f, "POST", "cubbyhole/z", "{\"k\":3}", 507, "the store is full");
	expect(&f, "DELETE", "cubbyhole/x", NULL, 204, "");
	expect_data(&f, "LIST", "cubbyhole", NULL, "{\"keys\":[\"y\"]}");
	expect(&f, "DELETE", "cubbyhole/y", NULL, 204, "");
}

/* ---- Whoever is overtaken until the deadline ---- */

static struct store_driver busy;
static bool overtaken;

static int busy_apply(void *handle, const struct driver_op *ops, size_t count, size_t *failed_out)
{
	if (!overtaken)
		return store_lmdb.apply(handle, ops, count, failed_out);
	*failed_out = count - 1;
	return LH_ECONFLICT;
}

static int busy_set_up(void **state)
{
	busy = store_lmdb;
	busy.apply = busy_apply;
	overtaken = false;
	temp_driver = &busy;
	return api_set_up(state);
}

static int busy_tear_down(void **state)
{
	temp_driver = &store_lmdb;
	return api_tear_down(state);
}

static void who_is_always_overtaken_may_try_again(void **state)
{
	static const char *const methods[] = { "POST", "DELETE" };

	(void)state;
	expect(&f, "POST", "cubbyhole/x", "{\"k\":1}", 204, "");
	overtaken = true;
	for (size_t i = 0; i < 2; i++) {
		const struct api_request raw = {
			.method = methods[i],
			.path = "/v1/cubbyhole/x",
			.body = "{\"k\":2}",
			.body_size = 7,
			.token = f.token,
		};

		assert_int_equal(ask_raw(&f, &raw), 409);
		assert_string_equal(error(&f), "too many others want the same at once; try again");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		API_TEST(anything_is_kept_and_shown_as_it_was),
		API_TEST(the_deepest_is_kept_and_shown),
		API_TEST(what_is_kept_is_listed),
		API_TEST(what_cannot_be_kept_is_refused),
		API_TEST(a_full_cubbyhole_says_so),
		API_TEST(a_full_store_lets_a_cubbyhole_shrink),
		cmocka_unit_test_setup_teardown(who_is_always_overtaken_may_try_again, busy_set_up,
						busy_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
