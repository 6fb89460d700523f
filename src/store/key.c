/* SPDX-License-Identifier: Apache-2.0 */
#include "store/key.h"

#include <string.h>

void key_start(struct key *key, char family)
{
	key->data[0] = (unsigned char)family;
	key->size = 1;
	key->overflow = 0;
}

void key_add(struct key *key, const void *data, size_t size)
{
	if (size > STORE_KEY_MAX - key->size)
		key->overflow = 1;
	if (key->overflow || !size)
		return;
	memcpy(key->data + key->size, data, size);
	key->size += size;
}

void key_add_text(struct key *key, const char *text)
{
	key_add(key, text, strlen(text));
}

void key_add_u64(struct key *key, uint64_t value)
{
	unsigned char bytes[8];
	size_t i;

	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(value >> (56 - 8 * i));
	key_add(key, bytes, sizeof(bytes));
}

/* The last byte that can grow does; what stands behind it goes. Nothing is left of a prefix of ff
 * bytes alone, and an empty end is indeed the end of everything. */
void key_after_prefix(struct key *key)
{
	while (key->size && key->data[key->size - 1] == 0xff)
		key->size--;
	if (key->size)
		key->data[key->size - 1]++;
}

/* A size that every driver refuses before it looks at the data. */
struct bytes key_bytes(const struct key *key)
{
	struct bytes bytes = { key->data, key->overflow ? STORE_KEY_MAX + 1 : key->size };

	return bytes;
}
