/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens that die, and what goes with them: the test turns the revoker. */
#ifndef TESTS_DRAIN_FIXTURE_H
#define TESTS_DRAIN_FIXTURE_H

#include "broker_fixture.h"
#include "token_fixture.h"

extern size_t records; /* of the whole store, before the test */

int drain_set_up(void **state);
int drain_tear_down(void **state);

#define DRAIN_TEST(name) cmocka_unit_test_setup_teardown(name, drain_set_up, drain_tear_down)

/* Terms as they are ordinary, but of so many seconds. */
struct token_terms terms_of(const struct caller *parent, int64_t ttl);

/* Asks for a credential, which is delivered as well. */
void lend(const struct caller *owner);

/* A turn that has nothing to do waits a little: the revoker does not look and commit in each one. */
void turn_slowly(int times);

/* Turns until the store holds what it held before. */
void settle(void);

void revoke(const struct caller *caller);

#endif
