/* SPDX-License-Identifier: Apache-2.0 */
/* Wrapped responses in the store `temp`. */
#ifndef TESTS_WRAPPER_FIXTURE_H
#define TESTS_WRAPPER_FIXTURE_H

#include "auth/wrapper.h"
#include "temp_store.h"

#define TOKEN    "hvs.3tYqv8KcW0aX9LmPzR1sBn2D"
#define RESPONSE "{\"data\":{\"secret_key\":\"very-secret\"}}\n"
#define CREATED  INT64_C(1700000000500000000)

#define WRAPPER_TEST(name) cmocka_unit_test_setup_teardown(name, temp_set_up, temp_tear_down)

/* One whose keyed names are of one repeated letter; NULL: memory is out. */
struct wrapper *new_wrapper(int name, int maker, int64_t ttl);

/* Puts new in the place of old, of which one may be NULL. */
int change(const struct wrapper *old, const struct wrapper *new);

void add(int name, int maker, int64_t ttl);

/* The caller's to free. */
struct wrapper *get(int name);

#endif
