/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/vouched.h"

#include <stdlib.h>
#include <string.h>

#include "util/err.h"

struct voucher {
	unsigned char pair[SHA256_SIZE];
	int64_t from, until; /* both 0: none */
};

struct vouched {
	struct voucher slots[VOUCHED_SLOTS];
};

int vouched_new(struct vouched **vouched_out)
{
	*vouched_out = calloc(1, sizeof(**vouched_out));
	return *vouched_out ? 0 : LH_ENOMEM;
}

void vouched_free(struct vouched *vouched)
{
	free(vouched);
}

bool vouched_knows(const struct vouched *vouched, const unsigned char pair[SHA256_SIZE],
		   int64_t now)
{
	const struct voucher *voucher = &vouched->slots[pair[0] % VOUCHED_SLOTS];

	/* A clock that was set back may be before an authority's first second. */
	return now >= voucher->from && now < voucher->until &&
	       !memcmp(voucher->pair, pair, sizeof(voucher->pair));
}

void vouched_keep(struct vouched *vouched, const unsigned char pair[SHA256_SIZE], int64_t now,
		  int64_t until)
{
	struct voucher *voucher = &vouched->slots[pair[0] % VOUCHED_SLOTS];

	memcpy(voucher->pair, pair, sizeof(voucher->pair));
	voucher->from = now;
	voucher->until = until < now + VOUCHED_SECONDS ? until : now + VOUCHED_SECONDS;
}
