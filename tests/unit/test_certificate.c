/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/certificate.h"
#include "fail_alloc.h"
#include "paper.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/json.h"

#define DAY 86400

static struct certificate *read_one(const char *pem)
{
	struct certificate *certificate;

	assert_int_equal(certificate_read(pem, strlen(pem), &certificate), 0);
	return certificate;
}

static struct anchors *believe(const char *pem)
{
	struct err err = { "" };
	struct anchors *anchors;

	if (anchors_read(pem, strlen(pem), &anchors, &err))
		fail_msg("%s", err.text);
	return anchors;
}

static const char *fault(const struct paper *anchor, const struct paper *client)
{
	struct anchors *anchors = believe(paper_pem(anchor));
	struct certificate *certificate = read_one(paper_pem(client));
	const char *found = anchors_fault(anchors, certificate, clock_now());

	certificate_free(certificate);
	anchors_free(anchors);
	return found ? found : "";
}

static struct paper *authority(const char *name)
{
	return paper_new(&(struct paper_terms){ .authority = true, .common_name = name });
}

/* ---- Believed or not ---- */

static const struct {
	const char *name;
	struct paper_terms terms;
	const char *fault;
} clients[] = {
	{ "for clients", { .purpose = PAPER_CLIENT }, "" },
	{ "for any purpose", { .purpose = PAPER_ANY }, "" },
	{ "of no purpose at all", { .common_name = "c" }, "" },
	{ "with a usage of clients", { .purpose = PAPER_CLIENT, .usage = PAPER_SIGNATURE }, "" },
	{ "for servers",
	  { .purpose = PAPER_SERVER },
	  "its extended key usage is not that of clients" },
	{ "that may not sign",
	  { .purpose = PAPER_CLIENT, .usage = PAPER_SIGN_CRT },
	  "its key usage is not that of clients, which sign" },
	{ "of yesterday", { .from = -2 * DAY, .until = -DAY }, "it has expired" },
	{ "of tomorrow", { .from = DAY, .until = 2 * DAY }, "it is not valid yet" },
	{ "signed with SHA-1", { .weak = true }, "its signature or a key is too weak" },
	{ "with a critical extension that nobody knows",
	  { .critical = true },
	  "it has a critical extension that is not known" },
};

static void a_signed_certificate_is_believed_when_it_is_for_clients(void **state)
{
	struct paper *ca = authority("ca");

	(void)state;
	for (size_t i = 0; i < sizeof(clients) / sizeof(clients[0]); i++) {
		struct paper_terms terms = clients[i].terms;
		struct paper *client;

		terms.signer = ca;
		client = paper_new(&terms);
		print_message("  %s\n", clients[i].name);
		assert_string_equal(fault(ca, client), clients[i].fault);
		paper_free(client);
	}
	paper_free(ca);
}

static const struct {
	const char *name;
	struct paper_terms terms;
	const char *dns;
	const char *fault;
} signers[] = {
	{ "an authority", { .authority = true }, NULL, "" },
	{ "one that may sign", { .authority = true, .usage = PAPER_SIGN_CRT }, NULL, "" },
	{ "one that may not sign certificates",
	  { .authority = true, .usage = PAPER_SIGNATURE },
	  NULL,
	  "its authority may not sign such a certificate" },
	{ "one that has expired",
	  { .authority = true, .from = -2 * DAY, .until = -DAY },
	  NULL,
	  "its authority has expired" },
	{ "one of tomorrow",
	  { .authority = true, .from = DAY, .until = 2 * DAY },
	  NULL,
	  "its authority is not valid yet" },
	{ "one for a domain, inside it",
	  { .authority = true, .permitted_dns = "example.com" },
	  "a.example.com",
	  "" },
	{ "one for a domain, outside of it",
	  { .authority = true, .permitted_dns = "example.com" },
	  "a.example.org",
	  "its authority may not sign such a certificate" },
	{ "no authority", { .purpose = PAPER_CLIENT }, NULL, "it is none of those that are meant" },
	{ "one of version 1", { .old = true }, NULL, "it is none of those that are meant" },
};

static void what_an_authority_may_not_sign_is_not_believed(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(signers) / sizeof(signers[0]); i++) {
		struct paper_terms terms = signers[i].terms;
		struct paper *signer, *client;

		terms.common_name = "signer";
		signer = paper_new(&terms);
		client = paper_new(&(struct paper_terms){
			.signer = signer, .purpose = PAPER_CLIENT, .dns = signers[i].dns });
		print_message("  %s\n", signers[i].name);
		assert_string_equal(fault(signer, client), signers[i].fault);
		paper_free(client);
		paper_free(signer);
	}
}

static void another_authority_of_the_same_name_counts_nothing(void **state)
{
	struct paper *ca = authority("ca"), *other = authority("ca"), *third = authority("third");
	struct paper *client = paper_new(&(struct paper_terms){ .signer = other });

	(void)state;
	assert_string_not_equal(fault(ca, client), "");
	assert_string_equal(fault(third, client), "none of the authorities has signed it");
	assert_string_equal(fault(other, client), "");
	paper_free(client);
	paper_free(third);
	paper_free(other);
	paper_free(ca);
}

/* As while an authority changes its key; v1 certificates do not say by which key they are signed. */
static void of_two_authorities_of_one_name_either_may_sign(void **state)
{
	struct paper *ca = authority("ca"), *next = authority("ca");
	const struct paper *signers_of[] = { ca, next };
	struct anchors *anchors;
	char both[8192];

	(void)state;
	snprintf(both, sizeof(both), "%s%s", paper_pem(ca), paper_pem(next));
	anchors = believe(both);
	for (size_t i = 0; i < 4; i++) {
		struct paper *client = paper_new(&(struct paper_terms){
			.signer = signers_of[i / 2], .common_name = "c", .old = i % 2 });
		struct certificate *certificate = read_one(paper_pem(client));
		const char *found = anchors_fault(anchors, certificate, clock_now());

		assert_string_equal(found ? found : "", "");
		certificate_free(certificate);
		paper_free(client);
	}
	anchors_free(anchors);
	paper_free(next);
	paper_free(ca);
}

static void an_intermediate_alone_is_an_anchor(void **state)
{
	struct paper *root = authority("root");
	struct paper *between = paper_new(&(struct paper_terms){
		.signer = root, .authority = true, .common_name = "between" });
	struct paper *client = paper_new(&(struct paper_terms){ .signer = between });
	char both[8192];

	(void)state;
	assert_string_equal(fault(between, client), "");
	assert_string_equal(fault(root, client), "none of the authorities has signed it");
	snprintf(both, sizeof(both), "%s%s", paper_pem(root), paper_pem(between));
	{
		struct anchors *anchors = believe(both);
		struct certificate *certificate = read_one(paper_pem(client));

		assert_null(anchors_fault(anchors, certificate, clock_now()));
		certificate_free(certificate);
		anchors_free(anchors);
	}
	paper_free(client);
	paper_free(between);
	paper_free(root);
}

/* An authority of one level cannot make another by way of its client. */
static void who_is_signed_for_a_client_signs_nobody(void **state)
{
	struct paper *root = authority("root");
	struct paper *client = paper_new(
		&(struct paper_terms){ .signer = root, .common_name = "client" });
	struct paper *forged = paper_new(&(struct paper_terms){ .signer = client });

	(void)state;
	assert_string_equal(fault(root, client), "");
	assert_string_equal(fault(root, forged), "none of the authorities has signed it");
	paper_free(forged);
	paper_free(client);
	paper_free(root);
}

static void a_certificate_that_is_meant_itself_is_compared_whole(void **state)
{
	struct paper *own = paper_new(&(struct paper_terms){
		.common_name = "own", .purpose = PAPER_CLIENT, .serial = 7 });
	struct paper *twin = paper_new(&(struct paper_terms){
		.common_name = "own", .purpose = PAPER_CLIENT, .serial = 7, .key = own });
	struct paper *old = paper_new(
		&(struct paper_terms){ .common_name = "old", .from = -2 * DAY, .until = -DAY });
	struct paper *first = paper_new(&(struct paper_terms){ .common_name = "v1", .old = true });
	struct paper *self = authority("signs itself");

	(void)state;
	assert_string_equal(fault(own, own), "");
	assert_string_equal(fault(own, twin), "it is none of those that are meant");
	assert_string_equal(fault(old, old), "it has expired");
	assert_string_equal(fault(first, first), "");
	assert_string_equal(fault(self, self), "");
	paper_free(self);
	paper_free(first);
	paper_free(old);
	paper_free(twin);
	paper_free(own);
}

static void a_changed_byte_is_noticed(void **state)
{
	struct paper *ca = authority("ca");
	struct paper *client = paper_new(
		&(struct paper_terms){ .signer = ca, .common_name = "client" });
	struct anchors *anchors = believe(paper_pem(ca));
	size_t size = strlen(paper_pem(client));
	char pem[4096];
	unsigned believed = 0;

	(void)state;
	for (size_t i = 30; i < size - 30; i++) {
		struct certificate *certificate;

		memcpy(pem, paper_pem(client), size + 1);
		pem[i] = pem[i] == 'A' ? 'B' : 'A';
		if (certificate_read(pem, size, &certificate))
			continue;
		believed += !anchors_fault(anchors, certificate, clock_now());
		certificate_free(certificate);
	}
	assert_true(believed <= 2); /* bits of the last letter that stand for nothing */
	anchors_free(anchors);
	paper_free(client);
	paper_free(ca);
}

/* ---- Reading ---- */

#define BEGIN "-----BEGIN CERTIFICATE-----\n"
#define END   "-----END CERTIFICATE-----\n"

static const char *const no_certificates[] = {
	"",
	" ",
	"certificate",
	BEGIN,
	BEGIN END,
	BEGIN "AAAA\n" END,
	BEGIN "MIIB\n" END,
	BEGIN "%%%%\n" END,
	"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
};

static void what_is_no_certificate_is_refused(void **state)
{
	struct err err = { "" };
	struct certificate *certificate;
	struct anchors *anchors;

	(void)state;
	for (size_t i = 0; i < sizeof(no_certificates) / sizeof(no_certificates[0]); i++) {
		const char *text = no_certificates[i];

		print_message("  \"%s\"\n", text);
		assert_int_equal(certificate_read(text, strlen(text), &certificate), LH_EINVAL);
		assert_null(certificate);
		assert_int_equal(anchors_read(text, strlen(text), &anchors, &err), LH_EINVAL);
		assert_null(anchors);
		assert_non_null(strstr(err.text, "failed to parse certificate"));
	}
}

static void add_copies(struct buf *out, const struct paper *paper, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		buf_add_text(out, paper_pem(paper));
}

static void there_may_be_so_many_and_no_more(void **state)
{
	struct paper *ca = authority("ca");
	struct certificate_mark marks[ANCHORS_MARKS_MAX];
	struct certificate *certificate;
	struct anchors *anchors;
	struct buf text = BUF_INIT;
	struct err err = { "" };
	size_t count;

	(void)state;
	add_copies(&text, ca, 2);
	assert_int_equal(certificate_read(text.data, text.size, &certificate), LH_EINVAL);
	add_copies(&text, ca, ANCHORS_MAX - 2);
	assert_int_equal(anchors_read(text.data, text.size, &anchors, &err), 0);
	assert_int_equal(anchors_marks(anchors, marks, &count), 0);
	assert_int_equal(count, 2);
	anchors_free(anchors);
	add_copies(&text, ca, 1);
	assert_int_equal(anchors_read(text.data, text.size, &anchors, &err), LH_EINVAL);
	while (text.size <= ANCHORS_PEM_MAX)
		buf_add_char(&text, '\n');
	assert_int_equal(certificate_read(text.data, text.size, &certificate), LH_ERANGE);
	assert_int_equal(anchors_read(text.data, text.size, &anchors, &err), LH_EINVAL);
	assert_non_null(strstr(err.text, "longer than"));
	buf_free(&text);
	paper_free(ca);
}

static void anchors_that_mislead_are_refused(void **state)
{
	struct paper *ca = authority("ca");
	struct paper *client = paper_new(&(struct paper_terms){ .signer = ca });
	struct paper *server = paper_new(&(struct paper_terms){ .purpose = PAPER_SERVER });
	struct paper *servers = paper_new(
		&(struct paper_terms){ .authority = true, .purpose = PAPER_SERVER });
	struct anchors *anchors;
	struct err err = { "" };
	char both[8192];

	(void)state;
	snprintf(both, sizeof(both), "%s%s", paper_pem(client), paper_pem(ca));
	assert_int_equal(anchors_read(both, strlen(both), &anchors, &err), LH_EINVAL);
	assert_non_null(strstr(err.text, "holds authorities and end certificates"));
	assert_int_equal(anchors_read(paper_pem(server), strlen(paper_pem(server)), &anchors, &err),
			 LH_EINVAL);
	assert_non_null(strstr(err.text, "TLS client authentication"));
	assert_int_equal(
		anchors_read(paper_pem(servers), strlen(paper_pem(servers)), &anchors, &err),
		LH_EINVAL);
	assert_non_null(strstr(err.text, "CA certificates should allow"));
	paper_free(servers);
	paper_free(server);
	paper_free(client);
	paper_free(ca);
}

/* ---- What it says ---- */

static void assert_names(const struct certificate *certificate, enum certificate_name kind,
			 const char *expected)
{
	json_t *names = certificate_names(certificate, kind);
	char *text = json_text(names);

	assert_string_equal(text, expected);
	free(text);
	json_decref(names);
}

static void names_are_told_by_kind(void **state)
{
	struct paper *paper = paper_new(&(struct paper_terms){ .common_name = "svc \xc3\xa9",
							       .unit = "ops",
							       .dns = "a.example.com",
							       .email = "a@example.com",
							       .uri = "spiffe://x/y" });
	struct certificate *certificate = read_one(paper_pem(paper));

	(void)state;
	assert_names(certificate, CERTIFICATE_COMMON_NAME, "[\"svc \xc3\xa9\"]");
	assert_names(certificate, CERTIFICATE_UNIT, "[\"ops\"]");
	assert_names(certificate, CERTIFICATE_DNS, "[\"a.example.com\"]");
	assert_names(certificate, CERTIFICATE_EMAIL, "[\"a@example.com\"]");
	assert_names(certificate, CERTIFICATE_URI, "[\"spiffe://x/y\"]");
	certificate_free(certificate);
	paper_free(paper);
}

static void names_are_told_without_the_marks_of_a_whole_subject(void **state)
{
	struct paper *paper = paper_new(
		&(struct paper_terms){ .common_name = "Doe, Jane <\\>", .unit = "a+b;c" });
	struct certificate *certificate = read_one(paper_pem(paper));

	(void)state;
	assert_names(certificate, CERTIFICATE_COMMON_NAME, "[\"Doe, Jane <\\\\>\"]");
	assert_names(certificate, CERTIFICATE_UNIT, "[\"a+b;c\"]");
	certificate_free(certificate);
	paper_free(paper);
}

static void of_two_common_names_none_counts(void **state)
{
	struct paper *paper = paper_new(
		&(struct paper_terms){ .common_name = "a", .second_common_name = "b" });
	struct certificate *certificate = read_one(paper_pem(paper));

	(void)state;
	assert_names(certificate, CERTIFICATE_COMMON_NAME, "[]");
	assert_names(certificate, CERTIFICATE_UNIT, "[]");
	certificate_free(certificate);
	paper_free(paper);
}

static void the_serial_number_is_decimal(void **state)
{
	struct paper *paper = paper_new(
		&(struct paper_terms){ .serial = UINT64_C(18446744073709551615) });
	struct certificate *certificate = read_one(paper_pem(paper));
	struct buf text = BUF_INIT;

	(void)state;
	certificate_add_serial(certificate, &text);
	assert_string_equal(buf_text(&text), "18446744073709551615");
	buf_clear(&text);
	certificate_add_subject_key(certificate, &text);
	assert_int_equal(text.size, 59);
	assert_int_equal(text.data[2], ':');
	buf_free(&text);
	certificate_free(certificate);
	paper_free(paper);
}

static void a_key_is_the_same_in_all_its_certificates(void **state)
{
	struct paper *one = authority("one"), *other = authority("other");
	struct paper *again = paper_new(&(struct paper_terms){ .signer = other, .key = one });
	struct certificate *first = read_one(paper_pem(one)), *second = read_one(paper_pem(again));
	struct certificate *third = read_one(paper_pem(other));
	unsigned char a[SHA256_SIZE], b[SHA256_SIZE], c[SHA256_SIZE];

	(void)state;
	assert_int_equal(certificate_key_digest(first, a), 0);
	assert_int_equal(certificate_key_digest(second, b), 0);
	assert_int_equal(certificate_key_digest(third, c), 0);
	assert_memory_equal(a, b, sizeof(a));
	assert_memory_not_equal(a, c, sizeof(a));
	certificate_free(third);
	certificate_free(second);
	certificate_free(first);
	paper_free(again);
	paper_free(other);
	paper_free(one);
}

static bool holds(const struct certificate_mark *marks, size_t count,
		  const struct certificate_mark *mark)
{
	for (size_t i = 0; i < count; i++)
		if (!memcmp(&marks[i], mark, sizeof(*mark)))
			return true;
	return false;
}

static void a_mark_leads_to_the_anchor(void **state)
{
	struct paper *ca = authority("ca"), *other = authority("other");
	struct paper *client = paper_new(&(struct paper_terms){ .signer = ca });
	struct certificate *certificate = read_one(paper_pem(client));
	struct certificate_mark itself, signer, marks[ANCHORS_MARKS_MAX];
	const struct paper *anchors_of[] = { ca, client, other };
	size_t count;

	(void)state;
	assert_int_equal(certificate_marks(certificate, &itself, &signer), 0);
	for (size_t i = 0; i < 3; i++) {
		struct anchors *anchors = believe(paper_pem(anchors_of[i]));

		assert_int_equal(anchors_marks(anchors, marks, &count), 0);
		assert_int_equal(holds(marks, count, &signer), i == 0);
		assert_int_equal(holds(marks, count, &itself), i == 1);
		anchors_free(anchors);
	}
	certificate_free(certificate);
	paper_free(client);
	paper_free(other);
	paper_free(ca);
}

/* ---- Memory ---- */

static int read_all(const char *ca, const char *client)
{
	struct certificate *certificate = NULL;
	struct anchors *anchors = NULL;
	struct err err = { "" };
	struct certificate_mark marks[ANCHORS_MARKS_MAX];
	json_t *names = NULL;
	size_t count;
	int ret = anchors_read(ca, strlen(ca), &anchors, &err);

	if (!ret)
		ret = anchors_marks(anchors, marks, &count);
	if (!ret)
		ret = certificate_read(client, strlen(client), &certificate);
	if (!ret && !(names = certificate_names(certificate, CERTIFICATE_COMMON_NAME)))
		ret = LH_ENOMEM;
	if (!ret)
		assert_null(anchors_fault(anchors, certificate, clock_now()));
	json_decref(names);
	certificate_free(certificate);
	anchors_free(anchors);
	return ret;
}

static void lost_memory_is_told(void **state)
{
	struct paper *ca = authority("ca");
	struct paper *client = paper_new(
		&(struct paper_terms){ .signer = ca, .common_name = "client" });
	bool failed = true;

	(void)state;
	for (unsigned n = 1; failed; n++) {
		int ret;

		fail_alloc_at(n);
		ret = read_all(paper_pem(ca), paper_pem(client));
		failed = fail_alloc_stop();
		assert_int_equal(ret, failed ? LH_ENOMEM : 0);
		assert_true(n < 100);
	}
	paper_free(client);
	paper_free(ca);
}

/* ---- What is remembered of a judgement ---- */

static void anchors_hold_until_the_first_of_them_expires(void **state)
{
	struct paper *longer = authority("longer");
	struct paper *brief = paper_new(&(struct paper_terms){
		.authority = true, .common_name = "brief", .from = -60, .until = 100 });
	int64_t now = clock_now();
	struct anchors *anchors;
	char both[8192];

	(void)state;
	snprintf(both, sizeof(both), "%s%s%s", paper_pem(longer), paper_pem(brief),
		 paper_pem(longer));
	anchors = believe(both);
	assert_in_range(anchors_until(anchors), now + 90, now + 100);
	anchors_free(anchors);
	paper_free(brief);
	paper_free(longer);
}

static void a_pair_is_that_of_both_its_parts(void **state)
{
	struct paper *ca = authority("ca"), *other = authority("ca");
	struct certificate *a = read_one(paper_pem(ca)), *b = read_one(paper_pem(other));
	unsigned char one[SHA256_SIZE], two[SHA256_SIZE];

	(void)state;
	assert_int_equal(certificate_pair(a, "text", one), 0);
	assert_int_equal(certificate_pair(a, "text", two), 0);
	assert_memory_equal(one, two, sizeof(one));
	assert_int_equal(certificate_pair(b, "text", two), 0);
	assert_memory_not_equal(one, two, sizeof(one));
	assert_int_equal(certificate_pair(a, "text ", two), 0);
	assert_memory_not_equal(one, two, sizeof(one));
	certificate_free(b);
	certificate_free(a);
	paper_free(other);
	paper_free(ca);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_signed_certificate_is_believed_when_it_is_for_clients),
		cmocka_unit_test(what_an_authority_may_not_sign_is_not_believed),
		cmocka_unit_test(another_authority_of_the_same_name_counts_nothing),
		cmocka_unit_test(of_two_authorities_of_one_name_either_may_sign),
		cmocka_unit_test(an_intermediate_alone_is_an_anchor),
		cmocka_unit_test(who_is_signed_for_a_client_signs_nobody),
		cmocka_unit_test(a_certificate_that_is_meant_itself_is_compared_whole),
		cmocka_unit_test(a_changed_byte_is_noticed),
		cmocka_unit_test(anchors_hold_until_the_first_of_them_expires),
		cmocka_unit_test(a_pair_is_that_of_both_its_parts),
		cmocka_unit_test(what_is_no_certificate_is_refused),
		cmocka_unit_test(there_may_be_so_many_and_no_more),
		cmocka_unit_test(anchors_that_mislead_are_refused),
		cmocka_unit_test(names_are_told_by_kind),
		cmocka_unit_test(names_are_told_without_the_marks_of_a_whole_subject),
		cmocka_unit_test(of_two_common_names_none_counts),
		cmocka_unit_test(the_serial_number_is_decimal),
		cmocka_unit_test(a_key_is_the_same_in_all_its_certificates),
		cmocka_unit_test(a_mark_leads_to_the_anchor),
		cmocka_unit_test(lost_memory_is_told),
	};

	fail_alloc_jansson();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
