/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens that die, over a real store: the test turns the revoker. */
#ifndef TESTS_DRAIN_FIXTURE_H
#define TESTS_DRAIN_FIXTURE_H

#include "auth/token.h"
#include "broker/broker.h"
#include "temp_store.h"
#include "util/err.h"

#define UUID "00112233-4455-6677-8899-aabbccddeeff"

extern struct temp_store temp;
extern struct broker *broker; /* of a worker */
extern struct broker *taker;  /* of the revoker: another process */
extern struct revoker *revoker;
extern struct err err;
extern size_t records; /* before the test */
extern struct issue_reply reply;

size_t count_records(void);      /* of the whole store */
const struct mount *mount(void); /* borrowed */

int set_up(void **state);
int tear_down(void **state);

/* Terms of a child, or with NULL of an orphan; ttl in seconds. */
struct token_terms terms_of(const struct caller *parent, int64_t ttl);

/* Made, but not looked up: also one whose end lies in the past. */
void make(const struct token_terms *terms, struct token_made *made);

/* Made and looked up; its text goes to text, which may be NULL. */
struct caller born(const struct token_terms *terms, char *text);
struct caller child_of(const struct caller *parent);

/* Asks for a credential, which is in reply then; the other one delivers it as well. */
int issue(const struct caller *caller);
void lend(const struct caller *caller);

/* A turn that has nothing to do waits a little: the revoker does not look and commit in each one. */
void turn(int times);

/* Turns until the store holds what it held before. */
void settle(void);

void revoke(const struct caller *caller);

/* What a lookup says of a token that was known. */
int look_up(const struct caller *known);

#endif
