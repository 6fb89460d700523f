/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/cert_entry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "auth/token.h"
#include "auth/vouched.h"
#include "crypto/certificate.h"
#include "fail_alloc.h"
#include "paper.h"
#include "temp_store.h"
#include "util/clock.h"
#include "util/err.h"

static struct paper *ca, *other, *client;
static struct vouched *vouched;

static int set_up(void **state)
{
	(void)state;
	temp_store_open(&temp);
	assert_int_equal(vouched_new(&vouched), 0);
	ca = paper_new(&(struct paper_terms){ .authority = true, .common_name = "ca" });
	other = paper_new(&(struct paper_terms){ .authority = true, .common_name = "other" });
	client = paper_new(&(struct paper_terms){ .signer = ca,
						  .common_name = "svc-one",
						  .unit = "ops",
						  .dns = "one.example.com",
						  .email = "one@example.com",
						  .uri = "spiffe://x/one" });
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	vouched_free(vouched);
	paper_free(client);
	paper_free(other);
	paper_free(ca);
	temp_store_close(&temp);
	return 0;
}

/* ---- Stored ---- */

static json_t *entry_of(const struct paper *paper)
{
	json_t *entry = cert_entry_new();

	assert_int_equal(json_object_set_new(entry, "certificate", json_string(paper_pem(paper))),
			 0);
	return entry;
}

static int put_with(const char *name, json_t *entry, uint64_t revision, const struct paper *paper)
{
	struct anchors *anchors;
	int ret;

	assert_int_equal(anchors_read(paper_pem(paper), strlen(paper_pem(paper)), &anchors, NULL),
			 0);
	ret = cert_entry_put(temp.store, name, entry, revision, anchors);
	anchors_free(anchors);
	return ret;
}

static void put(const char *name, const struct paper *paper)
{
	json_t *entry = entry_of(paper);

	assert_int_equal(put_with(name, entry, 0, paper), 0);
	json_decref(entry);
}

static int add_name(void *names, const char *name)
{
	char *list = names;

	strcat(list, name);
	strcat(list, " ");
	return 0;
}

static const char *listed(const char *after, size_t max)
{
	static char names[256]; /* of the test program */

	names[0] = '\0';
	assert_int_equal(cert_entry_list(temp.store, after, max, add_name, names), 0);
	return names;
}

/* Those that the client's certificate leads to, itself and by its signer. */
static const char *candidates(const struct paper *paper)
{
	static char names[256]; /* of the test program */
	struct certificate_mark itself, signer;
	struct certificate *certificate;

	names[0] = '\0';
	assert_int_equal(certificate_read(paper_pem(paper), strlen(paper_pem(paper)), &certificate),
			 0);
	assert_int_equal(certificate_marks(certificate, &itself, &signer), 0);
	assert_int_equal(cert_entry_candidates(temp.store, &itself, 9, add_name, names), 0);
	strcat(names, "| ");
	assert_int_equal(cert_entry_candidates(temp.store, &signer, 9, add_name, names), 0);
	certificate_free(certificate);
	return names;
}

static void entries_are_listed_in_order(void **state)
{
	(void)state;
	put("b", ca);
	put("a", ca);
	put("c", client);
	assert_string_equal(listed("", 9), "a b c ");
	assert_string_equal(listed("a", 1), "b ");
	assert_int_equal(cert_entry_delete(temp.store, "b"), 0);
	assert_int_equal(cert_entry_delete(temp.store, "b"), 0);
	assert_string_equal(listed("", 9), "a c ");
}

static void a_certificate_leads_to_the_entries_that_may_believe_it(void **state)
{
	(void)state;
	put("by-signer", ca);
	put("itself", client);
	put("nothing-to-do", other);
	assert_string_equal(candidates(client), "itself | by-signer ");
	assert_int_equal(cert_entry_delete(temp.store, "by-signer"), 0);
	assert_string_equal(candidates(client), "itself | ");
}

static void other_certificates_leave_no_mark_of_the_old_ones(void **state)
{
	uint64_t revision = 0;
	json_t *entry;

	(void)state;
	put("e", other);
	assert_string_equal(candidates(client), "| ");
	assert_int_equal(cert_entry_get(temp.store, "e", &entry, &revision), 0);
	assert_int_equal(put_with("e", entry, revision, ca), 0);
	assert_int_equal(put_with("e", entry, revision, ca), LH_ECONFLICT);
	json_decref(entry);
	assert_string_equal(candidates(client), "| e ");
	assert_int_equal(cert_entry_get(temp.store, "e", &entry, &revision), 0);
	assert_int_equal(put_with("e", entry, revision, client), 0);
	json_decref(entry);
	assert_string_equal(candidates(client), "e | ");
}

static void an_entry_has_a_limit(void **state)
{
	static char long_text[CERT_ENTRY_MAX + 1];
	json_t *entry = entry_of(ca);

	(void)state;
	memset(long_text, 'a', sizeof(long_text) - 1);
	json_object_set_new(entry, "display_name", json_string(long_text));
	assert_int_equal(put_with("e", entry, 0, ca), LH_ERANGE);
	json_decref(entry);
}

/* ---- Judged ---- */

static const struct {
	const char *name, *member, *pattern, *fault;
} patterns[] = {
	{ "no pattern", "allowed_names", NULL, "" },
	{ "a name is the common name", "allowed_names", "svc-one", "" },
	{ "a name is a DNS name", "allowed_names", "*.example.com", "" },
	{ "a name is an address", "allowed_names", "*@example.com", "" },
	{ "a name is no URI", "allowed_names", "spiffe:*",
	  "none of its names is among allowed_names" },
	{ "the common name", "allowed_common_names", "svc-*", "" },
	{ "another common name", "allowed_common_names", "one.example.com",
	  "its common name is not among allowed_common_names" },
	{ "the case counts", "allowed_common_names", "SVC-one",
	  "its common name is not among allowed_common_names" },
	{ "a part is not the whole", "allowed_common_names", "svc",
	  "its common name is not among allowed_common_names" },
	{ "the DNS name", "allowed_dns_sans", "one.example.com", "" },
	{ "another DNS name", "allowed_dns_sans", "svc-one",
	  "none of its DNS names is among allowed_dns_sans" },
	{ "the address", "allowed_email_sans", "one@example.com", "" },
	{ "another address", "allowed_email_sans", "two@*",
	  "none of its addresses is among allowed_email_sans" },
	{ "the URI", "allowed_uri_sans", "spiffe://x/*", "" },
	{ "another URI", "allowed_uri_sans", "spiffe://y/*",
	  "none of its URIs is among allowed_uri_sans" },
	{ "the unit", "allowed_organizational_units", "ops", "" },
	{ "another unit", "allowed_organizational_units", "svc-one",
	  "none of its units is among allowed_organizational_units" },
};

static const char *judge_at(json_t *entry, const struct paper *paper, int64_t now)
{
	struct certificate *certificate;
	const char *fault;

	assert_int_equal(certificate_read(paper_pem(paper), strlen(paper_pem(paper)), &certificate),
			 0);
	assert_int_equal(cert_entry_judge(entry, certificate, vouched, now, &fault), 0);
	certificate_free(certificate);
	return fault ? fault : "";
}

static const char *judge(json_t *entry, const struct paper *paper)
{
	return judge_at(entry, paper, clock_now());
}

static void names_must_be_as_the_patterns_say(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		json_t *entry = entry_of(ca);

		if (patterns[i].pattern)
			json_object_set_new(entry, patterns[i].member,
					    json_pack("[s, s]", "x", patterns[i].pattern));
		print_message("  %s\n", patterns[i].name);
		assert_string_equal(judge(entry, client), patterns[i].fault);
		json_decref(entry);
	}
}

static void no_name_is_as_a_pattern_says(void **state)
{
	struct paper *nameless = paper_new(&(struct paper_terms){ .signer = ca });
	json_t *entry = entry_of(ca);

	(void)state;
	assert_string_equal(judge(entry, nameless), "");
	json_object_set_new(entry, "allowed_common_names", json_pack("[s]", "*"));
	assert_string_equal(judge(entry, nameless),
			    "its common name is not among allowed_common_names");
	json_decref(entry);
	paper_free(nameless);
}

static void all_kinds_of_patterns_must_fit(void **state)
{
	json_t *entry = entry_of(ca);

	(void)state;
	json_object_set_new(entry, "allowed_common_names", json_pack("[s]", "svc-one"));
	json_object_set_new(entry, "allowed_dns_sans", json_pack("[s]", "two.example.com"));
	assert_string_equal(judge(entry, client),
			    "none of its DNS names is among allowed_dns_sans");
	json_decref(entry);
}

static void names_alone_let_nobody_in(void **state)
{
	json_t *entry = entry_of(other);

	(void)state;
	json_object_set_new(entry, "allowed_common_names", json_pack("[s]", "svc-one"));
	assert_string_equal(judge(entry, client), "none of the authorities has signed it");
	json_object_set_new(entry, "certificate", json_string("broken"));
	assert_string_equal(judge(entry, client),
			    "the entry's certificates cannot be read any more");
	json_decref(entry);
}

/* ---- Judged again ---- */

static void pair_of(const struct paper *paper, const struct paper *anchor,
		    unsigned char pair[SHA256_SIZE])
{
	struct certificate *certificate;

	assert_int_equal(certificate_read(paper_pem(paper), strlen(paper_pem(paper)), &certificate),
			 0);
	assert_int_equal(certificate_pair(certificate, paper_pem(anchor), pair), 0);
	certificate_free(certificate);
}

static void keep(const struct paper *paper, const struct paper *anchor)
{
	unsigned char pair[SHA256_SIZE];

	pair_of(paper, anchor, pair);
	vouched_keep(vouched, pair, clock_now(), INT64_MAX);
}

/* Only a pair that is kept can be believed without a signature. */
static void what_was_vouched_for_is_not_verified_again(void **state)
{
	json_t *entry = entry_of(other);

	(void)state;
	assert_string_equal(judge(entry, client), "none of the authorities has signed it");
	assert_string_equal(judge(entry, client), "none of the authorities has signed it");
	keep(client, ca);
	assert_string_equal(judge(entry, client), "none of the authorities has signed it");
	keep(client, other);
	assert_string_equal(judge(entry, client), "");
	json_decref(entry);
}

static void what_is_believed_is_kept_until_its_authority_expires(void **state)
{
	struct paper *brief = paper_new(&(struct paper_terms){
		.authority = true, .common_name = "brief", .from = -60, .until = 100 });
	struct paper *served = paper_new(&(struct paper_terms){ .signer = brief });
	unsigned char pair[SHA256_SIZE];
	json_t *entry = entry_of(brief);
	int64_t now = clock_now();

	(void)state;
	pair_of(served, brief, pair);
	assert_false(vouched_knows(vouched, pair, now));
	assert_string_equal(judge_at(entry, served, now), "");
	assert_true(vouched_knows(vouched, pair, now + 97));
	assert_false(vouched_knows(vouched, pair, now + 101));
	json_decref(entry);
	paper_free(served);
	paper_free(brief);
}

static void what_the_certificate_says_of_itself_holds_each_time(void **state)
{
	struct paper *brief = paper_new(
		&(struct paper_terms){ .signer = ca, .from = -60, .until = 100 });
	json_t *entry = entry_of(ca);
	int64_t now = clock_now();

	(void)state;
	assert_string_equal(judge_at(entry, brief, now), "");
	assert_string_equal(judge_at(entry, brief, now + 99), "");
	assert_string_equal(judge_at(entry, brief, now + 102), "it has expired");
	json_decref(entry);
	paper_free(brief);
}

static void other_names_are_looked_at_each_time(void **state)
{
	json_t *entry = entry_of(ca);

	(void)state;
	assert_string_equal(judge(entry, client), "");
	json_object_set_new(entry, "allowed_common_names", json_pack("[s]", "svc-two"));
	assert_string_equal(judge(entry, client),
			    "its common name is not among allowed_common_names");
	json_decref(entry);
}

/* ---- Owned ---- */

static void owner_of(const char *name, const struct paper *paper, unsigned char identity[],
		     unsigned char root[])
{
	struct certificate *certificate;
	json_t *entry;

	assert_int_equal(certificate_read(paper_pem(paper), strlen(paper_pem(paper)), &certificate),
			 0);
	assert_int_equal(cert_entry_get(temp.store, name, &entry, NULL), 0);
	assert_int_equal(cert_entry_owner(temp.store, entry, certificate, identity, root), 0);
	json_decref(entry);
	certificate_free(certificate);
}

static void an_owner_is_a_key_by_an_entry(void **state)
{
	struct paper *again = paper_new(
		&(struct paper_terms){ .signer = ca, .common_name = "svc-one", .key = client });
	unsigned char a[KEYRING_NAME_SIZE], b[KEYRING_NAME_SIZE], root[KEYRING_NAME_SIZE];

	(void)state;
	put("a", ca);
	put("b", ca);
	owner_of("a", client, a, root);
	owner_of("a", again, b, root);
	assert_memory_equal(a, b, sizeof(a));
	owner_of("b", client, b, root);
	assert_memory_not_equal(a, b, sizeof(a));
	owner_of("a", ca, b, root);
	assert_memory_not_equal(a, b, sizeof(a));
	assert_int_equal(cert_entry_delete(temp.store, "a"), 0);
	put("a", ca);
	owner_of("a", client, b, root);
	assert_memory_not_equal(a, b, sizeof(a));
	paper_free(again);
}

static void a_token_is_not_born_to_an_entry_that_was_deleted(void **state)
{
	json_t *policies = json_pack("[s]", "p");
	struct caller root = { .type = TOKEN_SERVICE };
	unsigned char identity[KEYRING_NAME_SIZE];
	struct token_terms terms = { .parent = &root,
				     .display_name = "cert-e",
				     .path = CERT_PATH,
				     .policies = policies,
				     .identity = identity,
				     .ttl = 60 };
	struct token_made made, second;
	struct caller caller;

	(void)state;
	put("e", ca);
	owner_of("e", client, identity, root.token);
	assert_int_equal(token_create(temp.store, &terms, &made), 0);
	assert_int_equal(auth_lookup(temp.store, made.token, &caller), 0);
	caller_clear(&caller);
	assert_int_equal(cert_entry_delete(temp.store, "e"), 0);
	assert_int_equal(token_create(temp.store, &terms, &second), LH_ECONFLICT);
	assert_int_equal(auth_lookup(temp.store, made.token, &caller), LH_EPERM);
	token_made_clear(&made);
	json_decref(policies);
}

/* ---- Memory ---- */

static int do_all(const struct anchors *anchors, json_t *entry)
{
	uint64_t revision = 0;
	json_t *again = NULL;
	int ret = cert_entry_put(temp.store, "lost", entry, 0, anchors);

	if (!ret)
		ret = cert_entry_get(temp.store, "lost", &again, &revision);
	if (!ret)
		ret = cert_entry_put(temp.store, "lost", again, revision, anchors);
	if (!ret)
		ret = cert_entry_delete(temp.store, "lost");
	json_decref(again);
	return ret;
}

static void lost_memory_is_told(void **state)
{
	struct anchors *anchors;
	bool failed = true;

	(void)state;
	assert_int_equal(anchors_read(paper_pem(ca), strlen(paper_pem(ca)), &anchors, NULL), 0);
	for (unsigned n = 1; failed; n++) {
		json_t *entry = entry_of(ca);
		int ret;

		fail_alloc_at(n);
		ret = do_all(anchors, entry);
		failed = fail_alloc_stop();
		assert_int_equal(ret, failed ? LH_ENOMEM : 0);
		assert_int_equal(cert_entry_delete(temp.store, "lost"), 0);
		json_decref(entry);
		assert_true(n < 3000);
	}
	anchors_free(anchors);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(entries_are_listed_in_order),
		TEST(a_certificate_leads_to_the_entries_that_may_believe_it),
		TEST(other_certificates_leave_no_mark_of_the_old_ones),
		TEST(an_entry_has_a_limit),
		TEST(names_must_be_as_the_patterns_say),
		TEST(no_name_is_as_a_pattern_says),
		TEST(all_kinds_of_patterns_must_fit),
		TEST(names_alone_let_nobody_in),
		TEST(what_was_vouched_for_is_not_verified_again),
		TEST(what_is_believed_is_kept_until_its_authority_expires),
		TEST(what_the_certificate_says_of_itself_holds_each_time),
		TEST(other_names_are_looked_at_each_time),
		TEST(an_owner_is_a_key_by_an_entry),
		TEST(a_token_is_not_born_to_an_entry_that_was_deleted),
		TEST(lost_memory_is_told),
	};

	fail_alloc_jansson();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
