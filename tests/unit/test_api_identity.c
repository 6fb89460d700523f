/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of auth/proxy/, and who is believed by them, as clients see it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "auth/identity.h"
#include "identity_fixture.h"
#include "util/shared.h"

#define DENIED "permission denied"

/* ---- Entries ---- */

static void an_entry_is_written_merged_and_shown(void **state)
{
	(void)state;
	put("basic/alice",
	    "{\"policies\":\"App, dev\",\"ttl\":\"5m\",\"metadata\":{\"team\":\"x\"}}");
	put("basic/alice", "{\"max_ttl\":600,\"bound_cidrs\":\"10.0.0.0/8\"}");
	expect_data(&f, "GET", ENTRY "basic/alice", NULL,
		    "{\"policies\":[\"app\",\"default\",\"dev\"],\"ttl\":300,\"max_ttl\":600,"
		    "\"bound_cidrs\":[\"10.0.0.0/8\"],\"metadata\":{\"team\":\"x\"},"
		    "\"rate\":0}");
	expect(&f, "DELETE", ENTRY "basic/alice", NULL, 204, "");
	expect(&f, "DELETE", ENTRY "basic/alice", NULL, 204, "");
	expect(&f, "GET", ENTRY "basic/alice", NULL, 404, NOT_FOUND);
}

static void entries_are_listed_by_method(void **state)
{
	(void)state;
	put("cert/a/b*", "{\"policies\":\"p\"}");
	put("cert/*@example.com", "{\"policies\":\"p\"}");
	put("map/x", "{\"policies\":\"p\"}");
	expect_data(&f, "LIST", ENTRY "cert", NULL, "{\"keys\":[\"*@example.com\",\"a/b*\"]}");
	expect_data(&f, "LIST", ENTRY "cert/", NULL, "{\"keys\":[\"*@example.com\",\"a/b*\"]}");
	expect(&f, "LIST", ENTRY "basic", NULL, 404, NOT_FOUND);
	expect_data(&f, "LIST", "auth/proxy/identity", NULL,
		    "{\"keys\":[\"cert/\",\"basic/\",\"request/\",\"address/\",\"map/\"]}");
}

static const struct {
	const char *name, *path, *body, *error;
} bad_entries[] = {
	{ "root is for nobody", "basic/a", "{\"policies\":[\"dev\",\"Root\"]}",
	  "an identity cannot have the policy \"root\"" },
	{ "nor is the policy of wrapping tokens", "basic/a", "{\"policies\":\"response-wrapping\"}",
	  "an identity cannot have the policy \"response-wrapping\"" },
	{ "a method that is none", "kerberos/a", "{\"policies\":\"p\"}",
	  "the path must be auth/proxy/identity/<method>/<name>, with one of the methods cert, "
	  "basic, request, address, map" },
	{ "no name", "basic", "{\"policies\":\"p\"}",
	  "the path must be auth/proxy/identity/<method>/<name>, with one of the methods cert, "
	  "basic, request, address, map" },
	{ "a ttl beyond its maximum", "basic/a", "{\"ttl\":\"2h\",\"max_ttl\":\"1h\"}",
	  "ttl must not be longer than max_ttl" },
	{ "a rate below zero", "basic/a", "{\"rate\":-1}",
	  "rate must be 0 (no limit) to 10000 requests a second" },
	{ "a network that is none", "basic/a", "{\"bound_cidrs\":\"10.0.0.0/40\"}",
	  "bound_cidrs: \"10.0.0.0/40\" must be an address or a block of addresses, as 10.0.0.0/8 "
	  "or 2001:db8::/32" },
	{ "metadata that says who it is", "basic/a", "{\"metadata\":{\"name\":\"bob\"}}",
	  "metadata: \"method\" and \"name\" are set to who it is; choose other names" },
};

static void bad_entries_are_refused(void **state)
{
	char path[128];

	(void)state;
	for (size_t i = 0; i < sizeof(bad_entries) / sizeof(bad_entries[0]); i++) {
		print_message("  %s\n", bad_entries[i].name);
		snprintf(path, sizeof(path), ENTRY "%s", bad_entries[i].path);
		expect(&f, "POST", path, bad_entries[i].body, 400, bad_entries[i].error);
	}
	expect(&f, "LIST", ENTRY "basic", NULL, 404, NOT_FOUND);
}

static void a_name_that_is_too_long_is_refused(void **state)
{
	char path[300] = ENTRY "basic/";

	(void)state;
	memset(path + strlen(path), 'n', 257);
	expect(&f, "POST", path, "{\"policies\":\"p\"}", 400,
	       "a name has 1 to 256 bytes of printable UTF-8");
}

/* ---- Who is believed ---- */

static void an_identity_is_served_with_its_policies(void **state)
{
	(void)state;
	put("basic/alice", "{\"policies\":\"app\",\"metadata\":{\"team\":\"x\"}}");
	expect(&f, "PUT", "sys/policies/acl/app",
	       "{\"policy\":\"path \\\"sys/mounts\\\" { capabilities = [\\\"read\\\"] }\"}", 204,
	       "");
	assert_int_equal(ask_as("alice", "GET", "/v1/sys/mounts"), 200);
	assert_int_equal(ask_as("alice", "GET", "/v1/sys/auth"), 403);
	assert_int_equal(ask_as("alice", "GET", "/v1/" SELF), 200);
	assert_string_equal(data_text(&f, "type"), "identity");
	assert_string_equal(data_text(&f, "display_name"), "basic-alice");
	assert_string_equal(data_text(&f, "accessor"), "");
	assert_string_equal(meta("method"), "basic");
	assert_string_equal(meta("name"), "alice");
	assert_string_equal(meta("team"), "x");
}

struct spoilt {
	const char *name, *auth_method, *auth_name, *auth_secret, *uri, *vault_request, *address;
	const char *token, *prefix;
	bool distrusted;
	int status;
};

static const struct spoilt spoilt[] = {
	{ .name = "nothing is spoilt", .status = 200 },
	{ .name = "a listener that believes nobody", .distrusted = true, .status = 403 },
	{ .name = "no secret", .auth_secret = "", .status = 403 },
	{ .name = "a wrong secret",
	  .auth_secret = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
	  .status = 403 },
	{ .name = "a secret that was cut", .auth_secret = "0", .status = 403 },
	{ .name = "an unknown method", .auth_method = "kerberos", .status = 403 },
	{ .name = "no method", .auth_method = "", .status = 403 },
	{ .name = "another method's name", .auth_method = "map", .status = 403 },
	{ .name = "a certificate that nobody has verified", .auth_method = "cert", .status = 403 },
	{ .name = "no name", .auth_name = "", .status = 403 },
	{ .name = "no UTF-8",
	  .auth_name = "ali\xff"
		       "ce",
	  .status = 403 },
	{ .name = "a control character", .auth_name = "alice\n", .status = 403 },
	{ .name = "a name that goes on", .auth_name = "alice,root", .status = 403 },
	{ .name = "another case", .auth_name = "Alice", .status = 403 },
	{ .name = "a web page's request", .vault_request = "", .status = 403 },
	{ .name = "another word for true", .vault_request = "1", .status = 403 },
	{ .name = "a path that was rewritten", .uri = "/open/" SELF, .status = 403 },
	{ .name = "no path at all", .uri = "", .status = 403 },
	{ .name = "a folder more", .uri = "/v1/" SELF "/x", .status = 403 },
	{ .name = "two slashes", .uri = "/v1//" SELF, .status = 403 },
	{ .name = "a dot", .uri = "/v1/./" SELF, .status = 403 },
	{ .name = "a path that was resolved", .uri = "/v1/x/../" SELF, .status = 403 },
	{ .name = "another case of the path", .uri = "/V1/" SELF, .status = 403 },
	{ .name = "encoded once", .uri = "/v1/%61uth/token/lookup%2Dself", .status = 200 },
	{ .name = "an encoded slash", .uri = "/v1%2fauth%2Ftoken/lookup-self", .status = 200 },
	{ .name = "encoded twice", .uri = "/v1/%2561uth/token/lookup-self", .status = 403 },
	{ .name = "an escape that is cut", .uri = "/v1/" SELF "%2", .status = 403 },
	{ .name = "an escape of nothing", .uri = "/v1/%", .status = 403 },
	{ .name = "a query", .uri = "/v1/" SELF "?a=/v1/other", .status = 200 },
	{ .name = "an encoded question mark", .uri = "/v1/" SELF "%3fa", .status = 403 },
	{ .name = "a prefix that was taken off",
	  .prefix = "/vault",
	  .uri = "/vault/v1/" SELF,
	  .status = 200 },
	{ .name = "a prefix that is missing", .prefix = "/vault", .status = 403 },
	{ .name = "another prefix", .prefix = "/vault", .uri = "/public/v1/" SELF, .status = 403 },
	{ .name = "a token that is nobody's decides alone", .token = "hvs.nobody", .status = 403 },
	{ .name = "an address out of bounds", .address = "192.168.0.1", .status = 403 },
	{ .name = "no address", .address = "", .status = 403 },
};

static struct api_request spoil(const struct spoilt *how)
{
	struct api_request raw = vouched("alice", "GET", "/v1/" SELF);
	const struct {
		const char *given, **member;
	} members[] = {
		{ how->auth_method, &raw.auth_method },
		{ how->auth_name, &raw.auth_name },
		{ how->auth_secret, &raw.auth_secret },
		{ how->uri, &raw.uri },
		{ how->vault_request, &raw.vault_request },
		{ how->address, &raw.remote_address },
		{ how->token, &raw.token },
		{ how->prefix, &raw.prefix },
	};

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		if (members[i].given)
			*members[i].member = members[i].given;
	raw.trusted = !how->distrusted;
	return raw;
}

static void only_what_is_beyond_doubt_is_believed(void **state)
{
	(void)state;
	put("basic/alice", "{\"policies\":\"app\",\"bound_cidrs\":\"192.0.2.0/24\"}");
	put("cert/alice", "{\"policies\":\"app\"}");
	for (size_t i = 0; i < sizeof(spoilt) / sizeof(spoilt[0]); i++) {
		struct api_request raw = spoil(&spoilt[i]);
		int status = ask_raw(&f, &raw);

		if (status != spoilt[i].status)
			fail_msg("%s: %d", spoilt[i].name, status);
	}
}

static void a_verified_certificate_is_believed(void **state)
{
	struct api_request raw = vouched("alice", "GET", "/v1/" SELF);

	(void)state;
	put("cert/alice", "{\"policies\":\"app\"}");
	raw.auth_method = "cert";
	raw.tls_verify = "SUCCESS";
	assert_int_equal(ask_raw(&f, &raw), 200);
	raw.tls_verify = "FAILED:certificate has expired";
	assert_int_equal(ask_raw(&f, &raw), 403);
}

static void a_name_of_64_kib_is_refused(void **state)
{
	static char name[65537];

	(void)state;
	put("basic/*", "{\"policies\":\"app\"}");
	memset(name, 'a', sizeof(name) - 1);
	assert_int_equal(ask_as(name, "GET", "/v1/" SELF), 403);
}

static void an_entry_without_policies_lets_nobody_in(void **state)
{
	(void)state;
	put("basic/alice", "{}");
	assert_int_equal(ask_as("alice", "GET", "/v1/" SELF), 403);
	put("basic/alice", "{\"policies\":\"app\"}");
	assert_int_equal(ask_as("alice", "GET", "/v1/" SELF), 200);
	put("basic/alice", "{\"policies\":[]}");
	assert_int_equal(ask_as("alice", "GET", "/v1/" SELF), 403);
}

static void a_valid_token_is_asked_not_the_identity(void **state)
{
	struct api_request raw = vouched("alice", "GET", "/v1/" SELF);

	(void)state;
	put("basic/alice", "{\"policies\":\"app\"}");
	raw.token = f.token;
	assert_int_equal(ask_raw(&f, &raw), 200);
	assert_string_equal(data_text(&f, "display_name"), "root");
}

static void what_is_served_is_counted_by_method(void **state)
{
	const struct slot *slot = &f.shared->slots[0];

	(void)state;
	put("basic/alice", "{\"policies\":\"app\"}");
	assert_int_equal(ask_as("alice", "GET", "/v1/" SELF), 200);
	assert_int_equal(ask_as("alice", "GET", "/v1/sys/mounts"), 403);
	assert_int_equal(ask_as("alice", "POST", "/v1/auth/proxy/login"), 200);
	assert_int_equal(ask_as("mallory", "GET", "/v1/" SELF), 403);
	assert_int_equal(slot->counters[COUNT_IDENTITIES + IDENTITY_BASIC], 3);
	assert_int_equal(slot->counters[COUNT_IDENTITIES + IDENTITY_CERT], 0);
}

/* By the work pool, which answers. */
static void what_is_too_long_for_the_read_pool_is_counted_once(void **state)
{
	static char body[150000];
	struct api *whole = f.api;

	(void)state;
	snprintf(body, sizeof(body), "{\"type\":\"alicloud\",\"description\":\"%0140000d\"}", 1);
	expect(&f, "POST", "sys/mounts/a", body, 204, "");
	expect(&f, "PUT", "sys/policies/acl/app",
	       "{\"policy\":\"path \\\"sys/mounts\\\" { capabilities = [\\\"read\\\"] }\"}", 204,
	       "");
	put("basic/alice", "{\"policies\":\"app\"}");
	assert_int_equal(api_new(f.broker, API_READ, &f.api), 0);
	ask_as("alice", "GET", "/v1/sys/mounts");
	assert_true(f.reply.hand_on);
	assert_int_equal(shared_sum(f.shared, COUNT_IDENTITIES + IDENTITY_BASIC), 0);
	api_free(f.api);
	f.api = whole;
	assert_int_equal(ask_as("alice", "GET", "/v1/sys/mounts"), 200);
	assert_int_equal(shared_sum(f.shared, COUNT_IDENTITIES + IDENTITY_BASIC), 1);
}

static void each_name_has_a_rate_of_its_own(void **state)
{
	(void)state;
	put("basic/*", "{\"policies\":\"app\",\"rate\":1}");
	assert_int_equal(ask_as("alice", "GET", "/v1/" SELF), 200);
	ask_until_too_many("alice", "");
	assert_string_equal(f.reply.headers[0].name, "Retry-After");
	assert_int_equal(ask_as("bob", "GET", "/v1/" SELF), 200);
	put("basic/alice", "{\"policies\":\"app\"}");
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(ask_as("alice", "GET", "/v1/" SELF), 200);
}

static void the_haste_of_others_slows_nobody(void **state)
{
	char name[16];

	(void)state;
	put("basic/*", "{\"policies\":\"app\",\"rate\":1}");
	for (unsigned i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		assert_int_equal(ask_as(name, "GET", "/v1/" SELF), 200);
	}
}

static void an_entry_that_is_too_long_is_refused(void **state)
{
	static char body[140000];

	(void)state;
	put("basic/alice", "{\"policies\":\"app\"}");
	snprintf(body, sizeof(body), "{\"metadata\":{\"a\":\"%0131072d\"}}", 0);
	expect(&f, "POST", ENTRY "basic/alice", body, 400, "the entry has more than 131072 bytes");
	expect(&f, "POST", ENTRY "basic/bob", body, 400, "the entry has more than 131072 bytes");
	assert_int_equal(ask_as("alice", "GET", "/v1/" SELF), 200);
	assert_null(json_object_get(data_member(&f, "meta"), "a"));
}

/* ---- Which entry ---- */

static const struct {
	const char *name, *chosen;
} choices[] = {
	{ "svc-one", "exact" },        { "svc-onerous", "longest" },
	{ "svc-two", "shorter" },      { "other", "everybody" },
	{ "a@example.com", "suffix" }, { "svc-one@example.com", "longest" },
};

static void the_closest_entry_counts(void **state)
{
	(void)state;
	put("basic/*", "{\"policies\":\"p\",\"metadata\":{\"of\":\"everybody\"}}");
	put("basic/*@example.com", "{\"policies\":\"p\",\"metadata\":{\"of\":\"suffix\"}}");
	put("basic/svc-*", "{\"policies\":\"p\",\"metadata\":{\"of\":\"shorter\"}}");
	put("basic/svc-one*", "{\"policies\":\"p\",\"metadata\":{\"of\":\"longest\"}}");
	put("basic/svc-one", "{\"policies\":\"p\",\"metadata\":{\"of\":\"exact\"}}");
	for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
		assert_int_equal(ask_as(choices[i].name, "GET", "/v1/" SELF), 200);
		assert_string_equal(meta("of"), choices[i].chosen);
		assert_string_equal(meta("name"), choices[i].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		API_TEST(an_entry_is_written_merged_and_shown),
		API_TEST(entries_are_listed_by_method),
		API_TEST(bad_entries_are_refused),
		API_TEST(a_name_that_is_too_long_is_refused),
		API_TEST(an_identity_is_served_with_its_policies),
		API_TEST(only_what_is_beyond_doubt_is_believed),
		API_TEST(a_verified_certificate_is_believed),
		API_TEST(a_name_of_64_kib_is_refused),
		API_TEST(an_entry_without_policies_lets_nobody_in),
		API_TEST(a_valid_token_is_asked_not_the_identity),
		API_TEST(what_is_served_is_counted_by_method),
		API_TEST(what_is_too_long_for_the_read_pool_is_counted_once),
		API_TEST(each_name_has_a_rate_of_its_own),
		API_TEST(the_haste_of_others_slows_nobody),
		API_TEST(an_entry_that_is_too_long_is_refused),
		API_TEST(the_closest_entry_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
