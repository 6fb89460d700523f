/* SPDX-License-Identifier: Apache-2.0 */
/* The derivation tree, each arrow an HKDF with its own label:
 *
 *   master key ──▶ wrapping key                          seals the record of the root keys
 *              ──▶ web secret                            shown to the web server, stored nowhere
 *   root key   ──▶ value key                             one for each root key, seals values
 *              ──▶ token key                             the same, seals batch tokens
 *   first root key ──▶ lease, token, account, accessor,  the same for ever
 *                      identity name keys
 *
 * Everything is derived once, when the keyring is made; the whole struct lives in the mapping. */
#include <config.h>

#include "crypto/keyring.h"

#include <string.h>
#include <sys/mman.h>

#include "crypto/box.h"
#include "crypto/crypto.h"
#include "util/buf.h"
#include "util/err.h"
#include "util/reader.h"
#include "util/text.h"
#include "util/wipe.h"

#define KEY_SIZE       32
#define ID_SIZE        4
#define SEALED_MIN     (ID_SIZE + BOX_OVERHEAD)
#define RECORD_VERSION 1
#define RECORD_AD      "leasehold keyring "

static const char *const name_labels[] = {
	[KEYRING_LEASE] = "leasehold name lease",
	[KEYRING_TOKEN] = "leasehold name token",
	[KEYRING_ACCOUNT] = "leasehold name account",
	[KEYRING_ACCESSOR] = "leasehold name accessor",
	[KEYRING_IDENTITY] = "leasehold name identity",
};

#define NAMES (sizeof(name_labels) / sizeof(name_labels[0]))

struct root {
	/* Random, so that two copies of a store that rotate apart never agree on one. */
	uint32_t id;
	unsigned char key[KEY_SIZE], value_key[KEY_SIZE], token_key[KEY_SIZE];
};

struct keyring {
	unsigned char wrapping_key[KEY_SIZE];
	char web_secret[WEB_SECRET_SIZE + 1];
	unsigned char name_keys[NAMES][KEY_SIZE];
	size_t count;
	struct root roots[KEYRING_ROOTS_MAX]; /* oldest first */
};

static int derive(const unsigned char key[KEY_SIZE], const char *label, unsigned char out[KEY_SIZE])
{
	return hkdf_sha256(key, KEY_SIZE, NULL, 0, label, strlen(label), out, KEY_SIZE);
}

int web_secret_derive(const unsigned char master[MASTER_KEY_SIZE],
		      char secret_out[WEB_SECRET_SIZE + 1])
{
	unsigned char secret[KEY_SIZE] = { 0 };
	int ret = derive(master, "leasehold web secret", secret);

	text_hex(secret, sizeof(secret), secret_out);
	wipe(secret, sizeof(secret));
	return ret;
}

const char *keyring_web_secret(const struct keyring *keyring)
{
	return keyring->web_secret;
}

/* Locks pages as they are touched, since most of the room for root keys is never used. That fails
 * where RLIMIT_MEMLOCK is small: then the keys may be swapped, which is no reason to stop. */
static struct keyring *allocate(void)
{
	void *mapping;

	mapping = mmap(NULL, sizeof(struct keyring), PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (mapping == MAP_FAILED)
		return NULL;
	(void)mlock2(mapping, sizeof(struct keyring), MLOCK_ONFAULT);
	(void)madvise(mapping, sizeof(struct keyring), MADV_DONTDUMP);
	return mapping;
}

/* The root keys in use; what lies behind was never touched. */
static void wipe_used(struct keyring *keyring)
{
	wipe(keyring, offsetof(struct keyring, roots) + keyring->count * sizeof(struct root));
}

void keyring_free(struct keyring *keyring)
{
	if (!keyring)
		return;
	wipe_used(keyring);
	munmap(keyring, sizeof(*keyring));
}

static int allocate_for(const unsigned char master[MASTER_KEY_SIZE], struct keyring **keyring_out)
{
	int ret;

	*keyring_out = allocate();
	if (!*keyring_out)
		return LH_ENOMEM;
	ret = derive(master, "leasehold keyring wrap", (*keyring_out)->wrapping_key);
	if (!ret)
		ret = web_secret_derive(master, (*keyring_out)->web_secret);
	if (ret) {
		keyring_free(*keyring_out);
		*keyring_out = NULL;
	}
	return ret;
}

static const struct root *find_root(const struct keyring *keyring, uint32_t id)
{
	size_t i;

	for (i = keyring->count; i > 0; i--) {
		if (keyring->roots[i - 1].id == id)
			return &keyring->roots[i - 1];
	}
	return NULL;
}

static int derive_names(struct keyring *keyring)
{
	size_t i;
	int ret = 0;

	for (i = 0; !ret && i < NAMES; i++)
		ret = derive(keyring->roots[0].key, name_labels[i], keyring->name_keys[i]);
	return ret;
}

/* Adds a root key and what is derived from it. */
static int add_root(struct keyring *keyring, uint32_t id, const unsigned char key[KEY_SIZE])
{
	struct root *root = &keyring->roots[keyring->count];
	int ret;

	if (keyring->count == KEYRING_ROOTS_MAX)
		return LH_ERANGE;
	root->id = id;
	memcpy(root->key, key, KEY_SIZE);
	ret = derive(key, "leasehold value", root->value_key);
	if (!ret)
		ret = derive(key, "leasehold batch token", root->token_key);
	if (!ret && keyring->count == 0)
		ret = derive_names(keyring);
	if (ret)
		wipe(root, sizeof(*root));
	else
		keyring->count++;
	return ret;
}

int keyring_rotate(struct keyring *keyring)
{
	unsigned char key[KEY_SIZE];
	uint32_t id;
	int ret;

	do
		random_bytes(&id, sizeof(id));
	while (find_root(keyring, id));
	random_bytes(key, sizeof(key));
	ret = add_root(keyring, id, key);
	wipe(key, sizeof(key));
	return ret;
}

int keyring_new(const unsigned char master[MASTER_KEY_SIZE], struct keyring **keyring_out)
{
	struct keyring *keyring;
	int ret;

	*keyring_out = NULL;
	ret = allocate_for(master, &keyring);
	if (ret)
		return ret;
	ret = keyring_rotate(keyring);
	if (ret)
		keyring_free(keyring);
	else
		*keyring_out = keyring;
	return ret;
}

static void add_record_ad(struct buf *ad, const char *store_id)
{
	buf_add_text(ad, RECORD_AD);
	buf_add_text(ad, store_id);
}

int keyring_wrap(const struct keyring *keyring, const char *store_id, struct buf *out)
{
	struct buf record = BUF_INIT, ad = BUF_INIT;
	size_t i;
	int ret;

	buf_add_u8(&record, RECORD_VERSION);
	buf_add_u32(&record, (uint32_t)keyring->count);
	for (i = 0; i < keyring->count; i++) {
		buf_add_u32(&record, keyring->roots[i].id);
		buf_add_string(&record, keyring->roots[i].key, KEY_SIZE);
	}
	add_record_ad(&ad, store_id);
	ret = buf_error(&record);
	if (!ret)
		ret = buf_error(&ad);
	if (!ret)
		ret = box_seal(keyring->wrapping_key, ad.data, ad.size, record.data, record.size,
			       out);
	buf_free(&record);
	buf_free(&ad);
	return ret;
}

static int read_roots(struct keyring *keyring, const struct buf *record)
{
	struct reader reader;
	uint32_t count, id;
	const void *key;
	size_t size;
	int ret;

	reader_init(&reader, record->data, record->size);
	if (reader_u8(&reader) != RECORD_VERSION)
		return LH_ECORRUPT;
	for (count = reader_u32(&reader); count > 0; count--) {
		id = reader_u32(&reader);
		key = reader_string(&reader, &size);
		if (size != KEY_SIZE)
			return LH_ECORRUPT;
		ret = add_root(keyring, id, key);
		if (ret)
			return ret;
	}
	return keyring->count ? reader_end(&reader) : LH_ECORRUPT;
}

/* Fills an empty keyring that has its wrapping key. */
static int unwrap_into(struct keyring *keyring, const void *sealed, size_t size,
		       const char *store_id)
{
	struct buf record = BUF_INIT, ad = BUF_INIT;
	int ret;

	add_record_ad(&ad, store_id);
	ret = buf_error(&ad);
	if (!ret)
		ret = box_open(keyring->wrapping_key, ad.data, ad.size, sealed, size, &record);
	if (!ret)
		ret = read_roots(keyring, &record);
	buf_free(&record);
	buf_free(&ad);
	return ret;
}

int keyring_unwrap(const void *sealed, size_t size, const unsigned char master[MASTER_KEY_SIZE],
		   const char *store_id, struct keyring **keyring_out)
{
	struct keyring *keyring;
	int ret;

	*keyring_out = NULL;
	ret = allocate_for(master, &keyring);
	if (ret)
		return ret;
	ret = unwrap_into(keyring, sealed, size, store_id);
	if (ret)
		keyring_free(keyring);
	else
		*keyring_out = keyring;
	return ret;
}

int keyring_reload(struct keyring *keyring, const void *sealed, size_t size, const char *store_id)
{
	struct keyring *newer;
	int ret;

	newer = allocate();
	if (!newer)
		return LH_ENOMEM;
	memcpy(newer->wrapping_key, keyring->wrapping_key, KEY_SIZE);
	memcpy(newer->web_secret, keyring->web_secret, sizeof(newer->web_secret));
	ret = unwrap_into(newer, sealed, size, store_id);
	if (!ret) {
		wipe_used(keyring);
		memcpy(keyring, newer,
		       offsetof(struct keyring, roots) + newer->count * sizeof(struct root));
	}
	keyring_free(newer);
	return ret;
}

int keyring_seal(const struct keyring *keyring, const void *ad, size_t ad_size, const void *plain,
		 size_t size, struct buf *out)
{
	const struct root *newest = &keyring->roots[keyring->count - 1];

	buf_add_u32(out, newest->id);
	return box_seal(newest->value_key, ad, ad_size, plain, size, out);
}

/* The root key that sealed something, LH_ENOENT if it is not here. */
static int sealing_root(const struct keyring *keyring, const void *sealed, size_t size,
			const struct root **root_out)
{
	struct reader reader;

	if (size < SEALED_MIN)
		return LH_ECORRUPT;
	reader_init(&reader, sealed, ID_SIZE);
	*root_out = find_root(keyring, reader_u32(&reader));
	return *root_out ? 0 : LH_ENOENT;
}

int keyring_open(const struct keyring *keyring, const void *ad, size_t ad_size, const void *sealed,
		 size_t size, struct buf *out)
{
	const unsigned char *bytes = sealed;
	const struct root *root;
	int ret = sealing_root(keyring, sealed, size, &root);

	if (ret)
		return ret;
	return box_open(root->value_key, ad, ad_size, bytes + ID_SIZE, size - ID_SIZE, out);
}

int keyring_seal_token(const struct keyring *keyring, const void *ad, size_t ad_size,
		       const void *plain, size_t size, struct buf *out)
{
	const struct root *newest = &keyring->roots[keyring->count - 1];

	buf_add_u32(out, newest->id);
	return box_seal(newest->token_key, ad, ad_size, plain, size, out);
}

int keyring_open_token(const struct keyring *keyring, const void *ad, size_t ad_size,
		       const void *sealed, size_t size, struct buf *out)
{
	const unsigned char *bytes = sealed;
	const struct root *root;
	int ret = sealing_root(keyring, sealed, size, &root);

	if (ret)
		return ret;
	return box_open(root->token_key, ad, ad_size, bytes + ID_SIZE, size - ID_SIZE, out);
}

int keyring_name(const struct keyring *keyring, enum keyring_name purpose, const char *text,
		 unsigned char out[KEYRING_NAME_SIZE])
{
	unsigned char mac[SHA256_SIZE] = { 0 };
	int ret;

	ret = hmac_sha256(keyring->name_keys[purpose], KEY_SIZE, text, strlen(text), mac);
	memcpy(out, mac, KEYRING_NAME_SIZE);
	wipe(mac, sizeof(mac));
	return ret;
}
