/* SPDX-License-Identifier: Apache-2.0 */
/* The published vectors of https://c2sp.org/XAES-256-GCM, the accumulated ones included. */
#include "crypto/xaes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "util/err.h"
#include "util/text.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define RATE          168 /* SHAKE128 */

/* SHAKE128 (FIPS 202), plain and slow: the accumulated vectors draw from it and hash with it. */
struct shake {
	uint64_t lanes[25];
	size_t at;
};

static uint64_t rotate(uint64_t value, unsigned int by)
{
	return by ? value << by | value >> (64 - by) : value;
}

static void theta(uint64_t lanes[25])
{
	uint64_t parity[5];
	size_t x, y;

	for (x = 0; x < 5; x++)
		parity[x] = lanes[x] ^ lanes[x + 5] ^ lanes[x + 10] ^ lanes[x + 15] ^ lanes[x + 20];
	for (x = 0; x < 5; x++) {
		for (y = 0; y < 25; y += 5)
			lanes[x + y] ^= parity[(x + 4) % 5] ^ rotate(parity[(x + 1) % 5], 1);
	}
}

static void rho_pi_chi(uint64_t lanes[25])
{
	uint64_t moved[25] = { 0 };
	size_t x = 1, y = 0, t, next;

	moved[0] = lanes[0];
	for (t = 0; t < 24; t++) {
		next = (2 * x + 3 * y) % 5;
		moved[y + 5 * next] = rotate(lanes[x + 5 * y],
					     (unsigned int)((t + 1) * (t + 2) / 2 % 64));
		x = y;
		y = next;
	}
	for (y = 0; y < 25; y += 5) {
		for (x = 0; x < 5; x++)
			lanes[x + y] = moved[x + y] ^
				       (~moved[(x + 1) % 5 + y] & moved[(x + 2) % 5 + y]);
	}
}

/* The round constants come from the standard's shift register, bit by bit. */
static void permute(uint64_t lanes[25])
{
	unsigned int lfsr = 1, round, j;

	for (round = 0; round < 24; round++) {
		theta(lanes);
		rho_pi_chi(lanes);
		for (j = 0; j < 7; j++) {
			if (lfsr & 1)
				lanes[0] ^= (uint64_t)1 << ((1U << j) - 1);
			lfsr = lfsr << 1 ^ (lfsr >> 7 ? 0x171 : 0);
		}
	}
}

static void shake_xor(struct shake *shake, size_t at, unsigned char byte)
{
	shake->lanes[at / 8] ^= (uint64_t)byte << (at % 8 * 8);
}

static void shake_add(struct shake *shake, const unsigned char *data, size_t size)
{
	while (size--) {
		shake_xor(shake, shake->at++, *data++);
		if (shake->at == RATE) {
			permute(shake->lanes);
			shake->at = 0;
		}
	}
}

static void shake_finish(struct shake *shake)
{
	shake_xor(shake, shake->at, 0x1f);
	shake_xor(shake, RATE - 1, 0x80);
	shake->at = RATE;
}

static void shake_draw(struct shake *shake, unsigned char *out, size_t size)
{
	while (size--) {
		if (shake->at == RATE) {
			permute(shake->lanes);
			shake->at = 0;
		}
		*out++ = (unsigned char)(shake->lanes[shake->at / 8] >> (shake->at % 8 * 8));
		shake->at++;
	}
}

static void check_hex(const unsigned char *data, size_t size, const char *expected)
{
	char hex[257];

	text_hex(data, size, hex);
	assert_string_equal(hex, expected);
}

static const struct {
	const char *name;
	unsigned char key_byte;
	const char *nonce, *ad, *plain, *sealed;
} vectors[] = {
	{ "the first bit of L is 0", 1, "ABCDEFGHIJKLMNOPQRSTUVWX", "", "XAES-256-GCM",
	  "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271" },
	{ "the first bit of L is 1", 3, "ABCDEFGHIJKLMNOPQRSTUVWX", "c2sp.org/XAES-256-GCM",
	  "XAES-256-GCM", "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d" },
};

static void test_vectors(void **state)
{
	unsigned char key[XAES_KEY_SIZE], sealed[64], plain[64];
	const unsigned char *nonce;
	size_t i, size;

	(void)state;
	for (i = 0; i < LENGTH(vectors); i++) {
		memset(key, vectors[i].key_byte, sizeof(key));
		nonce = (const unsigned char *)vectors[i].nonce;
		size = strlen(vectors[i].plain);
		assert_int_equal(xaes_seal(key, nonce, vectors[i].ad, strlen(vectors[i].ad),
					   vectors[i].plain, size, sealed),
				 0);
		check_hex(sealed, size + XAES_TAG_SIZE, vectors[i].sealed);
		assert_int_equal(xaes_open(key, nonce, vectors[i].ad, strlen(vectors[i].ad), sealed,
					   size + XAES_TAG_SIZE, plain),
				 0);
		assert_memory_equal(plain, vectors[i].plain, size);
	}
}

/* Seals in place and opens in place, as the keyring does. */
static void accumulate_one(struct shake *source, struct shake *sink)
{
	unsigned char key[XAES_KEY_SIZE], nonce[XAES_NONCE_SIZE], plain[255], ad[255];
	unsigned char text[255 + XAES_TAG_SIZE], size, ad_size;

	shake_draw(source, key, sizeof(key));
	shake_draw(source, nonce, sizeof(nonce));
	shake_draw(source, &size, 1);
	shake_draw(source, plain, size);
	shake_draw(source, &ad_size, 1);
	shake_draw(source, ad, ad_size);
	memcpy(text, plain, size);
	assert_int_equal(xaes_seal(key, nonce, ad, ad_size, text, size, text), 0);
	shake_add(sink, text, (size_t)size + XAES_TAG_SIZE);
	assert_int_equal(
		xaes_open(key, nonce, ad, ad_size, text, (size_t)size + XAES_TAG_SIZE, text), 0);
	assert_memory_equal(text, plain, size);
}

static void accumulate(size_t count, const char *expected)
{
	struct shake source = { { 0 }, 0 }, sink = { { 0 }, 0 };
	unsigned char digest[32];

	shake_finish(&source);
	while (count--)
		accumulate_one(&source, &sink);
	shake_finish(&sink);
	shake_draw(&sink, digest, sizeof(digest));
	check_hex(digest, sizeof(digest), expected);
}

static void test_the_generator_is_shake128(void **state)
{
	struct shake shake = { { 0 }, 0 };
	unsigned char out[16];

	(void)state;
	shake_finish(&shake);
	shake_draw(&shake, out, sizeof(out));
	check_hex(out, sizeof(out), "7f9c2ba4e88f827d616045507605853e");
}

static void test_ten_thousand_accumulated(void **state)
{
	(void)state;
	accumulate(10000, "e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939");
}

/* Some seconds: set LEASEHOLD_SLOW_TESTS=1 to run it. */
static void test_a_million_accumulated(void **state)
{
	(void)state;
	if (!getenv("LEASEHOLD_SLOW_TESTS"))
		skip();
	accumulate(1000000, "2163ae1445985a30b60585ee67daa55674df06901b890593e824b8a7c885ab15");
}

enum part { KEY, NONCE, AD, SEALED, PARTS };

/* Every single bit of every input matters, and a refused text leaves nothing behind. */
static void test_any_changed_bit_is_refused(void **state)
{
	unsigned char bytes[PARTS][40] = { { 1 }, { 2 }, { 3 }, { 0 } }, plain[8] = "secret!";
	static const unsigned char wiped[8] = { 0 };
	const size_t sizes[PARTS] = { 32, 24, 5, sizeof(plain) + XAES_TAG_SIZE };
	size_t part, bit;

	(void)state;
	assert_int_equal(xaes_seal(bytes[KEY], bytes[NONCE], bytes[AD], sizes[AD], plain,
				   sizeof(plain), bytes[SEALED]),
			 0);
	for (part = 0; part < PARTS; part++) {
		for (bit = 0; bit < sizes[part] * 8; bit++) {
			bytes[part][bit / 8] ^= (unsigned char)(1U << bit % 8);
			assert_int_equal(xaes_open(bytes[KEY], bytes[NONCE], bytes[AD], sizes[AD],
						   bytes[SEALED], sizes[SEALED], plain),
					 LH_ECORRUPT);
			assert_memory_equal(plain, wiped, sizeof(plain));
			bytes[part][bit / 8] ^= (unsigned char)(1U << bit % 8);
		}
	}
	assert_int_equal(xaes_open(bytes[KEY], bytes[NONCE], bytes[AD], sizes[AD], bytes[SEALED],
				   sizes[SEALED], plain),
			 0);
	assert_string_equal((char *)plain, "secret!");
}

static void test_short_texts_are_refused(void **state)
{
	unsigned char key[XAES_KEY_SIZE] = { 0 }, nonce[XAES_NONCE_SIZE] = { 0 };
	unsigned char text[XAES_TAG_SIZE], out[1];
	size_t size;

	(void)state;
	assert_int_equal(xaes_seal(key, nonce, "", 0, "", 0, text), 0);
	assert_int_equal(xaes_open(key, nonce, "", 0, text, sizeof(text), out), 0);
	for (size = 0; size < XAES_TAG_SIZE; size++)
		assert_int_equal(xaes_open(key, nonce, "", 0, text, size, out), LH_ECORRUPT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_the_generator_is_shake128),
		cmocka_unit_test(test_ten_thousand_accumulated),
		cmocka_unit_test(test_a_million_accumulated),
		cmocka_unit_test(test_any_changed_bit_is_refused),
		cmocka_unit_test(test_short_texts_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
