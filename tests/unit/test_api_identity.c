/* SPDX-License-Identifier: Apache-2.0 */
/* auth/proxy/ and requests of whom the web server vouches for, as clients see them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "api_fixture.h"
#include "auth/identity.h"
#include "crypto/keyring.h"
#include "fail_alloc.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/json.h"
#include "util/shared.h"

#define DENIED     "permission denied"
#define ENTRY      "auth/proxy/identity/"
#define SELF       "auth/token/lookup-self"
#define IN_TIME_MS 50

static struct api_fixture f;

static int set_up(void **state)
{
	(void)state;
	api_fixture_open(&f, "alicloud");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	api_fixture_close(&f);
	return 0;
}

/* A believed request, which a test then spoils. */
static struct api_request vouched(const char *name, const char *method, const char *path)
{
	return (struct api_request){
		.method = method,
		.path = path,
		.uri = path,
		.auth_method = "basic",
		.auth_name = name,
		.auth_secret = keyring_web_secret(store_keyring(f.temp.store)),
		.vault_request = "true",
		.remote_address = "10.1.2.3",
		.trusted = true,
		.deadline = clock_boot_ms() + IN_TIME_MS,
	};
}

static int ask_as(const char *name, const char *method, const char *path)
{
	struct api_request raw = vouched(name, method, path);

	return ask_raw(&f, &raw);
}

static void put(const char *entry, const char *body)
{
	char path[400];

	snprintf(path, sizeof(path), ENTRY "%s", entry);
	expect(&f, "POST", path, body, 204, "");
}

static const char *meta(const char *member)
{
	return json_get_text(json_object_get(json_object_get(f.body, "data"), "meta"), member);
}

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
	expect(&f, "GET", ENTRY "basic/alice", NULL, 404, "{\"errors\":[]}");
}

static void entries_are_listed_by_method(void **state)
{
	(void)state;
	put("cert/a/b*", "{\"policies\":\"p\"}");
	put("cert/*@example.com", "{\"policies\":\"p\"}");
	put("map/x", "{\"policies\":\"p\"}");
	expect_data(&f, "LIST", ENTRY "cert", NULL, "{\"keys\":[\"*@example.com\",\"a/b*\"]}");
	expect_data(&f, "LIST", ENTRY "cert/", NULL, "{\"keys\":[\"*@example.com\",\"a/b*\"]}");
	expect(&f, "LIST", ENTRY "basic", NULL, 404, "{\"errors\":[]}");
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
	expect(&f, "LIST", ENTRY "basic", NULL, 404, "{\"errors\":[]}");
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
	put("basic/alice", "{\"policies\":\"app\",\"bound_cidrs\":\"10.0.0.0/8\"}");
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

static int ask_with(const char *bearer, const char *method, const char *path)
{
	struct api_request raw = {
		.method = method,
		.path = path,
		.token = bearer,
		.deadline = clock_boot_ms() + IN_TIME_MS,
	};

	return ask_raw(&f, &raw);
}

/* Two of the requests fall within a second, however slow the machine is. */
static void ask_until_too_many(const char *name, const char *token)
{
	int status = 200;

	for (unsigned i = 0; status == 200 && i < 1000; i++)
		status = token[0] ? ask_with(token, "GET", "/v1/" SELF)
				  : ask_as(name, "GET", "/v1/" SELF);
	assert_int_equal(status, 429);
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

/* ---- Logging in ---- */

static char token[64];

static const json_t *auth(void)
{
	return json_object_get(f.body, "auth");
}

static int log_in(const char *name)
{
	int status = ask_as(name, "POST", "/v1/auth/proxy/login");

	snprintf(token, sizeof(token), "%s", json_get_text(auth(), "client_token"));
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
	assert_int_equal(ask_with(token, "GET", "/v1/" SELF), 200);
	assert_int_equal(ask_with(token, "GET", "/v1/" SELF), 200);
}

static void a_login_gives_a_token_as_its_entry_says(void **state)
{
	(void)state;
	put("basic/alice", "{\"policies\":\"app\",\"ttl\":\"5m\",\"max_ttl\":\"10m\","
			   "\"metadata\":{\"team\":\"x\"}}");
	put("basic/bob", "{\"policies\":\"app\"}");
	assert_int_equal(log_in("bob"), 200);
	assert_int_equal(json_get_int(auth(), "lease_duration", 0), 3600);
	assert_int_equal(log_in("alice"), 200);
	assert_int_equal(json_get_int(auth(), "lease_duration", 0), 300);
	assert_true(json_get_true(auth(), "renewable"));
	assert_string_equal(json_get_text(auth(), "token_type"), "service");
	assert_string_equal(json_get_text(json_object_get(auth(), "metadata"), "name"), "alice");
	assert_int_equal(ask_with(token, "GET", "/v1/" SELF), 200);
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
	assert_int_equal(ask_with("", "POST", "/v1/auth/proxy/login"), 403);
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
	assert_int_equal(ask_with(token, "GET", "/v1/" SELF), 200);
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
	assert_int_equal(ask_with(token, "GET", "/v1/" SELF), 200);
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
	assert_int_equal(ask_with(token, "GET", "/v1/" SELF), 403);
	assert_int_equal(renew_as("alice", "/v1/auth/token/renew-self", ""), 403);
	assert_int_equal(ask_as("alice", "GET", "/v1/" SELF), 403);
	assert_int_equal(ask_with(other, "GET", "/v1/" SELF), 200);
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
	assert_int_equal(ask_with(token, "GET", "/v1/" SELF), 403);
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

/* Without the fixture's own reading of the answer, which needs memory as well. */
static int serve(const struct api_request *raw)
{
	struct api_reply reply;
	int status;

	api_serve(f.api, raw, &reply);
	api_sent(f.api, true);
	api_settle(f.api);
	status = reply.status;
	api_reply_clear(&reply);
	return status;
}

static void fail_each(const struct api_request *raw, int expected)
{
	int status = 0;

	for (unsigned n = 1; status != expected; n++) {
		fail_alloc_at(n);
		status = serve(raw);
		if (status != (fail_alloc_stop() ? 500 : expected))
			fail_msg("%s without allocation %u: %d", raw->path, n, status);
		assert_true(n < 3000);
	}
}

static struct api_request whole(const char *name, const char *method, const char *path)
{
	struct api_request raw = vouched(name, method, path);

	raw.query = raw.content_type = raw.token = raw.authorization = raw.namespace = "";
	raw.wrap_ttl = raw.tls_verify = raw.tls_cert = raw.prefix = raw.body = "";
	raw.request_id = REQUEST_ID;
	return raw;
}

static void lost_memory_is_told(void **state)
{
	struct api_request login = whole("alice", "POST", "/v1/auth/proxy/login");
	struct api_request direct = whole("alice", "GET", "/v1/" SELF);
	struct api_request write = whole("", "POST", "/v1/" ENTRY "basic/bob");

	(void)state;
	put("basic/*", "{\"policies\":\"default\",\"metadata\":{\"team\":\"x\"}}");
	fail_each(&login, 200);
	fail_each(&direct, 200);
	write.token = f.token;
	write.body = "{\"policies\":\"p\",\"ttl\":5}";
	write.body_size = strlen(write.body);
	fail_each(&write, 204);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_entry_is_written_merged_and_shown),
		TEST(entries_are_listed_by_method),
		TEST(bad_entries_are_refused),
		TEST(a_name_that_is_too_long_is_refused),
		TEST(an_identity_is_served_with_its_policies),
		TEST(only_what_is_beyond_doubt_is_believed),
		TEST(a_verified_certificate_is_believed),
		TEST(a_name_of_64_kib_is_refused),
		TEST(an_entry_without_policies_lets_nobody_in),
		TEST(a_valid_token_is_asked_not_the_identity),
		TEST(what_is_served_is_counted_by_method),
		TEST(each_name_has_a_rate_of_its_own),
		TEST(the_closest_entry_counts),
		TEST(the_token_of_a_login_is_held_to_its_rate_as_well),
		TEST(a_login_gives_a_token_as_its_entry_says),
		TEST(what_no_token_can_hold_is_told),
		TEST(only_who_is_believed_may_log_in),
		TEST(renewing_needs_the_same_identity_now),
		TEST(renewing_obeys_the_policies_of_the_entry_as_it_is_now),
		TEST(a_deleted_entry_takes_its_tokens_with_it),
		TEST(a_new_entry_of_the_name_revives_nothing),
		TEST(an_identity_makes_and_renews_no_tokens),
		TEST(each_name_has_a_cubbyhole_of_its_own),
		TEST(a_deleted_entry_ends_what_it_owned),
		TEST(lost_memory_is_told),
	};

	fail_alloc_jansson();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
