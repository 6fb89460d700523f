/* SPDX-License-Identifier: Apache-2.0 */
/* Logging in with a certificate, and what becomes of the token, as clients see it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "api_memory.h"
#include "auth/cert_entry.h"
#include "cert_fixture.h"
#include "fail_alloc.h"
#include "util/json.h"
#include "util/wipe.h"

#define MISSING "client certificate must be supplied"
#define LOGIN   "/v1/auth/cert/login"
#define SELF    "auth/token/lookup-self"

static int log_in(const struct paper *paper, const char *body)
{
	struct api_request raw = with(paper, LOGIN, body);

	return ask_raw(&f, &raw);
}

static const char *meta(const char *member)
{
	return json_get_text(auth_member(&f, "metadata"), member);
}

static char token[64];

static void keep_token(void)
{
	snprintf(token, sizeof(token), "%s", auth_text(&f, "client_token"));
}

static void a_login_gives_a_token_as_its_entry_says(void **state)
{
	(void)state;
	assert_int_equal(put("web", ca,
			     "{\"token_policies\":\"app\",\"token_ttl\":300,"
			     "\"display_name\":\"we b\"}"),
			 204);
	assert_int_equal(log_in(client, ""), 200);
	assert_int_equal(json_integer_value(auth_member(&f, "lease_duration")), 300);
	assert_true(json_is_true(auth_member(&f, "renewable")));
	assert_string_equal(auth_text(&f, "token_type"), "service");
	assert_string_equal(meta("cert_name"), "web");
	assert_string_equal(meta("common_name"), "svc-one");
	assert_string_equal(meta("serial_number"), "258");
	assert_int_equal(strlen(meta("subject_key_id")), 59);
	assert_int_equal(strlen(meta("authority_key_id")), 59);
	keep_token();
	assert_int_equal(ask_with(&f, token, "GET", SELF, NULL), 200);
	assert_string_equal(data_text(&f, "path"), "auth/cert/login");
	assert_string_equal(data_text(&f, "display_name"), "cert-we-b");
	assert_string_equal(json_get_text(data_member(&f, "meta"), "cert_name"), "web");
	assert_int_equal(ask_with(&f, token, "GET", "sys/mounts", NULL), 403);
}

static void a_token_gets_the_policies_of_its_entry(void **state)
{
	const json_t *policies;

	(void)state;
	assert_int_equal(put("web", ca, "{\"policies\":\"app\"}"), 204);
	assert_int_equal(log_in(client, ""), 200);
	policies = auth_member(&f, "policies");
	assert_int_equal(json_array_size(policies), 2);
	assert_string_equal(json_string_value(json_array_get(policies, 0)), "app");
	assert_int_equal(put("web", ca, "{\"token_no_default_policy\":true}"), 204);
	assert_int_equal(log_in(client, ""), 200);
	assert_int_equal(json_array_size(auth_member(&f, "policies")), 1);
	assert_int_equal(put("web", ca, "{\"token_policies\":[]}"), 204);
	assert_int_equal(log_in(client, ""), 403);
	assert_string_equal(error(&f), DENIED);
}

static void an_entry_is_found_by_the_certificate(void **state)
{
	(void)state;
	assert_int_equal(put("a-narrow", ca, "{\"allowed_common_names\":\"else\"}"), 204);
	assert_int_equal(put("b-wide", ca, "{}"), 204);
	assert_int_equal(put("c-wide", ca, "{}"), 204);
	assert_int_equal(log_in(client, ""), 200);
	assert_string_equal(meta("cert_name"), "b-wide");
	assert_int_equal(put("z-itself", client, "{}"), 204);
	assert_int_equal(log_in(client, ""), 200);
	assert_string_equal(meta("cert_name"), "z-itself");
	assert_int_equal(log_in(client, "{\"name\":\"c-wide\"}"), 200);
	assert_string_equal(meta("cert_name"), "c-wide");
	assert_int_equal(log_in(client, "{\"name\":\"a-narrow\"}"), 403);
	assert_string_equal(error(&f), DENIED);
	assert_int_equal(log_in(client, "{\"name\":\"nobody\"}"), 403);
	assert_string_equal(error(&f), DENIED);
}

static void there_is_a_limit_to_what_is_tried(void **state)
{
	char name[16];

	(void)state;
	for (unsigned i = 0; i < CERT_CANDIDATES_MAX; i++) {
		snprintf(name, sizeof(name), "e%03u", i);
		assert_int_equal(put(name, ca, "{}"), 204);
	}
	assert_int_equal(log_in(client, ""), 200);
	assert_int_equal(put("one-more", ca, "{}"), 204);
	assert_int_equal(log_in(client, ""), 403);
	assert_int_equal(log_in(client, "{\"name\":\"one-more\"}"), 200);
}

static void a_certificate_of_somebody_else_is_refused(void **state)
{
	(void)state;
	assert_int_equal(put("web", ca, "{}"), 204);
	assert_int_equal(log_in(stranger, ""), 403);
	assert_string_equal(error(&f), DENIED);
	assert_int_equal(log_in(stranger, "{\"name\":\"web\"}"), 403);
	assert_int_equal(log_in(NULL, ""), 400);
	assert_string_equal(error(&f), MISSING);
	assert_int_equal(put("itself", stranger, "{}"), 204);
	assert_int_equal(log_in(stranger, ""), 200);
}

static void a_name_is_of_one_entry_or_of_none(void **state)
{
	char body[2000];
	int size;

	(void)state;
	assert_int_equal(put("web", ca, "{}"), 204);
	assert_int_equal(log_in(client, "{\"name\":\"WeB\"}"), 200);
	for (size = 1; size < 1900; size = 2 * size + 1) {
		snprintf(body, sizeof(body), "{\"name\":\"%0*d\"}", size, 0);
		assert_int_equal(log_in(client, body), 403);
		assert_string_equal(error(&f), DENIED);
	}
}

static const struct {
	const char *name, *cert;
} bad_certificates[] = {
	{ "an escape that is cut", "-----BEGIN%2" },
	{ "an escape of nothing", "%zz" },
	{ "no PEM", "AAAA" },
	{ "a NUL", "%00" },
	{ "an empty PEM", "-----BEGIN%20CERTIFICATE-----%0A-----END%20CERTIFICATE-----%0A" },
	{ "garbage in a PEM",
	  "-----BEGIN%20CERTIFICATE-----%0AAAAA%0A-----END%20CERTIFICATE-----%0A" },
};

static void what_is_no_certificate_is_refused(void **state)
{
	struct api_request raw;

	(void)state;
	assert_int_equal(put("web", ca, "{}"), 204);
	for (size_t i = 0; i < sizeof(bad_certificates) / sizeof(bad_certificates[0]); i++) {
		raw = with(NULL, LOGIN, "");
		raw.tls_cert = bad_certificates[i].cert;
		print_message("  %s\n", bad_certificates[i].name);
		assert_int_equal(ask_raw(&f, &raw), 403);
		assert_string_equal(error(&f), DENIED);
	}
	raw = with(client, LOGIN, "");
	memset(shown + strlen(shown), 'A', sizeof(shown) - 1 - strlen(shown));
	assert_int_equal(ask_raw(&f, &raw), 403);
	assert_string_equal(error(&f), DENIED);
}

static void only_the_web_server_is_believed(void **state)
{
	struct api_request raw = with(client, LOGIN, "");

	(void)state;
	assert_int_equal(put("web", ca, "{}"), 204);
	raw.trusted = false;
	assert_int_equal(ask_raw(&f, &raw), 403);
	assert_string_equal(error(&f), DENIED);
	raw = with(client, LOGIN, "");
	raw.auth_secret = "";
	assert_int_equal(ask_raw(&f, &raw), 403);
	raw.auth_secret = "0000";
	assert_int_equal(ask_raw(&f, &raw), 403);
	raw = with(client, LOGIN, "");
	raw.tls_verify = "FAILED:unable to verify the first certificate";
	assert_int_equal(ask_raw(&f, &raw), 200);
}

static void an_old_token_does_not_hinder(void **state)
{
	struct api_request raw = with(client, LOGIN, "");

	(void)state;
	assert_int_equal(put("web", ca, "{}"), 204);
	raw.token = "hvs.nobody";
	assert_int_equal(ask_raw(&f, &raw), 200);
}

static void a_login_must_come_from_where_its_token_may(void **state)
{
	(void)state;
	assert_int_equal(put("web", ca, "{\"token_bound_cidrs\":\"198.51.100.0/24\"}"), 204);
	assert_int_equal(log_in(client, ""), 403);
	assert_string_equal(error(&f), DENIED);
	assert_int_equal(put("web", ca, "{\"token_bound_cidrs\":\"192.0.2.0/24\"}"), 204);
	assert_int_equal(log_in(client, ""), 200);
	keep_token();
	assert_int_equal(ask_with(&f, token, "GET", SELF, NULL), 200);
}

static void an_answer_can_be_wrapped_while_its_entry_lives(void **state)
{
	struct api_request raw = with(client, LOGIN, "");
	const json_t *info;
	char opener[64];

	(void)state;
	assert_int_equal(put("web", ca, "{}"), 204);
	raw.wrap_ttl = "60s";
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(ask_raw(&f, &raw), 200);
		info = json_object_get(f.body, "wrap_info");
		assert_true(json_is_null(json_object_get(f.body, "auth")));
		assert_string_equal(json_get_text(info, "creation_path"), "auth/cert/login");
		snprintf(opener, sizeof(opener), "%s", json_get_text(info, "token"));
		if (i)
			expect(&f, "DELETE", CERTS "web", NULL, 204, "");
		assert_int_equal(ask_with(&f, opener, "PUT", "sys/wrapping/unwrap", NULL), 200);
		keep_token();
		assert_int_equal(ask_with(&f, token, "GET", SELF, NULL), i ? 403 : 200);
	}
}

static void tokens_may_be_counted_or_of_a_batch(void **state)
{
	(void)state;
	assert_int_equal(put("web", ca, "{\"token_num_uses\":1}"), 204);
	assert_int_equal(log_in(client, ""), 200);
	assert_int_equal(json_integer_value(auth_member(&f, "num_uses")), 1);
	keep_token();
	assert_int_equal(ask_with(&f, token, "GET", SELF, NULL), 200);
	assert_int_equal(ask_with(&f, token, "GET", SELF, NULL), 403);
	assert_int_equal(put("batch", ca, "{\"token_type\":\"batch\",\"token_ttl\":60}"), 204);
	assert_int_equal(log_in(client, "{\"name\":\"batch\"}"), 200);
	assert_string_equal(auth_text(&f, "token_type"), "batch");
	assert_false(json_is_true(auth_member(&f, "renewable")));
	{
		char *batch = wipe_copy(auth_text(&f, "client_token"),
					strlen(auth_text(&f, "client_token")));

		assert_int_equal(ask_with(&f, batch, "GET", SELF, NULL), 200);
		expect(&f, "DELETE", CERTS "batch", NULL, 204, "");
		assert_int_equal(ask_with(&f, batch, "GET", SELF, NULL), 403);
		wipe_free(batch);
	}
}

/* ---- Ending, renewing ---- */

static void a_deleted_entry_takes_its_tokens_with_it(void **state)
{
	(void)state;
	assert_int_equal(put("web", ca, "{}"), 204);
	assert_int_equal(log_in(client, ""), 200);
	keep_token();
	expect(&f, "DELETE", CERTS "web", NULL, 204, "");
	assert_int_equal(put("web", ca, "{}"), 204);
	assert_int_equal(ask_with(&f, token, "GET", SELF, NULL), 403);
	assert_int_equal(log_in(client, ""), 200);
}

static int renew(const struct paper *paper)
{
	struct api_request raw = with(paper, "/v1/auth/token/renew-self", "");

	raw.token = token;
	return ask_raw(&f, &raw);
}

static void renewing_needs_a_certificate_for_the_same_key(void **state)
{
	struct paper *twin = paper_new(&(struct paper_terms){
		.signer = ca, .common_name = "svc-one", .purpose = PAPER_CLIENT });
	struct paper *fresh = paper_new(&(struct paper_terms){
		.signer = ca, .common_name = "svc-one", .purpose = PAPER_CLIENT, .key = client });
	struct paper *expired = paper_new(&(struct paper_terms){ .signer = ca,
								 .common_name = "svc-one",
								 .key = client,
								 .from = -7200,
								 .until = -3600 });
	struct api_request raw;

	(void)state;
	assert_int_equal(put("web", ca, "{}"), 204);
	assert_int_equal(log_in(client, ""), 200);
	keep_token();
	assert_int_equal(renew(client), 200);
	assert_string_equal(auth_text(&f, "client_token"), token);
	assert_int_equal(renew(fresh), 200);
	assert_int_equal(renew(twin), 403);
	assert_string_equal(error(&f), DENIED);
	assert_int_equal(renew(expired), 403);
	assert_int_equal(renew(stranger), 403);
	assert_int_equal(renew(NULL), 403);
	raw = with(client, "/v1/auth/token/renew-self", "");
	raw.token = token;
	raw.trusted = false;
	assert_int_equal(ask_raw(&f, &raw), 403);
	assert_int_equal(ask_with(&f, token, "GET", SELF, NULL), 200);
	paper_free(expired);
	paper_free(fresh);
	paper_free(twin);
}

static void renewing_obeys_the_entry_as_it_is_now(void **state)
{
	(void)state;
	assert_int_equal(put("web", ca, "{\"token_policies\":\"app\",\"token_ttl\":300}"), 204);
	assert_int_equal(log_in(client, ""), 200);
	keep_token();
	assert_int_equal(put("web", ca, "{\"token_ttl\":100}"), 204);
	assert_int_equal(renew(client), 200);
	assert_int_equal(json_integer_value(auth_member(&f, "lease_duration")), 100);
	assert_int_equal(put("web", ca, "{\"token_max_ttl\":120,\"token_ttl\":120}"), 204);
	assert_int_equal(renew(client), 200);
	assert_true(json_integer_value(auth_member(&f, "lease_duration")) <= 120);
	assert_int_equal(put("web", ca, "{\"token_policies\":\"other\"}"), 204);
	assert_int_equal(renew(client), 400);
	assert_string_equal(error(&f), "policies have changed, not renewing");
	assert_int_equal(put("web", ca, "{\"token_policies\":\"app\",\"allowed_names\":\"else\"}"),
			 204);
	assert_int_equal(renew(client), 403);
	assert_int_equal(put("web", ca, "{\"allowed_names\":\"svc-*\"}"), 204);
	assert_int_equal(renew(client), 200);
	assert_int_equal(put("web", other, "{}"), 204);
	assert_int_equal(renew(client), 403);
}

static void an_explicit_maximum_holds_whatever_becomes_of_the_entry(void **state)
{
	(void)state;
	assert_int_equal(put("web", ca, "{\"token_ttl\":300,\"token_explicit_max_ttl\":300}"), 204);
	assert_int_equal(log_in(client, ""), 200);
	keep_token();
	assert_int_equal(put("web", ca, "{\"token_ttl\":600,\"token_explicit_max_ttl\":0}"), 204);
	assert_int_equal(renew(client), 200);
	assert_true(json_integer_value(auth_member(&f, "lease_duration")) <= 300);
	assert_int_equal(put("web", ca, "{\"token_explicit_max_ttl\":600}"), 204);
	assert_int_equal(renew(client), 200);
	assert_true(json_integer_value(auth_member(&f, "lease_duration")) <= 300);
	assert_int_equal(put("web", ca, "{\"token_explicit_max_ttl\":100}"), 204);
	assert_int_equal(renew(client), 200);
	assert_true(json_integer_value(auth_member(&f, "lease_duration")) <= 100);
}

/* It is nobody of auth/proxy, whose entries limit the rate of their own names. */
static void a_token_is_no_identity_of_the_web_server(void **state)
{
	(void)state;
	expect(&f, "POST", "auth/proxy/identity/cert/web", "{\"policies\":\"p\",\"rate\":1}", 204,
	       "");
	expect(&f, "POST", "auth/proxy/identity/map/*", "{\"policies\":\"p\",\"rate\":1}", 204, "");
	assert_int_equal(put("web", ca, "{}"), 204);
	assert_int_equal(log_in(client, ""), 200);
	keep_token();
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(ask_with(&f, token, "GET", SELF, NULL), 200);
}

/* ---- Memory ---- */

static void lost_memory_is_told(void **state)
{
	/* The longest text first: Jansson 2.14 reads past a text whose end it had no memory for. */
	json_t *entry = json_pack("{s:s, s:s, s:i}", "certificate", paper_pem(ca), "policies", "p",
				  "token_ttl", 5);
	char *body = json_text(entry);
	struct api_request write = with(NULL, "/v1/" CERTS "lost", body);
	struct api_request login, again, wrapped;

	(void)state;
	assert_int_equal(put("web", ca, "{\"allowed_names\":\"svc-*\"}"), 204);
	login = with(client, LOGIN, "");
	lose_each(&f, &login, LOSS_MAY_BE_BORNE, 200);
	wrapped = with(client, LOGIN, "");
	wrapped.wrap_ttl = "60s";
	lose_each(&f, &wrapped, LOSS_MAY_BE_BORNE, 200);
	assert_int_equal(log_in(client, ""), 200);
	keep_token();
	again = with(client, "/v1/auth/token/renew-self", "");
	again.token = token;
	lose_each(&f, &again, LOSS_MAY_BE_BORNE, 200);
	write.token = f.token;
	lose_each(&f, &write, LOSS_MAY_BE_BORNE, 204);
	wipe_free(body);
	json_decref(entry);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CERT_TEST(a_login_gives_a_token_as_its_entry_says),
		CERT_TEST(a_token_gets_the_policies_of_its_entry),
		CERT_TEST(an_entry_is_found_by_the_certificate),
		CERT_TEST(there_is_a_limit_to_what_is_tried),
		CERT_TEST(a_certificate_of_somebody_else_is_refused),
		CERT_TEST(a_name_is_of_one_entry_or_of_none),
		CERT_TEST(what_is_no_certificate_is_refused),
		CERT_TEST(only_the_web_server_is_believed),
		CERT_TEST(an_old_token_does_not_hinder),
		CERT_TEST(a_login_must_come_from_where_its_token_may),
		CERT_TEST(an_answer_can_be_wrapped_while_its_entry_lives),
		CERT_TEST(tokens_may_be_counted_or_of_a_batch),
		CERT_TEST(a_deleted_entry_takes_its_tokens_with_it),
		CERT_TEST(renewing_needs_a_certificate_for_the_same_key),
		CERT_TEST(renewing_obeys_the_entry_as_it_is_now),
		CERT_TEST(an_explicit_maximum_holds_whatever_becomes_of_the_entry),
		CERT_TEST(a_token_is_no_identity_of_the_web_server),
		CERT_TEST(lost_memory_is_told),
	};

	fail_alloc_jansson();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
