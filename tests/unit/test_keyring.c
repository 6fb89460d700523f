/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/keyring.h"
#include "under_valgrind.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "fail_alloc.h"
#include "util/buf.h"
#include "util/err.h"
#include "util/file.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define ID            "5f2b6d3c-0000-4000-8000-000000000001"

static const unsigned char master[MASTER_KEY_SIZE] = "master key of this very unit te";
static const unsigned char other_master[MASTER_KEY_SIZE] = "master key of somebody else's st";

static struct keyring *new_keyring(void)
{
	struct keyring *keyring;

	assert_int_equal(keyring_new(master, &keyring), 0);
	return keyring;
}

static void assert_opens(const struct keyring *keyring, const struct buf *sealed,
			 const char *expected)
{
	struct buf plain = BUF_INIT;

	assert_int_equal(keyring_open(keyring, "ad", 2, sealed->data, sealed->size, &plain), 0);
	assert_string_equal(buf_text(&plain), expected);
	buf_free(&plain);
}

static void test_what_is_sealed_opens(void **state)
{
	struct keyring *keyring = new_keyring();
	struct buf sealed = BUF_INIT, plain = BUF_INIT;

	(void)state;
	buf_add_text(&plain, "kept ");
	assert_int_equal(keyring_seal(keyring, "ad", 2, "value", 5, &sealed), 0);
	assert_int_equal(sealed.size, 4 + 24 + 5 + 16);
	assert_int_equal(keyring_open(keyring, "ad", 2, sealed.data, sealed.size, &plain), 0);
	assert_string_equal(buf_text(&plain), "kept value");
	buf_free(&sealed);
	assert_int_equal(keyring_seal(keyring, "ad", 2, "", 0, &sealed), 0);
	assert_opens(keyring, &sealed, "");
	buf_free(&sealed);
	buf_free(&plain);
	keyring_free(keyring);
}

static void test_sealing_twice_gives_different_bytes(void **state)
{
	struct keyring *keyring = new_keyring();
	struct buf first = BUF_INIT, second = BUF_INIT;

	(void)state;
	assert_int_equal(keyring_seal(keyring, "ad", 2, "value", 5, &first), 0);
	assert_int_equal(keyring_seal(keyring, "ad", 2, "value", 5, &second), 0);
	assert_memory_equal(first.data, second.data, 4);
	assert_memory_not_equal(first.data + 4, second.data + 4, 24);
	assert_memory_not_equal(first.data + 28, second.data + 28, 5);
	buf_free(&first);
	buf_free(&second);
	keyring_free(keyring);
}

static void test_other_ad_and_broken_bytes_are_refused(void **state)
{
	struct keyring *keyring = new_keyring();
	struct buf sealed = BUF_INIT, plain = BUF_INIT;
	size_t size, i;

	(void)state;
	buf_add_text(&plain, "kept");
	assert_int_equal(keyring_seal(keyring, "ad", 2, "value", 5, &sealed), 0);
	assert_int_equal(keyring_open(keyring, "aD", 2, sealed.data, sealed.size, &plain),
			 LH_ECORRUPT);
	assert_int_equal(keyring_open(keyring, "ad", 1, sealed.data, sealed.size, &plain),
			 LH_ECORRUPT);
	for (size = 0; size < sealed.size; size++)
		assert_int_equal(keyring_open(keyring, "ad", 2, sealed.data, size, &plain),
				 LH_ECORRUPT);
	for (i = 0; i < sealed.size; i++) {
		sealed.data[i] ^= 1;
		assert_int_equal(keyring_open(keyring, "ad", 2, sealed.data, sealed.size, &plain),
				 i < 4 ? LH_ENOENT : LH_ECORRUPT);
		sealed.data[i] ^= 1;
	}
	assert_string_equal(buf_text(&plain), "kept");
	buf_free(&sealed);
	buf_free(&plain);
	keyring_free(keyring);
}

static void test_a_wrapped_keyring_comes_back(void **state)
{
	struct keyring *keyring = new_keyring(), *again;
	struct buf wrapped = BUF_INIT, sealed = BUF_INIT;
	unsigned char name[KEYRING_NAME_SIZE], name_again[KEYRING_NAME_SIZE];

	(void)state;
	assert_int_equal(keyring_seal(keyring, "ad", 2, "value", 5, &sealed), 0);
	assert_int_equal(keyring_wrap(keyring, ID, &wrapped), 0);
	assert_int_equal(keyring_unwrap(wrapped.data, wrapped.size, master, ID, &again), 0);
	assert_opens(again, &sealed, "value");
	assert_int_equal(keyring_name(keyring, KEYRING_LEASE, "x", name), 0);
	assert_int_equal(keyring_name(again, KEYRING_LEASE, "x", name_again), 0);
	assert_memory_equal(name, name_again, sizeof(name));
	keyring_free(again);
	keyring_free(keyring);
	buf_free(&wrapped);
	buf_free(&sealed);
}

static void test_a_wrapped_keyring_is_bound(void **state)
{
	struct keyring *keyring = new_keyring(), *again = keyring;
	struct buf wrapped = BUF_INIT;
	size_t i;

	(void)state;
	assert_int_equal(keyring_wrap(keyring, ID, &wrapped), 0);
	assert_int_equal(keyring_unwrap(wrapped.data, wrapped.size, other_master, ID, &again),
			 LH_ECORRUPT);
	assert_null(again);
	assert_int_equal(keyring_unwrap(wrapped.data, wrapped.size, master, "another id", &again),
			 LH_ECORRUPT);
	for (i = 0; i < wrapped.size; i++)
		assert_int_equal(keyring_unwrap(wrapped.data, i, master, ID, &again), LH_ECORRUPT);
	for (i = 0; i < wrapped.size; i++) {
		wrapped.data[i] ^= 0x40;
		assert_int_equal(keyring_unwrap(wrapped.data, wrapped.size, master, ID, &again),
				 LH_ECORRUPT);
		wrapped.data[i] ^= 0x40;
	}
	keyring_free(keyring);
	buf_free(&wrapped);
}

static void test_rotation_keeps_old_values_and_names(void **state)
{
	struct keyring *keyring = new_keyring();
	struct buf old = BUF_INIT, new = BUF_INIT;
	unsigned char name[KEYRING_NAME_SIZE], after[KEYRING_NAME_SIZE];

	(void)state;
	assert_int_equal(keyring_seal(keyring, "ad", 2, "old", 3, &old), 0);
	assert_int_equal(keyring_name(keyring, KEYRING_TOKEN, "x", name), 0);
	assert_int_equal(keyring_rotate(keyring), 0);
	assert_int_equal(keyring_seal(keyring, "ad", 2, "new", 3, &new), 0);
	assert_int_equal(keyring_name(keyring, KEYRING_TOKEN, "x", after), 0);
	assert_memory_not_equal(old.data, new.data, 4);
	assert_opens(keyring, &old, "old");
	assert_opens(keyring, &new, "new");
	assert_memory_equal(name, after, sizeof(name));
	buf_free(&old);
	buf_free(&new);
	keyring_free(keyring);
}

static void test_another_process_learns_of_a_rotation(void **state)
{
	struct keyring *keyring = new_keyring(), *other;
	struct buf wrapped = BUF_INIT, sealed = BUF_INIT, plain = BUF_INIT;

	(void)state;
	assert_int_equal(keyring_wrap(keyring, ID, &wrapped), 0);
	assert_int_equal(keyring_unwrap(wrapped.data, wrapped.size, master, ID, &other), 0);
	assert_int_equal(keyring_rotate(keyring), 0);
	assert_int_equal(keyring_seal(keyring, "ad", 2, "new", 3, &sealed), 0);
	assert_int_equal(keyring_open(other, "ad", 2, sealed.data, sealed.size, &plain), LH_ENOENT);
	buf_clear(&wrapped);
	assert_int_equal(keyring_wrap(keyring, ID, &wrapped), 0);
	assert_int_equal(keyring_reload(other, wrapped.data, wrapped.size, "another id"),
			 LH_ECORRUPT);
	assert_int_equal(keyring_open(other, "ad", 2, sealed.data, sealed.size, &plain), LH_ENOENT);
	assert_int_equal(keyring_reload(other, wrapped.data, wrapped.size, ID), 0);
	assert_opens(other, &sealed, "new");
	keyring_free(other);
	keyring_free(keyring);
	buf_free(&wrapped);
	buf_free(&sealed);
	buf_free(&plain);
}

static void test_rotations_end_at_the_limit(void **state)
{
	struct keyring *keyring = new_keyring(), *again;
	struct buf wrapped = BUF_INIT, sealed = BUF_INIT;
	size_t i;

	(void)state;
	assert_int_equal(keyring_seal(keyring, "ad", 2, "first", 5, &sealed), 0);
	for (i = 1; i < KEYRING_ROOTS_MAX; i++)
		assert_int_equal(keyring_rotate(keyring), 0);
	assert_int_equal(keyring_rotate(keyring), LH_ERANGE);
	assert_opens(keyring, &sealed, "first");
	assert_int_equal(keyring_wrap(keyring, ID, &wrapped), 0);
	assert_int_equal(keyring_unwrap(wrapped.data, wrapped.size, master, ID, &again), 0);
	assert_opens(again, &sealed, "first");
	keyring_free(again);
	keyring_free(keyring);
	buf_free(&wrapped);
	buf_free(&sealed);
}

static void test_the_web_secret_follows_from_the_master_key_alone(void **state)
{
	const unsigned char other[MASTER_KEY_SIZE] = { 2 };
	char secret[WEB_SECRET_SIZE + 1], others[WEB_SECRET_SIZE + 1];
	struct keyring *keyring, *again;
	struct buf wrapped = BUF_INIT;

	(void)state;
	assert_int_equal(web_secret_derive(master, secret), 0);
	assert_int_equal(web_secret_derive(other, others), 0);
	assert_int_equal(strlen(secret), WEB_SECRET_SIZE);
	assert_string_not_equal(secret, others);
	assert_int_equal(keyring_new(master, &keyring), 0);
	assert_int_equal(keyring_rotate(keyring), 0);
	assert_string_equal(keyring_web_secret(keyring), secret);
	assert_int_equal(keyring_wrap(keyring, "id", &wrapped), 0);
	assert_int_equal(keyring_unwrap(wrapped.data, wrapped.size, master, "id", &again), 0);
	assert_int_equal(keyring_reload(again, wrapped.data, wrapped.size, "id"), 0);
	assert_string_equal(keyring_web_secret(again), secret);
	keyring_free(again);
	keyring_free(keyring);
	buf_free(&wrapped);
}

static void test_names_differ_by_purpose_text_and_store(void **state)
{
	struct keyring *keyrings[2] = { new_keyring(), new_keyring() };
	static const char *const texts[] = { "", "a", "b" };
	static const enum keyring_name purposes[] = { KEYRING_LEASE, KEYRING_TOKEN, KEYRING_ACCOUNT,
						      KEYRING_ACCESSOR, KEYRING_IDENTITY };
	unsigned char names[30][KEYRING_NAME_SIZE];
	size_t count = 0, k, p, t, i;

	(void)state;
	for (k = 0; k < 2; k++) {
		for (p = 0; p < LENGTH(purposes); p++) {
			for (t = 0; t < LENGTH(texts); t++)
				assert_int_equal(keyring_name(keyrings[k], purposes[p], texts[t],
							      names[count++]),
						 0);
		}
	}
	for (k = 0; k < count; k++) {
		for (i = 0; i < k; i++)
			assert_memory_not_equal(names[k], names[i], KEYRING_NAME_SIZE);
	}
	keyring_free(keyrings[0]);
	keyring_free(keyrings[1]);
}

/* Whether the kernel says of the mapping that holds `address` what flag says. */
static bool mapping_has_flag(const void *address, const char *flag)
{
	FILE *file = fopen("/proc/self/smaps", "r");
	unsigned long long begin, end, at = (uintptr_t)address;
	bool inside = false, found = false;
	char line[512];

	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%llx-%llx ", &begin, &end) == 2)
			inside = begin <= at && at < end;
		else if (inside && strncmp(line, "VmFlags:", 8) == 0)
			found = strstr(line, flag) != NULL;
	}
	fclose(file);
	return found;
}

static void test_keys_are_left_out_of_core_files(void **state)
{
	struct keyring *keyring = new_keyring();

	(void)state;
	SKIP_UNDER_VALGRIND();
	assert_true(mapping_has_flag(keyring, " dd"));
	assert_true(mapping_has_flag(keyring, " lo"));
	keyring_free(keyring);
}

static int round_trip(void)
{
	struct keyring *keyring = NULL, *again = NULL;
	struct buf wrapped = BUF_INIT, sealed = BUF_INIT, plain = BUF_INIT;
	int ret;

	ret = keyring_new(master, &keyring);
	if (!ret)
		ret = keyring_wrap(keyring, ID, &wrapped);
	if (!ret)
		ret = keyring_unwrap(wrapped.data, wrapped.size, master, ID, &again);
	if (!ret)
		ret = keyring_reload(again, wrapped.data, wrapped.size, ID);
	if (!ret)
		ret = keyring_seal(again, "ad", 2, "value", 5, &sealed);
	if (!ret)
		ret = keyring_open(again, "ad", 2, sealed.data, sealed.size, &plain);
	keyring_free(again);
	keyring_free(keyring);
	buf_free(&wrapped);
	buf_free(&sealed);
	buf_free(&plain);
	return ret;
}

static void test_every_failing_allocation_is_reported(void **state)
{
	unsigned n;
	int ret;

	(void)state;
	for (n = 1;; n++) {
		fail_alloc_at(n);
		ret = round_trip();
		if (!fail_alloc_stop())
			break;
		assert_int_equal(ret, LH_ENOMEM);
	}
	assert_int_equal(ret, 0);
	assert_true(n > 7);
}

static char folder[] = "/tmp/leasehold-test-XXXXXX";
static char path[sizeof(folder) + 16];

static int make_folder(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/master.key", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

static void test_a_new_master_key_file_is_private_and_read_back(void **state)
{
	unsigned char first[MASTER_KEY_SIZE], second[MASTER_KEY_SIZE];
	static const unsigned char zero[MASTER_KEY_SIZE] = { 0 };
	struct err err = { "" };
	struct stat status;

	(void)state;
	assert_int_equal(master_key_read(path, first, &err), LH_ENOENT);
	assert_non_null(strstr(err.text, path));
	assert_int_equal(master_key_create(path, &err), 0);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_int_equal(status.st_size, 65);
	assert_int_equal(master_key_create(path, &err), LH_EEXIST);
	assert_int_equal(master_key_read(path, first, &err), 0);
	assert_int_equal(master_key_read(path, second, &err), 0);
	assert_memory_equal(first, second, sizeof(first));
	assert_memory_not_equal(first, zero, sizeof(first));
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(master_key_read(path, first, &err), LH_EPERM);
	assert_memory_equal(first, zero, sizeof(first));
	unlink(path);
}

#define REST   "0112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff"
#define DIGITS "0" REST

static const struct {
	const char *name, *text;
	int ret;
} file_cases[] = {
	{ "digits alone", DIGITS, 0 },
	{ "an end of line", DIGITS "\n", 0 },
	{ "blank lines and a return", DIGITS " \r\n\n", 0 },
	{ "an empty file", "", LH_EINVAL },
	{ "one digit too few", REST, LH_EINVAL },
	{ "one digit too many", DIGITS "0", LH_EINVAL },
	{ "a space in front", " " DIGITS, LH_EINVAL },
	{ "something behind", DIGITS "\n# the key\n", LH_EINVAL },
	{ "another letter", "g" REST, LH_EINVAL },
};

static void test_master_key_files(void **state)
{
	unsigned char key[MASTER_KEY_SIZE];
	struct err err;
	size_t i;
	int ret;

	(void)state;
	for (i = 0; i < LENGTH(file_cases); i++) {
		assert_int_equal(file_create_private(path, file_cases[i].text,
						     strlen(file_cases[i].text), &err),
				 0);
		err.text[0] = '\0';
		ret = master_key_read(path, key, &err);
		if (ret != file_cases[i].ret)
			fail_msg("%s: %s", file_cases[i].name, err_name(ret));
		assert_int_equal(ret ? 0 : 0x22, key[2]);
		assert_int_equal(ret != 0, err.text[0] != '\0');
		assert_null(strstr(err.text, "1122"));
		unlink(path);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_sealed_opens),
		cmocka_unit_test(test_sealing_twice_gives_different_bytes),
		cmocka_unit_test(test_other_ad_and_broken_bytes_are_refused),
		cmocka_unit_test(test_a_wrapped_keyring_comes_back),
		cmocka_unit_test(test_a_wrapped_keyring_is_bound),
		cmocka_unit_test(test_rotation_keeps_old_values_and_names),
		cmocka_unit_test(test_another_process_learns_of_a_rotation),
		cmocka_unit_test(test_rotations_end_at_the_limit),
		cmocka_unit_test(test_the_web_secret_follows_from_the_master_key_alone),
		cmocka_unit_test(test_names_differ_by_purpose_text_and_store),
		cmocka_unit_test(test_keys_are_left_out_of_core_files),
		cmocka_unit_test(test_every_failing_allocation_is_reported),
		cmocka_unit_test(test_a_new_master_key_file_is_private_and_read_back),
		cmocka_unit_test(test_master_key_files),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
