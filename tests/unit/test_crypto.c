/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/crypto.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "util/text.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

struct bytes_of {
	unsigned char data[256];
	size_t size;
};

/* "HEX", or "HEX*COUNT" for a byte that is repeated. */
static struct bytes_of bytes_of(const char *text)
{
	const char *star = strchr(text, '*');
	struct bytes_of bytes = { { 0 }, 0 };
	char byte[3] = { 0 };
	int count = 0;

	if (star) {
		assert_int_equal(sscanf(text, "%2s*%d", byte, &count), 2);
		assert_int_equal(text_unhex(byte, bytes.data, 1), 0);
		memset(bytes.data, bytes.data[0], (size_t)count);
		bytes.size = (size_t)count;
	} else {
		bytes.size = strlen(text) / 2;
		assert_int_equal(text_unhex(text, bytes.data, bytes.size), 0);
	}
	return bytes;
}

static void check_hex(const char *name, const unsigned char *data, size_t size,
		      const char *expected)
{
	char hex[513];

	text_hex(data, size, hex);
	if (strcmp(hex, expected) != 0)
		fail_msg("%s: %s, must be %s", name, hex, expected);
}

/* FIPS 180-2, appendix B, and the empty text. */
static const struct {
	const char *name, *text, *digest;
} sha_cases[] = {
	{ "nothing", "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	{ "one block", "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	{ "two blocks", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
};

static void test_sha256(void **state)
{
	unsigned char out[SHA256_SIZE];
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(sha_cases); i++) {
		assert_int_equal(sha256(sha_cases[i].text, strlen(sha_cases[i].text), out), 0);
		check_hex(sha_cases[i].name, out, sizeof(out), sha_cases[i].digest);
	}
}

/* RFC 4231, section 4; case 5 is about truncation and has no whole value. */
static const struct {
	const char *name, *key, *data, *mac;
} hmac_cases[] = {
	{ "case 1", "0b*20", "4869205468657265",
	  "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
	{ "case 2: a key shorter than the digest", "4a656665",
	  "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
	  "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
	{ "case 3: longer than a block together", "aa*20", "dd*50",
	  "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe" },
	{ "case 4", "0102030405060708090a0b0c0d0e0f10111213141516171819", "cd*50",
	  "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b" },
	{ "case 6: a key longer than a block", "aa*131",
	  "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d2048617368"
	  "204b6579204669727374",
	  "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },
	{ "case 7: key and data longer than a block", "aa*131",
	  "5468697320697320612074657374207573696e672061206c6172676572207468616e20626c6f636b2d73697a"
	  "65206b657920616e642061206c6172676572207468616e20626c6f636b2d73697a6520646174612e20546865"
	  "206b6579206e6565647320746f20626520686173686564206265666f7265206265696e672075736564206279"
	  "2074686520484d414320616c676f726974686d2e",
	  "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2" },
};

static void test_hmac(void **state)
{
	unsigned char out[SHA256_SIZE];
	struct bytes_of key, data;
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(hmac_cases); i++) {
		key = bytes_of(hmac_cases[i].key);
		data = bytes_of(hmac_cases[i].data);
		assert_int_equal(hmac_sha256(key.data, key.size, data.data, data.size, out), 0);
		check_hex(hmac_cases[i].name, out, sizeof(out), hmac_cases[i].mac);
	}
}

/* RFC 5869, appendix A, the SHA-256 cases. */
static const struct {
	const char *name, *key, *salt, *info, *out;
} hkdf_cases[] = {
	{ "A.1", "0b*22", "000102030405060708090a0b0c", "f0f1f2f3f4f5f6f7f8f9",
	  "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865" },
	{ "A.2: longer inputs and output",
	  "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b"
	  "2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f",
	  "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b"
	  "8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
	  "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadb"
	  "dcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
	  "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c6"
	  "5e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87" },
	{ "A.3: no salt, no info", "0b*22", "", "",
	  "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8" },
};

static void test_hkdf(void **state)
{
	struct bytes_of key, salt, info;
	unsigned char out[82];
	size_t i, size;

	(void)state;
	for (i = 0; i < LENGTH(hkdf_cases); i++) {
		key = bytes_of(hkdf_cases[i].key);
		salt = bytes_of(hkdf_cases[i].salt);
		info = bytes_of(hkdf_cases[i].info);
		size = strlen(hkdf_cases[i].out) / 2;
		assert_int_equal(hkdf_sha256(key.data, key.size, salt.size ? salt.data : NULL,
					     salt.size, info.data, info.size, out, size),
				 0);
		check_hex(hkdf_cases[i].name, out, size, hkdf_cases[i].out);
	}
}

/* Each of 62 digits is expected 1,000 times; six deviations of about 31 are never seen. */
static void test_base62_uses_every_digit_alike(void **state)
{
	static char text[62001];
	size_t counts[256] = { 0 }, i, digits = 0;

	(void)state;
	random_base62(text, sizeof(text) - 1);
	assert_int_equal(strlen(text), sizeof(text) - 1);
	for (i = 0; text[i]; i++)
		counts[(unsigned char)text[i]]++;
	for (i = 0; i < LENGTH(counts); i++) {
		if (!counts[i])
			continue;
		assert_true(isalnum((int)i));
		assert_in_range(counts[i], 814, 1186);
		digits++;
	}
	assert_int_equal(digits, 62);
}

static void test_random_texts_are_well_formed(void **state)
{
	char hex[201], again[201], uuid[37];

	(void)state;
	random_hex(hex, 0);
	assert_string_equal(hex, "");
	random_hex(hex, 100);
	random_hex(again, 100);
	assert_int_equal(strspn(hex, "0123456789abcdef"), 200);
	assert_int_equal(hex[200], '\0');
	assert_string_not_equal(hex, again);
	random_uuid(uuid);
	assert_int_equal(strlen(uuid), 36);
	assert_int_equal(strspn(uuid, "0123456789abcdef-"), 36);
	assert_int_equal(uuid[8], '-');
	assert_int_equal(uuid[13], '-');
	assert_int_equal(uuid[14], '4');
	assert_int_equal(uuid[18], '-');
	assert_non_null(strchr("89ab", uuid[19]));
	assert_int_equal(uuid[23], '-');
}

static void test_a_forked_process_draws_other_bytes(void **state)
{
	unsigned char mine[16], theirs[16];
	int ends[2];
	pid_t child;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	child = fork();
	if (!child) {
		random_bytes(mine, sizeof(mine));
		_exit(write(ends[1], mine, sizeof(mine)) == sizeof(mine) ? 0 : 1);
	}
	random_bytes(mine, sizeof(mine));
	assert_int_equal(read(ends[0], theirs, sizeof(theirs)), sizeof(theirs));
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_memory_not_equal(mine, theirs, sizeof(mine));
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sha256),
		cmocka_unit_test(test_hmac),
		cmocka_unit_test(test_hkdf),
		cmocka_unit_test(test_base62_uses_every_digit_alike),
		cmocka_unit_test(test_random_texts_are_well_formed),
		cmocka_unit_test(test_a_forked_process_draws_other_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
