/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/box.h"

#include "crypto/crypto.h"
#include "util/buf.h"
#include "util/err.h"
#include "util/wipe.h"

/* The plain text is put in its place and sealed there. */
int box_seal(const unsigned char key[XAES_KEY_SIZE], const void *ad, size_t ad_size,
	     const void *plain, size_t size, struct buf *out)
{
	static const unsigned char room[XAES_TAG_SIZE] = { 0 };
	unsigned char nonce[XAES_NONCE_SIZE];
	size_t start = out->size;
	char *at;
	int ret;

	random_bytes(nonce, sizeof(nonce));
	buf_add(out, nonce, sizeof(nonce));
	buf_add(out, plain, size);
	buf_add(out, room, sizeof(room));
	if (buf_error(out))
		return LH_ENOMEM;
	at = out->data + out->size - size - sizeof(room);
	ret = xaes_seal(key, nonce, ad, ad_size, at, size, at);
	if (ret) {
		wipe(at, size);
		out->size = start;
		out->data[start] = '\0';
	}
	return ret;
}

int box_open(const unsigned char key[XAES_KEY_SIZE], const void *ad, size_t ad_size,
	     const void *sealed, size_t size, struct buf *out)
{
	const unsigned char *nonce = sealed;
	size_t start = out->size;
	int ret;

	if (size < BOX_OVERHEAD)
		return LH_ECORRUPT;
	buf_add(out, nonce + XAES_NONCE_SIZE, size - XAES_NONCE_SIZE);
	if (buf_error(out))
		return LH_ENOMEM;
	ret = xaes_open(key, nonce, ad, ad_size, out->data + start, out->size - start,
			out->data + start);
	out->size = ret ? start : out->size - XAES_TAG_SIZE;
	out->data[out->size] = '\0';
	return ret;
}
