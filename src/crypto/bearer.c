/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/bearer.h"

#include <string.h>

#include "crypto/box.h"
#include "crypto/crypto.h"
#include "util/buf.h"
#include "util/wipe.h"

static const char *const labels[] = {
	[BEARER_CUBBYHOLE] = "leasehold bearer cubbyhole",
	[BEARER_WRAPPER] = "leasehold bearer wrapper",
};

static int derive(enum bearer_use use, const char *store_id, const char *token,
		  unsigned char key[XAES_KEY_SIZE])
{
	return hkdf_sha256(token, strlen(token), store_id, strlen(store_id), labels[use],
			   strlen(labels[use]), key, XAES_KEY_SIZE);
}

int bearer_seal(enum bearer_use use, const char *store_id, const char *token, const void *plain,
		size_t size, struct buf *out)
{
	unsigned char key[XAES_KEY_SIZE] = { 0 };
	int ret = derive(use, store_id, token, key);

	if (!ret)
		ret = box_seal(key, labels[use], strlen(labels[use]), plain, size, out);
	wipe(key, sizeof(key));
	return ret;
}

int bearer_open(enum bearer_use use, const char *store_id, const char *token, const void *sealed,
		size_t size, struct buf *out)
{
	unsigned char key[XAES_KEY_SIZE] = { 0 };
	int ret = derive(use, store_id, token, key);

	if (!ret)
		ret = box_open(key, labels[use], strlen(labels[use]), sealed, size, out);
	wipe(key, sizeof(key));
	return ret;
}
