/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens in a real store, which is `temp`. */
#ifndef TESTS_TOKEN_FIXTURE_H
#define TESTS_TOKEN_FIXTURE_H

#include "auth/token.h"
#include "temp_store.h"

extern json_t *policies; /* "a" and "default" */
extern json_t *metadata;

/* Makes and frees those two. */
void token_fixture_open(void);
void token_fixture_close(void);

/* The same with the store; of a group. */
int token_set_up(void **state);
int token_tear_down(void **state);

/* Terms of a child, or with NULL of an orphan; of ten minutes. */
struct token_terms ordinary(const struct caller *parent);

/* Made, but not looked up. */
void make(const struct token_terms *terms, struct token_made *made);

/* A new token, looked up; the text goes to token (room for TOKEN_TEXT_MAX), which may be NULL. */
struct caller born(const struct token_terms *terms, char *token);
struct caller child_of(const struct caller *parent);

/* What a lookup says, by the text or by the keyed name. */
int look_up(const char *token);
int look_up_name(const struct caller *known);

/* Moves the end of a token into the past, as only time does. */
void let_end(const struct caller *caller);

#endif
