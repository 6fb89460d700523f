/* SPDX-License-Identifier: Apache-2.0 */
/* Batch tokens; who may use tokens from where, and what is found of them in the store. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "auth/tree.h"
#include "fail_alloc.h"
#include "token_fixture.h"
#include "util/buf.h"
#include "util/err.h"
#include "util/text.h"

/* ---- Batch tokens ---- */

static struct caller batch_of(const struct caller *parent, char *token)
{
	struct token_terms terms = ordinary(parent);

	terms.type = TOKEN_BATCH;
	terms.renewable = false;
	terms.metadata = metadata;
	return born(&terms, token);
}

static void a_batch_token_is_stored_nowhere(void **state)
{
	size_t before = temp_records(temp.store);
	char token[TOKEN_TEXT_MAX];
	struct caller caller;

	(void)state;
	caller = batch_of(NULL, token);
	assert_true(text_starts_with(token, "hvb."));
	assert_int_equal(temp_records(temp.store), before);
	assert_int_equal(caller.type, TOKEN_BATCH);
	assert_string_equal(caller.accessor, "");
	assert_true(json_equal(caller.metadata, metadata));
	assert_int_equal(caller.ttl, 600);
	caller_clear(&caller);
}

static void a_batch_token_dies_with_its_parent(void **state)
{
	static const enum token_revocation kinds[] = { TOKEN_REVOKE_TREE, TOKEN_REVOKE_ORPHAN };
	char token[TOKEN_TEXT_MAX];
	struct caller parent, batch;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		parent = child_of(NULL);
		batch = batch_of(&parent, token);
		assert_int_equal(batch.ancestor_count, 1);
		assert_int_equal(token_revoke(temp.store, parent.token, kinds[i]), 0);
		assert_int_equal(look_up(token), LH_EPERM);
		caller_clear(&parent);
		caller_clear(&batch);
	}
}

/* As the revoker takes it away when nothing below it is left. */
static void take_away(const struct caller *caller)
{
	struct store_batch batch = { 0 };
	struct token_due due = { .time = 0 };

	memcpy(due.token.name, caller->token, sizeof(due.token.name));
	assert_int_equal(token_revoke(temp.store, caller->token, TOKEN_REVOKE_TREE), 0);
	assert_int_equal(token_forget(temp.store, &batch, &due.token, NULL, &due), 0);
	assert_int_equal(store_apply(temp.store, STORE_REVOKE, &batch, NULL), 0);
	store_batch_free(&batch);
}

/* It is in its bearer's hands alone, where no revoker finds it. */
static void a_batch_token_stays_dead_when_its_parents_id_is_taken_again(void **state)
{
	struct token_terms terms = ordinary(NULL);
	char old[TOKEN_TEXT_MAX], new[TOKEN_TEXT_MAX];
	struct caller parent, batch;

	(void)state;
	terms.id = "taken-twice";
	parent = born(&terms, NULL);
	batch = batch_of(&parent, old);
	assert_int_equal(look_up(old), 0);
	take_away(&parent);
	caller_clear(&parent);
	caller_clear(&batch);
	parent = born(&terms, NULL);
	batch = batch_of(&parent, new);
	assert_int_equal(look_up(old), LH_EPERM);
	assert_int_equal(look_up(new), 0);
	caller_clear(&parent);
	caller_clear(&batch);
}

static void a_changed_batch_token_is_refused(void **state)
{
	char token[TOKEN_TEXT_MAX];
	struct caller caller;
	size_t size;

	(void)state;
	caller = batch_of(NULL, token);
	caller_clear(&caller);
	size = strlen(token);
	for (size_t i = 4; i < size; i++) {
		char kept = token[i];

		token[i] = kept == 'A' ? 'B' : 'A';
		assert_int_equal(look_up(token), LH_EPERM);
		token[i] = kept;
	}
	for (size_t i = 0; i < size; i++) {
		char kept = token[i];

		token[i] = '\0';
		assert_int_equal(look_up(token), LH_EPERM);
		token[i] = kept;
	}
	strcpy(token + size, "A");
	assert_int_equal(look_up(token), LH_EPERM);
	token[size] = '\0';
	assert_int_equal(look_up(token), 0);
}

/* The store seals values and tokens under different keys. */
static void a_stored_value_is_no_batch_token(void **state)
{
	static const char record[] = "{\"policies\":[\"root\"],\"type\":\"batch\"}";
	static const char service[] = "{\"policies\":[\"root\"]}";
	struct buf sealed = BUF_INIT, token = BUF_INIT;
	const char *id = store_id(temp.store);

	(void)state;
	assert_int_equal(keyring_seal(store_keyring(temp.store), id, strlen(id), record,
				      strlen(record), &sealed),
			 0);
	buf_add_text(&token, "hvb.");
	text_base64url(&token, sealed.data, sealed.size);
	assert_int_equal(look_up(buf_text(&token)), LH_EPERM);
	buf_clear(&sealed);
	buf_clear(&token);
	assert_int_equal(keyring_seal_token(store_keyring(temp.store), id, strlen(id), record,
					    strlen(record), &sealed),
			 0);
	buf_add_text(&token, "hvb.");
	text_base64url(&token, sealed.data, sealed.size);
	assert_int_equal(look_up(buf_text(&token)), 0); /* so only the key makes the difference */
	buf_clear(&sealed);
	buf_clear(&token);
	assert_int_equal(keyring_seal_token(store_keyring(temp.store), id, strlen(id), service,
					    strlen(service), &sealed),
			 0);
	buf_add_text(&token, "hvb.");
	text_base64url(&token, sealed.data, sealed.size);
	assert_int_equal(look_up(buf_text(&token)), LH_EPERM); /* nor is any other record one */
	buf_free(&sealed);
	buf_free(&token);
}

static void odd_tokens_are_unknown(void **state)
{
	static const char *const odd[] = {
		"",         " ",
		"hvs.",     "hvb.",
		"hvb.A",    "hvb.====",
		"hvb.\xff", "hvb.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	};
	static char huge[64 * 1024 + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		assert_int_equal(look_up(odd[i]), LH_EPERM);
	memset(huge, 'A', sizeof(huge) - 1);
	assert_int_equal(look_up(huge), LH_EPERM);
	memcpy(huge, "hvb.", 4);
	assert_int_equal(look_up(huge), LH_EPERM);
}

/* What a batch token owns is found through a record; it opens no door. */
static void the_trace_of_a_batch_token_is_no_token(void **state)
{
	struct store_batch batch = { 0 };
	char token[TOKEN_TEXT_MAX];
	struct caller parent, caller, again;

	(void)state;
	parent = child_of(NULL);
	caller = batch_of(&parent, token);
	assert_int_equal(token_trace(&batch, &caller), 0);
	token_expect_alive(&batch, &caller);
	assert_int_equal(store_apply(temp.store, STORE_NORMAL, &batch, NULL), 0);
	assert_int_equal(look_up(token), 0);
	assert_int_equal(token_find_name(temp.store, caller.token, &again), 0);
	assert_int_equal(again.type, TOKEN_BATCH);
	assert_int_equal(again.ancestor_count, 1);
	assert_true(again.expires_ns == caller.expires_ns);
	caller_clear(&again);
	assert_int_equal(token_revoke(temp.store, parent.token, TOKEN_REVOKE_TREE), 0);
	assert_int_equal(store_apply(temp.store, STORE_NORMAL, &batch, NULL), LH_ECONFLICT);
	store_batch_free(&batch);
	caller_clear(&parent);
	caller_clear(&caller);
}

/* ---- What a thief finds ---- */

struct needle {
	const char *text;
	size_t size, looked_at;
};

static int look_into(void *context, const struct store_record *record)
{
	struct needle *needle = context;

	needle->looked_at++;
	assert_null(memmem(record->key.data, record->key.size, needle->text, needle->size));
	assert_null(memmem(record->value.data, record->value.size, needle->text, needle->size));
	return 0;
}

/* Everything opened with the keys of the store: no record holds a token, or the end of one. */
static void store_and_keys_together_hold_no_token(void **state)
{
	struct store_batch batch = { 0 };
	char tokens[2][TOKEN_TEXT_MAX];
	struct token_terms terms = ordinary(NULL);
	struct caller caller, child;

	(void)state;
	caller = born(&terms, tokens[0]);
	child = batch_of(&caller, tokens[1]);
	assert_int_equal(token_trace(&batch, &child), 0);
	assert_int_equal(store_apply(temp.store, STORE_NORMAL, &batch, NULL), 0);
	store_batch_free(&batch);
	for (size_t i = 0; i < 2; i++) {
		struct needle needle = { tokens[i] + strlen(tokens[i]) - 12, 12, 0 };

		assert_int_equal(store_scan(temp.store, STORE_SCAN_VALUES,
					    (struct bytes){ "\0", 1 }, (struct bytes){ "", 0 },
					    (struct bytes){ "", 0 }, 100000, look_into, &needle),
				 0);
		assert_true(needle.looked_at > 5);
	}
	caller_clear(&caller);
	caller_clear(&child);
}

/* ---- Addresses ---- */

static const struct {
	const char *name, *cidr, *address;
	bool allowed;
} address_cases[] = {
	{ "an address in an IPv4 block", "10.0.0.0/8", "10.1.2.3", true },
	{ "an address outside of it", "10.0.0.0/8", "11.0.0.1", false },
	{ "a block that ends within a byte", "10.1.16.0/20", "10.1.31.255", true },
	{ "one behind it", "10.1.16.0/20", "10.1.32.0", false },
	{ "a single address", "192.0.2.7", "192.0.2.7", true },
	{ "its neighbour", "192.0.2.7", "192.0.2.6", false },
	{ "all of IPv4", "0.0.0.0/0", "203.0.113.9", true },
	{ "all of IPv4 holds no IPv6", "0.0.0.0/0", "2001:db8::1", false },
	{ "an IPv6 block", "2001:db8::/33", "2001:db8:7fff::1", true },
	{ "outside of it", "2001:db8::/33", "2001:db8:8000::1", false },
	{ "an IPv4 address written as IPv6", "10.0.0.0/8", "::ffff:10.0.0.1", true },
	{ "a block of such ones", "::ffff:10.0.0.0/104", "10.9.9.9", true },
	{ "what is no address", "10.0.0.0/8", "unix:", false },
	{ "no address at all", "10.0.0.0/8", "", false },
	{ "a block as address", "10.0.0.0/8", "10.0.0.0/8", false },
	{ "what is no block", "ten", "10.0.0.1", false },
};

static void a_bound_token_is_for_its_addresses_alone(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(address_cases) / sizeof(address_cases[0]); i++) {
		struct caller caller = { .bound_cidrs = json_pack("[s,s]", "198.51.100.1",
								  address_cases[i].cidr) };

		if (token_allows_address(&caller, address_cases[i].address) !=
		    address_cases[i].allowed)
			fail_msg("%s", address_cases[i].name);
		json_decref(caller.bound_cidrs);
	}
}

static void a_token_that_is_not_bound_comes_from_anywhere(void **state)
{
	struct caller caller = { .bound_cidrs = NULL };

	(void)state;
	assert_true(token_allows_address(&caller, ""));
	assert_true(token_allows_address(&caller, "2001:db8::1"));
}

static void blocks_are_checked(void **state)
{
	static const char *const good[] = { "10.0.0.0/8", "::/0", "1.2.3.4", "1.2.3.4/32", "::1" };
	static const char *const bad[] = { "",         "/8",          "10.0.0.0/33", "10.0.0.0/-1",
					   "10.0.0/8", "::/129",      "1.2.3.4/",    "1.2.3.4/ 8",
					   "a.b.c.d",  "1.2.3.4/8/8", "10.0.0.0/+8" };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (!cidr_is_valid(good[i]))
			fail_msg("%s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (cidr_is_valid(bad[i]))
			fail_msg("%s", bad[i]);
}

/* ---- Accessors ---- */

static int note(void *context, const char *accessor)
{
	return json_array_append_new(context, json_string(accessor)) ? LH_ENOMEM : 0;
}

static void accessors_are_listed_page_by_page(void **state)
{
	json_t *all = json_array(), *paged = json_array();
	const char *after = "";
	size_t before;

	(void)state;
	assert_int_equal(token_list_accessors(temp.store, "", 1000, note, all), 0);
	assert_true(json_array_size(all) > 2);
	do {
		before = json_array_size(paged);
		assert_int_equal(token_list_accessors(temp.store, after, 2, note, paged), 0);
		after = json_string_value(json_array_get(paged, json_array_size(paged) - 1));
	} while (json_array_size(paged) > before);
	assert_true(json_equal(all, paged));
	json_decref(all);
	json_decref(paged);
}

/* ---- Memory ---- */

static int whole_life(const struct token_terms *terms)
{
	struct caller caller = { .accessor = NULL }, other = { .accessor = NULL };
	struct token_made made;
	int ret;

	ret = token_create(temp.store, terms, &made);
	if (!ret)
		ret = auth_lookup(temp.store, made.token, &caller);
	if (!ret && terms->type == TOKEN_SERVICE) {
		ret = token_find_accessor(temp.store, made.accessor, &other);
		if (!ret)
			ret = token_renew(temp.store, &other, 900);
		if (!ret)
			ret = token_use(temp.store, &other, 0) == LH_ENOMEM ? LH_ENOMEM : 0;
		if (!ret)
			ret = token_revoke(temp.store, caller.token, TOKEN_REVOKE_TREE);
	}
	caller_clear(&caller);
	caller_clear(&other);
	token_made_clear(&made);
	return ret;
}

static void lost_memory_is_told(void **state)
{
	static const enum token_type types[] = { TOKEN_SERVICE, TOKEN_BATCH };
	struct caller parent = child_of(NULL);

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct token_terms terms = ordinary(&parent);
		bool lost = true;

		terms.type = types[i];
		terms.metadata = metadata;
		terms.num_uses = types[i] == TOKEN_SERVICE ? 5 : 0;
		for (unsigned n = 1; lost; n++) {
			int ret;

			fail_alloc_at(n);
			ret = whole_life(&terms);
			lost = fail_alloc_stop();
			assert_int_equal(ret, lost ? LH_ENOMEM : 0);
			assert_true(n < 2000);
		}
	}
	caller_clear(&parent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_batch_token_is_stored_nowhere),
		cmocka_unit_test(a_batch_token_dies_with_its_parent),
		cmocka_unit_test(a_batch_token_stays_dead_when_its_parents_id_is_taken_again),
		cmocka_unit_test(a_changed_batch_token_is_refused),
		cmocka_unit_test(a_stored_value_is_no_batch_token),
		cmocka_unit_test(odd_tokens_are_unknown),
		cmocka_unit_test(the_trace_of_a_batch_token_is_no_token),
		cmocka_unit_test(store_and_keys_together_hold_no_token),
		cmocka_unit_test(a_bound_token_is_for_its_addresses_alone),
		cmocka_unit_test(a_token_that_is_not_bound_comes_from_anywhere),
		cmocka_unit_test(blocks_are_checked),
		cmocka_unit_test(accessors_are_listed_page_by_page),
		cmocka_unit_test(lost_memory_is_told),
	};

	fail_alloc_jansson();
	return cmocka_run_group_tests(tests, token_set_up, token_tear_down);
}
