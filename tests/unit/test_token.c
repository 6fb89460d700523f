/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "auth/token.h"
#include "fail_alloc.h"
#include "store/key.h"
#include "temp_store.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/json.h"
#include "util/text.h"

static struct temp_store temp;
static json_t *policies, *metadata;

static int set_up(void **state)
{
	(void)state;
	temp_store_open(&temp);
	policies = json_pack("[s,s]", "a", "default");
	metadata = json_pack("{s:s}", "team", "blue");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	json_decref(policies);
	json_decref(metadata);
	temp_store_close(&temp);
	return 0;
}

/* ---- Making and finding ---- */

static struct token_terms ordinary(const struct caller *parent)
{
	struct token_terms terms = {
		.parent = parent,
		.display_name = "token-ci",
		.path = "auth/token/create",
		.policies = policies,
		.ttl = 600,
		.renewable = true,
	};

	return terms;
}

static void make(const struct token_terms *terms, struct token_made *made)
{
	assert_int_equal(token_create(temp.store, terms, made), 0);
}

/* A new token, looked up; the text goes to token (room for TOKEN_TEXT_MAX), which may be NULL. */
static struct caller born(const struct token_terms *terms, char *token)
{
	struct token_made made;
	struct caller caller;

	make(terms, &made);
	assert_int_equal(auth_lookup(temp.store, made.token, &caller), 0);
	if (token)
		strcpy(token, made.token);
	token_made_clear(&made);
	return caller;
}

static struct caller child_of(const struct caller *parent)
{
	struct token_terms terms = ordinary(parent);

	return born(&terms, NULL);
}

static int look_up(const char *token)
{
	struct caller caller;
	int ret = auth_lookup(temp.store, token, &caller);

	if (!ret)
		caller_clear(&caller);
	return ret;
}

static int look_up_name(const struct caller *known)
{
	struct caller caller;
	int ret = token_find_name(temp.store, known->token, &caller);

	if (!ret)
		caller_clear(&caller);
	return ret;
}

static void a_token_is_found_with_all_it_was_given(void **state)
{
	struct token_terms terms = ordinary(NULL);
	struct token_made made;
	struct caller caller;

	(void)state;
	terms.metadata = metadata;
	terms.role = "deploy";
	terms.explicit_max = 3600;
	terms.period = 60;
	terms.num_uses = 3;
	make(&terms, &made);
	assert_true(text_starts_with(made.token, "hvs."));
	assert_int_equal(strlen(made.token), 28);
	assert_int_equal(auth_lookup(temp.store, made.token, &caller), 0);
	assert_int_equal(caller.type, TOKEN_SERVICE);
	assert_memory_equal(caller.token, made.name, sizeof(made.name));
	assert_string_equal(caller.accessor, made.accessor);
	assert_string_equal(caller.display_name, "token-ci");
	assert_string_equal(caller.path, "auth/token/create");
	assert_string_equal(caller.role, "deploy");
	assert_true(json_equal(caller.policies, policies));
	assert_true(json_equal(caller.metadata, metadata));
	assert_null(caller.bound_cidrs);
	assert_false(caller.root);
	assert_false(caller.wrapping);
	assert_true(caller.renewable);
	assert_int_equal(caller.ancestor_count, 0);
	assert_int_equal(caller.num_uses, 3);
	assert_int_equal(caller.explicit_max, 3600);
	assert_int_equal(caller.period, 60);
	assert_int_equal(caller.ttl, 600);
	assert_int_equal(caller.creation_ttl, 600);
	assert_int_equal(caller.renewed_ns, 0);
	assert_true(caller.expires_ns == caller.issued_ns + INT64_C(600000000000));
	assert_true(caller.expires_ns == made.expires_ns);
	assert_in_range(caller.created, clock_now() - 60, clock_now());
	caller_clear(&caller);
	token_made_clear(&made);
}

static void a_token_is_found_by_its_accessor_too(void **state)
{
	struct token_terms terms = ordinary(NULL);
	struct token_made made;
	struct caller caller;

	(void)state;
	make(&terms, &made);
	assert_int_equal(token_find_accessor(temp.store, made.accessor, &caller), 0);
	assert_memory_equal(caller.token, made.name, sizeof(made.name));
	caller_clear(&caller);
	assert_int_equal(token_find_accessor(temp.store, made.token, &caller), LH_ENOENT);
	assert_int_equal(look_up(made.accessor), LH_EPERM);
	token_made_clear(&made);
}

static void an_id_of_ones_own_is_kept_and_taken_once(void **state)
{
	struct token_terms terms = ordinary(NULL);
	struct token_made made;

	(void)state;
	terms.id = "my-own-id";
	make(&terms, &made);
	assert_string_equal(made.token, "my-own-id");
	token_made_clear(&made);
	assert_int_equal(token_create(temp.store, &terms, &made), LH_EEXIST);
	assert_null(made.token);
	assert_int_equal(look_up("my-own-id"), 0);
}

static void a_record_has_a_limit(void **state)
{
	static char huge[TOKEN_RECORD_MAX + 1];
	struct token_terms terms = ordinary(NULL);
	struct token_made made;

	(void)state;
	memset(huge, 'x', sizeof(huge) - 1);
	terms.display_name = huge;
	assert_int_equal(token_create(temp.store, &terms, &made), LH_ERANGE);
	terms.type = TOKEN_BATCH;
	assert_int_equal(token_create(temp.store, &terms, &made), LH_ERANGE);
	assert_null(made.token);
}

static void a_wrapping_token_is_known_by_its_policy(void **state)
{
	json_t *wrapping = json_pack("[s]", TOKEN_WRAPPING_POLICY);
	struct token_terms terms = ordinary(NULL);
	struct caller caller;

	(void)state;
	terms.policies = wrapping;
	caller = born(&terms, NULL);
	assert_true(caller.wrapping);
	caller_clear(&caller);
	json_decref(wrapping);
}

/* As `init` made it before there were any others. */
static void the_root_token_of_an_older_store_still_opens_it(void **state)
{
	static const char old[] = "{\"accessor\":\"abcdefghijklmnopqrstuvwx\","
				  "\"display_name\":\"root\",\"policies\":[\"root\"],"
				  "\"created\":1795415274}";
	unsigned char name[KEYRING_NAME_SIZE];
	struct store_batch batch = { 0 };
	struct token_terms terms;
	struct caller caller, child;
	struct key key;

	(void)state;
	assert_int_equal(keyring_name(store_keyring(temp.store), KEYRING_TOKEN, "hvs.old", name),
			 0);
	key_token(&key, name);
	store_batch_put(&batch, STORE_ABSENT, 0, key_bytes(&key),
			(struct bytes){ old, strlen(old) });
	assert_int_equal(store_apply(temp.store, STORE_NORMAL, &batch, NULL), 0);
	store_batch_free(&batch);
	assert_int_equal(auth_lookup(temp.store, "hvs.old", &caller), 0);
	assert_true(caller.root);
	assert_string_equal(caller.path, "auth/token/root");
	assert_int_equal(caller.expires_ns, 0);
	assert_int_equal(caller.created, 1795415274);
	terms = ordinary(&caller);
	child = born(&terms, NULL);
	assert_int_equal(child.ancestor_count, 1);
	caller_clear(&child);
	caller_clear(&caller);
}

/* ---- Trees ---- */

static void ancestors_are_named_nearest_first(void **state)
{
	struct caller parent, child, grandchild;

	(void)state;
	parent = child_of(NULL);
	child = child_of(&parent);
	grandchild = child_of(&child);
	assert_int_equal(grandchild.ancestor_count, 2);
	assert_memory_equal(grandchild.ancestors[0], child.token, sizeof(child.token));
	assert_memory_equal(grandchild.ancestors[1], parent.token, sizeof(parent.token));
	assert_true(token_is_within(&grandchild, &parent));
	assert_true(token_is_within(&parent, &parent));
	assert_false(token_is_within(&parent, &grandchild));
	caller_clear(&parent);
	caller_clear(&child);
	caller_clear(&grandchild);
}

static void a_tree_has_a_greatest_depth(void **state)
{
	struct caller line[TOKEN_ANCESTORS_MAX + 1];
	struct token_terms terms;
	struct token_made made;

	(void)state;
	line[0] = child_of(NULL);
	for (size_t i = 1; i <= TOKEN_ANCESTORS_MAX; i++)
		line[i] = child_of(&line[i - 1]);
	terms = ordinary(&line[TOKEN_ANCESTORS_MAX]);
	assert_int_equal(token_create(temp.store, &terms, &made), LH_ERANGE);
	assert_int_equal(token_revoke(temp.store, line[0].token, TOKEN_REVOKE_TREE), 0);
	for (size_t i = 0; i <= TOKEN_ANCESTORS_MAX; i++) {
		assert_int_equal(look_up_name(&line[i]), LH_ENOENT);
		caller_clear(&line[i]);
	}
}

static void a_dead_parent_has_no_more_children(void **state)
{
	struct caller parent, child;
	struct token_terms terms;
	struct token_made made;

	(void)state;
	parent = child_of(NULL);
	child = child_of(&parent);
	assert_int_equal(token_revoke(temp.store, parent.token, TOKEN_REVOKE_TREE), 0);
	terms = ordinary(&parent);
	assert_int_equal(token_create(temp.store, &terms, &made), LH_ECONFLICT);
	terms = ordinary(&child);
	assert_int_equal(token_create(temp.store, &terms, &made), LH_ECONFLICT);
	assert_int_equal(token_revoke(temp.store, parent.token, TOKEN_REVOKE_TREE), 0);
	caller_clear(&parent);
	caller_clear(&child);
}

static void no_orphan_is_born_for_the_dead(void **state)
{
	enum token_type types[] = { TOKEN_SERVICE, TOKEN_BATCH };
	struct caller parent = child_of(NULL), asker = child_of(&parent);

	(void)state;
	for (int dead = 0; dead <= 1; dead++) {
		for (int i = 0; i < 2; i++) {
			struct token_terms terms = ordinary(NULL);
			struct token_made made;

			terms.type = types[i];
			terms.asker = &asker;
			assert_int_equal(token_create(temp.store, &terms, &made),
					 dead ? LH_ECONFLICT : 0);
			token_made_clear(&made);
		}
		assert_int_equal(token_revoke(temp.store, parent.token, TOKEN_REVOKE_TREE), 0);
	}
	caller_clear(&parent);
	caller_clear(&asker);
}

static void children_of_a_token_revoked_alone_are_orphans(void **state)
{
	struct caller parent, child, grandchild, again;

	(void)state;
	parent = child_of(NULL);
	child = child_of(&parent);
	grandchild = child_of(&child);
	assert_int_equal(token_revoke(temp.store, parent.token, TOKEN_REVOKE_ORPHAN), 0);
	assert_int_equal(look_up_name(&parent), LH_ENOENT);
	assert_int_equal(token_find_name(temp.store, child.token, &again), 0);
	assert_int_equal(again.ancestor_count, 0);
	caller_clear(&again);
	assert_int_equal(token_find_name(temp.store, grandchild.token, &again), 0);
	assert_int_equal(again.ancestor_count, 1);
	caller_clear(&again);
	caller_clear(&parent);
	caller_clear(&child);
	caller_clear(&grandchild);
}

/* ---- Time ---- */

/* Moves the end of a token into the past, as only time does. */
static void let_end(const struct caller *caller)
{
	struct store_batch batch = { 0 };
	struct buf text = BUF_INIT;
	json_t *record;
	struct key key;
	char *changed;

	key_token(&key, caller->token);
	assert_int_equal(store_get(temp.store, key_bytes(&key), &text, NULL), 0);
	assert_int_equal(json_read(text.data, text.size, &record, NULL), 0);
	json_object_set_new(record, "expires_ns", json_integer(clock_now_ns()));
	changed = json_dumps(record, 0);
	store_batch_put(&batch, STORE_ANY, 0, key_bytes(&key),
			(struct bytes){ changed, strlen(changed) });
	assert_int_equal(store_apply(temp.store, STORE_NORMAL, &batch, NULL), 0);
	store_batch_free(&batch);
	free(changed);
	json_decref(record);
	buf_free(&text);
}

static void a_token_ends_in_time_and_what_is_below_it_too(void **state)
{
	struct caller parent, child;

	(void)state;
	parent = child_of(NULL);
	child = child_of(&parent);
	let_end(&parent);
	assert_int_equal(look_up_name(&parent), LH_ENOENT);
	assert_int_equal(look_up_name(&child), LH_ENOENT);
	caller_clear(&parent);
	caller_clear(&child);
}

static void a_renewal_counts_from_now(void **state)
{
	struct caller caller = child_of(NULL), again;
	int64_t before = clock_now_ns();

	(void)state;
	assert_int_equal(token_renew(temp.store, &caller, 1200), 0);
	assert_int_equal(token_find_name(temp.store, caller.token, &again), 0);
	assert_int_equal(again.ttl, 1200);
	assert_int_equal(again.creation_ttl, 600);
	assert_true(again.renewed_ns >= before);
	assert_true(again.expires_ns == again.renewed_ns + INT64_C(1200000000000));
	assert_true(again.expires_ns == caller.expires_ns);
	caller_clear(&again);
	assert_int_equal(token_renew(temp.store, &caller, 60), LH_ECONFLICT);
	caller_clear(&caller);
}

static void a_dead_token_is_not_renewed(void **state)
{
	struct caller parent, child;

	(void)state;
	parent = child_of(NULL);
	child = child_of(&parent);
	assert_int_equal(token_revoke(temp.store, parent.token, TOKEN_REVOKE_TREE), 0);
	assert_int_equal(token_renew(temp.store, &parent, 60), LH_ECONFLICT);
	assert_int_equal(token_renew(temp.store, &child, 60), LH_ECONFLICT);
	caller_clear(&parent);
	caller_clear(&child);
}

/* ---- Uses ---- */

static void every_use_is_taken_once(void **state)
{
	struct token_terms terms = ordinary(NULL);
	struct caller first, second;
	char token[TOKEN_TEXT_MAX];

	(void)state;
	terms.num_uses = 2;
	first = born(&terms, token);
	assert_int_equal(auth_lookup(temp.store, token, &second), 0);
	assert_int_equal(token_use(temp.store, &first, 0), 0);
	assert_int_equal(first.num_uses, 1);
	assert_int_equal(token_use(temp.store, &second, 0), LH_ECONFLICT);
	caller_clear(&second);
	assert_int_equal(auth_lookup(temp.store, token, &second), 0);
	assert_int_equal(token_use(temp.store, &second, clock_now() + 60), 0);
	assert_int_equal(second.num_uses, TOKEN_USED_UP);
	assert_int_equal(look_up(token), LH_EPERM);
	caller_clear(&first);
	caller_clear(&second);
}

/* ---- Batch tokens ---- */

static struct caller batch_of(const struct caller *parent, char *token)
{
	struct token_terms terms = ordinary(parent);

	terms.type = TOKEN_BATCH;
	terms.renewable = false;
	terms.metadata = metadata;
	return born(&terms, token);
}

static size_t count_records(void)
{
	struct driver_usage usage;

	assert_int_equal(store_maintain(temp.store, &usage), 0);
	return (size_t)usage.records;
}

static void a_batch_token_is_stored_nowhere(void **state)
{
	size_t before = count_records();
	char token[TOKEN_TEXT_MAX];
	struct caller caller;

	(void)state;
	caller = batch_of(NULL, token);
	assert_true(text_starts_with(token, "hvb."));
	assert_int_equal(count_records(), before);
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
		cmocka_unit_test(a_token_is_found_with_all_it_was_given),
		cmocka_unit_test(a_token_is_found_by_its_accessor_too),
		cmocka_unit_test(an_id_of_ones_own_is_kept_and_taken_once),
		cmocka_unit_test(a_record_has_a_limit),
		cmocka_unit_test(a_wrapping_token_is_known_by_its_policy),
		cmocka_unit_test(the_root_token_of_an_older_store_still_opens_it),
		cmocka_unit_test(ancestors_are_named_nearest_first),
		cmocka_unit_test(a_tree_has_a_greatest_depth),
		cmocka_unit_test(a_dead_parent_has_no_more_children),
		cmocka_unit_test(no_orphan_is_born_for_the_dead),
		cmocka_unit_test(children_of_a_token_revoked_alone_are_orphans),
		cmocka_unit_test(a_token_ends_in_time_and_what_is_below_it_too),
		cmocka_unit_test(a_renewal_counts_from_now),
		cmocka_unit_test(a_dead_token_is_not_renewed),
		cmocka_unit_test(every_use_is_taken_once),
		cmocka_unit_test(a_batch_token_is_stored_nowhere),
		cmocka_unit_test(a_batch_token_dies_with_its_parent),
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
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
