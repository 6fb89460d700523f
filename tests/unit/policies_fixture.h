/* SPDX-License-Identifier: Apache-2.0 */
/* Policies over the API: who asks has what was written. */
#ifndef TESTS_POLICIES_FIXTURE_H
#define TESTS_POLICIES_FIXTURE_H

#include "api_fixture.h"

#define DENIED "1 error occurred:\n\t* permission denied\n\n"

int policies_set_up(void **state);

#define POLICIES_TEST(name) cmocka_unit_test_setup_teardown(name, policies_set_up, api_tear_down)

/* Stores a policy under a name. Whoever asked before, root asks from then on. */
void put(const char *name, const char *text);

/* What is asked from now on is asked with a new token of these policies, a list in JSON; its accessor
 * goes to `accessor`, which may be NULL. */
void become(const char *names, char *accessor);
void become_root(void);

#endif
