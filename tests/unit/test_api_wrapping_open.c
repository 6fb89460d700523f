/* SPDX-License-Identifier: Apache-2.0 */
/* Wrapped answers: what they look like, who may open them, and how much may be wrapped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "auth/token.h"
#include "auth/tree.h"
#include "auth/wrapper.h"
#include "fake_engine.h"
#include "util/json.h"
#include "wrapping_fixture.h"

/* ---- What a wrapped answer looks like ---- */

static void whatever_is_sent_is_wrapped(void **state)
{
	(void)state;
	wrap("POST", "sys/wrapping/wrap", "{\"a\":\"b\"}", "30");
	assert_string_equal(json_get_text(f.body, "request_id"), "");
	assert_true(json_is_null(json_object_get(f.body, "data")));
	assert_true(json_is_null(json_object_get(f.body, "warnings")));
	assert_string_equal(json_get_text(f.body, "mount_type"), "");
	assert_int_equal(json_get_int(info(), "ttl", 0), 30);
	assert_string_equal(json_get_text(info(), "creation_path"), "sys/wrapping/wrap");
	assert_int_equal(strlen(json_get_text(info(), "accessor")), TOKEN_ACCESSOR);
	assert_null(json_object_get(info(), "wrapped_accessor"));
	assert_int_equal(unwrap(wrapping), 200);
	assert_string_equal(data_text(&f, "a"), "b");
	assert_string_not_equal(json_get_text(f.body, "request_id"), "");
	assert_true(json_is_null(json_object_get(f.body, "wrap_info")));
}

static void without_the_header_there_is_nothing_to_wrap(void **state)
{
	(void)state;
	ask_as(NULL, "POST", "sys/wrapping/wrap", "{\"a\":\"b\"}", "");
	expect_error(400, "endpoint requires response wrapping to be used");
	ask_as(NULL, "POST", "sys/wrapping/wrap", "{\"a\":\"b\"}", "0");
	expect_error(400, "endpoint requires response wrapping to be used");
}

static void only_what_has_a_body_is_wrapped(void **state)
{
	(void)state;
	assert_int_equal(ask_as(NULL, "POST", "cubbyhole/x", "{\"k\":1}", FOR_UNTIL), 204);
	assert_int_equal(ask_as(NULL, "GET", "cubbyhole/y", NULL, FOR_UNTIL), 404);
	assert_null(info());
	assert_int_equal(ask_as(NULL, "LIST", "cubbyhole/y", NULL, FOR_UNTIL), 404);
	assert_int_equal(ask_as(NULL, "GET", "cloud/creds/none", NULL, FOR_UNTIL), 404);
	assert_int_equal(ask_as(NULL, "GET", "sys/health", NULL, FOR_UNTIL), 200);
	assert_null(info());
	wrap("GET", "auth/token/lookup-self", NULL, FOR_UNTIL);
	assert_int_equal(unwrap(wrapping), 200);
	assert_string_equal(data_text(&f, "path"), "auth/token/root");
	wrap("GET", "sys/mounts", NULL, FOR_UNTIL);
	assert_null(json_object_get(f.body, "cloud/"));
}

static void a_list_is_wrapped_like_anything_else(void **state)
{
	(void)state;
	wrap("LIST", "cloud/role", NULL, FOR_UNTIL);
	assert_int_equal(unwrap(wrapping), 200);
	assert_int_equal(json_array_size(data_member(&f, "keys")), 1);
}

static void it_lasts_no_longer_than_leases_do(void **state)
{
	(void)state;
	wrap("POST", "sys/wrapping/wrap", "{}", "9000000000");
	assert_int_equal(json_get_int(info(), "ttl", 0), f.conf.max_lease_ttl);
}

static void it_is_looked_up_without_being_opened(void **state)
{
	(void)state;
	wrap("POST", "sys/wrapping/wrap", "{\"a\":\"b\"}", "30");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(
			ask_as("", "POST", "sys/wrapping/lookup", with_token(wrapping), ""), 200);
		assert_string_equal(data_text(&f, "creation_path"), "sys/wrapping/wrap");
		assert_int_equal(json_get_int(json_object_get(f.body, "data"), "creation_ttl", 0),
				 30);
		assert_int_equal(ask_as(wrapping, "GET", "sys/wrapping/lookup", NULL, ""), 200);
	}
	assert_int_equal(unwrap(wrapping), 200);
	ask_as("", "POST", "sys/wrapping/lookup", with_token(wrapping), "");
	expect_error(400, INVALID);
}

/* ---- Opening ---- */

static void it_is_opened_once_whoever_asks(void **state)
{
	(void)state;
	wrap("POST", "sys/wrapping/wrap", "{\"a\":\"b\"}", "30");
	assert_int_equal(ask_as(NULL, "POST", "sys/wrapping/unwrap", with_token(wrapping), ""),
			 200);
	assert_string_equal(data_text(&f, "a"), "b");
	ask_as(NULL, "POST", "sys/wrapping/unwrap", with_token(wrapping), "");
	expect_error(400, INVALID);
	unwrap(wrapping);
	expect_error(400, INVALID);

	wrap("POST", "sys/wrapping/wrap", "{\"a\":\"c\"}", "30");
	assert_int_equal(ask_as(wrapping, "PUT", "sys/wrapping/unwrap", with_token(wrapping), ""),
			 200);
	assert_string_equal(data_text(&f, "a"), "c");
}

static void an_opened_wrapper_leaves_no_token(void **state)
{
	char body[100];

	(void)state;
	wrap("POST", "sys/wrapping/wrap", "{}", "30");
	snprintf(body, sizeof(body), "{\"accessor\":\"%s\"}", json_get_text(info(), "accessor"));
	assert_int_equal(ask_as(NULL, "POST", "auth/token/lookup-accessor", body, ""), 200);
	assert_int_equal(json_get_int(json_object_get(f.body, "data"), "num_uses", 0), 1);
	assert_int_equal(unwrap(wrapping), 200);
	assert_int_not_equal(ask_as(NULL, "POST", "auth/token/lookup-accessor", body, ""), 200);
}

static void the_old_way_reads_a_cubbyhole(void **state)
{
	json_t *response;

	(void)state;
	wrap("POST", "sys/wrapping/wrap", "{\"a\":\"b\"}", "30");
	assert_int_equal(ask_as(wrapping, "GET", "cubbyhole/response", NULL, ""), 200);
	response = json_loads(data_text(&f, "response"), 0, NULL);
	assert_string_equal(json_get_text(json_object_get(response, "data"), "a"), "b");
	json_decref(response);
	assert_int_equal(json_array_size(json_object_get(f.body, "warnings")), 1);
	assert_int_not_equal(ask_as(wrapping, "GET", "cubbyhole/response", NULL, ""), 200);
}

static const struct {
	const char *name, *path, *token, *body;
	int status;
	const char *error;
} refused[] = {
	{ "a token that is none", "unwrap", "hvs.nonesuch", NULL, 400, INVALID },
	{ "a token that wraps nothing", "unwrap", NULL, NULL, 400, INVALID },
	{ "an empty body", "unwrap", NULL, "{}", 400, INVALID },
	{ "null", "unwrap", NULL, "{\"token\":null}", 400, INVALID },
	{ "another type", "unwrap", NULL, "{\"token\":7}", 403,
	  CANNOT "could not decode token in request body" },
	{ "an empty token", "unwrap", NULL, "{\"token\":\"\"}", 403,
	  CANNOT "empty token in request body" },
	{ "no token at all", "unwrap", "", NULL, 403, CANNOT "token is empty" },
	{ "rewrap: a token that is none", "rewrap", NULL, "{\"token\":\"hvs.nonesuch\"}", 400,
	  INVALID },
	{ "rewrap: no token at all", "rewrap", "", NULL, 403, CANNOT "token is empty" },
	{ "lookup: no token at all", "lookup", "", NULL, 403, CANNOT "token is empty" },
	{ "lookup: a token that wraps nothing", "lookup", NULL, NULL, 400, INVALID },
};

static void what_is_no_wrapping_token_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		char path[40];
		const json_t *errors;

		snprintf(path, sizeof(path), "sys/wrapping/%s", refused[i].path);
		ask_as(refused[i].token, "POST", path, refused[i].body, "");
		errors = json_object_get(f.body, "errors");
		if (f.reply.status != refused[i].status ||
		    strcmp(json_string_value(json_array_get(errors, 0)), refused[i].error) != 0)
			fail_msg("%s: %d %s", refused[i].name, f.reply.status,
				 buf_text(&f.reply.body));
	}
}

static void a_wrapping_token_is_no_secret_of_a_query(void **state)
{
	(void)state;
	expect(&f, "GET", "sys/wrapping/lookup?token=x", NULL, 400,
	       "query parameter \"token\" is a secret: send it in a header or in the body");
}

static void it_is_wrapped_anew(void **state)
{
	char before[64];

	(void)state;
	wrap("POST", "sys/wrapping/wrap", "{\"a\":\"b\"}", "30");
	strcpy(before, wrapping);
	wrap("POST", "sys/wrapping/rewrap", with_token(before), "");
	assert_int_equal(json_get_int(info(), "ttl", 0), 30);
	assert_string_equal(json_get_text(info(), "creation_path"), "sys/wrapping/wrap");
	unwrap(before);
	expect_error(400, INVALID);
	assert_int_equal(unwrap(wrapping), 200);
	assert_string_equal(data_text(&f, "a"), "b");
}

static void who_wants_it_wrapped_gets_it_wrapped_anew(void **state)
{
	(void)state;
	wrap("POST", "sys/wrapping/wrap", "{\"a\":\"b\"}", "30");
	wrap("POST", "sys/wrapping/unwrap", with_token(wrapping), "90");
	assert_int_equal(json_get_int(info(), "ttl", 0), 90);
	assert_int_equal(unwrap(wrapping), 200);
	assert_string_equal(data_text(&f, "a"), "b");
}

static void it_cannot_be_opened_after_its_end(void **state)
{
	(void)state;
	wrap("POST", "sys/wrapping/wrap", "{\"a\":\"b\"}", "30");
	age(31);
	unwrap(wrapping);
	expect_error(400, INVALID);
	turn(1);
	unwrap(wrapping);
	expect_error(400, INVALID);
}

static void it_cannot_be_opened_when_its_token_was_revoked(void **state)
{
	unsigned char name[KEYRING_NAME_SIZE];

	(void)state;
	wrap("POST", "sys/wrapping/wrap", "{\"a\":\"b\"}", "30");
	assert_int_equal(keyring_name(store_keyring(f.temp.store), KEYRING_TOKEN, wrapping, name),
			 0);
	assert_int_equal(token_revoke(f.temp.store, name, TOKEN_REVOKE_TREE), 0);
	unwrap(wrapping);
	expect_error(400, INVALID);
}

/* ---- What a wrapping token may do ---- */

static void used_for_anything_else_it_is_used_up(void **state)
{
	static const char *const asked[][2] = {
		{ "GET", "sys/mounts" },
		{ "GET", "auth/token/lookup-self" },
		{ "POST", "sys/wrapping/rewrap" },
		{ "GET", "cubbyhole/x" },
		{ "GET", "nowhere/x" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		wrap("POST", "sys/wrapping/wrap", "{}", "60");
		if (ask_as(wrapping, asked[i][0], asked[i][1], NULL, "") == 200 ||
		    unwrap(wrapping) != 400)
			fail_msg("%s: %d %s", asked[i][1], f.reply.status, buf_text(&f.reply.body));
	}
}

static void opening_anothers_wrapper_uses_it_up(void **state)
{
	char other[64];

	(void)state;
	wrap("POST", "sys/wrapping/wrap", "{\"a\":\"b\"}", "60");
	strcpy(other, wrapping);
	wrap("POST", "sys/wrapping/wrap", "{}", "60");
	assert_int_equal(ask_as(wrapping, "PUT", "sys/wrapping/unwrap", with_token(other), ""),
			 200);
	assert_string_equal(data_text(&f, "a"), "b");
	unwrap(wrapping);
	expect_error(400, INVALID);
}

/* ---- Limits ---- */

static void a_token_wraps_only_so_much(void **state)
{
	const char *refusal = "too many wrapped responses: a token may have 10000 at a time, and "
			      "4194304 bytes of them; wait until some have ended";
	size_t size = WRAPPERS_SIZE_MAX / 4;
	char *body = malloc(size + 1);

	(void)state;
	assert_non_null(body);
	memset(body, 'x', size);
	memcpy(body, "{\"k\":\"", 6);
	memcpy(body + size - 2, "\"}", 3);
	for (int i = 0; i < 4; i++)
		wrap("POST", "sys/wrapping/wrap", body, "60");
	ask_as(NULL, "POST", "sys/wrapping/wrap", body, "60");
	expect_error(400, refusal);
	ask_as(NULL, "GET", CREDS, NULL, "60");
	expect_error(400, refusal);
	assert_int_equal(fake.issues, 0);
	ask_as(NULL, "POST", "sys/wrapping/rewrap", with_token(wrapping), "");
	expect_error(400, refusal);
	age(61);
	turn(1);
	wrap("POST", "sys/wrapping/wrap", body, "60");
	free(body);
}

static struct wrapper *kept(const char *token)
{
	unsigned char name[KEYRING_NAME_SIZE];
	struct wrapper *wrapper;

	assert_int_equal(keyring_name(store_keyring(f.temp.store), KEYRING_TOKEN, token, name), 0);
	assert_int_equal(wrapper_get(f.temp.store, name, &wrapper), 0);
	return wrapper;
}

/* Else each of them would have a share of its own, and a chain of them no limit. */
static void a_wrapping_token_wraps_anew_in_the_share_of_its_maker(void **state)
{
	static const char *const ways[][2] = {
		{ "PUT", "sys/wrapping/unwrap" },
		{ "GET", "cubbyhole/response" },
	};
	struct wrapper *first, *next;

	(void)state;
	for (int i = 0; i < 2; i++) {
		wrap("POST", "sys/wrapping/wrap", "{\"a\":\"b\"}", "60");
		first = kept(wrapping);
		assert_int_equal(ask_as(wrapping, ways[i][0], ways[i][1], NULL, "90"), 200);
		snprintf(wrapping, sizeof(wrapping), "%s", json_get_text(info(), "token"));
		next = kept(wrapping);
		assert_memory_equal(next->maker, first->maker, sizeof(next->maker));
		assert_memory_not_equal(next->maker, first->name, sizeof(next->maker));
		wrapper_free(first);
		wrapper_free(next);
		assert_int_equal(unwrap(wrapping), 200);
		assert_string_equal(data_text(&f, "a"), "b");
	}
}

/* Each would have a share of its own, and what one may do everybody may do: no end of them. */
static void nothing_else_is_wrapped_for_a_wrapping_token(void **state)
{
	static const char *const paths[] = { "sys/internal/ui/mounts/sys", "cubbyhole/response" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		wrap("POST", "sys/wrapping/wrap", "{}", "60");
		assert_int_equal(ask_as(wrapping, "GET", paths[i], NULL, "60"), i ? 200 : 403);
		assert_int_equal(info() != NULL, i);
	}
	wrap("POST", "sys/wrapping/wrap", "{}", "60");
	assert_int_equal(ask_as(wrapping, "GET", paths[0], NULL, ""), 200);
}

/* Else whoever has one wrapping token could use up the share of who made it. */
static void a_wrapping_token_wraps_anew_a_few_times_only(void **state)
{
	(void)state;
	wrap("POST", "sys/wrapping/wrap", "{\"a\":\"b\"}", "60");
	for (int i = 0; i < WRAPPER_REWRAPS_MAX; i++) {
		assert_int_equal(ask_as(wrapping, "PUT", "sys/wrapping/unwrap", NULL, "90"), 200);
		snprintf(wrapping, sizeof(wrapping), "%s", json_get_text(info(), "token"));
	}
	ask_as(wrapping, "PUT", "sys/wrapping/unwrap", NULL, "90");
	expect_error(400,
		     "the response was wrapped anew by its own wrapping token 15 times: unwrap "
		     "it");
	/* Others may go on, in their own share; and it can still be opened. */
	for (int i = 0; i < 2; i++)
		wrap("POST", "sys/wrapping/rewrap", with_token(wrapping), "");
	assert_int_equal(unwrap(wrapping), 200);
	assert_string_equal(data_text(&f, "a"), "b");
}

static void what_has_no_room_stays_wrapped_as_it_was(void **state)
{
	size_t size = WRAPPERS_SIZE_MAX / 4;
	char *body = malloc(size + 1);

	(void)state;
	assert_non_null(body);
	memset(body, 'x', size);
	memcpy(body, "{\"k\":\"", 6);
	memcpy(body + size - 2, "\"}", 3);
	for (int i = 0; i < 4; i++)
		wrap("POST", "sys/wrapping/wrap", body, "60");
	assert_int_equal(ask_as(wrapping, "PUT", "sys/wrapping/unwrap", NULL, "90"), 400);
	assert_int_equal(unwrap(wrapping), 200);
	free(body);
}

/* A token that waits waits on in the wrapper that takes the first one's place. */
static void a_token_wrapped_anew_by_the_old_way_is_revoked_unopened(void **state)
{
	char body[100];

	(void)state;
	wrap("POST", "auth/token/create", "{\"ttl\":\"1h\"}", "60");
	snprintf(body, sizeof(body), "{\"accessor\":\"%s\"}",
		 json_get_text(info(), "wrapped_accessor"));
	assert_int_equal(ask_as(wrapping, "GET", "cubbyhole/response", NULL, "60"), 200);
	snprintf(wrapping, sizeof(wrapping), "%s", json_get_text(info(), "token"));
	age(61);
	turn(1);
	assert_int_not_equal(ask_as(NULL, "POST", "auth/token/lookup-accessor", body, ""), 200);
}

static void a_full_store_opens_but_does_not_wrap(void **state)
{
	(void)state;
	wrap("GET", CREDS, NULL, "60");
	temp_fill(f.temp.store);
	ask_as(NULL, "POST", "sys/wrapping/wrap", "{}", "60");
	assert_int_equal(f.reply.status, 507);
	assert_int_equal(ask_as(NULL, "POST", "auth/token/create", "{\"ttl\":\"1h\"}", "60"), 507);
	assert_int_equal(unwrap(wrapping), 200);
	assert_string_equal(data_text(&f, "secret"), SECRET);
}

static struct api *read_api(void)
{
	struct api *api;

	assert_int_equal(api_new(f.broker, API_READ, &api), 0);
	return api;
}

static void a_read_process_hands_on_what_is_to_be_wrapped(void **state)
{
	struct api *both = f.api;

	(void)state;
	wrap("POST", "sys/wrapping/wrap", "{\"a\":\"b\"}", "30");
	f.api = read_api();
	ask_as(NULL, "GET", "auth/token/lookup-self", NULL, "");
	assert_false(f.reply.hand_on);
	ask_as(NULL, "GET", "auth/token/lookup-self", NULL, "60");
	assert_true(f.reply.hand_on);
	ask_as(wrapping, "PUT", "sys/wrapping/unwrap", NULL, "");
	assert_true(f.reply.hand_on);
	/* Strangers get no further. */
	ask_as("hvs.none", "PUT", "sys/wrapping/unwrap", NULL, "");
	assert_false(f.reply.hand_on);
	expect_error(400, INVALID);
	ask_as("hvs.none", "GET", "auth/token/lookup-self", NULL, "60");
	assert_false(f.reply.hand_on);
	api_free(f.api);
	f.api = both;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WRAPPING_TEST(whatever_is_sent_is_wrapped),
		WRAPPING_TEST(without_the_header_there_is_nothing_to_wrap),
		WRAPPING_TEST(only_what_has_a_body_is_wrapped),
		WRAPPING_TEST(a_list_is_wrapped_like_anything_else),
		WRAPPING_TEST(it_lasts_no_longer_than_leases_do),
		WRAPPING_TEST(it_is_looked_up_without_being_opened),
		WRAPPING_TEST(it_is_opened_once_whoever_asks),
		WRAPPING_TEST(an_opened_wrapper_leaves_no_token),
		WRAPPING_TEST(the_old_way_reads_a_cubbyhole),
		WRAPPING_TEST(what_is_no_wrapping_token_is_refused),
		WRAPPING_TEST(a_wrapping_token_is_no_secret_of_a_query),
		WRAPPING_TEST(it_is_wrapped_anew),
		WRAPPING_TEST(who_wants_it_wrapped_gets_it_wrapped_anew),
		WRAPPING_TEST(it_cannot_be_opened_after_its_end),
		WRAPPING_TEST(it_cannot_be_opened_when_its_token_was_revoked),
		WRAPPING_TEST(used_for_anything_else_it_is_used_up),
		WRAPPING_TEST(opening_anothers_wrapper_uses_it_up),
		WRAPPING_TEST(a_token_wraps_only_so_much),
		WRAPPING_TEST(a_wrapping_token_wraps_anew_in_the_share_of_its_maker),
		WRAPPING_TEST(nothing_else_is_wrapped_for_a_wrapping_token),
		WRAPPING_TEST(a_wrapping_token_wraps_anew_a_few_times_only),
		WRAPPING_TEST(what_has_no_room_stays_wrapped_as_it_was),
		WRAPPING_TEST(a_token_wrapped_anew_by_the_old_way_is_revoked_unopened),
		WRAPPING_TEST(a_full_store_opens_but_does_not_wrap),
		WRAPPING_TEST(a_read_process_hands_on_what_is_to_be_wrapped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
