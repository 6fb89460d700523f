/* SPDX-License-Identifier: Apache-2.0 */
/* Wrapped answers through the API that lends. */
#ifndef TESTS_WRAPPING_FIXTURE_H
#define TESTS_WRAPPING_FIXTURE_H

#include "lease/lease.h"
#include "lending_fixture.h"

#define INVALID   "wrapping token is not valid or does not exist"
#define CANNOT    "error validating wrapping token: "
#define SECRET    "only for the caller"
#define DEADLINE  5000
#define FOR_UNTIL "60"

extern char wrapping[64];  /* the last wrapping token */
extern char lease_id[200]; /* of the last answer that was unwrapped */

/* As the fixture below, with a ttl of half an hour. */
int wrapping_set_up(void **state);

#define WRAPPING_TEST(name)                                                                        \
	cmocka_unit_test_setup_teardown(name, wrapping_set_up, lending_tear_down)

/* A request with every detail; token NULL: root's. Returns the status. */
int ask_as(const char *token, const char *method, const char *path, const char *body,
	   const char *wrap_ttl);
void expect_error(int status, const char *text); /* of the last answer */

/* Asks as root for a wrapped answer, whose token is in `wrapping` then. */
void wrap(const char *method, const char *path, const char *body, const char *wrap_ttl);
const json_t *info(void); /* wrap_info of the last answer; borrowed */

/* {"token": token}; good until the next one. */
const char *with_token(const char *token);

/* Opens it; returns the status. */
int unwrap(const char *token);

/* The only lease, to be freed; NULL: there is none. Its state, 0: there is none. */
struct lease *only_lease(void);
int lease_state(void);

/* Asks for a wrapped token. */
void wrap_token(void);

/* As if so many seconds had gone by for the last wrapper. */
void age(int64_t seconds);

#endif
