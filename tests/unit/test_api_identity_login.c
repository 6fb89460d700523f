/* SPDX-License-Identifier: Apache-2.0 */
/* Logging in as whom the web server vouches for, and what belongs to each name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "api_memory.h"
#include "fail_alloc.h"
#include "identity_fixture.h"
#include "util/json.h"

static char token[64];

static int log_in(const char *name)
{
	int status = ask_as(name, "POST", "/v1/auth/proxy/login");

	snprintf(token, sizeof(token), "%s", auth_text(&f, "client_token"));
	return status;
}

static void the_token_of_a_login_is_held_to_its_rate_as_well(void **state)
{
	(void)state;
	put("basic/*", "{\"policies\":\"app\",\"rate\":1}");
	assert_int_equal(log_in("alice"), 200);
	ask_until_too_many("alice", token);
	assert_string_equal(f.reply.headers[0].name, "Retry-After");
	assert_int_equal(log_in("bob"), 200);
	put("basic/*", "{\"rate\":0}");
	assert_int_equal(ask_with(&f, token, "GET", SELF, NULL), 200);
	assert_int_equal(ask_with(&f, token, "GET", SELF, NULL), 200);
}

static void a_login_gives_a_token_as_its_entry_says(void **state)
{
	(void)state;
	put("basic/alice", "{\"policies\":\"app\",\"ttl\":\"5m\",\"max_ttl\":\"10m\","
			   "\"metadata\":{\"team\":\"x\"}}");
	put("basic/bob", "{\"policies\":\"app\"}");
	assert_int_equal(log_in("bob"), 200);
	assert_int_equal(json_integer_value(auth_member(&f, "lease_duration")), 3600);
	assert_int_equal(log_in("alice"), 200);
	assert_int_equal(json_integer_value(auth_member(&f, "lease_duration")), 300);
	assert_true(json_is_true(auth_member(&f, "renewable")));
	assert_string_equal(auth_text(&f, "token_type"), "service");
	assert_string_equal(json_get_text(auth_member(&f, "metadata"), "name"), "alice");
	assert_int_equal(ask_with(&f, token, "GET", SELF, NULL), 200);
	assert_string_equal(data_text(&f, "path"), "auth/proxy/login");
	assert_string_equal(data_text(&f, "display_name"), "basic-alice");
	assert_string_equal(meta("name"), "alice");
	assert_string_equal(meta("team"), "x");
}

static void what_no_token_can_hold_is_told(void **state)
{
	static char body[70000];

	(void)state;
	snprintf(body, sizeof(body), "{\"policies\":\"app\",\"metadata\":{\"a\":\"%066000d\"}}", 0);
	put("basic/alice", body);
	assert_int_equal(log_in("alice"), 400);
	assert_int_equal(ask_as("alice", "GET", "/v1/" SELF), 200);
}

static void a_full_store_is_given_as_the_reason(void **state)
{
	(void)state;
	put("basic/alice", "{\"policies\":\"app\"}");
	temp_fill(f.temp.store);
	assert_int_equal(log_in("alice"), 507);
	assert_string_equal(error(&f), "the store is full");
	assert_int_equal(ask(&f, "POST", "auth/token/create", "{\"ttl\":\"1h\"}"), 507);
	assert_string_equal(error(&f), "the store is full");
}

static void only_who_is_believed_may_log_in(void **state)
{
	struct api_request raw = vouched("alice", "POST", "/v1/auth/proxy/login");

	(void)state;
	put("basic/alice", "{\"policies\":\"app\"}");
	assert_int_equal(log_in("mallory"), 403);
	raw.auth_secret = "";
	assert_int_equal(ask_raw(&f, &raw), 403);
	raw = vouched("alice", "POST", "/v1/auth/proxy/login");
	raw.token = f.token;
	assert_int_equal(ask_raw(&f, &raw), 403);
	assert_int_equal(ask_with(&f, "", "POST", "auth/proxy/login", NULL), 403);
	assert_int_equal(log_in("alice"), 200);
}

static int renew_as(const char *name, const char *path, const char *body)
{
	struct api_request raw = vouched(name, "POST", path);

	raw.token = token;
	raw.body = body;
	raw.body_size = strlen(body);
	if (!name)
		raw.auth_method = "";
	return ask_raw(&f, &raw);
}

static void renewing_needs_the_same_identity_now(void **state)
{
	char body[128];

	(void)state;
	put("basic/*", "{\"policies\":\"app\"}");
	assert_int_equal(log_in("alice"), 200);
	assert_int_equal(renew_as("alice", "/v1/auth/token/renew-self", ""), 200);
	assert_int_equal(renew_as("bob", "/v1/auth/token/renew-self", ""), 403);
	assert_int_equal(renew_as(NULL, "/v1/auth/token/renew-self", ""), 403);
	snprintf(body, sizeof(body), "{\"token\":\"%s\"}", token);
	assert_int_equal(ask(&f, "POST", "auth/token/renew", body), 403);
	assert_int_equal(ask_with(&f, token, "GET", SELF, NULL), 200);
}

static void renewing_obeys_the_policies_of_the_entry_as_it_is_now(void **state)
{
	(void)state;
	put("basic/*", "{\"policies\":\"app,more\"}");
	assert_int_equal(log_in("alice"), 200);
	put("basic/*", "{\"ttl\":\"30m\"}");
	assert_int_equal(renew_as("alice", "/v1/auth/token/renew-self", ""), 200);
	put("basic/*", "{\"policies\":\"app\"}");
	assert_int_equal(renew_as("alice", "/v1/auth/token/renew-self", ""), 400);
	put("basic/*", "{\"policies\":\"more,app\"}");
	assert_int_equal(renew_as("alice", "/v1/auth/token/renew-self", ""), 200);
	put("basic/alice", "{\"policies\":\"app\"}"); /* a closer entry */
	assert_int_equal(renew_as("alice", "/v1/auth/token/renew-self", ""), 400);
	assert_int_equal(ask_with(&f, token, "GET", SELF, NULL), 200);
}

static int64_t renewed_for(void)
{
	assert_int_equal(renew_as("alice", "/v1/auth/token/renew-self", ""), 200);
	return json_integer_value(auth_member(&f, "lease_duration"));
}

static void renewing_obeys_the_maximum_of_the_entry_as_it_is_now(void **state)
{
	(void)state;
	put("basic/alice", "{\"policies\":\"app\",\"max_ttl\":\"20m\"}");
	assert_int_equal(log_in("alice"), 200);
	put("basic/alice", "{\"max_ttl\":\"5m\"}");
	assert_true(renewed_for() <= 300);
	put("basic/alice", "{\"max_ttl\":\"2h\"}"); /* what the token was promised stays */
	renew_as("alice", "/v1/auth/token/renew-self", "{\"increment\":7200}");
	assert_in_range(json_integer_value(auth_member(&f, "lease_duration")), 301, 1200);
}

static void a_deleted_entry_takes_its_tokens_with_it(void **state)
{
	char other[64];

	(void)state;
	put("basic/bob", "{\"policies\":\"app\"}");
	put("basic/*", "{\"policies\":\"app\"}");
	assert_int_equal(log_in("bob"), 200);
	memcpy(other, token, sizeof(other));
	assert_int_equal(log_in("alice"), 200);
	expect(&f, "DELETE", ENTRY "basic/*", NULL, 204, "");
	assert_int_equal(ask_with(&f, token, "GET", SELF, NULL), 403);
	assert_int_equal(renew_as("alice", "/v1/auth/token/renew-self", ""), 403);
	assert_int_equal(ask_as("alice", "GET", "/v1/" SELF), 403);
	assert_int_equal(ask_with(&f, other, "GET", SELF, NULL), 200);
	assert_int_equal(ask_as("bob", "GET", "/v1/" SELF), 200);
}

static void a_new_entry_of_the_name_revives_nothing(void **state)
{
	(void)state;
	put("basic/alice", "{\"policies\":\"app\"}");
	assert_int_equal(log_in("alice"), 200);
	expect(&f, "DELETE", ENTRY "basic/alice", NULL, 204, "");
	put("basic/alice", "{\"policies\":\"app\"}");
	assert_int_equal(ask_as("alice", "GET", "/v1/" SELF), 200);
	assert_int_equal(ask_with(&f, token, "GET", SELF, NULL), 403);
}

static void an_identity_makes_and_renews_no_tokens(void **state)
{
	struct api_request raw = vouched("alice", "POST", "/v1/auth/token/create");

	(void)state;
	expect(&f, "PUT", "sys/policies/acl/app",
	       "{\"policy\":\"path \\\"auth/token/*\\\" { capabilities = [\\\"update\\\"] }\"}",
	       204, "");
	put("basic/alice", "{\"policies\":\"app\"}");
	assert_int_equal(ask_raw(&f, &raw), 400);
	assert_int_equal(ask_as("alice", "POST", "/v1/auth/token/renew-self"), 400);
}

/* ---- What is its own ---- */

static int keep(const char *name, const char *body)
{
	struct api_request raw = vouched(name, "POST", "/v1/cubbyhole/x");

	raw.body = body;
	raw.body_size = strlen(body);
	return ask_raw(&f, &raw);
}

static void each_name_has_a_cubbyhole_of_its_own(void **state)
{
	(void)state;
	put("basic/*", "{\"policies\":\"default\"}");
	assert_int_equal(keep("alice", "{\"k\":\"of alice\"}"), 204);
	assert_int_equal(ask_as("alice", "GET", "/v1/cubbyhole/x"), 200);
	assert_string_equal(data_text(&f, "k"), "of alice");
	assert_int_equal(ask_as("bob", "GET", "/v1/cubbyhole/x"), 404);
	assert_int_equal(keep("bob", "{\"k\":\"of bob\"}"), 204);
	assert_int_equal(ask_as("alice", "GET", "/v1/cubbyhole/x"), 200);
	assert_string_equal(data_text(&f, "k"), "of alice");
	assert_int_equal(ask_as("alice", "LIST", "/v1/cubbyhole"), 200);
	assert_int_equal(ask_as("alice", "DELETE", "/v1/cubbyhole/x"), 204);
	assert_int_equal(ask_as("alice", "GET", "/v1/cubbyhole/x"), 404);
	assert_int_equal(ask_as("bob", "GET", "/v1/cubbyhole/x"), 200);
}

static void a_deleted_entry_ends_what_it_owned(void **state)
{
	(void)state;
	put("basic/alice", "{\"policies\":\"default\"}");
	assert_int_equal(keep("alice", "{\"k\":1}"), 204);
	expect(&f, "DELETE", ENTRY "basic/alice", NULL, 204, "");
	put("basic/alice", "{\"policies\":\"default\"}");
	assert_int_equal(ask_as("alice", "GET", "/v1/cubbyhole/x"), 404);
}

/* ---- Memory ---- */

static void lost_memory_is_told(void **state)
{
	struct api_request login = vouched("alice", "POST", "/v1/auth/proxy/login");
	struct api_request direct = vouched("alice", "GET", "/v1/" SELF);
	struct api_request write = vouched("", "POST", "/v1/" ENTRY "basic/bob");

	(void)state;
	put("basic/*", "{\"policies\":\"default\",\"metadata\":{\"team\":\"x\"}}");
	lose_each(&f, &login, LOSS_IS_TOLD, 200);
	lose_each(&f, &direct, LOSS_IS_TOLD, 200);
	write.token = f.token;
	write.body = "{\"policies\":\"p\",\"ttl\":5}";
	write.body_size = strlen(write.body);
	lose_each(&f, &write, LOSS_IS_TOLD, 204);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		API_TEST(the_token_of_a_login_is_held_to_its_rate_as_well),
		API_TEST(a_login_gives_a_token_as_its_entry_says),
		API_TEST(what_no_token_can_hold_is_told),
		API_TEST(a_full_store_is_given_as_the_reason),
		API_TEST(only_who_is_believed_may_log_in),
		API_TEST(renewing_needs_the_same_identity_now),
		API_TEST(renewing_obeys_the_policies_of_the_entry_as_it_is_now),
		API_TEST(renewing_obeys_the_maximum_of_the_entry_as_it_is_now),
		API_TEST(a_deleted_entry_takes_its_tokens_with_it),
		API_TEST(a_new_entry_of_the_name_revives_nothing),
		API_TEST(an_identity_makes_and_renews_no_tokens),
		API_TEST(each_name_has_a_cubbyhole_of_its_own),
		API_TEST(a_deleted_entry_ends_what_it_owned),
		API_TEST(lost_memory_is_told),
	};

	fail_alloc_jansson();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
