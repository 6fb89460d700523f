/* SPDX-License-Identifier: Apache-2.0 */
/* The broker over a real store and an engine without a cloud. */
#ifndef TESTS_BROKER_FIXTURE_H
#define TESTS_BROKER_FIXTURE_H

#include "auth/auth.h"
#include "broker/broker.h"
#include "temp_store.h"
#include "util/err.h"
#include "util/shared.h"

#define UUID "00112233-4455-6677-8899-aabbccddeeff"

extern struct shared *shared;
extern struct broker *broker; /* of a worker */
extern struct broker *taker;  /* of the revoker: another process */
extern struct revoker *revoker;
extern struct caller operator; /* who has the root token */
extern struct issue_reply reply;
extern struct err err;

const struct mount *mount(void); /* "cloud/"; borrowed */
void configure(const char *id);  /* gives it this root key */

int broker_set_up(void **state);
int broker_tear_down(void **state);

#define BROKER_TEST(name) cmocka_unit_test_setup_teardown(name, broker_set_up, broker_tear_down)

/* Asks for a credential, as `operator` or somebody else, with five seconds' time or so much; the answer
 * is in reply and err. The last one also delivers it, and returns the lease's id, to be freed. */
int issue(void);
int issue_to(const struct caller *asking, int64_t time_ms);
char *issue_delivered(void);

/* Whether the revoker was told that there is something to do, since this was asked last. Otherwise it
 * would find out a second later. */
bool is_woken(void);

/* Lets the revoker work. */
void turn(int times);

/* The state of the only lease; 0: there is none. */
int only_state(void);

/* To be freed. */
struct lease *only_lease(void);

/* Moves the only lease's due time into the past, as if the time had come. */
void make_due(void);

#endif
