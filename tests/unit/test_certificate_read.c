/* SPDX-License-Identifier: Apache-2.0 */
/* What is read as certificates, and what they say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "certificate_fixture.h"
#include "util/buf.h"
#include "util/err.h"
#include "util/json.h"
#include "util/text.h"

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

/* The certificate with a NUL in place of the byte behind each such text: GnuTLS itself would make
 * none of them. */
static struct certificate *with_nul_behind(const char *pem, const char *text)
{
	const char *first = pem + strlen(BEGIN), *last = strstr(pem, "-----END");
	size_t size = strlen(text);
	struct certificate *certificate;
	struct buf der = BUF_INIT, changed = BUF_INIT;

	assert_int_equal(text_unbase64(first, (size_t)(last - first), &der), 0);
	for (size_t i = 0; i + size < der.size; i++)
		if (!memcmp(der.data + i, text, size))
			der.data[i + size] = '\0';
	buf_add_text(&changed, BEGIN);
	text_base64(&changed, der.data, der.size);
	buf_add_text(&changed, "\n" END);
	certificate = read_one(buf_text(&changed));
	buf_free(&changed);
	buf_free(&der);
	return certificate;
}

/* Who has signed it knows it by another name. */
static void a_name_with_a_nul_at_its_end_is_no_name(void **state)
{
	struct paper *paper = paper_new(&(struct paper_terms){ .dns = "a.example.orgX",
							       .email = "a@mail.example.orgX",
							       .uri = "spiffe://x.example.orgX" });
	struct certificate *certificate = with_nul_behind(paper_pem(paper), "example.org");

	(void)state;
	assert_names(certificate, CERTIFICATE_DNS, "[]");
	assert_names(certificate, CERTIFICATE_EMAIL, "[]");
	assert_names(certificate, CERTIFICATE_URI, "[]");
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_no_certificate_is_refused),
		cmocka_unit_test(there_may_be_so_many_and_no_more),
		cmocka_unit_test(anchors_that_mislead_are_refused),
		cmocka_unit_test(names_are_told_by_kind),
		cmocka_unit_test(names_are_told_without_the_marks_of_a_whole_subject),
		cmocka_unit_test(a_name_with_a_nul_at_its_end_is_no_name),
		cmocka_unit_test(of_two_common_names_none_counts),
		cmocka_unit_test(the_serial_number_is_decimal),
		cmocka_unit_test(a_key_is_the_same_in_all_its_certificates),
		cmocka_unit_test(a_mark_leads_to_the_anchor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
