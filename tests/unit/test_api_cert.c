/* SPDX-License-Identifier: Apache-2.0 */
/* The entries and the mount of auth/cert/ as clients see them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cert_fixture.h"
#include "util/json.h"

static void an_entry_is_written_merged_and_shown(void **state)
{
	json_t *expected = json_loads(
		"{\"certificate\":\"\",\"display_name\":\"web\",\"allowed_names\":[],"
		"\"allowed_common_names\":[\"svc-*\",\"x\"],\"allowed_dns_sans\":[],"
		"\"allowed_email_sans\":[],\"allowed_uri_sans\":[],"
		"\"allowed_organizational_units\":[],\"token_ttl\":300,\"ttl\":300,"
		"\"token_max_ttl\":600,\"token_explicit_max_ttl\":0,\"token_period\":0,"
		"\"token_policies\":[\"app\",\"dev\"],\"token_bound_cidrs\":[\"10.0.0.0/8\"],"
		"\"token_num_uses\":0,\"token_no_default_policy\":false,"
		"\"token_type\":\"default\"}",
		0, NULL);

	(void)state;
	assert_int_equal(put("web", ca,
			     "{\"token_policies\":\"App, dev\",\"ttl\":\"5m\","
			     "\"allowed_common_names\":\"svc-*,x\"}"),
			 204);
	expect(&f, "POST", CERTS "web",
	       "{\"token_max_ttl\":600,\"token_bound_cidrs\":\"10.0.0.0/8\"}", 204, "");
	assert_int_equal(ask(&f, "GET", CERTS "web", NULL), 200);
	json_object_set_new(expected, "certificate", json_string(paper_pem(ca)));
	assert_true(json_equal(expected, json_object_get(f.body, "data")));
	json_decref(expected);
	expect(&f, "DELETE", CERTS "web", NULL, 204, "");
	expect(&f, "DELETE", CERTS "web", NULL, 204, "");
	expect(&f, "GET", CERTS "web", NULL, 404, NOT_FOUND);
}

static void entries_are_listed(void **state)
{
	(void)state;
	expect(&f, "LIST", CERTS, NULL, 404, NOT_FOUND);
	assert_int_equal(put("web", ca, "{}"), 204);
	assert_int_equal(put("api", client, "{}"), 204);
	expect_data(&f, "LIST", "auth/cert/certs", NULL, "{\"keys\":[\"api\",\"web\"]}");
	expect_data(&f, "LIST", CERTS "?after=api", NULL, "{\"keys\":[\"web\"]}");
}

static const struct {
	const char *name, *more, *error;
} bad_entries[] = {
	{ "root is for nobody", "{\"token_policies\":\"dev,Root\"}",
	  "a certificate cannot have the policy \"root\"" },
	{ "nor by the old name", "{\"policies\":\"root\"}",
	  "a certificate cannot have the policy \"root\"" },
	{ "a ttl beyond its maximum", "{\"token_ttl\":\"2h\",\"token_max_ttl\":\"1h\"}",
	  "'token_ttl' cannot be greater than 'token_max_ttl'" },
	{ "uses below zero", "{\"token_num_uses\":-1}", "'token_num_uses' cannot be negative" },
	{ "a network that is none", "{\"token_bound_cidrs\":\"10.0.0.0/40\"}",
	  "token_bound_cidrs: \"10.0.0.0/40\" must be an address or a block of addresses, as "
	  "10.0.0.0/8 or 2001:db8::/32" },
	{ "a type that is none", "{\"token_type\":\"x\"}", "invalid 'token_type' value \"x\"" },
	{ "a batch of periods", "{\"token_type\":\"batch\",\"token_period\":60}",
	  "'token_type' cannot be 'batch' or 'default_batch' when set to generate periodic "
	  "tokens" },
	{ "a batch of uses", "{\"token_type\":\"default-batch\",\"token_num_uses\":1}",
	  "'token_type' cannot be 'batch' or 'default_batch' when set to generate tokens with "
	  "limited use count" },
	{ "extensions", "{\"required_extensions\":\"1.2.3:x\"}",
	  "required_extensions: extensions are not looked at; use names" },
	{ "OCSP", "{\"ocsp_enabled\":true}",
	  "ocsp_enabled: revocation is the web server's to check, with ssl_ocsp or ssl_crl" },
};

static void bad_entries_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad_entries) / sizeof(bad_entries[0]); i++) {
		print_message("  %s\n", bad_entries[i].name);
		assert_int_equal(put("web", ca, bad_entries[i].more), 400);
		assert_string_equal(error(&f), bad_entries[i].error);
	}
	expect(&f, "GET", CERTS "web", NULL, 404, NOT_FOUND);
}

static void an_entry_without_a_certificate_is_refused(void **state)
{
	(void)state;
	assert_int_equal(ask(&f, "POST", CERTS "web", "{\"token_policies\":\"p\"}"), 400);
	assert_non_null(strstr(error(&f), "failed to parse certificate"));
	assert_int_equal(ask(&f, "POST", CERTS "web", "{\"certificate\":\"x\"}"), 400);
	assert_non_null(strstr(error(&f), "failed to parse certificate"));
	assert_int_equal(put("Web", ca, "{}"), 400);
	assert_int_equal(put("w/eb", ca, "{}"), 404);
}

/* ---- The mount ---- */

static void the_mount_is_there(void **state)
{
	const json_t *data;

	(void)state;
	assert_int_equal(ask(&f, "GET", "sys/auth", NULL), 200);
	data = json_object_get(f.body, "data");
	assert_string_equal(json_get_text(json_object_get(data, "cert/"), "type"), "cert");
	assert_int_equal(ask(&f, "GET", "auth/cert/nothing", NULL), 404);
	assert_int_equal(ask(&f, "GET", "auth/cert/login", NULL), 405);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CERT_TEST(an_entry_is_written_merged_and_shown),
		CERT_TEST(entries_are_listed),
		CERT_TEST(bad_entries_are_refused),
		CERT_TEST(an_entry_without_a_certificate_is_refused),
		CERT_TEST(the_mount_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
