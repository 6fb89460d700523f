/* SPDX-License-Identifier: Apache-2.0 */
/* The API that lends credentials of an engine without a cloud, from the mount "cloud/" by the role
 * "app". Nobody but the test turns the revoker. */
#ifndef TESTS_LENDING_FIXTURE_H
#define TESTS_LENDING_FIXTURE_H

#include "api_fixture.h"
#include "fake_engine.h"

#define CREDS "cloud/creds/app"

int lending_set_up(void **state);
int lending_tear_down(void **state);

#define LENDING_TEST(name) cmocka_unit_test_setup_teardown(name, lending_set_up, lending_tear_down)

/* Lets the revoker work. */
void turn(int times);

#endif
