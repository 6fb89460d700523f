/* SPDX-License-Identifier: Apache-2.0 */
/* auth/token/ as clients see it, asked with tokens of all kinds. */
#ifndef TESTS_TOKENS_FIXTURE_H
#define TESTS_TOKENS_FIXTURE_H

#include "api_fixture.h"
#include "auth/token.h"

#define DENIED  "1 error occurred:\n\t* permission denied\n\n"
#define INVALID "2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n"
#define MAKER                                                                                      \
	"path \"auth/token/create*\" { capabilities = [\"create\", \"update\"] }\n"                \
	"path \"auth/token/*\" { capabilities = [\"update\", \"read\"] }\n"
#define REACHER                                                                                    \
	"path \"auth/token/create\" { capabilities = [\"update\"] }\n"                             \
	"path \"auth/token/lookup-accessor\" { capabilities = [\"update\"] }\n"                    \
	"path \"auth/token/renew-accessor\" { capabilities = [\"update\"] }\n"                     \
	"path \"auth/token/revoke-accessor\" { capabilities = [\"update\"] }\n"

struct bearer {
	char token[TOKEN_TEXT_MAX + 1], accessor[32];
};

/* Asks as that bearer. Returns the status. */
int ask_as(const struct bearer *bearer, const char *method, const char *path, const char *body);

/* Asks as that bearer and fails the test unless status and, if it is not NULL, error are these. */
void expect_as(const struct bearer *bearer, const char *method, const char *path, const char *body,
	       int status, const char *text);

/* What the last answer gives. */
struct bearer taken(void);

/* Made by root, or by another, as the body says. */
struct bearer made(const char *body);
struct bearer made_by(const struct bearer *parent, const char *body);

/* A policy, and a token that has it and the right to make others. */
struct bearer with_policy(const char *name, const char *rules);

#endif
