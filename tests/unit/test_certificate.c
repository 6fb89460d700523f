/* SPDX-License-Identifier: Apache-2.0 */
/* Whose certificate is believed, and what is remembered of that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "certificate_fixture.h"
#include "fail_alloc.h"
#include "util/clock.h"
#include "util/err.h"

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
		cmocka_unit_test(lost_memory_is_told),
	};

	fail_alloc_jansson();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
