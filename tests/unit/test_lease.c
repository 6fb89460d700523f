/* SPDX-License-Identifier: Apache-2.0 */
/* Leases in the store: the record, and that every index says the same as the record. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fail_alloc.h"
#include "lease/index.h"
#include "lease/lease.h"
#include "store/key.h"
#include "temp_store.h"
#include "util/buf.h"
#include "util/err.h"
#include "util/wipe.h"

static char *text(const char *value)
{
	return wipe_copy(value, strlen(value));
}

static struct lease *make(const char *id, enum lease_state state, int64_t due)
{
	struct lease *lease = calloc(1, sizeof(*lease));

	assert_non_null(lease);
	lease->id = text(id);
	lease->state = state;
	lease->renewable = lease->lasting = true;
	memset(lease->mount, 'm', sizeof(lease->mount));
	memset(lease->owner.name, 'o', sizeof(lease->owner.name));
	lease->engine = text("alicloud");
	lease->role = text("app");
	lease->account = text("1000000000000001");
	lease->plan = text("{\"user\":\"u\"}");
	lease->facts = text("");
	lease->error = text("");
	lease->issued_ns = 1700000000123456789;
	lease->expires_ns = 1700003600123456789;
	lease->ttl = 3600;
	lease->due = due;
	return lease;
}

static int change(const struct lease *old, const struct lease *new)
{
	struct store_batch batch = { 0 };
	int ret = lease_change(temp.store, &batch, old, new);

	assert_true(batch.count <= LEASE_BATCH_OPS);
	if (!ret)
		ret = store_apply(temp.store, STORE_NORMAL, &batch, NULL);
	store_batch_free(&batch);
	return ret;
}

static void add(const char *id, enum lease_state state, int64_t due)
{
	struct lease *lease = make(id, state, due);

	assert_int_equal(change(NULL, lease), 0);
	lease_free(lease);
}

static struct lease *get(const char *id)
{
	struct lease *lease;

	assert_int_equal(lease_get(temp.store, id, &lease), 0);
	return lease;
}

static void a_record_survives_its_codec(void **state)
{
	struct lease *lease = make("a/creds/app/x", LEASE_REVOKING, 17), *copy;

	(void)state;
	lease->forced = true;
	lease->tries = 7;
	lease->sweeps = 2;
	lease->unsure_until = 99;
	lease->renewed_ns = 5;
	copy = lease_copy(lease);
	assert_non_null(copy);
	assert_string_equal(copy->id, lease->id);
	assert_int_equal(copy->state, lease->state);
	assert_true(copy->forced && copy->lasting && copy->renewable);
	assert_memory_equal(copy->mount, lease->mount, sizeof(lease->mount));
	assert_memory_equal(copy->owner.name, lease->owner.name, sizeof(lease->owner.name));
	assert_string_equal(copy->plan, lease->plan);
	assert_string_equal(copy->account, lease->account);
	assert_int_equal(copy->issued_ns, lease->issued_ns);
	assert_int_equal(copy->renewed_ns, 5);
	assert_int_equal(copy->expires_ns, lease->expires_ns);
	assert_int_equal(copy->due, 17);
	assert_int_equal(copy->unsure_until, 99);
	assert_int_equal(copy->tries, 7);
	assert_int_equal(copy->sweeps, 2);
	lease_free(copy);
	lease_free(lease);
}

/* No prefix of a record, and no record with one byte more, is a record. */
static void a_cut_record_is_refused(void **state)
{
	struct lease *lease = make("a/creds/app/x", LEASE_ACTIVE, 17), *out;
	struct buf bytes = BUF_INIT;

	(void)state;
	lease_encode(lease, &bytes);
	for (size_t size = 0; size < bytes.size; size++)
		assert_int_equal(lease_decode(bytes.data, size, &out), LH_ECORRUPT);
	buf_add_u8(&bytes, 0);
	assert_int_equal(lease_decode(bytes.data, bytes.size, &out), LH_ECORRUPT);
	buf_free(&bytes);
	lease_free(lease);
}

/* A record that could not be read for want of memory must not be taken for a broken one. */
static void want_of_memory_is_no_broken_record(void **state)
{
	struct lease *lease = make("a/creds/app/x", LEASE_ACTIVE, 17), *out;
	struct buf bytes = BUF_INIT;
	unsigned at = 0;
	int ret;

	(void)state;
	lease_encode(lease, &bytes);
	do {
		fail_alloc_at(++at);
		ret = lease_decode(bytes.data, bytes.size, &out);
		assert_int_equal(ret, fail_alloc_stop() ? LH_ENOMEM : 0);
		assert_int_equal(out != NULL, ret == 0);
	} while (ret);
	assert_true(at > 7);
	lease_free(out);
	buf_free(&bytes);
	lease_free(lease);
}

static void the_first_commit_wins(void **state)
{
	struct lease *a, *b, *again;

	(void)state;
	add("a/creds/app/x", LEASE_ACTIVE, 100);
	again = make("a/creds/app/x", LEASE_ACTIVE, 100);
	assert_int_equal(change(NULL, again), LH_ECONFLICT);
	lease_free(again);
	a = get("a/creds/app/x");
	b = get("a/creds/app/x");
	b->due = 200;
	assert_int_equal(change(a, b), 0);
	assert_int_equal(change(a, b), LH_ECONFLICT);
	assert_int_equal(change(a, NULL), LH_ECONFLICT);
	lease_free(a);
	lease_free(b);
	b = get("a/creds/app/x");
	assert_int_equal(change(b, NULL), 0);
	assert_int_equal(lease_get(temp.store, "a/creds/app/x", &a), LH_ENOENT);
	lease_free(b);
}

static size_t count_due(int64_t now)
{
	struct due due[16];
	size_t count;

	assert_int_equal(due_scan(temp.store, now, NULL, due, 16, &count), 0);
	return count;
}

static void a_lease_without_keys_waits_elsewhere(void **state)
{
	struct lease *old, *new;
	struct due due[2];
	size_t count;

	(void)state;
	add("a/creds/app/x", LEASE_REVOKING, 100);
	old = get("a/creds/app/x");
	new = get("a/creds/app/x");
	assert_false(old->keyless);
	new->keyless = true;
	assert_int_equal(change(old, new), 0);
	lease_free(old);
	assert_int_equal(count_due(1000), 0);
	assert_int_equal(due_scan_keyless(temp.store, 99, NULL, due, 2, &count), 0);
	assert_int_equal(count, 0);
	assert_int_equal(due_scan_keyless(temp.store, 100, NULL, due, 2, &count), 0);
	assert_int_equal(count, 1);
	assert_true(due[0].keyless);
	assert_true(due_exists(temp.store, &due[0]));
	old = get("a/creds/app/x");
	assert_true(old->keyless);
	assert_int_equal(change(old, NULL), 0);
	assert_false(due_exists(temp.store, &due[0]));
	lease_free(old);
	lease_free(new);
}

static void due_entries_move_with_their_lease(void **state)
{
	struct lease *old, *new;
	struct due due[4];
	size_t count;

	(void)state;
	add("a/creds/app/late", LEASE_ACTIVE, 300);
	add("a/creds/app/early", LEASE_ACTIVE, 100);
	assert_int_equal(count_due(99), 0);
	assert_int_equal(count_due(100), 1);
	assert_int_equal(count_due(300), 2);
	assert_int_equal(due_scan(temp.store, 300, NULL, due, 1, &count), 0);
	assert_int_equal(due[0].time, 100);
	assert_int_equal(due_scan(temp.store, 300, &due[0], due, 4, &count), 0);
	assert_int_equal(count, 1);
	assert_int_equal(due[0].time, 300);
	assert_true(due_exists(temp.store, &due[0]));
	old = get("a/creds/app/late");
	new = get("a/creds/app/late");
	new->due = 50;
	assert_int_equal(change(old, new), 0);
	assert_false(due_exists(temp.store, &due[0]));
	assert_int_equal(count_due(50), 1);
	assert_int_equal(count_due(1000), 2);
	lease_free(old);
	old = get("a/creds/app/late");
	assert_int_equal(change(old, NULL), 0);
	assert_int_equal(count_due(1000), 1);
	lease_free(old);
	lease_free(new);
}

static int join(void *context, const char *name)
{
	struct buf *names = context;

	buf_printf(names, "%s ", name);
	return 0;
}

static void assert_list(const char *prefix, const char *after, size_t max, const char *expected)
{
	struct buf names = BUF_INIT;

	assert_int_equal(lease_list(temp.store, prefix, after, max, join, &names), 0);
	assert_string_equal(buf_text(&names), expected);
	buf_free(&names);
}

static void listing_goes_folder_by_folder(void **state)
{
	(void)state;
	add("b/creds/web/1", LEASE_ACTIVE, 1);
	add("a/creds/app/1", LEASE_ACTIVE, 1);
	add("a/creds/appendix/1", LEASE_ACTIVE, 1);
	add("a/deep/creds/x/1", LEASE_ISSUED, 1);
	assert_list("", NULL, 10, "a/ b/ ");
	assert_list("", "a/", 10, "b/ ");
	assert_list("", NULL, 1, "a/ ");
	assert_list("a/", NULL, 10, "creds/ deep/ ");
	assert_list("a/creds/", NULL, 10, "app/ appendix/ ");
	assert_list("a/creds/", "app/", 10, "appendix/ ");
	assert_list("a/creds/app/", NULL, 10, "1 ");
	assert_list("a/creds/ap/", NULL, 10, "");
	assert_list("none/", NULL, 10, "");
}

static void pending_and_swept_leases_are_hidden(void **state)
{
	(void)state;
	add("a/creds/app/1", LEASE_PENDING, 1);
	add("a/creds/app/2", LEASE_SWEEPING, 1);
	assert_list("a/creds/app/", NULL, 10, "");
}

struct page {
	char names[4][8];
	size_t count;
};

static int keep(void *context, const char *name)
{
	struct page *page = context;

	assert_true(page->count < 4);
	snprintf(page->names[page->count++], 8, "%s", name);
	return 0;
}

static void pages_of_leases_hold_each_once(void **state)
{
	bool seen[25] = { false };
	char id[32], after[8] = "";
	size_t total = 0;

	(void)state;
	for (int i = 0; i < 25; i++) {
		snprintf(id, sizeof(id), "a/creds/app/%d", i);
		add(id, LEASE_ACTIVE, 1);
	}
	for (;;) {
		struct page page = { .count = 0 };

		assert_int_equal(lease_list(temp.store, "a/creds/app/", after, 4, keep, &page), 0);
		for (size_t i = 0; i < page.count; i++) {
			assert_false(seen[atoi(page.names[i])]);
			seen[atoi(page.names[i])] = true;
		}
		total += page.count;
		if (!page.count)
			break;
		strcpy(after, page.names[page.count - 1]);
	}
	assert_int_equal(total, 25);
}

static size_t scan_all(const char *prefix, size_t page_size)
{
	struct path_cursor cursor = { .path = "" };
	struct lease_key page[8];
	size_t count, total = 0;

	do {
		assert_int_equal(
			lease_scan_prefix(temp.store, prefix, &cursor, page, page_size, &count), 0);
		total += count;
	} while (count == page_size);
	return total;
}

static void a_prefix_holds_what_lies_under_it_and_no_more(void **state)
{
	char id[40];

	(void)state;
	for (int i = 0; i < 9; i++) {
		snprintf(id, sizeof(id), "a/creds/app/%d", i);
		add(id, LEASE_ACTIVE, 1);
	}
	add("a/creds/appendix/1", LEASE_PENDING, 1);
	add("a/creds/gone/1", LEASE_SWEEPING, 1);
	add("ab/creds/app/1", LEASE_ACTIVE, 1);
	assert_int_equal(scan_all("a/creds/app/", 2), 9);
	assert_int_equal(scan_all("a/", 4), 10);
	assert_int_equal(scan_all("", 3), 11);
	assert_int_equal(scan_all("a/creds/none/", 3), 0);
}

static void the_irrevocable_are_found_by_mount(void **state)
{
	unsigned char other[LEASE_UUID_SIZE] = { 0 };
	struct lease *old, *new;
	struct lease_key page[4];
	size_t count, total;

	(void)state;
	add("a/creds/app/1", LEASE_REVOKING, 1);
	old = get("a/creds/app/1");
	new = get("a/creds/app/1");
	new->tries = LEASE_TRIES_LISTED;
	assert_int_equal(lease_scan_irrevocable(temp.store, NULL, page, 4, &count, &total), 0);
	assert_int_equal(total, 0);
	assert_int_equal(change(old, new), 0);
	assert_int_equal(lease_scan_irrevocable(temp.store, NULL, page, 4, &count, &total), 0);
	assert_int_equal(total, 1);
	assert_int_equal(count, 1);
	assert_int_equal(lease_scan_irrevocable(temp.store, other, page, 4, &count, &total), 0);
	assert_int_equal(total, 0);
	assert_int_equal(lease_scan_irrevocable(temp.store, new->mount, page, 0, &count, &total),
			 0);
	assert_int_equal(total, 1);
	assert_int_equal(count, 0);
	lease_free(old);
	lease_free(new);
}

static void sweeping_is_known_by_mount(void **state)
{
	struct lease *lease = make("a/creds/app/1", LEASE_SWEEPING, 1);
	bool any = true;

	(void)state;
	assert_int_equal(lease_sweeping(temp.store, lease->mount, &any), 0);
	assert_false(any);
	assert_int_equal(change(NULL, lease), 0);
	assert_int_equal(lease_sweeping(temp.store, lease->mount, &any), 0);
	assert_true(any);
	lease_free(lease);
}

static int born(const struct lease *lease)
{
	struct store_batch batch = { 0 };
	int ret;

	lease_expect_alive(&batch, lease);
	ret = lease_change(temp.store, &batch, NULL, lease);
	if (!ret)
		ret = store_apply(temp.store, STORE_NORMAL, &batch, NULL);
	store_batch_free(&batch);
	return ret;
}

static void bury(const struct key *key)
{
	struct store_batch batch = { 0 };

	store_batch_put(&batch, STORE_ANY, 0, key_bytes(key), (struct bytes){ "", 0 });
	assert_int_equal(store_apply(temp.store, STORE_NORMAL, &batch, NULL), 0);
	store_batch_free(&batch);
}

static void no_lease_is_born_of_the_dead(void **state)
{
	struct lease *a = make("a/creds/app/1", LEASE_PENDING, 1);
	struct lease *b = make("a/creds/app/2", LEASE_PENDING, 1);
	struct lease *c = make("a/creds/app/3", LEASE_PENDING, 1);
	struct key key;

	(void)state;
	assert_int_equal(born(a), 0);
	memset(b->mount, 'x', sizeof(b->mount));
	key_tombstone_mount(&key, b->mount);
	bury(&key);
	assert_int_equal(born(b), LH_ECONFLICT);
	assert_int_equal(born(c), 0);
	lease_free(a);
	lease_free(b);
	lease_free(c);
}

struct haystack {
	const char *needle;
	size_t records;
};

static int look_in_key(void *context, const struct store_record *record)
{
	struct haystack *haystack = context;

	haystack->records++;
	assert_null(memmem(record->key.data, record->key.size, haystack->needle,
			   strlen(haystack->needle)));
	return 0;
}

static void no_key_holds_a_lease_id(void **state)
{
	struct haystack haystack = { "S3cretTail", 0 };
	const struct bytes none = { "", 0 }, first = { "\0", 1 };

	(void)state;
	add("a/creds/app/S3cretTail", LEASE_ACTIVE, 1);
	assert_int_equal(store_scan(temp.store, STORE_SCAN_KEYS, first, none, none, 1000,
				    look_in_key, &haystack),
			 0);
	assert_true(haystack.records >= 4);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, temp_set_up, temp_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_record_survives_its_codec),
		TEST(a_cut_record_is_refused),
		TEST(want_of_memory_is_no_broken_record),
		TEST(the_first_commit_wins),
		TEST(due_entries_move_with_their_lease),
		TEST(a_lease_without_keys_waits_elsewhere),
		TEST(listing_goes_folder_by_folder),
		TEST(pending_and_swept_leases_are_hidden),
		TEST(pages_of_leases_hold_each_once),
		TEST(a_prefix_holds_what_lies_under_it_and_no_more),
		TEST(the_irrevocable_are_found_by_mount),
		TEST(sweeping_is_known_by_mount),
		TEST(no_lease_is_born_of_the_dead),
		TEST(no_key_holds_a_lease_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
