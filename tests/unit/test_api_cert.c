/* SPDX-License-Identifier: Apache-2.0 */
/* auth/cert/ as clients see it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "api_fixture.h"
#include "auth/cert_entry.h"
#include "crypto/certificate.h"
#include "crypto/keyring.h"
#include "fail_alloc.h"
#include "paper.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/json.h"
#include "util/text.h"
#include "util/wipe.h"

#define DENIED     "permission denied"
#define MISSING    "client certificate must be supplied"
#define CERTS      "auth/cert/certs/"
#define LOGIN      "/v1/auth/cert/login"
#define SELF       "auth/token/lookup-self"
#define IN_TIME_MS 50

static struct api_fixture f;
static struct paper *ca, *other, *client, *stranger;

static int set_up(void **state)
{
	(void)state;
	api_fixture_open(&f, "alicloud");
	ca = paper_new(&(struct paper_terms){ .authority = true, .common_name = "ca" });
	other = paper_new(&(struct paper_terms){ .authority = true, .common_name = "other" });
	client = paper_new(&(struct paper_terms){
		.signer = ca, .common_name = "svc-one", .purpose = PAPER_CLIENT, .serial = 258 });
	stranger = paper_new(&(struct paper_terms){ .common_name = "svc-one" });
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	paper_free(stranger);
	paper_free(client);
	paper_free(other);
	paper_free(ca);
	api_fixture_close(&f);
	return 0;
}

/* ---- Asking ---- */

static char shown[64 * 1024]; /* what the web server says of the certificate, of the last request */

static const char *encode(const char *pem)
{
	struct buf text = BUF_INIT;

	text_percent_encode(&text, pem, strlen(pem));
	assert_true(text.size < sizeof(shown));
	memcpy(shown, buf_text(&text), text.size + 1);
	buf_free(&text);
	return shown;
}

/* A request with a certificate, which a test then spoils. */
static struct api_request with(const struct paper *paper, const char *path, const char *body)
{
	return (struct api_request){
		.method = "POST",
		.path = path,
		.query = "",
		.body = body,
		.body_size = strlen(body),
		.auth_secret = keyring_web_secret(store_keyring(f.temp.store)),
		.tls_cert = paper ? encode(paper_pem(paper)) : "",
		.tls_verify = "SUCCESS",
		.remote_address = "10.1.2.3",
		.trusted = true,
		.deadline = clock_boot_ms() + IN_TIME_MS,
	};
}

static int log_in(const struct paper *paper, const char *body)
{
	struct api_request raw = with(paper, LOGIN, body);

	return ask_raw(&f, &raw);
}

static json_t *entry_with(const struct paper *paper, const char *more)
{
	json_t *entry = json_loads(more, 0, NULL);

	assert_non_null(entry);
	json_object_set_new(entry, "certificate", json_string(paper_pem(paper)));
	return entry;
}

/* more: the entry's other members. */
static int put(const char *name, const struct paper *paper, const char *more)
{
	json_t *entry = entry_with(paper, more);
	char *text = json_text(entry);
	char path[256];
	int status;

	snprintf(path, sizeof(path), CERTS "%s", name);
	status = ask(&f, "POST", path, text);
	wipe_free(text);
	json_decref(entry);
	return status;
}

static const char *error(void)
{
	const char *text = json_string_value(json_array_get(json_object_get(f.body, "errors"), 0));

	return text ? text : "";
}

static const json_t *auth(void)
{
	return json_object_get(f.body, "auth");
}

static const char *meta(const char *member)
{
	return json_get_text(json_object_get(auth(), "metadata"), member);
}

static char token[64];

static void keep_token(void)
{
	snprintf(token, sizeof(token), "%s", json_get_text(auth(), "client_token"));
}

static int ask_with(const char *bearer, const char *method, const char *path)
{
	struct api_request raw = {
		.method = method,
		.path = path,
		.token = bearer,
		.remote_address = "10.1.2.3",
		.deadline = clock_boot_ms() + IN_TIME_MS,
	};

	return ask_raw(&f, &raw);
}

/* ---- Entries ---- */

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
	expect(&f, "GET", CERTS "web", NULL, 404, "{\"errors\":[]}");
}

static void entries_are_listed(void **state)
{
	(void)state;
	expect(&f, "LIST", CERTS, NULL, 404, "{\"errors\":[]}");
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
		assert_string_equal(error(), bad_entries[i].error);
	}
	expect(&f, "GET", CERTS "web", NULL, 404, "{\"errors\":[]}");
}

static void an_entry_without_a_certificate_is_refused(void **state)
{
	(void)state;
	assert_int_equal(ask(&f, "POST", CERTS "web", "{\"token_policies\":\"p\"}"), 400);
	assert_non_null(strstr(error(), "failed to parse certificate"));
	assert_int_equal(ask(&f, "POST", CERTS "web", "{\"certificate\":\"x\"}"), 400);
	assert_non_null(strstr(error(), "failed to parse certificate"));
	assert_int_equal(put("Web", ca, "{}"), 400);
	assert_int_equal(put("w/eb", ca, "{}"), 404);
}

/* ---- Logging in ---- */

static void a_login_gives_a_token_as_its_entry_says(void **state)
{
	(void)state;
	assert_int_equal(put("web", ca,
			     "{\"token_policies\":\"app\",\"token_ttl\":300,"
			     "\"display_name\":\"we b\"}"),
			 204);
	assert_int_equal(log_in(client, ""), 200);
	assert_int_equal(json_get_int(auth(), "lease_duration", 0), 300);
	assert_true(json_get_true(auth(), "renewable"));
	assert_string_equal(json_get_text(auth(), "token_type"), "service");
	assert_string_equal(meta("cert_name"), "web");
	assert_string_equal(meta("common_name"), "svc-one");
	assert_string_equal(meta("serial_number"), "258");
	assert_int_equal(strlen(meta("subject_key_id")), 59);
	assert_int_equal(strlen(meta("authority_key_id")), 59);
	keep_token();
	assert_int_equal(ask_with(token, "GET", "/v1/" SELF), 200);
	assert_string_equal(data_text(&f, "path"), "auth/cert/login");
	assert_string_equal(data_text(&f, "display_name"), "cert-we-b");
	assert_string_equal(json_get_text(json_object_get(json_object_get(f.body, "data"), "meta"),
					  "cert_name"),
			    "web");
	assert_int_equal(ask_with(token, "GET", "/v1/sys/mounts"), 403);
}

static void a_token_gets_the_policies_of_its_entry(void **state)
{
	const json_t *policies;

	(void)state;
	assert_int_equal(put("web", ca, "{\"policies\":\"app\"}"), 204);
	assert_int_equal(log_in(client, ""), 200);
	policies = json_object_get(auth(), "policies");
	assert_int_equal(json_array_size(policies), 2);
	assert_string_equal(json_string_value(json_array_get(policies, 0)), "app");
	assert_int_equal(put("web", ca, "{\"token_no_default_policy\":true}"), 204);
	assert_int_equal(log_in(client, ""), 200);
	assert_int_equal(json_array_size(json_object_get(auth(), "policies")), 1);
	assert_int_equal(put("web", ca, "{\"token_policies\":[]}"), 204);
	assert_int_equal(log_in(client, ""), 403);
	assert_string_equal(error(), DENIED);
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
	assert_string_equal(error(), DENIED);
	assert_int_equal(log_in(client, "{\"name\":\"nobody\"}"), 403);
	assert_string_equal(error(), DENIED);
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
	assert_string_equal(error(), DENIED);
	assert_int_equal(log_in(stranger, "{\"name\":\"web\"}"), 403);
	assert_int_equal(log_in(NULL, ""), 400);
	assert_string_equal(error(), MISSING);
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
		assert_string_equal(error(), DENIED);
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
		assert_string_equal(error(), DENIED);
	}
	raw = with(client, LOGIN, "");
	memset(shown + strlen(shown), 'A', sizeof(shown) - 1 - strlen(shown));
	assert_int_equal(ask_raw(&f, &raw), 403);
	assert_string_equal(error(), DENIED);
}

static void only_the_web_server_is_believed(void **state)
{
	struct api_request raw = with(client, LOGIN, "");

	(void)state;
	assert_int_equal(put("web", ca, "{}"), 204);
	raw.trusted = false;
	assert_int_equal(ask_raw(&f, &raw), 403);
	assert_string_equal(error(), DENIED);
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
	assert_int_equal(put("web", ca, "{\"token_bound_cidrs\":\"192.168.0.0/16\"}"), 204);
	assert_int_equal(log_in(client, ""), 403);
	assert_string_equal(error(), DENIED);
	assert_int_equal(put("web", ca, "{\"token_bound_cidrs\":\"10.0.0.0/8\"}"), 204);
	assert_int_equal(log_in(client, ""), 200);
	keep_token();
	assert_int_equal(ask_with(token, "GET", "/v1/" SELF), 200);
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
		assert_int_equal(ask_with(opener, "PUT", "/v1/sys/wrapping/unwrap"), 200);
		keep_token();
		assert_int_equal(ask_with(token, "GET", "/v1/" SELF), i ? 403 : 200);
	}
}

static void tokens_may_be_counted_or_of_a_batch(void **state)
{
	(void)state;
	assert_int_equal(put("web", ca, "{\"token_num_uses\":1}"), 204);
	assert_int_equal(log_in(client, ""), 200);
	assert_int_equal(json_get_int(auth(), "num_uses", 0), 1);
	keep_token();
	assert_int_equal(ask_with(token, "GET", "/v1/" SELF), 200);
	assert_int_equal(ask_with(token, "GET", "/v1/" SELF), 403);
	assert_int_equal(put("batch", ca, "{\"token_type\":\"batch\",\"token_ttl\":60}"), 204);
	assert_int_equal(log_in(client, "{\"name\":\"batch\"}"), 200);
	assert_string_equal(json_get_text(auth(), "token_type"), "batch");
	assert_false(json_get_true(auth(), "renewable"));
	{
		char *batch = wipe_copy(json_get_text(auth(), "client_token"),
					strlen(json_get_text(auth(), "client_token")));

		assert_int_equal(ask_with(batch, "GET", "/v1/" SELF), 200);
		expect(&f, "DELETE", CERTS "batch", NULL, 204, "");
		assert_int_equal(ask_with(batch, "GET", "/v1/" SELF), 403);
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
	assert_int_equal(ask_with(token, "GET", "/v1/" SELF), 403);
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
	assert_string_equal(json_get_text(auth(), "client_token"), token);
	assert_int_equal(renew(fresh), 200);
	assert_int_equal(renew(twin), 403);
	assert_string_equal(error(), DENIED);
	assert_int_equal(renew(expired), 403);
	assert_int_equal(renew(stranger), 403);
	assert_int_equal(renew(NULL), 403);
	raw = with(client, "/v1/auth/token/renew-self", "");
	raw.token = token;
	raw.trusted = false;
	assert_int_equal(ask_raw(&f, &raw), 403);
	assert_int_equal(ask_with(token, "GET", "/v1/" SELF), 200);
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
	assert_int_equal(json_get_int(auth(), "lease_duration", 0), 100);
	assert_int_equal(put("web", ca, "{\"token_max_ttl\":120,\"token_ttl\":120}"), 204);
	assert_int_equal(renew(client), 200);
	assert_true(json_get_int(auth(), "lease_duration", 0) <= 120);
	assert_int_equal(put("web", ca, "{\"token_policies\":\"other\"}"), 204);
	assert_int_equal(renew(client), 400);
	assert_string_equal(error(), "policies have changed, not renewing");
	assert_int_equal(put("web", ca, "{\"token_policies\":\"app\",\"allowed_names\":\"else\"}"),
			 204);
	assert_int_equal(renew(client), 403);
	assert_int_equal(put("web", ca, "{\"allowed_names\":\"svc-*\"}"), 204);
	assert_int_equal(renew(client), 200);
	assert_int_equal(put("web", other, "{}"), 204);
	assert_int_equal(renew(client), 403);
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
		assert_int_equal(ask_with(token, "GET", "/v1/" SELF), 200);
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

/* ---- Memory ---- */

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

/* What can be done without, such as keeping a token in mind, may be lost without a word. */
static void fail_each(struct api_request raw, int expected)
{
	bool failed = true;
	int status = 0;

	raw.query = raw.content_type = raw.authorization = raw.namespace = "";
	raw.uri = raw.auth_method = raw.auth_name = raw.prefix = "";
	if (!raw.wrap_ttl)
		raw.wrap_ttl = "";
	raw.vault_request = "";
	raw.request_id = REQUEST_ID;
	if (!raw.token)
		raw.token = "";
	for (unsigned n = 1; failed; n++) {
		fail_alloc_at(n);
		status = serve(&raw);
		failed = fail_alloc_stop();
		if (status != expected && !(failed && status == 500))
			fail_msg("%s without allocation %u: %d", raw.path, n, status);
		assert_true(n < 3000);
	}
}

static void lost_memory_is_told(void **state)
{
	/* The longest text first: Jansson 2.14 reads past a text whose end it had no memory for. */
	json_t *entry = json_pack("{s:s, s:s, s:i}", "certificate", paper_pem(ca), "policies", "p",
				  "token_ttl", 5);
	char *body = json_text(entry);
	struct api_request write = with(NULL, "/v1/" CERTS "lost", body);
	struct api_request again, wrapped;

	(void)state;
	assert_int_equal(put("web", ca, "{\"allowed_names\":\"svc-*\"}"), 204);
	fail_each(with(client, LOGIN, ""), 200);
	wrapped = with(client, LOGIN, "");
	wrapped.wrap_ttl = "60s";
	fail_each(wrapped, 200);
	assert_int_equal(log_in(client, ""), 200);
	keep_token();
	again = with(client, "/v1/auth/token/renew-self", "");
	again.token = token;
	fail_each(again, 200);
	write.token = f.token;
	fail_each(write, 204);
	wipe_free(body);
	json_decref(entry);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_entry_is_written_merged_and_shown),
		TEST(entries_are_listed),
		TEST(bad_entries_are_refused),
		TEST(an_entry_without_a_certificate_is_refused),
		TEST(a_login_gives_a_token_as_its_entry_says),
		TEST(a_token_gets_the_policies_of_its_entry),
		TEST(an_entry_is_found_by_the_certificate),
		TEST(there_is_a_limit_to_what_is_tried),
		TEST(a_certificate_of_somebody_else_is_refused),
		TEST(a_name_is_of_one_entry_or_of_none),
		TEST(what_is_no_certificate_is_refused),
		TEST(only_the_web_server_is_believed),
		TEST(an_old_token_does_not_hinder),
		TEST(a_login_must_come_from_where_its_token_may),
		TEST(an_answer_can_be_wrapped_while_its_entry_lives),
		TEST(tokens_may_be_counted_or_of_a_batch),
		TEST(a_deleted_entry_takes_its_tokens_with_it),
		TEST(renewing_needs_a_certificate_for_the_same_key),
		TEST(renewing_obeys_the_entry_as_it_is_now),
		TEST(a_token_is_no_identity_of_the_web_server),
		TEST(the_mount_is_there),
		TEST(lost_memory_is_told),
	};

	fail_alloc_jansson();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
