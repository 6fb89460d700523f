/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks of addresses, IPv4 and IPv6, to which a token may be bound. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "auth/token.h"
#include "util/err.h"
#include "util/text.h"

struct block {
	int family;
	unsigned char address[16];
	size_t bits; /* that count */
};

#define BLOCK_TEXT_MAX 64

static size_t bits_of(int family)
{
	return family == AF_INET ? 32 : 128;
}

/* An IPv4 address written as IPv6 is the IPv4 address. */
static void unmap(struct block *block)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (block->family != AF_INET6 || block->bits < 96 ||
	    memcmp(block->address, mapped, sizeof(mapped)) != 0)
		return;
	block->family = AF_INET;
	block->bits -= 96;
	memmove(block->address, block->address + 12, 4);
}

static int read_address(const char *text, struct block *block)
{
	block->family = strchr(text, ':') ? AF_INET6 : AF_INET;
	block->bits = bits_of(block->family);
	return inet_pton(block->family, text, block->address) == 1 ? 0 : LH_EINVAL;
}

/* "10.0.0.0/8", "2001:db8::/32", or a single address. */
static int read_block(const char *text, struct block *block)
{
	const char *slash = strchr(text, '/');
	char address[BLOCK_TEXT_MAX];
	int64_t bits;

	memset(block, 0, sizeof(*block));
	if (strlen(text) >= sizeof(address))
		return LH_EINVAL;
	memcpy(address, text, strlen(text) + 1);
	if (slash)
		address[slash - text] = '\0';
	if (read_address(address, block))
		return LH_EINVAL;
	if (slash) {
		if (slash[1] < '0' || slash[1] > '9' || text_int64(slash + 1, &bits) ||
		    bits > (int64_t)block->bits)
			return LH_EINVAL;
		block->bits = (size_t)bits;
	}
	unmap(block);
	return 0;
}

static bool holds(const struct block *block, const struct block *address)
{
	size_t bytes = block->bits / 8, rest = block->bits % 8;
	unsigned mask = 0xffU << (8 - rest) & 0xffU;

	if (block->family != address->family ||
	    memcmp(block->address, address->address, bytes) != 0)
		return false;
	return !rest || ((block->address[bytes] ^ address->address[bytes]) & mask) == 0;
}

bool cidr_is_valid(const char *text)
{
	struct block block;

	return !read_block(text, &block);
}

/* What cannot be read holds nobody: the safe side. */
bool token_allows_address(const struct caller *caller, const char *address)
{
	struct block block, from;
	const json_t *cidr;
	size_t i;

	if (!caller->bound_cidrs || !json_array_size(caller->bound_cidrs))
		return true;
	if (strchr(address, '/') || read_block(address, &from))
		return false;
	json_array_foreach(caller->bound_cidrs, i, cidr)
	{
		if (json_is_string(cidr) && !read_block(json_string_value(cidr), &block) &&
		    holds(&block, &from))
			return true;
	}
	return false;
}
