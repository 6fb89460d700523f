/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens that exist: renewed, revoked, and known by their accessors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "api_memory.h"
#include "fail_alloc.h"
#include "tokens_fixture.h"
#include "util/clock.h"

/* ---- Renewal ---- */

static const char *with_token(const struct bearer *bearer, const char *rest)
{
	static char body[TOKEN_TEXT_MAX + 128];

	snprintf(body, sizeof(body), "{\"token\":\"%s\"%s}", bearer->token, rest);
	return body;
}

static void what_is_not_renewable_is_not_renewed(void **state)
{
	struct bearer fixed = made("{\"ttl\":\"1h\",\"renewable\":false}");
	struct bearer lasting = made("{}");
	struct bearer batch = made("{\"type\":\"batch\",\"policies\":[\"default\"]}");

	(void)state;
	expect(&f, "POST", "auth/token/renew", "{}", 400, "missing token ID");
	expect(&f, "POST", "auth/token/renew", "{\"token\":\"hvs.none\"}", 400, "token not found");
	expect(&f, "POST", "auth/token/renew", with_token(&fixed, ""), 400,
	       "lease is not renewable");
	expect(&f, "POST", "auth/token/renew", with_token(&lasting, ""), 400,
	       "lease is not renewable");
	expect(&f, "POST", "auth/token/renew-self", NULL, 400, "invalid lease ID");
	expect(&f, "POST", "auth/token/renew", with_token(&batch, ""), 400,
	       "batch tokens cannot be renewed");
	expect_as(&batch, "POST", "auth/token/renew-self", NULL, 400,
		  "batch tokens cannot be renewed");
	expect(&f, "POST", "auth/token/renew", with_token(&fixed, ",\"increment\":-5"), 400,
	       "Field validation failed: error converting input for field \"increment\": cannot "
	       "provide negative value '-5'");
}

static void a_renewal_keeps_what_was_granted_last(void **state)
{
	struct bearer bearer = made("{\"ttl\":\"10m\",\"policies\":[\"default\"]}");

	(void)state;
	assert_int_equal(ask_as(&bearer, "POST", "auth/token/renew-self", "{\"increment\":60}"),
			 200);
	assert_int_equal(json_integer_value(auth_member(&f, "lease_duration")), 60);
	assert_int_equal(ask_as(&bearer, "POST", "auth/token/renew-self", "{}"), 200);
	assert_int_equal(json_integer_value(auth_member(&f, "lease_duration")), 60);
	ask_as(&bearer, "GET", "auth/token/lookup-self", NULL);
	assert_int_equal(json_integer_value(data_member(&f, "creation_ttl")), 600);
	assert_non_null(data_member(&f, "last_renewal"));
	assert_true(json_is_integer(data_member(&f, "last_renewal_time")));
}

/* ---- Revocation ---- */

static void a_batch_token_shows_its_times(void **state)
{
	struct bearer batch = made(
		"{\"type\":\"batch\",\"policies\":[\"default\"],\"ttl\":\"1h\"}");

	(void)state;
	assert_int_equal(ask_as(&batch, "GET", "auth/token/lookup-self", NULL), 200);
	assert_string_equal(data_text(&f, "type"), "batch");
	assert_string_equal(data_text(&f, "accessor"), "");
	assert_true(json_is_false(data_member(&f, "renewable")));
	assert_true(json_is_string(data_member(&f, "issue_time")));
	assert_true(json_is_string(data_member(&f, "expire_time")));
	assert_in_range(json_integer_value(data_member(&f, "ttl")), 3590, 3600);
}

static void what_is_revoked_is_unknown_at_once(void **state)
{
	struct bearer maker = with_policy("maker", MAKER), child = made_by(&maker, "{}");

	(void)state;
	expect(&f, "POST", "auth/token/revoke", with_token(&maker, ""), 204, "");
	expect_as(&maker, "GET", "auth/token/lookup-self", NULL, 403, INVALID);
	expect_as(&child, "GET", "auth/token/lookup-self", NULL, 403, INVALID);
	expect(&f, "POST", "auth/token/lookup", with_token(&child, ""), 403, "bad token");
	expect(&f, "POST", "auth/token/revoke", with_token(&child, ""), 204, "");
	expect(&f, "POST", "auth/token/revoke", "{}", 400, "missing token ID");
}

static void batch_tokens_are_not_revoked(void **state)
{
	struct bearer batch = made("{\"type\":\"batch\",\"policies\":[\"default\"]}");

	(void)state;
	expect(&f, "POST", "auth/token/revoke", with_token(&batch, ""), 400,
	       "batch tokens cannot be revoked");
	expect_as(&batch, "POST", "auth/token/revoke-self", NULL, 400,
		  "batch tokens cannot be revoked");
	expect(&f, "POST", "auth/token/revoke-orphan", with_token(&batch, ""), 400,
	       "batch tokens cannot be revoked");
}

static void orphaning_needs_sudo(void **state)
{
	struct bearer maker = with_policy("maker", MAKER), child = made_by(&maker, "{}");

	(void)state;
	expect_as(&maker, "POST", "auth/token/revoke-orphan", with_token(&child, ""), 400,
		  "root or sudo privileges required to revoke and orphan");
	expect(&f, "POST", "auth/token/revoke-orphan", "{\"token\":\"x\"}", 400,
	       "token to revoke not found");
	expect(&f, "POST", "auth/token/revoke-orphan", "{}", 400, "missing token ID");
	expect(&f, "POST", "auth/token/revoke-orphan", with_token(&maker, ""), 204, "");
	assert_int_equal(ask_as(&child, "GET", "auth/token/lookup-self", NULL), 200);
	assert_true(json_is_true(data_member(&f, "orphan")));
}

/* ---- Accessors ---- */

static const char *with_accessor(const struct bearer *bearer)
{
	static char body[64];

	snprintf(body, sizeof(body), "{\"accessor\":\"%s\"}", bearer->accessor);
	return body;
}

static void accessors_reach_ones_own_descendants_alone(void **state)
{
	static const char *const paths[] = { "auth/token/lookup-accessor",
					     "auth/token/renew-accessor",
					     "auth/token/revoke-accessor" };
	struct bearer maker = with_policy("reacher", REACHER), other = made("{\"ttl\":\"1h\"}");
	struct bearer child, grandchild;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		child = made_by(&maker, "{}");
		grandchild = made_by(&child, "{}");
		/* What is another's and what is nobody's look the same. */
		expect_as(&maker, "POST", paths[i], with_accessor(&other), 403, DENIED);
		expect_as(&maker, "POST", paths[i], "{\"accessor\":\"none\"}", 403, DENIED);
		expect_as(&child, "POST", paths[i], with_accessor(&maker), 403, DENIED);
		expect_as(&maker, "POST", paths[i], "{}", 400, "missing accessor");
		expect_as(&maker, "POST", paths[i], with_accessor(&grandchild), i < 2 ? 200 : 204,
			  NULL);
		expect_as(&maker, "POST", paths[i], with_accessor(&maker), i < 2 ? 200 : 204, NULL);
	}
	expect_as(&maker, "GET", "auth/token/lookup-self", NULL, 403, INVALID);
	expect_as(&grandchild, "GET", "auth/token/lookup-self", NULL, 403, INVALID);
}

static void ask_what(const struct bearer *who, const struct bearer *whose, int status)
{
	char body[100];

	snprintf(body, sizeof(body), "{\"accessor\":\"%s\",\"paths\":\"x\"}",
		 whose ? whose->accessor : "none");
	expect_as(who, "POST", "sys/capabilities-accessor", body, status,
		  status == 403 ? DENIED : NULL);
}

static void who_has_an_accessor_alone_is_not_told_what_its_token_may_do(void **state)
{
	struct bearer other = made("{\"ttl\":\"1h\"}"), maker, child, sudo;

	(void)state;
	maker = with_policy("asks",
			    "path \"sys/capabilities-accessor\" { capabilities = [\"update\"] }\n"
			    "path \"auth/token/create\" { capabilities = [\"update\"] }");
	child = made_by(&maker, "{}");
	ask_what(&maker, &child, 200);
	ask_what(&maker, &maker, 200);
	ask_what(&maker, &other, 403);
	ask_what(&maker, NULL, 403);
	ask_what(&child, &maker, 403);
	sudo = with_policy("all", "path \"sys/capabilities-accessor\" { capabilities = "
				  "[\"update\", \"sudo\"] }");
	ask_what(&sudo, &other, 200);
	ask_what(&sudo, NULL, 400);
}

static void a_grant_on_an_accessor_is_a_grant_on_that_very_token(void **state)
{
	struct bearer other = made("{\"ttl\":\"1h\",\"policies\":[\"default\"]}");
	char rules[256];
	struct bearer granted;

	(void)state;
	snprintf(rules, sizeof(rules),
		 "path \"auth/token/lookup-accessor\" { capabilities = [\"update\"] }\n"
		 "path \"auth/token/lookup-accessor/%s\" { capabilities = [\"update\"] }",
		 other.accessor);
	granted = with_policy("one", rules);
	assert_int_equal(
		ask_as(&granted, "POST", "auth/token/lookup-accessor", with_accessor(&other)), 200);
	assert_string_equal(data_text(&f, "id"), "");
	expect_as(&granted, "POST", "auth/token/lookup-accessor", "{\"accessor\":\"none\"}", 403,
		  DENIED);
}

static void all_accessors_are_for_sudo(void **state)
{
	struct bearer maker = with_policy(
		"lister", "path \"auth/token/accessors*\" { capabilities = [\"list\"] }");

	(void)state;
	expect_as(&maker, "LIST", "auth/token/accessors", NULL, 403, DENIED);
	assert_int_equal(ask(&f, "LIST", "auth/token/accessors", NULL), 200);
	assert_int_equal(json_array_size(data_member(&f, "keys")), 2); /* root's too */
	assert_int_equal(ask(&f, "LIST", "auth/token/accessors?limit=1", NULL), 200);
	assert_int_equal(json_array_size(data_member(&f, "keys")), 1);
}

/* ---- Odd tokens ---- */

static void odd_tokens_let_nobody_in(void **state)
{
	static char huge[64 * 1024 + 1];
	const struct api_request with_header = {
		.method = "GET",
		.path = "/v1/auth/token/lookup-self",
		.token = huge,
		.deadline = clock_boot_ms() + 500,
	};
	char body[sizeof(huge) + 32];

	(void)state;
	memset(huge, 'A', sizeof(huge) - 1);
	assert_in_range(ask_raw(&f, &with_header), 400, 431);
	snprintf(body, sizeof(body), "{\"token\":\"%s\"}", huge);
	expect(&f, "POST", "auth/token/lookup", body, 403, "bad token");
	expect(&f, "POST", "auth/token/renew", body, 400, "token not found");
	expect(&f, "POST", "auth/token/revoke", body, 204, "");
	expect(&f, "POST", "auth/token/lookup", "{\"token\":\" two words \"}", 403, "bad token");
	expect(&f, "POST", "auth/token/lookup", "{\"token\":\"\\u0001\"}", 403, "bad token");
	assert_int_equal(ask(&f, "POST", "auth/token/lookup", "{\"token\":\"a\\u0000b\"}"), 400);
	assert_int_equal(ask(&f, "GET", "auth/token/lookup?token=x", NULL), 400);
	assert_int_equal(ask(&f, "POST", "auth/token/lookup", "{\"token\":[\"x\"]}"), 400);
}

/* ---- Memory ---- */

static void lost_memory_is_told(void **state)
{
	static const char body[] = "{\"meta\":{\"k\":\"v\"},\"ttl\":\"1h\"}";
	const struct api_request raw = {
		.method = "POST",
		.path = "/v1/auth/token/create/r",
		.body = body,
		.body_size = strlen(body),
		.token = f.token,
		.deadline = clock_boot_ms() + 5000,
	};

	(void)state;
	expect(&f, "POST", "auth/token/roles/r", "{\"allowed_policies\":\"a\"}", 204, "");
	lose_each(&f, &raw, LOSS_IS_TOLD, 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		API_TEST(what_is_not_renewable_is_not_renewed),
		API_TEST(a_renewal_keeps_what_was_granted_last),
		API_TEST(a_batch_token_shows_its_times),
		API_TEST(what_is_revoked_is_unknown_at_once),
		API_TEST(batch_tokens_are_not_revoked),
		API_TEST(orphaning_needs_sudo),
		API_TEST(accessors_reach_ones_own_descendants_alone),
		API_TEST(who_has_an_accessor_alone_is_not_told_what_its_token_may_do),
		API_TEST(a_grant_on_an_accessor_is_a_grant_on_that_very_token),
		API_TEST(all_accessors_are_for_sudo),
		API_TEST(odd_tokens_let_nobody_in),
		API_TEST(lost_memory_is_told),
	};

	fail_alloc_jansson();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
