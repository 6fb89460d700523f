/* SPDX-License-Identifier: Apache-2.0 */
#include "drain_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "util/clock.h"

size_t records;

int drain_set_up(void **state)
{
	broker_set_up(state);
	token_fixture_open();
	records = temp_records(temp.store);
	return 0;
}

int drain_tear_down(void **state)
{
	token_fixture_close();
	return broker_tear_down(state);
}

struct token_terms terms_of(const struct caller *parent, int64_t ttl)
{
	struct token_terms terms = ordinary(parent);

	terms.ttl = ttl;
	return terms;
}

void lend(const struct caller *owner)
{
	assert_int_equal(issue_to(owner, 5000), 0);
	broker_delivered(broker, true);
	issue_reply_clear(&reply);
}

void turn_slowly(int times)
{
	for (int i = 0; i < times; i++)
		assert_int_equal(revoker_turn(revoker, 10, &err), 0);
}

void settle(void)
{
	int64_t end = clock_boot_ms() + 30000;

	while (temp_records(temp.store) != records) {
		if (clock_boot_ms() > end)
			fail_msg("%zu records, not %zu", temp_records(temp.store), records);
		turn_slowly(1);
	}
}

void revoke(const struct caller *owner)
{
	assert_int_equal(token_revoke(temp.store, owner->token, TOKEN_REVOKE_TREE), 0);
}
